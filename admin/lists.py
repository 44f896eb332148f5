"""Lists in the office: paging and sorting by the query string."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flask import request
from peewee import ModelSelect

PAGE_ROWS = 50
MOST_COUNTED = 10_000  # rows; a longer list is not counted to its end, nor leafed through


@dataclass(frozen=True)
class Waiting:
    """Something that waits for the signed-in user: how many, what, and where."""

    count: int
    words: str
    url: str


class Many(int):
    """More than were counted; a page says so (`共 10000 多 人`)."""

    def __str__(self) -> str:
        return f"{int(self)} 多"


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, its number from 1, and how many rows there are."""

    rows: list[Any]
    number: int
    total: int
    size: int = PAGE_ROWS

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


def page_of(query: "ModelSelect[Any]", *, size: int = PAGE_ROWS) -> Page:
    """The page the query string asks for, kept inside what exists and can be leafed through."""
    total = query.limit(MOST_COUNTED + 1).count()
    if total > MOST_COUNTED:
        total = Many(MOST_COUNTED)
    asked = request.args.get("page", "1")
    number = int(asked) if asked.isdecimal() and len(asked) < 9 else 1
    number = min(max(number, 1), max(1, -(-total // size)))
    return Page(list(query.limit(size).offset((number - 1) * size)), number, total, size)


def ordered(
    query: "ModelSelect[Any]", columns: dict[str, Any], *, default: str
) -> "ModelSelect[Any]":
    """Sort by `?sort=name` or `?sort=-name`, only by the columns a list offers."""
    asked = request.args.get("sort", default)
    if asked.lstrip("-") not in columns:
        asked = default
    column = columns[asked.lstrip("-")]
    return query.order_by(column.desc() if asked.startswith("-") else column.asc())


def here(**changes: Any) -> str:
    """This page's address with its query changed. What a visitor typed into the query stays a
    query: `url_for` would take a key such as `_scheme` as its own."""
    return f"{quote(request.path)}?{urlencode({**request.args.to_dict(), **changes})}"
