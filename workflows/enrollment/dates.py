"""Dates as people write them in workbooks. Nothing is guessed: what may be two dates is told."""

import re
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from huigong import identity

_DATE: Final = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月?)|(\d{2})(\d{2})?)"
    r"(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?"
)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: \d{1,2}:\d{2}.*)?")
_SHORT_YEAR: Final = re.compile(r"\d{1,2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?")
_SERIAL: Final = re.compile(r"\d{4,5}")


def parse_date(text: str) -> tuple[date, bool]:
    """A date as people write it, and whether the day was given (1980年5月 has none).

    Knows 1980-05-06, 1980/5/6, 1980.5.6, 1980年5月6日, 19800506, each with a time behind it or
    full-width. Raises ValueError for anything else, two-digit years among it.
    """
    match = _DATE.fullmatch(_plain_date(text))
    if not match:
        raise ValueError(text)
    year, month, day, short_month, short_day = match.groups()
    month, day = month or short_month, day or short_day
    return date(int(year), int(month), int(day or 1)), day is not None


def _plain_date(text: str) -> str:
    plain = re.sub(r"\s*([-/.年月日])\s*", r"\1", identity.plain_text(text).replace("。", "."))
    return plain.lstrip("'‘’").replace("－", "-").replace("／", "/").replace("．", ".")


def unclear_date(text: str) -> str:
    """How to write a date whose text can be read in two ways, or has its year behind or short;
    "" where it is neither. Nothing is guessed: 05/06/1980 is May in one country and June in
    another."""
    plain = _plain_date(text)
    if _SHORT_YEAR.fullmatch(plain):
        return f"“{plain}”的年份要写四位，如1980-05-06"
    if not (match := _YEAR_LAST.fullmatch(plain)):
        return ""
    one, two, year = map(int, match.groups())
    days = []
    for month, day in dict.fromkeys(((one, two), (two, one))):
        with suppress(ValueError):
            days.append(date(year, month, day).isoformat())
    if len(days) == 1:
        return f"“{plain}”的年份要写在前面，如{days[0]}"
    return f"“{plain}”分不清月和日，请写成{'或'.join(days)}" if days else ""


def serial_date(serial: float, epoch: int) -> date:
    """The date of a serial number in a workbook that counts from 1900 or 1904."""
    if serial < 1:
        raise ValueError(serial)
    start = date(1904, 1, 1) if epoch == 1904 else date(1899, 12, 30)
    return start + timedelta(days=int(serial))


@lru_cache(maxsize=65_536)
def date_in_text(text: str, epoch: int) -> tuple[date, bool]:
    """As `parse_date`; a text of four or five digits that is no year is a serial number."""
    digits = text.strip()
    if _SERIAL.fullmatch(digits) and not 1900 <= int(digits) <= 2100:
        return serial_date(int(digits), epoch), True
    return parse_date(text)
