"""A roster approved: members, enrollments with their certificates, and the dues that follow.

Rows go in short transactions and count for nothing until the last one, so an approval that
broke off is simply done again.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final

from huigong import pinyin, rules
from huigong.database import among, insert_rows, writes
from huigong.models import Enrollment, Organization, Roster, RosterRow, User
from huigong.plans.vocabulary import FACTS
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, funding, gifts, shares
from huigong.workflows.enrollment.apart import apart
from huigong.workflows.enrollment.covers import TO_ENROLL, conflicts
from huigong.workflows.enrollment.history import still, tell
from huigong.workflows.enrollment.members import (
    Entry,
    StagedRow,
    entries,
    find_or_make,
    known_among,
)
from huigong.workflows.enrollment.reading import Pace, Told, quiet
from huigong.workflows.enrollment.rosters import refuse_own

CHUNK: Final = 2000  # rows in the first transaction
_COLUMNS: Final = (
    *("organization_id", "member_id", "edition_id", "roster_id", "certificate"),
    *("cover_from", "cover_to", "renewal", "facts", "fee"),
)


def approve_roster(roster: Roster, *, by: User, at: datetime, told: Told = quiet) -> Roster:
    """Approve a submitted roster: its people become members with enrollments, and the shares of
    the fee fall due.

    Doing it again continues what broke off. Refuses who uploaded or submitted it, the unit
    itself, and people covered elsewhere meanwhile. Raises Lost when it was decided already.
    """
    refuse_approval(roster, by)
    prefix = certificate_prefix(roster.edition.organization)
    pace, done = Pace(CHUNK), 0
    fees: dict[str, int] = {}
    for batch in _batches(roster, pace):
        people = entries(*batch)
        for entry in people:
            if entry.enrolled not in fees:
                fees[entry.enrolled] = _fee(roster, entry)
        begun = time.perf_counter()
        _enroll_some(roster, people, prefix=prefix, fees=fees)
        pace.took(time.perf_counter() - begun)
        done += len(people)
        told("enroll", done, roster.people)
    told("settle", roster.people, roster.people)
    return apart(
        lambda: (conflicts(roster), funding.people_of(roster)),
        partial(_settle_approval, roster, by=by, at=at),
    )


@writes
def accept_shares(roster: Roster, *, seen: str, by: User, at: datetime) -> None:
    """Take it that the fee of a submitted roster is carried otherwise than it was submitted.

    `seen` is the mark of the parts that `by` read (`shares.mark_of`). Refuses when they are others
    by now, and who may not approve. Does nothing where nothing changed.
    """
    refuse_approval(roster, by)
    now = shares.preview(roster)
    gifts.refuse_unagreed(roster, now)
    if now == roster.split:
        return
    if seen != shares.mark_of(now):
        raise Refused("split", "各方承担的金额刚有变化，请核对新的金额后再批准")
    roster.split = now
    roster.save(only=[Roster.split])
    place = roster.organization
    audit.record("accept shares", by=by, at=at, on=roster, organization=place)


def refuse_approval(roster: Roster, by: User) -> None:
    """Refuse whoever may not approve a roster, and one without people. Raises Lost when it is
    not submitted any more."""
    if roster.stage != "submitted":
        raise Lost(f"roster {roster.id} is {roster.stage}")
    refuse_own(roster, by)
    if not roster.people:
        raise Refused("roster", "没有可参保的人")


def certificate_prefix(city: Organization) -> str:
    """The two letters of a city's certificates: 濮阳市总工会 → PY."""
    return "".join(word[0] for word in pinyin.sort_key(city.name[:2]).split()).upper()


def _batches(roster: Roster, pace: Pace) -> Iterator[tuple[int, list[StagedRow], frozenset[str]]]:
    """The rows to enroll in the file's order, each batch with who among them is known."""
    columns: tuple[Any, ...] = (
        *(RosterRow.id, RosterRow.ref, RosterRow.name, RosterRow.secret, RosterRow.id_index),
        *(RosterRow.facts.cast("TEXT"), RosterRow.kind, RosterRow.number),
    )
    for kind in TO_ENROLL:
        after = 0
        while True:
            query: Any = RosterRow.select(*columns).where(
                RosterRow.roster == roster, RosterRow.kind == kind, RosterRow.number > after
            )
            rows = list(query.order_by(RosterRow.number).limit(pace.rows).tuples())
            if not rows:
                break
            after = rows[-1][-1]
            batch = [(*row[:3], bytes(row[3]), *row[4:7]) for row in rows]
            yield roster.organization_id, batch, frozenset(known_among([row[4] for row in rows]))


@writes
def _enroll_some(roster: Roster, people: list[Entry], *, prefix: str, fees: dict[str, int]) -> None:
    """Enroll some of a roster's people, those left out whom a broken-off approval enrolled."""
    still(roster, "submitted")
    ids = find_or_make(roster, people)
    there = _enrolled_already(roster, list(ids.values()))
    first, last = roster.cover_from.isoformat(), roster.cover_to.isoformat()
    # The certificate's number is the row's, so that doing it again gives the same.
    start, unit = f"{prefix}{roster.cover_from.year}-", roster.organization_id
    insert_rows(
        "enrollment",
        _COLUMNS,
        [
            (
                *(unit, member, roster.edition_id, roster.id, f"{start}{entry.row:07d}"),
                *(first, last, entry.kind == "renewed", entry.enrolled, fees[entry.enrolled]),
            )
            for entry in people
            if (member := ids[entry.id_index]) not in there
        ],
    )


def _fee(roster: Roster, entry: Entry) -> int:
    facts = {name: value for name, value in entry.facts.items() if name in FACTS}
    return rules.fee(roster.edition.plan, facts).total


def _enrolled_already(roster: Roster, members: list[int]) -> set[int]:
    """The members whom a broken-off approval enrolled. Refuses those of another roster."""
    there: Any = Enrollment.select(Enrollment.member, Enrollment.roster).where(
        among(Enrollment.member, members),
        Enrollment.edition == roster.edition_id,
        Enrollment.cover_from == roster.cover_from,
    )
    found: dict[int, int] = dict(there.tuples())
    foreign = sum(other != roster.id for other in found.values())
    if foreign:
        raise Refused(
            "roster", f"有{foreign}人已在另一份名册中参保：请退回这份名册，让单位重新上传"
        )
    return set(found)


def _settle_approval(
    roster: Roster, asked: tuple[int, funding.People], *, by: User, at: datetime
) -> Roster:
    """The one row that makes all the others count, with the dues that follow from it."""
    others, people = asked
    still(roster, "submitted")
    enrolled = sum(count for _, count, _ in people)
    if enrolled != roster.people:
        raise Lost(f"roster {roster.id}: {enrolled} enrolled of {roster.people}")
    if others:
        raise Refused("roster", f"有{others}人已在别处参保，保障期重叠：请退回这份名册")
    parts = funding.parts_of(roster, people)
    gifts.refuse_unagreed(roster, parts)
    shares.refuse_changed(roster, parts)
    roster.move("stage", was="submitted", to="approved", approved_by=by.id)
    funding.raise_dues(roster, by=by, at=at, people=people)
    tell(roster, "approved", by=by, at=at, note=f"{roster.people}人参保")
    place = roster.organization
    audit.record("approve roster", by=by, at=at, on=roster, organization=place)
    return roster
