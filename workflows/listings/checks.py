"""What an editor typed, read and checked: all that is wrong at once, beside its field."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from huigong.workflows.listings.kinds import Field, Kind

_LANDLINE: Final = re.compile(r"0\d{2,3}-\d{7,8}(转\d{1,6})?", re.ASCII)
_SERVICE_LINE: Final = re.compile(r"1[02]\d{1,3}|9[56]\d{3,4}|[48]00-\d{3}-\d{4}", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?:\s*[-–—~～至到]\s*(次日)?(\d{1,2}):(\d{2}))?")
_SAYS_WHEN: Final = re.compile(r"\d|全天|预约|上班时间|工作时间")
# A long run of digits; or 18 with gaps between whose seventh to fourteenth are a date of birth.
_LONG_RUN: Final = re.compile(r"(?<![\d.])\d{15,19}[Xx]?(?!\d)", re.ASCII)
_GAPS: Final = re.compile(r"(?<=\d)[ \-·.、_]{1,3}(?=[\dXx])")
_ID_SHAPE: Final = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)",
    re.ASCII,
)
_MOBILE: Final = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)", re.ASCII)
_CHINA: Final = {"longitude": (73.0, 136.0), "latitude": (3.0, 54.0)}


class Wrong(Exception):
    """One field cannot be read; the sentence says what to do."""


@dataclass(frozen=True)
class Setting:
    """What a field is read against: the divisions of the city, and the day it is."""

    divisions: list[str]
    today: date


def read(
    kind: Kind, typed: Mapping[str, str], setting: Setting
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The values of a kind's fields and every fault, as (field, message)."""
    values: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for field in kind.fields:
        try:
            values[field.name] = read_field(field, typed.get(field.name, ""), setting)
        except Wrong as wrong:
            faults.append((field.name, str(wrong)))
    faults += _half_a_place(values)
    return values, faults


def read_field(field: Field, typed: str, setting: Setting) -> Any:
    """One field's value. Raises Wrong."""
    text = _tidy(typed, keep_lines=field.form in ("area", "prose"))
    if not text:
        if field.required:
            verb = "请选择" if field.form in ("choice", "region", "day") else "请填写"
            raise Wrong(f"{verb}{field.label}")
        return None if field.form in ("day", "longitude", "latitude") else ""
    if len(text) > field.longest:
        raise Wrong(f"{field.label}最多{field.longest}个字，现在有{len(text)}个")
    if fault := personal_fault(text):
        raise Wrong(f"{field.label}{fault}")
    return _READERS.get(field.form, _as_typed)(text, field, setting)


def personal_fault(text: str) -> str | None:
    """What in a public text may be a person's number; None when nothing is."""
    plain = unicodedata.normalize("NFKC", text)
    if _LONG_RUN.search(plain) or _ID_SHAPE.search(_GAPS.sub("", plain)):
        return "里有像身份证号或银行卡号的数字，公众内容不能出现，请删去"
    if _MOBILE.search(plain):
        return "里有手机号，公众内容不留个人手机号，请改用带区号的固定电话"
    return None


def _tidy(text: str, *, keep_lines: bool) -> str:
    """Without control characters and outer blanks; a line stays one line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not keep_lines:
        text = " ".join(text.split())
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc").strip()


def _as_typed(text: str, _field: Field, _setting: Setting) -> str:
    return text


def _choice(text: str, field: Field, _setting: Setting) -> str:
    for value, words in field.choices:
        if text in (value, words):
            return value
    raise Wrong(f"{field.label}应为：{'、'.join(words for _, words in field.choices)}")


def _region(text: str, field: Field, setting: Setting) -> str:
    if text not in setting.divisions:
        raise Wrong(f"{field.label}“{text}”不在本市区县之列")
    return text


def _phone(text: str, field: Field, _setting: Setting) -> str:
    number = unicodedata.normalize("NFKC", text).replace(" ", "").replace("—", "-")
    number = re.sub(r"^\(?(0\d{2,3})\)-?", r"\1-", number)
    if not _LANDLINE.fullmatch(number) and not _SERVICE_LINE.fullmatch(number):
        raise Wrong(f"{field.label}要带区号，例如 0371-12345678，或 12351、400-123-4567")
    return number


def _day(text: str, field: Field, setting: Setting) -> date:
    day = read_day(text, field.label)
    if field.name == "verified_on" and day > setting.today:
        raise Wrong(f"{field.label}不能晚于今天（{setting.today}）")
    return day


def read_day(text: str, label: str) -> date:
    """2024-12-16, 2024/12/16, 2024.12.16 or 2024年12月16日. Raises Wrong."""
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text.strip(), re.ASCII)
    try:
        return date(*map(int, found.groups())) if found else date.fromisoformat(text)
    except ValueError:
        raise Wrong(f"{label}应写成 2024-12-16 这样的日期") from None


def _hours(text: str, field: Field, _setting: Setting) -> str:
    plain = text.replace("：", ":")
    if not _SAYS_WHEN.search(plain):
        raise Wrong(f"{field.label}要写明几点到几点，例如 09:00-17:30，或“全天开放”“需预约”")
    for found in _CLOCK.finditer(plain):
        _check_clock(field.label, found)
    return plain


def _check_clock(label: str, found: re.Match[str]) -> None:
    hour, minute, next_day, to_hour, to_minute = found.groups()
    begins = int(hour) * 60 + int(minute)
    ends = int(to_hour) * 60 + int(to_minute) if to_hour else None
    late = max(begins, ends or 0) > 24 * 60
    if late or int(minute) > 59 or int(to_minute or 0) > 59:
        raise Wrong(f"{label}里“{found[0]}”不是正确的钟点")
    if ends is not None and ends <= begins and not next_day:
        raise Wrong(f"{label}“{found[0]}”结束早于开始；跨夜请写“次日”，例如 20:00-次日06:00")


def _coordinate(text: str, field: Field, _setting: Setting) -> float:
    lowest, highest = _CHINA[field.name]
    try:
        degrees = float(unicodedata.normalize("NFKC", text))
    except ValueError:
        raise Wrong(f"{field.label}应为数字，例如 {'113.6' if highest > 90 else '34.7'}") from None
    if not lowest <= degrees <= highest:
        other = _CHINA["latitude" if field.name == "longitude" else "longitude"]
        swapped = "，经度和纬度可能填反了" if other[0] <= degrees <= other[1] else ""
        raise Wrong(f"{field.label}应在 {lowest:g} 到 {highest:g} 之间{swapped}")
    return round(degrees, 6)


def _slug(text: str, field: Field, _setting: Setting) -> str:
    if not _SLUG.fullmatch(text) or len(text) > 40:
        raise Wrong(f"{field.label}只用小写字母、数字和连字符，最多 40 个，例如 huigongbao")
    return text


def _half_a_place(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if "longitude" in values and "latitude" in values:
        for one, other, word in (
            ("longitude", "latitude", "经度"),
            ("latitude", "longitude", "纬度"),
        ):
            if values[one] is None and values[other] is not None:
                yield one, f"填了另一半坐标，请补上{word}，或两个都留空"


_READERS: Final[dict[str, Callable[[str, Field, Setting], Any]]] = {
    "choice": _choice,
    "region": _region,
    "phone": _phone,
    "day": _day,
    "hours": _hours,
    "longitude": _coordinate,
    "latitude": _coordinate,
    "slug": _slug,
}
