"""Rosters that LibreOffice saved, and one that xlwt did, as export programs do (tests/real,
made-up people): one messy sheet in every format."""

import codecs
import shutil
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from builders_rules import shipped
from builders_sheets import rows_of
from test_annotating import annotated

from huigong import sheets
from huigong.refusals import Refused
from huigong.workflows.enrollment.columns import open_roster
from huigong.workflows.enrollment.staging import RosterReading

REAL = Path(__file__).with_name("real")
MESSY = (
    *("messy.xlsx", "messy.xls", "messy-xlwt.xls"),
    *("messy-utf8.csv", "messy-gb18030.csv", "messy-utf16.csv"),
)
PEOPLE = [
    (5, "张三", "419999198005060013", "contract"),
    (6, "李四", "41999919800506003X", "regular"),
    (7, "王五", "419999198005060056", "contract"),
    (8, "赵六", "419999198005060072", "regular"),
    (9, "买买提·依明", "41999919800506089X", "contract"),
    (10, "欧阳七", "419999198005060099", "contract"),
    (11, "𠮷八", "41999919800506011X", "contract"),
]


def read(path, code="zhengzhou-hospital-2023"):
    reading = RosterReading(shipped(code), date(2023, 12, 1), "city")
    return reading, reading.all_lines(path)


@pytest.mark.parametrize("file", MESSY)
def test_one_messy_roster_reads_alike_from_every_format(file):
    reading, lines = read(REAL / file)
    assert reading.header.rows == (3, 4)
    assert [(asked.letter, asked.title) for asked in reading.header.questions] == [("K", "工号")]
    people = [line.person for line in lines if line.person]
    told = [str(fault) for line in lines for fault in line.faults]
    if file.endswith(".csv"):  # its date cells were written 05/06/1980, which may be May or June
        assert [said.split("：")[0] for said in told[:2]] == [
            "第5行 出生日期",
            "第5行 参加工作时间",
        ]
        told = told[2:]
    expected = PEOPLE[file.endswith(".csv") :]
    assert [(p.row, p.name, p.id_number, p.employment) for p in people] == expected
    assert {p.birth for p in people} == {date(1980, 5, 6)}
    assert {p.hired for p in people if p.row <= 9} == {date(2010, 7, 1)}
    assert {p.row: p.bank_card for p in people}[6] == "6222021234567890128"
    assert "末几位已被表格软件舍去" in told[0]
    assert told[0].startswith("第14行 身份证号")
    assert told[1:] == [
        "第15行 身份证号：与第5行重复",
        "第16行 性别：与身份证号不一致",
        "第17行 出生日期：1980-05-07与身份证号中的1980-05-06不一致",
    ]


def test_a_byte_order_mark_changes_nothing(tmp_path):
    marked = tmp_path / "bom.csv"
    marked.write_bytes(codecs.BOM_UTF8 + (REAL / "messy-utf8.csv").read_bytes())
    assert rows_of(marked) == rows_of(REAL / "messy-utf8.csv")


def test_a_cover_sheet_is_passed_over_and_formulas_count_by_their_values():
    reading, lines = read(REAL / "odd.xlsx")
    assert reading.other_sheets == ["封面", "人事库"]
    by_row = {line.number: line for line in lines}
    assert by_row[2].person.id_number == "419999198005060013", "a formula's last value"
    assert by_row[7].person.name == "钱七", "line breaks in cells"
    told = {row: str(line.faults[0]) for row, line in by_row.items() if line.faults}
    assert told == {
        3: "第3行 手机号：是公式的出错值“#N/A”，请改正公式，或重新填写成文字",
        4: "第4行 姓名：是公式的出错值“#DIV/0!”，请改正公式，或重新填写成文字",
        5: "第5行 身份证号：是公式的出错值“#N/A”，请改正公式，或重新填写成文字",
        6: "第6行 手机号：应为数字号码",  # 50%
        8: "第8行 姓名：不能超过50个字",
        9: "第9行 身份证号：应为18位号码",  # a date
        10: "第10行 身份证号：应为18位号码",  # TRUE
        11: "第11行 姓名：应为文字",  # a formula on an empty cell
    }


def test_the_errors_of_formulas_in_an_xls_are_told_by_their_cells():
    _, lines = read(REAL / "errors.xls", "puyang-hospital-2025")
    assert [str(fault).split("，")[0] for line in lines for fault in line.faults] == [
        "第2行 备注：是公式的出错值“#DIV/0!”",
        "第3行 手机号：是公式的出错值“#N/A”",
        "第4行 开户行：是公式的出错值“#VALUE!”",
    ]
    assert [line.number for line in lines if line.person] == [5]


@pytest.mark.parametrize("file", ["from-1904.xlsx", "from-1904.xls"])
def test_a_workbook_that_counts_from_1904_gives_the_dates_that_it_shows(file):
    _, lines = read(REAL / file, "puyang-hospital-2025")
    good = [line.person for line in lines if line.person]
    assert [(p.name, p.birth, p.hired) for p in good] == [
        ("张三", date(1980, 5, 6), date(2010, 7, 1)),
        ("李四", date(1980, 5, 6), date(2010, 7, 1)),  # 27885 without a date's look
    ]
    assert [str(fault) for line in lines for fault in line.faults] == [
        "第4行 出生日期：1984-05-07与身份证号中的1980-05-06不一致"  # 29347 counts from 1900
    ]


def test_a_workbook_without_any_roster_is_refused_as_before(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "封面"
    book.create_sheet("甲")["A1"] = "什么都不是"
    book.create_sheet("空")
    path = tmp_path / "none.xlsx"
    book.save(path)
    with pytest.raises(Refused, match=r"^找不到“姓名”“身份证号”列"):
        read(path)


def test_a_text_under_a_workbooks_name_is_called_what_it_is(tmp_path):
    path = tmp_path / "名册.xlsx"
    path.write_text("今天天气很好\n没有名册\n")
    with pytest.raises(Refused, match="文件内容是文本，不是工作簿"):
        read(path)


def test_the_answer_keeps_what_the_owner_made_of_a_workbook_with_a_cover(tmp_path):
    path = shutil.copy(REAL / "odd.xlsx", tmp_path / "odd.xlsx")
    with open_roster(path) as (rows, header, _):
        assert (rows.name, rows.passing, header.rows) == ("名册", 1, (1,))
    back = openpyxl.load_workbook(annotated(path, {5: "身份证号：未填写"}, header_row=1, passing=1))
    assert back.sheetnames == ["封面", "名册", "人事库"]
    assert [back["名册"].cell(row, 9).value for row in (1, 5)] == ["错误原因", "身份证号：未填写"]
    assert back["封面"]["A1"].value == "2025年参保名册"
    assert back["名册"]["A2"].value.startswith("="), "formulas stay formulas"
    assert back["名册"].row_dimensions[3].hidden
    assert back["名册"].auto_filter.ref
    assert back["名册"]["B3"].comment is not None
    assert back["名册"]["D2"].number_format == "yyyy\\-mm\\-dd"


@pytest.mark.parametrize(
    "file", ["messy.xls", "messy-xlwt.xls", "messy-gb18030.csv", "messy-utf16.csv"]
)
def test_what_is_no_xlsx_comes_back_as_one_with_the_same_cells(tmp_path, file):
    path = shutil.copy(REAL / file, tmp_path / file)
    back = rows_of(annotated(path, {14: "数字格式"}, header_row=4))
    before = rows_of(path)
    assert [(number, row[:-1]) for number, row in back] == before
    assert [row[-1] for number, row in back if number in (4, 14)] == ["错误原因", "数字格式"]


def test_a_title_merged_down_beside_a_lower_header_names_its_column():
    rows = [
        (1, ["名册", "", "", ""]),
        (2, ["序号", "基本信息", "", "工号"]),
        (3, ["", "姓名", "身份证号", ""]),
        (4, [1, "张三", "x", "A1"]),
    ]
    from huigong.workflows.enrollment.columns import find_header

    header = find_header(rows)
    assert header.columns == {"name": 1, "id_number": 2}
    assert [(asked.letter, asked.title) for asked in header.questions] == [("D", "工号")]


def test_every_real_file_is_a_sheet_by_its_content_whatever_its_name(tmp_path):
    for file in MESSY:
        named = shutil.copy(REAL / file, tmp_path / "名册.et")
        assert sheets.inspect_upload(named) == sheets.inspect_upload(REAL / file)
