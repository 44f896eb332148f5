"""The one primitive behind every step: a rising curve from whole fen to whole fen.

Bands, deductibles, thresholds, caps and tables of amounts are all a curve F. Per stay a step
pays R(F(x)); over a longer span, with S the running total, R(F(S)) - R(F(S-x)).
`prepare` turns a plan into curves once, so that assessing is only arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from huigong.plans.vocabulary import FACTS, OPEN, PAID, ROUNDINGS, STAY

Plan = dict[str, Any]

FLOW, MINIMUM, LUMP, DAILY, REVIEWER = range(5)
FORMS = {
    "pay": FLOW,
    "cap": FLOW,
    "deductible": FLOW,
    "threshold": FLOW,
    "minimum": MINIMUM,
    "amount": LUMP,
    "daily": DAILY,
    "reviewer_up_to": REVIEWER,
}


class StepRule(NamedTuple):
    """One step made ready: what it reads, over which span it adds up, and its curve or curves."""

    kind: int
    span: str
    slot: int | None  # where its running total is kept; None per stay and per claim
    by: tuple[str, ...]
    curve: Any  # a curve made ready, or nested tables of them by the facts in `by`
    name: str
    clause: str
    position: int  # its place among the benefit's steps; a pool's is -1 - its place
    decided: bool  # a closing cap: its prior is what was decided


@dataclass(frozen=True, slots=True)
class BenefitRule:
    """One benefit made ready; `paid` says it comes after what other benefits paid."""

    id: str
    event: str
    of: tuple[str, ...]
    less: tuple[str, ...]
    paid: bool
    stay_steps: tuple[StepRule, ...]
    claim_steps: tuple[StepRule, ...]
    closing: tuple[tuple[int, str], ...]  # (slot, span) of each cap that carries what was decided
    waiting: int
    times: tuple[int, str] | None
    clause: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A plan made ready for assessing; make it once for many cases."""

    plan: Plan
    events: dict[str, tuple[BenefitRule, ...]]
    deductibles: tuple[tuple[frozenset[str], StepRule], ...]
    caps: tuple[tuple[str, tuple[str, ...], StepRule], ...]
    months: int
    base: dict[str, tuple[str, ...]]
    counts: Any  # (during, after, events), or None where the numbers are open
    filing: Any  # (days, after what, the calendar of working days or None), or None
    guarded: frozenset[str]  # events with a benefit that waits or is paid only so many times
    reads_year: bool
    asks_year: bool
    term_slots: frozenset[int]


def rounder(name: str) -> tuple[int, int, int]:
    """R as (add, per, unit): n fen-basis-points become (n + add) // per * unit whole fen."""
    mode, unit, _ = ROUNDINGS[name]
    per = 10000 * unit
    return {"half": per // 2, "down": 0, "up": per - 1}[mode], per, unit


class Curve(NamedTuple):
    """A rising curve as data: (upper, rate, plus), … where s ≤ upper gives (s · rate + plus) // per
    · unit; the last piece is open. Rates of `pay` are in basis points, of the others whole."""

    pieces: list[tuple[int | None, int, int]]
    per: int = 1
    unit: int = 1


def curve(form: str, leaf: Any, *, whole: bool = False, rounding: str = "half_up", **more: int):
    """The curve of one form with one leaf of its table (fen, or bands of fen or basis points)."""
    if form == "pay":
        return _bands(leaf, rounding, whole)
    if form == "daily":
        first, limit = more.get("days_after", 0), more.get("days_limit")
        counted = (None if limit is None else first + limit, leaf, -leaf * first)
        rest = [] if limit is None else [(None, 0, leaf * limit)]
        return Curve([(first, 0, 0), counted, *rest])
    if form == "amount":
        bands = leaf if isinstance(leaf, list) else [[None, leaf]]
        return Curve([(upper, 0, fen) for upper, fen in bands])
    below, above = {
        "cap": ((1, 0), (0, leaf)),
        "reviewer_up_to": ((1, 0), (0, leaf)),
        "deductible": ((0, 0), (1, -leaf)),
        "threshold": ((0, 0), (1, 0)),
        "minimum": ((0, leaf), (1, 0)),
    }[form]
    return Curve([(leaf, *below), (None, *above)])


def _bands(bands: list[list[Any]], rounding: str, whole: bool) -> Curve:
    """Rates band by band, or (`whole`) the rate of the band reached for the whole."""
    add, per, unit = rounder(rounding)
    pieces, lower, owed = [], 0, add
    for upper, rate in bands:
        pieces.append((upper, rate, add if whole else owed - lower * rate))
        if upper is not None:
            owed += (upper - lower) * rate
            lower = upper
    return Curve(pieces, per, unit)


def piece_at(curve: Curve, s: int) -> tuple[int | None, int, int]:
    """The piece that holds s; an upper bound belongs to its piece."""
    return next(piece for piece in curve.pieces if piece[0] is None or s <= piece[0])


def ready(curve: Curve) -> Callable[[int], int]:
    """A curve made ready for reckoning: the same for every shape, the frequent ones faster."""
    pieces, per, unit = curve
    _, rate, plus = pieces[0]
    if len(pieces) == 1:
        return lambda s: (s * rate + plus) // per * unit
    if per == 1 and len(pieces) == 2:
        top, (_, beyond, more) = pieces[0][0] or 0, pieces[1]
        if (rate, plus, beyond) == (1, 0, 0):
            return lambda s: s if s <= top else more
        return lambda s: s * rate + plus if s <= top else s * beyond + more

    def through(s: int) -> int:
        for upper, rate, plus in pieces:
            if upper is None or s <= upper:
                return (s * rate + plus) // per * unit
        raise AssertionError("the last piece is open")

    return through


class Ranges(dict):
    """A table by a whole number: `1`, `2-4`, `5以上`; the open end answers what is not listed."""

    low: int | None = None
    rest: Any = None

    def __missing__(self, value):
        if self.low is None or type(value) is not int or value < self.low:
            raise KeyError(value)
        return self.rest


_SPAN = re.compile(rf"([0-9]{{1,4}})(?:({OPEN})|-([0-9]{{1,4}}))?")


def span_of_key(key: str) -> tuple[int, int | None]:
    """`2-4` as (2, 4), `5以上` as (5, None), `3` as (3, 3); ValueError for anything else."""
    match = _SPAN.fullmatch(key)
    if not match:
        raise ValueError(key)
    low = int(match[1])
    return low, None if match[2] else int(match[3] or low)


def table(by: tuple[str, ...], node: Any, leaf: Callable[[Any], Any]) -> Any:
    """A nested table by facts with each leaf made ready; whole numbers become `Ranges`."""
    if not by:
        return leaf(node)
    made = {key: table(by[1:], below, leaf) for key, below in node.items()}
    fact = FACTS[by[0]]
    if fact.choices:
        first = next(iter(fact.choices))
        return {int(key): v for key, v in made.items()} if type(first) is int else made
    if fact.name == "grade":
        return made
    ranges = Ranges()
    for key, value in made.items():
        low, high = span_of_key(key)
        if high is None:
            ranges.low, ranges.rest = low, value
        else:
            ranges.update(dict.fromkeys(range(low, high + 1), value))
    return ranges


Calendar = Callable[[date, int], date]


def prepare(plan: Plan, calendar: Calendar | None = None) -> Rule:
    """Make a plan ready for assessing. The plan must not be changed afterwards.

    `calendar(day, n)` is the day so many working days after another (NotImplementedError where it
    does not reach). Without one, a limit in working days is left to whoever has it.
    """
    slots: list[str] = []
    benefits = [_benefit(plan, benefit, slots) for benefit in plan["benefit"]]
    deductibles, caps = [], []
    for place, pool in enumerate(plan["pool"]):
        form = "cap" if "cap" in pool else "deductible"
        step = StepRule(
            FLOW, pool["per"], _slot(pool["per"], slots), (),
            ready(curve(form, pool[form])),
            pool["name"], pool["clause"], -1 - place, form == "cap",
        )  # fmt: skip
        if form == "cap":
            caps.append((pool["id"], tuple(pool["of"]), step))
        else:
            deductibles.append((frozenset(pool["of"]), step))
    claims, filing = plan["claims"], plan["filing"]
    reads = {fact for b in benefits for s in (*b.stay_steps, *b.claim_steps) for fact in s.by}
    return Rule(
        plan=plan,
        events={event: tuple(b for b in benefits if b.event == event) for event in plan["events"]},
        deductibles=tuple(deductibles),
        caps=tuple(caps),
        months=plan["term_months"],
        base={name: tuple(parts) for name, parts in plan["base"].items()},
        counts=claims
        and (claims["during_term"], claims["or_after_term"], frozenset(claims["events"])),
        filing=_filing(filing, calendar) if filing else None,
        guarded=frozenset(b.event for b in benefits if b.waiting or b.times),
        reads_year="year" in slots,
        asks_year="year" in reads,
        term_slots=frozenset(i for i, span in enumerate(slots) if span == "term"),
    )


def _filing(filing: Plan, calendar: Calendar | None) -> tuple[int, str, Calendar | None] | None:
    if filing["working"]:
        return (filing["days"], filing["after"], calendar) if calendar else None
    return filing["days"], filing["after"], None


def _benefit(plan: Plan, benefit: Plan, slots: list[str]) -> BenefitRule:
    written = benefit["step"]
    steps = []
    for index, step in enumerate(written):
        steps.append(_step(plan, step, index, is_closing(benefit, index), slots))
    longer = next((i for i, s in enumerate(steps) if s.span != STAY), len(steps))
    times, waiting = benefit["times"], benefit["waiting_days"]
    return BenefitRule(
        id=benefit["id"],
        event=benefit["event"],
        of=tuple(benefit["of"]),
        less=tuple(part for part in benefit["less"] if part != PAID),
        paid=PAID in benefit["less"],
        stay_steps=tuple(steps[:longer]),
        claim_steps=tuple(steps[longer:]),
        closing=tuple((s.slot, s.span) for s in steps if s.decided and s.slot is not None),
        waiting=plan["waiting_days"] if waiting is None else waiting,
        times=times and (times["limit"], times["per"]),
        clause=benefit["clause"],
    )


def _step(plan: Plan, step: Plan, index: int, closing: bool, slots: list[str]) -> StepRule:
    kind, by, per = kind_of(step), tuple(step["by"]), step["per"]

    def leaf_ready(leaf):
        return ready(step_curve(plan, step, leaf))

    return StepRule(
        kind, per, _slot(per, slots), by, table(by, step["table"], leaf_ready),
        step["name"], step["clause"], index, closing,
    )  # fmt: skip


def kind_of(step: Plan) -> int:
    """How a step is fed and bounded; an amount by bands flows like any other curve."""
    kind = FORMS[step["form"]]
    return FLOW if kind == LUMP and _has_bands(step["table"]) else kind


def step_curve(plan: Plan, step: Plan, leaf: Any) -> Curve:
    """The curve of a step with one leaf of its table, rounded as the step or the plan says."""
    days = {key: step[key] for key in ("days_after", "days_limit") if step.get(key) is not None}
    rounding = step["rounding"] or plan["rounding"]
    return curve(step["form"], leaf, whole=step["whole"], rounding=rounding, **days)


def is_closing(benefit: Plan, index: int) -> bool:
    """A cap with nothing but caps after it: its prior is what was decided."""
    return all(step["form"] == "cap" for step in benefit["step"][index:])


def _has_bands(node: Any) -> bool:
    return any(map(_has_bands, node.values())) if isinstance(node, dict) else isinstance(node, list)


def _slot(per: str, slots: list[str]) -> int | None:
    if per in ("stay", "claim"):
        return None
    slots.append(per)
    return len(slots) - 1
