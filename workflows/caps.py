"""Whether every award keeps within its scheme's caps, worked out anew from what was decided.

Only reads. A reviewer may raise an award, with a reason, up to what the caps left on that day;
more than that was not decided here, whatever the row says.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from huigong import rules
from huigong.models import Decision, Edition, Scheme
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows.claims.reckoning import without_bounds
from huigong.workflows.replay import Kept, claims_by_member
from huigong.workflows.schemes import plan_of


def awards_beyond_caps() -> list[str]:
    """Awards above what the scheme's caps still left, in sentences; empty when there are none.

    A claim that lacks what its scheme asks for (taken over from before the office began with us)
    has no such figure and is not judged. A scheme whose plan is damaged is named elsewhere.
    """
    return [
        f"申领#{_claim_of(kept)} 核定 {yuan(kept.amount)} 元，"
        f"超过当时按封顶还可给付的最高金额 {yuan(most)} 元"
        for scheme in Scheme.select()
        for kept, most in _beyond(scheme)
    ]


def _claim_of(kept: Kept) -> int:
    return int(Decision.get_by_id(kept.decision).claim_id)


def _beyond(scheme: Scheme) -> Iterator[tuple[Kept, int]]:
    """The awards of one scheme above the most that was left for them, with that most in fen."""
    plans = _plans(scheme)
    for claims in claims_by_member(scheme, date.max):
        earlier: list[dict[str, Any]] = []
        terms: dict[int, list[Kept]] = defaultdict(list)
        for kept in claims:
            terms[kept.enrollment].append(kept)
        for term in sorted(terms.values(), key=lambda term: term[0].cover_from):
            if found := plans.get(term[0].edition):
                yield from _beyond_in_term(*found, term, earlier)
            earlier += [
                {**kept.case, "decided": kept.amount, "cover_from": kept.cover_from}
                for kept in term
            ]


def _plans(scheme: Scheme) -> dict[int, tuple[rules.Plan, rules.Rule]]:
    """The plans of a scheme's editions, without those that are damaged."""
    found = {}
    for edition in Edition.select().where(Edition.scheme == scheme):
        try:
            plan = plan_of(edition)
        except Refused:
            continue
        found[edition.id] = plan, rules.prepare(plan)
    return found


def _beyond_in_term(
    plan: rules.Plan, rule: rules.Rule, term: list[Kept], earlier: list[dict[str, Any]]
) -> Iterator[tuple[Kept, int]]:
    case: dict[str, Any] = {
        "cover_from": term[0].cover_from,
        "renewal": term[0].renewal,
        "facts": term[0].facts,
        "earlier": earlier,
        "claims": [{**kept.case, "decided": kept.amount} for kept in term],
    }
    said = rules.assess(rule, case, explain=False).claims
    for place, (kept, claim) in enumerate(zip(term, said, strict=True)):
        if kept.amount <= claim.benefit:
            continue
        boundless = without_bounds(plan, kept.case)
        asked = {**case, "claims": [*case["claims"][:place], boundless]}
        most = rules.assess(rule, asked, explain=False).claims[-1]
        if kept.amount > most.benefit and not most.refused:
            yield kept, most.benefit
