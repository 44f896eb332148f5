"""People's own file back: what they made stays, the reasons and the red cells come."""

import zipfile
from pathlib import Path
from tempfile import NamedTemporaryFile

import openpyxl
import pytest
from builders_sheets import ID, SHEET, book, rows_of, saved, with_cells, xls

from huigong import sheets
from huigong.sheets import editing


def annotated(original, faults, *, header_row=2, marked=None, passing=0):
    """The path of what comes back."""
    with NamedTemporaryFile(dir=Path(original).parent, suffix=".xlsx", delete=False) as back:
        at = {"header_row": header_row, "passing": passing}
        sheets.annotate(original, faults, back, marked=marked, **at)
    return Path(back.name)


def messy(workbook):
    page = workbook.active
    page.insert_rows(1)
    page["A1"] = "某单位参保名册"
    page.merge_cells("A1:C1")
    page.column_dimensions["B"].width = 31
    page["B4"].font = openpyxl.styles.Font(bold=True)
    workbook.create_sheet("另一张")["A1"] = "留着"


def red_in(workbook):
    """The red cells of a workbook's first sheet."""
    page = openpyxl.load_workbook(workbook).worksheets[0]
    return {cell.coordinate for row in page for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"}


PEOPLE = [
    ("姓名", "身份证号", "金额"),
    ("张三", ID, 1.5),
    ("李四", "4199", "=1+1"),
    ("王五", None, 3),
]


def test_their_own_file_comes_back_with_reasons_and_red_cells(tmp_path):
    original = saved(tmp_path, book(PEOPLE, change=messy))
    faults = {4: "身份证号：应为18位，现为4位", 5: "=身份证号：<未填写>"}
    out = annotated(original, faults, marked={4: [1], 5: [1]})
    page = openpyxl.load_workbook(out).worksheets[0]
    assert [page.cell(row, 4).value for row in range(1, 6)] == [
        None,
        "错误原因",
        None,
        *faults.values(),
    ]
    assert page["D5"].data_type == "s"
    assert page["A1"].value == "某单位参保名册"
    assert [str(merged) for merged in page.merged_cells.ranges] == ["A1:C1"]
    assert page.column_dimensions["B"].width == 31
    assert page["B4"].font.bold
    assert red_in(out) == {"B4", "B5", "D4", "D5"}
    assert openpyxl.load_workbook(out)["另一张"]["A1"].value == "留着"
    assert rows_of(out)[3] == (4, ["李四", "4199", "", faults[4]])


def test_a_file_is_edited_alike_in_pieces_of_any_size(tmp_path, monkeypatch):
    original = saved(tmp_path, book([*PEOPLE, *PEOPLE[1:] * 20], change=messy))
    faults = {row: f"第{row}行" for row in range(3, 60, 2)}
    whole = annotated(original, faults)
    monkeypatch.setattr(editing, "_CHUNK", 7)
    pieces = annotated(original, faults)
    with zipfile.ZipFile(whole) as one, zipfile.ZipFile(pieces) as other:
        assert one.read(SHEET) == other.read(SHEET)


def test_a_second_round_takes_away_what_was_mended(tmp_path):
    original = saved(tmp_path, book(PEOPLE, change=messy))
    once = annotated(original, {4: "一", 5: "二"}, marked={4: [1], 5: [1]})
    twice = annotated(once, {5: "三"}, marked={5: [0]})
    page = openpyxl.load_workbook(twice).worksheets[0]
    assert [page.cell(row, 4).value for row in range(1, 6)] == [None, "错误原因", None, None, "三"]
    assert page.max_column == 4
    assert red_in(twice) == {"A5", "D5"}


@pytest.mark.parametrize(
    "content",
    [
        xls([("姓名", "身份证号"), ("张三", ID), ("李四", 4.1e17)]),
        f"姓名,身份证号\n张三,{ID}\n李四,4.1E+17\n".encode("gb18030"),
        with_cells(  # cells without addresses: not edited, written anew
            "<row><c t='inlineStr'><is><t>姓名</t></is></c></row>"
            "<row><c t='inlineStr'><is><t>张三</t></is></c></row>"
            "<row><c><v>4</v></c></row>"
        ),
    ],
    ids=["xls", "csv", "unusual xml"],
)
def test_what_cannot_be_edited_comes_back_as_a_new_workbook(tmp_path, content):
    original = saved(tmp_path, content)
    out = annotated(original, {3: "请把该列设为文本"}, header_row=1)
    before, after = rows_of(original), rows_of(out)
    assert [row[:-1] for _, row in after] == [row for _, row in before]
    assert [row[-1] for _, row in after] == ["错误原因", "", "请把该列设为文本"]
    assert red_in(out) == {"A3", "B3", "C3"} if len(before[0][1]) == 2 else {"A3", "B3"}


def test_the_cells_at_fault_are_red_in_a_new_workbook_also_the_blank_ones(tmp_path):
    lines = f"姓名,身份证号,日期\n张三,{ID},1980-05-06\n,4199,\n,,\n"
    original = saved(tmp_path, lines.encode("gb18030"))
    reasons = {3: "姓名：未填写；身份证号：应为18位，现为4位"}
    out = annotated(original, reasons, header_row=1, marked={3: [0, 1]})
    assert red_in(out) == {"A3", "B3", "D3"}
    page = openpyxl.load_workbook(out).active
    assert page["A3"].value is None
    formats = {page["A3"].number_format, page.column_dimensions["A"].number_format}
    assert formats == {"@"}, "an ID typed into it keeps its digits"
    assert page.column_dimensions["D"].width > page.column_dimensions["A"].width > 18
