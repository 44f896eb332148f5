"""What an approval made that did not come to its end: forgotten, in short transactions."""

import time
from collections.abc import Sequence
from typing import Any

from peewee import fn

from huigong.database import among, writes
from huigong.models import AuditEvent, Employment, Enrollment, Member, Roster, RosterRow
from huigong.workflows.enrollment.reading import CHUNK, Pace, Told, forget, quiet


def undo_approval(roster: Roster, *, told: Told = quiet) -> None:
    """Forget the enrollments that never counted, and the people made for them whom the office
    knows by nothing else. What a roster said anew of people known before stays."""
    forget(roster, Enrollment, told=told)
    pace, people = Pace(CHUNK), _made_for(roster)
    done = 0
    while some := people[done : done + pace.rows]:
        begun = time.perf_counter()
        _unmake(some)
        pace.took(time.perf_counter() - begun)
        done += len(some)
        told("forget", done, len(people))


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
