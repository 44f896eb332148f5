"""A scheme's plan and a case → fee, requirements and an assessment in steps.

Pure: whole fen and basis points in, steps out; no files, clock or database. One loop carries the
running totals of caps, bands and pools; the explanation a member reads, the policy page, the
calculator, the decision and a replay come from these same evaluated steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import date
from typing import Any, NamedTuple

from huigong.plans.admission import Refusal, admit, count_claim, counted_year, day, last_day
from huigong.plans.cover import (
    Fee,
    NotStated,
    Question,
    check_settlement,
    enrollment_questions,
    fee,
    last_filing_day,
    questions,
    unmet,
    unmet_group,
    unstated,
)
from huigong.plans.curves import (
    DAILY,
    FLOW,
    LUMP,
    MINIMUM,
    REVIEWER,
    BenefitRule,
    Plan,
    Rule,
    StepRule,
    prepare,
)
from huigong.plans.vocabulary import CLAIM_AMOUNTS, FACTS, PAID, PARTS, STAY

__all__ = [
    "AssessedClaim",
    "Assessment",
    "Fee",
    "NotStated",
    "Plan",
    "Question",
    "Refusal",
    "Rule",
    "Step",
    "assess",
    "assess_all",
    "check_settlement",
    "day",
    "enrollment_questions",
    "fee",
    "last_day",
    "last_filing_day",
    "prepare",
    "questions",
    "unmet",
    "unmet_group",
    "unstated",
]


class Step(NamedTuple):
    """One evaluated step, in fen. `prior` is None per stay; `stay` is None for a whole claim.

    `position` is the step's place in its benefit (a pool's is -1 - its place among the pools),
    `at` the facts its table was read by, `counted` the days or the reviewer's proposal it read.
    """

    benefit_id: str
    stay: int | None
    name: str
    before: int
    prior: int | None
    after: int
    clause: str
    position: int
    at: tuple = ()
    counted: int | None = None


class AssessedClaim(NamedTuple):
    """What one claim pays in fen, why, or what stands against it; `shares` by benefit id."""

    benefit: int
    steps: list[Step]
    refused: list[Refusal]
    shares: dict[str, int]


class Assessment(NamedTuple):
    """The claims of one case in the order given; `total` is the sum of their benefits in fen."""

    total: int
    claims: list[AssessedClaim]

    @property
    def refused(self) -> bool:
        return any(claim.refused for claim in self.claims)


def assess(plan: Plan | Rule, case: dict[str, Any], explain: bool = True) -> Assessment:
    """Assess a member's claims of one enrollment in the order of their decision.

    `case`: cover_from (or enrolled_on), renewal, facts, claims, and `earlier` claims of former
    enrollments (each with its own cover_from) that count for spans of a year or a life. Amounts
    in fen. A refused claim pays 0 and counts for nothing; the others are still assessed. What
    its caller already found against a claim is in the claim's own `refused`.
    """
    return Run(plan if isinstance(plan, Rule) else ready(plan)).assess(case, explain)


def assess_all(
    plan: Plan | Rule, cases: Iterable[dict[str, Any]], explain: bool = False
) -> Iterator[Assessment]:
    """Assess case after case, each as `assess` does: a replay of everything a city decided."""
    run = Run(plan if isinstance(plan, Rule) else ready(plan))
    for case in cases:
        yield run.assess(case, explain)


_ready: dict[int, tuple[Plan, Plan, Rule]] = {}


def ready(plan: Plan) -> Rule:
    """A plan's Rule, remembered while the very same dict is unchanged."""
    known = _ready.get(id(plan))
    if known and known[0] is plan and known[1] == plan:
        return known[2]
    if len(_ready) > 50:
        _ready.clear()
    rule = prepare(plan)
    _ready[id(plan)] = (plan, deepcopy(plan), rule)
    return rule


class Run:
    """The running totals of one case (sums by slot, numbers of claims, times paid) and the claim
    at work in it: what it reads, and what the totals will be (`added`) once it is accepted."""

    __slots__ = (
        "added", "after", "awards", "case", "claim", "cover", "during", "end", "event", "facts",
        "paid", "refused", "rule", "stays", "steps", "sums", "times", "units", "wrong", "year",
    )  # fmt: skip

    def __init__(self, rule: Rule):
        self.rule = rule

    def assess(self, case: dict[str, Any], explain: bool) -> Assessment:
        """Assess a case from its beginning, forgetting the one before it."""
        self.case, self.facts = case, case.get("facts") or {}
        self.sums: dict[Any, int] = {}
        self.times: dict[tuple[str, str], int] = {}
        self.cover: date | None = None
        self.end: date | None = None
        self.wrong: Refusal | None = None
        self.during = self.after = self.awards = 0
        for claim in case.get("earlier") or ():
            self.begin(claim["cover_from"])
            self.claim_in_turn(claim, False)
        self.begin(case.get("cover_from") or case.get("enrolled_on"))
        claims, total = [], 0
        for claim in case["claims"]:
            assessed = self.claim_in_turn(claim, explain)
            claims.append(assessed)
            total += assessed[0]
        return Assessment(total, claims)

    def begin(self, cover_from: Any) -> None:
        """Begin (or go on in) the term that starts on this day; term totals start at nothing."""
        try:
            cover = day(cover_from)
        except ValueError:
            self.wrong = Refusal("cover_from", "保障期首日不是一个日期")
            return
        if self.cover is not None and cover != self.cover:
            for slot in self.rule.term_slots:
                self.sums.pop(slot, None)
            self.times = {key: n for key, n in self.times.items() if key[1] == "life"}
            self.during = self.after = self.awards = 0
        self.cover = cover
        self.end = last_day(cover, self.rule.months) if cover else None
        if self.rule.asks_year and cover and "year" not in (self.case.get("facts") or {}):
            self.facts = {**self.facts, "year": cover.year}

    def claim_in_turn(self, claim: dict[str, Any], explain: bool) -> AssessedClaim:
        """One claim after those before it; only an accepted one adds to the totals."""
        rule, event = self.rule, claim.get("event") or STAY
        stays = claim.get("stays") or ()
        self.claim, self.event = claim, event
        self.stays, self.units = stays, stays or (claim,)
        found = claim.get("refused")
        self.refused = refused = list(found) if found else []
        self.steps: list[Step] | None = [] if explain else None
        self.added: dict[Any, int] = {}
        self.paid: dict[str, int] = {}
        self.year: int | None = None
        benefits = admit(self, claim, event, stays, refused)
        if benefits and not refused:
            if rule.reads_year:
                self.year = counted_year(claim, stays, refused)
            bases = _deducted(self, benefits) if rule.deductibles else None
            for benefit in benefits:
                _pay(self, benefit, bases[benefit.id] if bases else None)
            if rule.caps:
                _share_caps(self)
        if refused:
            return self.refuse(claim.get("decided"))
        _carry(self, benefits, claim.get("decided"))
        benefit_fen = 0
        for fen in self.paid.values():
            benefit_fen += fen
        return AssessedClaim(benefit_fen, self.steps or [], refused, self.paid)

    def refuse(self, decided: int | None) -> AssessedClaim:
        """A refused claim pays nothing; what a reviewer decided on it all the same still counts."""
        if decided is not None and (benefits := self.rule.events.get(self.event)):
            if self.rule.reads_year:
                self.year = counted_year(self.claim, self.stays, [])
            self.paid, self.added = {benefits[-1].id: 0}, {}
            _carry(self, benefits, decided)
        first = {refusal.field: refusal for refusal in reversed(self.refused)}
        return AssessedClaim(0, [], list(reversed(first.values())), {})


def _bases(run: Run, benefit: BenefitRule) -> list[int]:
    """A benefit's base per stay, or of the claim itself where it has no stays."""
    of, units = benefit.of, run.units
    if len(of) == 1 and not benefit.less:
        name, bases = of[0], []
        for unit in units:
            fen = unit.get(name)
            if fen.__class__ is not int or fen < 0:
                fen = _amount(run, unit, name)
            bases.append(fen)
        return bases
    if not of:
        return [0] * len(units)
    return [_base(run, benefit, unit) for unit in units]


def _deducted(run: Run, benefits) -> dict[str, list[int]]:
    """The bases of all benefits less the deductibles they share, stay by stay."""
    bases = {benefit.id: _bases(run, benefit) for benefit in benefits}
    for members, step in run.rule.deductibles:
        shared = 0  # what bases before in the same stay or claim have used of it
        for n in range(len(run.units)):
            shared = 0 if step.span == STAY else shared
            for benefit in benefits:
                if benefit.id in members and benefit.of:
                    owed = bases[benefit.id][n]
                    bases[benefit.id][n] = _apply(run, benefit.id, step, owed, n, shared=shared)
                    shared += owed
    return bases


def _base(run: Run, benefit: BenefitRule, unit) -> int:
    base = 0
    for name in benefit.of:
        fen = unit.get(name)
        if fen.__class__ is not int or fen < 0:
            fen = _amount(run, unit, name)
        base += fen
    if benefit.less:
        for name in benefit.less:
            base -= _amount(run, unit, name)
        if base < 0:
            names = "、".join(PARTS[name] for name in benefit.less)
            run.refused.append(Refusal(benefit.less[0], f"{names}之和大于被扣减的金额，请核对"))
            return 0
    return base


def _amount(run: Run, unit, name: str) -> int:
    """An amount of the settlement, or summed from the parts that the scheme's base names."""
    fen = unit.get(name)
    if fen.__class__ is int and fen >= 0:
        return fen
    if fen is None:
        parts = run.rule.base.get(name)
        given: list[Any] = [unit.get(part) for part in parts] if parts else [None]
        if all(g.__class__ is int and g >= 0 for g in given):
            return sum(given)
    label = PARTS.get(name) or CLAIM_AMOUNTS[name]
    wish = f"请填写{label}" if fen is None else f"{label}须为不小于零的金额"
    run.refused.append(Refusal(name, wish))
    return 0


def _pay(run: Run, benefit: BenefitRule, bases: list[int] | None) -> None:
    """One benefit: its steps per stay, summed, then its steps on the claim."""
    if bases is None:
        bases = _bases(run, benefit)
    benefit_id, of = benefit.id, benefit.of
    flow, start = 0, sum(bases)
    if stay_steps := benefit.stay_steps:
        for n, base in enumerate(bases):
            x = base
            for step in stay_steps:
                x = _apply(run, benefit_id, step, x, n, base, of)
            flow += x
    else:
        flow = start = start - _paid_before(run, benefit) if benefit.paid else start
        if start < 0:
            flow = start = 0
    for step in benefit.claim_steps:
        flow = _apply(run, benefit_id, step, flow, None, start, of)
    run.paid[benefit_id] = flow


def _paid_before(run: Run, benefit: BenefitRule) -> int:
    """What was paid before relief: as given, by this claim's benefits, or by the term's claims."""
    given = run.claim.get(PAID)
    if given is None and run.rule.events[run.event][0].id != benefit.id:
        return sum(run.paid.values())
    if given is None and run.awards:
        return run.awards
    return _amount(run, run.claim, PAID)


def _apply(run, owner: str, step: StepRule, x: int, n, base=1, of=(), shared=0) -> int:
    """One step on the output before it: y = R(F(x)), or R(F(S)) - R(F(S-x)) over a span.

    `shared` is what other bases of the same stay or claim put in before.
    """
    kind, span, slot, by, curve, name, clause, index, decided = step
    at: tuple = ()
    prior = None
    if by:
        curve, at = _read(run, by, curve, n)
        if curve is None:
            return 0
    if slot is None and kind == FLOW and run.steps is None and not shared:
        return curve(x)
    fed = x if kind <= LUMP else _counted(run, kind, n)
    if slot is None:
        after = curve(shared + fed) - curve(shared) if shared else curve(fed)
        if span == "claim":
            prior = shared
    else:
        key, added = slot if span != "year" else (slot, run.year), run.added
        prior = added[key] if key in added else run.sums.get(key, 0)
        given = curve(prior)
        after = curve(prior + fed) - given
        if not decided:
            added[key] = prior + fed
    if kind != FLOW:
        if slot is not None and kind == DAILY:
            prior = given
        after = _bounded(kind, after, x, base, of)
    if run.steps is not None:
        stay = n if run.stays else None
        counted = fed if kind > LUMP else None
        run.steps.append(Step(owner, stay, name, x, prior, after, clause, index, at, counted))
    return after


def _bounded(kind: int, after: int, x: int, base: int, of: tuple[str, ...]) -> int:
    """A minimum and a lump sum need a base above zero; a reviewer's sum stays within the flow."""
    if kind == MINIMUM:
        return after if base > 0 else x
    if kind == LUMP:
        return after if base > 0 or not of else 0
    return min(after, x) if kind == REVIEWER and of else after


def _read(run: Run, by: tuple[str, ...], node: Any, n: int | None):
    """The curve that the facts choose; a missing or unknown fact is named, never assumed."""
    stay = run.stays[n] if n is not None and run.stays else run.claim
    at: tuple = ()
    for name in by:
        value = stay.get(name)
        if value is None:
            value = run.claim.get(name)
            if value is None:
                value = run.facts.get(name)
        try:
            node = node[value]
        except (KeyError, TypeError):
            label = FACTS[name].label
            wish = f"请填写{label}" if value is None else f"{label}没有“{value}”这一项"
            run.refused.append(Refusal(name, wish))
            return None, ()
        at += (value,)
    return node, at


def _counted(run: Run, kind: int, n: int | None) -> int:
    """The days of a daily allowance, or what the reviewer proposes."""
    if kind != DAILY:
        return _amount(run, run.claim, "proposed")
    units = run.stays if n is None else run.stays[n : n + 1]
    days = 0
    for unit in units or (run.claim,):
        value = unit.get("days")
        if type(value) is not int or value < 0:
            run.refused.append(Refusal("days", "请填写住院天数（整数）"))
            return 0
        days += value
    return days


def _share_caps(run: Run) -> None:
    """Caps that several benefits share, last of all; what is over comes off the last benefit."""
    for pool_id, members, step in run.rule.caps:
        paid, before, among = run.paid, 0, False
        for benefit_id in members:
            if benefit_id in paid:
                before, among = before + paid[benefit_id], True
        over = before - _apply(run, pool_id, step, before, None) if among else 0
        if not over:
            continue
        for benefit_id in reversed(members):
            if benefit_id in paid:
                cut = min(over, paid[benefit_id])
                paid[benefit_id] -= cut
                over -= cut


def _carry(run: Run, benefits, decided: int | None) -> None:
    """Add an accepted claim to the totals; closing caps and pools carry what was decided."""
    rule, sums = run.rule, run.sums
    awards = run.paid if decided is None else _awarded(run.paid, decided)
    sums.update(run.added)
    for benefit in benefits:
        award = awards.get(benefit.id, 0)
        for slot, span in benefit.closing:
            key = slot if span != "year" else (slot, run.year)
            sums[key] = sums.get(key, 0) + award
        if benefit.times and award:
            paid = (benefit.id, benefit.times[1])
            run.times[paid] = run.times.get(paid, 0) + 1
        run.awards += award
    for _, members, step in rule.caps:
        if step.slot is not None:
            key = (step.slot, run.year) if step.span == "year" else step.slot
            for benefit_id in members:
                sums[key] = sums.get(key, 0) + awards.get(benefit_id, 0)
    if rule.counts and run.event in rule.counts[2]:
        count_claim(run, run.claim)


def _awarded(paid: dict[str, int], decided: int) -> dict[str, int]:
    """A decided sum shared out: a raise goes to the last benefit, a cut comes off it first."""
    awards, rest = dict(paid), decided - sum(paid.values())
    for benefit_id in reversed(paid):
        cut = min(-rest, awards[benefit_id])  # of a raise: less than nothing, all of it
        awards[benefit_id] -= cut
        rest += cut
    return awards
