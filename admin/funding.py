"""Funding: what is owed and by when, money received, receipts."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from peewee import fn

from huigong import clock, money
from huigong.access import allow, find, holds, paths, scope, scope_of_met, visible
from huigong.admin.lists import (
    MOST_COUNTED,
    Waiting,
    asked_order,
    beside,
    counted,
    ordered,
    page_of,
)
from huigong.admin.reasoned import do_for_a_reason
from huigong.admin.receiving import receiver_ids
from huigong.models import (
    Due,
    DueStanding,
    DueTotal,
    Edition,
    Organization,
    Payment,
    PaymentReversal,
    Receipt,
    ReceiptWanted,
    Role,
    Roster,
    Scheme,
    User,
)
from huigong.plans.vocabulary import OPERATORS, OWERS
from huigong.refusals import Refused
from huigong.workflows import funding as deeds
from huigong.workflows import remarks, top_ups
from huigong.workflows.schemes import plan_of

funding = Blueprint("funding", __name__, url_prefix="/admin/funding")

READERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
STATES = {"unpaid": "未缴清", "overdue": "逾期未缴", "paid": "已缴清"}
Payer = Organization.alias()


PAYERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE)


def waiting() -> list[Waiting]:
    """What waits: at each level what it owes itself; for finance what others owe, receipts."""
    late, to_come = _overdue(), _unpaid() & (DueStanding.due_on >= clock.today())
    ours = beside(scope_of_met(DueStanding, Role.FINANCE) & _ours())
    # What finance of the receiver owes itself stands among what is owed to it.
    others = beside(scope_of_met(DueStanding, *PAYERS) & ~_ours())

    def mine(condition: Any) -> int:
        own = (DueStanding.payer << _own(*PAYERS)) & condition & DueStanding.own()
        return counted(DueStanding, own, others, most=MOST_COUNTED)

    return [
        Waiting(
            mine(late),
            "笔本单位应缴已逾期，请尽快缴纳",
            url_for("funding.index", whose="mine", state="overdue"),
        ),
        Waiting(
            mine(to_come),
            "笔应缴等本单位缴纳",
            url_for("funding.index", whose="mine", state="unpaid"),
        ),
        Waiting(
            counted(DueStanding, late, ours, most=MOST_COUNTED),
            "笔应缴已逾期",
            url_for("funding.index", state="overdue"),
        ),
        Waiting(
            counted(DueStanding, to_come, ours, most=MOST_COUNTED),
            "笔应缴未到期，到账后请登记",
            url_for("funding.index", state="unpaid"),
        ),
        Waiting(
            counted(ReceiptWanted, to_confirm(), most=MOST_COUNTED),
            "份名册已缴清，待开票确认",
            url_for("funding.receipts"),
        ),
    ]


def to_confirm() -> Any:
    """The condition of the fully paid rosters without a receipt whose money is received by the
    user's office."""
    met = beside(scope_of_met(ReceiptWanted, Role.FINANCE))
    return (ReceiptWanted.receiver << receiver_ids()) & met


def _own(*roles: Role) -> list[int]:
    """The organizations where the signed-in user holds one of `roles` themselves."""
    return [grant.organization_id for grant in g.grants if grant.role in roles]


def _ours() -> Any:
    """The condition that a due's money is received where the signed-in user is finance."""
    return DueStanding.receiver << receiver_ids()


def _unpaid(kept: Any = DueStanding) -> Any:
    return kept.settled == False  # noqa: E712 SQL's own


def _overdue(kept: Any = DueStanding) -> Any:
    return _unpaid(kept) & (kept.due_on < clock.today())


def _paid(kept: Any = DueStanding) -> Any:
    return kept.settled == True  # noqa: E712 SQL's own


_IN_STATE = {"unpaid": _unpaid, "overdue": _overdue, "paid": _paid}


@dataclass(frozen=True)
class Filters:
    """What the list was asked for; `whose` is mine or all."""

    state: str
    scheme: int
    carrier: str
    whose: str

    @classmethod
    def asked(cls) -> "Filters":
        args, scheme = request.args, request.args.get("scheme", "")
        usual = "all" if holds(Role.FINANCE, Role.AUDITOR) else "mine"
        number = int(scheme) if scheme.isdecimal() and len(scheme) < 9 else 0
        return cls(args.get("state", ""), number, args.get("carrier", ""), args.get("whose", usual))

    def indexed(self) -> list[Any]:
        """What was asked for and an index finds."""
        filters = [_IN_STATE[self.state]()] if self.state in _IN_STATE else []
        filters += [DueStanding.carrier == self.carrier] if self.carrier in OWERS else []
        filters += [DueStanding.scheme == self.scheme] if self.scheme else []
        return filters + ([DueStanding.payer << _own(*READERS)] if self.whose == "mine" else [])

    def held(self) -> list[Any]:
        """What each due met is asked."""
        return [DueStanding.own()] if self.whose == "mine" else []

    def sums(self) -> tuple[int, int, int]:
        """How many dues these are, their fen, and the fen still owing."""
        kept: Any = DueStanding if self.whose == "mine" else DueTotal
        found = [_IN_STATE[self.state](kept)] if self.state in _IN_STATE else []
        found += [kept.scheme == self.scheme] if self.scheme else []
        found += [kept.carrier == self.carrier] if self.carrier in OWERS else []
        if kept is DueTotal:
            nodes = [int(path.split("/")[-2]) for path in paths()]
            found.append(DueTotal.organization << nodes)
            count = fn.SUM(DueTotal.dues)
        else:
            found += [DueStanding.payer << _own(*READERS), DueStanding.own()]
            found.append(beside(scope(DueStanding)))
            count = fn.COUNT(DueStanding.id)
        sums = kept.select(count, fn.SUM(kept.amount), fn.SUM(kept.owing)).where(*found)
        dues, owed, owing = (int(number or 0) for number in sums.tuples().get())
        return dues, owed, owing


@funding.get("/")
@allow(*READERS, on=Due, menu=(30, "缴费"))
def index() -> Any:
    filters = Filters.asked()
    dues, owed, owing = filters.sums()
    page = replace(_page(filters), total=dues)
    schemes = visible(Scheme).order_by(Scheme.name)
    return render_template(
        "admin/funding/index.html",
        page=page, filters=filters, owed=owed, received=owed - owing, schemes=schemes,
        states=STATES, carriers=OWERS, state_of=state_of,
    )  # fmt: skip


def _page(filters: Filters) -> Any:
    """The asked page of dues, with what the list shows of them."""
    columns = {
        "due": DueStanding.due_on,
        "amount": DueStanding.amount,
        "unit": (Organization.pinyin, Organization.id, DueStanding.id),
    }
    name, _ = asked_order(columns, default="due")
    by_day = name == "due" and filters.state in _IN_STATE  # an index has a state's by their day
    page = page_of(
        DueStanding, ordered(DueStanding, columns, default="due"),
        filters=filters.indexed(), held=filters.held(),
        near=_IN_STATE[filters.state]() if by_day else None,
    )  # fmt: skip
    dues = _with_rosters(Due.select().where(Due.id << [row.due_id for row in page.rows]))
    by_id = {due.id: due for due in dues}
    return replace(page, rows=[by_id[row.due_id] for row in page.rows])


def _with_rosters(dues: Any) -> Any:
    """Dues with what a list shows of them: fen received, roster, unit, edition, who pays."""
    received = Due.received().alias("received_fen")
    return (
        dues.select(Due, Roster, Organization, Edition, Payer, received, Due.giver())
        .join_from(Due, Roster)
        .join_from(Roster, Edition)
        .join_from(Due, Organization, on=Due.organization)
        .join_from(Due, Payer, on=(Due.payer == Payer.id), attr="payer")
    )


def state_of(due: Due, received: int) -> tuple[str, str]:
    """A due's state in words, and the kind of its badge."""
    if received >= due.amount:
        return "已缴清", "good"
    late = (clock.today() - due.due_on).days
    if late > 0:
        return f"逾期{late}天", "bad"
    return ("部分到账" if received else "待缴"), "wait"


def _dues_of(roster: Roster) -> list[Any]:
    live = visible(Due).where(Due.roster == roster, Due.live())
    return list(_with_rosters(live).order_by(Due.due_on, Due.id))


@funding.get("/rosters/<int:id>/")
@allow(*READERS, on=Roster)
def roster(id: int) -> Any:
    roster = find(Roster, id)
    dues = list(
        _with_rosters(visible(Due).where(Due.roster == roster, Due.live())).order_by(Due.due_on)
    )
    return render_template(
        "admin/funding/roster.html",
        roster=roster,
        dues=dues,
        payments=_payments(roster),
        receipts=[r for r in receipts_of(roster) if r],
        receipt=all(receipts_of(roster)) and bool(dues),
        remarks={due.id: remarks.remark_of(due) for due in dues},
        is_paid=bool(dues) and deeds.is_paid(roster),
        ours=received_here(roster),
        unstated=[
            d.carrier for d in dues if not deeds.stated_day(plan_of(roster.edition), d.carrier)
        ],
        operator=OPERATORS[plan_of(roster.edition)["operator"]],
        carriers=OWERS,
        state_of=state_of,
    )


def _unstated(roster: Roster, dues: list[Due]) -> list[str]:
    """Who owes without the scheme saying by when."""
    plan = plan_of(roster.edition)
    return [due.carrier for due in dues if not deeds.stated_day(plan, due.carrier)]


def receipts_of(roster: Roster) -> list[Receipt | None]:
    """A roster's receipts, the unit's and the giver's; None for one still to be confirmed."""
    owing = {due.carrier == "gift" for due in roster.dues.where(Due.live())}
    return [deeds.receipt_of(roster, given=given) for given in sorted(owing)]


def _payments(roster: Roster) -> list[Any]:
    """A roster's payments in order, each with its reversal, if there is one, as `.undone`."""
    query = Payment.select(Payment, Due, User).join_from(Payment, Due).join_from(Payment, User)
    payments: list[Any] = list(
        query.where(Due.roster == roster).order_by(Payment.received_on, Payment.id)
    )
    reversals = PaymentReversal.select().where(PaymentReversal.payment << payments)
    undone = {reversal.payment_id: reversal for reversal in reversals}
    for payment in payments:
        payment.undone = undone.get(payment.id)
    return payments


def received_here(roster: Roster) -> bool:
    """Whether the signed-in user is finance of whoever receives this roster's money."""
    return holds(Role.FINANCE, at=roster.edition.organization)


def only_received_here(roster: Roster) -> None:
    """Another office's money is as absent here."""
    if not received_here(roster):
        abort(404)


@funding.get("/dues/<int:id>/payment")
@allow(Role.FINANCE, on=Due)
def payment(id: int) -> Any:
    due = find(Due, id)
    only_received_here(due.roster)
    typed = {"received_on": clock.today(), "amount": money.plain(due.amount - due.paid)}
    return _payment_page(due, typed, {})


@funding.post("/dues/<int:id>/payment")
@allow(Role.FINANCE, on=Due)
def record_payment(id: int) -> Any:
    due = find(Due, id)
    only_received_here(due.roster)
    try:
        deeds.record_payment(due, **_typed(request.form), by=g.user, at=clock.now())
    except Refused as refused:
        return _payment_page(due, request.form, refused.by_field()), 422
    flash("已登记到账")
    return redirect(url_for("funding.roster", id=due.roster_id), 303)


def _payment_page(due: Due, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/funding/payment.html", due=due, form=form, errors=errors, carriers=OWERS
    )


def _typed(form: Any) -> dict[str, Any]:
    """A payment as typed. Refuses, all at once, what is no amount or no date."""
    faults, amount, day = [], 0, None
    try:
        amount = money.typed_yuan(form.get("amount", ""))
    except ValueError:
        faults.append(("amount", "请填写到账金额，以元为单位，最多两位小数，例如 6400.00"))
    try:
        day = date.fromisoformat(form.get("received_on", ""))
    except ValueError:
        faults.append(("received_on", "请填写到账日期，例如 2024-12-16"))
    reference = form.get("bank_reference", "").strip()
    if faults and not reference:
        faults.append(("bank_reference", "请填写银行流水号"))
    if faults:
        raise Refused.all(faults)
    remark = form.get("remark", "").strip()
    return {"amount": amount, "received_on": day, "bank_reference": reference, "remark": remark}


@funding.get("/payments/<int:id>/reversal")
@allow(Role.FINANCE, on=Payment)
def reversal(id: int) -> Any:
    payment = find(Payment, id)
    only_received_here(payment.due.roster)
    return render_template(
        "admin/funding/reversal.html", payment=payment, form={}, errors={}, carriers=OWERS
    )


@funding.post("/payments/<int:id>/reversal")
@allow(Role.FINANCE, on=Payment)
def reverse_payment(id: int) -> Any:
    payment = find(Payment, id)
    only_received_here(payment.due.roster)
    return do_for_a_reason(
        deeds.reverse_payment, payment, page="admin/funding/reversal.html",
        payment=payment, carriers=OWERS,
        said="已更正：这笔到账不再计入",
        to=url_for("funding.roster", id=payment.due.roster_id),
    )  # fmt: skip


@funding.get("/rosters/<int:id>/notice")
@allow(*READERS, on=Roster)
def notice(id: int) -> Any:
    """The fee notice: who pays how much until when, and what to write on the transfer."""
    roster = find(Roster, id)
    dues = list(
        _with_rosters(visible(Due).where(Due.roster == roster, Due.live())).order_by(Due.due_on)
    )
    return render_template(
        "admin/funding/notice.html",
        roster=roster, dues=dues, carriers=OWERS, total=sum(due.amount for due in dues),
        clause=(plan_of(roster.edition)["fee"] or {}).get("clause", ""),
        top_ups=top_ups.held_for(roster),
        remarks={due.id: remarks.remark_of(due) for due in dues},
        unstated=_unstated(roster, dues),
    )  # fmt: skip
