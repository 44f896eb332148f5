"""A replay: decided claims of a scheme worked through another plan, by the same rules.

Claims that were never filed under the old rule are not in it. Members are read a batch at a time
in the order of their numbers, so memory stays the same however many there are.
"""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from peewee import fn

from huigong import clock, database, rules
from huigong.database import aside
from huigong.models import Claim, Decision, Edition, Enrollment, Organization, Scheme, Stay
from huigong.money import yuan
from huigong.plans.admission import UNCOUNTED
from huigong.plans.vocabulary import CLAIM_AMOUNTS, DATES, DAYS, FACTS, PARTS, STAY

BATCH = 1000  # members read at once
STRETCH = 10_000  # enrollments grouped at once
SIZES = (0, 500_00, 1_000_00, 3_000_00, 5_000_00, 10_000_00, 50_000_00)  # fen, upper bounds
LABELS = {
    **PARTS,
    **CLAIM_AMOUNTS,
    **DATES,
    "days": DAYS,
    **{name: fact.label for name, fact in FACTS.items()},
}
Facts = dict[str, Any]


@dataclass
class Sums:
    """A number of claims and what they were and would be paid, in fen."""

    claims: int = 0
    then: int = 0
    now: int = 0

    def add(self, then: int, now: int) -> None:
        self.claims += 1
        self.then += then
        self.now += now

    @property
    def more(self) -> int:
        return self.now - self.then


@dataclass
class Size:
    """Claims whose benefit lies in one band, under the old rule and under the new."""

    lower: int  # fen
    upper: int | None  # fen; None above the last bound
    then_claims: int = 0
    then: int = 0
    now_claims: int = 0
    now: int = 0

    @property
    def words(self) -> str:
        """未给付, 500元以下, 500至1,000元, 50,000元以上."""
        low, high = (yuan(bound or 0).removesuffix(".00") for bound in (self.lower, self.upper))
        if self.upper is None:
            return f"{low}元以上"
        if not self.upper:
            return "未给付"
        return f"{low}至{high}元" if self.lower else f"{high}元以下"


class Kept(NamedTuple):
    """A decided claim as the replay reads it; `adjusted`: a reviewer changed the amount."""

    decision: int
    member: int
    unit: int
    enrollment: int
    edition: int
    cover_from: date
    renewal: bool
    facts: Facts
    on: date
    amount: int
    adjusted: bool
    explanation: str  # JSON
    case: Facts


@dataclass
class Replay:
    """What a span of decided claims cost and would cost, in fen.

    Of `all` claims approved in the span, `adjusted` ones keep their amount under both rules;
    `unknown` ones lack a fact that the plan asks for and are in no sum; `stopped` ones the plan
    would not admit (they are in the sums, at nothing). `rise` is the assumed rise in percent.
    """

    since: date
    until: date
    rise: int = 0
    all: Sums = field(default_factory=Sums)
    adjusted: Sums = field(default_factory=Sums)
    unknown: Sums = field(default_factory=Sums)
    stopped: Sums = field(default_factory=Sums)
    gained: Sums = field(default_factory=Sums)  # members, not claims
    lost: Sums = field(default_factory=Sums)
    same: Sums = field(default_factory=Sums)
    reasons: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    steps: dict[tuple[str, str], Sums] = field(default_factory=lambda: defaultdict(Sums))
    sizes: list[Size] = field(default_factory=lambda: list(map(Size, (0, *SIZES), (*SIZES, None))))
    units: dict[int, Sums] = field(default_factory=lambda: defaultdict(Sums))
    turned_down: int = 0  # decided with a refusal by a person: not replayed
    people: int = 0  # enrollments whose contributions are counted
    earned: int = 0  # contributions by days of cover in the span, as they were
    earned_now: int = 0  # … at the plan's fee

    @property
    def risen(self) -> int:
        """What would be paid with the assumed rise in claims, half up to the fen."""
        return (self.all.now * (100 + self.rise) + 50) // 100

    def ratio(self, paid: int, earned: int) -> int | None:
        """理赔率 in basis points: benefits over earned contributions; None without any."""
        return (paid * 20000 + earned) // (2 * earned) if earned else None

    def named_units(self) -> list[tuple[str, Sums]]:
        """Each unit with its sums, the largest change first."""
        rows: Any = Organization.select(Organization.id, Organization.name).tuples()
        names: dict[int, str] = dict(rows.where(Organization.id << list(self.units)))
        found = [(names[unit], sums) for unit, sums in self.units.items()]
        return sorted(found, key=lambda row: (-abs(row[1].more), row[0]))


def replay(
    plan: rules.Plan,
    *,
    scheme: Scheme,
    since: date,
    until: date,
    within: Any = None,
    rise: int = 0,
    progress: Callable[[int], Any] | None = None,
) -> Replay:
    """Work the claims of `scheme` decided from `since` to `until` (both included) through `plan`.

    `within` is a query of organizations' ids whose claims may be read (None: all). Claims of the
    same members decided before the span are history: their decided amounts use up the caps.
    `progress` is told how many more claims are done, about every thousand.
    """
    said, rule = Replay(since, until, rise), rules.prepare(plan, clock.after_working_days)
    done = 0
    for claims in claims_by_member(scheme, until, within):
        _replay_member(said, rule, claims)
        done += len(claims)
        if progress and done >= BATCH:
            progress(done)
            done = 0
    if progress and done:
        progress(done)
    said.turned_down = _in_span(_decisions(scheme, until, within, "refuse"), since).count()
    _contributions(said, plan, scheme, within)
    return said


class Span(NamedTuple):
    """The first and last day of decision among a scheme's approved claims, and their number."""

    first: date
    last: date
    claims: int


def span_of(scheme: Scheme, within: Any = None) -> Span | None:
    """The span of a scheme's approved claims; None without any."""
    days = _decisions(scheme, date.max, within, "approve")
    of = (fn.MIN(Decision.on), fn.MAX(Decision.on), fn.COUNT(Decision.id))
    first, last, claims = days.select(*of).tuples().get()
    return Span(_day(first), _day(last), claims) if first else None


def count_of(scheme: Scheme, until: date, within: Any = None) -> int:
    """How many approved claims a replay up to a day reads, for its progress."""
    return int(_decisions(scheme, until, within, "approve").count())


def _day(value: Any) -> Any:
    """A date as either driver gives it; None stays None."""
    return date.fromisoformat(value) if value.__class__ is str else value


def _decisions(scheme: Scheme, until: date, within: Any, verdict: str) -> Any:
    editions = Edition.select(Edition.id).where(Edition.scheme == scheme)
    rows = Decision.select(Decision).join(Claim).join(Enrollment)
    # Looked up by these, SQLite would walk a whole scheme or office for each batch of members.
    rows = rows.where(
        Decision.verdict == verdict, Decision.on <= until, aside(Enrollment.edition) << editions
    )
    return rows if within is None else rows.where(aside(Claim.organization) << within)


def _in_span(decisions: Any, since: date) -> Any:
    return decisions.where(Decision.on >= since)


# ── Reading ─────────────────────────────────────────────────────────────────────────────────


def claims_by_member(scheme: Scheme, until: date, within: Any = None) -> Iterator[list[Kept]]:
    """Each member's claims approved up to a day, in the order of their decision, read a batch of
    members at a time."""
    approved = _decisions(scheme, until, within, "approve")
    last = 0
    while True:
        ids = Claim.select(Claim.member).where(Claim.member > last).distinct()
        batch = [member for (member,) in _rows(ids.order_by(Claim.member).limit(BATCH))]
        if not batch:
            return
        # A claim's member is its enrollment's: said of both, PostgreSQL looks up no table whole.
        here = aside(Enrollment.member).between(batch[0], batch[-1])
        those = approved.where(Claim.member.between(batch[0], batch[-1]), here)
        for _, claims in groupby(_kept(those, _stays(those)), key=lambda kept: kept.member):
            yield list(claims)
        last = batch[-1]


def _rows(query: Any) -> Iterator[tuple[Any, ...]]:
    """A query's rows as the driver gives them: half the time of a replay goes into converting
    them, so it is done by hand below."""
    return iter(database.db.execute(query))


def _stays(decisions: Any) -> dict[int, list[Facts]]:
    """The stays of the claims decided, by claim, as the rules read them."""
    found: dict[int, list[Facts]] = defaultdict(list)
    rows = decisions.join_from(Claim, Stay).select(
        Stay.claim, Stay.hospital_level, Stay.place, Stay.admitted, Stay.discharged, Stay.days,
        Stay.amounts,
    )  # fmt: skip
    for claim, level, place, admitted, discharged, days, amounts in _rows(
        rows.order_by(Stay.claim, Stay.number)
    ):
        stay = _json(amounts)
        stay |= {"hospital_level": level, "place": place or None, "days": days}
        stay |= {"admitted": _day(admitted), "discharged": _day(discharged)}
        found[claim].append(stay)
    return found


def _kept(decisions: Any, stays: dict[int, list[Facts]]) -> Iterator[Kept]:
    rows = decisions.select(
        Decision.id, Claim.member, Claim.organization, Claim.enrollment, Enrollment.edition,
        Enrollment.cover_from, Enrollment.renewal, Enrollment.facts, Decision.on, Decision.amount,
        Decision.computed, Decision.explanation, Claim.id, Claim.event, Claim.filed_on, Claim.facts,
    )  # fmt: skip
    for (
        decision, member, unit, enrollment, edition, cover_from, renewal, known, on, amount,
        computed, told, claim, event, filed_on, more,
    ) in _rows(rows.order_by(Claim.member, Decision.id)):  # fmt: skip
        case = {**_facts(more), "event": event, "filed_on": _day(filed_on)}
        if event in (None, STAY):
            case["event"], case["stays"] = None, stays.get(claim, [])
        yield Kept(
            decision, member, unit, enrollment, edition, _day(cover_from), bool(renewal),
            _facts(known), _day(on), amount, amount != computed, told, case,
        )  # fmt: skip


@lru_cache(5000)
def _facts(text: str) -> Facts:
    """The facts that were given, of a claim or an enrollment; many hold the same. Read only."""
    return {name: value for name, value in _json(text).items() if value is not None}


def _json(text: str) -> Any:
    """What `models.JsonField` wrote: no white space around it."""
    return _decode(text)[0]


_decode = json.JSONDecoder().raw_decode


# ── Working through ─────────────────────────────────────────────────────────────────────────


def _replay_member(said: Replay, rule: rules.Rule, claims: list[Kept]) -> None:
    """One member's terms in their order; what a former term was given counts for spans of a
    year or a life."""
    earlier: list[Facts] = []
    then = now = 0
    terms: dict[int, list[Kept]] = defaultdict(list)
    for kept in claims:
        terms[kept.enrollment].append(kept)
    for term in sorted(terms.values(), key=lambda term: term[0].cover_from):
        for kept, given in zip(term, _replay_term(said, rule, term, earlier), strict=True):
            earlier.append({**kept.case, "decided": given, "cover_from": kept.cover_from})
            if kept.on >= said.since:
                then, now = then + kept.amount, now + given
    if any(kept.on >= said.since for kept in claims):
        side = said.gained if now > then else said.lost if now < then else said.same
        side.add(then, now)


def _replay_term(
    said: Replay, rule: rules.Rule, term: list[Kept], earlier: list[Facts]
) -> list[int]:
    """What each claim of one enrollment is given under the plan; adds them to the sums."""
    first = term[0]
    asked = [
        {**kept.case, "decided": kept.amount}
        if kept.adjusted or kept.on < said.since
        else kept.case
        for kept in term
    ]
    case = {
        "cover_from": first.cover_from,
        "renewal": first.renewal,
        "facts": first.facts,
        "earlier": earlier,
        "claims": asked,
    }
    found = rules.assess(rule, case).claims
    return [_weigh(said, kept, claim) for kept, claim in zip(term, found, strict=True)]


def _weigh(said: Replay, kept: Kept, claim: rules.AssessedClaim) -> int:
    """Add one claim to the sums; returns what it is given under the plan."""
    if kept.on < said.since:
        return kept.amount
    if kept.adjusted:
        said.adjusted.add(kept.amount, kept.amount)
        _sum_up(said, kept, kept.amount)
        return kept.amount
    if claim.refused and (lacking := _lacking(kept, claim)):
        said.unknown.add(kept.amount, kept.amount)
        said.lacking.update(lacking)
        return kept.amount
    if claim.refused:
        said.stopped.add(kept.amount, 0)
        first = claim.refused[0]
        said.reasons[first.rule or first.message] += 1
    _sum_up(said, kept, claim.benefit)
    for step in _json(kept.explanation):
        said.steps[step["benefit_id"], step["name"]].add(step["after"], 0)
    for evaluated in claim.steps:
        said.steps[evaluated.benefit_id, evaluated.name].now += evaluated.after
    return claim.benefit


def _lacking(kept: Kept, claim: rules.AssessedClaim) -> list[str]:
    """The labels of what the plan asks for and the claim, as it was kept, does not hold; also a
    calendar that does not reach far enough to judge it."""
    holders = (*(kept.case.get("stays") or ({},)), kept.case, kept.facts)
    lacking = []
    for refusal in claim.refused:
        if refusal.rule == UNCOUNTED:
            lacking.append("尚未公布的放假安排")
        elif refusal.field not in ("event", "benefit") and all(
            holder.get(refusal.field) is None for holder in holders
        ):
            lacking.append(LABELS.get(refusal.field, refusal.field))
    return lacking


def _sum_up(said: Replay, kept: Kept, now: int) -> None:
    said.all.add(kept.amount, now)
    said.units[kept.unit].add(kept.amount, now)
    was, would = _size(said, kept.amount), _size(said, now)
    was.then_claims += 1
    was.then += kept.amount
    would.now_claims += 1
    would.now += now


def _size(said: Replay, fen: int) -> Size:
    return said.sizes[bisect_left(SIZES, fen)]


# ── Contributions ───────────────────────────────────────────────────────────────────────────


def _contributions(said: Replay, plan: rules.Plan, scheme: Scheme, within: Any) -> None:
    """Contributions of the cover that overlaps the span, earned by days: fee × days of cover in
    the span ÷ days of cover, once for all covers with the same two days, half up to the fen."""
    for (first, last), (people, then, now) in _covers(said, plan, scheme, within).items():
        part = (min(last, said.until) - max(first, said.since)).days + 1
        days = (last - first).days + 1
        said.people += people
        said.earned += (2 * then * part + days) // (2 * days)
        said.earned_now += (2 * now * part + days) // (2 * days)


def _covers(
    said: Replay, plan: rules.Plan, scheme: Scheme, within: Any
) -> dict[tuple[date, date], tuple[int, int, int]]:
    """By first and last day of cover: people, their fees as they were and at the plan's. Read a
    stretch of enrollments at a time: SQLite groups a city's in one go at twice the time."""
    editions = Edition.select(Edition.id).where(Edition.scheme == scheme)
    # Looked up by edition or office, SQLite would fetch a city's rows one by one, as slowly again.
    rows: Any = Enrollment.counted().where(
        aside(Enrollment.edition) << editions,
        Enrollment.cover_from <= said.until,
        Enrollment.cover_to >= said.since,
    )
    if within is not None:
        rows = rows.where(aside(Enrollment.organization) << within)
    total = (plan["fee"] or {}).get("total")
    reads_facts = isinstance(total, dict)  # else nobody's facts are read, which takes half the time
    by = (Enrollment.cover_from, Enrollment.cover_to, *[Enrollment.facts] * reads_facts)
    groups = rows.select(*by, fn.COUNT(Enrollment.id), fn.SUM(Enrollment.fee)).group_by(*by)
    found: dict[tuple[date, date], tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for low in range(0, Enrollment.select(fn.MAX(Enrollment.id)).scalar() or 0, STRETCH):
        here = (Enrollment.id > low) & (Enrollment.id <= low + STRETCH)
        for first, last, *facts, people, fees in _rows(groups.where(here)):
            term, fees = (_day(first), _day(last)), int(fees)
            one = _fee(plan, {**_facts(facts[0]), "year": term[0].year}) if facts else total
            before = found[term]
            now = fees if one is None else one * people
            found[term] = (before[0] + people, before[1] + fees, before[2] + now)
    return found


def _fee(plan: rules.Plan, facts: Facts) -> int | None:
    """One person's fee under the plan in fen; None where plan or facts are silent."""
    try:
        return rules.fee(plan, facts).total
    except rules.NotStated:
        return None
