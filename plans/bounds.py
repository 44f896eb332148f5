"""What no honest scheme holds, refused before it is read: floats, numbers and texts without
measure, tables within tables without end, characters that cannot be seen or kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MOST_DEPTH = 20  # a band of a table by six facts lies fourteen deep
MOST_ROWS = 60  # of one list; as many as the form of the editor has
MOST_TEXT = 2000  # characters of one text
MOST_WHOLE = 10**15
MOST_FACTS = 6  # that one table is read by; a seventh has never been seen
MOST_CASES = 500  # of one table by facts, each with a row in the form
# controls other than tab and line feed, and what turns the order of writing about
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TOO_DEEP = ("嵌套过深", "一层表里最多再写几层，请照样例写")
TOO_LONG = ("数字过长", "请写实际会用到的数")


class Unfit(NamedTuple):
    """Something that may not stand where it stands: the place, what, the cure; `fatal`: what is
    around it is not read at all."""

    place: str
    message: str
    cure: str
    fatal: bool = True


def unfit(value: Any, place: str = "", depth: int = 0) -> Iterator[Unfit]:
    """Everything in a scheme that is not even looked at, in the order it was written."""
    if depth > MOST_DEPTH:
        yield Unfit(place[:80], *TOO_DEEP)
    elif isinstance(value, float):
        cure = '金额写成 "62.50元"，比例写成 "62.5%"'
        yield Unfit(place, f"有小数 {value}", cure, fatal=False)
    elif isinstance(value, int) and abs(value) > MOST_WHOLE:
        yield Unfit(place, *TOO_LONG)
    elif isinstance(value, str):
        yield from _unreadable(value, place)
    elif isinstance(value, dict):
        for key, below in value.items():
            at = f"{place}.{key}" if place else key
            yield from _unreadable(key, place or "全文")
            yield from unfit(below, at, depth + 1)
    elif isinstance(value, list):
        if len(value) > MOST_ROWS:
            yield Unfit(place, f"有{len(value)}项，最多{MOST_ROWS}项", "请删去或合并几项")
            return
        for n, below in enumerate(value, 1):
            yield from unfit(below, f"{place}[{n}]", depth + 1)


def _unreadable(text: str, place: str) -> Iterator[Unfit]:
    """A text that is too long, or holds what a screen does not show and turns its order about."""
    if len(text) > MOST_TEXT:
        yield Unfit(place, f"文字有{len(text)}个字，最多{MOST_TEXT}个", "请缩短")
    hidden = HIDDEN.search(text)
    if hidden:
        message = f"有看不见的控制字符（U+{ord(hidden[0]):04X}）"
        yield Unfit(place, message, "删去它，重新键入这段文字")
