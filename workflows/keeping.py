"""Whether every kept file that the office names is there and opens. Only reads."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from peewee import fn

from huigong import uploads
from huigong.models import (
    AgeProof,
    Document,
    IdCorrection,
    Opening,
    OperatorFile,
    OperatorJob,
    Roster,
    RosterFile,
    Statement,
    UnitApplication,
)

# Told after each file: how many more were looked at.
Told = Callable[[int], None]

_AT_ONCE: Final = 500


class Kind(NamedTuple):
    """A table that names kept files: where, with which hash, and which of its rows must."""

    model: Any
    words: str
    column: Any
    digest: Any = None
    must: Any = None

    def naming(self) -> Any:
        """The condition that a row's file must be there."""
        named = self.column != ""
        return named if self.must is None else named & self.must


# Those of a roster or an opening that was not read through, or was withdrawn, are forgotten.
_READ: Final = ("reading", "withdrawn")
_UNREAD: Final = ("reading", "unread")
KINDS: Final = (  # what there is most of comes last
    Kind(UnitApplication, "单位登记申请", UnitApplication.proof),
    Kind(IdCorrection, "身份证更正申请", IdCorrection.proof),
    Kind(Opening, "期初数据", Opening.file, Opening.sha256, Opening.stage.not_in(_READ)),
    Kind(Roster, "名册", Roster.file, None, Roster.stage.not_in(_READ)),
    Kind(RosterFile, "名册的新文件", RosterFile.file),
    Kind(Statement, "对账单", Statement.file),
    Kind(OperatorFile, "承办方文件", OperatorFile.file, None, OperatorFile.stage.not_in(_UNREAD)),
    Kind(OperatorJob, "标出错误的承办方回执", OperatorJob.marked),
    Kind(AgeProof, "超龄证明", AgeProof.file, AgeProof.sha256),
    Kind(Document, "申领材料", Document.file, Document.sha256),
)


@dataclass
class Examined:
    """What was found, in sentences, among `total` files of which so many were opened."""

    found: list[str] = field(default_factory=list)
    total: int = 0
    opened: int = 0


def count() -> int:
    """How many kept files the office names."""
    return sum(
        kind.model.select(kind.column).where(kind.naming()).distinct().count() for kind in KINDS
    )


def quiet(more: int) -> None:
    """Tell nobody."""


def examine(folder: Path, *, told: Told = quiet, seconds: float = 0) -> Examined:
    """Look at every kept file that a row names: whether it is there, opens under its own name,
    and holds what was uploaded where its hash is known.

    A file is opened a piece at a time. After `seconds` (0: never) the rest are only looked for;
    each time it begins elsewhere, so that nightly ones come round to all.
    """
    examined, until = Examined(), time.monotonic() + seconds
    for kind in KINDS:
        for number, file, digest in _named(kind, first=secrets.token_hex(1)):
            opens = not seconds or time.monotonic() < until
            said = _wrong_with(folder, file, digest or "", opens=opens)
            if said and _still_named(kind, number, file):
                examined.found.append(f"{kind.words} {number} 的{said}")
            examined.total += 1
            examined.opened += opens
            told(1)
    return examined


def _named(kind: Kind, *, first: str) -> Iterator[tuple[int, str, str | None]]:
    """(id, file, hash) of a table, each file once, by their names from `first` round to it."""
    for after, high in ((first, None), ("", first)):
        while rows := _some(kind, after, high):
            yield from rows
            after = rows[-1][1]


def _some(kind: Kind, after: str, high: str | None) -> list[tuple[int, str, str | None]]:
    digest = fn.MAX(kind.digest) if kind.digest else None
    shown = [fn.MIN(kind.model.id), kind.column, *([digest] if digest else [])]
    query = kind.model.select(*shown).where(kind.naming(), kind.column > after)
    query = query.where(kind.column < high) if high else query
    rows = query.group_by(kind.column).order_by(kind.column).limit(_AT_ONCE).tuples()
    return [(row[0], row[1], row[2] if digest else None) for row in rows]


def _still_named(kind: Kind, number: int, file: str) -> bool:
    """Whether a row still names a file: another may have taken its place meanwhile."""
    row = kind.model.select().where(kind.model.id == number, kind.column == file, kind.naming())
    return bool(row.exists())


def _wrong_with(folder: Path, file: str, digest: str, *, opens: bool) -> str:
    try:
        if not opens:
            return "" if (folder / file).is_file() else "文件不在"
        found = uploads.digest_of(folder, file)
    except uploads.Missing:
        return "文件不在"
    except uploads.Unreadable:
        return "文件被改动过，打不开"
    return "文件被改动过" if digest and found != digest else ""
