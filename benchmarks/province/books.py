"""The ledger and the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from benchmarks.province.filling import insert
from benchmarks.province.shape import NOW, Shape
from huigong import database, migrations, models


def fill_books(shape: Shape) -> None:
    """A journal for whatever was owed, paid or awarded, and the log of deeds."""
    insert(models.Journal, "id key organization on text by at", (
        (n, key, place, on, text, 2, NOW)
        for n, (key, place, _, on, text, _, _) in enumerate(_booked(shape), 1)))  # fmt: skip
    insert(models.Posting, "journal account scheme amount", (
        (n, account, scheme, sign * fen)
        for n, (_, _, scheme, _, _, accounts, fen) in enumerate(_booked(shape), 1)
        for account, sign in zip(accounts, (1, -1), strict=True)))  # fmt: skip
    deeds = ("sign in", "upload roster", "submit roster", "record payment", "file claim")
    many = shape.members // 2
    insert(models.AuditEvent, "organization at by deed subject previous hash", (
        (unit := shape.first_unit + n * 7919 % shape.units,
         datetime.combine(date(2023, 7, 1), time()) + timedelta(days=n * 530 // many), unit,
         deeds[n % len(deeds)], f"Roster:{n}", f"{n - 1}", f"{n}")
        for n in range(many)))  # fmt: skip


def _booked(shape: Shape) -> Iterator[tuple[str, int, int, date, str, tuple[str, str], int]]:
    """(key, organization, scheme, on, text, debit and credit, fen) of every journal."""
    place = shape.first_unit
    scheme = [shape.scheme_of[shape.editions[city][0]] for city in shape.city_of]
    for id, roster, unit, _, fen, day, paid in shape.dues:
        yield (f"due:{id}:raised", place + unit, scheme[unit], day, f"名册#{roster} 应收",
               ("receivable", "contributions"), fen)  # fmt: skip
        if paid:
            yield (f"payment:{id}:received", place + unit, scheme[unit], day,
                   f"名册#{roster} 到账", ("bank", "receivable"), fen)  # fmt: skip
    for id, _, unit, _, stage, filed in shape.claims:
        if stage in ("approved", "paid"):
            yield (f"claim:{id}:award", place + unit, scheme[unit], filed, f"申领#{id} 核定",
                   ("benefits", "payable"), 100_00)  # fmt: skip
        if stage == "paid":
            yield (f"payout:{id}:paid", place + unit, scheme[unit], filed, f"申领#{id} 发放",
                   ("payable", "bank"), 100_00)  # fmt: skip


def fill_caches() -> None:
    """What deeds keep beside the facts, as the migrations that brought it fill it."""
    dialect = "sqlite" if database.is_sqlite() else "postgresql"
    for name in ("0003_lists", "0008_found", "0012_untransferred"):
        script = (migrations.FOLDER / f"{name}.{dialect}.sql").read_text()
        for statement in script.split(";;\n"):
            if "INSERT INTO" in statement and "_before" not in statement:
                database.db.execute_sql(statement)
