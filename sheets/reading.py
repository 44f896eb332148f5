"""The rows of an upload, read by a limited child process and handed over in small batches."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from huigong.sheets import uploads
from huigong.sheets.ahead import Ahead
from huigong.sheets.uploads import MIB, SheetRefused, Source, inspect_upload, opened, size_of

Cell = str | float | int | bool | date
Row = list[Cell]
Progress = Callable[[int, int], None]

CHILD_MEMORY: Final = 700 * MIB
SLICED_FROM: Final = 32 * MIB  # bytes of a sheet
SLICE: Final = 8 * MIB
_CHILD: Final = Path(__file__).with_name("child.py")
_TOO_LARGE: Final = "表格内容过大，读不进来，请删去多余的行列和工作表，或分成几份上传"
_TOO_SLOW: Final = "表格过于复杂，读取超时，请把名册复制到新工作簿后再上传"
_BROKEN_OFF: Final = "读取文件时被系统中断，请重新上传；再次中断请联系管理员"
_WHY: Final = {-24: _TOO_SLOW, -9: _BROKEN_OFF, -15: _BROKEN_OFF}  # SIGXCPU, SIGKILL, SIGTERM
_AHEAD: Final = 4  # batches read ahead of the consumer, so that neither process holds the sheet


class ReadingCancelled(Exception):
    """Somebody asked to stop; the child is gone and nothing was kept."""


def read_rows(
    source: Source,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    patience: float | None = None,
    passing: int = 0,
    most: int = uploads.MAX_ROWS,
    in_slices: bool = False,
) -> "SheetRows":
    """Open an upload for reading; raises SheetRefused before the first row where it can.

    Use it as a context manager or read it to the end: the child process lives until then.
    `progress(done, of)` is told rows and is called as batches arrive; `cancelled()` is asked
    several times a second. An open file is read at its own place, so one reading at a time.
    `patience` is how many seconds of waiting on the child are allowed,
    by default 30 and two more for each MiB. `passing` is how many sheets with content, a cover
    for instance, are passed over. A sheet of more rows than `most` is refused before its first.
    With `in_slices` a big one may be read so that its first rows come at once: its height is then
    an estimate, its width that of its first rows, and what refuses it may come after some of them.
    """
    kind = inspect_upload(source)
    if patience is None:
        patience = 30 + 2 * size_of(source) / MIB
    return SheetRows(
        source,
        kind,
        progress=progress or (lambda done, of: None),
        cancelled=cancelled or (lambda: False),
        patience=patience,
        passing=passing,
        most=most,
        in_slices=in_slices and not passing,
    )


class SheetRows:
    """The rows with content of an upload's first sheet: pairs of (number shown in Excel, cells).

    A cell is text exactly as typed, a number (float or int: such an ID has lost digits), True or
    False, or a date; an empty cell is "". All rows have the same width. `epoch` is 1900 or 1904,
    the base of date serials in number cells. `more` is whether sheets follow. `others`, known
    after the last row, names further sheets that have content and were not read.
    """

    def __init__(
        self,
        source: Source,
        kind: uploads.Kind,
        *,
        progress: Progress,
        cancelled: Callable[[], bool],
        patience: float,
        passing: int,
        most: int,
        in_slices: bool,
    ):
        self.passing = passing
        self.kind, self.others = kind, list[str]()
        self._progress, self._cancelled, self._patience = progress, cancelled, patience
        self._child = _start(source, kind, patience, passing, most, in_slices)
        self._lines = Ahead(self._child.stdout or (), most=_AHEAD)
        try:
            opening = self._next_message()
        except BaseException:
            self.close()
            raise
        self.name: str = opening["name"]
        self.height: int = opening["height"]
        self.width: int = opening["width"]
        self.epoch: int = opening["epoch"]
        self.more: bool = opening["more"]

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        try:
            while isinstance(batch := self._next_message(), list):
                number = 0
                for row in batch:
                    number = row.pop(0)
                    yield number, row
                self._progress(number, self.height)
            self.others = batch["others"]
        finally:
            self.close()

    def __enter__(self) -> "SheetRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, read or not; safe to call again."""
        self._child.kill()
        self._lines.close()
        self._child.wait()
        if self._child.stdout:
            self._child.stdout.close()

    def _next_message(self) -> Any:
        """The child's next answer; only time spent waiting for it is charged to its patience."""
        waited = time.monotonic()
        while True:
            if self._cancelled():
                raise ReadingCancelled
            line = self._lines.take(min(0.2, max(self._patience, 0.001)))
            if line is not None:
                break
            if time.monotonic() - waited > self._patience:
                raise SheetRefused(_TOO_SLOW)
        self._patience -= time.monotonic() - waited
        if not line.endswith(b"\n"):  # it ended: by its time limit, by a kill, or out of memory
            raise SheetRefused(_WHY.get(self._child.wait(), _TOO_LARGE))
        message = json.loads(line, object_hook=_as_date)
        if isinstance(message, dict) and "refused" in message:
            raise SheetRefused(message["refused"])
        return message


def _start(
    source: Source,
    kind: uploads.Kind,
    patience: float,
    passing: int,
    most: int,
    in_slices: bool,
) -> subprocess.Popen[bytes]:
    order = {
        "passing": passing,
        "sliced_from": SLICED_FROM if in_slices else 0,
        "slice": SLICE,
        "kind": kind,
        "memory": CHILD_MEMORY,
        "seconds": int(patience) + 1,
        "max_rows": most,
        "max_columns": uploads.MAX_COLUMNS,
        "damaged": uploads.DAMAGED,
        "encrypted": uploads.ENCRYPTED,
        "macros": uploads.MACROS,
        "too_large": _TOO_LARGE,
    }
    # -P keeps this folder's own file names out of the child's imports.
    command = [sys.executable, "-P", str(_CHILD), json.dumps(order)]
    # Its limit counts address space, of which the C library would set 64 MiB aside for a thread.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    with opened(source) as upload:  # what the child reads it is given open, as its stdin
        return subprocess.Popen(  # noqa: S603 - our own interpreter and script; no shell
            command, env=environment,
            stdin=upload, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def _as_date(found: dict[str, Any]) -> Any:
    return date.fromisoformat(found["date"]) if "date" in found else found
