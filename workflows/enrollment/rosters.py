"""Rosters between their draft and their approval: submitted, returned, withdrawn."""

from datetime import datetime
from typing import Any

from huigong.database import writes
from huigong.models import Enrollment, Roster, RosterRow, User
from huigong.refusals import Lost, Refused
from huigong.workflows import audit
from huigong.workflows.enrollment.covers import Covers
from huigong.workflows.enrollment.drafts import CHUNK, TO_ENROLL
from huigong.workflows.enrollment.history import tell


@writes
def submit_roster(roster: Roster, *, clean_only: bool, by: User, at: datetime) -> Roster:
    """Submit a checked roster to the level above.

    Refuses one with faults unless the clerk submits the clean rows alone, one without anybody to
    enroll, a start of cover that has passed, and people who were submitted or covered elsewhere
    since the file was read. Raises Lost when it was submitted meanwhile.
    """
    if roster.stage not in ("draft", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    if not roster.people:
        raise Refused("roster", "没有可参保的人：请更正名册后重新上传")
    if roster.faulty and not clean_only:
        raise Refused("roster", f"还有{roster.faulty}行有误：请更正后重新上传，或仅提交无误的人员")
    if roster.cover_from < at.date():
        raise Refused("roster", "保障开始日已过：请撤回这份名册，用新的开始日重新上报")
    if others := _changed_since(roster):
        message = f"有{others}人在校对之后已另行提交或参保：请重新上传这份名册，再核对一次"
        raise Refused("roster", message)
    only = bool(roster.faulty)
    roster.move("stage", was=roster.stage, to="submitted", submitted_by=by.id, clean_only=only)
    note = f"仅提交无误的{roster.people}人" if only else f"{roster.people}人"
    tell(roster, "submitted", by=by, at=at, note=note)
    audit.record("submit roster", by=by, at=at, on=roster, organization=roster.organization)
    return roster


def _changed_since(roster: Roster) -> int:
    """How many of the rows to enroll would now be read as unchanged or faulty."""
    covers, changed = Covers(roster, seen=()), 0
    rows: Any = RosterRow.select(RosterRow.id_index)
    rows = rows.where(RosterRow.roster == roster, RosterRow.kind << TO_ENROLL)
    indexes = [index for (index,) in rows.tuples()]
    for start in range(0, len(indexes), CHUNK):
        standing = covers.of(indexes[start : start + CHUNK])
        changed += sum(stand.kind in ("unchanged", "faulty") for stand in standing.values())
    return changed


@writes
def return_roster(roster: Roster, *, reason: str, by: User, at: datetime) -> Roster:
    """Return a submitted roster with everything that must change, said once and completely.

    Refuses the person who submitted it, and no reason. Raises Lost when it was decided already.
    """
    refuse_own(roster, by)
    if len(reason.strip()) < 4:
        raise Refused("reason", "请一次写明全部需要更正的内容")
    roster.move("stage", was="submitted", to="returned")
    _undo_enrollments(roster)
    tell(roster, "returned", by=by, at=at, note=reason.strip())
    audit.record("return roster", by=by, at=at, on=roster, organization=roster.organization)
    return roster


@writes
def withdraw_roster(roster: Roster, *, by: User, at: datetime) -> Roster:
    """Withdraw a roster that is not approved: its staged people are forgotten, and the caller
    forgets its file."""
    if roster.stage not in ("reading", "draft", "submitted", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    roster.move("stage", was=roster.stage, to="withdrawn")
    _undo_enrollments(roster)
    RosterRow.delete().where(RosterRow.roster == roster).execute()
    tell(roster, "withdrawn", by=by, at=at)
    audit.record("withdraw roster", by=by, at=at, on=roster, organization=roster.organization)
    return roster


def _undo_enrollments(roster: Roster) -> None:
    """An approval that broke off leaves enrollments that never counted."""
    Enrollment.delete().where(Enrollment.roster == roster).execute()


def refuse_own(roster: Roster, by: User) -> None:
    """Refuse who uploaded or submitted a roster, and the unit itself, as its judge."""
    if by.id in (roster.submitted_by_id, roster.made_by_id):
        raise Refused("by", "名册的上报人与审核人不能是同一人")
    if by.organization_id == roster.organization_id:
        raise Refused("by", "名册由上级工会审核，本单位人员不能审核")
