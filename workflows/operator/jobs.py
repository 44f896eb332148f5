"""A big file of an operator's written, read or taken by the worker that big rosters have: one row
says how far it is. What broke off is begun anew; an answer is taken on where it was."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from huigong import uploads
from huigong.database import writes
from huigong.models import OperatorFile, OperatorJob, Scheme, User
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import audit, holding
from huigong.workflows.enrollment.reading import Told
from huigong.workflows.holding import Stopped
from huigong.workflows.operator import answers, covers, files

GIVEN_UP: Final = "处理多次中断：请再试一次，仍不行请联系管理员"
LOST: Final = "保管的文件已打不开，请重新上传"
STOPPED: Final = {
    "write": "已按要求停止，没有生成文件",
    "read": "已按要求停止，没有保存文件",
    "take": "已按要求停止：已登记的行保留，其余的可以继续登记",
}
_UNDONE: Final = {"writing": "unwritten", "reading": "unread"}  # the stage of what broke off


@writes
def write_in_background(
    scheme: Scheme, *, first: date, last: date, by: User, at: datetime
) -> OperatorFile:
    """Have a worker write the workbook of the people approved within these days. Refuses as
    `send_covers` does."""
    covers.refuse_span(scheme, first, last)
    unwritten = Kept("", covers.name_of(scheme, first, last), 0, "")
    given: dict[str, Any] = {"way": "out", "stage": "writing", "by": by, "at": at}
    made = files.record(scheme, unwritten, kind="covers", **given)
    OperatorJob.create(file=made, kind="write", first=first, last=last, by=by, at=at)
    return made


@writes
def read_in_background(
    scheme: Scheme, kind: str, *, kept: Kept, by: User, at: datetime
) -> OperatorFile:
    """Keep an uploaded answer that a worker reads. What only the reading can tell is refused on
    its page; nothing stays of the file then."""
    given: dict[str, Any] = {"way": "back", "stage": "reading", "by": by, "at": at}
    made = files.record(scheme, kept, kind=kind, **given)
    OperatorJob.create(file=made, kind="read", by=by, at=at)
    return made


@writes
def take_in_background(file: OperatorFile, *, clean_only: bool, by: User, at: datetime) -> None:
    """Have a worker take what it read; asking twice is asking once. Raises Lost where there is
    nothing to take."""
    job = job_of(file)
    if job is None or file.stage != "kept":
        raise Lost(f"answer {file.id} is {file.stage}")
    if job.kind == "take" and not job.refused:
        return
    if job.found["faulty"] and not clean_only:
        raise Refused("clean", f"有 {job.found['faulty']} 行需要更正，或只登记没有问题的行")
    fresh: dict[str, Any] = {"phase": "waiting", "done": 0, "total": 0, "tries": 0, "worker": ""}
    fresh |= {"cancelled": False, "refused": "", "clean_only": clean_only, "by": by.id, "at": at}
    OperatorJob.update(kind="take", **fresh).where(OperatorJob.id == job.id).execute()
    place, detail = file.organization, file.number
    audit.record("ask taking", by=by, at=at, on=file, organization=place, detail=detail)


def job_of(file: OperatorFile) -> OperatorJob | None:
    """A file's job: waiting, at work, refused, or what its reading found."""
    return OperatorJob.get_or_none(OperatorJob.file == file)  # type: ignore[no-any-return]


def _free(now: datetime) -> Any:
    return (OperatorJob.kind != "found") & holding.free(OperatorJob, now)


def is_waiting(*, now: datetime) -> bool:
    """Whether any job waits for a worker."""
    return bool(OperatorJob.select().where(_free(now)).exists())


@writes
def take(worker: str, *, now: datetime) -> OperatorJob | None:
    """Take up the oldest job that waits. One that broke off three times is given up."""
    job = holding.take(OperatorJob, worker, _free(now), now=now, given_up=GIVEN_UP)
    _close_undone()
    return job  # type: ignore[no-any-return]


@writes
def stop(file: OperatorFile, *, by: User, at: datetime, now: datetime) -> None:
    """Ask a file's job to stop; one that nobody works on is ended at once. Of an answer the rows
    that were taken stay."""
    job = job_of(file)
    if job is None or job.kind == "found" or job.refused:
        raise Lost(f"operator file {file.id} has nothing to stop")
    mine = OperatorJob.id == job.id
    OperatorJob.update(cancelled=True).where(mine).execute()
    OperatorJob.update(refused=STOPPED[job.kind], worker="").where(mine, _free(now)).execute()
    _close_undone()
    audit.record("stop operator job", by=by, at=at, on=file, organization=file.organization)


def _close_undone() -> None:
    """Files whose job ended without success are none; inside the caller's transaction."""
    refused = OperatorJob.select(OperatorJob.file).where(OperatorJob.refused != "")
    for was, to in _UNDONE.items():
        OperatorFile.update(stage=to).where(
            OperatorFile.stage == was, OperatorFile.id << refused
        ).execute()


def drop_unread(folder: Path) -> None:
    """Forget the answers that were refused, stopped or given up."""
    unread = OperatorFile.select().where(OperatorFile.stage == "unread", OperatorFile.file != "")
    for file in unread:
        uploads.drop(folder, file.file)
        OperatorFile.update(file="").where(OperatorFile.id == file.id).execute()


def work(job: OperatorJob, *, worker: str, folder: Path, told: Told) -> None:
    """Do a job that was taken up, and end it: done, or refused with the sentence kept for the
    file's page."""
    try:
        {"write": _write, "read": _read, "take": _take}[job.kind](job, folder, told)
    except Refused as wrong:
        _refuse(job, worker, str(wrong))
    except uploads.Unreadable:
        _refuse(job, worker, LOST)
    except Stopped:
        _refuse(job, worker, STOPPED[job.kind])
    except Lost:  # dropped or done by another meanwhile
        OperatorJob.delete().where(*_mine(job, worker)).execute()
    drop_unread(folder)


def _mine(job: OperatorJob, worker: str) -> tuple[Any, Any]:
    return OperatorJob.id == job.id, OperatorJob.worker == worker


@writes
def _refuse(job: OperatorJob, worker: str, why: str) -> None:
    OperatorJob.update(refused=why, worker="").where(*_mine(job, worker)).execute()
    _close_undone()


def _write(job: OperatorJob, folder: Path, told: Told) -> None:
    days: Any = (job.first, job.last)
    kept, people = covers.write_covers(job.file.scheme, *days, folder=folder, told=told)
    try:
        _finish_writing(job, kept, people)
    except BaseException:
        uploads.drop(folder, kept.file)
        raise


@writes
def _finish_writing(job: OperatorJob, kept: Kept, people: int) -> None:
    _refuse_overtaken(job)
    file = OperatorFile.get_by_id(job.file_id)
    file.move("stage", was="writing", to="sent", file=kept.file, rows=people)
    days: Any = (job.first, job.last)
    covers.tell_sent(file, *days, by=job.by, at=job.at)
    OperatorJob.delete().where(OperatorJob.id == job.id).execute()


def _read(job: OperatorJob, folder: Path, told: Told) -> None:
    file = job.file
    found = answers.preview(file, folder=folder, on=job.at.date(), told=told)
    if not found.faults:
        _finish_reading(job, found, "")
        return
    told("mark", 0, 0)

    def write(book: BinaryIO) -> None:
        answers.mark(file, found, _Watched(book, told), folder=folder)

    marked = files.written(folder, file.file_name, write).file
    try:
        _finish_reading(job, found, marked)
    except BaseException:
        uploads.drop(folder, marked)
        raise


@writes
def _finish_reading(job: OperatorJob, found: answers.Preview, marked: str) -> None:
    _refuse_overtaken(job)
    file, sheet = OperatorFile.get_by_id(job.file_id), found.sheet
    file.move("stage", was="reading", to="kept", unused=sheet.unused, digest=sheet.digest)
    told: dict[str, Any] = {"kind": "found", "worker": "", "marked": marked}
    told["found"] = asdict(answers.summed_up(found))
    OperatorJob.update(**told).where(OperatorJob.id == job.id).execute()
    place, detail = file.organization, f"{file.number} {file.file_name}"
    audit.record("keep operator answer", by=job.by, at=job.at, on=file, organization=place,
                 detail=detail)  # fmt: skip


def _take(job: OperatorJob, folder: Path, told: Told) -> None:
    clean = job.clean_only
    answers.take_answer(job.file, folder=folder, clean_only=clean, by=job.by, at=job.at, told=told)
    OperatorJob.delete().where(OperatorJob.id == job.id).execute()
    if job.marked:
        uploads.drop(folder, job.marked)


def _refuse_overtaken(job: OperatorJob) -> None:
    """Raise Lost unless this worker still has the job, Stopped when it was to stop."""
    now = OperatorJob.get_or_none(OperatorJob.id == job.id)
    if now is None or now.worker != job.worker:
        raise Lost(f"operator job {job.id} is another worker's")
    if now.cancelled:
        raise Stopped


class _Watched:
    """A file that tells of being written to: who marks a city's workbook is not gone."""

    def __init__(self, file: BinaryIO, told: Told):
        self._file, self._told = file, told

    def write(self, data: Any) -> int:
        self._told("", 0, 0)
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
