"""Funding: the shares owed for a roster, the money received on them, and its receipt."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from peewee import fn

from huigong import identity
from huigong.database import writes
from huigong.models import (
    Due,
    DueReversal,
    DueStanding,
    Edition,
    Enrollment,
    Gift,
    GiftReceipt,
    Journal,
    Level,
    Organization,
    Payment,
    PaymentReversal,
    Receipt,
    ReceiptVoid,
    ReceiptWanted,
    Roster,
    Scheme,
    StatementLine,
    User,
)
from huigong.money import yuan
from huigong.plans.vocabulary import OWERS
from huigong.refusals import Refused
from huigong.workflows import audit, ledger, shares
from huigong.workflows.numbers import next_of_year
from huigong.workflows.schemes import plan_of
from huigong.workflows.standings import restand, stand
from huigong.workflows.undoing import undo

MOST_REFERENCE = 60
MOST_REMARK = 200
EARLIEST_YEAR = 2000  # an earlier day is a slip of the keyboard

_LEVELS = {
    "province": Level.PROVINCE,
    "city": Level.CITY,
    "county": Level.COUNTY,
    "union": Level.CITY,  # the source names no level: shown as such, asked of the city
}


_REST = ("unit", "person", "gift")  # who pays what the plan calls the rest
People = list[tuple[dict[str, Any], int, int]]


@writes
def raise_dues(
    roster: Roster, *, by: User, at: datetime, people: People | None = None
) -> list[Due]:
    """Raise what a roster's people owe, one due per carrier, and book it as receivable.

    The shares are the edition's at the facts each person enrolled with, the rest less the
    top-ups that hold on the day cover starts; they are never recomputed. Refuses when the dues
    were raised before, when the edition states no fee, and when a carrier has no organization
    above the unit.
    """
    if roster.dues.exists():
        raise Refused("roster", f"名册{roster.number}的应缴已经生成")
    made = [
        raise_due(roster, carrier, amount, by=by, at=at)
        for carrier, amount in sorted(shares_of(roster, people).items())
    ]
    place, total = roster.organization, sum(due.amount for due in made)
    audit.record("raise dues", by=by, at=at, on=roster, organization=place, detail=yuan(total))
    return made


def raise_due(roster: Roster, carrier: str, amount: int, *, by: User, at: datetime) -> Due:
    """Raise one due of a roster inside the caller's transaction; `amount` in fen."""
    unit, payer = roster.organization, _payer(roster, carrier)
    if payer is None:
        raise Refused("roster", f"{unit.name}的上级没有{OWERS[carrier]}，无法分担参保费")
    plan, starts = plan_of(roster.edition), roster.cover_from
    due_on = due_day(plan, carrier, approved_on=at.date(), cover_from=starts)
    due = Due.create(
        organization=unit, roster=roster, carrier=carrier, payer=payer, amount=amount,
        due_on=due_on,
    )  # fmt: skip
    stand(due, roster.edition)
    _book_due(due, by=by, at=at)
    return due


def _payer(roster: Roster, carrier: str) -> Organization | None:
    """Who transfers a carrier's part; of a giver outside the unions, who collects it."""
    unit: Organization = roster.organization
    if carrier == "gift":
        gift = Gift.get(Gift.roster == roster, Gift.counts())
        return gift.giver or roster.edition.organization  # type: ignore[no-any-return]
    return unit if carrier in ("unit", "person") else unit.above(_LEVELS[carrier])


def people_of(roster: Roster) -> People:
    """(facts, people, their fees in fen) of a roster's enrollments, all with the same facts
    together. Takes a second for a city's roster, and may be asked before the lock is taken."""
    people: Any = (
        Enrollment.select(Enrollment.facts, fn.COUNT(Enrollment.id), fn.SUM(Enrollment.fee))
        .where(Enrollment.roster == roster)
        .group_by(Enrollment.facts)
    )
    return list(people.tuples())


def shares_of(roster: Roster, people: People | None = None) -> dict[str, int]:
    """What each carrier owes for a roster in fen, summed over its enrollments (`people_of`).

    The rest, and a fee whose shares the source does not state, are the unit's or its people's,
    as the roster declares.
    """
    people = people_of(roster) if people is None else people
    owed = shares.owed(roster, parts_of(roster, people))
    if sum(owed.values()) != sum(int(fees) for _, _, fees in people):
        raise ValueError(f"roster {roster.id}: enrolled at another fee than the edition's")
    return owed


def parts_of(roster: Roster, people: People) -> shares.Parts:
    """How the fee of a roster's enrolled people is carried."""
    return shares.parts_of(roster, [(facts, count) for facts, count, _ in people])


def stated_day(plan: dict[str, Any], carrier: str) -> int | None:
    """The day of the month by which the plan says a carrier pays, or None where it is silent."""
    stated = (plan["fee"] or {}).get("pay_by") or {}
    return stated.get(carrier, stated.get("rest") if carrier in _REST else None)


def due_day(plan: dict[str, Any], carrier: str, *, approved_on: date, cover_from: date) -> date:
    """The day by which a carrier pays: the plan's next such day on or after the approval,
    otherwise the day before cover starts (never before the approval)."""
    stated = stated_day(plan, carrier)
    if stated is None:
        return max(approved_on, cover_from - timedelta(days=1))
    year, month = approved_on.year, approved_on.month
    day = _in_month(year, month, stated)
    if day < approved_on:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        day = _in_month(year, month, stated)
    return day


def _in_month(year: int, month: int, day: int) -> date:
    """A day of a month; the 31st of a shorter month is its last day."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def _book_due(due: Due, *, by: User, at: datetime) -> Journal:
    account = "gifts" if due.carrier == "gift" else "contributions"
    return ledger.book(
        key=f"due:{due.id}:raised",
        text=f"名册#{due.roster.number} 应收 {OWERS[due.carrier]}分担参保费（{due.payer_name}）",
        organization=due.organization,
        scheme=scheme_of(due.roster),
        postings=[("receivable", due.amount), (account, -due.amount)],
        by=by,
        at=at,
    )


def scheme_of(roster: Roster) -> Scheme:
    """The scheme a roster enrolls under, whose fund its money belongs to."""
    return Scheme.select().join(Edition).where(Edition.id == roster.edition_id).get()  # type: ignore[no-any-return]


@writes
def record_payment(
    due: Due,
    *,
    amount: int,
    received_on: date,
    bank_reference: str,
    remark: str,
    by: User,
    at: datetime,
) -> Payment:
    """Record money received on a due, whole or in part, and book it at the bank.

    `amount` is in fen. Refuses more than what remains, a day in the future, and a statement line
    (`bank_reference`) that already counts somewhere or came with an imported statement.
    """
    reference = plain_reference(bank_reference)
    faults = _payment_faults(due, due.amount - due.paid, amount, received_on, at.date())
    faults += _reference_faults(reference, due)
    if faults:
        raise Refused.all(faults)
    used = Payment.select().where(Payment.bank_reference == reference).count()
    payment = Payment.create(
        organization=due.organization_id,
        due=due,
        amount=amount,
        received_on=received_on,
        remark=identity.plain_text(remark)[:MOST_REMARK],
        bank_reference=reference,
        key=f"{reference}:{used + 1}",
        by=by,
        at=at,
    )
    return settle(payment, account="bank", by=by, at=at)


def plain_reference(text: str) -> str:
    """A bank's reference however it was typed: no spaces, half-width, capitals."""
    return identity.plain_text(text).replace(" ", "").upper()


@writes
def assign_line(line: StatementLine, due: Due, *, amount: int, by: User, at: datetime) -> Payment:
    """Assign money of a statement line to a due, whole or in part: it leaves suspense.

    `amount` is in fen. Refuses more than what remains on the due, and a due whose money somebody
    else receives. That the line has as much is its caller's to see to.
    """
    faults = _payment_faults(due, due.amount - due.paid, amount, line.received_on, at.date())
    if due.roster.edition.organization_id != line.organization_id:
        faults.append(("due", "这笔应缴不由本单位收取"))
    if faults:
        raise Refused.all(faults)
    used = Payment.select().where(Payment.line == line).count()
    payment = Payment.create(
        organization=due.organization_id,
        due=due,
        amount=amount,
        received_on=line.received_on,
        remark=line.remark,
        bank_reference=line.reference,
        key=f"line:{line.id}:{used + 1}",
        line=line,
        by=by,
        at=at,
    )
    return settle(payment, account="suspense", by=by, at=at)


def settle(payment: Payment, *, account: str, by: User, at: datetime) -> Payment:
    """Book a new payment, out of the bank or out of suspense, and let its due's standing say so."""
    due = payment.due
    _book_payment(payment, due, account=account, by=by, at=at)
    owing = restand(due)
    place = due.organization
    audit.record("record payment", by=by, at=at, on=payment, organization=place)
    _want_receipt(due.roster)
    if not owing and is_paid(due.roster):
        audit.record("roster paid", by=by, at=at, on=due.roster, organization=place)
    return payment


def _want_receipt(roster: Roster) -> bool:
    """Let finance's work say again whether a roster waits for a receipt: the unit's, or that of
    who gave its fee."""
    live: Any = roster.dues.where(Due.live()).select(Due.carrier).distinct().tuples()
    sides = {carrier == "gift" for (carrier,) in live}
    wanted = is_paid(roster) and any(receipt_of(roster, given=given) is None for given in sides)
    ReceiptWanted.delete().where(ReceiptWanted.roster == roster).execute()
    if wanted:
        receiver = roster.edition.organization_id
        ReceiptWanted.create(organization=roster.organization_id, roster=roster, receiver=receiver)
    return wanted


def _book_payment(payment: Payment, due: Due, *, account: str, by: User, at: datetime) -> Journal:
    return ledger.book(
        key=f"payment:{payment.id}:received",
        text=f"名册#{due.roster.number} 到账 {due.payer_name}（流水号{payment.bank_reference}）",
        organization=due.organization,
        scheme=scheme_of(due.roster),
        postings=[(account, payment.amount), ("receivable", -payment.amount)],
        by=by,
        at=at,
    )


def _payment_faults(
    due: Due, remaining: int, amount: int, received_on: date, today: date
) -> list[tuple[str, str]]:
    faults = []
    if DueReversal.select().where(DueReversal.due == due).exists():
        faults.append(("amount", "这笔应缴随赠送撤回已经取消，不能登记到账"))
    elif not remaining:
        faults.append(("amount", f"这笔应缴 {yuan(due.amount)} 元已经缴清，不能再登记"))
    elif amount <= 0:
        faults.append(("amount", "到账金额应大于零"))
    elif amount > remaining:
        faults.append(
            ("amount", f"这笔应缴还剩 {yuan(remaining)} 元，登记的 {yuan(amount)} 元多了")
        )
    if received_on > today:
        faults.append(("received_on", "到账日期不能晚于今天"))
    if received_on.year < EARLIEST_YEAR:
        faults.append(("received_on", f"到账日期不能早于 {EARLIEST_YEAR} 年"))
    return faults


def _reference_faults(reference: str, due: Due) -> list[tuple[str, str]]:
    if not reference:
        return [("bank_reference", "请填写银行流水号")]
    if len(reference) > MOST_REFERENCE:
        return [("bank_reference", f"银行流水号最多 {MOST_REFERENCE} 字")]
    imported = StatementLine.select().where(
        StatementLine.organization == due.roster.edition.organization_id,
        StatementLine.reference == reference,
        StatementLine.stage != "withdrawn",
    )
    if imported.exists():
        return [("bank_reference", "这条流水已随银行对账单导入，请在“银行到账”里分配")]
    live = (
        Payment.select(Payment, Due, Roster)
        .join(Due)
        .join(Roster)
        .switch(Payment)
        .where(Payment.bank_reference == reference)
        .where(Payment.id.not_in(PaymentReversal.select(PaymentReversal.payment)))
        .first()
    )
    if live is None:
        return []
    where = f"名册{live.due.roster.number}（{OWERS[live.due.carrier]}）"
    return [("bank_reference", f"这条流水已登记在{where}，一条流水只能登记一次")]


@writes
def reverse_payment(payment: Payment, *, reason: str, by: User, at: datetime) -> PaymentReversal:
    """Let a wrongly recorded payment count no more; it stays, with the reason beside it, and
    its statement line may be recorded again.

    Refuses without a reason, for a payment already reversed, and once the roster's receipt is
    confirmed, because the receipt is out.
    """
    if receipt := receipt_of(payment.due.roster, given=payment.due.carrier == "gift"):
        raise Refused(
            "reason", f"这份名册已开票确认（{receipt.number}），不能再更正到账；请先作废收据"
        )
    reversal = undo(
        payment, journal=f"payment:{payment.id}:received", reason=reason,
        already="这笔到账已经更正过", deed="reverse payment", by=by, at=at,
    )  # fmt: skip
    restand(payment.due)
    _want_receipt(payment.due.roster)
    return reversal  # type: ignore[no-any-return]


def journal(key: str) -> Journal:
    """The journal that booked a fact."""
    return Journal.get(Journal.key == key)  # type: ignore[no-any-return]


@writes
def confirm_receipt(roster: Roster, *, by: User, at: datetime) -> Receipt:
    """Confirm that a fully paid roster's money was invoiced; one number of the series that its
    receiver has for the year. What was given has a receipt of its own, made out to the giver.

    Refuses a roster that is not fully paid, owes nothing, or has its receipts already. Returns
    the first of those made.
    """
    if not roster.dues.where(Due.live()).exists():
        raise Refused("receipt", "这份名册没有应缴，不需要开票")
    if not is_paid(roster):
        raise Refused("receipt", "还有应缴没有到账，缴清后才能开票确认")
    made = [
        _confirm(roster, total, given=given, by=by, at=at)
        for given, total in receipts_wanting(roster)
    ]
    if not made:
        known = receipt_of(roster) or receipt_of(roster, given=True)
        raise Refused("receipt", f"这份名册已开票确认，编号{known.number if known else ''}")
    return made[0]


def receipts_wanting(roster: Roster) -> list[tuple[bool, int]]:
    """The receipts that a roster still lacks: whether of what was given, and how many fen."""
    dues = list(roster.dues.where(Due.live()))
    totals = [
        (given, sum(due.amount for due in dues if (due.carrier == "gift") is given))
        for given in (False, True)
    ]
    return [(given, fen) for given, fen in totals if fen and not receipt_of(roster, given=given)]


def _confirm(roster: Roster, total: int, *, given: bool, by: User, at: datetime) -> Receipt:
    issuer = roster.edition.organization
    earlier = Receipt.select().where(Receipt.roster == roster).count()
    receipt = Receipt.create(
        organization=roster.organization_id,
        roster=roster,
        issuer=issuer,
        key=f"{roster.id}:{earlier + 1}",
        number=next_of_year(Receipt.number, "SJ", at.year, Receipt.issuer == issuer),
        amount=total,
        by=by,
        on=at.date(),
    )
    if given:
        GiftReceipt.create(receipt=receipt, gift=Gift.get(Gift.roster == roster, Gift.counts()))
    _want_receipt(roster)
    place, number = roster.organization, receipt.number
    audit.record("confirm receipt", by=by, at=at, on=receipt, organization=place, detail=number)
    return receipt


@writes
def void_receipt(receipt: Receipt, *, reason: str, by: User, at: datetime) -> ReceiptVoid:
    """Void a receipt: it stays, with the reason, and its number is never used again. The roster
    may have another. Refuses without a reason, and a second time."""
    if not reason.strip():
        raise Refused("reason", "请写明作废的原因")
    if receipt.voids.exists():
        raise Refused("reason", "这张收据已经作废")
    void = ReceiptVoid.create(
        organization=receipt.organization_id, receipt=receipt, reason=reason.strip(), by=by, at=at
    )
    _want_receipt(receipt.roster)
    place, number = receipt.organization, receipt.number
    audit.record("void receipt", by=by, at=at, on=receipt, organization=place, detail=number)
    return void


def receipt_of(roster: Roster, *, given: bool = False) -> Receipt | None:
    """The receipt of a roster that counts, if there is one; the giver's where `given`."""
    voided = ReceiptVoid.select(ReceiptVoid.receipt)
    to_givers = GiftReceipt.select(GiftReceipt.receipt)
    whose = Receipt.id << to_givers if given else Receipt.id.not_in(to_givers)
    return Receipt.get_or_none(Receipt.roster == roster, Receipt.id.not_in(voided), whose)  # type: ignore[no-any-return]


def is_paid(roster: Roster) -> bool:
    """Whether an approved roster owes nothing any more."""
    owing = roster.dues.where(Due.live(), Due.received() < Due.amount)
    return roster.stage == "approved" and not owing.exists()


def unpaid_among(rosters: Iterable[int | None]) -> set[int]:
    """Those of some rosters with something owing, by their dues' standings; a roster that is not
    approved has no dues, and its cover does not count."""
    query: Any = (
        DueStanding.select(Due.roster)
        .join(Due)
        .where(Due.roster << {id for id in rosters if id}, Due.live())
        .where(DueStanding.settled == False)  # noqa: E712 SQL's own
    )
    return {roster for (roster,) in query.tuples()}


def in_force_on(enrollment: Enrollment, day: date) -> bool:
    """Whether a person's cover is in force on a day: the roster approved and fully paid, the day
    within the term. Cover paid late holds from its first day."""
    if not enrollment.cover_from <= day <= enrollment.cover_to:
        return False
    return enrollment.roster is None or is_paid(enrollment.roster)


def received_by(organizations: Any) -> Any:
    """The condition on Roster that the money of its edition is received by one of
    `organizations`: whoever runs the scheme records what arrived."""
    return Roster.edition << Edition.select(Edition.id).where(Edition.organization << organizations)
