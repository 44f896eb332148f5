"""Workbooks of strangers at the door, their rows through the child process, and ours going out."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from builders_sheets import (
    DECEMBER,
    ID,
    SHEET,
    book,
    compound,
    rows_of,
    saved,
    with_cells,
    with_part,
    xls,
)

from huigong import sheets
from huigong.refusals import Refused
from huigong.sheets import reading, uploads, writing

# --- what comes in ---


def test_cells_keep_the_difference_between_text_numbers_and_dates(tmp_path):
    content = book(
        [
            ("a", "b", "c", "d"),
            (" 张三 ", ID, date(1980, 5, 6), datetime(1980, 5, 6, 8, 30)),  # noqa: DTZ001 - a cell knows no zone
            ("李四", 419999198005060013, 29347, True),
        ]
    )
    _, second, third = rows_of(saved(tmp_path, content))
    assert second == (2, [" 张三 ", ID, date(1980, 5, 6), date(1980, 5, 6)])
    assert third[1][1] == pytest.approx(4.1999919800506e17)
    assert isinstance(third[1][1], float)
    assert third[1][2:] == [29347, True]


def test_rows_carry_the_number_that_excel_shows_and_blank_ones_are_left_out(tmp_path):
    def change(workbook):
        workbook.active["C4"] = "张三"
        workbook.active["C9"] = "李四"

    path = saved(tmp_path, book([], change=change))
    assert rows_of(path) == [(4, ["", "", "张三"]), (9, ["", "", "李四"])]


def test_both_date_bases_are_told(tmp_path):
    def change(workbook):
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    with sheets.read_rows(
        saved(tmp_path, book([(date(1980, 5, 6), 27885)], change=change))
    ) as rows:
        assert rows.epoch == 1904
        assert list(rows) == [(1, [date(1980, 5, 6), 27885])]
    with sheets.read_rows(saved(tmp_path, xls([("张三", 27885.0)], from_1904=True))) as rows:
        assert rows.epoch == 1904
    with sheets.read_rows(saved(tmp_path, xls([("张三", 27885.0)]))) as rows:
        assert rows.epoch == 1900


def test_the_first_visible_sheet_with_content_is_read_and_the_others_named(tmp_path):
    def change(workbook):
        workbook.active.title = "封面"
        hidden = workbook.create_sheet("隐藏")
        hidden["A1"] = "不看"
        hidden.sheet_state = "hidden"
        workbook.create_sheet("名册")["A1"] = "张三"
        workbook.create_sheet("第二页")["A1"] = "李四"
        workbook.create_sheet("空")

    with sheets.read_rows(saved(tmp_path, book([], change=change))) as rows:
        assert rows.name == "名册"
        assert list(rows) == [(1, ["张三"])]
        assert rows.others == ["第二页"]


def test_an_xls_is_read_by_content_whatever_its_name(tmp_path):
    path = saved(tmp_path, xls([("姓名", "身份证号"), ("张三", ID), ("李四", 4.1e17)]), "名册.et")
    assert sheets.inspect_upload(path) == sheets.Kind.XLS
    assert rows_of(path) == [
        (1, ["姓名", "身份证号"]),
        (2, ["张三", ID]),
        (3, ["李四", 4.1e17]),
    ]


@pytest.mark.parametrize(
    ("encoding", "kind"),
    [
        ("utf-8", sheets.Kind.CSV_UTF8),
        ("utf-8-sig", sheets.Kind.CSV_UTF8),
        ("gb18030", sheets.Kind.CSV_GB18030),
    ],
)
@pytest.mark.parametrize("separator", [",", "\t"])
def test_csv_is_read_in_the_encodings_of_china(tmp_path, encoding, kind, separator):
    lines = ["姓名,身份证号,备注", f'𠮷三,="{ID}"', "", f'李四,{ID},"行,内"']
    text = "\r\n".join(lines).replace(",", separator).replace(f"行{separator}", "行,")
    path = saved(tmp_path, text.encode(encoding))
    assert sheets.inspect_upload(path) == kind
    assert rows_of(path) == [
        (1, ["姓名", "身份证号", "备注"]),
        (2, ["𠮷三", ID, ""]),
        (4, ["李四", ID, "行,内"]),
    ]


def test_a_cell_that_holds_an_error_says_which(tmp_path):
    cells = (
        """<row r="2"><c r="B2" t="inlineStr"><is><t>张三</t></is></c><c r="C2" s="1" t="e"><f>"""
        """A1&lt;&gt;1</f><v>#N/A</v></c><c t='e' r='D2'><v>#REF!</v></c><c r="E2" t="e"/>"""
        """<c r="F2" t="b"><v>1</v></c></row><row r="3"><c r="AA3" t="e"><v>#DIV/0!</v></c></row>"""
    )
    assert rows_of(saved(tmp_path, with_cells(cells))) == [
        (2, ["", "张三", "#N/A", "#REF!", "", True, *[""] * 21]),
        (3, [*[""] * 26, "#DIV/0!"]),
    ]


def test_an_error_across_two_pieces_of_a_long_sheet_is_found(tmp_path):
    filler = '<row r="1"><c r="A1" t="inlineStr"><is><t>%s</t></is></c></row>'
    error = '<row r="2"><c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    empty = with_cells(filler % "" + error)
    with zipfile.ZipFile(io.BytesIO(empty)) as archive:
        before = archive.read(SHEET).index(b't="e"')
    noise = random.Random(1).randbytes(600_000).hex()  # of an ordinary ratio  # noqa: S311
    for shift in (0, 10, 30):  # the megabyte ends inside the cell, at several places
        text = noise[: 1024 * 1024 - before - shift]
        path = saved(tmp_path, with_cells(filler % text + error))
        assert rows_of(path)[1] == (2, ["#DIV/0!"])


def test_styled_blank_rows_to_the_end_cost_nothing(tmp_path):
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>张三</t></is></c></row>'
    path = saved(tmp_path, with_cells(row + '<row r="1048576"><c r="L1048576" s="0"/></row>'))
    assert rows_of(path) == [(1, ["张三"])]


# --- what stays outside, each in one sentence ---

FIRST = '<row r="1"><c r="A1"><v>1</v></c></row>'
RELS = "xl/worksheets/_rels/sheet1.xml.rels"
LINK = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://x/relationships/%s" Target="http://x.example/y"'
    ' TargetMode="External"/></Relationships>'
)
REFUSED = {
    "an empty file": (lambda: b"", "文件是空的"),
    "an empty sheet": (lambda: book([]), "工作表是空的"),
    "a csv of blank lines": (lambda: b"\n\n\n", "没有内容"),
    "a renamed pdf": (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 9, "PDF"),
    "a web page": (lambda: "\ufeff <HTML><table><tr><td>张三".encode(), "网页"),
    "an xml spreadsheet": (lambda: b'<?xml version="1.0"?><Workbook/>', "网页"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "不是表格文件"),
    "noise": (lambda: b"\xff\xfa\x81\xff" * 99, "不是表格文件"),
    "a zip of something else": (
        lambda: with_part(zip_of({}), "word/document.xml", "<w/>"),
        "不是表格文件",
    ),
    "an ods": (lambda: zip_of({"content.xml": "<office/>"}), "另存为 .xlsx"),
    "half a workbook": (lambda: book()[:-900], "已损坏"),
    "a workbook with a broken sheet": (lambda: with_cells("<row><c t=''><v>"), "已损坏"),
    "a broken csv": (lambda: b"a,\xe5\xbc\x00", "不是表格文件"),
    "macros": (lambda: with_part(book(), "xl/vbaProject.bin", "x"), "含有宏"),
    "macros in an xls": (
        lambda: compound(("Workbook", b""), ("_VBA_PROJECT_CUR", b"")),
        "含有宏",
    ),
    "external links": (
        lambda: with_part(book(), "xl/externalLinks/externalLink1.xml", "<a/>"),
        "外部文件",
    ),
    "a linked template": (lambda: with_part(book(), RELS, LINK % "attachedTemplate"), "外部文件"),
    "a dtd": (
        lambda: with_part(book(), SHEET, '<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>'),
        "DTD",
    ),
    "a dtd in utf-16": (
        lambda: with_part(book(), SHEET, "<!DOCTYPE a><worksheet/>".encode("utf-16")),
        "DTD",
    ),
    "a password": (lambda: compound(("EncryptedPackage", b"")), "密码"),
    "a password in an xls": (lambda: xls([("张三",)], encrypted=True), "密码"),
    "a word document": (lambda: compound(("WordDocument", b"")), "不是表格文件"),
    "a zip bomb": (lambda: with_cells(FIRST + " " * 60_000_000), "压缩比异常"),
    "a cell in the last row": (
        lambda: with_cells(FIRST + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'),
        "长到第1048576行",
    ),
    "a cell in the last corner": (
        lambda: with_cells(FIRST + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        "过大",
    ),
    "more cells than fit in memory": (
        lambda: with_cells(FIRST + '<row r="999999"><c r="CV999999"><v>1</v></c></row>'),
        "过大",
    ),
    "200 columns": (lambda: book([["列"] * 200]), "宽到第200列"),
    "200 columns of csv": (lambda: b"a," * 199 + b"a", "宽到第200列"),
    "5,000,000 rows": (lambda: b"1,2\n" * 5_000_000, "最多1000000行"),
}


def zip_of(parts):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_honest_roster_is_refused_in_one_sentence(tmp_path, monkeypatch, kind):
    started, start = [], reading._start
    monkeypatch.setattr(
        reading, "_start", lambda *order: started.append(start(*order)) or started[-1]
    )
    content, sentence = REFUSED[kind]
    path = saved(tmp_path, content())
    with pytest.raises(sheets.SheetRefused) as refused:
        rows_of(path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert all(child.poll() is not None for child in started)
    assert list(tmp_path.iterdir()) == [path]


def test_an_ordinary_hyperlink_is_no_external_link(tmp_path):
    path = saved(tmp_path, with_part(book(), RELS, LINK % "hyperlink"))
    assert sheets.inspect_upload(path) == sheets.Kind.XLSX


def test_a_part_that_unpacks_too_far_is_refused_before_unpacking(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 1000)
    with pytest.raises(sheets.SheetRefused, match="展开后过大"):
        sheets.inspect_upload(saved(tmp_path, book()))


# --- the child process ---


def test_a_sheet_of_more_rows_than_its_reader_holds_is_refused_before_the_first(tmp_path):
    path = saved(tmp_path, book([("张三",), ("李四",), ("王五",)]))
    with sheets.read_rows(path, most=3) as rows:
        assert len(list(rows)) == 3
    with pytest.raises(sheets.SheetRefused, match="表格长到第3行，最多2行"):
        sheets.read_rows(path, most=2)


def test_an_upload_weighs_what_it_unpacks_to(tmp_path):
    content = book([("张三" * 9,)] * 2000)
    path = saved(tmp_path, content)
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    assert sheets.weight_of(path) == unpacked > 2 * len(content)
    assert sheets.weight_of(saved(tmp_path, "姓名\n张三\n".encode(), "a.csv")) == 14


def test_reading_stops_when_somebody_cancels(tmp_path):
    path = saved(tmp_path, b"name,id\n" * 300_000)
    stop = []
    with sheets.read_rows(path, cancelled=lambda: bool(stop)) as rows:
        stream = iter(rows)
        next(stream)
        stop.append(True)
        with pytest.raises(sheets.ReadingCancelled):
            list(stream)
        assert rows._child.poll() is not None


def test_a_reader_that_is_left_half_way_leaves_no_process(tmp_path):
    with sheets.read_rows(saved(tmp_path, b"name,id\n" * 300_000)) as rows:
        next(iter(rows))
    assert rows._child.poll() is not None


def test_progress_tells_rows_done_of_all(tmp_path):
    told = []
    path = saved(tmp_path, b"name,id\n" * 2500)
    with sheets.read_rows(path, progress=lambda done, of: told.append((done, of))) as rows:
        assert len(list(rows)) == 2500
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_a_child_that_takes_too_long_is_ended(tmp_path):
    began = time.monotonic()
    with pytest.raises(sheets.SheetRefused, match="超时"):
        sheets.read_rows(saved(tmp_path, b"name,id\n" * 300_000), patience=0)
    assert time.monotonic() - began < 5


def test_a_slow_consumer_is_not_charged_to_the_child(tmp_path):
    with sheets.read_rows(saved(tmp_path, b"name,id\n" * 12_000), patience=3) as rows:
        before = rows._patience
        for number, _ in rows:
            if number == 1:
                time.sleep(0.5)
        assert 0 < before - rows._patience < 0.4


def test_the_child_runs_under_its_memory_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHILD_MEMORY", 120 * uploads.MIB)
    lines = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{n:0>300}</t></is></c></row>'
        for n in range(1, 300_001)
    )
    path = saved(tmp_path, with_cells(lines))
    with pytest.raises(sheets.SheetRefused, match="过大"):
        rows_of(path)


def test_the_look_for_errors_takes_no_memory_that_a_citys_roster_needs(tmp_path):
    path = saved(tmp_path, book([("张三", ID)] * 20_000))
    with sheets.read_rows(path) as rows:
        stream = iter(rows)
        next(stream)
        said = Path(f"/proc/{rows._child.pid}/status").read_text()
    (peak,) = [int(line.split()[1]) for line in said.splitlines() if line.startswith("VmPeak")]
    assert peak < 60_000, "kB of address space, which its limit counts"


@pytest.mark.parametrize(
    ("blow", "sentence"),
    [(signal.SIGKILL, "被系统中断"), (signal.SIGXCPU, "超时"), (signal.SIGABRT, "过大")],
)
def test_a_child_that_is_ended_from_outside_is_told_by_how_it_ended(tmp_path, blow, sentence):
    path = saved(tmp_path, b"name,id\n" * 300_000)
    with sheets.read_rows(path) as rows:
        stream = iter(rows)
        next(stream)
        os.kill(rows._child.pid, blow)
        with pytest.raises(sheets.SheetRefused, match=sentence):
            list(stream)


def test_the_child_runs_under_its_time_limit(tmp_path):
    path = saved(tmp_path, b"1,2\n" * 20_000_000)
    order = {"kind": "csv-utf8", "memory": 700 * uploads.MIB, "seconds": 1, "max_columns": 9,
             "max_rows": 10**9}  # fmt: skip
    command = [sys.executable, "-P", str(reading._CHILD), json.dumps(order)]
    with path.open("rb") as upload:
        ended = subprocess.run(command, stdin=upload, capture_output=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGXCPU, b"")


# --- what goes out ---


def test_no_cell_that_goes_out_becomes_a_formula_or_a_link(tmp_path):
    poison = ["=1+1", "+1", "-1", "@SUM(A1)", "{=1}", "http://x.example", "=cmd|'/C calc'!A0"]
    poison += ["\t=1", "a<b>&\"'", "行\n行", "\x0b\x00张"]
    path = tmp_path / "out.xlsx"
    count = sheets.write_workbook(
        path, [sheets.Column("甲"), sheets.Column("乙")], zip(poison, poison, strict=True)
    )
    assert count == len(poison)
    page = openpyxl.load_workbook(path).active
    for cell, text in zip(page["A"][1:], [*poison[:-1], "张"], strict=True):
        assert (cell.data_type, cell.value, cell.number_format) == ("s", text, "@")
        assert cell.hyperlink is None
    assert b"<f>" not in zipfile.ZipFile(path).read(SHEET)


def test_columns_keep_their_kind(tmp_path):
    path = tmp_path / "out.xlsx"
    columns = [
        sheets.Column("身份证号"),
        sheets.Column("金额", "yuan"),
        sheets.Column("日期", "date"),
        sheets.Column("人数", "count"),
    ]
    rows = [(ID, 6_018_60, date(2024, 12, 16), 424_000), ("", None, None, "待核")]
    sheets.write_workbook(path, columns, rows, title="2024年")
    page = openpyxl.load_workbook(path).active
    assert [cell.value for cell in page[2]] == ["身份证号", "金额", "日期", "人数"]
    assert [cell.value for cell in page[3]] == [ID, 6018.6, DECEMBER, 424_000]
    assert page["B3"].number_format == "#,##0.00"
    assert [cell.value for cell in page[4]] == [None, None, None, "待核"]
    assert rows_of(path)[-1] == (4, ["", "", "", "待核"])
    assert page.max_row == 4


def test_a_workbook_goes_to_a_stream_as_well():
    stream = io.BytesIO()
    sheets.write_workbook(stream, [sheets.Column("姓名")], [("张三",)])
    assert openpyxl.load_workbook(stream).active["A2"].value == "张三"


def test_a_workbook_with_more_rows_than_a_sheet_has_is_refused_not_cut(monkeypatch):
    monkeypatch.setattr(writing, "MOST_ROWS", 5)
    columns, rows = [sheets.Column("姓名")], [["张三"]] * 4
    assert sheets.write_workbook(io.BytesIO(), columns, rows[:3], title="名册") == 3
    assert sheets.write_workbook(io.BytesIO(), columns, rows) == 4
    with pytest.raises(Refused, match="放不下"):
        sheets.write_workbook(io.BytesIO(), columns, rows, title="名册")
