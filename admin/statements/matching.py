"""Whose money each line is: the exact ones in bulk, the others one by one."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import (
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)

from huigong import clock, identity, money
from huigong.access import allow, find, visible
from huigong.admin.lists import Order, page_of
from huigong.admin.statements.room import LINE_STAGES, MOST_AT_ONCE, READERS, statements
from huigong.models import (
    Income,
    Organization,
    Payment,
    PayoutReturn,
    Refund,
    Role,
    StatementLine,
)
from huigong.plans.vocabulary import OWERS
from huigong.refusals import Refused
from huigong.workflows import incomes
from huigong.workflows import statements as deeds


@statements.get("/matches/<int:id>")
@allow(Role.FINANCE, on=Organization)
def matches(id: int) -> Any:
    """What waits: the exact matches to confirm together, and the others with who it may be."""
    return _matches_page(find(Organization, id), None)


def _matches_page(place: Organization, done: deeds.Confirmed | None) -> str:
    waits = (StatementLine.organization == place) & (StatementLine.stage == "open")
    filters = []
    asked = request.args.get("q", "").strip()[:50]
    if asked:
        wanted = StatementLine.payer_name.contains(asked) | StatementLine.remark.contains(asked)
        filters = [wanted | (StatementLine.reference == asked.upper())]
    order = Order((StatementLine.received_on, StatementLine.id))
    page = page_of(StatementLine, order, held=filters, inside=waits, size=MOST_AT_ONCE)
    left = deeds.remaining_of(page.rows)
    found = deeds.candidates(page.rows, left)
    return render_template(
        "admin/statements/matches.html",
        place=place, page=page, left=left, found=found, exact=deeds.exact_among(found),
        carriers=OWERS, asked=asked, done=done, returned=_likely_returns(page.rows, left),
    )  # fmt: skip


def _likely_returns(lines: list[Any], left: dict[int, int]) -> dict[int, Any]:
    """The payout that each line may be, where more than the amount says so."""
    found = deeds.returned_payouts(lines, left)
    return {line: ranked[0] for line, ranked in found.items() if ranked and ranked[0].likely}


@statements.post("/matches/<int:id>")
@allow(Role.FINANCE, on=Organization)
def confirm(id: int) -> Any:
    """Confirm the ticked matches, as `line:due,due:fen` says what was shown."""
    place = find(Organization, id)
    chosen = _chosen(place, request.form.getlist("match"))
    done = deeds.confirm_matches(chosen, by=g.user, at=clock.now())
    if done.failed or not chosen:
        return _matches_page(place, done), 422
    flash(f"已确认 {done.done} 笔，共 {money.yuan(done.amount)} 元")
    return redirect(url_for("statements.matches", id=place.id), 303)


def _chosen(place: Organization, texts: list[str]) -> list[tuple[StatementLine, Any]]:
    """The ticked lines with the dues that were shown beside them, filled in that order."""
    wanted: dict[int, list[int]] = {}
    for text in texts[:MOST_AT_ONCE]:
        line, _, shown = text.partition(":")
        numbers = [int(due) for due in shown.split(",") if due.isdecimal() and len(due) < 10]
        if line.isdecimal() and len(line) < 10:
            wanted[int(line)] = numbers
    lines = list(
        visible(StatementLine, Role.FINANCE).where(
            StatementLine.id << list(wanted), StatementLine.organization == place
        )
    )
    numbered = {number for numbers in wanted.values() for number in numbers}
    dues = {due.id: due for due in _received_by(place, numbered)}
    left = deeds.remaining_of(lines)
    return [
        (row, deeds.filled([dues[n] for n in wanted[row.id] if n in dues], left[row.id]))
        for row in lines
    ]


def _received_by(place: Organization, numbers: Iterable[int]) -> list[Any]:
    """The dues of these numbers whose money a place receives; others are as absent."""
    found = deeds.load_dues(numbers)
    return [due for due in found if due.roster.edition.organization_id == place.id]


@statements.get("/lines/<int:id>/")
@allow(*READERS, on=StatementLine)
def line(id: int) -> Any:
    """One line: what was decided of it, and whose the rest may be."""
    return _line_page(find(StatementLine, id), {}, {})


def _line_page(line: StatementLine, form: Any, errors: dict[str, str]) -> str:
    left = deeds.remaining_of([line])[line.id]
    asked = request.args.get("q", "").strip()[:50]
    found = deeds.candidates([line], {line.id: left})[line.id] if left else []
    searched = deeds.search_dues(line.organization, asked) if asked else []
    return render_template(
        "admin/statements/line.html",
        line=line, left=left, found=found, searched=searched, asked=asked, form=form,
        errors=errors, uses=_uses(line), carriers=OWERS, stages=LINE_STAGES,
        account=line.opened("payer_account"),
    )  # fmt: skip


def _uses(line: StatementLine) -> list[dict[str, Any]]:
    """What was decided of a line so far, in order, the undone included."""
    found: list[dict[str, Any]] = []
    kinds: list[tuple[Any, Callable[[Any], str], str]] = [
        (Payment, _payment_words, "funding.reversal"),
        (Income, lambda i: f"{incomes.KINDS[i.kind]}：{i.giver}", "incomes.reversal"),
        (Refund, lambda r: f"退款：{r.reason}", "statements.refund_reversal"),
        (PayoutReturn, _return_words, "statements.return_reversal"),
    ]
    for fact, words, undo in kinds:
        for row in fact.select().where(fact.line == line).order_by(fact.id):
            undone = row.reversals.first()
            found.append({
                "at": row.at, "words": words(row), "amount": row.amount, "by": row.by.name,
                "undone": undone, "undo": url_for(undo, id=row.id),
            })  # fmt: skip
    return sorted(found, key=lambda use: use["at"])


def _payment_words(payment: Payment) -> str:
    due = payment.due
    return f"名册 {due.roster.number} {OWERS[due.carrier]}（{due.payer_name}）"


def _return_words(found: PayoutReturn) -> str:
    payout = found.payout
    return f"退回的互助金：申领 {payout.claim.number}（{identity.mask_name(payout.payee)}）"


@statements.post("/lines/<int:id>/")
@allow(Role.FINANCE, on=StatementLine)
def assign(id: int) -> Any:
    line, form = find(StatementLine, id), request.form
    try:
        payments = deeds.assign(
            line, parts=_parts(line.organization, form), by=g.user, at=clock.now()
        )
    except Refused as refused:
        return _line_page(line, form, refused.by_field()), 422
    flash(f"已分配到 {len(payments)} 笔应缴")
    return redirect(url_for("statements.line", id=line.id), 303)


def _parts(place: Organization, form: Any) -> list[tuple[Any, int]]:
    """Ticked dues with what was typed beside each. Refuses what is no amount."""
    numbers = [int(n) for n in form.getlist("due") if n.isdecimal() and len(n) < 10]
    parts = []
    for due in _received_by(place, numbers):
        try:
            parts.append((due, money.typed_yuan(form.get(f"amount-{due.id}", ""))))
        except ValueError:
            words = f"名册 {due.roster.number}：请填写分配的金额，例如 6400.00"
            raise Refused(f"amount-{due.id}", words) from None
    return parts
