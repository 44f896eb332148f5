"""The reading of an upload, in a process of its own with its memory and time limited.

Started by reading.py as a plain script, so that it imports nothing of ours. It gets the upload
open as its stdin and one order (JSON, first argument), and answers on stdout in lines of JSON:
  {"name", "height", "width", "epoch"}   once, before the rows
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import ParseError

import olefile
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

BATCH = 1000
MAX_CELL = 100_000  # characters of a cell in text
MAX_LINE = 1_000_000
ENCODINGS = {"csv-utf8": "utf-8-sig", "csv-gb18030": "gb18030", "csv-utf16": "utf-16"}
DAMAGES = (CalamineError, csv.Error, LookupError, zipfile.BadZipFile, zlib.error, ParseError)
Order = dict[str, Any]
Errors = dict[int, list[tuple[int, str]]]  # by row: (column from 0, #N/A)


class Refusal(Exception):
    pass


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
        yield {
            "name": name,
            "height": sheet.end[0] + 1,
            "width": sheet.end[1] + 1,
            "epoch": 1904 if beside.counts_from_1904() else 1900,
            "more": at != max(names.values()),
        }
        blanks = [""] * (sheet.start[1] if sheet.start else 0)
        errors = looking.result() if looking else {}
        rows = _with_errors(sheet.iter_rows(), errors, len(blanks)) if errors else sheet.iter_rows()
        yield from batches(rows, blanks)
        del sheet, rows
    if not found:
        raise Refusal("工作表是空的，请填好名册再上传")
    yield {"others": others}


def batches(rows: Any, blanks: list[str]) -> Iterator[list[list[Any]]]:
    """Rows with content, each after the number that Excel shows beside it."""
    batch = []
    for number, row in enumerate(rows, 1):
        if any(row):
            batch.append([number, *blanks, *row])
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


# --- what calamine does not tell: the base of dates, and cells that hold an error ---


def _with_errors(rows: Any, errors: Errors, left: int) -> Iterator[list[Any]]:
    """The rows, each error written where calamine leaves a blank."""
    for number, row in enumerate(rows, 1):
        for column, text in errors.get(number, ()):
            if 0 <= column - left < len(row):
                row[column - left] = text
        yield row


_DATE1904 = re.compile(rb'\bdate1904\s*=\s*"(1|true)"')
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\b(?=[^>]*\bt=["']e["'])[^>]*\br=["']([A-Z]{1,3})(\d+)["'][^>]*(?<!/)>"""
    rb"""(?:(?!</(?:\w+:)?c>).){0,9000}?<(?:\w+:)?v>([^<]*)<""",  # a formula has 8192 at most
    re.DOTALL,
)


class Zipped:
    """An .xlsx, of which parts are read as text."""

    def __init__(self, upload: Any):
        self._archive = zipfile.ZipFile(upload)

    def counts_from_1904(self) -> bool:
        with self._archive.open("xl/workbook.xml") as part:
            return bool(_DATE1904.search(part.read(1024 * 1024)))

    def errors(self, at: int) -> Errors:
        """The cells of a sheet that hold an error. Most have none, which costs no parsing."""
        errors: Errors = defaultdict(list)
        with self._archive.open(self._part(at)) as part:
            text = b""
            while chunk := part.read(1024 * 1024):
                text += chunk
                whole = max(text.rfind(b"c>") + 2, len(text) - 65_536)  # the rest waits for more
                if b't="e"' in text or b"t='e'" in text:
                    for letters, row, error in _ERROR.findall(text[:whole]):
                        errors[int(row)].append((_column(letters), error.decode()))
                text = text[whole:]
        return errors

    def _part(self, at: int) -> str:
        """The part of the sheet that the workbook names in this place."""
        # Document types and entities were refused at the door, which is what S314 is about.
        book = ElementTree.fromstring(self._archive.read("xl/workbook.xml"))  # noqa: S314
        links = ElementTree.fromstring(self._archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        sheet = [entry for entry in book.iter() if entry.tag.endswith("}sheet")][at]
        [link] = [value for key, value in sheet.items() if key.endswith("}id")]
        targets = {each.get("Id"): each.get("Target", "") for each in links}
        return str(PurePosixPath("/xl") / targets[link]).lstrip("/")


def _column(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


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
        yield from batches(_padded(_records(upload, separator), width), [])
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
