"""Rosters, members and enrollments for tests, made by the deeds themselves.

Everybody is made up: their IDs carry 419999, a region that no place has.
"""

import io
import itertools
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import FILES, NOW, a_city, a_county, a_unit, a_user
from builders_schemes import a_published_edition

from huigong import identity, uploads
from huigong.models import Edition, Enrollment, Level, Organization, Role, Roster, User
from huigong.sheets import Column, write_workbook
from huigong.uploads import Kept
from huigong.workflows import enrollment
from huigong.workflows.enrollment.columns import TEMPLATE

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严金魏陶姜"
_GIVEN = ("建国", "秀英", "磊", "敏", "志强", "丽娟", "洋", "桂芳", "浩然", "晓梅", "军", "雪")
_numbers = itertools.count(1)
BEFORE_PUYANG = NOW  # 2024-12-16: cover starts with the year
IN_AUGUST_2023 = NOW.replace(year=2023, month=8, day=1)


def an_id(born: date = date(1981, 5, 6), number: int | None = None) -> str:
    """A well-formed resident ID of nobody, never one that ends in 000 as a rounded one does."""
    serial = number if number is not None else next(_numbers)
    days, place = divmod(serial, 990)
    day = date.fromordinal(born.toordinal() - days)
    return identity.complete_id(f"419999{day:%Y%m%d}{place // 99}{place % 99 + 1:02d}")


def a_person(**said: str) -> dict[str, str]:
    """One line of a roster by column title; `said` overrides by title."""
    number = next(_numbers)
    line = {
        "姓名": _SURNAMES[number % len(_SURNAMES)] + _GIVEN[number % len(_GIVEN)],
        "身份证号": an_id(number=number),
        "手机号": f"139{number:08d}",
        "银行卡号": f"9999{number:014d}",
        "开户行": "示例银行",
        "用工形式": "合同制",
        "医保类型": "职工",
        "会员身份": "会员",
    }
    return line | said


def faulty(line: dict[str, str], kind: int) -> dict[str, str]:
    """The same line with something wrong: check digit, no name, a phone too short."""
    number = line["身份证号"]
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    return line | ({"身份证号": wrong}, {"姓名": ""}, {"手机号": "1380013"})[kind % 3]


def a_roster_file(people: int | list[dict[str, str]] = 3, faults: int = 0) -> bytes:
    """An .xlsx of people; the first fault (a check digit) stands in row 12 where there are ten."""
    lines = [a_person() for _ in range(people)] if isinstance(people, int) else list(people)
    for kind in range(faults):
        place = min(9, len(lines) - 1) if kind == 0 else len(lines) - kind
        lines[place] = faulty(lines[place], kind)
    book = io.BytesIO()
    usual = {column.title for column in TEMPLATE}
    more = {title: None for line in lines for title in line if title not in usual}
    columns = (*TEMPLATE, *(Column(title) for title in more))
    rows = [[line.get(column.title, "") for column in columns] for line in lines]
    write_workbook(book, columns, rows, title="参保名册")
    return book.getvalue()


def kept_in(folder: Path, content: bytes, name: str = "名册.xlsx") -> Kept:
    return uploads.keep(
        folder, io.BytesIO(content), name=name, field="file", limit=uploads.ROSTER_LIMIT
    )


def a_county_unit(name: str = "", city: Organization | None = None) -> Organization:
    """A unit under a county of 濮阳 (its fee: county 10, city 20, rest 50)."""
    city = city or Organization.get_or_none(Organization.slug == "puyang")
    city = city or a_city("濮阳市总工会", slug="puyang")
    counties = Organization.select().where(
        Organization.parent == city, Organization.level == Level.COUNTY
    )
    return a_unit(counties.first() or a_county(city), name)


def the_edition(unit: Organization, code: str = "puyang-hospital-2025") -> Edition:
    found = Edition.get_or_none(Edition.code == code)
    city = unit.above(Level.CITY)
    assert city is not None
    return found or a_published_edition(code, city)


def a_drafted_roster(
    unit: Organization | None = None,
    *,
    people: int | list[dict[str, str]] = 3,
    faults: int = 0,
    content: bytes | None = None,
    code: str = "puyang-hospital-2025",
    cover_from: date = date(2025, 1, 1),
    rest_by: str = "unit",
    by: User | None = None,
    at: datetime = BEFORE_PUYANG,
    **more: Any,
) -> Roster:
    unit = unit or a_county_unit()
    folder = FILES[-1] if FILES else Path(tempfile.mkdtemp())
    return enrollment.draft_roster(
        organization=unit,
        edition=the_edition(unit, code),
        cover_from=cover_from,
        rest_by=rest_by,
        kept=kept_in(folder, content or a_roster_file(people, faults)),
        folder=folder,
        by=by or a_user(Role.CLERK, at=unit),
        at=at,
        **more,
    )


def a_submitted_roster(unit: Organization | None = None, **more: Any) -> Roster:
    roster = a_drafted_roster(unit, **more)
    at = more.get("at", NOW)
    return enrollment.submit_roster(roster, clean_only=True, by=roster.made_by, at=at)


def an_approved_roster(
    unit: Organization | None = None, *, reviewer: User | None = None, **more: Any
) -> Roster:
    """A roster with enrollments and dues; nothing is paid yet."""
    roster = a_submitted_roster(unit, **more)
    place = roster.organization.parent
    reviewer = reviewer or a_user(Role.REVIEWER, at=place)
    return enrollment.approve_roster(roster, by=reviewer, at=more.get("at", NOW))


class Killed(BaseException):
    """The process is gone."""


def break_off_approval(roster: Roster, *, by: User | None = None) -> User:
    """Approve a roster in a process that is killed once its first people are enrolled
    (`approval.CHUNK` says how many); who approved it."""

    def killed(phase: str, done: int, total: int) -> None:
        raise Killed

    by = by or a_user(Role.REVIEWER, at=roster.organization.parent)
    with pytest.raises(Killed):
        enrollment.approve_roster(roster, by=by, at=NOW, told=killed)
    return by


def a_zhengzhou_unit(name: str = "") -> Organization:
    """A unit directly under 郑州."""
    city = Organization.get_or_none(Organization.slug == "zhengzhou")
    return a_unit(city or a_city("郑州市总工会", slug="zhengzhou"), name)


def an_enrollment(
    unit: Organization | None = None,
    *,
    code: str = "zhengzhou-hospital-2023",
    cover_from: date = date(2023, 8, 1),
    at: datetime = IN_AUGUST_2023,
    **said: str,
) -> Enrollment:
    """One member's enrollment under 惠工保 2023, approved and unpaid; `said` is what the roster
    says about them, by column title."""
    unit = unit or a_zhengzhou_unit()
    roster = an_approved_roster(
        unit, people=[a_person(**said)], code=code, cover_from=cover_from, at=at
    )
    return roster.enrollments.get()
