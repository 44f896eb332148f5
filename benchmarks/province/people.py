"""Organizations, their staff, and who works in them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from benchmarks.enrollment import _GIVEN, _SURNAMES
from benchmarks.province.filling import insert
from benchmarks.province.shape import CITY_IDS, FEW, NOW, Shape
from huigong import identity, models, pinyin, vault
from huigong.models import Level, Organization, Role, User

RARE_NAME = "亓官演示"
_TRADES = ("市直", "建工", "纺织", "冶金", "交通", "教育", "卫生", "机电", "食品", "物流")


def fill_organizations(shape: Shape) -> None:
    """The tree of organizations, an account with every role at each, and units that apply."""
    rows = [(1, "演示省总工会", Level.PROVINCE, None, "/1/", None)]
    for number, city in enumerate(CITY_IDS):
        slug = ("zhengzhou", "演示市甲", "演示市乙", "演示市丙")[number]
        rows.append((city, f"演示{number + 1}市总工会", Level.CITY, 1, f"/1/{city}/", slug))
    for city in CITY_IDS:
        for number, id in enumerate(shape.counties_of(city)):
            name = f"演示{city - 1}市第{number + 1}区总工会"
            rows.append((id, name, Level.COUNTY, city, f"/1/{city}/{id}/", None))
    for number, (city, parent) in enumerate(zip(shape.city_of, shape.parents, strict=True)):
        above = f"/1/{city}/" if parent == city else f"/1/{city}/{parent}/"
        id, trade = shape.first_unit + number, _TRADES[number % len(_TRADES)]
        name = f"演示{trade}第{number + 1}公司工会"
        rows.append((id, name, Level.UNIT, parent, f"{above}{id}/", None))
    insert(
        Organization,
        "id name level parent path slug pinyin opened_on",
        ((*row, pinyin.sort_key(row[1]), date(2023, 1, 1 + row[0] % 28)) for row in rows),
    )
    places = range(1, len(rows) + 1)
    staff = ((id, id, f"演示{id}", f"u{id}", NOW) for id in places)
    insert(User, "id organization name login made_at", staff)
    grants = ((id, role, id, date(2023, 1, 1)) for id in places for role in Role)
    numbered = ((n, *grant) for n, grant in enumerate(grants, 1))
    insert(models.Grant, "id user role organization on", numbered)
    applied = ((n, 2 + n % 4, f"演示待登记{n}厂", f"x{n}", "演示", "", "x", "x", NOW)
               for n in range(1, FEW + shape.units // 50))  # fmt: skip
    insert(models.UnitApplication, "id organization name code "
           "contact_name contact_phone proof proof_name "
           "applied_at", applied)  # fmt: skip


def fill_people(shape: Shape) -> None:
    """Members, sealed as the office seals them, and their employment."""
    known = vault.current()

    def members() -> Iterator[tuple[Any, ...]]:
        for unit, size in enumerate(shape.sizes):
            for at in range(size):
                number = shape.starts[unit] + at + 1
                name = name_of(number, shape.dice)
                key, letters = _reading(name)
                born = date.fromordinal(date(1965, 1, 1).toordinal() + number * 7919 % 13_000)
                card = identity.complete_id(f"419999{born:%Y%m%d}{number % 999 + 1:03d}")
                ref = f"{number:032x}"
                sealed = known.seal(card, table="member", column="resident_id", row=ref)
                blind = known.index(f"{card}{number}", kind="id")
                yield (number, shape.first_unit + unit, ref, name, letters, key,
                       identity.sex(card), born, sealed, blind, _tail(card[-4:]))  # fmt: skip

    insert(models.Member, "id organization ref name pinyin sort_key sex born_on resident_id "
           "id_index tail_index", members())  # fmt: skip
    gone = {member: on for member, _, on in _left(shape)}
    employed = (
        (member, shape.first_unit + unit, date(2020, 1, 1), gone.get(member))
        for unit, size in enumerate(shape.sizes)
        for member in range(shape.starts[unit] + 1, shape.starts[unit] + size + 1)
    )
    insert(models.Employment, "member organization from_on to_on", employed)
    insert(models.Leaving, "organization member on reason by at", (
        (shape.first_unit + unit, member, on, "retired", 2, NOW)
        for member, unit, on in _left(shape)))  # fmt: skip


def _left(shape: Shape) -> Iterator[tuple[int, int, date]]:
    """(member, unit's place, last day) of who left: one of forty."""
    for unit, size in enumerate(shape.sizes):
        for at in range(5, size, 40):
            yield shape.starts[unit] + at + 1, unit, date(2024, 10, 1 + at % 28)


def name_of(number: int, dice: random.Random) -> str:
    """A name; the most common surname is borne by seven of a hundred."""
    if number % 50_000 == 1:
        return RARE_NAME
    surname = "王" if dice.random() < 0.07 else dice.choice(_SURNAMES)
    return surname + "".join(dice.choices(_GIVEN, k=dice.choice((1, 2, 2, 2))))


@lru_cache(maxsize=200_000)
def _reading(name: str) -> tuple[str, str]:
    return pinyin.name_key(name), pinyin.initials(name)


@lru_cache(maxsize=20_000)
def _tail(four: str) -> str:
    return models.Member.index_of_tail(four)
