"""What becomes of a statement line: dues paid, other income, money sent back; all by reversal."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from peewee import fn

from huigong.database import writes
from huigong.models import (
    Due,
    Income,
    IncomeReversal,
    Payment,
    PaymentReversal,
    PayoutReturn,
    PayoutReturnReversal,
    Refund,
    RefundReversal,
    Scheme,
    StatementLine,
    User,
)
from huigong.money import yuan
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, funding, incomes, ledger
from huigong.workflows.undoing import undo

USES: Final[tuple[tuple[Any, Any, Any], ...]] = (
    (Payment, PaymentReversal, PaymentReversal.payment),
    (Income, IncomeReversal, IncomeReversal.income),
    (Refund, RefundReversal, RefundReversal.refund),
    (PayoutReturn, PayoutReturnReversal, PayoutReturnReversal.payout_return),
)


def remaining_of(lines: Sequence[StatementLine]) -> dict[int, int]:
    """Fen of each line that nobody has decided yet, by the line's id."""
    left = {line.id: line.amount for line in lines}
    for fact, undone, link in USES:
        query: Any = (
            fact.select(fact.line, fn.SUM(fact.amount))
            .where(fact.line << list(left), fact.id.not_in(undone.select(link)))
            .group_by(fact.line)
        )
        for line, fen in query.tuples():
            left[line] -= int(fen)
    return left


@writes
def assign(
    line: StatementLine, *, parts: Sequence[tuple[Due, int]], by: User, at: datetime
) -> list[Payment]:
    """Assign money of a line to one due or several, each whole or in part; what is left of the
    line stays in suspense.

    Amounts in fen. Refuses nothing at all, one due twice, more than the line still has, and more
    than a due still owes.
    """
    whole = sum(amount for _, amount in parts)
    left = take(line, whole)
    if not parts:
        raise Refused("due", "请至少选择一笔应缴")
    if len({due.id for due, _ in parts}) < len(parts):
        raise Refused("due", "同一笔应缴选了两次")
    payments = [
        funding.assign_line(line, due, amount=amount, by=by, at=at) for due, amount in parts
    ]
    settle(line, left - whole)
    return payments


def take(line: StatementLine, amount: int, field: str = "amount") -> int:
    """What a line still has, in fen; refuses to take more than that, and a withdrawn line."""
    now = StatementLine.get_by_id(line.id)
    if now.stage == "withdrawn":
        raise Refused(field, "这条流水所在的对账单已经撤回")
    left = remaining_of([now])[now.id]
    if not left:
        raise Refused(field, "这条流水已经全部处理")
    if amount > left:
        raise Refused(field, f"这条流水还剩 {yuan(left)} 元，分配的 {yuan(amount)} 元多了")
    return left


def settle(line: StatementLine, left: int) -> None:
    if not left:
        line.move("stage", was="open", to="settled")


class Confirmed(NamedTuple):
    """How a bulk confirmation went: lines done, and those that were not, with the reason."""

    done: int
    amount: int
    failed: list[tuple[StatementLine, str]]


def confirm_matches(
    matches: Sequence[tuple[StatementLine, Sequence[tuple[Due, int]]]], *, by: User, at: datetime
) -> Confirmed:
    """Assign many lines as proposed, each in a transaction of its own: what somebody else was
    faster with is reported, and the rest goes on."""
    done, amount, failed = 0, 0, []
    for line, parts in matches:
        try:
            amount += sum(p.amount for p in assign(line, parts=parts, by=by, at=at))
            done += 1
        except Refused as refused:
            failed.append((line, str(refused)))
        except Lost:
            failed.append((line, "已由他人处理"))
    return Confirmed(done, amount, failed)


@writes
def take_as_income(
    line: StatementLine,
    *,
    amount: int,
    kind: str,
    giver: str,
    purpose: str,
    scheme: Scheme | None,
    by: User,
    at: datetime,
) -> Income:
    """Decide that money of a line is income beside the shares. Amount in fen."""
    left = take(line, amount)
    used = Income.select().where(Income.line == line).count()
    income = incomes.add(
        organization=line.organization,
        scheme=scheme,
        kind=kind,
        giver=giver,
        purpose=purpose,
        amount=amount,
        received_on=line.received_on,
        bank_reference=line.reference,
        key=f"line:{line.id}:{used + 1}",
        line=line,
        by=by,
        at=at,
    )
    settle(line, left - amount)
    return income


@writes
def note_refund(
    line: StatementLine, *, amount: int, refunded_on: date, reason: str, by: User, at: datetime
) -> Refund:
    """Note that money of a line went back to its payer. Amount in fen. Refuses without a reason,
    a day before it came or in the future, and more than the line still has."""
    faults = []
    if amount <= 0:
        faults.append(("amount", "退款金额应大于零"))
    if not reason.strip():
        faults.append(("reason", "请写明退款的原因"))
    if not line.received_on <= refunded_on <= at.date():
        faults.append(("refunded_on", f"退款日期应在到账日 {line.received_on} 与今天之间"))
    if faults:
        raise Refused.all(faults)
    left = take(line, amount)
    place = line.organization
    refund = Refund.create(
        organization=place, line=line, amount=amount, refunded_on=refunded_on,
        reason=reason.strip(), by=by, at=at,
    )  # fmt: skip
    ledger.book(
        key=f"refund:{refund.id}:booked",
        text=f"退回{line.payer_name or '付款方'} 多汇或误汇（流水号{line.reference}）",
        organization=place,
        scheme=None,
        postings=[("suspense", amount), ("bank", -amount)],
        by=by,
        at=at,
    )
    audit.record("note refund", by=by, at=at, on=refund, organization=place, detail=yuan(amount))
    settle(line, left - amount)
    return refund


@writes
def reverse_refund(refund: Refund, *, reason: str, by: User, at: datetime) -> RefundReversal:
    """Let a refund noted wrongly count no more; the money is in suspense again."""
    return undo(  # type: ignore[no-any-return]
        refund, journal=f"refund:{refund.id}:booked", reason=reason,
        already="这笔退款已经更正过", deed="reverse refund", by=by, at=at,
    )  # fmt: skip
