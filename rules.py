"""A scheme's plan and a case → fee, requirements and an assessment in steps.

Pure: whole fen and basis points in, steps out; no files, clock or database. One loop carries the
running totals of caps, bands and pools; the explanation a member reads, the policy page, the
calculator, the decision and a replay come from these same evaluated steps.
"""

from __future__ import annotations

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
    run = Run(plan if isinstance(plan, Rule) else ready(plan), case)
    for claim in case.get("earlier") or ():
        run.begin(claim["cover_from"])
        run.assess(claim, False)
    run.begin(case.get("cover_from") or case.get("enrolled_on"))
    claims = [run.assess(claim, explain) for claim in case["claims"]]
    return Assessment(sum([claim.benefit for claim in claims]), claims)


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
    """The running totals of one case: sums by slot, numbers of claims, times paid."""

    __slots__ = (
        "after", "awards", "case", "cover", "during", "end", "facts", "rule", "sums", "times",
        "wrong",
    )  # fmt: skip

    def __init__(self, rule: Rule, case: dict[str, Any]):
        self.rule, self.case = rule, case
        self.facts = case.get("facts") or {}
        self.sums: dict[Any, int] = {}
        self.times: dict[tuple[str, str], int] = {}
        self.cover: date | None = None
        self.wrong: Refusal | None = None
        self.during = self.after = self.awards = 0
        self.end: date | None = None

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

    def assess(self, claim: dict[str, Any], explain: bool) -> AssessedClaim:
        event = claim.get("event") or STAY
        decided = claim.get("decided")
        refused: list[Refusal] = list(claim.get("refused") or ())
        steps: list[Step] | None = [] if explain else None
        stays = claim.get("stays") or ()
        benefits = admit(self, claim, event, stays, refused)
        work = _Work(claim, stays, event, steps, refused)
        if benefits and not refused:
            if self.rule.reads_year:
                work.year = counted_year(claim, stays, refused)
            bases = _deducted(self, work, benefits) if self.rule.deductibles else None
            for benefit in benefits:
                _pay(self, work, benefit, bases[benefit.id] if bases else None)
            if self.rule.caps:
                _share_caps(self, work)
        if refused:
            return self._refuse(work, decided)
        _carry(self, work, benefits, decided)
        return AssessedClaim(sum(work.paid.values()), steps or [], refused, work.paid)

    def _refuse(self, work: _Work, decided: int | None) -> AssessedClaim:
        """A refused claim pays nothing; what a reviewer decided on it all the same still counts."""
        if decided is not None and (benefits := self.rule.events.get(work.event)):
            if self.rule.reads_year:
                work.year = counted_year(work.claim, work.stays, [])
            work.paid, work.added = {benefits[0].id: 0}, []
            _carry(self, work, benefits, decided)
        first = {refusal.field: refusal for refusal in reversed(work.refused)}
        return AssessedClaim(0, [], list(reversed(first.values())), {})


class _Work:
    """One claim at work: what it reads and what it will add to the totals once accepted."""

    __slots__ = ("added", "claim", "event", "paid", "refused", "stays", "steps", "year")

    def __init__(self, claim, stays, event, steps, refused):
        self.claim, self.stays, self.event = claim, stays, event
        self.steps: list[Step] | None = steps
        self.refused: list[Refusal] = refused
        self.added: list[tuple[Any, int]] = []
        self.paid: dict[str, int] = {}
        self.year: int | None = None


def _bases(run: Run, work: _Work, benefit: BenefitRule) -> list[int]:
    """A benefit's base per stay, or of the claim itself where it has no stays."""
    units = work.stays or (work.claim,)
    if not benefit.of:
        return [0] * len(units)
    return [_base(run, work, benefit, unit) for unit in units]


def _deducted(run: Run, work: _Work, benefits) -> dict[str, list[int]]:
    """The bases of all benefits less the deductibles they share, stay by stay."""
    bases = {benefit.id: _bases(run, work, benefit) for benefit in benefits}
    for members, step in run.rule.deductibles:
        for n in range(len(work.stays or (work.claim,))):
            for benefit in benefits:
                if benefit.id in members and benefit.of:
                    owed = bases[benefit.id][n]
                    bases[benefit.id][n] = _apply(run, work, benefit.id, step, owed, n)
    return bases


def _base(run: Run, work: _Work, benefit: BenefitRule, unit) -> int:
    base = 0
    for name in benefit.of:
        fen = unit.get(name)
        if fen.__class__ is not int or fen < 0:
            fen = _amount(run, work, unit, name)
        base += fen
    if benefit.less:
        for name in benefit.less:
            base -= _amount(run, work, unit, name)
        if base < 0:
            names = "、".join(PARTS[name] for name in benefit.less)
            work.refused.append(Refusal(benefit.less[0], f"{names}之和大于被扣减的金额，请核对"))
            return 0
    return base


def _amount(run: Run, work: _Work, unit, name: str) -> int:
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
    work.refused.append(Refusal(name, wish))
    return 0


def _pay(run: Run, work: _Work, benefit: BenefitRule, bases: list[int] | None) -> None:
    """One benefit: its steps per stay, summed, then its steps on the claim."""
    if bases is None:
        bases = _bases(run, work, benefit)
    flow, start = 0, sum(bases)
    if benefit.stay_steps:
        for n, base in enumerate(bases):
            x = base
            for step in benefit.stay_steps:
                x = _apply(run, work, benefit.id, step, x, n, base, benefit.of)
            flow += x
    else:
        flow = start = start - _paid_before(run, work) if benefit.paid else start
        if start < 0:
            flow = start = 0
    for step in benefit.claim_steps:
        flow = _apply(run, work, benefit.id, step, flow, None, start, benefit.of)
    work.paid[benefit.id] = flow


def _paid_before(run: Run, work: _Work) -> int:
    """What was paid before relief: as given, by this claim's benefits, or by the term's claims."""
    given = work.claim.get(PAID)
    if given is None and work.paid:
        return sum(work.paid.values())
    if given is None and run.awards:
        return run.awards
    return _amount(run, work, work.claim, PAID)


def _apply(run, work, owner: str, step: StepRule, x: int, n, base=1, of=()) -> int:
    """One step on the output before it: y = R(F(x)), or R(F(S)) - R(F(S-x)) over a span."""
    kind, span, slot, by, curve, name, clause, index, decided = step
    at: tuple = ()
    prior = counted = None
    if by:
        curve, at = _read(run, work, by, curve, n)
        if curve is None:
            return 0
    if slot is None and kind == FLOW and work.steps is None:
        return curve(x)
    fed = x
    if kind > LUMP:
        fed = counted = _counted(run, work, kind, n)
    if slot is None:
        after = curve(fed)
        if span == "claim":
            prior = 0
    else:
        key = (slot, work.year) if span == "year" else slot
        prior = run.sums.get(key, 0)
        if work.added:
            prior += sum([fen for k, fen in work.added if k == key])
        given = curve(prior)
        after = curve(prior + fed) - given
        if not decided:
            work.added.append((key, fed))
        if kind == DAILY:
            prior = given
    if kind != FLOW:
        after = _bounded(kind, after, x, base, of)
    if work.steps is not None:
        stay = n if work.stays else None
        work.steps.append(Step(owner, stay, name, x, prior, after, clause, index, at, counted))
    return after


def _bounded(kind: int, after: int, x: int, base: int, of: tuple[str, ...]) -> int:
    """A minimum and a lump sum need a base above zero; a reviewer's sum stays within the flow."""
    if kind == MINIMUM:
        return after if base > 0 else x
    if kind == LUMP:
        return after if base > 0 or not of else 0
    return min(after, x) if kind == REVIEWER and of else after


def _read(run: Run, work: _Work, by: tuple[str, ...], node: Any, n: int | None):
    """The curve that the facts choose; a missing or unknown fact is named, never assumed."""
    stay = work.stays[n] if n is not None and work.stays else work.claim
    at = []
    for name in by:
        value = stay.get(name)
        if value is None:
            value = work.claim.get(name)
            if value is None:
                value = run.facts.get(name)
        try:
            node = node[value]
        except (KeyError, TypeError):
            label = FACTS[name].label
            wish = f"请填写{label}" if value is None else f"{label}没有“{value}”这一项"
            work.refused.append(Refusal(name, wish))
            return None, ()
        at.append(value)
    return node, tuple(at)


def _counted(run: Run, work: _Work, kind: int, n: int | None) -> int:
    """The days of a daily allowance, or what the reviewer proposes."""
    if kind != DAILY:
        return _amount(run, work, work.claim, "proposed")
    units = work.stays if n is None else work.stays[n : n + 1]
    days = 0
    for unit in units or (work.claim,):
        value = unit.get("days")
        if type(value) is not int or value < 0:
            work.refused.append(Refusal("days", "请填写住院天数（整数）"))
            return 0
        days += value
    return days


def _share_caps(run: Run, work: _Work) -> None:
    """Caps that several benefits share, last of all; what is over comes off the last benefit."""
    for pool_id, members, step in run.rule.caps:
        paid = [benefit_id for benefit_id in members if benefit_id in work.paid]
        if not paid:
            continue
        before = sum([work.paid[benefit_id] for benefit_id in paid])
        over = before - _apply(run, work, pool_id, step, before, None)
        for benefit_id in reversed(paid):
            cut = min(over, work.paid[benefit_id])
            work.paid[benefit_id] -= cut
            over -= cut


def _carry(run: Run, work: _Work, benefits, decided: int | None) -> None:
    """Add an accepted claim to the totals; closing caps and pools carry what was decided."""
    awards = work.paid if decided is None else _awarded(work.paid, decided)
    for key, fen in work.added:
        run.sums[key] = run.sums.get(key, 0) + fen
    for benefit in benefits:
        award = awards.get(benefit.id, 0)
        for step in benefit.closing:
            _add(run, work, step, award)
        if benefit.times and award:
            key = (benefit.id, benefit.times[1])
            run.times[key] = run.times.get(key, 0) + 1
        if not benefit.paid:
            run.awards += award
    for _, members, step in run.rule.caps:
        if step.slot is not None:
            _add(run, work, step, sum([awards.get(benefit_id, 0) for benefit_id in members]))
    counts = run.rule.counts
    if counts and work.event in counts[2]:
        count_claim(run, work.claim)


def _add(run: Run, work: _Work, step: StepRule, fen: int) -> None:
    key = (step.slot, work.year) if step.span == "year" else step.slot
    run.sums[key] = run.sums.get(key, 0) + fen


def _awarded(paid: dict[str, int], decided: int) -> dict[str, int]:
    """A decided sum shared out: a raise goes to the last benefit, a cut comes off it first."""
    awards, rest = dict(paid), decided - sum(paid.values())
    for benefit_id in reversed(paid):
        cut = min(-rest, awards[benefit_id])  # of a raise: less than nothing, all of it
        awards[benefit_id] -= cut
        rest += cut
    return awards
