"""Claims with their stays and papers, decisions and payouts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from benchmarks.province.filling import insert
from benchmarks.province.shape import CITY_IDS, FEW, NOW, TODAY, Shape
from huigong import models


def fill_claims(shape: Shape) -> None:
    """Claims in every stage, most of them decided long ago."""
    place, told = shape.first_unit, json.dumps([])
    covers = dict(  # a member's first cover
        models.Enrollment.select(models.Enrollment.member, models.Enrollment.id)
        .where(models.Enrollment.id <= shape.members).tuples()
    )  # fmt: skip
    rows = [(*row[:3], covers.get(row[1], 1), *row[4:]) for row in shape.claims]
    insert(models.Claim, "id organization member enrollment "
           "number facts stage filed_by filed_on "
           "promised_on first_reviewer computed", (
        (id, place + unit, member, cover, f"SL2024-{id:06d}", "{}", stage, place + unit, filed,
         filed + timedelta(14), None if stage in ("filed", "returned") else 3, 1000_00 + id)
        for id, member, unit, cover, stage, filed in rows))  # fmt: skip
    amounts = json.dumps({"in_scope": 1003100, "total": 5341700})
    insert(models.Stay, "claim number hospital hospital_level place admitted discharged days "
           "amounts", (
        (id, 1, "演示医院", 3, "local", filed - timedelta(20), filed - timedelta(10), 10,
         amounts) for id, *_, filed in rows))  # fmt: skip
    decided = [row for row in rows if row[4] in ("approved", "refused", "paid")]
    insert(models.Decision, "id organization claim verdict "
           "computed amount explanation plan_hash by "
           "on filed_by first_reviewer", (
        (id, place + unit, id, "refuse" if stage == "refused" else "approve", 100_00, 100_00,
         told, "x", 2, filed + timedelta(9), place + unit, 3)
        for id, _, unit, _, stage, filed in decided))  # fmt: skip
    insert(models.ClaimEvent, "claim kind by on at", (
        (id, kind, by or place + unit, filed, NOW)
        for id, _, unit, _, stage, filed in rows
        for kind, by in (("filed", 0), ("reviewed", 3), (stage, 2))))  # fmt: skip
    insert(models.Document, "organization claim kind name file size sha256 by at", (
        (place + unit, id, "settlement", "结算单.pdf", f"d{id}", 1, "x", place + unit, NOW)
        for id, _, unit, *_ in rows))  # fmt: skip
    _reconsidered(shape, rows)
    _payouts(shape, [row for row in rows if row[4] == "paid"])


def _reconsidered(shape: Shape, rows: list[tuple[Any, ...]]) -> None:
    """Decisions that were revoked: one of a unit's first claim and of every hundredth; and those
    that somebody asks to revoke, one of twenty of the claims that are not paid yet."""
    met: set[int] = set()
    revoked = [row for row in rows if row[0] % 100 == 1 or not (row[2] in met or met.add(row[2]))]
    asked = [row for row in rows if row[4] == "approved" and row[0] % 20 == 0]
    place, many = shape.first_unit, len(revoked)
    insert(models.Reconsideration, "id claim reason asked_by asked_at stage answer decided_by "
           "decided_at", (
        *((n, row[0], "演示", place + row[2], NOW, "granted", "演示", 2, NOW)
          for n, row in enumerate(revoked, 1)),
        *((n, row[0], "演示", place + row[2], NOW, "open", "", None, None)
          for n, row in enumerate(asked, many + 1))))  # fmt: skip
    insert(models.RevokedDecision, "reconsideration claim number attempt organization verdict "
           "computed amount reason explanation plan_hash by on filed_by first_reviewer", (
        (n, row[0], len(rows) + n, 1, place + row[2], "approve", 100_00, 100_00, "", "[]", "x", 2,
         row[5] + timedelta(9), place + row[2], 3)
        for n, row in enumerate(revoked, 1)))  # fmt: skip


def _payouts(shape: Shape, paid: list[tuple[Any, ...]]) -> None:
    """A batch of forty of each city, and more of forty or, in a small office, of fewer."""
    cities = len(CITY_IDS)
    full = 40 * cities
    each = max(1, min(40, (len(paid) - full) // FEW))
    batches = [1 + n // 40 if n < full else 1 + cities + (n - full) // each
               for n in range(len(paid))]  # fmt: skip
    insert(models.PayoutBatch, "id organization number stage "
           "made_by made_on released_by released_on", (
        (n, 2 + n % 4, f"FF{n:06d}", "released" if n % 30 else "made", 2, TODAY,
         3 if n % 30 else None, TODAY if n % 30 else None)
        for n in range(1, batches[-1] + 4)))  # fmt: skip
    insert(models.Payout, "ref organization batch claim key amount payee card stage", (
        (f"{n:032x}", shape.first_unit + row[2], batches[n], row[0], f"claim:{row[0]}:1", 100_00,
         "演示", b"", "paid" if batches[n] % 30 else "pending")
        for n, row in enumerate(paid)))  # fmt: skip
