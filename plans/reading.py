"""Reading one value of a scheme at a time; every fault is kept, with its place and its cure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, NamedTuple

from huigong.money import parse_yuan, plain
from huigong.plans.curves import span_of_key
from huigong.plans.vocabulary import FACTS, OPEN

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,2})?元")
_RATE = re.compile(r"([0-9]+)(?:\.([0-9]{1,2}))?%")
_COUNT = re.compile(r"([0-9]+)(个月|天|个工作日|人|次)")
MOST = {"个月": 1200, "天": 9999, "个工作日": 9999, "人": 9_999_999, "次": 9999}
MOST_DIGITS = 18  # of a bound or a cap in yuan
MOST_OWED = 15  # of what somebody is to pay or be paid: its fen fit into a column, summed too
YEARS = range(1900, 3000)
_MONEY = r"[0-9]{1,18}(?:\.[0-9]{1,2})?元"
_CLOSED = re.compile(rf"(?:<=|(?P<low>{_MONEY})-)?(?P<high>{_MONEY})")
_OPEN = re.compile(rf"{OPEN}|(?P<low>{_MONEY}){OPEN}|>(?P<above>{_MONEY})")


class Fault(NamedTuple):
    """One thing wrong with a scheme: which file, where in it, what, and how to cure it."""

    file: str
    place: str
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.message}。{self.cure}"


class SchemeRefused(ValueError):
    """A scheme that cannot be loaded, with all its faults at once."""

    def __init__(self, faults: list[Fault]):
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Reader:
    """Reads values and keeps faults; a value that is wrong comes back as None."""

    def __init__(self, file: str):
        self.file = file
        self.faults: list[Fault] = []

    def fault(self, place: str, message: str, cure: str) -> None:
        self.faults.append(Fault(self.file, place, message, cure))

    def known(self, place: str, given: dict[str, Any], keys: tuple[str, ...]) -> None:
        """Every key must be one the format has; the nearest known one is named."""
        for key in given:
            if key not in keys:
                self.unknown(f"{place}.{key}" if place else key, key, keys, "没有这个键")

    def unknown(self, place: str, word: Any, known, message: str) -> None:
        near = get_close_matches(str(word), [str(k) for k in known], 1, 0.5)
        cure = f"是否想写 {near[0]}？" if near else f"可用：{'、'.join(str(k) for k in known)}"
        self.fault(place, f"{message}：{word}", cure)

    def text(self, place: str, value: Any, default: str | None = "") -> str:
        if value is None and default != "":
            return default or ""
        if not isinstance(value, str) or not value.strip():
            self.fault(place, "缺少文字", "请写成带引号的文字")
            return ""
        return value.strip()

    def choice(self, place: str, value: Any, choices) -> Any:
        plain_word = isinstance(value, str | int) and not isinstance(value, bool)
        if not plain_word or value not in choices:
            self.unknown(place, value, list(choices), "没有这个取值")
            return None
        return value

    def flag(self, place: str, value: Any) -> bool:
        if value is not None and not isinstance(value, bool):
            self.fault(place, "须为 true 或 false", "去掉引号，写 true 或 false")
        return value is True

    def names(self, place: str, value: Any, known, message: str) -> list[str]:
        """A list of known words, none twice."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(place, "须为一个列表", '写成 ["…", "…"]')
            return []
        for word in value:
            if not isinstance(word, str) or word not in known:
                self.unknown(place, word, known, message)
        if len({str(word) for word in value}) < len(value):
            self.fault(place, "列表中有重复", "每项只写一次")
        return [word for word in value if isinstance(word, str)]

    def owed(self, place: str, value: Any) -> int | None:
        """An amount that is owed as it stands: a fee, a share, a lump sum, a day's allowance."""
        return self.amount(place, value, MOST_OWED)

    def amount(self, place: str, value: Any, digits: int = MOST_DIGITS) -> int | None:
        if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
            self.fault(place, f"金额写法不对：{value}", '写成带引号、以元结尾的文字，如 "1000元"')
            return None
        if len(value.partition(".")[0].removesuffix("元")) > digits:
            self.fault(place, f"金额过大：{value[:60]}", f"元的整数部分最多{digits}位")
            return None
        return parse_yuan(value.removesuffix("元"))

    def rate(self, place: str, value: Any) -> int | None:
        match = _RATE.fullmatch(value) if isinstance(value, str) else None
        if not match:
            self.fault(place, f"比例写法不对：{value}", '写成带引号的百分数，如 "60%" 或 "62.5%"')
            return None
        points = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))
        if points > 10000:
            self.fault(place, f"比例超过100%：{value}", "比例须在 0% 至 100% 之间")
        return points

    def count(self, place: str, value: Any, units: tuple[str, ...]) -> tuple[int, str]:
        """A number with its unit, such as 12个月 or 10个工作日."""
        match = _COUNT.fullmatch(value) if isinstance(value, str) else None
        if not match or match[2] not in units:
            self.fault(place, f"写法不对：{value}", f'写成带引号的文字，如 "12{units[0]}"')
            return 0, units[0]
        number, unit = int(match[1]), match[2]
        if number > MOST[unit]:
            self.fault(place, f"数字过大：{value[:60]}", f"最多写 {MOST[unit]}{unit}")
            return 0, unit
        return number, unit

    def whole(self, place: str, value: Any) -> int | None:
        if type(value) is not int or value < 0:
            self.fault(place, f"须为不小于零的整数：{value}", "写成不带引号的整数")
            return None
        if value > MOST["次"]:
            self.fault(place, f"数字过大：{value}", f"最多写 {MOST['次']}")
            return None
        return value

    def day(self, place: str, value: Any, required: bool) -> str | None:
        if value is None and not required:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.fault(place, f"须为日期：{value}", "写成不带引号的日期，如 2023-07-01")
            return None
        if value.year not in YEARS:
            cure = "写实际的日期；没有截止日期的不写"
            self.fault(place, f"日期不在{YEARS[0]}年至{YEARS[-1]}年之间：{value}", cure)
            return None
        return value.isoformat()

    def bands(self, place: str, value: Any, leaf: Callable[[str, Any], int | None]) -> list:
        """Rising bands `[[上限, 值], …, ["以上", 值]]`; an upper bound belongs to its band."""
        bands: list[list[int | None]] = []
        lower = 0
        if not isinstance(value, list) or not value:
            self.fault(place, "分段写法不对", '写成 [["1000元", "30%"], ["以上", "50%"]]')
            return []
        for n, pair in enumerate(value):
            at = f"{place}[{n + 1}]"
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
                self.fault(at, "一段须为上限和值两项", '写成 ["1000元", "30%"]')
                continue
            upper = self._upper(at, pair[0], lower)
            if upper is None and n < len(value) - 1:
                self.fault(at, "开口的一段不在最后", f"把“{pair[0]}”移到最后一段")
            bands.append([upper, leaf(at, pair[1])])
            lower = upper or lower
        if bands and bands[-1][0] is not None:
            self.fault(place, "最后一段没有开口", f'在最后加一段 ["{OPEN}", …]，封顶写 "0%"')
        return bands

    def _upper(self, at: str, text: str, lower: int) -> int | None:
        """A band's upper bound in fen (None: open); its lower bound, if written, must join."""
        opened, closed = _OPEN.fullmatch(text), _CLOSED.fullmatch(text)
        if opened:
            self._joins(at, opened["low"] or opened["above"], lower)
            return None
        if not closed:
            self.fault(at, f"分段上限写法不对：{text}", f'写成 "1000元"，最后一段写 "{OPEN}"')
            return None
        self._joins(at, closed["low"], lower)
        upper = parse_yuan(closed["high"])
        if upper <= lower:
            cure = "各段上限须由小到大"
            self.fault(at, f"分段回落：{plain(upper)}元不大于{plain(lower)}元", cure)
        return upper

    def _joins(self, at: str, written: str | None, lower: int) -> None:
        """A lower bound, where it is written, must be the bound of the band below."""
        start = lower if written is None else parse_yuan(written)
        if start != lower:
            word = "有空档" if start > lower else "有重叠"
            join = f"上一段到{plain(lower)}元，这一段从{plain(start)}元"
            self.fault(at, f"分段{word}：{join}", "上限属于本段，下一段从上一段的上限接起")

    def table(self, place: str, by: list[str], value: Any, leaf, grades: dict, years) -> Any:
        """A table by facts with each value exactly once, nested in the order of `by`."""
        if not by or by[0] not in FACTS:
            return leaf(place, value)
        fact = FACTS[by[0]]
        if not isinstance(value, dict):
            self.fault(place, f"按{fact.label}的表没有分项", f"按{fact.label}的每个取值各写一项")
            return {}
        choices = grades if fact.name == "grade" else fact.choices
        if choices:
            self._complete(place, fact, [str(choice) for choice in choices], value)
        else:
            self._tiled(place, fact, value, years)
        return {
            key: self.table(f"{place}.{key}", by[1:], below, leaf, grades, years)
            for key, below in value.items()
        }

    def _complete(self, place: str, fact, choices: list[str], value: dict) -> None:
        for key in value:
            if key not in choices:
                self.unknown(f"{place}.{key}", key, choices, f"{fact.label}没有这个取值")
        for choice in choices:
            if choice not in value:
                self.fault(place, f"按{fact.label}的表缺少 {choice}", f"补上 {choice} 一项")

    def _tiled(self, place: str, fact, value: dict, years: tuple[int, int | None]) -> None:
        """Whole numbers: ranges must cover every value once, from the least to the open end."""
        spans = []
        for key in value:
            try:
                spans.append((*span_of_key(key), key))
            except ValueError:
                cure = "写成 1、2-4 或 5以上"
                self.fault(f"{place}.{key}", f"{fact.label}的写法不对：{key}", cure)
        spans.sort(key=lambda span: span[0])
        low, high = (fact.least, None) if fact.least is not None else years
        earlier = fact.least is None and spans and spans[0][0] < low
        due: int | None = spans[0][0] if earlier else low
        for first, last, key in spans:
            if due is None or first < due:
                self.fault(f"{place}.{key}", f"按{fact.label}的表重复：{key}", "每个值只写一次")
                continue
            if first > due:
                missed = f"{due}" if first - 1 == due else f"{due}-{first - 1}"
                self.fault(place, f"按{fact.label}的表缺少 {missed}", f"补上 {missed} 一项")
            due = None if last is None else last + 1
        if due is not None and (high is None or due <= high):
            self.fault(place, f"按{fact.label}的表缺少 {due}{OPEN}", f"补上 {due}{OPEN} 一项")
