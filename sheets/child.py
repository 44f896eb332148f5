"""The reading of an upload, in a process of its own with its memory and time limited.

Started by reading.py as a plain script, so that it imports nothing of ours. It gets the upload
open as its stdin and one order (JSON, first argument), and answers on stdout in lines of JSON:
  {"name", "height", "width", "epoch"}   once, before the rows
  [[number, cell, …], …]                  batches; a cell is text, a number, or {"date": …}
  {"others": [names of further sheets that have content]}
  {"refused": sentence}                   instead of any of these
"""

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

BATCH = 1000
ENCODINGS = {"csv-utf8": "utf-8-sig", "csv-gb18030": "gb18030", "csv-utf16": "utf-16"}
Order = dict[str, Any]


class Refusal(Exception):
    pass


def limit(memory: int, seconds: int) -> None:
    """Bound this process; Windows has no such limits, there the parent's patience is all."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


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
    epoch = 1904 if _counts_from_1904(upload, order["kind"]) else 1900
    upload.seek(0)
    book = CalamineWorkbook.from_filelike(upload)
    kinds = {sheet.name: sheet for sheet in book.sheets_metadata}
    if any(sheet.typ in (SheetTypeEnum.MacroSheet, SheetTypeEnum.Vba) for sheet in kinds.values()):
        raise Refusal(order["macros"])
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    others, found, passed = [], False, order["passing"]
    for name in names:
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
            "epoch": epoch,
            "more": name != names[-1],
        }
        blanks = [""] * (sheet.start[1] if sheet.start else 0)
        yield from batches(sheet.iter_rows(), blanks)
        del sheet
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


def _counts_from_1904(upload: Any, kind: str) -> bool:
    if kind == "xlsx":
        with zipfile.ZipFile(upload) as archive, archive.open("xl/workbook.xml") as part:
            return bool(re.search(rb'\bdate1904\s*=\s*"(1|true)"', part.read(1024 * 1024)))
    content = upload.read()
    # The globals of a BIFF8 workbook: records of (type, length, data) from BOF on; DATEMODE is
    # among the first, so the stream's first sectors, which lie together, are enough.
    at = content.find(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    for _ in range(200):
        if at < 0 or at + 6 > len(content):
            break
        record, length = content[at : at + 2], int.from_bytes(content[at + 2 : at + 4], "little")
        if record == b"\x22\x00":
            return content[at + 4] == 1
        if record == b"\x0a\x00":
            break
        at += 4 + length
    return False


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
    csv.field_size_limit(100_000)
    return csv.reader(upload, delimiter=separator)


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
    except (CalamineError, csv.Error, KeyError, OSError, ValueError) as damage:
        encrypted = "assword" in f"{type(damage).__name__} {damage}"
        send({"refused": order["encrypted"] if encrypted else order["damaged"]})


if __name__ == "__main__":
    main()
