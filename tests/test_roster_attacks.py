"""Files that are no honest roster, through the upload form: one sentence each, nothing saved."""

import io
import struct
import time
import zipfile

import openpyxl
import pytest
from builders import a_user, signed_in
from builders_enrollment import a_county_unit, a_roster_file
from builders_sheets import compound
from test_enrollment_screens import uploaded
from test_roster_work import a_worker

from huigong.models import Role, Roster, RosterJob, RosterRow

HOSTS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>'


def a_workbook(change=None, *, add=None):
    """An honest roster's parts, each as `change(name, content)` makes it, and some added."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(a_roster_file(3))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(name, content) if change else content)
        for name, content in (add or {}).items():
            new.writestr(name, content)
    return out.getvalue()


def a_sheet(*cells):
    """A workbook with a header, one line, and cells set by address."""
    book = openpyxl.Workbook()
    book.active.append(["姓名", "身份证号"])
    for address, value in cells:
        book.active[address] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def a_linked_workbook():
    def link(name, content):
        if name != "xl/_rels/workbook.xml.rels":
            return content
        relation = b'<Relationship Id="r99" Type="http://x/externalLink" Target="http://x/" '
        return content.replace(
            b"</Relationships>", relation + b'TargetMode="External"/></Relationships>'
        )

    return a_workbook(link)


def with_a_document_type(name, content):
    if name != "xl/workbook.xml":
        return content
    return HOSTS + content[content.index(b"?>") + 2 :]


def an_empty_sheet():
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


def an_xls(*, said=(1, 1), cells=((0, 0),), texts=None):
    """An .xls that says it has so many rows and columns, with a number in these cells."""

    def record(kind, content=b""):
        return struct.pack("<HH", kind, len(content)) + content

    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    sheet += record(0x0200, struct.pack("<IIHHH", 0, said[0], 0, said[1], 0))
    number = struct.pack("<HH", 0x0203, 14)
    sheet += b"".join(number + struct.pack("<HHHd", *cell, 0, 1.0) for cell in cells)
    sheet += record(0x000A)
    opening = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    if texts:
        opening += record(0x00FC, struct.pack("<II", texts, texts) + b"\1\0\1a\0")
    bound = struct.pack("<BBBB", 0, 0, 1, 0) + b"a"
    place = len(opening) + 4 + 4 + len(bound) + 4
    bound = record(0x0085, struct.pack("<I", place) + bound)
    return compound(("Workbook", opening + bound + record(0x000A) + sheet))


ATTACKS = {
    "a zip bomb": lambda: a_workbook(add={"xl/media/x.xml": b"<a>" + b" " * 200_000_000}),
    "a far cell": lambda: a_sheet(("A1048576", "x")),
    "a wide cell": lambda: a_sheet(("XFD1", "x")),
    "macros": lambda: a_workbook(add={"xl/vbaProject.bin": b"x"}),
    "an external link": a_linked_workbook,
    "a linked workbook": lambda: a_workbook(add={"xl/externalLinks/externalLink1.xml": b"<a/>"}),
    "macros in an xls": lambda: compound(("Workbook", b""), ("_VBA_PROJECT_CUR", b"")),
    "a document type": lambda: a_workbook(with_a_document_type),
    "a renamed pdf": lambda: b"%PDF-1.7\n" + b"x" * 5000,
    "a web page": lambda: "<html><table><tr><td>姓名</td></tr></table></html>".encode(),
    "an empty sheet": an_empty_sheet,
    "two hundred columns": lambda: ",".join(f"c{n}" for n in range(200)).encode() + b"\n1,2\n",
    "five million rows": lambda: "姓名,身份证号\n".encode() + b"a,1\n" * 5_000_000,
    "a truncated workbook": lambda: a_workbook()[:-200],
    "one line of thirty megabytes": lambda: b"a" * (30 * 1024 * 1024),
    "one line of ten million cells": lambda: b"a," * 10_000_000,
    "a quote that never closes": lambda: '姓名,身份证号\n"张三,1\n'.encode() + b"a,1\n" * 100_000,
    "an xls that claims to be endless": lambda: an_xls(said=(0xFFFFFFFF, 0xFFFF)),
    "an xls with a cell in the last corner": lambda: an_xls(cells=[(65535, 255)]),
    "an xls with a cell in the last row": lambda: an_xls(cells=[(65535, 1)]),
    "an xls whose texts are endless": lambda: an_xls(texts=0x7FFFFFFF),
    "nothing but commas": lambda: b",,,,\n" * 100,
}
# The one word that tells each refusal from the others.
WORDS = {
    "a zip bomb": "压缩比异常",
    "a far cell": "1048576行",
    "a wide cell": "16384列",
    "macros": "含有宏",
    "macros in an xls": "含有宏",
    "an external link": "链接了外部文件",
    "a linked workbook": "链接了外部文件",
    "a document type": "DTD",
    "a renamed pdf": "PDF",
    "a web page": "网页",
    "an empty sheet": "空的",
    "two hundred columns": "200列",
    "five million rows": "最多1000000行",
    "a truncated workbook": "已损坏",
    "one line of thirty megabytes": "文本第1行超过100万字",
    "one line of ten million cells": "文本第1行超过100万字",
    "a quote that never closes": "文本从第2行起读不成表格，引号没有成对",
    "an xls that claims to be endless": "表格内容过大",
    "an xls with a cell in the last corner": "256列",
    "an xls with a cell in the last row": "找不到“姓名”“身份证号”列",
    "an xls whose texts are endless": "找不到“姓名”“身份证号”列",
    "nothing but commas": "找不到“姓名”“身份证号”列",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_gets_one_sentence_and_leaves_nothing(app, office, attack, monkeypatch):
    monkeypatch.setattr("huigong.admin.background.start_worker", lambda settings: None)
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    begun = time.monotonic()
    answer = uploaded(clerk, unit, ATTACKS[attack](), name="名册.xls")
    said = answer.get_data(as_text=True)
    if answer.status_code == 303:  # big enough to be read in the background
        assert a_worker(office).wait(timeout=30) == 0
        said = RosterJob.get().refused
        assert said in clerk.get(answer.location).text
    else:
        assert answer.status_code == 422
        assert not Roster.select().exists()
    assert list(office.files.iterdir()) == []
    assert time.monotonic() - begun < 30
    assert WORDS[attack] in said
    assert "Traceback" not in said
    assert not RosterRow.select().exists()
    assert clerk.get("/admin/rosters").status_code == 200, "the process is alive"
