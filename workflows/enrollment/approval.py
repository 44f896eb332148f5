"""A roster approved: members, enrollments with their certificates, and the dues that follow.

Rows go in short transactions and count for nothing until the last one, so an approval that
broke off is simply done again.
"""

import json
from datetime import datetime
from typing import Any, Final

from huigong import pinyin, rules
from huigong.database import insert_rows, writes
from huigong.models import Enrollment, Organization, Roster, RosterRow, User
from huigong.plans.vocabulary import FACTS
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, funding
from huigong.workflows.enrollment.covers import conflicts
from huigong.workflows.enrollment.drafts import CHUNK, TO_ENROLL
from huigong.workflows.enrollment.history import still, tell
from huigong.workflows.enrollment.members import find_or_make
from huigong.workflows.enrollment.rosters import refuse_own

_COLUMNS: Final = (
    *("organization_id", "member_id", "edition_id", "roster_id", "certificate"),
    *("cover_from", "cover_to", "renewal", "facts", "fee"),
)


def approve_roster(roster: Roster, *, by: User, at: datetime) -> Roster:
    """Approve a submitted roster: its people become members with enrollments, and the shares of
    the fee fall due.

    Doing it again continues what broke off. Refuses who uploaded or submitted it, the unit
    itself, and people covered elsewhere meanwhile. Raises Lost when it was decided already.
    """
    if roster.stage != "submitted":
        raise Lost(f"roster {roster.id} is {roster.stage}")
    refuse_own(roster, by)
    if not roster.people:
        raise Refused("roster", "没有可参保的人")
    prefix = certificate_prefix(roster.edition.organization)
    done: int | None = 0
    while done is not None:
        done = _enroll_some(roster, after=done, prefix=prefix)
    return _settle_approval(roster, by=by, at=at)


def certificate_prefix(city: Organization) -> str:
    """The two letters of a city's certificates: 濮阳市总工会 → PY."""
    return "".join(word[0] for word in pinyin.sort_key(city.name[:2]).split()).upper()


@writes
def _enroll_some(roster: Roster, *, after: int, prefix: str) -> int | None:
    """Enroll the next rows after a row's id; the last one's id, or None when there are none."""
    still(roster, "submitted")
    rows = list(
        RosterRow.select()
        .where(RosterRow.roster == roster, RosterRow.kind << TO_ENROLL, RosterRow.id > after)
        .order_by(RosterRow.id)
        .limit(CHUNK)
    )
    if not rows:
        return None
    ids = find_or_make(roster, rows)
    there = _enrolled_already(roster, list(ids.values()))
    made = [_enrollment(roster, row, ids[row.id_index], prefix) for row in rows]
    insert_rows("enrollment", _COLUMNS, [line for line in made if line[1] not in there])
    return int(rows[-1].id)


def _enrolled_already(roster: Roster, members: list[int]) -> set[int]:
    """The members whom a broken-off approval enrolled. Refuses those of another roster."""
    there: Any = Enrollment.select(Enrollment.member, Enrollment.roster).where(
        Enrollment.member << members,
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


def _enrollment(roster: Roster, row: RosterRow, member: int, prefix: str) -> tuple[Any, ...]:
    """A row's enrollment; its certificate number is the row's, so doing it again gives the same."""
    facts = {name: value for name, value in row.facts.items() if name in FACTS}
    certificate = f"{prefix}{roster.cover_from.year}-{row.id:07d}"
    return (
        *(roster.organization_id, member, roster.edition_id, roster.id, certificate),
        *(roster.cover_from.isoformat(), roster.cover_to.isoformat(), row.kind == "renewed"),
        json.dumps(facts, ensure_ascii=False, sort_keys=True),
        rules.fee(roster.edition.plan, facts).total,
    )


@writes
def _settle_approval(roster: Roster, *, by: User, at: datetime) -> Roster:
    """The one row that makes all the others count, with the dues that follow from it."""
    enrolled = Enrollment.select().where(Enrollment.roster == roster).count()
    if enrolled != roster.people:
        raise Lost(f"roster {roster.id}: {enrolled} enrolled of {roster.people}")
    if others := conflicts(roster):
        raise Refused("roster", f"有{others}人已在别处参保，保障期重叠：请退回这份名册")
    roster.move("stage", was="submitted", to="approved", approved_by=by.id)
    funding.raise_dues(roster, by=by, at=at)
    tell(roster, "approved", by=by, at=at, note=f"{roster.people}人参保")
    place = roster.organization
    audit.record("approve roster", by=by, at=at, on=roster, organization=place)
    return roster
