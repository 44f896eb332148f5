"""Moves, corrections, openings and stations: a few of each."""

from __future__ import annotations

from typing import Any

import peewee

from benchmarks.province.filling import insert
from benchmarks.province.shape import FEW, NOW, TODAY, Shape
from huigong import identity, models, vault


def fill_rest(shape: Shape) -> None:
    """What no list has many of."""
    place, few = shape.first_unit, max(FEW, shape.units // 8)
    insert(models.Relocation, "id organization member source target on stage", (
        (n, shape.city_of[n % shape.units], n, place + n % shape.units,
         place + (n + 1) % shape.units, TODAY, "asked" if n % 9 == 0 else "done")
        for n in range(1, few)))  # fmt: skip
    insert(models.IdCorrection, "id ref organization member resident_id id_index reason proof "
           "proof_name asked_by asked_at stage decided_by decided_on", (
        (n, f"{n:032x}", place + shape.unit_of(n), n, _right_id(n), f"{n}", "演示", "x", "x",
         place + shape.unit_of(n), NOW,
         *(("asked", None, None) if n % 9 == 0 else ("approved", 2, TODAY)))
        for n in range(1, few)))  # fmt: skip
    insert(models.Opening, "id organization kind file file_name sha256 by at", (
        (n, 2 + n % 4, "covers", "x", "x", "x", 2, NOW) for n in range(1, FEW)))  # fmt: skip
    many = range(1, 801)
    insert(models.Station, " ".join(f.name for f in models.Station._meta.sorted_fields), (
        tuple(_station(field, n) for field in models.Station._meta.sorted_fields)
        for n in many))  # fmt: skip


def _right_id(n: int) -> bytes:
    number = identity.complete_id(f"41999919800101{n % 999 + 1:03d}")
    return vault.current().seal(
        number, table="id_correction", column="resident_id", row=f"{n:032x}"
    )


def _station(field: Any, n: int) -> Any:
    given = {"id": n, "organization": 2 + n % 4, "name": f"示例站{n}", "pinyin": f"shi4 {n:04d}",
             "kind": "爱心驿站", "region": "示例区", "updated_on": TODAY}  # fmt: skip
    if field.name in given:
        return given[field.name]
    if field.default is not None:
        return field.default() if callable(field.default) else field.default
    return None if field.null else TODAY if isinstance(field, peewee.DateField) else ""
