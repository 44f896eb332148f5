"""Which column of somebody's roster is which: header rows found, titles recognized, lines skipped.

Columns come in any order and under many names; what is not recognized is asked about, never
silently dropped. Pure but for `open_roster`: rows in, answers out.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import chain
from typing import Any, Final

from huigong.sheets import Cell, Column, Row, SheetRefused, SheetRows, Source, read_rows

NEEDED: Final = ("name", "id_number")  # without them there is no roster
MOST_COVERS: Final = 5  # sheets before the roster's own
HEADER_WITHIN: Final = 20  # rows from the top in which the header is looked for

# In the order of the template: the field, its title, and the other names seen in the wild.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "name": (
        "姓名",
        *("职工姓名", "员工姓名", "会员姓名", "参保人姓名", "参保人", "被保障人", "被保障人姓名"),
        *("被保险人", "被保险人姓名", "人员姓名", "名字", "本人姓名"),
    ),
    "id_number": (
        "身份证号",
        *("身份证号码", "身份证", "证件号", "证件号码", "公民身份号码", "公民身份证号码"),
        *("居民身份证号", "居民身份证号码", "有效证件号码", "身份号码", "本人身份证号"),
        *("职工身份证号", "职工身份证号码", "会员身份证号", "证件编号"),
    ),
    "mobile": (
        "手机号",
        *("手机号码", "手机", "联系电话", "电话", "电话号码", "联系方式", "移动电话"),
        *("本人手机号", "本人手机号码", "联系手机", "本人电话"),
    ),
    "bank_card": (
        "银行卡号",
        *("卡号", "工资卡号", "银行账号", "银行帐号", "银行卡", "账号", "帐号", "银行卡账号"),
        *("工资卡", "收款账号", "开户账号", "本人银行卡号"),
    ),
    "bank": ("开户行", "开户银行", "银行名称", "开户行名称", "所属银行", "银行", "开户银行名称"),
    "sex": ("性别",),
    "birth": ("出生日期", "出生年月日", "出生年月", "生日", "出生时间"),
    "employment": ("用工形式", "用工性质", "用工类型", "用工方式", "人员类别", "职工类别"),
    "insurance": (
        "医保类型",
        "医保类别",
        "参保类型",
        "医疗保险类型",
        "医保",
        "医保险种",
        "基本医保",
    ),
    "hired": ("参加工作时间", "参加工作日期", "入职时间", "入职日期", "工作时间", "参工时间"),
    "membership": ("会员身份", "是否会员", "是否工会会员", "会员", "是否入会", "工会会员"),
    "gifted": ("是否赠送", "赠送", "是否赠保", "赠保"),
    "remark": ("备注", "说明", "备注说明"),
}
TITLES: Final = {name: titles[0] for name, titles in NAMES.items()}
_FIELD_OF: Final = {title: name for name, titles in NAMES.items() for title in titles}
# Known and of no use to us; 错误原因 is our own from an earlier round.
_NOT_NEEDED: Final = frozenset({"序号", "编号", "行号", "错误原因", "证件类型", "no", "no."})


@dataclass(frozen=True)
class Question:
    """A column whose meaning the clerk must say: its letter, title, and first contents."""

    index: int
    letter: str
    title: str
    samples: tuple[str, ...]
    same_as: str = ""  # the letter of a column that already has this meaning


@dataclass
class Header:
    """Where the header stands and which field each column holds."""

    rows: tuple[int, ...]  # as Excel numbers them; the last is directly above the people
    columns: dict[str, int]
    titles: dict[int, str]
    questions: list[Question] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Titles of the two columns without which there is no roster."""
        return [TITLES[name] for name in NEEDED if name not in self.columns]


def column_letter(index: int) -> str:
    """A for 0, as Excel shows it."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def plain_title(cell: Cell) -> str:
    """A title without what decorates it: spaces, line breaks, asterisks, remarks in brackets."""
    text = unicodedata.normalize("NFKC", str(cell))
    text = re.sub(r"\([^)]*\)|\[[^]]*\]|【[^】]*】|[\s*:：★#＊、。_]", "", text)
    return text.lower()


def find_header(
    rows: Sequence[tuple[int, Row]], remembered: Mapping[str, str] | None = None
) -> Header | None:
    """The header of a roster among the first rows, or None.

    `remembered` is what this unit answered before: plain title → field, or "" for a column that
    it does not need. Rows after the header serve as samples for the questions.
    """
    return header_by(rows, _FIELD_OF | dict(remembered or {}))


def header_by(rows: Sequence[tuple[int, Row]], meanings: Mapping[str, str]) -> Header | None:
    """The header among the first rows (merged titles above, one row or two) whose titles mean at
    least two fields; "" is a column that is known and not needed."""
    best: tuple[int, int, int] | None = None
    for place, (number, row) in enumerate(rows):
        if number > HEADER_WITHIN:
            break
        one = _score(map(plain_title, row), meanings)
        two = 0
        if one and place + 1 < len(rows):
            lower = _score(map(plain_title, rows[place + 1][1]), meanings)
            both = _score(_joined(row, rows[place + 1][1], meanings).values(), meanings)
            two = both if both > lower > 0 else 0
        span, score = (2, two) if two > one else (1, one)
        if score >= 2 and (best is None or score > best[0]):
            best = (score, place, span)
    if best is None:
        return None
    _, place, span = best
    return _read_header(rows, place, span, meanings)


def _score(titles: Iterable[str], meanings: Mapping[str, str]) -> int:
    """How many different fields these titles name."""
    return len({meanings[title] for title in titles if meanings.get(title)})


def _joined(upper: Row, lower: Row, meanings: Mapping[str, str]) -> dict[int, str]:
    """Titles by column of two header rows: the lower where it says something, else the upper."""
    titles, group = {}, ""
    for index in range(max(len(upper), len(lower))):
        above = plain_title(upper[index]) if index < len(upper) else ""
        below = plain_title(lower[index]) if index < len(lower) else ""
        group = above or (group if below else "")
        # 银行卡 over 卡号 and 联系人 over 电话: the lower alone if we know it, else both together.
        known = below in meanings or below in _NOT_NEEDED
        titles[index] = below if known else (group + below if below else above)
    return titles


def _merged_down(
    rows: Sequence[tuple[int, Row]], place: int, titles: Mapping[int, str]
) -> dict[int, str]:
    """Titles merged with the cell above (序号 beside groups of columns): Excel keeps the text in
    the upper cell, so the header's own is blank."""
    number = rows[place][0]
    if not place or rows[place - 1][0] != number - 1:
        return {}
    above = enumerate(map(plain_title, rows[place - 1][1]))
    return {index: title for index, title in above if title and not titles.get(index)}


def _read_header(
    rows: Sequence[tuple[int, Row]], place: int, span: int, meanings: Mapping[str, str]
) -> Header:
    row = rows[place][1]
    if span == 2:
        titles = _joined(row, rows[place + 1][1], meanings)
    else:
        titles = {index: plain_title(cell) for index, cell in enumerate(row)}
        titles |= _merged_down(rows, place, titles)
    header = Header(tuple(number for number, _ in rows[place : place + span]), {}, titles)
    below = [row for _, row in rows[place + span :]]
    width = max((len(row) for row in [row, *below]), default=0)
    for index in range(width):
        title = titles.get(index, "")
        name = meanings.get(title)
        samples = tuple(
            str(line[index]) for line in below if index < len(line) and line[index] != ""
        )[:3]
        if name and name not in header.columns:
            header.columns[name] = index
        elif name:
            first = column_letter(header.columns[name])
            header.questions.append(
                Question(index, column_letter(index), title, samples, same_as=first)
            )
        elif name is None and title not in _NOT_NEEDED and (title or samples):
            header.questions.append(Question(index, column_letter(index), title, samples))
    return header


# --- the people below the header ---

_SUMMARY: Final = re.compile(
    r"^(合计|总计|小计|共计|总人数|人数合计|制表|填表|审核|复核|经办|负责人|单位负责人|主管|单位盖章"
    r"|盖章|日期|填报|联系人|注[:：]|说明|备注[:：]|填写说明|以下空白|以上共|共\d+人)"
)
_EXAMPLE: Final = re.compile(r"^[(（\[【]?(示例|样例|例[:：])")


def people(rows: Iterable[tuple[int, Row]], header: Header) -> Iterator[tuple[int, Row]]:
    """The rows that stand for a person, by the number that Excel shows.

    Left out: everything down to the header, blank rows (also those with only a serial number),
    合计 and 制表 lines, the 示例 line of the template, and a header printed again on a new page.
    """
    last = header.rows[-1]
    name_at, id_at = header.columns.get("name", -1), header.columns.get("id_number", -1)
    ours = sorted(header.columns.values())
    for number, row in rows:
        if number <= last:
            continue
        name, id_number = row[name_at] if name_at >= 0 else "", row[id_at] if id_at >= 0 else ""
        if isinstance(name, str) and name[:1] in _EXAMPLE_STARTS and _EXAMPLE.match(name):
            continue
        if _no_number(id_number) and (_blank(row, ours) or is_summary(row)):
            continue
        if isinstance(id_number, str) and _FIELD_OF.get(id_number) == "id_number":
            continue
        yield number, row


_DIGIT: Final = re.compile(r"\d")
# What a 合计 line says in any column: a headcount, or a sum of a few digits.
_HEADCOUNT: Final = re.compile(r"[共计合]*(\d+[人名位]|\d{1,9}(\.\d+)?元?)")
_LEAST_ID: Final = 10**14  # no number of a person is smaller, an old one of 15 digits neither
_EXAMPLE_STARTS: Final = frozenset("示样例(（[【")


def _no_number(id_number: Cell) -> bool:
    if not isinstance(id_number, str):
        return not isinstance(id_number, date) and id_number < _LEAST_ID
    return not _DIGIT.search(id_number) or bool(_HEADCOUNT.fullmatch(id_number.replace(" ", "")))


def _blank(row: Row, ours: Sequence[int]) -> bool:
    return not any(str(row[index]).strip() for index in ours if index < len(row))


def is_summary(row: Row) -> bool:
    """Whether a row is a total or a line for signatures."""
    for cell in row:
        text = re.sub(r"\s", "", str(cell))
        if text and not text.isdigit():
            return bool(_SUMMARY.match(text.lstrip("(（")))
    return False


def read_roster(
    rows: Iterable[tuple[int, Row]], remembered: Mapping[str, str] | None = None
) -> tuple[Header | None, Iterator[tuple[int, Row]]]:
    """The header and the people of a roster as it streams in; no header, no people."""
    top, stream = top_of(rows)
    header = find_header(top, remembered)
    return header, (people(chain(top, stream), header) if header else iter(()))


def top_of(rows: Iterable[tuple[int, Row]]) -> tuple[list[tuple[int, Row]], Iterator[Any]]:
    """The first rows, in which a header may stand, and the others as they stream in."""
    stream = iter(rows)
    top = []
    for number, row in stream:
        top.append((number, row))
        if number > HEADER_WITHIN + 3:
            break
    return top, stream


Opened = tuple[SheetRows, Header | None, Iterator[tuple[int, Row]]]
Reader = Callable[[SheetRows], tuple[Header | None, Iterator[tuple[int, Row]]]]


@contextmanager
def open_roster(
    file: Source,
    remembered: Mapping[str, str] | None = None,
    *,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Opened]:
    """The sheet of a workbook that is a roster, with its header and people."""
    read = partial(read_roster, remembered=remembered)
    with open_sheet(file, read, cancelled=cancelled) as opened:
        yield opened


@contextmanager
def open_sheet(
    file: Source, read: Reader, *, cancelled: Callable[[], bool] | None = None
) -> Iterator[Opened]:
    """The first sheet of a workbook in which `read` finds its header, a cover before it passed
    over; where there is none, the first with content and no header."""
    with ExitStack() as left:
        yield _opened(file, read, cancelled, left)


def _opened(
    file: Source, read: Reader, cancelled: Callable[[], bool] | None, left: ExitStack
) -> Opened:
    """The reading that found a header, left open; a workbook is read again only for its later
    sheets."""
    for passing in range(MOST_COVERS + 1):
        try:
            rows = read_rows(file, cancelled=cancelled, passing=passing, in_slices=True)
        except SheetRefused:
            if not passing:
                raise
            break  # no more sheets with content
        left.callback(rows.close)
        header, found = read(rows)
        if header is not None or not (passing or rows.more):
            return rows, header, found
        rows.close()
        if not rows.more:
            break
    rows = left.enter_context(read_rows(file, cancelled=cancelled, in_slices=True))
    return rows, *read(rows)


# --- the template that is always recognized ---

TEMPLATE: Final = (
    Column(TITLES["name"], width=12, required=True),
    Column(TITLES["id_number"], width=22, required=True, note="18位；末位是X的填大写X"),
    Column(TITLES["mobile"], width=14),
    Column(TITLES["bank_card"], width=24, note="互助金发到这张卡"),
    Column(TITLES["bank"], width=22),
    Column(TITLES["sex"], width=6, choices=("男", "女")),
    Column(TITLES["birth"], width=12, note="如 1980-05-06；须与身份证号一致"),
    Column(TITLES["employment"], width=10, choices=("正式", "合同制", "临时", "其他")),
    Column(TITLES["insurance"], width=10, choices=("职工", "居民")),
    Column(TITLES["hired"], width=14, note="如 2010-07-01"),
    Column(TITLES["membership"], width=10, choices=("会员", "非会员")),
    Column(TITLES["remark"], width=20),
)
TEMPLATE_NOTES: Final = (
    "1. 红色列名必填；请勿改动列名。表格已设为文本格式，粘贴时请选“只粘贴数值”。",
    "2. “示例”一行不会被读取，可以保留，也可以删除。",
)
TEMPLATE_EXAMPLE: Final = (
    *("示例：张三", "419999198005060013", "13800000000", "6222000000000000000", "某银行某支行"),
    *("男", "1980-05-06", "合同制", "职工", "2010-07-01", "会员", "此行是示例，系统不读取"),
)
