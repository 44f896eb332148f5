"""What the bank sent back: payouts that could not be credited, and credits that it undid."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from huigong import identity
from huigong.database import writes
from huigong.models import (
    BankReversal,
    Claim,
    OperatorBatch,
    Payout,
    PayoutBatch,
    PayoutReturn,
    PayoutReturnReversal,
    StatementLine,
    User,
)
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import audit, ledger, payouts
from huigong.workflows.statements.settling import settle, take
from huigong.workflows.undoing import undo

_SAYS_RETURN: Final = re.compile(r"退回|退汇|退票|冲正|冲回|入账失败|户名不符|账号不符")
MOST: Final = 20


class Returned(NamedTuple):
    """A payout that a line may be, and why."""

    payout: Payout
    reasons: list[str]

    @property
    def likely(self) -> bool:
        """Whether more than the amount says so."""
        return len(self.reasons) > 1


def returned_payouts(
    lines: Sequence[StatementLine], left: dict[int, int]
) -> dict[int, list[Returned]]:
    """For each line of one office, the payouts of just its amount that it may be, the likeliest
    first; `left` is what each line still has, in fen. One query, however many lines there are."""
    if not lines:
        return {}
    amounts = {fen for line in lines if (fen := left[line.id])}
    undone = PayoutReturnReversal.select(PayoutReturnReversal.payout_return)
    taken = PayoutReturn.select(PayoutReturn.payout).where(PayoutReturn.id.not_in(undone))
    query: Any = (
        Payout.select(Payout, PayoutBatch, Claim)
        .join_from(Payout, PayoutBatch)
        .join_from(Payout, Claim)
        .where(
            PayoutBatch.organization == lines[0].organization_id,
            PayoutBatch.id.not_in(OperatorBatch.select(OperatorBatch.batch)),
            Payout.stage << ["paid", "returned"],
            Payout.amount << list(amounts),
            Payout.id.not_in(taken),
        )
        .order_by(Payout.id.desc())
    )
    sent = list(query)
    return {line.id: _ranked(line, left[line.id], sent) for line in lines}


def _ranked(line: StatementLine, left: int, sent: Sequence[Any]) -> list[Returned]:
    words = identity.plain_text(f"{line.payer_name} {line.remark}")
    found = []
    for payout in sent:
        if payout.amount != left or payout.batch.released_on > line.received_on:
            continue
        reasons = ["金额相同"]
        if payout.payee in words:
            reasons.append("写有收款人姓名")
        if _SAYS_RETURN.search(words):
            reasons.append("附言像是退回")
        if payout.stage == "returned":
            reasons.append("已登记银行退回")
        found.append(Returned(payout, reasons))
    return sorted(found, key=lambda r: -len(r.reasons))[:MOST]


@writes
def take_as_return(line: StatementLine, *, payout: Payout, by: User, at: datetime) -> PayoutReturn:
    """Decide that a line is a payout which the bank sent back. The claim is payable again, if
    that was not said before.

    Refuses a payout of another office, one that was not sent or stands for another line already,
    and one of more than the line still has.
    """
    payout = Payout.get_by_id(payout.id)
    if payout.batch.organization_id != line.organization_id:
        raise Refused("payout", "这笔发放不是本单位发出的")
    if payouts.is_operators(payout.batch):
        raise Refused("payout", "这笔发放由承办方支付，退款不会回到本单位的账户")
    if payout.stage not in ("paid", "returned"):
        raise Refused("payout", "这笔发放还没有发出")
    undone = PayoutReturnReversal.select(PayoutReturnReversal.payout_return)
    if payout.lines.where(PayoutReturn.id.not_in(undone)).exists():
        raise Refused("payout", "这笔发放的退回已对应另一条流水")
    left = take(line, payout.amount, "payout")
    if payout.stage == "paid":
        note = line.remark.strip() or f"银行退回，流水号{line.reference}"
        payouts.return_payout(payout, note=note, by=by, at=at)
    place, amount = line.organization, payout.amount
    found = PayoutReturn.create(
        organization=place, line=line, payout=payout, amount=amount, by=by, at=at
    )
    ledger.book(
        key=f"payout-return:{found.id}:booked",
        text=f"流水号{line.reference} 是退回的互助金（申领#{payout.claim.number}）",
        organization=place,
        scheme=None,
        postings=[("suspense", amount), ("bank", -amount)],
        by=by,
        at=at,
    )
    audit.record("match payout return", by=by, at=at, on=found, organization=place,
                 detail=yuan(amount))  # fmt: skip
    settle(line, left - amount)
    return found


@writes
def reverse_return(
    found: PayoutReturn, *, reason: str, by: User, at: datetime
) -> PayoutReturnReversal:
    """Let a line wrongly taken for a payout's return wait in suspense again. That the payout came
    back stays said."""
    return undo(  # type: ignore[no-any-return]
        found, journal=f"payout-return:{found.id}:booked", reason=reason,
        already="这条退回已经更正过", deed="reverse payout return", by=by, at=at,
    )  # fmt: skip


def lines_undone(reversals: Sequence[BankReversal]) -> dict[int, list[StatementLine]]:
    """For each credit that a bank took back, the lines that it may have undone: of the same
    amount and payer, not after it."""
    if not reversals:
        return {}
    lines = list(
        StatementLine.select()
        .where(
            StatementLine.organization == reversals[0].organization_id,
            StatementLine.amount << [back.amount for back in reversals],
            StatementLine.stage != "withdrawn",
        )
        .order_by(StatementLine.received_on.desc(), StatementLine.id.desc())
    )
    return {
        back.id: [
            line
            for line in lines
            if (line.amount, line.payer_name) == (back.amount, back.payer_name)
            and line.received_on <= back.taken_on
        ]
        for back in reversals
    }
