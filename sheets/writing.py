"""Workbooks out: no cell ever becomes a formula or a link, and IDs stay text."""

import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from huigong import money
from huigong.refusals import Refused
from huigong.sheets.uploads import MAX_COLUMNS

Value = str | int | float | date | None
Target = str | Path | BinaryIO

MOST_ROWS: Final = 1_048_576  # of a sheet, title and header among them
_TOO_LONG: Final = f"一张工作表最多 {MOST_ROWS:,} 行，放不下这么多，请缩小范围分几次导出"
_ROWS_WITH_LISTS: Final = 100_000  # how far below the header a template offers its choices


@dataclass(frozen=True)
class Column:
    """One column: its title, and how its values are kept.

    `text` is the default and never loses a digit; `yuan` takes whole fen and shows 元 with two
    decimals; `date` takes dates; `count` takes whole numbers. `choices` become a drop-down list,
    `note` a comment on the header, both in templates only.
    """

    title: str
    kind: Literal["text", "yuan", "date", "count"] = "text"
    width: int = 14
    choices: tuple[str, ...] = ()
    note: str = ""
    required: bool = False


RED: Final = "FFC7CE"  # behind what is at fault
_FORMATS: Final = {"text": "@", "yuan": "#,##0.00", "date": "yyyy-mm-dd", "count": "#,##0"}


def write_workbook(
    target: Target,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Value]],
    *,
    sheet: str = "名册",
    title: str = "",
) -> int:
    """Write rows as they come, in constant memory; returns how many there were.

    With a `title` the first row carries it and the header follows. A value that does not fit its
    column's kind is written as text. Refuses more rows than a sheet has: nothing is left out.
    """
    skeleton = io.BytesIO()
    book = _book(skeleton)
    page = book.add_worksheet(sheet)
    header_row = _open_page(book, page, columns, title)
    for index, column in enumerate(columns):
        page.write_blank(_SAMPLE_ROW, index, None, _body_format(book, column))
    book.close()
    written = 0

    def body(looks: list[str]) -> Iterator[str]:
        nonlocal written
        cells = [_CELLS[column.kind] for column in columns]
        for written, row in enumerate(rows, 1):
            if header_row + 1 + written > MOST_ROWS:
                raise Refused("rows", _TOO_LONG)
            yield _row(header_row + 1 + written, row, cells, looks)

    _fill(skeleton, target, body)
    return written


def write_rows(
    target: Target,
    rows: Iterable[tuple[int, Sequence[Value], Collection[int]]],
    *,
    sheet: str,
    widest: int,
) -> None:
    """Write cells where they stood, by the row number that Excel shows, as typed: of each row its
    number, its cells, and which of them are red (0 is column A). `widest` is the column of long
    texts."""
    skeleton = io.BytesIO()
    book = _book(skeleton)
    page = book.add_worksheet(sheet or "名册")
    fills: tuple[dict[str, str], ...] = {}, {"bg_color": f"#{RED}"}
    looks = [
        book.add_format(fill | {"num_format": _FORMATS[kind]})
        for fill in fills
        for kind in ("text", "date")
    ]
    page.set_column(0, MAX_COLUMNS, 20, looks[0])  # an ID stands whole, and keeps what is typed
    page.set_column(widest, widest, 60)
    for index, look in enumerate(looks):
        page.write_blank(_SAMPLE_ROW, index, None, look)
    book.close()

    def body(looks: list[str]) -> Iterator[str]:
        for number, row, red in rows:
            yield _found_row(number, row, red, looks)

    _fill(skeleton, target, body)


def write_template(
    target: Target,
    columns: Sequence[Column],
    *,
    title: str,
    notes: Sequence[str],
    example: Sequence[str],
) -> None:
    """An empty roster to fill in: title, notes, header, and one line marked 示例.

    Whole columns are formatted as text, so that an ID typed or pasted keeps its digits.
    """
    book = _book(target)
    page = book.add_worksheet("名册")
    for index, column in enumerate(columns):
        page.set_column(index, index, column.width, _body_format(book, column))
    last = len(columns) - 1
    page.merge_range(0, 0, 0, last, title, book.add_format(_TITLE))
    note = book.add_format({"font_color": "#595959", "text_wrap": True, "valign": "top"})
    page.merge_range(1, 0, 1, last, "\n".join(notes), note)
    page.set_row(1, 18 * max(1, len(notes)))
    _write_header(book, page, columns, 2)
    sample = book.add_format({"italic": True, "font_color": "#7F7F7F", "num_format": "@"})
    for index, text in enumerate(example):
        page.write_string(3, index, text, sample)
    for index, column in enumerate(columns):
        if column.choices:
            choice = {"validate": "list", "source": list(column.choices), "error_type": "warning"}
            page.data_validation(3, index, _ROWS_WITH_LISTS, index, choice)
        if column.note:
            page.write_comment(2, index, column.note)
    page.freeze_panes(3, 0)
    book.close()


_TITLE: Final = {"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"}


def _book(target: Target) -> xlsxwriter.Workbook:
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    return xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, options)


def _open_page(book: Any, page: Any, columns: Sequence[Column], title: str) -> int:
    """Widths, title and header; returns the header's row."""
    for index, column in enumerate(columns):
        page.set_column(index, index, column.width)
    header_row = 1 if title else 0
    if title:
        page.write_string(0, 0, title, book.add_format(_TITLE | {"align": "left"}))
    _write_header(book, page, columns, header_row)
    page.freeze_panes(header_row + 1, 0)
    page.repeat_rows(0, header_row)
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    return header_row


def _write_header(book: Any, page: Any, columns: Sequence[Column], row: int) -> None:
    plain = {"bold": True, "bg_color": "#F2F2F2", "border": 1, "text_wrap": True, "align": "center"}
    optional, required = book.add_format(plain), book.add_format(plain | {"font_color": "#C00000"})
    for index, column in enumerate(columns):
        page.write_string(row, index, column.title, required if column.required else optional)


def _body_format(book: Any, column: Column) -> Any:
    return book.add_format({"num_format": _FORMATS[column.kind]})


# --- rows as XML ---
# XlsxWriter makes the book; the rows, which may be a city's, are poured into it as XML: 5 s for
# 424,000 rows of 12 columns against its own 45 s, and text is written as nothing but text.

_SAMPLE_ROW: Final = 2  # below title and header; holds the formats until the rows are poured in
_SAMPLES: Final = re.compile(r'<row r="3".*?</row>', re.DOTALL)
_UNSAFE: Final = re.compile("[&<>\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST: Final = 32_767  # characters that Excel takes in a cell
_DAY_ZERO: Final = date(1899, 12, 30)

CellXml = Callable[[Any], str]


def xml_text(text: str) -> str:
    """Text for inside an element: escaped, and without what XML cannot hold."""
    if not _UNSAFE.search(text):
        return text[:_LONGEST]
    return escape(_FORBIDDEN.sub("", text)[:_LONGEST])


def _text_cell(value: Any) -> str:
    return f't="inlineStr"><is><t xml:space="preserve">{xml_text(str(value))}</t></is>'


def _yuan_cell(value: Any) -> str:
    return f"><v>{money.plain(value)}</v>" if isinstance(value, int) else _text_cell(value)


def _number_cell(value: Any) -> str:
    return f"><v>{value!r}</v>" if isinstance(value, int | float) else _text_cell(value)


def _date_cell(value: Any) -> str:
    return f"><v>{(value - _DAY_ZERO).days}</v>" if isinstance(value, date) else _text_cell(value)


_CELLS: Final[dict[str, CellXml]] = {
    "text": _text_cell,
    "yuan": _yuan_cell,
    "date": _date_cell,
    "count": _number_cell,
}


def _as_found(value: Any) -> CellXml:
    if isinstance(value, bool):
        return _text_cell
    if isinstance(value, date):
        return _date_cell
    return _number_cell if isinstance(value, int | float) else _text_cell


def _found_row(
    number: int, row: Sequence[Value], red: Collection[int], looks: Sequence[str]
) -> str:
    """A row as it was found; a red cell is written though it is blank."""
    cells = []
    for index, value in enumerate(row):
        if value != "" or index in red:
            look = looks[2 * (index in red) + isinstance(value, date)]
            body = ">" if value == "" else _as_found(value)(value)
            cells.append(f'<c r="{_LETTERS[index]}{number}" s="{look}" {body}</c>')
    return f'<row r="{number}">{"".join(cells)}</row>'


def _row(number: int, row: Sequence[Value], kinds: Sequence[CellXml], looks: Sequence[str]) -> str:
    cells = [
        f'<c r="{letters}{number}" s="{look}" {kind(value)}</c>'
        for letters, value, kind, look in zip(_LETTERS, row, kinds, looks, strict=False)
        if value is not None and value != ""
    ]
    return f'<row r="{number}">{"".join(cells)}</row>'


_LETTERS: Final = [xl_col_to_name(index) for index in range(MAX_COLUMNS + 1)]


def _fill(skeleton: BinaryIO, target: Target, body: Callable[[list[str]], Iterator[str]]) -> None:
    """Copy the skeleton, its one sheet with the rows in place of the samples."""
    with (
        zipfile.ZipFile(skeleton) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as new,
    ):
        for name in old.namelist():
            if name != "xl/worksheets/sheet1.xml":
                new.writestr(name, old.read(name))
                continue
            sheet = re.sub(r"<dimension [^>]*>", "", old.read(name).decode())
            samples = _SAMPLES.search(sheet)
            if samples is None:
                raise ValueError("no sample row in the skeleton")
            looks = re.findall(r' s="(\d+)"', samples[0])
            with new.open(name, "w", force_zip64=True) as part:
                part.write(sheet[: samples.start()].encode())
                for row in body(looks):
                    part.write(row.encode())
                part.write(sheet[samples.end() :].encode())
