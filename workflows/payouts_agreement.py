"""Whether payouts, decisions, the operator and the ledger say the same. Only reads."""

from typing import Any

from peewee import JOIN, fn

from huigong.models import (
    Claim,
    ClaimSending,
    Decision,
    OperatorBatch,
    Payout,
    PayoutReturn,
    PayoutReturnReversal,
    Reconsideration,
    RevokedDecision,
)
from huigong.money import yuan
from huigong.workflows.booked import booked_otherwise, key_of


def payouts() -> list[str]:
    """Payouts against what was decided, their claims' stages, and the ledger."""
    found = []
    for account, whose in paid_from():
        sent = Payout.select().where(Payout.stage << ["paid", "returned"], whose)
        key = key_of("payout", Payout.id, "paid")
        found += [
            f"发放#{number} {yuan(-amount)} 元，账簿记 {yuan(-booked)} 元"
            for number, amount, booked in booked_otherwise(
                sent, Payout.id, key, account, Payout.amount * -1
            )
        ]
        back = Payout.select().where(Payout.stage == "returned", whose)
        key = key_of("payout", Payout.id, "paid:reversed")
        found += [
            f"发放#{number} 已退回，账簿没有对应的冲销凭证"
            for number, _, _ in booked_otherwise(back, Payout.id, key, account, Payout.amount)
        ]
    revoked = RevokedDecision.select(RevokedDecision.id).where(
        RevokedDecision.claim == Payout.claim, RevokedDecision.amount == Payout.amount
    )
    ended = (Payout.stage << ["returned", "withdrawn"]) & fn.EXISTS(revoked)
    wrong: Any = (
        Payout.select(Payout.id, Payout.amount, Decision.amount)
        .join(Claim)
        .join(Decision, JOIN.LEFT_OUTER)
        .where((Decision.id.is_null()) | (Decision.amount != Payout.amount), ~ended)
    )
    found += [
        f"发放#{number} {yuan(amount)} 元，核定 {yuan(decided or 0)} 元"
        for number, amount, decided in wrong.tuples()
    ]
    return found + _stages() + _verdicts() + _returns() + _sendings()


def paid_from() -> list[tuple[str, Any]]:
    """Each account that payouts are booked out of, with the condition of which: the operator pays
    out of what was passed on to it."""
    theirs = OperatorBatch.select(OperatorBatch.batch)
    return [("bank", Payout.batch.not_in(theirs)), ("transferred", Payout.batch << theirs)]


def _sendings() -> list[str]:
    """A claim is as often paid by the operator as its sendings say; one that is with the operator
    is in no live batch, and is still to be decided or paid."""
    paid: Any = ClaimSending.select(fn.COUNT(ClaimSending.id)).where(
        ClaimSending.claim == Claim.id, ClaimSending.stage == "paid"
    )
    theirs = Payout.batch << OperatorBatch.select(OperatorBatch.batch)
    booked: Any = Payout.select(fn.COUNT(Payout.id)).where(Payout.claim == Claim.id, theirs)
    either = ClaimSending.select(ClaimSending.claim).where(ClaimSending.stage == "paid")
    query: Any = Claim.select(Claim.number).where(
        (Claim.id << either) | (Claim.id << Payout.select(Payout.claim).where(theirs)),
        fn.COALESCE(paid, 0) != fn.COALESCE(booked, 0),
    )
    found = [f"申领{number} 承办方支付与发放不符" for (number,) in query.tuples()]
    live = Payout.select(Payout.claim).where(Payout.stage << ["pending", "paid"])
    there: Any = (
        ClaimSending.select(Claim.number)
        .join(Claim)
        .where(ClaimSending.stage == "sent")
        .where((Claim.stage.not_in(["reviewed", "approved"])) | (Claim.id << live))
    )
    return found + [f"申领{number} 不该还在承办方" for (number,) in there.tuples()]


def _returns() -> list[str]:
    """A line that is a payout's return: the payout did come back, of that amount, and only once."""
    live: Any = (
        PayoutReturn.select(
            Payout.id, Payout.stage, Payout.amount, PayoutReturn.amount, fn.COUNT(PayoutReturn.id)
        )
        .join(Payout)
        .join_from(PayoutReturn, PayoutReturnReversal, JOIN.LEFT_OUTER)
        .where(PayoutReturnReversal.id.is_null())
        .group_by(Payout.id, Payout.stage, Payout.amount, PayoutReturn.amount)
    )
    return [
        f"发放#{number} 与退回的流水不符"
        for number, stage, sent, came, times in live.tuples()
        if stage != "returned" or sent != came or times > 1
    ]


def _verdicts() -> list[str]:
    """A claim is decided exactly when a decision of it counts, and paid only when approved; what
    was revoked is kept, and nothing is on its way to be paid whose revocation is asked."""
    verdict = fn.COALESCE(Decision.verdict, "")
    stages = {"": ["filed", "returned", "reviewed"], "refuse": ["refused"]}
    stages["approve"] = ["approved", "paid"]
    wrong = [(verdict == said) & Claim.stage.not_in(fit) for said, fit in stages.items()]
    query: Any = Claim.select(Claim.number).join(Decision, JOIN.LEFT_OUTER)
    query = query.where(wrong[0] | wrong[1] | wrong[2])
    found = [f"申领{number} 状态与决定不符" for (number,) in query.tuples()]
    asked: Any = Reconsideration.select(Claim.number).join(Claim)
    kept = RevokedDecision.select(RevokedDecision.reconsideration)
    lost = asked.where(Reconsideration.stage == "granted", Reconsideration.id.not_in(kept))
    found += [f"申领{number} 撤销的决定没有留存" for (number,) in lost.tuples()]
    live = Payout.select(Payout.claim).where(Payout.stage << ["pending", "paid"])
    there = ClaimSending.select(ClaimSending.claim).where(ClaimSending.stage == "sent")
    paid = asked.where(Reconsideration.stage == "open", (Claim.id << live) | (Claim.id << there))
    return found + [f"申领{number} 正在提请撤销决定，却在发放" for (number,) in paid.tuples()]


def _stages() -> list[str]:
    """A claim is paid exactly when one payout of it went out and did not come back."""
    live = Payout.select(fn.COUNT(Payout.id)).where(Payout.stage == "paid")
    paid = fn.COALESCE(live.where(Payout.claim == Claim.id), 0)
    query: Any = Claim.select(Claim.number, Claim.stage, paid.alias("paid")).where(
        ((Claim.stage == "paid") & (paid != 1)) | ((Claim.stage != "paid") & (paid != 0))
    )
    return [f"申领{number} 状态与发放不符：已发放 {paid} 笔" for number, _, paid in query.tuples()]
