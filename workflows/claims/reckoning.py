"""What the scheme's steps say of a claim, with everything decided before it in the same term."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from huigong import clock, rules, sentences
from huigong.models import Claim, Decision, Edition, Enrollment, Stay
from huigong.plans.vocabulary import STAY
from huigong.workflows.claims.asking import PROPOSED, reads_fact, sets_amount
from huigong.workflows.schemes import plan_of

MOST_FEN = 10**12  # 一百亿元: beyond it is a slip of the keyboard, not a settlement
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
    itself where it is already kept. What a reviewer has yet to set counts as nothing. Refuses
    where the scheme's plan is damaged."""
    plan = plan_of(enrollment.edition)
    decided = _decided(Claim.enrollment == enrollment, claim)
    this = _as_case(event, stays, on, _with_proposal(plan, event, facts or {}))
    return rules.assess(_rule(plan), _case(enrollment, [*decided, this], claim))


def _rule(plan: Facts) -> rules.Rule:
    """A plan ready for assessing, its limits in working days by the office's calendar."""
    return rules.prepare(plan, clock.after_working_days)


def _with_proposal(plan: Facts, event: str | None, facts: Facts) -> Facts:
    if sets_amount(plan, event) and facts.get(PROPOSED) is None:
        return {**facts, PROPOSED: 0}
    return facts


def reckon_claim(claim: Claim, *, proposed: int | None = None) -> rules.AssessedClaim:
    """What the steps say now of a kept claim, with what its reviewer proposes in fen where the
    scheme leaves that to one; a decision is never changed by it."""
    stays, on = stays_of(claim), claim.filed_on
    facts = claim.facts if proposed is None else {**claim.facts, PROPOSED: proposed}
    found = reckon(claim.enrollment, claim.event, stays, on=on, facts=facts, claim=claim)
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
        {
            **_as_case(
                other.event,
                stays_of(other),
                other.filed_on,
                _with_proposal(plan, other.event, other.facts),
            ),
            "decided": 0,
        }
        for other in others
    ]
    decided = _decided(Claim.enrollment == enrollment, claim)
    this = _as_case(event, stays, on, _with_proposal(plan, event, facts))
    case = _case(enrollment, [*decided, *under_way, this], claim)
    return rules.assess(_rule(plan), case, explain=False).claims[-1]


def unbounded(claim: Claim) -> rules.AssessedClaim:
    """What the scheme would pay for a claim if its costs were boundless, after what was decided
    before it: the most that its caps still leave, cap by cap."""
    return _unbounded(claim, claim)


def _unbounded(claim: Claim, but: Claim | None, **more: Any) -> rules.AssessedClaim:
    plan = plan_of(claim.enrollment.edition)
    case = without_bounds(plan, {**claim.facts, "stays": stays_of(claim)})
    stays, facts = case.pop("stays"), {**case, **more}
    return reckon(
        claim.enrollment, claim.event, stays, on=claim.filed_on, facts=facts, claim=but
    ).claims[-1]


def without_bounds(plan: Facts, case: Facts) -> Facts:
    """A claim as the rules read it, with boundless costs: what only the scheme's limits stop."""
    read = {name: BOUNDLESS for benefit in plan["benefit"] for name in benefit["of"]}
    less = {name: 0 for benefit in plan["benefit"] for name in benefit["less"]}
    most = {**read, **less}
    boundless = {**case, **most, PROPOSED: BOUNDLESS}
    if "stays" in case:
        boundless["stays"] = [{**stay, **most} for stay in case["stays"]]
    return boundless


def ceiling(claim: Claim) -> int | None:
    """The most that may be awarded for a claim, in fen, after what the term's caps have already
    given. None: the scheme sets none."""
    benefit = unbounded(claim).benefit
    return benefit if benefit < MOST_FEN else None


def proposal_ceiling(claim: Claim) -> int | None:
    """The most a reviewer may propose for a claim, in fen; None where the scheme leaves nothing
    to a reviewer. What remains of the person's costs bounds it too."""
    plan = plan_of(claim.enrollment.edition)
    if not sets_amount(plan, claim.event):
        return None
    said = reckon_claim(claim, proposed=BOUNDLESS)
    forms = {b["id"]: [step["form"] for step in b["step"]] for b in plan["benefit"]}
    mosts = [
        step.after
        for step in said.steps
        if step.position >= 0 and forms[step.benefit_id][step.position] == "reviewer_up_to"
    ]
    return max(mosts, default=0)


def remaining(claim: Claim) -> list[tuple[str, int, int]]:
    """The caps of a term, year or life that a claim meets, as the member stands now: their name,
    what decided claims have used of them and what is left, in fen."""
    plan = plan_of(claim.enrollment.edition)
    benefits = {benefit["id"]: benefit for benefit in plan["benefit"]}
    found = []
    for step in _unbounded(claim, None, decided=0).steps:
        if step.position < 0:
            written = plan["pool"][-1 - step.position]
            cap = written.get("cap")
        else:
            written = benefits[step.benefit_id]["step"][step.position]
            cap = sentences.leaf_at(written, step) if written["form"] == "cap" else None
        if cap is not None and written["per"] in ("term", "year", "life"):
            used = step.prior or 0
            found.append((step.name, used, max(cap - used, 0)))
    return found


def _case(enrollment: Enrollment, claims: list[Facts], claim: Claim | None) -> Facts:
    return {
        "cover_from": enrollment.cover_from,
        "renewal": enrollment.renewal,
        "facts": known_facts(enrollment),
        "earlier": _earlier(enrollment, claim),
        "claims": claims,
    }


def known_facts(enrollment: Enrollment) -> Facts:
    """What the office knows of the person for this cover: what they enrolled with, and how many
    years in a row they are covered where the scheme reads it."""
    if not reads_fact(plan_of(enrollment.edition), "years_enrolled"):
        return enrollment.facts
    return {"years_enrolled": _years_in_a_row(enrollment), **enrollment.facts}


def _years_in_a_row(enrollment: Enrollment) -> int:
    """Terms of the same scheme that follow each other without a day between, this one last."""
    former = _former(enrollment).order_by(Enrollment.cover_from.desc())
    years, first = 1, enrollment.cover_from
    for cover in former:
        if cover.cover_to + timedelta(days=1) < first:
            break
        years, first = years + 1, cover.cover_from
    return years


def _former(enrollment: Enrollment) -> Any:
    """The member's earlier covers under the same scheme that count."""
    return (
        Enrollment.select()
        .join(Edition)
        .where(
            Enrollment.counts(),
            Enrollment.member == enrollment.member_id,
            Edition.scheme == enrollment.edition.scheme_id,
            Enrollment.cover_from < enrollment.cover_from,
        )
    )


def paid_so_far(enrollment: Enrollment, claim: Claim | None = None) -> int:
    """What the term's decided claims were awarded, in fen: what relief calls already paid."""
    awards = Decision.select(Decision.amount).join(Claim).where(Claim.enrollment == enrollment)
    if claim is not None:
        awards = awards.where(Claim.id != claim.id)
    return sum(row.amount for row in awards)


def _earlier(enrollment: Enrollment, claim: Claim | None) -> list[Facts]:
    """Decided claims of the member's former terms under the same scheme, for spans of a year
    or a life."""
    former = [row.id for row in _former(enrollment)]
    return _decided(Claim.enrollment << former, claim) if former else []


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


def worded(plan: rules.Plan, steps: Iterable[rules.Step], *, open_to: str = "") -> list[Facts]:
    """The evaluated steps as a decision keeps them: words, figures in fen, and the clause.
    `open_to` says in words what a reviewer has yet to set."""
    forms = {b["id"]: [step["form"] for step in b["step"]] for b in plan["benefit"]}
    told = []
    for step in steps:
        form = forms[step.benefit_id][step.position] if step.position >= 0 else "pool"
        words = (
            open_to if open_to and form == "reviewer_up_to" else sentences.step_words(plan, step)
        )
        told.append(
            {
                "benefit_id": step.benefit_id,
                "stay": step.stay,
                "name": step.name,
                "before": step.before,
                "prior": step.prior,
                "after": step.after,
                "clause": step.clause,
                "words": words,
            }
        )
    return told
