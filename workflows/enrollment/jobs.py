"""Work on a big roster that outlives the page that asked for it. Taken over from a worker that is
gone, reading begins anew from the kept file, and approving goes on where it stopped.
"""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from huigong import uploads
from huigong.database import writes
from huigong.models import Edition, Organization, Roster, RosterFile, RosterJob, RosterRow, User
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import audit, holding
from huigong.workflows.enrollment import drafts
from huigong.workflows.enrollment.approval import approve_roster, refuse_approval
from huigong.workflows.enrollment.reading import Told, forget, look_through, read_roster_file
from huigong.workflows.enrollment.undone import undo_approval
from huigong.workflows.holding import Stopped, free

STOPPED: Final = "已按要求停止，没有保存名单"
STILL: Final = "已按要求停止，没有采用新文件"
LOOKING: Final = "上一份新文件还在核对，请等它完成，或先停止"
READING: Final = ("read", "replace")  # kinds of jobs that read a file into a roster
UNSTOPPED: Final = ("replace", "forget")  # there is nothing to go back to


def draft_in_background(
    *,
    organization: Organization,
    edition: Edition,
    cover_from: date,
    rest_by: str,
    kept: Kept,
    by: User,
    at: datetime,
    seen: Sequence[str] = (),
) -> Roster:
    """Begin a roster whose kept file a worker reads. Refuses as `draft_roster` does, but for what
    only the reading can tell."""
    drafts.refuse_unfit(organization, edition, cover_from, rest_by, at.date())
    return _begin(organization, edition, cover_from, rest_by, kept, by, at, seen)


@writes
def _begin(*roster: Any) -> Roster:
    *facts, seen = roster
    begun = drafts.begin(*facts)
    _ask(begun, "read", by=begun.made_by, at=begun.made_at, seen=seen)
    return begun


@writes
def restage_in_background(
    roster: Roster, *, kept: Kept, by: User, at: datetime, seen: Sequence[str] = ()
) -> Roster:
    """Put another file in the place of a roster's once a worker has looked it through: until then,
    and when it is refused, a draft or returned roster stays as it is. Of one in stage `reading`
    nothing is there to stay; the caller forgets its old file.

    Refuses while another file of it is being looked through.
    """
    unit, edition = roster.organization, roster.edition
    drafts.refuse_unfit(unit, edition, roster.cover_from, roster.rest_by, at.date())
    if roster.stage == "reading":
        drafts.begin_again(roster, kept, by, at)
        _ask(roster, "read", by=by, at=at, seen=seen)
        return roster
    if roster.stage not in ("draft", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    if is_looked_through(roster):
        raise Refused("file", LOOKING)
    RosterFile.delete().where(RosterFile.roster == roster).execute()
    RosterFile.create(roster=roster, file=kept.file, file_name=kept.name)
    _ask(roster, "look", by=by, at=at, seen=seen)
    return roster


def is_looked_through(roster: Roster) -> bool:
    """Whether another file of a roster is being looked through."""
    at_work = RosterJob.kind.in_(("look", "replace")) & (RosterJob.refused == "")
    return bool(RosterJob.select().where(RosterJob.roster == roster, at_work).exists())


@writes
def approve_in_background(roster: Roster, *, by: User, at: datetime) -> RosterJob:
    """Have a worker approve a roster. Refuses who may not; asking twice is asking once."""
    refuse_approval(roster, by)
    job = job_of(roster)
    if job is not None and not job.refused:
        return job
    audit.record("ask approval", by=by, at=at, on=roster, organization=roster.organization)
    return _ask(roster, "approve", by=by, at=at)


def _ask(
    roster: Roster, kind: str, *, by: User, at: datetime, seen: Sequence[str] = ()
) -> RosterJob:
    RosterJob.delete().where(RosterJob.roster == roster).execute()
    return RosterJob.create(roster=roster, kind=kind, by=by, at=at, seen=list(seen))


def job_of(roster: Roster) -> RosterJob | None:
    """A roster's job, waiting, at work, or refused."""
    return RosterJob.get_or_none(RosterJob.roster == roster)  # type: ignore[no-any-return]


def unread() -> Any:
    """The condition that a roster's file was refused, or its reading stopped or given up: nothing
    is saved of it but its sentence."""
    refused = RosterJob.select(RosterJob.roster).where(
        RosterJob.kind << READING, RosterJob.refused != ""
    )
    return (Roster.stage == "reading") & (Roster.id << refused)


def unfinished() -> Any:
    """The condition that a roster waits for its clerk to send a file again: its reading was killed
    and nobody does it any more, or of one that was submitted before the new file was refused."""
    at_work = RosterJob.select(RosterJob.roster).where(RosterJob.refused == "")
    open_matter = Roster.submitted_by.is_null(False) | ~unread()
    return (Roster.stage == "reading") & Roster.id.not_in(at_work) & open_matter


def drop_unread(folder: Path) -> None:
    """Forget the files that were refused or given up."""
    files: Any = Roster.select(Roster.file).where(unread())
    for (file,) in files.tuples():
        uploads.drop(folder, file)
    looks = (RosterJob.kind == "look") & (RosterJob.refused == "")
    looked_through = RosterJob.select(RosterJob.roster).where(looks)
    left = RosterFile.select(RosterFile, Roster).join(Roster)
    for new in left.where(RosterFile.roster.not_in(looked_through)):
        if new.file != new.roster.file:  # which is read again where its columns were explained
            uploads.drop(folder, new.file)
        new.delete_instance()


def is_waiting(*, now: datetime) -> bool:
    """Whether any job waits for a worker."""
    return bool(RosterJob.select().where(free(RosterJob, now)).exists())


def take(worker: str, *, now: datetime) -> RosterJob | None:
    """Take up the oldest job that waits. One that broke off three times is given up."""
    return holding.take(RosterJob, worker, free(RosterJob, now), now=now)  # type: ignore[no-any-return]


@writes
def stop(roster: Roster, *, by: User, at: datetime, now: datetime) -> None:
    """Ask a roster's job to stop; one that nobody works on is ended at once."""
    asked = RosterJob.update(cancelled=True).where(RosterJob.roster == roster)
    if not asked.where(RosterJob.kind.not_in(UNSTOPPED), RosterJob.refused == "").execute():
        raise Lost(f"roster {roster.id} has nothing to stop")
    said = STILL if RosterJob.get(RosterJob.roster == roster).kind == "look" else STOPPED
    RosterJob.update(refused=said).where(RosterJob.roster == roster, free(RosterJob, now)).execute()
    audit.record("stop roster job", by=by, at=at, on=roster, organization=roster.organization)


@writes
def _end(job: RosterJob, worker: str, refused: str) -> None:
    mine = (RosterJob.id == job.id) & (RosterJob.worker == worker)
    if refused:
        RosterJob.update(refused=refused, worker="").where(mine).execute()
    else:
        RosterJob.delete().where(mine).execute()


def work(job: RosterJob, *, worker: str, folder: Path, told: Told) -> None:
    """Do a job that was taken up, and end it: done, or refused with the sentence kept for the
    roster's page. A file that is no roster is gone, as its rows are."""
    roster, refused = job.roster, ""
    try:
        if job.kind == "look":
            roster = _replaced(job, folder, told)
        if job.kind in READING:
            read_roster_file(roster, folder=folder, seen=job.seen, told=told)
        elif job.kind == "approve":
            approve_roster(roster, by=job.by, at=job.at, told=told)
        else:
            undo_approval(roster, told=told)
            forget(roster, RosterRow, told=told)
    except Refused as wrong:
        refused = str(wrong)
    except Stopped:
        refused = STILL if job.kind == "look" else STOPPED
        if job.kind in READING:
            forget(roster, RosterRow)
        elif job.kind != "look":
            undo_approval(roster)
    except Lost:
        refused = ""  # withdrawn, returned or done by another meanwhile
    _end(job, worker, refused)
    drop_unread(folder)


def _replaced(job: RosterJob, folder: Path, told: Told) -> Roster:
    """Look a roster's new file through; only then is it the roster's, and the old one forgotten."""
    new = RosterFile.get_or_none(RosterFile.roster == job.roster_id)
    if new is None:
        raise Lost(f"roster {job.roster_id} has no new file")
    look_through(job.roster, new.file, folder=folder, told=told)
    old = job.roster.file
    roster = _replace(job, new)
    if old != roster.file:
        uploads.drop(folder, old)
    return roster


@writes
def _replace(job: RosterJob, new: RosterFile) -> Roster:
    now = RosterJob.get_or_none(RosterJob.id == job.id, RosterJob.worker == job.worker)
    if now is None:
        raise Lost(f"job {job.id} is another worker's")
    if now.cancelled:
        raise Stopped
    roster: Roster = Roster.get_by_id(job.roster_id)
    drafts.replace_file(roster, Kept(new.file, new.file_name, 0, ""), job.by, job.at)
    new.delete_instance()
    RosterJob.update(kind="replace").where(RosterJob.id == job.id).execute()
    job.kind = "replace"
    return roster
