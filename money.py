"""Money: whole fen inside, yuan as text outside. No float ever touches an amount."""

import re
import unicodedata
from typing import Final

_YUAN: Final = re.compile(r"^\d+(\.\d{1,2})?$", re.ASCII)
_GROUPED: Final = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_UNITS: Final = ("", "拾", "佰", "仟")
_GROUPS: Final = ("", "万", "亿")


def parse_yuan(text: str) -> int:
    """Read an amount in yuan (`53417`, `53,417.00`, `6018.6元`) as fen.

    Raises ValueError for anything else: a sign, a third decimal, an exponent.
    """
    plain_text = text.strip().removesuffix("元").strip().replace(",", "").replace("，", "")
    if not _YUAN.match(plain_text):
        raise ValueError(f"“{text}”不是以元为单位、最多两位小数的金额")
    yuan_part, _, fen_part = plain_text.partition(".")
    return int(yuan_part) * 100 + int(fen_part.ljust(2, "0") or "0")


def typed_yuan(text: str) -> int:
    """Read an amount that a person typed, as fen. Full-width digits are digits; a comma counts
    only between thousands: `1,5` is a slip, not fifteen. Raises ValueError with what to write."""
    plain_text = unicodedata.normalize("NFKC", text).strip().removesuffix("元").strip()
    if "," in plain_text and not _GROUPED.fullmatch(plain_text):
        raise ValueError(f"“{text}”中的逗号位置不对，请写成 53417.00 或 53,417.00")
    try:
        return parse_yuan(plain_text)
    except ValueError:
        raise ValueError(f"“{text}”不是金额，请写成 53417.00，最多两位小数") from None


def plain(fen: int) -> str:
    """Fen as yuan for data: `6018.60`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def yuan(fen: int) -> str:
    """Fen as yuan for people: `6,018.60`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def ten_thousands(fen: int) -> str:
    """Fen as 万元 for summaries, two decimals, half up: `48.63万元`."""
    hundredths = (abs(fen) * 2 + 10_000) // 20_000
    return f"{'-' if fen < 0 else ''}{hundredths // 100:,}.{hundredths % 100:02d}万元"


def percent(basis_points: int) -> str:
    """Basis points as a percentage: `60%`, `12.5%`."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def capitals(fen: int) -> str:
    """Fen in the capitals of receipts: 陆仟零壹拾捌元陆角整. Refuses a negative amount."""
    if fen < 0:
        raise ValueError("大写金额不能为负")
    whole, jiao, cent = fen // 100, fen % 100 // 10, fen % 10
    if fen == 0:
        return "零元整"
    text = f"{_whole_in_capitals(whole)}元" if whole else ""
    if not jiao and not cent:
        return text + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif whole:
        text += "零"
    return text + (_DIGITS[cent] + "分" if cent else "整")


def _whole_in_capitals(whole: int) -> str:
    if whole >= 10**12:
        raise ValueError("金额过大，无法大写")
    groups = []
    while whole:
        whole, group = divmod(whole, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in reversed(range(len(groups))):
        group = groups[place]
        if not group:
            gap = True
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _group_in_capitals(group) + _GROUPS[place]
        gap = False
    return text


def _group_in_capitals(group: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _UNITS[place]
        gap = False
    return text
