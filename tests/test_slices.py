"""A big sheet read in slices: the same rows as when it is read whole, whatever is in it."""

import io
import zipfile

import pytest
import xlsxwriter
from builders_sheets import ID, SHEET, book, saved, with_cells, with_part

from huigong.sheets import SheetRefused, read_rows, reading

HEAD = "姓名 身份证号 手机 出生日期"


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(reading, "SLICED_FROM", 1000)
    monkeypatch.setattr(reading, "SLICE", 700)


def text(address, said):
    return f'<c r="{address}" t="inlineStr"><is><t>{said}</t></is></c>'


def row(number, *cells, more=""):
    written = "".join(
        cell if cell.startswith("<c") else text(f"{'ABCDEFGH'[at]}{number}", cell)
        for at, cell in enumerate(cells)
        if cell
    )
    return f'<row r="{number}"{more}>{written}</row>'


def person(number):
    return row(number, f"演示{number}", ID, "", "1980-05-06")


def people(count, **odd):
    """A header and so many rows, some of them replaced: `row_7="…"`."""
    rows = [row(1, "示例名册"), row(2, *HEAD.split())]
    rows += [odd.get(f"row_{number}", person(number)) for number in range(3, count + 3)]
    return "".join(rows)


def whole_and_sliced(path):
    """What is read either way, and whether the sheet was cut: its height is an estimate then."""
    found = []
    for in_slices in (False, True):
        with read_rows(path, in_slices=in_slices) as rows:
            found.append(([*rows], rows.width, rows.epoch, rows.others))
            height = rows.height
    return (*found, height)


def same(path):
    whole, sliced, height = whole_and_sliced(path)
    assert sliced == whole
    return whole[0], height


def test_the_rows_and_their_numbers_are_those_of_the_whole_sheet(tmp_path):
    rows, height = same(saved(tmp_path, with_cells(people(60))))
    assert [number for number, _ in rows] == list(range(1, 63))
    assert rows[-1][1] == ["演示62", ID, "", "1980-05-06"]
    assert height != 62, "it was cut: the height is an estimate"
    assert 40 < height < 90


@pytest.mark.parametrize(
    "odd",
    [
        row(30, '<c r="A30" t="e"><v>#N/A</v></c>', ID),
        row(30, '<c r="A30" t="e"><f>1/0</f><v>#DIV/0!</v></c>'),
        row(30, '<c r="A30"><v>4.19999198005061E+17</v></c>', '<c r="D30"><v>29347</v></c>'),
        row(30, '<c r="A30" t="b"><v>1</v></c>', "", "13900000000"),
        row(30, '<c r="A30" t="str"><f>B30</f><v>演示</v></c>'),
        row(30, "甲&amp;乙&lt;/row&gt;", "a\nb"),
        row(30, "演示", more=' spans="1:4" ht="15" customHeight="1"'),
        row(30) + "\n\n  ",
        "",
    ],
)
def test_odd_cells_are_the_same(tmp_path, odd):
    rows, height = same(saved(tmp_path, with_cells(people(60, row_30=odd))))
    assert rows[-1][0] == 62
    assert height != 62, "it was cut"


ODD = {
    "hides a tag": row("{0}", "<![CDATA[甲<row 乙]]>"),
    "has a remark": '<!-- <row r="7"> --><row r="{0}"><c r="A{0}"><v>1</v></c></row>',
    "bears no number": "<row><c><v>1</v></c></row>",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_sheet_that_begins_with_what_cannot_be_cut_is_read_whole(tmp_path, odd):
    start = "".join(odd.format(number) for number in range(1, 9))
    cells = start + "".join(person(number) for number in range(9, 70))
    rows, height = same(saved(tmp_path, with_cells(cells)))
    assert (rows[-1][0], height) == (69, 69)


@pytest.mark.parametrize(
    "odd", [*ODD.values(), person(9), person(99)], ids=[*ODD, "goes back", "goes far ahead"]
)
def test_a_sheet_that_goes_on_otherwise_than_it_began_is_refused(tmp_path, odd):
    """Its later rows might belong before those that were handed over: none is lost silently."""
    cells = people(37) + odd.format(40) * 20  # so that a slice begins with it
    cells += "".join(person(number) for number in range(41, 70))
    path = saved(tmp_path, with_cells(cells))
    with pytest.raises(SheetRefused, match="另存"), read_rows(path, in_slices=True) as rows:
        list(rows)


@pytest.mark.parametrize(
    "blank",
    ['<row r="{0}"/>', '<row r="{0}"><c r="A{0}" s="0"/></row>', '<row r="{0}" ht="15"></row>'],
)
def test_blank_rows_by_the_hundred_are_passed_over(tmp_path, blank):
    blanks = "".join(blank.format(number) for number in range(30, 200))
    rest = "".join(person(number) for number in range(200, 220))
    rows, height = same(saved(tmp_path, with_cells(people(27) + blanks + rest)))
    assert [number for number, _ in rows] == [*range(1, 30), *range(200, 220)]
    assert height != 219, "it was cut"
    same(saved(tmp_path, with_cells(people(27) + blanks)))


def test_a_sheet_that_begins_lower_and_further_right_keeps_its_places(tmp_path):
    cells = "".join(
        row(number, "", "", f"演示{number}", ID if number % 2 else "") for number in range(9, 80)
    )
    rows, _ = same(saved(tmp_path, with_cells(cells)))
    assert rows[0] == (9, ["", "", "演示9", ID])


def test_a_row_wider_than_the_first_ones_loses_nothing(tmp_path):
    path = saved(tmp_path, with_cells(people(60, row_40=row(40, *"甲乙丙丁戊己"))))
    (whole, *_), (sliced, *_), _ = whole_and_sliced(path)
    assert sliced[39] == (40, list("甲乙丙丁戊己")) == whole[39]
    assert [(n, [c for c in cells if c]) for n, cells in sliced] == [
        (n, [c for c in cells if c]) for n, cells in whole
    ]


def test_a_workbook_of_two_sheets_is_read_whole(tmp_path):
    def more(workbook):
        workbook.create_sheet("附表").append(["甲"])

    content = with_part(book(change=more), SHEET, sheet(people(60)))
    path = saved(tmp_path, content)
    with read_rows(path, in_slices=True) as rows:
        assert len([*rows]) == rows.height == 62
        assert rows.others == ["附表"]


def sheet(cells):
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{cells}</sheetData></worksheet>"
    )


def test_texts_kept_in_one_list_are_read_whole(tmp_path):
    """As Excel and WPS keep them: a million of them with each slice would cost minutes."""
    path = tmp_path / "shared.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet()
        for number in range(20_000):
            page.write_row(number, 0, [f"演示{number}", ID])
    with read_rows(path, in_slices=True) as rows:
        assert len([*rows]) == rows.height == 20_000


def test_a_slice_beyond_the_last_row_that_is_taken_is_refused(tmp_path):
    path = saved(tmp_path, with_cells(people(60) + person(900)))
    with pytest.raises(SheetRefused, match="900"), read_rows(path, in_slices=True, most=800) as it:
        list(it)


def test_an_estimate_promises_no_more_rows_than_are_taken(tmp_path):
    short = "".join(row(number, "演") for number in range(1, 20))
    long = "".join(person(number) for number in range(20, 60))
    path = saved(tmp_path, with_cells(short + long))
    with read_rows(path, in_slices=True) as rows:
        assert rows.height > 60, "it would promise more"
    with read_rows(path, in_slices=True, most=60) as rows:
        assert rows.height == 60
        assert len([*rows]) == 59


def test_damage_behind_the_first_slices_is_told(tmp_path):
    content = bytearray(with_cells(people(3000)))
    at = content.index(SHEET.encode()) + 4000
    content[at : at + 40] = bytes(40)
    path = saved(tmp_path, bytes(content))
    with pytest.raises(SheetRefused, match="损坏"), read_rows(path, in_slices=True) as rows:
        list(rows)


def test_damage_behind_the_last_row_is_told(tmp_path):
    """What comes behind the rows is of no use, but its sum says whether all of them are true."""
    behind = "".join(f"<!-- {number} -->" for number in range(9000))
    whole = sheet(people(60)).replace("</worksheet>", f"{behind}</worksheet>")
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as new, zipfile.ZipFile(io.BytesIO(book())) as old:
        for name in old.namelist():
            new.writestr(name, whole if name == SHEET else old.read(name))
    path = saved(tmp_path, stored.getvalue().replace(b"<!-- 150 -->", b"<!-- 999 -->"))
    with pytest.raises(SheetRefused, match="损坏"), read_rows(path, in_slices=True) as rows:
        list(rows)
