"""What the scheme's steps say of a claim, with everything decided before it in the same term."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from huigong import explain, rules
from huigong.models import Claim, Decision, Edition, Enrollment, Stay
from huigong.plans.vocabulary import STAY
from huigong.workflows.schemes import plan_of

BOUNDLESS = 10**15  # fen: more than any settlement, so that only the scheme's limits are left
Facts = dict[str, Any]


def reckon(
    enrollment: Enrollment,
    event: str | None,
    stays: list[Facts],
    *,
    on: date,
    facts: Facts | None = None,
    claim: Claim | None = None,
) -> rules.Assessment:
    """Assess a claim filed `on` a day after all decided claims of the enrollment's term, whose
    decided amounts count towards caps; it is the last of the claims. `claim` is this claim
    itself where it is already kept. Refuses where the scheme's plan is damaged."""
    plan = plan_of(enrollment.edition)
    decided = _decided(Claim.enrollment == enrollment, claim)
    this = _as_case(event, stays, on, facts or {})
    return rules.assess(plan, _case(enrollment, [*decided, this], claim))


def reckon_claim(claim: Claim) -> rules.AssessedClaim:
    """What the steps say now of a kept claim; a decision is never changed by it."""
    stays, on = stays_of(claim), claim.filed_on
    found = reckon(claim.enrollment, claim.event, stays, on=on, facts=claim.facts, claim=claim)
    return found.claims[-1]


def with_open_claims(
    enrollment: Enrollment,
    event: str | None,
    stays: list[Facts],
    *,
    on: date,
    facts: Facts,
    claim: Claim | None,
) -> rules.AssessedClaim:
    """As `reckon`, with the claims still under way counted too (at no money): a third claim is
    refused when it is filed, not when the first two have been decided."""
    plan = plan_of(enrollment.edition)
    waiting = Claim.select().where(
        Claim.enrollment == enrollment, Claim.stage << ("filed", "returned", "reviewed")
    )
    others = [other for other in waiting.order_by(Claim.id) if other != claim]
    under_way = [
        {**_as_case(other.event, stays_of(other), other.filed_on, other.facts), "decided": 0}
        for other in others
    ]
    decided = _decided(Claim.enrollment == enrollment, claim)
    this = _as_case(event, stays, on, facts)
    case = _case(enrollment, [*decided, *under_way, this], claim)
    return rules.assess(plan, case, explain=False).claims[-1]


def ceiling(claim: Claim) -> int | None:
    """The most that may be awarded for a claim, in fen: what its scheme would pay if the costs
    were boundless, after what the term's caps have already given. None: the scheme sets none."""
    plan = plan_of(claim.enrollment.edition)
    read = {name: BOUNDLESS for benefit in plan["benefit"] for name in benefit["of"]}
    less = {name: 0 for benefit in plan["benefit"] for name in benefit["less"]}
    most = {**read, **less}
    stays = [{**stay, **most} for stay in stays_of(claim)]
    facts = {**claim.facts, **most, "proposed": BOUNDLESS}
    found = reckon(
        claim.enrollment, claim.event, stays, on=claim.filed_on, facts=facts, claim=claim
    )
    benefit = found.claims[-1].benefit
    return benefit if benefit < BOUNDLESS // 100 else None


def _case(enrollment: Enrollment, claims: list[Facts], claim: Claim | None) -> Facts:
    return {
        "cover_from": enrollment.cover_from,
        "renewal": enrollment.renewal,
        "facts": enrollment.facts,
        "earlier": _earlier(enrollment, claim),
        "claims": claims,
    }


def _earlier(enrollment: Enrollment, claim: Claim | None) -> list[Facts]:
    """Decided claims of the member's former terms under the same scheme, for spans of a year
    or a life."""
    former = (
        Enrollment.select(Enrollment.id)
        .join(Edition)
        .where(
            Enrollment.member == enrollment.member_id,
            Edition.scheme == enrollment.edition.scheme_id,
            Enrollment.cover_from < enrollment.cover_from,
        )
    )
    return _decided(Claim.enrollment << former, claim)


def _decided(condition: Any, claim: Claim | None) -> list[Facts]:
    """Approved claims in the order of their decision; a refused one used up nothing."""
    rows = (
        Decision.select(Decision, Claim, Enrollment)
        .join(Claim)
        .join(Enrollment)
        .where(condition, Decision.verdict == "approve")
        .order_by(Decision.id)
    )
    return [
        {
            **_as_case(row.claim.event, stays_of(row.claim), row.claim.filed_on, row.claim.facts),
            "decided": row.amount,
            "cover_from": row.claim.enrollment.cover_from,
        }
        for row in rows
        if claim is None or row.claim_id != claim.id
    ]


def _as_case(event: str | None, stays: list[Facts], on: date, facts: Facts) -> Facts:
    given = {name: value for name, value in facts.items() if value is not None}
    if event and event != STAY:
        return {**given, "event": event, "filed_on": on}
    return {**given, "event": None, "filed_on": on, "stays": stays}


def stays_of(claim: Claim) -> list[Facts]:
    """A claim's stays as the rules read them: facts, dates, and the parts that were given."""
    rows = Stay.select().where(Stay.claim == claim).order_by(Stay.number)
    return [stay_facts(row) for row in rows]


def stay_facts(row: Stay) -> Facts:
    kept = {
        "hospital": row.hospital,
        "hospital_level": row.hospital_level,
        "place": row.place or None,
        "admitted": row.admitted,
        "discharged": row.discharged,
        "days": row.days,
        **row.amounts,
    }
    return {name: value for name, value in kept.items() if value is not None}


def worded(plan: rules.Plan, steps: Iterable[rules.Step]) -> list[Facts]:
    """The evaluated steps as a decision keeps them: words, figures in fen, and the clause."""
    return [
        {
            "benefit_id": step.benefit_id,
            "stay": step.stay,
            "name": step.name,
            "before": step.before,
            "prior": step.prior,
            "after": step.after,
            "clause": step.clause,
            "words": explain.step_words(plan, step),
        }
        for step in steps
    ]
