"""Gifts: some of a roster's people have their fee paid by a city or by a donor."""

from __future__ import annotations

from benchmarks.province.filling import insert
from benchmarks.province.shape import FEW, NOW, Shape
from huigong import models

_OF, _FULL = 40, FEW // 2  # one roster of so many, and in a small office as many as fill a page
_EACH = 1000  # fen a person


def fill_gifts(shape: Shape) -> None:
    """What is asked of somebody, and what was agreed to and is owed."""
    place = shape.first_unit
    latest = [r for r in shape.rosters if r[4] == "approved" and r[3].year == 2024]
    agreed = latest[:: max(1, min(_OF, len(latest) // _FULL))]
    asked = [r for r in shape.rosters if r[4] == "submitted"]

    def row(n: int, roster: tuple[int, ...], stage: str) -> tuple[object, ...]:
        id, unit, _, _, _, people = roster
        by_city, city = n % 2 == 0, shape.city_of[unit]
        judged = stage == "agreed"
        return (n, place + unit, id, "organization" if by_city else "enterprise",
                city if by_city else None, f"演示{city - 1}市总工会" if by_city else "演示公司",
                "演示函", False, _EACH, stage, people, _EACH * people, place + unit, NOW,
                city if judged else None, NOW if judged else None)  # fmt: skip

    rows = [(r, "agreed") for r in agreed] + [(r, "asked") for r in asked]
    insert(models.Gift, "id organization roster kind giver name basis whole each stage people "
           "amount by at decided_by decided_at", (
        row(n, roster, stage) for n, (roster, stage) in enumerate(rows, 1)))  # fmt: skip
    owed = [(len(shape.dues) + n, place + r[1], r, shape.city_of[r[1]], _EACH * r[5])
            for n, r in enumerate(agreed, 1)]  # fmt: skip
    insert(models.Due, "id organization roster carrier payer amount due_on", (
        (id, unit, r[0], "gift", city, fen, r[3]) for id, unit, r, city, fen in owed))  # fmt: skip
    insert(models.DueStanding, "organization due scheme carrier payer receiver due_on amount owing "
           "settled", (
        (unit, id, shape.scheme_of[shape.editions[city][0]], "gift", city, city, r[3], fen, fen,
         False) for id, unit, r, city, fen in owed))  # fmt: skip
