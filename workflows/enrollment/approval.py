"""A roster approved: members, enrollments with their certificates, and the dues that follow.

Rows go in short transactions and count for nothing until the last one, so an approval that
broke off is simply done again. Whom it changed is remembered as they were (`MemberBefore`), and
put back when it is undone.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from peewee import JOIN, Join, Value

from huigong import pinyin
from huigong.database import (
    among,
    db,
    hands,
    insert_new,
    let_others_write,
    paired,
    together,
    writes,
)
from huigong.models import Enrollment, Member, Organization, Roster, RosterRow, User
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, funding, gifts, shares
from huigong.workflows.enrollment.apart import apart
from huigong.workflows.enrollment.corrected import still_named
from huigong.workflows.enrollment.covers import TO_ENROLL, conflicts
from huigong.workflows.enrollment.history import still, tell
from huigong.workflows.enrollment.members import find_or_make
from huigong.workflows.enrollment.reading import Pace, Told, quiet
from huigong.workflows.enrollment.rosters import refuse_own
from huigong.workflows.enrollment.undone import forget_before

CHUNK: Final = 2000  # rows in the first transaction


def approve_roster(roster: Roster, *, by: User, at: datetime, told: Told = quiet) -> Roster:
    """Approve a submitted roster: its people become members with enrollments, and the shares of
    the fee fall due.

    Doing it again continues what broke off. Refuses who uploaded or submitted it, the unit
    itself, and people covered elsewhere or given another ID meanwhile. Raises Lost when it was
    decided already.
    """
    refuse_approval(roster, by)
    _refuse_renamed(roster)
    prefix = f"{certificate_prefix(roster.edition.organization)}{roster.cover_from.year}"
    pace, waiting, done = Pace(CHUNK), _waiting(roster, prefix), 0
    while rows := sorted(waiting[done : done + pace.rows]):
        begun = time.perf_counter()
        _enroll_some(roster, [(row, _certificate(prefix, number)) for row, number in rows])
        pace.took(time.perf_counter() - begun)
        done += len(rows)
        let_others_write()
        told("enroll", roster.people - len(waiting) + done, roster.people)
    told("settle", roster.people, roster.people)
    approved = apart(
        lambda: (conflicts(roster), funding.people_of(roster)),
        partial(_settle_approval, roster, by=by, at=at),
    )
    forget_before()
    return approved


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


def _refuse_renamed(roster: Roster) -> None:
    """Refuse people whose ID was corrected since they were submitted: they would be made anew."""
    if count := still_named(roster):
        message = f"有{count}人的身份证号已更正：请退回这份名册，让单位改用更正后的号码"
        raise Refused("roster", message)


def certificate_prefix(city: Organization) -> str:
    """The two letters of a city's certificates: 濮阳市总工会 → PY."""
    return "".join(word[0] for word in pinyin.sort_key(city.name[:2]).split()).upper()


def _waiting(roster: Roster, prefix: str) -> list[tuple[int, int]]:
    """The rows to enroll with the numbers of their certificates, but those that a broken-off
    approval enrolled. Rows come as their names sort: what goes into the lists' indexes together
    then lies together in them.

    The numbers are those of the roster's rows, which nobody else has, given out in this order; one
    that was given stays, however that came.
    """
    rows: Any = RosterRow.select(RosterRow.id)
    rows = rows.where(RosterRow.roster == roster, RosterRow.kind << TO_ENROLL)
    by_name = [id for (id,) in db.execute(rows.order_by(RosterRow.sort_key, RosterRow.id))]
    numbers = sorted(by_name)
    if done := _enrolled(roster):
        given = set(done.values())
        numbers = [number for number in numbers if _certificate(prefix, number) not in given]
        by_name = [row for row in by_name if row not in done]
    return list(zip(by_name, numbers, strict=False))


def _certificate(prefix: str, number: int) -> str:
    return f"{prefix}-{number:07d}"


def _enrolled(roster: Roster) -> dict[int, str]:
    """The certificates of those who are enrolled already, by their rows."""
    rows: Any = Enrollment.select(RosterRow.id, Enrollment.certificate).join(Member)
    mine = (RosterRow.roster == Enrollment.roster) & (RosterRow.id_index == Member.id_index)
    return dict(rows.join(RosterRow, on=mine).where(Enrollment.roster == roster).tuples())


@writes
def _enroll_some(roster: Roster, waiting: Sequence[tuple[int, str]]) -> None:
    """Enroll some of a roster's people, those left out who were enrolled for it already."""
    still(roster, "submitted")
    each = -(-len(waiting) // hands())
    parts = [waiting[at : at + each] for at in range(0, len(waiting), each)]
    together([partial(_enroll, roster, part) for part in parts])


def _enroll(roster: Roster, waiting: Sequence[tuple[int, str]]) -> None:
    rows = [row for row, _ in waiting]
    found = find_or_make(roster, rows)
    _refuse_foreign(roster, found.known)
    given, is_row, certificate = paired(RosterRow.id, waiting)
    values: dict[Any, Any] = {
        Enrollment.organization: Value(roster.organization_id),
        Enrollment.member: Member.id,
        Enrollment.edition: Value(roster.edition_id),
        Enrollment.roster: RosterRow.roster,
        Enrollment.certificate: certificate,
        Enrollment.cover_from: Value(roster.cover_from),
        Enrollment.cover_to: Value(roster.cover_to),
        Enrollment.renewal: RosterRow.kind == "renewed",
        Enrollment.facts: RosterRow.facts,
        Enrollment.fee: RosterRow.fee,
    }
    source = Join(Join(given, RosterRow, JOIN.CROSS), Member, JOIN.CROSS)
    people: Any = RosterRow.select(*values.values()).from_(source)
    people = people.where(is_row, Member.id_index == RosterRow.id_index, found.those())
    once = [Enrollment.member, Enrollment.edition, Enrollment.cover_from]
    insert_new(Enrollment.insert_from(people, list(values)), unique=once)


def _refuse_foreign(roster: Roster, members: list[int]) -> None:
    """Refuse members whom another roster of the edition enrolled from the same day."""
    if not members:
        return
    foreign: Any = Enrollment.select().where(
        among(Enrollment.member, members),
        Enrollment.edition == roster.edition_id,
        Enrollment.cover_from == roster.cover_from,
        Enrollment.roster.is_null() | (Enrollment.roster != roster.id),
    )
    if count := foreign.count():
        raise Refused("roster", f"有{count}人已在另一份名册中参保：请退回这份名册，让单位重新上传")


def _settle_approval(
    roster: Roster, asked: tuple[int, funding.People], *, by: User, at: datetime
) -> Roster:
    """The one row that makes all the others count, with the dues that follow from it."""
    others, people = asked
    still(roster, "submitted")
    _refuse_renamed(roster)
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
