"""Dues, bank statements, payments, receipts, transfers and other income."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from benchmarks.province.filling import insert
from benchmarks.province.shape import CITIES, CITY_IDS, FEW, NOW, TODAY, Shape
from huigong import models


def fill_money(shape: Shape) -> None:
    """What is owed, what came in of it, and what nobody has assigned yet."""
    place = shape.first_unit
    insert(models.Due, "id organization roster carrier payer amount due_on", (
        (id, place + unit, roster, carrier, shape.payer(unit, carrier), fen, day)
        for id, roster, unit, carrier, fen, day, _ in shape.dues))  # fmt: skip
    insert(models.DueStanding, "organization due scheme carrier payer receiver due_on amount owing "
           "settled", (
        (place + unit, id, shape.scheme_of[shape.editions[shape.city_of[unit]][0]], carrier,
         shape.payer(unit, carrier), shape.city_of[unit], day, fen,
         0 if paid else fen, paid)
        for id, _, unit, carrier, fen, day, paid in shape.dues))  # fmt: skip
    banks = {city: city - 1 for city in CITY_IDS}
    months = max(FEW // len(CITIES), shape.units // 100)
    insert(models.Statement, "id organization bank file file_name stage lines amount by at", (
        (number * len(CITIES) + banks[city], city, "示例银行", "x", "对账单.xlsx", "imported",
         100, 1, city, NOW)
        for number in range(months) for city in banks))  # fmt: skip
    paid = [due for due in shape.dues if due[6] and due[3] == "unit"]
    open_lines = max(FEW, shape.units // 10)
    insert(models.StatementLine, "id ref organization statement "
           "number received_on amount payer_name "
           "remark reference key stage", (
        *((n, f"{n:032x}", shape.city_of[due[2]],
           n % months * len(CITIES) + banks[shape.city_of[due[2]]], n, due[5], due[4],
           f"演示第{due[2] + 1}公司", "参保费", f"R{n}", f"l{n}", "settled")
          for n, due in enumerate(paid, 1)),
        *((n, f"{n:032x}", 2 + n % 4, 1 + n % 4, n, TODAY, 4500 + n, "演示不明付款人", "",
           f"R{n}", f"l{n}", "open")
          for n in range(len(paid) + 1, len(paid) + 1 + open_lines))))  # fmt: skip
    lines = {due[0]: n for n, due in enumerate(paid, 1)}
    insert(models.Payment, "id organization due amount received_on "
           "bank_reference key line by at", (
        (id, place + unit, id, fen, day, f"R{id}", f"p{id}", lines.get(id), 2, NOW)
        for id, _, unit, _, fen, day, done in shape.dues if done))  # fmt: skip
    _receipts(shape)
    _incomes(shape)


def _receipts(shape: Shape) -> None:
    owing = {due[1] for due in shape.dues if not due[6]}
    done = [
        r
        for r in shape.rosters
        if r[4] == "approved" and r[0] not in owing and r[0] % shape.unreceipted
    ]
    insert(models.Receipt, "id organization roster issuer number key amount by on", (
        (n, shape.first_unit + r[1], r[0], shape.city_of[r[1]], f"SJ{r[3].year}-{n:06d}",
         f"{r[0]}:1", r[5] * 7500, 2, r[3]) for n, r in enumerate(done, 1)))  # fmt: skip
    _transfers(shape, [r for r in done if r[3].year == 2023 and r[0] % 2])


def _transfers(shape: Shape, moved: list[Any]) -> None:
    """Each scheme's transfers of the year before: half of its rosters in the first, the others a
    few a month."""
    many = max(FEW, shape.units // 60)
    items: dict[int, list[Any]] = {n: [] for n in range(1, many + 1)}
    for at, roster in enumerate(moved):
        city = shape.city_of[roster[1]] - CITY_IDS[0]
        turn = 0 if at % 2 else at * 7919 % (many // len(CITIES))
        items[1 + city + turn * len(CITIES)].append(roster)
    insert(models.Transfer, "id organization scheme month number amount transferred_on "
           "bank_reference by at", (
        (n, 2 + (n - 1) % 4, 1 + (n - 1) % 4, f"2023-{8 + n % 5:02d}", f"ZK{n}",
         sum(r[5] for r in rosters) * 7500 or 100, TODAY, "x", 2, NOW)
        for n, rosters in items.items()))  # fmt: skip
    insert(models.TransferItem, "transfer roster amount", (
        (n, r[0], r[5] * 7500) for n, rosters in items.items() for r in rosters))  # fmt: skip


def _incomes(shape: Shape) -> None:
    many = range(1, max(FEW, shape.units // 4))
    insert(models.Income, "id organization kind giver amount received_on key by at", (
        (n, 2 + n % 4, "donation", "演示公司", 100_00, TODAY - timedelta(n % 700), f"i{n}", 2,
         NOW) for n in many))  # fmt: skip
    insert(models.Reminder, "organization receiver way dues amount by on", (
        (shape.first_unit + n % shape.units, 2 + n % 4, "phone", 1, 100, 2, TODAY)
        for n in many))  # fmt: skip
    insert(models.TopUp, "organization scheme amount from_on to_on by at", (
        (2 + n % 4, 1 + n % 4, 1000, date(2023, 7, 1), date(2024, 6, 30), 2, NOW)
        for n in range(max(FEW, shape.units // 100))))  # fmt: skip
