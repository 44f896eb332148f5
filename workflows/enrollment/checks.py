"""One line of a roster: a person fit to be enrolled, or everything that is wrong with it.

Nothing is guessed or repaired: spaces and full-width forms go, wrong digits come back.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from huigong import identity
from huigong.sheets import Cell, Row
from huigong.workflows.enrollment.columns import TITLES, Header
from huigong.workflows.enrollment.dates import date_in_text, parse_date, serial_date, unclear_date

AS_TEXT: Final = "号码的末几位已被表格软件舍去，请把该列设为文本格式后重新填写"
NOT_TEXT: Final = "单元格是数字格式，" + AS_TEXT

TOO_SHORT: Final = "临时用工到保障开始日聘用不满一年"

INSURANCE: Final = {
    "employee": (
        *("职工", "职工医保", "城镇职工", "城镇职工医保", "城镇职工基本医疗保险"),
        *("职工基本医疗保险", "职工医疗保险", "在职职工", "城职工"),
    ),
    "resident": (
        *("居民", "居民医保", "城乡居民", "城乡居民医保", "城乡居民基本医疗保险"),
        *("城镇居民", "城镇居民医保", "居民基本医疗保险", "新农合"),
    ),
}
EMPLOYMENT: Final = {
    "regular": ("正式", "正式工", "正式职工", "正式员工", "在编", "编制内", "固定工"),
    "contract": (
        "合同制",
        "合同",
        "合同工",
        "合同制职工",
        "劳动合同",
        "劳动合同制",
        "聘用",
        "聘用制",
    ),
    "temporary": ("临时", "临时工", "临时用工", "短期", "短期用工"),
    "other": ("其他", "其它", "劳务派遣", "派遣", "灵活就业"),
}
MEMBERSHIP: Final = {
    "member": ("会员", "是", "工会会员", "已入会", "入会", "y", "yes"),
    "non_member": ("非会员", "否", "不是", "未入会", "n", "no"),
}
GIFTED: Final = {
    "yes": ("是", "赠送", "有", "y", "yes"),
    "no": ("否", "不赠送", "无", "n", "no"),
}
SEX: Final = {
    "male": ("男", "男性", "m", "male"),
    "female": ("女", "女性", "f", "female"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, where: `第12行 身份证号：校验码错误`."""

    row: int
    field: str
    title: str
    message: str

    def __str__(self) -> str:
        return f"第{self.row}行 {self.title}：{self.message}"


class Person(NamedTuple):
    """A clean line: everything normalized, enumerations in the words of the scheme's facts."""

    row: int
    name: str
    id_number: str
    birth: date
    sex: str
    age: int  # whole years on the day cover starts
    mobile: str = ""
    bank_card: str = ""
    bank: str = ""
    employment: str = ""
    insurance: str = ""
    membership: str = ""
    gifted: str = ""
    hired: date | None = None
    remark: str = ""
    proof: str = ""  # "over_age": may be enrolled once the evidence is shown
    warnings: tuple[str, ...] = ()


class Faults(list[Fault]):
    """All that is wrong with a line, in the order of its columns; `id_number` says whose it is
    where that can be read."""

    id_number: str = ""


# What cells say by the name of their column, and what is wrong in which.
Said = tuple[dict[str, object], list[tuple[str, str]]]


class _Wrong(Exception):
    """A cell cannot be taken; the message goes beside it."""


class _Unclear(_Wrong):
    """A date that can be read in two ways."""


@dataclass
class RosterCheck:
    """The checks of one roster, which remembers whom it has seen.

    `ages` is the inclusive range on `cover_from`; with `over_age_proof` somebody older passes with
    `proof="over_age"` instead of a fault. `required` names the fields that may not be blank besides
    name and ID. `epoch` is the base of date serials in the workbook. `unmet` says what a line that
    is faulty anyway does not meet besides, by what could be read of it: (column, message).
    """

    header: Header
    cover_from: date
    ages: tuple[int, int] | None = None
    over_age_proof: bool = False
    required: frozenset[str] = frozenset()
    epoch: int = 1900
    unmet: Callable[[Mapping[str, object]], list[tuple[str, str]]] = lambda known: []

    def __post_init__(self) -> None:
        self.for_show = 0  # made-up people
        self._seen: dict[int, int] = {}
        self._suspects: list[int] = []
        self._rounded = False
        self._also_required = sorted(self.required - {"name", "id_number"})
        columns = self.header.columns
        self._words = [(name, columns[name]) for name in _WORDS if name in columns]
        others = [name for name in _READERS if name not in _WORDS]
        self._optional = [(name, columns[name]) for name in others if name in columns]
        self._said = dict[tuple[Cell, ...], Said]()

    def forget(self) -> None:
        """Forget whom it has seen: the next line may name anybody again."""
        self._seen.clear()

    def check(self, number: int, row: Row) -> Person | Faults:
        """The person on a line, or all its faults."""
        found, wrong = self._in_words(row)
        self._read(found, wrong, "name", row, _read_name)
        self._read(found, wrong, "id_number", row, _read_id)
        self._read_all(found, wrong, row, self._optional)
        for name in self._also_required:
            if not found.get(name) and all(name != field for field, _ in wrong):
                wrong.append((name, "未填写"))
        person = None
        if "id_number" in found:
            person = self._person(number, found, wrong)
        if wrong or person is None:
            return self._faults(number, found, wrong, person)
        return person

    def _faults(
        self,
        number: int,
        found: dict[str, object],
        wrong: list[tuple[str, str]],
        person: Person | None,
    ) -> Faults:
        known = found
        if person is not None:
            known = {**found, "age": person.age, "warnings": person.warnings}
        told = {name for name, _ in wrong}
        wrong += [(name, message) for name, message in self.unmet(known) if name not in told]
        place = self.header.columns
        wrong.sort(key=lambda fault: place.get(fault[0], len(self.header.titles)))
        faults = Faults(Fault(number, name, TITLES[name], message) for name, message in wrong)
        faults.id_number = str(found.get("id_number", ""))
        return faults

    def _in_words(self, row: Row) -> Said:
        """What the columns say that hold one of a few words. Many people are alike in them: what
        was read once is not read again."""
        cells: tuple[Cell, ...] = tuple(
            [row[index] if index < len(row) else "" for _, index in self._words]
        )
        if (said := self._said.get(cells)) is None:
            said = dict[str, object](), list[tuple[str, str]]()
            self._read_all(*said, row, self._words)
            # Only text is kept: to a dict the number 1 is the same as True.
            if len(self._said) < _MOST_SAID and all(isinstance(cell, str) for cell in cells):
                self._said[cells] = said
        found, wrong = said
        return {**found}, [*wrong]

    def _read_all(
        self,
        found: dict[str, object],
        wrong: list[tuple[str, str]],
        row: Row,
        columns: list[tuple[str, int]],
    ) -> None:
        for name, index in columns:
            if index < len(row) and (cell := row[index]) != "":
                try:
                    found[name] = _READERS[name](cell, self.epoch)
                except _Wrong as fault:
                    wrong.append((name, _error_in(cell) or str(fault)))

    def _read(
        self,
        found: dict[str, object],
        wrong: list[tuple[str, str]],
        name: str,
        row: Row,
        reader: Callable[[Cell], str],
    ) -> None:
        index = self.header.columns.get(name, -1)
        cell = row[index] if 0 <= index < len(row) else ""
        try:
            found[name] = reader(cell)
        except _Wrong as fault:
            wrong.append((name, _error_in(cell) or str(fault)))
            self._rounded |= AS_TEXT in str(fault)

    def _person(
        self, number: int, found: dict[str, object], wrong: list[tuple[str, str]]
    ) -> Person:
        """The facts that follow from a valid ID, and whether the rest agrees with it."""
        id_number = str(found["id_number"])
        birth, sex = identity.birth_date(id_number), identity.sex(id_number)
        age = identity.age_on(birth, self.cover_from)
        if (said := found.pop("birth", None)) not in (None, birth):
            wrong.append(("birth", f"{said}与身份证号中的{birth}不一致"))
        if (said := found.pop("sex", None)) not in (None, sex):
            wrong.append(("sex", "与身份证号不一致"))
        proof = self._judge_age(age, wrong)
        key = int(id_number[:17])
        if (earlier := self._seen.setdefault(key, number)) != number:
            wrong.append(("id_number", f"与第{earlier}行重复"))
        warnings = []
        if id_number.endswith("000"):
            self._suspects.append(number)
            warnings.append("身份证号末三位是000，请核对是否被表格软件改动")
        if id_number[:6] not in identity.REGIONS:
            if identity.is_for_show(id_number):
                self.for_show += 1
            elif doubt := identity.region_warning(id_number):
                warnings.append(f"身份证号{doubt}")
        if found.get("employment") == "temporary":
            warnings += self._temporary(found)
        if "bank_card" in found and (doubt := identity.bank_card_warning(str(found["bank_card"]))):
            warnings.append(f"银行卡号{doubt}")
        return Person(
            row=number,
            birth=birth,
            sex=sex,
            age=age,
            proof=proof,
            warnings=tuple(warnings),
            **{"name": "", **found},  # type: ignore[arg-type]
        )

    def _temporary(self, found: dict[str, object]) -> list[str]:
        """A temporary employee counts as one only when hired a year before cover starts."""
        hired = found.get("hired")
        if not isinstance(hired, date):
            return ["临时用工没有写参加工作时间，请核对聘用是否已满一年"]
        if identity.age_on(hired, self.cover_from) >= 1:
            return []
        found["employment"] = "other"
        return [f"{TOO_SHORT}（{hired}起），不作临时职工核对"]

    def _judge_age(self, age: int, wrong: list[tuple[str, str]]) -> str:
        if age < 0:
            wrong.append(("id_number", "出生日期晚于保障开始日"))
        elif self.ages is None:
            return ""
        elif age < self.ages[0]:
            wrong.append(("id_number", f"保障开始日{age}岁，未满{self.ages[0]}岁"))
        elif age > self.ages[1]:
            if self.over_age_proof:
                return "over_age"
            wrong.append(("id_number", f"保障开始日{age}岁，超过{self.ages[1]}岁"))
        return ""

    def late_faults(self) -> list[Fault]:
        """After the last line: IDs ending in 000 are refused where the file has rounded ones.

        One in eleven rounded IDs still fits its check digit; a real one may end so too, and in a
        file without rounding it is only warned of.
        """
        if not self._rounded:
            return []
        return [Fault(row, "id_number", TITLES["id_number"], AS_TEXT) for row in self._suspects]


# --- one cell ---

_ERRORS: Final = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
)
_EXPONENT: Final = re.compile(r"^\d([.]\d+)?[Ee]\+?\d+$")


def _error_in(cell: Cell) -> str:
    """What to say of a cell that holds the error of a formula; "" of any other."""
    if isinstance(cell, str) and cell.strip() in _ERRORS:
        return f"是公式的出错值“{cell.strip()}”，请改正公式，或重新填写成文字"
    return ""


def _read_name(cell: Cell) -> str:
    if not isinstance(cell, str):
        raise _Wrong("应为文字")
    if identity.is_usual_name(cell):
        return cell
    name = identity.normalize_name(cell)
    if fault := identity.name_fault(name):
        raise _Wrong(fault)
    return name


def _read_id(cell: Cell) -> str:
    if not isinstance(cell, str):
        raise _Wrong("应为18位号码" if isinstance(cell, bool | date) else NOT_TEXT)
    if identity.id_fault(cell) is None:
        return cell
    number = identity.normalize_id(cell)
    fault = identity.id_fault(number)
    if fault is None:
        return number
    if _EXPONENT.match(number) or (len(number) == 18 and number.endswith("000")):
        raise _Wrong(AS_TEXT)
    raise _Wrong(fault)


def _digits(cell: Cell) -> str:
    """Text as typed; a number only where it is whole and short enough to have lost nothing."""
    if isinstance(cell, str):
        if _EXPONENT.match(cell.strip()):
            raise _Wrong(AS_TEXT)
        return cell
    if isinstance(cell, bool | date) or not float(cell).is_integer() or cell < 0:
        raise _Wrong("应为数字号码")
    if cell >= 10**15:
        raise _Wrong(NOT_TEXT)
    return str(int(cell))


def _read_mobile(cell: Cell, epoch: int) -> str:
    if isinstance(cell, str) and identity.mobile_fault(cell) is None:
        return cell
    number = identity.normalize_mobile(_digits(cell))
    if fault := identity.mobile_fault(number):
        raise _Wrong(fault)
    return number


def _read_bank_card(cell: Cell, epoch: int) -> str:
    if isinstance(cell, str) and identity.bank_card_fault(cell) is None:
        return cell
    number = identity.normalize_bank_card(_digits(cell))
    if fault := identity.bank_card_fault(number):
        raise _Wrong(fault)
    return number


def _read_text(cell: Cell, epoch: int) -> str:
    text = identity.plain_text(str(cell))[:200]
    if text in _ERRORS:
        raise _Wrong(_error_in(text))
    return text


def _word(words: Mapping[str, tuple[str, ...]]) -> Callable[[Cell, int], str]:
    """A reader of one of a few words, in any of the ways they are written."""
    meaning = {word: value for value, spellings in words.items() for word in spellings}
    choices = "、".join(spellings[0] for spellings in words.values())

    def read(cell: Cell, epoch: int) -> str:
        if cell in meaning:
            return meaning[str(cell)]
        text = re.sub(r"\s", "", identity.plain_text(str(cell))).lower()
        if text and text not in meaning:
            raise _Wrong(f"不认识“{text[:20]}”，请填写：{choices}")
        return meaning.get(text, "")

    return read


# --- dates ---

_DATE_HINT: Final = "应为日期，如1980-05-06"


def _read_date(cell: Cell, epoch: int) -> tuple[date, bool]:
    if isinstance(cell, date):
        return cell, True
    try:
        if isinstance(cell, str):
            return date_in_text(cell, epoch)
        if isinstance(cell, bool):
            raise _Wrong(_DATE_HINT)
        if 1900 <= cell <= 2100 and cell != int(cell):
            raise _Wrong("写成了小数，分不清1月和10月，请写成1980-01或1980-10")
        if cell < 100_000:
            return serial_date(cell, epoch), True
        return parse_date(str(int(cell)))
    except (ValueError, OverflowError):
        if isinstance(cell, str) and (how := unclear_date(cell)):
            raise _Unclear(how) from None
        raise _Wrong(_DATE_HINT) from None


def _read_birth(cell: Cell, epoch: int) -> date:
    try:
        day, exact = _read_date(cell, epoch)
    except _Unclear as unclear:
        raise _Wrong(f"{unclear}；或留空，以身份证号中的为准") from None
    if not exact:
        raise _Wrong("请写到日，如1980-05-06")
    return day


def _read_hired(cell: Cell, epoch: int) -> date:
    """A month alone is how personnel files give it; it counts from the first."""
    return _read_date(cell, epoch)[0]


_WORDS: Final[tuple[str, ...]] = ("bank", "sex", "employment", "insurance", "membership", "gifted")
_MOST_SAID: Final = 10_000
_READERS: Final[dict[str, Callable[[Cell, int], object]]] = {
    "mobile": _read_mobile,
    "bank_card": _read_bank_card,
    "bank": _read_text,
    "sex": _word(SEX),
    "birth": _read_birth,
    "employment": _word(EMPLOYMENT),
    "insurance": _word(INSURANCE),
    "hired": _read_hired,
    "membership": _word(MEMBERSHIP),
    "gifted": _word(GIFTED),
    "remark": _read_text,
}
