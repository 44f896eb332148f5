"""The workbooks that went to an operator and came back: kept as they were, numbered and logged."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from huigong import uploads
from huigong.database import writes
from huigong.models import OperatorFile, Scheme, User
from huigong.uploads import Kept
from huigong.workflows import audit
from huigong.workflows.numbers import next_of_year


def written(folder: Path, name: str, write: Callable[[BinaryIO], Any]) -> Kept:
    """Keep a workbook that `write` writes, under the name by which it is handed over."""
    with uploads.nameless() as book:
        write(book)
        book.seek(0)
        return uploads.keep(folder, book, name=name, field="file", limit=uploads.ROSTER_LIMIT * 4)


def record(
    scheme: Scheme, kept: Kept, *, kind: str, way: str, by: User, at: datetime, **more: Any
) -> OperatorFile:
    """A kept file's row, inside the caller's transaction."""
    more = {"stage": "sent" if way == "out" else "kept", **more}
    return OperatorFile.create(  # type: ignore[no-any-return]
        organization=scheme.organization_id, scheme=scheme,
        number=next_of_year(OperatorFile.number, "CB", at.year),
        kind=kind, way=way, file=kept.file, file_name=kept.name, by=by, at=at,
        **more,
    )  # fmt: skip


@writes
def hand_over(file: OperatorFile, *, by: User, at: datetime) -> None:
    """Record that a kept file, full numbers included, is handed to `by`."""
    place, detail = file.organization, f"{file.number} {file.file_name}"
    audit.record("take operator file", by=by, at=at, on=file, organization=place, detail=detail)
