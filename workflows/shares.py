"""How a fee is carried: the edition's shares, less the top-ups of the day, less what is given.

The preview of a draft, the figures that were submitted, the fee notice and the dues are all this
one reckoning; they differ only in whose facts they are asked about.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from peewee import fn

from huigong import rules
from huigong.models import Gift, Roster, RosterRow
from huigong.refusals import Refused
from huigong.workflows import top_ups
from huigong.workflows.schemes import plan_of

# Facts besides the plan's own by which people are told apart when the fee is shared.
ALSO: Final = ("membership", "gifted")
TO_ENROLL: Final = ("new", "renewed")  # kinds of rows
_ORDER: Final = ("rest", "gift", "unit", "person", "county", "city", "province", "union")

Groups = Iterable[tuple[dict[str, Any], int]]  # people who are alike to the fee, and how many
Parts = list[list[Any]]  # [[carrier, fen each, people], …], `rest` as the unit declares


class Change(NamedTuple):
    """What a carrier's part was, in fen, and what it is now."""

    carrier: str
    before: int
    now: int


def facts_asked(plan: dict[str, Any]) -> list[str]:
    """The names of the facts that decide who carries what of a person's fee."""
    by = list((plan["fee"] or {}).get("by") or [])
    return by + [name for name in ALSO if name not in by]


def parts_of(roster: Roster, groups: Groups, *, given: bool = True) -> Parts:
    """How the fee of a roster's people is carried; without its gift where not `given`. Where the
    source states no shares, all of it is the rest. Refuses an edition that states no fee."""
    plan, added = plan_of(roster.edition), top_ups.held_for(roster)
    gift = Gift.get_or_none(Gift.roster == roster, Gift.counts()) if given else None
    people: Counter[tuple[str, int]] = Counter()
    for facts, count in groups:
        try:
            fee = rules.fee(plan, facts)
        except rules.NotStated as silent:
            raise Refused("edition", silent.message) from silent
        shares = top_ups.carried(fee.shares or {"rest": fee.total}, facts, added)
        if gift is not None and (not gift.marked or facts.get("gifted")):
            shares = _with_gift(shares, gift)
        for carrier, fen in shares.items():
            people[carrier, fen] += count
    return _sorted(people)


def _with_gift(shares: dict[str, int], gift: Gift) -> dict[str, int]:
    """One person's shares when a gift carries all of them, or of the rest as much as it gives."""
    if gift.whole:
        return {"gift": sum(shares.values())}
    rest = shares.get("rest", 0)
    given = min(rest, gift.each or rest)
    changed = {**shares, "rest": rest - given, "gift": given}
    return {carrier: fen for carrier, fen in changed.items() if fen}


def _sorted(people: Counter[tuple[str, int]]) -> Parts:
    found = sorted(people.items(), key=lambda item: (_ORDER.index(item[0][0]), -item[0][1]))
    return [[carrier, fen, count] for (carrier, fen), count in found if count]


def merged(one: Parts, other: Parts) -> Parts:
    """The parts of two lists of people as one list's."""
    people: Counter[tuple[str, int]] = Counter()
    for carrier, fen, count in [*one, *other]:
        people[carrier, fen] += count
    return _sorted(people)


def owed(roster: Roster, parts: Sequence[Sequence[Any]]) -> dict[str, int]:
    """What each carrier owes in fen, the rest as the roster declares."""
    sums: Counter[str] = Counter()
    for carrier, each, people in parts:
        sums[roster.rest_by if carrier == "rest" else carrier] += each * people
    return {carrier: fen for carrier, fen in sums.items() if fen}


def staged_groups(roster: Roster) -> list[tuple[dict[str, Any], int]]:
    """The people of a roster that is not approved yet, as its reading counted them."""
    counted = roster.digest.get("groups")
    if counted is not None:
        return [(facts, count) for facts, count in counted]
    return count_staged(roster)


def count_staged(roster: Roster) -> list[tuple[dict[str, Any], int]]:
    """The same, counted again from the staged rows."""
    asked = facts_asked(plan_of(roster.edition))
    rows: Any = RosterRow.select(RosterRow.facts.cast("TEXT"), fn.COUNT(RosterRow.id)).where(
        RosterRow.roster == roster, RosterRow.kind << TO_ENROLL
    )
    groups: Counter[str] = Counter()
    for text, count in rows.group_by(RosterRow.facts).tuples():
        said = json.loads(text)
        groups[json.dumps({name: said[name] for name in asked if name in said})] += count
    return [(json.loads(group), count) for group, count in groups.items()]


def preview(roster: Roster) -> Parts:
    """A roster's parts as its dues would be raised now; once approved, as they were."""
    if roster.stage in ("approved", "withdrawn", "reading"):
        return roster.split  # type: ignore[no-any-return]
    return parts_of(roster, staged_groups(roster))


def changes(before: Parts, now: Parts) -> list[Change]:
    """Which carriers' parts differ, in fen."""
    sums: list[Counter[str]] = [Counter(), Counter()]
    for side, parts in zip(sums, (before, now), strict=True):
        for carrier, each, people in parts:
            side[carrier] += each * people
    carriers = sorted(set(sums[0]) | set(sums[1]), key=_ORDER.index)
    return [
        Change(carrier, sums[0][carrier], sums[1][carrier])
        for carrier in carriers
        if sums[0][carrier] != sums[1][carrier]
    ]


def mark_of(parts: Parts) -> str:
    """A short mark by which a form says which figures its reader saw."""
    return sha256(json.dumps(parts).encode()).hexdigest()[:16]


def refuse_changed(roster: Roster, now: Parts) -> None:
    """Refuse to raise other figures than those that were submitted or accepted."""
    if now != roster.split:
        raise Refused("split", "提交后各方承担的金额有变化，请核对新的金额后再批准")
