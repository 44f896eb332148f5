"""The numbers of papers that a year counts in a row: batches, receipts, transfers, files."""

from typing import Any

from peewee import fn


def next_of_year(number: Any, letters: str, year: int, *whose: Any, digits: int = 6) -> str:
    """The number after the last one of a year, FF2024-000012; inside the caller's transaction.

    `number` is the column that they stand in; `whose`, conditions, are among which it counts.
    """
    start = f"{letters}{year}-"
    last = number.model.select(fn.MAX(number)).where(number.startswith(start), *whose).scalar()
    return f"{start}{int(last[-digits:]) + 1 if last else 1:0{digits}d}"
