"""Builders of strangers' workbooks: .xlsx with any part, .xls as BIFF8, and their rows."""

import io
import struct
import zipfile
from datetime import datetime

import openpyxl

from huigong import sheets

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
