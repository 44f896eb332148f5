"""People's own file back, with 错误原因 and red cells.

An .xlsx is edited in place: only the faulty rows' XML, the header's and two styles change, so
titles, merged cells, widths and lists stay as their owners made them, at any size. What cannot
be edited so (.xls, .et, .csv, unusual XML) comes back as an .xlsx with the same rows, red likewise.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import BinaryIO, Final

from huigong.sheets.editing import SheetEdit, UnusualXml, edit_archive
from huigong.sheets.reading import Row, read_rows
from huigong.sheets.uploads import Kind, Source, opened
from huigong.sheets.writing import write_rows

REASON: Final = "错误原因"


def annotate(
    original: Source,
    faults: Mapping[int, str],
    destination: BinaryIO,
    *,
    header_row: int,
    marked: Mapping[int, Collection[int]] | None = None,
    passing: int = 0,
) -> None:
    """Write the original to `destination` (an .xlsx) with the reasons beside the faulty rows.

    `faults` goes by the row number that Excel shows; `marked` says which cells of a row are at
    fault (column A is 0), and without it the whole row is red. `passing` as in `read_rows`.
    A 错误原因 column from an earlier round is used again and emptied where nothing is wrong any
    more.
    """
    with read_rows(original, passing=passing) as rows:
        kind, sheet, width = rows.kind, rows.name, rows.width
        header = next((row for number, row in rows if number == header_row), [])
    again = [index for index, cell in enumerate(header) if cell == REASON]
    column = again[0] if again else width
    if kind is Kind.XLSX:
        try:
            edit = SheetEdit(header_row, column, REASON, faults, marked or {}, again=bool(again))
            with opened(original) as source:
                edit_archive(source, destination, sheet, edit)
        except (UnusualXml, KeyError):
            destination.seek(0)
            destination.truncate()
        else:
            return
    with read_rows(original, passing=passing) as rows:
        found = _with_reasons(rows, header_row, column, faults, marked or {})
        write_rows(destination, found, sheet=sheet, widest=column)


def _with_reasons(
    rows: Iterable[tuple[int, Row]],
    header_row: int,
    column: int,
    faults: Mapping[int, str],
    marked: Mapping[int, Collection[int]],
) -> Iterator[tuple[int, Row, Collection[int]]]:
    for number, row in rows:
        row += [""] * (column + 1 - len(row))
        reason = faults.get(number, "")
        row[column] = REASON if number == header_row else reason
        red = [column, *(marked.get(number) or range(column))] if reason else ()
        yield number, row, red
