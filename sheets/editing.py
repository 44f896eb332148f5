"""The few places of an .xlsx that annotate changes, edited as XML while it streams past.

Only the shape that Excel, WPS and the common libraries write is edited: rows and cells without a
namespace prefix, each cell with its address. Anything else is UnusualXml, for the caller to
write a fresh workbook instead.
"""

import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Final
from xml.etree import ElementTree

from huigong.sheets.writing import RED, xml_text

_CHUNK: Final = 1024 * 1024
_RED: Final = b"FF" + RED.encode()
_RED_FILL: Final = (
    b'<fill><patternFill patternType="solid"><fgColor rgb="%s"/><bgColor indexed="64"/>'
    b"</patternFill></fill>" % _RED
)
_WIDTH: Final = 40

_ROW: Final = re.compile(rb"(<row\b[^>]*?)(?:/>|>(.*?)</row>)", re.DOTALL)
_CELL: Final = re.compile(rb"<c\b([^>]*?)(/>|>.*?</c>)", re.DOTALL)
_NUMBER: Final = re.compile(rb'\sr="(\d+)"')
_ADDRESS: Final = re.compile(rb'\sr="([A-Z]{1,3})\d+"')
_STYLE: Final = re.compile(rb'\ss="(\d+)"')
_SPANS: Final = re.compile(rb'\sspans="[^"]*"')
_COL: Final = re.compile(rb"<col\b[^>]*>")
_FILLS: Final = re.compile(rb"<fills\b[^>]*>(.*?)</fills>", re.DOTALL)
_FILL: Final = re.compile(rb"<fill\b[^>]*?(?:/>|>.*?</fill>)", re.DOTALL)
_FORMATS: Final = re.compile(rb"<cellXfs\b[^>]*>(.*?)</cellXfs>", re.DOTALL)
_FORMAT: Final = re.compile(rb"<xf\b[^>]*?(?:/>|>.*?</xf>)", re.DOTALL)
_FILL_ID: Final = re.compile(rb'fillId="(\d+)"')


class UnusualXml(Exception):
    """The XML is not in the shape that is safe to edit."""


class Styles:
    """The cell formats of styles.xml, with a red twin for each that is asked for."""

    def __init__(self, xml: bytes):
        fills, formats = _FILLS.search(xml), _FORMATS.search(xml)
        if not fills or not formats:
            raise UnusualXml("styles")
        self._xml = xml
        self._fills = _FILL.findall(fills[1])
        self._formats = _FORMAT.findall(formats[1])
        reds = [index for index, fill in enumerate(self._fills) if _RED in fill]
        self._red_fill = reds[0] if reds else len(self._fills)
        if not reds:
            self._fills.append(_RED_FILL)

    def red(self, style: int) -> int:
        return self._with_fill(style, self._red_fill)

    def plain(self, style: int) -> int:
        """The format without our red from an earlier round; any other fill stays."""
        fill = _FILL_ID.search(self._formats[style])
        return self._with_fill(style, 0) if fill and int(fill[1]) == self._red_fill else style

    def _with_fill(self, style: int, fill: int) -> int:
        look = self._formats[style]
        if not _FILL_ID.search(look):
            look = look.replace(b"<xf", b'<xf fillId="0"', 1)
        look = _FILL_ID.sub(b'fillId="%d"' % fill, look, count=1)
        look = re.sub(rb'\sapplyFill="\w+"', b"", look).replace(b"<xf", b'<xf applyFill="1"', 1)
        if look not in self._formats:
            self._formats.append(look)
        return self._formats.index(look)

    def xml(self) -> bytes:
        fills = b'<fills count="%d">%s</fills>' % (len(self._fills), b"".join(self._fills))
        formats = b'<cellXfs count="%d">%s</cellXfs>' % (
            len(self._formats),
            b"".join(self._formats),
        )
        return _FORMATS.sub(lambda _: formats, _FILLS.sub(lambda _: fills, self._xml))


class SheetEdit:
    """What to change in one sheet: reasons in a column, red cells, the header's title."""

    def __init__(
        self,
        header_row: int,
        column: int,
        title: str,
        faults: Mapping[int, str],
        marked: Mapping[int, Collection[int]],
        *,
        again: bool,
    ):
        self._header_row, self._column, self._title = header_row, column, title
        self._faults, self._marked, self._again = faults, marked, again
        self._row_number = 0
        self._column_styles: list[tuple[int, int, int]] = []
        self.styles: Styles

    def stream(self, part: IO[bytes]) -> Iterator[bytes]:
        """The sheet's XML, edited, a chunk at a time."""
        buffer = b""
        while b"<sheetData" not in buffer:
            chunk = part.read(_CHUNK)
            if not chunk:
                raise UnusualXml("no sheetData")
            buffer += chunk
        head, buffer = buffer.split(b"<sheetData", 1)
        yield self._head(head) + b"<sheetData"
        while chunk := part.read(_CHUNK):
            buffer += chunk
            cut = buffer.rfind(b"</row>") + 6
            if cut > 6:
                yield _ROW.sub(self._row, buffer[:cut])
                buffer = buffer[cut:]
        yield _ROW.sub(self._row, buffer)
        if self._row_number < self._header_row:
            raise UnusualXml("rows not recognized")

    def _head(self, head: bytes) -> bytes:
        """Without its dimension (it would be too narrow), with a width for the new column."""
        head = re.sub(rb"<dimension\b[^>]*?(?:/>|>.*?</dimension>)", b"", head)
        place = self._column + 1
        last = 0
        for col in _COL.findall(head):
            low, high = (_whole(rb'\s%s="(\d+)"' % name, col) for name in (b"min", b"max"))
            self._column_styles.append((low, high, _whole(rb'\sstyle="(\d+)"', col)))
            last = max(last, high)
        new = b'<col min="%d" max="%d" width="%d" customWidth="1"/>' % (place, place, _WIDTH)
        if b"</cols>" in head:
            return head.replace(b"</cols>", new + b"</cols>") if last < place else head
        return head + b"<cols>" + new + b"</cols>"

    def _row(self, match: re.Match[bytes]) -> bytes:
        opening, content = match[1], match[2] or b""
        number = _NUMBER.search(opening)
        self._row_number = int(number[1]) if number else self._row_number + 1
        is_header, reason = self._row_number == self._header_row, self._faults.get(self._row_number)
        if not (is_header or reason or self._again):
            return match[0]
        cells = self._cells(content)
        cells.pop(self._column, None)
        if reason:
            self._redden(cells)
        if is_header or reason:
            style = cells[max(cells)][0] if is_header and cells else self.styles.red(0)
            text = xml_text(self._title if is_header else reason or "")
            body = f't="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
            cells[self._column] = (style, b" " + body.encode())
        written = b"".join(self._written(index, *cells[index]) for index in sorted(cells))
        return b"%s>%s</row>" % (_SPANS.sub(b"", opening), written)

    def _cells(self, content: bytes) -> dict[int, tuple[int, bytes]]:
        """By column: the style, and the rest of the cell's XML after its address and style."""
        cells = {}
        for attributes, rest in _CELL.findall(content):
            address, style = _ADDRESS.search(attributes), _STYLE.search(attributes)
            if not address:
                raise UnusualXml("a cell without its address")
            others = _STYLE.sub(b"", _ADDRESS.sub(b"", attributes))
            look = int(style[1]) if style else 0
            if self._again:
                look = self.styles.plain(look)
            cells[_column_index(address[1])] = (look, others + rest)
        return cells

    def _redden(self, cells: dict[int, tuple[int, bytes]]) -> None:
        for index in self._marked.get(self._row_number) or list(cells):
            style, rest = cells.get(index) or (self._style_of_column(index), b"/>")
            cells[index] = (self.styles.red(style), rest)

    def _style_of_column(self, index: int) -> int:
        """So that a blank ID cell made red is still a text cell when somebody fills it in."""
        for low, high, style in self._column_styles:
            if low <= index + 1 <= high:
                return style
        return 0

    def _written(self, index: int, style: int, rest: bytes) -> bytes:
        address = b"%s%d" % (_column_letters(index), self._row_number)
        return b'<c r="%s"%s%s' % (address, b' s="%d"' % style if style else b"", rest)


def edit_archive(source: BinaryIO, target: BinaryIO, sheet: str, edit: SheetEdit) -> None:
    """Copy the workbook part by part, with the named sheet and the styles edited."""
    with zipfile.ZipFile(source) as old:
        sheet_part, styles_part = _part_of(old, sheet), "xl/styles.xml"
        edit.styles = Styles(old.read(styles_part))
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as new:
            # The styles go last: which red twins they need is known when the sheet is through.
            for name in [*(n for n in old.namelist() if n != styles_part), styles_part]:
                with old.open(name) as part, new.open(name, "w", force_zip64=True) as copy:
                    if name == sheet_part:
                        for chunk in edit.stream(part):
                            copy.write(chunk)
                    elif name == styles_part:
                        copy.write(edit.styles.xml())
                    else:
                        while chunk := part.read(_CHUNK):
                            copy.write(chunk)


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part that holds a sheet, through the workbook's relationships."""
    # Document types and entities were refused at the door, which is what S314 is about.
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    for entry in book.iter():
        if entry.tag.endswith("}sheet") and entry.get("name") == sheet:
            link = next(value for key, value in entry.items() if key.endswith("}id"))
            for relation in links:
                if relation.get("Id") == link:
                    place = PurePosixPath("/xl") / relation.get("Target", "")
                    return str(place).lstrip("/")
    raise UnusualXml("sheet not found")


def _whole(pattern: bytes, text: bytes) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def _column_letters(index: int) -> bytes:
    letters = b""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = bytes([65 + rest]) + letters
    return letters
