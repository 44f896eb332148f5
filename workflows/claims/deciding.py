"""Returning, reviewing and deciding a claim: three people's work, two of them at least."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from huigong import rules
from huigong.database import writes
from huigong.models import Claim, ClaimEvent, Decision, RevokedDecision, User
from huigong.money import yuan
from huigong.plans.vocabulary import PAID
from huigong.refusals import Refused
from huigong.workflows import audit, ledger
from huigong.workflows.claims import sendings
from huigong.workflows.claims.asking import PROPOSED, reads_paid
from huigong.workflows.claims.filing import filers_of
from huigong.workflows.claims.reckoning import (
    ceiling,
    paid_so_far,
    proposal_ceiling,
    reckon_claim,
    worded,
)
from huigong.workflows.schemes import plan_of


@writes
def return_claim(
    claim: Claim, *, reason: str, by: User, at: datetime, missing: Iterable[str] = ()
) -> ClaimEvent:
    """Send a claim back for supplement, with all that is missing said at once.

    Refuses when nothing is said, and when the claim is not under review. A first review is
    forgotten: after the supplement the claim is reviewed from the beginning.
    """
    wanted = [f"补交{kind}" for kind in missing]
    if not reason.strip() and not wanted:
        raise Refused("reason", "请一次写明需要补正的全部内容，或勾选缺少的材料")
    fresh = _under_review(claim, ("filed", "reviewed"), "reason")
    sendings.judged(claim, "returned", "reason", by=by, at=at)
    claim.move("stage", was=fresh.stage, to="returned", first_reviewer=None)
    note = "\n".join([*wanted, *([reason.strip()] if reason.strip() else [])])
    event = _happened(claim, "returned", by=by, at=at, note=note)
    audit.record("return claim", by=by, at=at, on=claim, organization=claim.organization)
    return event


@writes
def review_claim(claim: Claim, *, note: str, by: User, at: datetime) -> ClaimEvent:
    """Pass a claim's first review; the amount is reckoned again for the second.

    Refuses who filed it, a claim that is not waiting for its first review, and one that the
    scheme no longer admits (return it, or let the second review refuse it with the reason).
    """
    _under_review(claim, ("filed",), "note")
    if by.id in filers_of(claim):
        raise Refused("note", "申报人不能初审自己申报的申领，请由另一人初审")
    said = reckon_claim(claim)
    claim.move("stage", was="filed", to="reviewed", first_reviewer=by.id, computed=said.benefit)
    event = _happened(claim, "reviewed", by=by, at=at, note=note.strip())
    audit.record("review claim", by=by, at=at, on=claim, organization=claim.organization)
    return event


@writes
def decide_claim(
    claim: Claim,
    *,
    verdict: str,
    amount: int | None,
    reason: str,
    by: User,
    at: datetime,
    proposed: int | None = None,
) -> Decision:
    """Decide a reviewed claim: approve | refuse. An approval owes the member `amount` fen, by
    default what the scheme's steps say; it is locked and never reckoned again. `proposed` fen
    is what the scheme leaves to this reviewer, up to its ceiling; the steps go on from it.

    Refuses who filed or first-reviewed it, a claim already decided, a refusal or an adjusted
    amount without a reason, and an amount above what the scheme's caps leave in the term.
    """
    claim = _under_review(claim, ("reviewed",), "verdict")
    _second_person(claim, by)
    if verdict not in ("approve", "refuse"):
        raise Refused("verdict", "请选择同意给付或不予给付")
    said, amount, facts = _judged(claim, verdict, amount, reason.strip(), proposed)
    edition = claim.enrollment.edition
    stage = "approved" if verdict == "approve" else "refused"
    sendings.judged(claim, stage, "verdict", by=by, at=at)
    decision = Decision.create(
        organization=claim.organization_id, claim=claim, verdict=verdict,
        computed=said.benefit, amount=amount, reason=reason.strip(),
        explanation=worded(plan_of(edition), said.steps, open_to=_not_set(verdict)),
        plan_hash=edition.plan_hash, by=by, on=at.date(),
        filed_by=claim.filed_by_id, first_reviewer=claim.first_reviewer_id,
    )  # fmt: skip
    claim.move("stage", was="reviewed", to=stage, computed=said.benefit, facts=facts)
    if amount:
        _book_award(claim, amount, by=by, at=at)
    _happened(claim, stage, by=by, at=at, note=reason.strip())
    audit.record(f"{verdict} claim", by=by, at=at, on=claim, organization=claim.organization)
    return decision


def _book_award(claim: Claim, amount: int, *, by: User, at: datetime) -> None:
    attempt = RevokedDecision.select().where(RevokedDecision.claim == claim).count() + 1
    ledger.book(
        key=award_key(claim.id, attempt),
        text=f"申领{claim.number} 核定互助金 {yuan(amount)}元",
        organization=claim.organization,
        scheme=claim.enrollment.edition.scheme,
        postings=[("benefits", amount), ("payable", -amount)],
        by=by,
        at=at,
    )


def award_key(claim: int, attempt: int) -> str:
    """The key of the journal that books what a claim's decision, its first or a later, awarded."""
    return f"claim:{claim}:award" + (f":{attempt}" if attempt > 1 else "")


def _judged(
    claim: Claim, verdict: str, amount: int | None, reason: str, proposed: int | None
) -> tuple[rules.AssessedClaim, int, dict[str, Any]]:
    """What the steps say, what is awarded in fen, and the claim's facts as they were judged."""
    if verdict == "refuse":
        if not reason:
            raise Refused("reason", "请写明不予给付的理由，便于职工申诉")
        return reckon_claim(claim), 0, _decided_on(claim, None)
    said, proposed = _reckoned(claim, proposed)
    if proposed is not None and amount not in (None, said.benefit):
        raise Refused("amount", "这项待遇的金额由拟定金额得出，不另行增减")
    awarded = _award(claim, said.benefit, amount, reason)
    return said, awarded, _decided_on(claim, proposed)


def _reckoned(claim: Claim, proposed: int | None) -> tuple[rules.AssessedClaim, int | None]:
    """What the steps say with what the reviewer proposes, in fen; None where the scheme leaves
    nothing to one. Refuses a claim the rules do not admit, a proposal that is missing, and one
    above the scheme's ceiling or what remains of the costs."""
    said = reckon_claim(claim)
    if said.refused:
        raise Refused("verdict", "按规则不能给付：" + said.refused[0].message)
    most = proposal_ceiling(claim)
    if most is None:
        return said, None
    if proposed is None:
        raise Refused("proposed", f"请填写拟定金额，最高{yuan(most)}元")
    if not 0 <= proposed <= most:
        raise Refused("proposed", f"拟定金额须在0元至{yuan(most)}元之间")
    return reckon_claim(claim, proposed=proposed), proposed


def _decided_on(claim: Claim, proposed: int | None) -> dict[str, Any]:
    """The claim's own facts with what the decision rested on: the reviewer's proposal, and what
    the office itself had paid before where relief is taken off it. Fen."""
    facts = dict(claim.facts)
    if proposed is not None:
        facts[PROPOSED] = proposed
    if reads_paid(plan_of(claim.enrollment.edition), claim.event):
        facts.setdefault(PAID, paid_so_far(claim.enrollment, claim))
    return facts


def _not_set(verdict: str) -> str:
    return "" if verdict == "approve" else "不予给付，审核人没有拟定金额"


def _under_review(claim: Claim, stages: tuple[str, ...], field: str) -> Claim:
    """The claim as it is now, inside this transaction. Refuses when it is elsewhere by now."""
    fresh: Claim = Claim.get_by_id(claim.id)
    decision = fresh.decisions.first()
    if decision is not None:
        raise Refused(field, f"这笔申领已于{decision.on}由{decision.by.name}作出决定")
    if fresh.stage not in stages:
        now = {"filed": "等待初审", "returned": "已退回补正", "reviewed": "已通过初审"}
        raise Refused(field, f"这笔申领现在{now[fresh.stage]}，请刷新后再办理")
    return fresh


def _second_person(claim: Claim, by: User) -> None:
    if by.id in filers_of(claim):
        raise Refused("verdict", "申报人不能审批自己申报的申领，请由另一人复审")
    if by.id == claim.first_reviewer_id:
        raise Refused("verdict", "初审与复审不能是同一人，请由另一人复审")


def _award(claim: Claim, computed: int, amount: int | None, reason: str) -> int:
    """The amount to award in fen: as computed, or raised or cut with a reason, under the caps."""
    if amount is None:
        amount = computed
    if amount <= 0:
        raise Refused("amount", "同意给付的金额须大于零；不应给付的请选择不予给付并写明理由")
    if amount != computed and not reason:
        raise Refused("reason", f"核定金额与计算结果{yuan(computed)}元不同，请写明理由")
    most = ceiling(claim)
    if most is not None and amount > most:
        raise Refused(
            "amount", f"超过本保障期还可给付的最高金额{yuan(most)}元（按封顶额减去已给付）"
        )
    return amount


def _happened(claim: Claim, kind: str, *, by: User, at: datetime, note: str) -> ClaimEvent:
    return ClaimEvent.create(claim=claim, kind=kind, by=by, on=at.date(), at=at, note=note)
