"""Workbooks of strangers at the door, their rows through the child process, and ours going out."""

import io
import struct
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from huigong import sheets
from huigong.sheets import editing, reading, uploads

ID = "419999198005060013"
DECEMBER = datetime(2024, 12, 16)  # noqa: DTZ001 - a cell knows no zone


def saved(tmp_path, content, name="upload"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def book(rows=(("姓名", "身份证号"), ("张三", ID)), *, change=lambda book: None):
    """The bytes of an .xlsx with these rows."""
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    change(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def with_part(content, name, text):
    """The same zip with a part added or replaced."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, text)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def with_cells(cells, **changes):
    """An .xlsx whose sheet holds exactly these rows of XML."""
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{cells}</sheetData></worksheet>"
    )
    return with_part(book(**changes), SHEET, xml)


def compound(*streams):
    """An OLE compound file with streams of at least 4096 bytes: what .xls and .et are."""
    fat, sectors, entries = [0xFFFFFFFD, 0xFFFFFFFE], [], []
    for name, content in streams:
        content = content.ljust(4096, b"\0")
        content += b"\0" * (-len(content) % 512)
        first, count = len(fat), len(content) // 512
        fat += [*range(first + 1, first + count), 0xFFFFFFFE]
        sectors.append(content)
        entries.append((name, 2, first, len(content)))
    directory = b""
    for name, kind, first, size in [("Root Entry", 5, 0xFFFFFFFE, 0), *entries]:
        text = name.encode("utf-16-le") + b"\0\0"
        child = 1 if kind == 5 else 0xFFFFFFFF
        directory += text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
        right = len(directory) // 128 + 1 if kind == 2 and len(entries) > 1 else 0xFFFFFFFF
        directory += struct.pack("<III", 0xFFFFFFFF, min(right, 0xFFFFFFFF), child)
        directory += b"\0" * 36 + struct.pack("<IQ", first, size)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    return header + table + directory.ljust(512, b"\0") + b"".join(sectors)


def xls(rows, *, from_1904=False, encrypted=False):
    """The bytes of a BIFF8 workbook: text cells and numbers."""

    def record(kind, content=b""):
        return struct.pack("<HH", kind, len(content)) + content

    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for number, row in enumerate(rows):
        for index, value in enumerate(row):
            at = struct.pack("<HHH", number, index, 0)
            if isinstance(value, str):
                text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
                sheet += record(0x0204, at + text)
            else:
                sheet += record(0x0203, at + struct.pack("<d", value))
    sheet += record(0x000A)
    opening = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    if encrypted:
        opening += record(0x002F, b"\1\0" + b"\0" * 52)
    opening += record(0x0022, struct.pack("<H", int(from_1904)))
    name = "名册".encode("utf-16-le")
    bound = struct.pack("<BBBB", 0, 0, 2, 1) + name
    place = len(opening) + 4 + 4 + len(bound) + 4
    globals_ = opening + record(0x0085, struct.pack("<I", place) + bound) + record(0x000A)
    return compound(("Workbook", globals_ + sheet))


def rows_of(path):
    with sheets.read_rows(path) as rows:
        return list(rows)


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
        sheets.read_rows(saved(tmp_path, book()), patience=0)
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


# --- their own file back ---


def messy(workbook):
    page = workbook.active
    page.insert_rows(1)
    page["A1"] = "某单位参保名册"
    page.merge_cells("A1:C1")
    page.column_dimensions["B"].width = 31
    page["B4"].font = openpyxl.styles.Font(bold=True)
    workbook.create_sheet("另一张")["A1"] = "留着"


PEOPLE = [
    ("姓名", "身份证号", "金额"),
    ("张三", ID, 1.5),
    ("李四", "4199", "=1+1"),
    ("王五", None, 3),
]


def test_their_own_file_comes_back_with_reasons_and_red_cells(tmp_path):
    original = saved(tmp_path, book(PEOPLE, change=messy))
    faults = {4: "身份证号：应为18位，现为4位", 5: "=身份证号：<未填写>"}
    out = sheets.annotate(
        original, faults, tmp_path / "back.xlsx", header_row=2, marked={4: [1], 5: [1]}
    )
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
    red = {cell.coordinate for row in page for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"}
    assert red == {"B4", "B5", "D4", "D5"}
    assert openpyxl.load_workbook(out)["另一张"]["A1"].value == "留着"
    assert rows_of(out)[3] == (4, ["李四", "4199", "", faults[4]])


def test_a_file_is_edited_alike_in_pieces_of_any_size(tmp_path, monkeypatch):
    original = saved(tmp_path, book([*PEOPLE, *PEOPLE[1:] * 20], change=messy))
    faults = {row: f"第{row}行" for row in range(3, 60, 2)}
    whole = sheets.annotate(original, faults, tmp_path / "whole.xlsx", header_row=2)
    monkeypatch.setattr(editing, "_CHUNK", 7)
    pieces = sheets.annotate(original, faults, tmp_path / "pieces.xlsx", header_row=2)
    with zipfile.ZipFile(whole) as one, zipfile.ZipFile(pieces) as other:
        assert one.read(SHEET) == other.read(SHEET)


def test_a_second_round_takes_away_what_was_mended(tmp_path):
    original = saved(tmp_path, book(PEOPLE, change=messy))
    once = sheets.annotate(
        original, {4: "一", 5: "二"}, tmp_path / "once.xlsx", header_row=2, marked={4: [1], 5: [1]}
    )
    twice = sheets.annotate(once, {5: "三"}, tmp_path / "twice.xlsx", header_row=2, marked={5: [0]})
    page = openpyxl.load_workbook(twice).worksheets[0]
    assert [page.cell(row, 4).value for row in range(1, 6)] == [None, "错误原因", None, None, "三"]
    assert page.max_column == 4
    red = {cell.coordinate for row in page for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"}
    assert red == {"A5", "D5"}


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
    out = sheets.annotate(original, {3: "请把该列设为文本"}, tmp_path / "back.xlsx", header_row=1)
    before, after = rows_of(original), rows_of(out)
    assert [row[:-1] for _, row in after] == [row for _, row in before]
    assert [row[-1] for _, row in after] == ["错误原因", "", "请把该列设为文本"]
