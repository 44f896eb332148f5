"""Amounts, curves, tables and dates as the prose of docs/schemes.md has them, in fractions."""

from __future__ import annotations

import re
import tomllib
from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,2})?")
IDENTITIES = (  # the settlement of a stay: the whole and its parts
    ("total", ("pooled", "critical", "other_funds", "self")),
    ("self", ("account", "cash")),
    ("self", ("deductible", "coinsurance", "class_b", "over_limit", "out_of_catalogue")),
)
PARTS = {name for whole, parts in IDENTITIES for name in (whole, *parts)} | {"in_scope"}
FIXED = {
    "insurance": ("employee", "resident"),
    "membership": ("member", "non_member"),
    "unit_level": ("city", "county"),
    "employment": ("regular", "contract", "temporary", "other"),
    "place": ("local", "away"),
    "hospital_level": ("1", "2", "3"),
}
LONG = ("term", "year", "life")
FORMS = ("pay", "deductible", "threshold", "cap", "amount", "minimum", "daily", "reviewer_up_to")
ZERO = Fraction(0)


class Unclear(Exception):
    """The prose does not say."""


def load(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def text_of(amount: Fraction) -> str:
    """An amount as the contract writes it, to the fen."""
    fen = amount * 100
    assert fen.denominator == 1, amount
    return f"{fen.numerator // 100}.{fen.numerator % 100:02d}"


def yuan(text: str) -> Fraction:
    return Fraction(text.removesuffix("元"))


def rate(text: str) -> Fraction:
    return Fraction(text.removesuffix("%")) / 100


def number(text: str) -> int:
    found = re.match(r"\d+", text)
    assert found, text
    return int(found[0])


def rounded(amount: Fraction, way: str) -> Fraction:
    """R: to the fen or the yuan, half-up, down or up."""
    unit = Fraction(1) if way.endswith("_yuan") else Fraction(1, 100)
    count = amount / unit
    direction = way.removesuffix("_yuan")
    whole = {
        "half_up": lambda: floor(count + Fraction(1, 2)),
        "down": lambda: floor(count),
        "up": lambda: ceil(count),
    }[direction]()
    return whole * unit


# --- curves ---------------------------------------------------------------------------------


def upper(bound: str) -> Fraction | None:
    """The upper end of a band as it may be written; None is open."""
    if bound in ("以上",) or bound.startswith(">") or bound.endswith("以上"):
        return None
    return yuan(bound.removeprefix("<=").split("-")[-1])


def bands(value: Any, read: Any) -> list[tuple[Fraction | None, Fraction]]:
    pairs = [["以上", value]] if isinstance(value, str) else value
    return [(upper(bound), read(what)) for bound, what in pairs]


def band_of(rows: list[tuple[Fraction | None, Fraction]], s: Fraction) -> Fraction:
    """The value of the band that holds s; an upper bound belongs to its band."""
    return next(value for top, value in rows if top is None or s <= top)


def marginal(rows: list[tuple[Fraction | None, Fraction]], s: Fraction) -> Fraction:
    """Each part of s at the rate of the band in which it lies."""
    floors = [ZERO, *(top for top, _ in rows[:-1])]
    return sum(
        (
            value * max(ZERO, (s if top is None else min(s, top)) - low)
            for low, (top, value) in zip(floors, rows, strict=True)
        ),
        ZERO,
    )


def curve(step: dict[str, Any], form: str, value: Any, s: Fraction) -> Fraction:
    if form == "pay":
        rows = bands(value, rate)
        return s * band_of(rows, s) if step.get("whole") else marginal(rows, s)
    if form == "amount":
        return yuan(value) if isinstance(value, str) else band_of(bands(value, yuan), s)
    limit = yuan(value)
    return {
        "deductible": lambda: max(s - limit, ZERO),
        "threshold": lambda: s if s > limit else ZERO,
        "cap": lambda: min(s, limit),
        "minimum": lambda: max(s, limit),
        "reviewer_up_to": lambda: min(s, limit),
    }[form]()


def allowance(step: dict[str, Any], value: str, days: int) -> Fraction:
    counted = max(days - number(step.get("days_after", "0天")), 0)
    if "days_limit" in step:
        counted = min(counted, number(step["days_limit"]))
    return yuan(value) * counted


def row_of(table: dict[str, Any], value: Any) -> Any:
    """A table's row for a fact: the value itself, or the span of whole numbers that holds it."""
    for key, row in table.items():
        if key == str(value):
            return row
        if not key[0].isdigit() or not isinstance(value, int):
            continue
        low = number(key)
        high = int(key.split("-")[1]) if "-" in key else (10**9 if key.endswith("以上") else low)
        if low <= value <= high:
            return row
    return None


# --- dates ----------------------------------------------------------------------------------


def last_day(scheme: dict[str, Any], cover: date) -> date:
    """The last day of the term that begins on a day."""
    months = cover.month - 1 + number(scheme["term"])
    year, month = cover.year + months // 12, months % 12 + 1
    if cover.day > monthrange(year, month)[1]:  # no such day: the month's last ends the term
        return date(year, month, monthrange(year, month)[1])
    return date(year, month, cover.day) - timedelta(1)


def day_of(value: Any) -> date | None:
    return value if value is None or isinstance(value, date) else date.fromisoformat(value)
