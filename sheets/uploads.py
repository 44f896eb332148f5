"""A stranger's file at the door: what it is by its content, and whether it may come in.

Nothing here unpacks more than the first bytes of a part; the reading itself is child.py's.
"""

import codecs
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

# A file by its path, or already open for reading (then its owner closes it).
Source = str | Path | BinaryIO

MIB: Final = 1024 * 1024
MAX_ZIP: Final = 30 * MIB  # an honest roster of 400,000 people is 13 to 28 MiB
MAX_UNPACKED: Final = 400 * MIB
MAX_RATIO: Final = 100
MAX_PARTS: Final = 2000
MAX_XLS: Final = 60 * MIB
MAX_CSV: Final = 200 * MIB
MAX_COLUMNS: Final = 100
MAX_ROWS: Final = 1_000_000

DAMAGED: Final = "文件已损坏，无法打开，请在Excel或WPS中打开后另存一份再上传"
_NOT_A_SHEET: Final = "这不是表格文件，请上传 .xlsx、.xls、.et 或 .csv 文件"
ENCRYPTED: Final = "工作簿设有打开密码，请取消密码后再上传"
MACROS: Final = "工作簿含有宏，请另存为不含宏的 .xlsx 后再上传"
_LINKED: Final = "工作簿链接了外部文件或数据，请在“数据—编辑链接”中断开后再上传"
_WEB_PAGE: Final = "这是改了后缀的网页，不是工作簿，请在Excel或WPS中打开后另存为 .xlsx 再上传"


class SheetRefused(Exception):
    """The file is not taken; the one sentence tells the clerk why and what to do."""


class Kind(StrEnum):
    XLSX = "xlsx"
    XLS = "xls"  # and WPS's .et, which is the same inside
    CSV_UTF8 = "csv-utf8"
    CSV_GB18030 = "csv-gb18030"
    CSV_UTF16 = "csv-utf16"  # Excel's “Unicode 文本”

    @property
    def is_text(self) -> bool:
        return self.value.startswith("csv")


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """A source open at its beginning."""
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            yield file
    else:
        source.seek(0)
        yield source


def size_of(source: Source) -> int:
    """A source's bytes."""
    with opened(source) as file:
        return file.seek(0, 2)


def weight_of(source: Source) -> int:
    """The bytes that an inspected upload unpacks to."""
    if inspect_upload(source) is not Kind.XLSX:
        return size_of(source)
    with opened(source) as upload, zipfile.ZipFile(upload) as archive:
        return sum(part.file_size for part in archive.infolist())


def inspect_upload(source: Source) -> Kind:
    """Tell by its content what an uploaded file is; raise SheetRefused for what stays outside.

    The name and its suffix play no part. Reads a few kilobytes of each part of an .xlsx;
    only a .csv is read through, to find its encoding.
    """
    size = size_of(source)
    if size == 0:
        raise SheetRefused("文件是空的，请选择填好的名册再上传")
    with opened(source) as upload:
        head = upload.read(4096)
        if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
            _inspect_zip(upload, size)
            return Kind.XLSX
        if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
            _inspect_compound(upload, size)
            return Kind.XLS
        return _inspect_text(upload, head, size)


# --- .xlsx: the zip directory first, then the head of each XML part ---


def _inspect_zip(upload: BinaryIO, size: int) -> None:
    if size > MAX_ZIP:
        raise SheetRefused(f"文件超过{MAX_ZIP // MIB}MB，请分成几份上传")
    try:
        with zipfile.ZipFile(upload) as archive:
            parts = archive.infolist()
            _measure_parts(parts, size)
            _refuse_by_names({part.filename for part in parts})
            for part in parts:
                if part.filename.endswith((".xml", ".rels", ".vml")):
                    _inspect_part(archive, part)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, ValueError) as damage:
        raise SheetRefused(DAMAGED) from damage
    except (RuntimeError, NotImplementedError) as unreadable:  # encrypted or oddly packed parts
        raise SheetRefused(ENCRYPTED) from unreadable
    except zlib.error as damage:
        raise SheetRefused(DAMAGED) from damage


def _measure_parts(parts: list[zipfile.ZipInfo], size: int) -> None:
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
        raise SheetRefused("文件展开后过大，请删去多余的工作表和空行，或分成几份上传")
    if unpacked > MAX_RATIO * size:
        raise SheetRefused("文件压缩比异常，请把名册复制到新工作簿（只复制有内容的行）后再上传")
    if sum(part.compress_size for part in parts) > size:
        raise SheetRefused(DAMAGED)  # parts that overlap
    if any(part.flag_bits & 1 for part in parts):
        raise SheetRefused(ENCRYPTED)
    if len({part.filename for part in parts}) < len(parts):
        raise SheetRefused(DAMAGED)


def _refuse_by_names(names: set[str]) -> None:
    lowered = {name.lower().replace("\\", "/") for name in names}
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in lowered):
        raise SheetRefused(MACROS)
    if any(name.startswith(("xl/externallinks/", "xl/connections")) for name in lowered):
        raise SheetRefused(_LINKED)
    if "xl/workbook.bin" in lowered or "content.xml" in lowered:
        raise SheetRefused("暂不支持这种表格格式（.xlsb、.ods），请另存为 .xlsx 后再上传")
    if "xl/workbook.xml" not in lowered:
        raise SheetRefused(_NOT_A_SHEET)


_ROOT: Final = re.compile(rb"<[A-Za-z_]")
_EXTERNAL: Final = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")


def _inspect_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse a document type before the root element, and links that would fetch something."""
    with archive.open(part) as content:
        head = content.read(64 * 1024).replace(b"\0", b"")  # an UTF-16 part reads the same
        prolog = head[: root.start()] if (root := _ROOT.search(head)) else head
        if b"<!DOCTYPE" in prolog.upper() or b"<!ENTITY" in prolog.upper():
            raise SheetRefused("工作簿内含文档类型声明（DTD），不安全，请另存一份再上传")
        if root is None and head.strip():
            raise SheetRefused(DAMAGED)
        if part.filename.endswith(".rels"):
            rest = content.read(4 * MIB).replace(b"\0", b"")
            for link in _EXTERNAL.findall(head + rest):
                if b'"External"' in link and b"/hyperlink" not in link:
                    raise SheetRefused(_LINKED)


# --- .xls and .et: an OLE compound file, told by the names of its streams ---


_BIFF_OPENING: Final = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # 20 bytes long, its head in clear
_FILEPASS: Final = b"\x2f\x00"  # the record that follows where there is a password


def _stream(name: str) -> bytes:
    return name.encode("utf-16-le") + b"\0\0"


def _inspect_compound(upload: BinaryIO, size: int) -> None:
    if size > MAX_XLS:
        raise SheetRefused(f"文件超过{MAX_XLS // MIB}MB，请另存为 .xlsx 后再上传")
    upload.seek(0)
    content = upload.read()
    globals_at = content.find(_BIFF_OPENING)
    locked = globals_at >= 0 and content[globals_at + 20 : globals_at + 22] == _FILEPASS
    if locked or _stream("EncryptedPackage") in content:
        raise SheetRefused(ENCRYPTED)
    if _stream("_VBA_PROJECT") in content or _stream("_VBA_PROJECT_CUR") in content:
        raise SheetRefused(MACROS)
    if _stream("Workbook") not in content and _stream("Book") not in content:
        raise SheetRefused(_NOT_A_SHEET)


# --- .csv ---


def _inspect_text(upload: BinaryIO, head: bytes, size: int) -> Kind:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith(b"%pdf"):
        raise SheetRefused("这是改了后缀的PDF，不是表格文件，请上传 .xlsx、.xls、.et 或 .csv 文件")
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<meta", b"<table", b"<?xml", b"<!--")):
        raise SheetRefused(_WEB_PAGE)
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if (b"\0" in head and not is_wide) or start.startswith(b"{\\rtf"):
        raise SheetRefused(_NOT_A_SHEET)
    if size > MAX_CSV:
        raise SheetRefused(f"文件超过{MAX_CSV // MIB}MB，请分成几份上传")
    if is_wide:
        if _decodes(upload, "utf-16"):
            return Kind.CSV_UTF16
        raise SheetRefused(_NOT_A_SHEET)
    for kind, encoding in ((Kind.CSV_UTF8, "utf-8"), (Kind.CSV_GB18030, "gb18030")):
        if _decodes(upload, encoding):
            return kind
    raise SheetRefused(_NOT_A_SHEET)


def _decodes(upload: BinaryIO, encoding: str) -> bool:
    upload.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := upload.read(MIB):
            if "\0" in decoder.decode(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
