"""Moves, corrections, openings, drafts and what the public reads: a few of each."""

from __future__ import annotations

from typing import Any

import peewee

from benchmarks.province.filling import insert
from benchmarks.province.shape import FEW, NOW, TODAY, Shape
from huigong import identity, models, vault
from huigong.workflows import drafting


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
    _fill_drafts(shape)
    _fill_money_back(shape)
    for model, many in (
        (models.Station, 801), (models.Attraction, FEW), (models.Notice, FEW),
        (models.Program, 13), (models.Route, 13),
    ):  # fmt: skip
        _fill_listing(model, many)


def _fill_drafts(shape: Shape) -> None:
    """A draft of each city's next edition."""
    for n in range(4):
        city = 2 + n % 4
        edition = models.Edition.get_by_id(shape.editions[city][1])
        sheet = drafting.sheet_after(edition, TODAY)
        people = {"saved_by": city, "saved_at": NOW}
        draft = models.DraftEdition.create(
            organization=city, basis=edition, name=edition.name, sheet=sheet, writers=[city],
            drafted_by=city, **people,
        )  # fmt: skip
        models.DraftVersion.create(draft=draft, version=1, sheet=sheet, **people)


def _fill_money_back(shape: Shape) -> None:
    """Money that went back to whoever sent it, and payouts that the bank sent back."""
    settled = sum(1 for due in shape.dues if due[6] and due[3] == "unit")
    insert(models.Refund, "id organization line amount refunded_on reason by at", (
        (n, 2 + (settled + n) % 4, settled + n, 100, TODAY, "演示", 2, NOW)
        for n in range(1, FEW // 4)))  # fmt: skip
    insert(models.PayoutReturn, "id organization line payout amount by at", (
        (n, 2 + (settled + n) % 4, settled + n, n, 100, 2, NOW)
        for n in range(FEW // 4, FEW // 2)))  # fmt: skip


def _right_id(n: int) -> bytes:
    number = identity.complete_id(f"41999919800101{n % 999 + 1:03d}")
    return vault.current().seal(
        number, table="id_correction", column="resident_id", row=f"{n:032x}"
    )


def _fill_listing(model: Any, many: int) -> None:
    fields = model._meta.sorted_fields
    insert(model, " ".join(field.name for field in fields), (
        tuple(_listed(model, field, n) for field in fields) for n in range(1, many)))  # fmt: skip


def _listed(model: Any, field: Any, n: int) -> Any:
    given = {"id": n, "organization": 2 + n % 4, "name": f"示例{n}", "pinyin": f"shi4 {n:04d}",
             "kind": "workday" if model is models.Route else "爱心驿站", "region": "示例区",
             "slug": f"shili-{n}", "body": "示例", "html": "<p>示例</p>",
             "updated_on": TODAY}  # fmt: skip
    if field.name in given:
        return given[field.name]
    if field.default is not None:
        return field.default() if callable(field.default) else field.default
    return None if field.null else TODAY if isinstance(field, peewee.DateField) else ""
