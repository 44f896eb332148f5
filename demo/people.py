"""Made-up people: well-formed IDs under a region code that no place has, labelled 演示."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

from huigong import identity
from huigong.sheets import Column, write_workbook

REGION = "419999"  # unassigned: no living person has such an ID
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = "安宁和平康健明达文清华良欣悦晨曦嘉禾思远若水子墨一诺书言星辰海川"
_BANK = "演示银行示例支行"


@dataclass(frozen=True)
class Person:
    """One made-up employee, as a clerk would type the line."""

    name: str
    id_number: str
    mobile: str
    card: str

    @property
    def sex(self) -> str:
        return "男" if identity.sex(self.id_number) == "male" else "女"


def people(count: int, *, seed: int) -> list[Person]:
    """`count` people of working age, the same ones for the same seed."""
    return list(_people(count, Random(seed), seed))  # noqa: S311 made-up people, not secrets


def _people(count: int, chance: Random, seed: int) -> Iterator[Person]:
    for number in range(count):
        born = date(1968, 1, 1) + timedelta(days=chance.randrange(0, 13_000))
        serial = (seed * 37 + number) % 1000
        given = "".join(chance.sample(_GIVEN, chance.choice((1, 2, 2))))
        yield Person(
            name=f"{chance.choice(_SURNAMES)}{given}",
            id_number=identity.complete_id(f"{REGION}{born:%Y%m%d}{serial:03d}"),
            mobile=f"1990000{seed % 10}{number % 1000:03d}",
            card=_with_luhn(f"999999{seed:04d}{number:08d}"),
        )


def _with_luhn(digits: str) -> str:
    """A card number of a range no bank has, with its check digit."""
    doubled = [int(d) * (2 - at % 2) for at, d in enumerate(reversed(digits))]
    return digits + str(-sum(d // 10 + d % 10 for d in doubled) % 10)


COLUMNS = [
    Column("姓名", width=12),
    Column("身份证号", width=24),
    Column("手机号", width=16),
    Column("银行卡号", width=26),
    Column("开户行", width=24),
    Column("性别", width=8),
    Column("出生日期", width=14),
    Column("用工形式", width=12),
    Column("医保类型", width=26),
    Column("会员身份", width=12),
    Column("备注", width=14),
]


def write_roster(
    path: Path, staff: list[Person], *, wrong: dict[int, dict[str, str]] | None = None
) -> None:
    """A roster file as a unit would send it. `wrong` replaces cells of the row that Excel shows
    under that number: `{12: {"身份证号": "…"}}`."""
    rows = []
    for number, person in enumerate(staff, start=2):
        born = identity.birth_date(person.id_number)
        line = dict(
            zip(
                [column.title for column in COLUMNS],
                [
                    person.name,
                    person.id_number,
                    person.mobile,
                    person.card,
                    _BANK,
                    person.sex,
                    f"{born.year}.{born.month}.{born.day}",
                    "合同制",
                    "职工医保",
                    "会员",
                    "演示",
                ],
                strict=True,
            )
        )
        line.update((wrong or {}).get(number, {}))
        rows.append(list(line.values()))
    write_workbook(path, COLUMNS, rows)


def wrong_check_digit(id_number: str) -> str:
    """The same ID with its last character mistyped."""
    return id_number[:17] + ("0" if id_number[17] != "0" else "1")
