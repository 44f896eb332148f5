"""Workbooks in and out, safely.

In: `inspect_upload` at the door, `read_rows` through a limited child process.
Out: `write_workbook` and `write_template` never make a formula; `annotate` gives people their
own file back with 错误原因.
"""

from huigong.sheets.annotating import annotate
from huigong.sheets.reading import Cell, ReadingCancelled, Row, SheetRows, read_rows
from huigong.sheets.uploads import Kind, SheetRefused, Source, inspect_upload, weight_of
from huigong.sheets.writing import Column, write_template, write_workbook

__all__ = [
    "Cell",
    "Column",
    "Kind",
    "ReadingCancelled",
    "Row",
    "SheetRefused",
    "SheetRows",
    "Source",
    "annotate",
    "inspect_upload",
    "read_rows",
    "weight_of",
    "write_template",
    "write_workbook",
]
