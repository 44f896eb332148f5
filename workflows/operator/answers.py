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
from huigong.models import OperatorFile, OperatorReply, Scheme, User
from huigong.refusals import Lost, Refused
from huigong.sheets import annotate
from huigong.uploads import Kept
from huigong.workflows import audit
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


def _judged(scheme: Scheme, kind: str, sheet: Sheet, on: date) -> covers.Judged:
    """An answer's rows held against what stands now. The same file says nothing new, even where
    others have come after it."""
    if kind == "covers":
        judged = covers.judge(scheme, sheet)
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


def preview(file: OperatorFile, *, folder: Path, on: date) -> Preview:
    """Read a kept answer and hold it against what stands now."""
    with (
        uploads.open_kept(folder, file.file) as kept,
        open_answer(file.scheme, file.kind, kept) as sheet,
    ):
        judged = _judged(file.scheme, file.kind, sheet, on)
    counts = (covers if file.kind == "covers" else replies).counts(judged.fresh)
    return Preview(sheet, judged, counts)


def take_answer(
    file: OperatorFile, *, folder: Path, clean_only: bool, by: User, at: datetime
) -> int:
    """Take a kept answer's new rows, some at a time; how many. One that broke off is taken on:
    rows taken before are known by then.

    Refuses faulty rows unless the clean ones are to be taken alone, nothing new, and (`by`) paid
    claims that `by` sent. Raises Lost when somebody else took or dropped it.
    """
    if file.stage != "kept":
        raise Lost(f"answer {file.id} is {file.stage}")
    found = preview(file, folder=folder, on=at.date())
    fresh = found.judged.fresh
    if found.faults and not clean_only:
        raise Refused("clean", f"有 {len(found.faults)} 行需要更正，或只登记没有问题的行")
    if not fresh:
        raise Refused("clean", "这份回执里没有新的内容可以登记")
    for part in _parts(fresh, _SOME[file.kind]):
        _take_some(file, part, by=by, at=at)
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


def drop_answer(file: OperatorFile, *, by: User, at: datetime) -> None:
    """Take nothing (more) from a kept answer: another's, or a newer one has come. One whose taking
    broke off stays taken in the rows that were."""
    _close(file, "taken" if file.rows else "dropped", "drop operator answer", by=by, at=at)


def own_file_back(file: OperatorFile, *, folder: Path, on: date) -> BinaryIO:
    """The operator's own workbook with 错误原因 beside the faulty rows and their cells red, in
    memory; whoever asks closes it."""
    found = preview(file, folder=folder, on=on)
    columns = found.sheet.columns
    marked = {
        number: [at for field, _ in wrong for at in columns.get(field, [])]
        for number, wrong in found.judged.faults.items()
    }
    target = uploads.nameless()
    try:
        with uploads.open_kept(folder, file.file) as source:
            header, passing = found.sheet.header.rows[-1], found.sheet.passing
            annotate(source, dict(found.faults), target, header_row=header, passing=passing,
                     marked=marked)  # fmt: skip
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target
