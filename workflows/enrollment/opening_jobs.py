"""An opening's workbook read or booked by the worker that big rosters have: one row says how far
it is, and whose it is. What broke off is begun again, and continues what it had booked."""

from datetime import datetime
from pathlib import Path
from typing import Any

from huigong import uploads
from huigong.database import writes
from huigong.models import Opening, OpeningJob, Organization, User
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, holding
from huigong.workflows.enrollment import opening
from huigong.workflows.enrollment.jobs import STOPPED
from huigong.workflows.enrollment.reading import Told
from huigong.workflows.holding import Stopped


@writes
def keep_in_background(
    city: Organization, *, kind: str, kept: uploads.Kept, by: User, at: datetime
) -> Opening:
    """Keep a workbook that a worker checks. Refuses as `keep_opening` does, but for what only the
    reading can tell."""
    opening.refuse_unfit(city, kind)
    made = opening.begin(city, kind, kept, by, at)
    OpeningJob.create(opening=made, kind="check", by=by, at=at)
    return made


@writes
def book_in_background(kept: Opening, *, by: User, at: datetime) -> OpeningJob:
    """Have a worker book a checked workbook; asking twice is asking once. Refuses who kept it."""
    opening.refuse_booking(kept, by)
    job = job_of(kept)
    if job is not None and not job.refused:
        return job
    OpeningJob.delete().where(OpeningJob.opening == kept).execute()
    place = kept.organization
    audit.record("ask booking", by=by, at=at, on=kept, organization=place)
    return OpeningJob.create(opening=kept, kind="book", by=by, at=at)


def job_of(kept: Opening) -> OpeningJob | None:
    """An opening's job, waiting, at work, or refused."""
    return OpeningJob.get_or_none(  # type: ignore[no-any-return]
        OpeningJob.opening == kept, OpeningJob.kind != opening.DOUBTS
    )


def doubts_of(kept: Opening) -> tuple[int, list[str]]:
    """How much of an opening is worth a second look before it is booked, and the first of it."""
    noted = OpeningJob.get_or_none(OpeningJob.opening == kept, OpeningJob.kind == opening.DOUBTS)
    return (noted.done, noted.faults) if noted else (0, [])


def _free(now: datetime) -> Any:
    return (OpeningJob.kind != opening.DOUBTS) & holding.free(OpeningJob, now)


def is_waiting(*, now: datetime) -> bool:
    """Whether any job waits for a worker."""
    return bool(OpeningJob.select().where(_free(now)).exists())


def take(worker: str, *, now: datetime) -> OpeningJob | None:
    """Take up the oldest job that waits. One that broke off three times is given up."""
    return holding.take(OpeningJob, worker, _free(now), now=now)  # type: ignore[no-any-return]


@writes
def stop(kept: Opening, *, by: User, at: datetime, now: datetime) -> None:
    """Ask an opening's job to stop; one that nobody works on is ended at once. What was booked
    stays, and is continued when it is asked for again."""
    asked = OpeningJob.update(cancelled=True).where(OpeningJob.opening == kept)
    if not asked.where(OpeningJob.kind != opening.DOUBTS, OpeningJob.refused == "").execute():
        raise Lost(f"opening {kept.id} has nothing to stop")
    OpeningJob.update(refused=STOPPED).where(OpeningJob.opening == kept, _free(now)).execute()
    audit.record("stop opening job", by=by, at=at, on=kept, organization=kept.organization)


def is_absent(number: int) -> bool:
    """Whether a workbook was refused or withdrawn, so that its file is to be forgotten."""
    return bool(Opening.select().where(Opening.id == number, Opening.stage == "withdrawn").exists())


@writes
def _end(job: OpeningJob, worker: str, faults: list[str]) -> None:
    mine = (OpeningJob.id == job.id) & (OpeningJob.worker == worker)
    if faults:
        said = {
            "refused": faults[0],
            "faults": faults[: opening.KEPT],
            "worker": "",
            "done": len(faults),
        }
        OpeningJob.update(**said).where(mine).execute()
    else:
        OpeningJob.delete().where(mine).execute()


def work(job: OpeningJob, *, worker: str, folder: Path, told: Told) -> None:
    """Do a job that was taken up, and end it: done, or refused with everything that is wrong."""
    kept, faults = job.opening, []
    try:
        if job.kind == "check":
            opening.check_opening(kept, folder=folder, told=told)
        else:
            opening.book_opening(kept, folder=folder, by=job.by, at=job.at, told=told)
    except Refused as wrong:
        faults = [message for _, message in wrong.faults]
    except Stopped:
        faults = [STOPPED]
        if job.kind == "check":
            opening.withdraw_unread(kept)
    except Lost:
        faults = []  # withdrawn or booked by another meanwhile
    _end(job, worker, faults)
