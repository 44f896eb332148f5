"""What an approval made that did not come to its end: forgotten, in short transactions, and whom
it changed put back as they were."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from peewee import fn

from huigong.database import among, writes
from huigong.models import (
    AuditEvent,
    Employment,
    Enrollment,
    Member,
    MemberBefore,
    Reorganization,
    Roster,
    RosterRow,
)
from huigong.workflows.enrollment.members import become, plain
from huigong.workflows.enrollment.moving import go_over
from huigong.workflows.enrollment.reading import LEAST, Pace, Told, forget, quiet

_SEALED = ("phone", "bank_card")


def undo_approval(roster: Roster, *, told: Told = quiet) -> None:
    """Forget the enrollments that never counted, and the people made for them whom the office
    knows by nothing else; put back who was known before."""
    forget(roster, Enrollment, told=told)
    known: Any = MemberBefore.select(MemberBefore.id).where(MemberBefore.roster == roster)
    latest_first = known.order_by(MemberBefore.id.desc()).tuples()
    _by_paces([id for (id,) in latest_first], _put_back, told)
    _by_paces(_made_for(roster), _unmake, told)


def _by_paces(ids: list[int], undo: Callable[[Sequence[int]], None], told: Told) -> None:
    pace, done = Pace(LEAST), 0
    while some := ids[done : done + pace.rows]:
        begun = time.perf_counter()
        undo(some)
        pace.took(time.perf_counter() - begun)
        done += len(some)
        told("forget", done, len(ids))


@writes
def put_all_back(rosters: Any) -> None:
    """Put back whom the approvals of these rosters changed, in one transaction."""
    query: Any = MemberBefore.select(MemberBefore.id).where(MemberBefore.roster << rosters)
    _put_back([id for (id,) in query.order_by(MemberBefore.id.desc()).tuples()])


@writes
def _put_back(ids: Sequence[int]) -> None:
    """Put people back as they were. What somebody changed since stays; what another approval
    changed since, which may be undone too, will then come back to what it was before both."""
    query = MemberBefore.select().where(among(MemberBefore.id, ids))
    records = list(query.order_by(MemberBefore.id.desc()))
    members = [record.member_id for record in records]
    person = {m.id: m for m in Member.select().where(among(Member.id, members))}
    others: dict[int, list[MemberBefore]] = defaultdict(list)
    waiting = MemberBefore.select().where(among(MemberBefore.member, members))
    for other in waiting.order_by(MemberBefore.id):
        others[other.member_id].append(other)
    for record in records:
        later = [other for other in others[record.member_id] if other.id > record.id]
        unit = _unchange(record, person[record.member_id], later)
        _unemploy(record, later)
        if unit:
            _follow_merger(record.member_id, unit)
    _forget(ids)


def _unchange(record: MemberBefore, member: Member, later: list[MemberBefore]) -> int | None:
    """Put what was changed of somebody back; says which unit they are of again."""
    changes = dict[str, Any]()
    for column, (was, given) in record.changes.items():
        upon_it = next((other for other in later if column in other.changes), None)
        if upon_it is not None and upon_it.changes[column][0] == given:
            upon_it.changes[column][0] = was
            upon_it.save(only=[MemberBefore.changes])
        elif upon_it is None and plain(_now(member, column)) == given:
            changes[column] = bytes.fromhex(was) if column in _SEALED else was
    if changes:
        become(member.id, changes)
    return changes.get("organization")


def _now(member: Member, column: str) -> Any:
    return getattr(member, "organization_id" if column == "organization" else column)


def _unemploy(record: MemberBefore, later: list[MemberBefore]) -> None:
    """End what the approval began of employments, and begin what it ended."""
    upon_it = next((other for other in later if record.begun in other.ended), None)
    if upon_it is not None:
        upon_it.ended = [*(id for id in upon_it.ended if id != record.begun), *record.ended]
        upon_it.save(only=[MemberBefore.ended])
    begun = Employment.get_or_none(Employment.id == record.begun) if record.begun else None
    if begun is not None and begun.to_on is not None and upon_it is None:
        return  # somebody moved them since: their way is told by it
    if begun is not None:
        begun.delete_instance()
    if upon_it is None:
        Employment.update(to_on=None).where(among(Employment.id, record.ended)).execute()


def _follow_merger(member: int, unit: int) -> None:
    """Let somebody who is back at a unit go over with it, where it was merged meanwhile."""
    while merger := Reorganization.get_or_none(kind="merge", source=unit):
        go_over([member], merger.source, merger.target, merger.on)
        unit = merger.target_id


def forget_before() -> None:
    """Forget how people were before approvals that count by now."""
    approved = Roster.select(Roster.id).where(Roster.stage == "approved")
    query: Any = MemberBefore.select(MemberBefore.id).where(MemberBefore.roster << approved)
    _by_paces([id for (id,) in query.tuples()], _forget, quiet)


@writes
def _forget(ids: Sequence[int]) -> None:
    MemberBefore.delete().where(among(MemberBefore.id, ids)).execute()


def _made_for(roster: Roster) -> list[int]:
    """The members who took over a row's `ref`, but those whom somebody's deed names: SQLite may
    give their number to another."""
    same = (Member.id_index == RosterRow.id_index) & (Member.ref == RosterRow.ref)
    rows: Any = RosterRow.select(Member.id).join(Member, on=same)
    made = [id for (id,) in rows.where(RosterRow.roster == roster).tuples()]
    events: Any = AuditEvent.select(AuditEvent.subject)
    events = events.where(AuditEvent.at >= roster.made_at, AuditEvent.subject.startswith("Member:"))
    named = {subject for (subject,) in events.tuples()} if made else set()
    return [id for id in made if f"Member:{id}" not in named]


@writes
def _unmake(members: Sequence[int]) -> None:
    unknown = among(Member.id, members)
    for field, model in Member._meta.backrefs.items():
        if model is not Employment:
            unknown &= ~fn.EXISTS(model.select(model.id).where(field == Member.id))
    query: Any = Member.select(Member.id).where(unknown)
    gone = [id for (id,) in query.tuples()]
    Employment.delete().where(among(Employment.member, gone)).execute()
    Member.delete().where(among(Member.id, gone)).execute()
