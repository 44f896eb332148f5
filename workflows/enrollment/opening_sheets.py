"""The three workbooks of a city that starts in mid-life: covers, payments and paid claims, read
into rows or into everything that is wrong with which row. Reads the database, writes nothing."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from huigong import identity, money, rules, sheets
from huigong.models import Edition, Opening, Organization
from huigong.plans.vocabulary import CARRIERS, FACTS, PARTS
from huigong.refusals import Refused
from huigong.sheets import Cell, Column, Row
from huigong.workflows.enrollment.columns import TEMPLATE, plain_title
from huigong.workflows.enrollment.dates import parse_date, serial_date, unclear_date
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.schemes import plan_of

PERSON: Final = [column.title for column in TEMPLATE if column.title != "备注"]
COVER: Final = ("单位", "计划编号", "保障开始日", "自筹由谁承担", "是否续保", "原凭证号")
PAYMENT: Final = ("单位", "计划编号", "保障开始日", "承担方", "金额", "到账日期", "流水号")
CLAIM: Final = (
    *("原申领号", "身份证号", "计划编号", "保障开始日", "申领日期", "决定日期", "支付日期"),
    *("互助金", "事项", "等级", "医院", "医院等级", "就医地", "入院日期", "出院日期"),
)
REST_BY: Final = {"单位": "unit", "单位承担": "unit", "个人": "person", "职工个人承担": "person"}
YES: Final = {
    "是": True,
    "续保": True,
    "y": True,
    "否": False,
    "新参保": False,
    "n": False,
    "": False,
}
CARRIER_OF: Final = {
    "省": "province", "市": "city", "县": "county", "县区": "county",
    "单位": "unit", "个人": "person",
    **{words: carrier for carrier, words in CARRIERS.items()},
}  # fmt: skip
PLACE: Final = {"本地": "local", "本地就医": "local", "外地": "away", "转外地就医": "away"}
LEVEL: Final = {"一级": 1, "二级": 2, "三级": 3, "1": 1, "2": 2, "3": 3}
_AMOUNTS: Final = dict(PARTS)
MOST: Final = 500_000
MOST_CERTIFICATE: Final = 40  # characters of an old certificate's number

KINDS: Final = {"covers": "参保", "payments": "到账", "claims": "已付申领"}
TITLES: Final = {
    "covers": [*COVER, *PERSON],
    "payments": [*PAYMENT],
    "claims": [*CLAIM, *PARTS.values()],
}
NEEDED: Final = {
    "covers": (*COVER[:3], "姓名", "身份证号"),
    "payments": (*PAYMENT[:6],),
    "claims": (*CLAIM[:8],),
}


Faults = list[tuple[int, str]]  # (row, what is wrong)


def prefix_of(opening: Opening | None) -> str:
    """What the numbers of an opening's rosters and payments begin with; what nothing begins with
    while it is not kept."""
    return f"QC{opening.id:04d}-" if opening else "QC----"


class Wrong(Exception):
    """A cell cannot be taken; the message goes beside its row."""


class Together:
    """Several questions to one row, so that all that is wrong with it is said at once."""

    def __init__(self) -> None:
        self._wrong: list[str] = []

    def ask(self, question: Callable[..., Any], *about: Any) -> Any:
        """The answer, or None where it is wrong; `settle` tells. What hangs on a wrong answer is
        not asked."""
        try:
            return None if any(one is None for one in about) else question(*about)
        except Wrong as wrong:
            self._wrong.append(str(wrong))
            return None

    def settle(self) -> None:
        """Raise what was wrong with the answers so far."""
        if self._wrong:
            raise Wrong("；".join(self._wrong))


@dataclass
class Line:
    """A row of a workbook by title, its number as Excel shows it, and the sheet's date base."""

    number: int
    cells: dict[str, Cell]
    epoch: int

    def text(self, title: str) -> str:
        cell = self.cells.get(title, "")
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return identity.plain_text(str(cell)).strip()

    def day(self, title: str) -> date:
        cell = self.cells.get(title, "")
        try:
            if isinstance(cell, date):
                return cell
            if isinstance(cell, int | float) and not isinstance(cell, bool) and cell < 100_000:
                return serial_date(cell, self.epoch)
            return parse_date(self.text(title))[0]
        except (ValueError, OverflowError):
            how = unclear_date(self.text(title)) or "应为日期，如2024-07-01"
            raise Wrong(f"{title}：{how}") from None

    def fen(self, title: str) -> int:
        try:
            return money.typed_yuan(self.text(title))
        except (ValueError, Refused):
            raise Wrong(f"{title}：应为金额（元），如80.00") from None

    def word(self, title: str, words: dict[str, Any], default: str = "") -> Any:
        said = self.text(title) or default
        if said not in words:
            raise Wrong(f"{title}：不认识“{said[:20]}”，请填写：{'、'.join(list(words)[:6])}")
        return words[said]

    def certificate(self) -> str:
        """The number that a cover had before, or "" where it had none."""
        cell = self.cells.get("原凭证号", "")
        if isinstance(cell, float) and abs(cell) >= 10**15:
            raise Wrong("原凭证号：单元格是数字格式，末几位已丢失，请设为文本格式后重新填写")
        number = self.text("原凭证号").replace(" ", "").upper()
        if len(number) > MOST_CERTIFICATE:
            raise Wrong(f"原凭证号：最多{MOST_CERTIFICATE}字")
        return number

    def number_of_id(self) -> str:
        cell = self.cells.get("身份证号", "")
        if not isinstance(cell, str):
            raise Wrong("身份证号：单元格是数字格式，请设为文本格式后重新填写")
        number = identity.normalize_id(cell)
        if fault := identity.id_fault(number):
            raise Wrong(f"身份证号：{fault}")
        return number


@dataclass
class Places:
    """The units and editions that a city's workbook may name, each looked up once."""

    city: Organization
    _units: dict[str, Organization] = field(default_factory=dict)
    _editions: dict[str, Edition] = field(default_factory=dict)

    def unit(self, line: Line) -> Organization:
        said = line.text("单位")
        if said not in self._units:
            inside = Organization.within(self.city.path) & (Organization.level == "unit")
            named = (Organization.name == said) | (Organization.code == said.upper())
            found = list(Organization.select().where(inside, named).limit(2))
            if len(found) != 1:
                several = "有几个同名的单位，请填写统一社会信用代码"
                raise Wrong(f"单位：{several if found else f'没有“{said[:30]}”，请先建立这个单位'}")
            self._units[said] = found[0]
        return self._units[said]

    def edition(self, line: Line) -> Edition:
        said = line.text("计划编号")
        if said not in self._editions:
            found = Edition.get_or_none(
                Edition.code == said,
                Edition.stage == "published",
                Edition.organization << self.city.lineage,
            )
            if found is None:
                raise Wrong(f"计划编号：没有“{said[:40]}”，请先发布这个计划")
            plan_of(found)
            self._editions[said] = found
        return self._editions[said]

    def cover_from(self, line: Line, edition: Edition) -> date:
        day = line.day("保障开始日")
        if not edition.enrolls_on(day):
            raise Wrong(f"保障开始日：{day}不在“{edition.name}”的参保期内")
        return day


def lines(file: sheets.Source, kind: str) -> Iterator[Line]:
    """The rows of a workbook below its header. Refuses (`file`) what is no such workbook."""
    try:
        with sheets.read_rows(file) as rows:
            stream = iter(rows)
            places = _header(stream, kind)
            for count, (number, row) in enumerate(stream):
                if count >= MOST:
                    raise Refused("file", f"一次最多{MOST}行，请分成几份")
                cells = {title: row[at] for title, at in places.items() if at < len(row)}
                if any(str(cell).strip() for cell in cells.values()) and not _sample(row):
                    yield Line(number, cells, rows.epoch)
    except sheets.SheetRefused as refused:
        raise Refused("file", str(refused)) from refused


def _header(stream: Iterable[tuple[int, Row]], kind: str) -> dict[str, int]:
    known = {plain_title(title): title for title in TITLES[kind]}
    for number, row in stream:
        places = {
            known[title]: at for at, cell in enumerate(row) if (title := plain_title(cell)) in known
        }
        if len(places) >= 3:
            absent = [title for title in NEEDED[kind] if title not in places]
            if absent:
                raise Refused("file", f"缺少“{'”“'.join(absent)}”列，请用本页的模板")
            return places
        if number > 10:
            break
    raise Refused("file", "没有找到表头，请用本页的模板")


def _sample(row: Row) -> bool:
    first = next((str(cell) for cell in row if str(cell).strip()), "")
    return first.lstrip("（(").startswith("示例")


def each(
    file: sheets.Source, kind: str, read: Callable[[Line], Any], told: Told = quiet
) -> tuple[list[Any], Faults]:
    """What `read` makes of every row, and what is wrong with which row. Refuses an empty one."""
    found, faults = [], []
    for count, line in enumerate(lines(file, kind)):
        if count % 200 == 0:
            told("check", line.number, 0)
        try:
            found.append(read(line))
        except Wrong as wrong:
            faults.append((line.number, str(wrong)))
        except Refused as refused:
            faults.append((line.number, str(refused)))
    if not found and not faults:
        raise Refused("file", "表里没有内容，请在表头下面填写后再上传")
    return found, faults


def template_columns(kind: str) -> list[Column]:
    """The columns of a kind's template."""
    needed = set(NEEDED[kind])
    return [Column(title, width=14, required=title in needed) for title in TITLES[kind]]


def stay_of(line: Line) -> dict[str, Any]:
    """One stay of a paid claim: dates, facts and the parts of its settlement that are given."""
    stay: dict[str, Any] = {
        "admitted": line.day("入院日期"),
        "discharged": line.day("出院日期"),
        "hospital": line.text("医院"),
    }
    if stay["discharged"] < stay["admitted"]:
        raise Wrong("出院日期：早于入院日期")
    if line.text("就医地"):
        stay["place"] = line.word("就医地", PLACE)
    if line.text("医院等级"):
        stay["hospital_level"] = line.word("医院等级", LEVEL)
    for name, title in _AMOUNTS.items():
        if line.text(title):
            stay[name] = line.fen(title)
    if misses := rules.check_settlement(stay):
        raise Wrong(misses[0].message)
    return stay


def known_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Only what a scheme can read of a person."""
    return {
        name: value for name, value in facts.items() if name in FACTS and value not in ("", None)
    }
