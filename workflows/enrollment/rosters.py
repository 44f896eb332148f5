"""Rosters between their draft and their approval: submitted, returned, withdrawn."""

from datetime import datetime
from typing import Final

from huigong.database import writes
from huigong.models import Roster, RosterJob, RosterRow, User
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, gifts, shares
from huigong.workflows.enrollment.apart import apart
from huigong.workflows.enrollment.corrected import still_named
from huigong.workflows.enrollment.covers import taken
from huigong.workflows.enrollment.history import tell
from huigong.workflows.enrollment.meanings import open_columns
from huigong.workflows.enrollment.reading import forget
from huigong.workflows.enrollment.staffing import too_few
from huigong.workflows.enrollment.undone import undo_approval

AT_ONCE: Final = 20_000  # rows that are forgotten while the clerk waits


def submit_roster(roster: Roster, *, clean_only: bool, by: User, at: datetime) -> Roster:
    """Submit a checked roster to the level above.

    Refuses one with faults unless the clerk submits the clean rows alone, one without anybody to
    enroll, a start of cover that has passed, and people who were submitted or covered elsewhere,
    or whose ID was corrected, since the file was read. Raises Lost when it was submitted meanwhile.
    """
    return apart(
        lambda: taken(roster) if roster.people else 0,
        lambda others: _submit(roster, others, clean_only=clean_only, by=by, at=at),
    )


def _submit(roster: Roster, others: int, *, clean_only: bool, by: User, at: datetime) -> Roster:
    if roster.stage not in ("draft", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    _refuse_under_look(roster)
    if not roster.people:
        raise Refused("roster", "没有可参保的人：请更正名册后重新上传")
    if roster.faulty and not clean_only:
        raise Refused("roster", f"还有{roster.faulty}行有误：请更正后重新上传，或仅提交无误的人员")
    if asked := open_columns(roster):
        raise Refused("columns", f"请先说明“{'”“'.join(asked)}”列是什么，或者不需要")
    if missed := too_few(roster):
        raise Refused("staff", missed)
    if roster.cover_from < at.date():
        raise Refused("roster", "保障开始日已过：请撤回这份名册，用新的开始日重新上报")
    if renamed := still_named(roster):
        raise Refused(
            "roster", f"有{renamed}人的身份证号在校对之后已更正：请改用更正后的号码重新上传"
        )
    if others:
        message = f"有{others}人在校对之后已另行提交或参保：请重新上传这份名册，再核对一次"
        raise Refused("roster", message)
    gifts.refuse_submission(roster)
    only, parts = bool(roster.faulty), shares.preview(roster)
    told = {"submitted_by": by.id, "clean_only": only, "split": parts}
    roster.move("stage", was=roster.stage, to="submitted", **told)
    RosterJob.delete().where(RosterJob.roster == roster).execute()  # that a file was not taken
    note = f"仅提交无误的{roster.people}人" if only else f"{roster.people}人"
    tell(roster, "submitted", by=by, at=at, note=note)
    audit.record("submit roster", by=by, at=at, on=roster, organization=roster.organization)
    return roster


def _refuse_under_look(roster: Roster) -> None:
    at_work = (RosterJob.kind == "look") & (RosterJob.refused == "")
    if RosterJob.select().where(RosterJob.roster == roster, at_work).exists():
        raise Refused("roster", "新上传的文件还在核对，请等它完成，或先停止")


def return_roster(roster: Roster, *, reason: str, by: User, at: datetime) -> Roster:
    """Return a submitted roster with everything that must change, said once and completely.

    Refuses the person who submitted it, no reason, and while it is being approved. Raises Lost
    when it was decided already.
    """
    _return(roster, reason=reason, by=by, at=at)
    undo_approval(roster)
    return roster


@writes
def _return(roster: Roster, *, reason: str, by: User, at: datetime) -> None:
    refuse_own(roster, by)
    _refuse_under_approval(roster, "reason")
    if len(reason.strip()) < 4:
        raise Refused("reason", "请一次写明全部需要更正的内容")
    roster.move("stage", was="submitted", to="returned")
    tell(roster, "returned", by=by, at=at, note=reason.strip())
    audit.record("return roster", by=by, at=at, on=roster, organization=roster.organization)


def withdraw_roster(roster: Roster, *, by: User, at: datetime) -> Roster:
    """Withdraw a roster that is not approved: its staged people are forgotten, and the caller
    forgets its file. A big one's are left to a worker (`RosterJob`).

    Refuses while a worker approves it: whoever asked for that may stop it.
    """
    _withdraw(roster, by=by, at=at)
    if not roster.jobs.exists():
        undo_approval(roster)
        forget(roster, RosterRow)
    return roster


@writes
def _withdraw(roster: Roster, *, by: User, at: datetime) -> None:
    if roster.stage not in ("reading", "draft", "submitted", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    _refuse_under_approval(roster, "roster")
    roster.move("stage", was=roster.stage, to="withdrawn")
    RosterJob.delete().where(RosterJob.roster == roster).execute()
    if roster.rows.limit(AT_ONCE + 1).count() > AT_ONCE:
        RosterJob.create(roster=roster, kind="forget", by=by, at=at)
    tell(roster, "withdrawn", by=by, at=at)
    audit.record("withdraw roster", by=by, at=at, on=roster, organization=roster.organization)


def _refuse_under_approval(roster: Roster, field: str) -> None:
    at_work = (RosterJob.kind == "approve") & (RosterJob.refused == "")
    if RosterJob.select().where(RosterJob.roster == roster, at_work).exists():
        message = "正在批准这份名册，现在不能撤回或退回：请等它完成，或由审核人先停止处理"
        raise Refused(field, message)


def refuse_own(roster: Roster, by: User) -> None:
    """Refuse who uploaded or submitted a roster, and the unit itself, as its judge."""
    if by.id in (roster.submitted_by_id, roster.made_by_id):
        raise Refused("by", "名册的上报人与审核人不能是同一人")
    if by.organization_id == roster.organization_id:
        raise Refused("by", "名册由上级工会审核，本单位人员不能审核")
