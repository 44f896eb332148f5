"""The reading of an upload, in a process of its own with its memory and time limited.

Started by reading.py as a plain script, so that it imports nothing of ours. It gets the upload
open as its stdin and one order (JSON, first argument), and answers on stdout in lines of JSON:
  {"name", "height", "width", "epoch"}   once, before the rows; where these are read in slices,
                                          the height is an estimate
  [[number, cell, …], …]                  batches; a cell is text, a number, or {"date": …}; the
                                          error that a formula came to (#N/A) is text
  {"others": [names of further sheets that have content]}
  {"refused": sentence}                   instead of any of these
"""

import csv
import io
import json
import re
import sys
import threading
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import IO, Any, TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import ParseError

import olefile
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

BATCH = 1000
MAX_CELL = 100_000  # characters of a cell in text
MAX_LINE = 1_000_000
MOST_BESIDE = 256 * 1024  # bytes of the workbook's other parts, which each slice has with it
ENCODINGS = {"csv-utf8": "utf-8-sig", "csv-gb18030": "gb18030", "csv-utf16": "utf-16"}
DAMAGES = (CalamineError, csv.Error, LookupError, zipfile.BadZipFile, zlib.error, ParseError)
Order = dict[str, Any]
T = TypeVar("T")
Rows = Iterable[tuple[int, list[Any]]]  # each with the number that Excel shows beside it
Errors = dict[int, list[tuple[int, str]]]  # by row: (column from 0, #N/A)


class Refusal(Exception):
    pass


class Uncut(ValueError):
    """A sheet cannot be cut into slices; told as damage where some were handed over already."""


def limit(memory: int, seconds: int) -> None:
    """Bound this process; Windows has no such limits, there the parent's patience is all."""
    try:
        import resource
    except ImportError:
        return
    threading.stack_size(1024 * 1024)  # of address space, too
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU, then SIGKILL


def measured(height: int, width: int, order: Order) -> None:
    if width > order["max_columns"]:
        raise Refusal(
            f"表格宽到第{width}列，名册最多{order['max_columns']}列，请删去右侧多余的列后再上传"
        )
    if height > order["max_rows"]:
        raise Refusal(
            f"表格长到第{height}行，最多{order['max_rows']}行，请删去下方多余的行或分成几份上传"
        )


def as_data(value: Any) -> Any:
    """What JSON has no form for: dates, and the times that a roster has no use for."""
    if isinstance(value, datetime):
        return {"date": value.date().isoformat()}
    return {"date": value.isoformat()} if isinstance(value, date) else str(value)


# --- workbooks ---


def workbook(order: Order) -> Iterator[Any]:
    """The first visible worksheet that has content, or a later one where so many are to be
    passed over, and the names of the others that do."""
    upload = sys.stdin.buffer
    book = CalamineWorkbook.from_filelike(upload)
    beside = Zipped(upload) if order["kind"] == "xlsx" else Records(upload)
    sheets = book.sheets_metadata
    if any(sheet.typ in (SheetTypeEnum.MacroSheet, SheetTypeEnum.Vba) for sheet in sheets):
        raise Refusal(order["macros"])
    names = {
        sheet.name: at
        for at, sheet in enumerate(sheets)
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    }
    if order["sliced_from"] and len(names) == 1 and isinstance(beside, Zipped):
        [(name, at)] = names.items()
        slices = Slices(beside, at, name)
        yield from slices.rows(order)
        if slices.last:
            yield {"others": []}
            return
    others, found, passed = [], False, order["passing"]
    for name, at in names.items():
        with ThreadPoolExecutor(1) as meanwhile:  # calamine leaves other threads their turn
            looking = None if found else meanwhile.submit(beside.errors, at)
            sheet = book.get_sheet_by_name(name)
        if sheet.end is None:
            continue
        if found or passed:
            others.append(name)
            passed -= not found
            continue
        found = True
        measured(sheet.end[0] + 1, sheet.end[1] + 1, order)
        yield opening(name, *sheet.end, beside, more=at != max(names.values()))
        blanks = [""] * (sheet.start[1] if sheet.start else 0)
        errors = looking.result() if looking else {}
        rows: Rows = enumerate(sheet.iter_rows(), 1)
        rows = _with_errors(rows, errors, len(blanks)) if errors else rows
        yield from batches(rows, blanks)
        del sheet, rows
    if not found:
        raise Refusal("工作表是空的，请填好名册再上传")
    yield {"others": others}


def opening(name: str, row: int, column: int, beside: Any, *, more: bool) -> dict[str, Any]:
    """What is said of a sheet before its rows; its last row and column are counted from 0."""
    epoch = 1904 if beside.counts_from_1904() else 1900
    return {"name": name, "height": row + 1, "width": column + 1, "epoch": epoch, "more": more}


def batches(rows: Rows, blanks: Sequence[str] = ()) -> Iterator[list[list[Any]]]:
    """Rows with content, each behind its number."""
    batch = []
    for number, row in rows:
        if any(row):
            batch.append([number, *blanks, *row])
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


# --- what calamine does not tell: the base of dates, and cells that hold an error ---


def _with_errors(rows: Rows, errors: Errors, left: int) -> Rows:
    """The rows, each error written where calamine leaves a blank."""
    for number, row in rows:
        for column, text in errors.get(number, ()):
            if 0 <= column - left < len(row):
                row[column - left] = text
        yield number, row


_DATE1904 = re.compile(rb'\bdate1904\s*=\s*"(1|true)"')
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\b(?=[^>]*\bt=["']e["'])[^>]*\br=["']([A-Z]{1,3})(\d+)["'][^>]*(?<!/)>"""
    rb"""(?:(?!</(?:\w+:)?c>).){0,9000}?<(?:\w+:)?v>([^<]*)<""",  # a formula has 8192 at most
    re.DOTALL,
)


class Zipped:
    """An .xlsx, of which parts are read as text."""

    def __init__(self, upload: Any):
        self.archive = zipfile.ZipFile(upload)

    def counts_from_1904(self) -> bool:
        with self.archive.open("xl/workbook.xml") as part:
            return bool(_DATE1904.search(part.read(1024 * 1024)))

    def errors(self, at: int) -> Errors:
        """The cells of a sheet that hold an error. Most have none, which costs no parsing."""
        errors: Errors = defaultdict(list)
        with self.archive.open(self.part(at)) as part:
            text = b""
            while chunk := part.read(1024 * 1024):
                text += chunk
                whole = max(text.rfind(b"c>") + 2, len(text) - 65_536)  # the rest waits for more
                _add_errors(errors, text[:whole])
                text = text[whole:]
        return errors

    def part(self, at: int) -> str:
        """The part of the sheet that the workbook names in this place."""
        # Document types and entities were refused at the door, which is what S314 is about.
        book = ElementTree.fromstring(self.archive.read("xl/workbook.xml"))  # noqa: S314
        links = ElementTree.fromstring(self.archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        sheet = [entry for entry in book.iter() if entry.tag.endswith("}sheet")][at]
        [link] = [value for key, value in sheet.items() if key.endswith("}id")]
        targets = {each.get("Id"): each.get("Target", "") for each in links}
        return str(PurePosixPath("/xl") / targets[link]).lstrip("/")


def _add_errors(errors: Errors, text: bytes) -> None:
    if b't="e"' in text or b"t='e'" in text:
        for letters, row, error in _ERROR.findall(text):
            errors[int(row)].append((_column(letters), error.decode()))


def _column(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


_FIRST_ROW = re.compile(rb"""\s*<row\b[^>]*?\sr=["'](\d+)["']""")


class Slices:
    """A big sheet, cut behind whole rows into workbooks of their own that are read one after the
    other: the first rows are on their way while the rest is unpacked, and never is all of it held.

    So is read what systems write, who let texts stand in their cells. Excel and WPS keep the texts
    of a workbook in one list, which each slice would need: such a file is read whole, and so is one
    that does not begin as is known here. One that goes on otherwise than it began is refused: its
    later rows might belong before those that were handed over.
    """

    def __init__(self, beside: Zipped, at: int, name: str):
        self._beside, self._part, self._name = beside, beside.part(at), name
        self._head = b""
        self.last = 0  # the last row that was handed over

    def rows(self, order: Order) -> Iterator[Any]:
        """The sheet's opening, with an estimate of its last row, and its rows; nothing where it
        is to be read whole."""
        archive = self._beside.archive
        sizes = {part.filename: part.file_size for part in archive.infolist()}
        size = sizes.pop(self._part)
        if size < order["sliced_from"] or sum(sizes.values()) > MOST_BESIDE:
            return
        others = {name: archive.read(name) for name in sizes}
        width = 0
        try:
            with archive.open(self._part) as part:
                for sheet, errors, length in _ahead(self._slices(part, others, order["slice"])):
                    last, right = sheet.end or (0, 0)
                    measured(last + 1, right + 1, order)
                    if not self.last:
                        width = right + 1
                        height = min(size * (last + 1) // length, order["max_rows"])
                        yield opening(self._name, height - 1, right, self._beside, more=False)
                    yield from batches(_with_errors(_placed(sheet, width), errors, 0))
                    self.last = last + 1
        except Uncut:
            if self.last:
                raise

    def _slices(
        self, part: IO[bytes], others: dict[str, bytes], bytes_each: int
    ) -> Iterator[tuple[CalamineSheet, Errors, int]]:
        """Each slice as a sheet of its own, with its errors and its length in bytes."""
        before = 0
        for rows in self._whole_rows(part, bytes_each):
            errors: Errors = defaultdict(list)
            _add_errors(errors, rows)
            book = io.BytesIO()
            with zipfile.ZipFile(book, "w") as archive:
                for name, content in others.items():
                    archive.writestr(name, content)
                text = b"".join((self._head, rows, b"</sheetData></worksheet>"))
                archive.writestr(self._part, text)
            book.seek(0)
            sheet = CalamineWorkbook.from_filelike(book).get_sheet_by_name(self._name)
            said, start, end = _FIRST_ROW.match(rows), sheet.start, sheet.end
            if said is None or b"<!" in rows:  # without numbers, or with what may hide a row
                raise Uncut
            if start and end:  # else it has no content
                if not before < int(said[1]) <= start[0] + 1:
                    raise Uncut
                before = end[0] + 1
                yield sheet, errors, len(text)

    def _whole_rows(self, part: IO[bytes], bytes_each: int) -> Iterator[bytes]:
        """The text of the sheet's rows, about so many bytes at a time."""
        head, found, text = part.read(bytes_each).partition(b"<sheetData>")
        self._head = head + found
        while (end := text.find(b"</sheetData>")) < 0:
            more = part.read(bytes_each)
            cut = text.rfind(b"<row ")
            if not found or not more or len(text) > 8 * bytes_each:
                raise Uncut  # no rows, no end, or one row of many slices
            if cut > 0:
                yield text[:cut]
                text = text[cut:]
            text += more
        if text[:end].strip():
            yield text[:end]
        while part.read(bytes_each):  # to its end, where it says whether it was damaged
            pass


def _placed(sheet: CalamineSheet, width: int) -> Rows:
    """The rows of a slice with the numbers and the columns they have in the whole sheet."""
    (row, left), blanks = sheet.start or (0, 0), [""] * width
    for number, cells in enumerate(sheet.to_python(), row + 1):
        yield number, [*blanks[:left], *cells, *blanks[left + len(cells) :]]


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Items, of which the next is made while one is used."""
    with ThreadPoolExecutor(1) as meanwhile:
        coming = meanwhile.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = meanwhile.submit(next, items, None)
            yield item


_CODES = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!",
          42: "#N/A"}  # fmt: skip
_BOF, _EOF, _DATEMODE, _BOUNDSHEET, _BOOLERR, _FORMULA = 0x809, 0x0A, 0x22, 0x85, 0x205, 0x06


class Records:
    """An .xls or .et: records of (type, length, data), of the workbook and then of each sheet."""

    def __init__(self, upload: Any):
        upload.seek(0)
        with olefile.OleFileIO(upload) as file:
            name = "Workbook" if file.exists("Workbook") else "Book"
            self._stream = memoryview(file.openstream(name).read())

    def counts_from_1904(self) -> bool:
        return any(kind == _DATEMODE and data[:1] == b"\1" for kind, data in self._from(0))

    def errors(self, at: int) -> Errors:
        errors: Errors = defaultdict(list)
        places = [data for kind, data in self._from(0) if kind == _BOUNDSHEET]
        for kind, data in self._from(int.from_bytes(places[at][:4], "little")):
            code = None
            if kind == _BOOLERR and data[7:8] == b"\1":
                code = data[6]
            elif kind == _FORMULA and data[6:7] == b"\2" and data[12:14] == b"\xff\xff":
                code = data[8]
            if code in _CODES:
                row, column = (int.from_bytes(data[n : n + 2], "little") for n in (0, 2))
                errors[row + 1].append((column, _CODES[code]))
        return errors

    def _from(self, at: int) -> Iterator[tuple[int, memoryview]]:
        """The records of one of the stream's parts, without those of charts inside it."""
        depth = 0
        while at + 4 <= len(self._stream):
            kind, length = (int.from_bytes(self._stream[n : n + 2], "little") for n in (at, at + 2))
            depth += (kind == _BOF) - (kind == _EOF)
            if depth == 1:
                yield kind, self._stream[at + 4 : at + 4 + length]
            elif depth < 1:
                return
            at += 4 + length


# --- comma- or tab-separated text ---


def separated(order: Order) -> Iterator[Any]:
    """The rows of a .csv, read twice: first its size, then its content."""
    encoding = ENCODINGS[order["kind"]]
    with io.TextIOWrapper(sys.stdin.buffer, encoding=encoding, newline="") as upload:
        first_lines = upload.read(8192)
        separator = max(",\t;", key=first_lines.count)
        height = width = 0
        for row in _records(upload, separator):
            height += 1
            width = max(width, len(row))
            if not height % 10_000:
                measured(height, width, order)
        measured(height, width, order)
        if not width:
            raise Refusal("文件里没有内容，请填好名册再上传")
        yield {"name": "", "height": height, "width": width, "epoch": 1900, "more": False}
        yield from batches(enumerate(_padded(_records(upload, separator), width), 1))
    yield {"others": []}


def _records(upload: io.TextIOWrapper, separator: str) -> Iterator[list[str]]:
    upload.seek(0)
    csv.field_size_limit(MAX_CELL)
    rows, line = csv.reader(_lines(upload), delimiter=separator), 0
    try:
        for row in rows:
            line = rows.line_num
            yield row
    except csv.Error as fault:
        raise Refusal(
            f"文本从第{line + 1}行起读不成表格，引号没有成对或一格超过{MAX_CELL // 10_000}万字，"
            "请在Excel或WPS中打开核对，另存为 .xlsx 后再上传"
        ) from fault


def _lines(upload: io.TextIOWrapper) -> Iterator[str]:
    """The lines, none of which may be longer than a row of the longest cells that we take."""
    number = 0
    while line := upload.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise Refusal(
                f"文本第{number}行超过{MAX_LINE // 10_000}万字，不是一行一人的名册，"
                "请在Excel或WPS中打开核对，另存为 .xlsx 后再上传"
            )
        yield line


def _padded(rows: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    for row in rows:
        for index, cell in enumerate(row):
            if cell.startswith('="') and cell.endswith('"'):  # ="4101…" keeps digits in Excel
                row[index] = cell[2:-1]
        row += [""] * (width - len(row))
        yield row


# --- the answer ---


def send(message: Any) -> None:
    line = json.dumps(message, ensure_ascii=False, default=as_data, separators=(",", ":"))
    sys.stdout.buffer.write(line.encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    order = json.loads(sys.argv[1])
    limit(order["memory"], order["seconds"])
    source = separated if order["kind"].startswith("csv") else workbook
    try:
        for message in source(order):
            send(message)
    except Refusal as refusal:
        send({"refused": str(refusal)})
    except MemoryError:
        send({"refused": order["too_large"]})
    except (*DAMAGES, OSError, ValueError) as damage:
        encrypted = "assword" in f"{type(damage).__name__} {damage}"
        send({"refused": order["encrypted"] if encrypted else order["damaged"]})


if __name__ == "__main__":
    main()
