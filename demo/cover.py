"""The demonstration's rosters: approved and paid ones behind the claims, and some still waiting."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from huigong import uploads
from huigong.config import DEMO_TODAY
from huigong.demo.people import people, write_roster, wrong_check_digit
from huigong.demo.staff import Cast
from huigong.models import Due, Edition, Roster
from huigong.uploads import Kept
from huigong.workflows import funding
from huigong.workflows.enrollment import approve_roster, draft_roster, submit_roster


def enroll(cast: Cast, folder: Path) -> None:
    """Rosters in every stage, each through the same deeds as a real one."""
    zhengzhou = ("zhengzhou-hospital-2023", "zzreviewer", "zzfinance")
    _cover(cast, folder, "machinery", 360, zhengzhou, "zzclerk", date(2023, 8, 1), seed=1)
    _cover(cast, folder, "textile", 180, zhengzhou, "zzclerk2", date(2023, 12, 31), seed=2)
    anyang = ("anyang-hospital-2019", "ayreviewer", "ayfinance")
    _cover(cast, folder, "granary", 24, anyang, "ayclerk", date(2024, 3, 1), seed=3)
    puyang = ("puyang-hospital-2025", "pyreviewer", "pyfinance")
    museum = _draft(cast, folder, "museum", 18, puyang[0], "pyclerk2", date(2025, 1, 1), seed=4)
    submit_roster(museum, clean_only=False, by=cast.users["pyclerk2"], at=_noon(2024, 12, 13))


def _cover(
    cast: Cast,
    folder: Path,
    unit: str,
    count: int,
    scheme: tuple[str, str, str],
    clerk: str,
    start: date,
    *,
    seed: int,
) -> None:
    """A roster from draft to receipt, in the fortnight before its cover starts."""
    edition, reviewer, finance = scheme
    roster = _draft(cast, folder, unit, count, edition, clerk, start, seed=seed)
    drafted = _drafted_at(start)
    submit_roster(roster, clean_only=False, by=cast.users[clerk], at=drafted)
    approved = drafted + timedelta(days=2)
    approve_roster(roster, by=cast.users[reviewer], at=approved)
    for due in Due.select().where(Due.roster == roster):
        funding.record_payment(
            due,
            amount=due.amount,
            received_on=approved.date() + timedelta(days=3),
            bank_reference=f"演示{roster.id:04d}{due.id:04d}",
            remark=f"演示 {roster.number}",
            by=cast.users[finance],
            at=approved + timedelta(days=3),
        )
    funding.confirm_receipt(roster, by=cast.users[finance], at=approved + timedelta(days=4))


def _draft(
    cast: Cast,
    folder: Path,
    unit: str,
    count: int,
    edition: str,
    clerk: str,
    start: date,
    *,
    seed: int,
) -> Roster:
    with _file(folder, people(count, seed=seed)) as kept:
        return draft_roster(
            organization=cast.unit(unit),
            edition=Edition.get(Edition.code == edition),
            cover_from=start,
            rest_by="unit",
            kept=kept,
            folder=folder,
            by=cast.users[clerk],
            at=_drafted_at(start),
        )


def _drafted_at(start: date) -> datetime:
    """A fortnight before its cover starts, and before the day on which the office lives."""
    day = min(start - timedelta(days=14), DEMO_TODAY - timedelta(days=4))
    return _noon(day.year, day.month, day.day)


def _noon(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12)  # noqa: DTZ001 Beijing time without a zone, as stored


@contextmanager
def _file(folder: Path, staff: list) -> Iterator[Kept]:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "演示名册.xlsx"
        write_roster(path, staff)
        stream = io.BytesIO(path.read_bytes())
        yield uploads.keep(folder, stream, name=path.name, field="file", limit=uploads.ROSTER_LIMIT)


JOURNEY_PEOPLE = 128


def write_samples(folder: Path) -> None:
    """The files of the README's walk: a roster of 128 with three faulty rows, and its cure."""
    folder.mkdir(parents=True, exist_ok=True)
    staff = people(JOURNEY_PEOPLE, seed=5)
    wrong = {
        12: {"身份证号": wrong_check_digit(staff[10].id_number)},
        47: {"姓名": ""},
        101: {"身份证号": staff[29].id_number, "性别": staff[29].sex, "出生日期": ""},
    }
    write_roster(folder / "演示名册-128人-三处错误.xlsx", staff, wrong=wrong)
    write_roster(folder / "演示名册-128人-已更正.xlsx", staff)
