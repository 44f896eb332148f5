"""Revoking a claim's decision: one person asks, another grants it, and the claim is reviewed anew.

A member's objection, a mistake found later, an operator that does not pay: whatever the reason,
what was decided stays to be read, and what it booked is reversed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from huigong.database import writes
from huigong.models import (
    Claim,
    ClaimEvent,
    ClaimSending,
    Decision,
    Document,
    Journal,
    Payout,
    PayoutBatch,
    Reconsideration,
    RevokedDecision,
    User,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, ledger
from huigong.workflows.claims.asking import PROPOSED, reads_paid
from huigong.workflows.claims.checking import claimed_elsewhere
from huigong.workflows.claims.deciding import award_key
from huigong.workflows.claims.filing import settled_facts
from huigong.workflows.claims.limits import promised_day
from huigong.workflows.schemes import damage, plan_of

_KEPT = (
    *("claim", "organization", "verdict", "computed", "amount", "reason", "explanation"),
    *("plan_hash", "by", "on", "filed_by", "first_reviewer"),
)


def open_reconsideration(claim: Claim) -> Reconsideration | None:
    """What waits for somebody to answer whether the claim's decision is revoked."""
    mine = (Reconsideration.claim == claim) & (Reconsideration.stage == "open")
    found: Reconsideration | None = Reconsideration.get_or_none(mine)
    return found


def revoked_of(claim: Claim) -> Sequence[RevokedDecision]:
    """The claim's decisions that count no more, the latest first."""
    query = RevokedDecision.select(RevokedDecision, Reconsideration).join(Reconsideration)
    return list(query.where(RevokedDecision.claim == claim).order_by(RevokedDecision.id.desc()))


@writes
def ask_reconsideration(claim: Claim, *, reason: str, by: User, at: datetime) -> Reconsideration:
    """Ask to revoke a claim's decision; until somebody else has answered nothing is paid for it.

    Refuses without a reason, for a claim not decided, already paid, in a batch or with the
    operator, one whose revocation is asked already, and one that was refused and has been
    claimed anew since.
    """
    claim = Claim.get_by_id(claim.id)
    if len(reason.strip()) < 2:
        raise Refused("reason", "请写明撤销原决定的理由")
    if why_not := hindrance_to_revoke(claim):
        raise Refused("reason", why_not)
    if asked := open_reconsideration(claim):
        when, who = asked.asked_at.date(), asked.asked_by.name
        raise Refused("reason", f"{who}已于{when}提请撤销，等待另一人答复")
    made = Reconsideration.create(
        claim=claim, reason=reason.strip()[:2000], asked_by=by, asked_at=at
    )
    _happened(claim, "revocation_asked", reason.strip()[:2000], by=by, at=at)
    audit.record("ask revocation", by=by, at=at, on=claim, organization=claim.organization)
    return made


def hindrance_to_revoke(claim: Claim) -> str:
    """Why a claim's decision cannot be revoked now; "" when it can."""
    if claim.stage == "paid":
        return "互助金已发放，不能撤销决定；款项退回以后才能提请"
    if claim.stage not in ("approved", "refused"):
        return "这笔申领现在没有可以撤销的决定，请刷新后再办理"
    if broken := damage(claim.enrollment.edition):
        return broken
    live = Payout.select(Payout, PayoutBatch).join(PayoutBatch)
    payout = live.where(Payout.claim == claim, Payout.stage == "pending").first()
    if payout is not None:
        return f"已编入发放批次{payout.batch.number}，请财务先撤回批次"
    there = ClaimSending.select().where(ClaimSending.claim == claim, ClaimSending.stage == "sent")
    if there.exists():
        return "正在承办方办理，请财务先从承办方收回"
    return claimed_elsewhere(claim) if claim.stage == "refused" else _rests_on(claim)


def _rests_on(claim: Claim) -> str:
    """Which award reckoned with this one as paid, in a sentence; "" for none."""
    plan = plan_of(claim.enrollment.edition)
    others = (
        Claim.select()
        .join(Decision)
        .where(Claim.enrollment == claim.enrollment_id, Decision.verdict == "approve")
    )
    for other in others.order_by(Claim.id):
        if reads_paid(plan, other.event) and not reads_paid(plan, claim.event):
            return f"申领{other.number}已按这笔互助金计算并作出决定，请先撤销那一笔的决定"
    return ""


@writes
def answer_reconsideration(
    asked: Reconsideration, *, grant: bool, answer: str, by: User, at: datetime
) -> Reconsideration:
    """Grant or decline that a decision is revoked. Granted, the claim waits for its first review
    again, its award is reversed in the ledger, and its caps and counts are as before it.

    Refuses who asked, and declining without a reason. Raises Lost when it was answered already.
    """
    asked = Reconsideration.get_by_id(asked.id)
    if asked.stage != "open":
        raise Lost(f"reconsideration {asked.id} is {asked.stage}")
    if asked.asked_by_id == by.id:
        raise Refused("grant", "提请人不能答复自己的提请，请由另一人办理")
    if not grant and len(answer.strip()) < 2:
        raise Refused("answer", "请写明维持原决定的理由")
    claim: Claim = Claim.get_by_id(asked.claim_id)
    if grant and (why_not := hindrance_to_revoke(claim)):
        raise Refused("grant", why_not)
    told = {"answer": answer.strip()[:2000], "decided_by": by.id, "decided_at": at}
    asked.move("stage", was="open", to="granted" if grant else "declined", **told)
    if grant:
        _revoke(claim, asked, by=by, at=at)
    kind = "revoked" if grant else "revocation_declined"
    _happened(claim, kind, answer.strip()[:2000], by=by, at=at)
    deed = "revoke decision" if grant else "decline revocation"
    audit.record(deed, by=by, at=at, on=claim, organization=claim.organization)
    return asked


def _revoke(claim: Claim, asked: Reconsideration, *, by: User, at: datetime) -> None:
    """Keep the decision as one that counts no more, and let the claim be as just filed, without
    what the decision knew of it, at the unit where its cover is by now."""
    decision: Any = Decision.get(Decision.claim == claim)
    attempt = RevokedDecision.select().where(RevokedDecision.claim == claim).count() + 1
    kept = {name: decision.__data__[name] for name in _KEPT}
    RevokedDecision.create(reconsideration=asked, number=decision.id, attempt=attempt, **kept)
    Decision.delete().where(Decision.id == decision.id).execute()
    if decision.amount:
        booked = Journal.get(Journal.key == award_key(claim.id, attempt))
        ledger.reverse(booked, text=f"撤销决定：{booked.text}", by=by, at=at)
    cover = claim.enrollment
    own = {name: value for name, value in claim.facts.items() if name != PROPOSED}
    claim.move(
        "stage", was=claim.stage, to="filed", first_reviewer=None,
        organization=cover.organization_id, facts=settled_facts(cover, claim.event, own, claim),
        promised_on=promised_day(plan_of(cover.edition), at.date()),
    )  # fmt: skip
    Document.update(organization=cover.organization_id).where(Document.claim == claim).execute()


def _happened(claim: Claim, kind: str, note: str, *, by: User, at: datetime) -> None:
    ClaimEvent.create(claim=claim, kind=kind, by=by, on=at.date(), at=at, note=note)
