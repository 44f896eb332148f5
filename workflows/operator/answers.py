"""An operator's answer kept, looked through, and taken: its new rows once each, the faulty ones
back as its own workbook."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from huigong import uploads
from huigong.database import writes
from huigong.models import OperatorFile, OperatorJob, OperatorReply, Scheme, User
from huigong.refusals import Lost, Refused
from huigong.sheets import annotate
from huigong.uploads import Kept
from huigong.workflows import audit
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.operator import covers, files, replies
from huigong.workflows.operator.reading import Sheet, open_answer

# So many rows at once, so that the write lock is held well under half a second.
_SOME: Final = {"covers": 20_000, "claims": 50}


@dataclass
class Preview:
    """What taking an answer would do."""

    sheet: Sheet
    judged: covers.Judged
    counts: list[tuple[str, int]]

    @property
    def faults(self) -> list[tuple[int, str]]:
        """What is wrong, by row, all of a row together."""
        return [
            (number, "；".join(message for _, message in found))
            for number, found in self.judged.faults.items()
        ]


@dataclass
class Found:
    """What the page of an answer says that taking it would do, and the first faults."""

    counts: list[list[Any]]  # what, of how many
    known: int
    fresh: int
    faulty: int
    faults: list[list[Any]]  # row, what is wrong with it


SHOWN: Final = 50  # faults


def summed_up(found: Preview) -> Found:
    """What a page says of it."""
    faults = [list(pair) for pair in found.faults[:SHOWN]]
    counts = [list(pair) for pair in found.counts]
    judged = found.judged
    return Found(counts, judged.known, len(judged.fresh), len(judged.faults), faults)


def keep_answer(
    scheme: Scheme, kind: str, *, kept: Kept, folder: Path, by: User, at: datetime
) -> OperatorFile:
    """Keep an uploaded answer until somebody has looked it through; nothing is taken yet. Refuses
    (`file`) what is no answer to anything that was sent."""
    with uploads.open_kept(folder, kept.file) as file, open_answer(scheme, kind, file) as sheet:
        if kind == "covers":
            deque(sheet.rows, maxlen=0)  # each stands for itself: judged when it is looked through
        else:
            _judged(scheme, kind, sheet, at.date())
    return _keep(scheme, kind, kept, sheet, by=by, at=at)


@writes
def _keep(
    scheme: Scheme, kind: str, kept: Kept, sheet: Sheet, *, by: User, at: datetime
) -> OperatorFile:
    made = files.record(
        scheme, kept, kind=kind, way="back", by=by, at=at, unused=sheet.unused,
        digest=sheet.digest,
    )  # fmt: skip
    place, detail = scheme.organization, f"{made.number} {kept.name}"
    audit.record("keep operator answer", by=by, at=at, on=made, organization=place, detail=detail)
    return made


def _judged(scheme: Scheme, kind: str, sheet: Sheet, on: date, told: Told = quiet) -> covers.Judged:
    """An answer's rows held against what stands now. The same file says nothing new, even where
    others have come after it."""
    if kind == "covers":
        judged = covers.judge(scheme, sheet, told)
        taken = OperatorFile.select().where(_same(scheme, kind, sheet))
        is_taken = taken.where(OperatorFile.stage == "taken").exists()
        return covers.all_known(judged) if is_taken else judged
    found = list(sheet.rows)
    before: Any = OperatorReply.select(OperatorReply.number).join(OperatorFile)
    again = {number for (number,) in before.where(_same(scheme, kind, sheet)).tuples()}
    return replies.judge(scheme, sheet, found, on=on, again=again)


def _same(scheme: Scheme, kind: str, sheet: Sheet) -> Any:
    """The condition that a file says what this one says, all of whose rows have come."""
    return (
        (OperatorFile.scheme == scheme)
        & (OperatorFile.kind == kind)
        & (OperatorFile.way == "back")
        & (OperatorFile.digest == sheet.digest)
    )


def preview(file: OperatorFile, *, folder: Path, on: date, told: Told = quiet) -> Preview:
    """Read a kept answer and hold it against what stands now."""

    def stopped() -> bool:
        told("", 0, 0)
        return False

    told("read", 0, 0)
    with (
        uploads.open_kept(folder, file.file) as kept,
        open_answer(file.scheme, file.kind, kept, stopped=stopped) as sheet,
    ):
        judged = _judged(file.scheme, file.kind, sheet, on, told)
    counts = (covers if file.kind == "covers" else replies).counts(judged.fresh)
    return Preview(sheet, judged, counts)


def take_answer(
    file: OperatorFile, *, folder: Path, clean_only: bool, by: User, at: datetime,
    told: Told = quiet,
) -> int:  # fmt: skip
    """Take a kept answer's new rows, some at a time; how many. One that broke off is taken on:
    rows taken before are known by then.

    Refuses faulty rows unless the clean ones are to be taken alone, nothing new, and (`by`) paid
    claims that `by` sent. Raises Lost when somebody else took or dropped it.
    """
    if file.stage != "kept":
        raise Lost(f"answer {file.id} is {file.stage}")
    found = preview(file, folder=folder, on=at.date(), told=told)
    fresh = found.judged.fresh
    if found.faults and not clean_only:
        raise Refused("clean", f"有 {len(found.faults)} 行需要更正，或只登记没有问题的行")
    if not fresh:
        raise Refused("clean", "这份回执里没有新的内容可以登记")
    taken = 0
    for part in _parts(fresh, _SOME[file.kind]):
        _take_some(file, part, by=by, at=at)
        taken += len(part)
        told("take", taken, len(fresh))
    _close(file, "taken", "take operator answer", by=by, at=at)
    return len(fresh)


def _parts(fresh: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(fresh), size):
        yield fresh[start : start + size]


@writes
def _take_some(file: OperatorFile, part: Sequence[Any], *, by: User, at: datetime) -> None:
    now = OperatorFile.get_by_id(file.id)
    if now.stage != "kept":
        raise Lost(f"answer {file.id} is {now.stage}")
    amount = now.amount + (
        sum(said.amount or 0 for said in part if said.kind == "paid")
        if file.kind == "claims"
        else 0
    )
    now.rows, now.amount = now.rows + len(part), amount
    now.save(only=[OperatorFile.rows, OperatorFile.amount])
    (covers if file.kind == "covers" else replies).keep(now, part, by=by, at=at)


@writes
def _close(file: OperatorFile, to: str, deed: str, *, by: User, at: datetime) -> None:
    file.move("stage", was="kept", to=to, taken_by=by.id, taken_at=at)
    rows = OperatorFile.get_by_id(file.id).rows
    place, detail = file.organization, f"{file.number} {rows}行"
    audit.record(deed, by=by, at=at, on=file, organization=place, detail=detail)


@writes
def drop_answer(file: OperatorFile, *, by: User, at: datetime) -> None:
    """Take nothing (more) from a kept answer: another's, or a newer one has come. One whose taking
    broke off stays taken in the rows that were."""
    _close(file, "taken" if file.rows else "dropped", "drop operator answer", by=by, at=at)
    OperatorJob.delete().where(OperatorJob.file == file).execute()


def own_file_back(file: OperatorFile, *, folder: Path, on: date) -> BinaryIO:
    """The operator's own workbook with 错误原因 beside the faulty rows and their cells red, in
    memory; whoever asks closes it."""
    found, target = preview(file, folder=folder, on=on), uploads.nameless()
    try:
        mark(file, found, target, folder=folder)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def mark(file: OperatorFile, found: Preview, target: Any, *, folder: Path) -> None:
    """Write the operator's own workbook with what is wrong with its rows."""
    columns, sheet = found.sheet.columns, found.sheet
    marked = {
        number: [at for field, _ in wrong for at in columns.get(field, [])]
        for number, wrong in found.judged.faults.items()
    }
    with uploads.open_kept(folder, file.file) as source:
        annotate(source, dict(found.faults), target, header_row=sheet.header.rows[-1],
                 passing=sheet.passing, marked=marked)  # fmt: skip
