"""A city's roster from upload to dues, and the office's lists at a million members: 演示 people.

`python -m benchmarks.enrollment [rows] [sqlite|postgresql]` measures the roster alone.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.office import an_office
from benchmarks.table import Row, within
from huigong import clock, database, identity, uploads
from huigong.models import Edition, Level, Organization, User
from huigong.sheets import write_workbook
from huigong.workflows import enrollment, schemes
from huigong.workflows.enrollment import jobs
from huigong.workflows.enrollment.columns import TEMPLATE

ROWS = 424_000
TIMES_FLOOR = 4.0
MOST_LOCK = 0.5  # seconds
MOST_CHILD = 700  # MiB
AT = datetime.fromisoformat("2023-08-01T09:00")
CODE = "zhengzhou-hospital-2023"
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严金魏陶姜"
_GIVEN = "建国秀英磊敏志强丽娟洋桂芳浩然晓梅军雪伟静勇艳杰涛明超兰霞平刚华玲"


def rows() -> Iterator[Row]:
    """Every figure of enrollment, on both databases."""
    yield from a_city("sqlite")
    yield from a_city("postgresql")


def people(count: int) -> Iterator[list[str]]:
    """Made-up people: their IDs carry 419999, a region that no place has."""
    dice = random.Random(7)  # noqa: S311 - made-up people, no secret
    for number in range(count):
        born = date.fromordinal(date(1970, 1, 1).toordinal() + number // 999 % 10_000)
        given = "".join(dice.choices(_GIVEN, k=dice.choice((1, 2, 2, 2))))
        card = identity.complete_id(f"419999{born:%Y%m%d}{number % 999 + 1:03d}")
        yield [
            dice.choice(_SURNAMES) + given, card, f"139{number:08d}", f"9999{number:014d}",
            "示例银行", "男" if identity.sex(card) == "male" else "女", born.isoformat(),
            "合同制", "职工", "2010-07-01", "会员" if number % 7 else "非会员", "",
        ]  # fmt: skip


def a_city(dialect: str, count: int = ROWS) -> Iterator[Row]:
    """A roster of a city through the worker's own command, against reading the cells with the
    fastest reader and inserting the same rows raw, in the same run."""
    with tempfile.TemporaryDirectory() as folder, an_office(Path(folder), dialect) as url:
        home = Path(folder)
        source = home / "files" / "source"
        source.parent.mkdir()
        with source.open("wb") as book:
            write_workbook(book, TEMPLATE, people(count), title="参保名册")
        floor = _floor(source)
        read, approved, locked, child, roster = _through_the_worker(home, url, source)
        what = f"{count:,} rows from upload to dues, {dialect}"
        times = (read + approved) / floor
        note = f"floor {floor:.1f} s, read {read:.1f} s, approve {approved:.1f} s"
        note += f", {roster.people:,} people"
        yield within(what, times, TIMES_FLOOR, "× the floor", note)
        yield within(f"… longest wait for the write lock, {dialect}", locked, MOST_LOCK, "s")
        yield within(f"… largest child, {dialect}", child, MOST_CHILD, "MiB")


def _floor(source: Path) -> float:
    """Seconds to read the cells and insert them into a bare table, by executemany."""
    from python_calamine import CalamineWorkbook

    begun = time.perf_counter()
    with source.open("rb") as book:
        cells = CalamineWorkbook.from_filelike(book).get_sheet_by_index(0).to_python()
    lines = [[str(cell) for cell in row[:12]] for row in cells[2:]]
    names = ", ".join(f"c{n}" for n in range(12))
    mark = "?" if database.is_sqlite() else "%s"
    marks = ", ".join([mark] * 12)
    database.db.execute_sql(f"CREATE TABLE bare ({names.replace(',', ' TEXT,')} TEXT)")

    @database.writes
    def insert() -> None:
        database.db.cursor().executemany(f"INSERT INTO bare VALUES ({marks})", lines)  # noqa: S608

    insert()
    taken = time.perf_counter() - begun
    database.db.execute_sql("DROP TABLE bare")
    return taken


class _Office(NamedTuple):
    """A scratch office on disk, as the environment of its worker says it."""

    home: Path
    url: str

    def work(self) -> _Worked:
        """Run the worker's own command to its end, while somebody else wants the write lock."""
        environ = {
            **os.environ, "HUIGONG_HOME": str(self.home), "HUIGONG_KEYS": str(self.home / "keys"),
            "DATABASE_URL": self.url,
        }  # fmt: skip
        command = [sys.executable, "-m", "huigong.cli", "roster", "work"]
        begun, locked, most = time.perf_counter(), 0.0, 0
        worker = subprocess.Popen(command, env=environ)  # noqa: S603 - our own command
        while worker.poll() is None:
            asked = time.perf_counter()
            _touch()
            locked = max(locked, time.perf_counter() - asked)
            most = max(most, *map(_peak, _family(worker.pid)))
            time.sleep(0.05)
        if worker.returncode:
            raise RuntimeError("the worker failed")
        return _Worked(time.perf_counter() - begun, locked, most)


class _Worked(NamedTuple):
    """Seconds it took, the longest another writer waited, the most MiB of one process."""

    seconds: float
    locked: float
    most: int


def _through_the_worker(home: Path, url: str, source: Path) -> tuple[float, float, float, int, Any]:
    """Seconds to read and to approve, the longest another writer waited, the most memory that one
    of the worker's processes took in MiB, and the roster."""
    unit, clerk, reviewer, edition = _people_of_the_office()
    with source.open("rb") as stream:
        kept = uploads.keep(
            home / "files", stream, name="名册.xlsx", field="file", limit=uploads.ROSTER_LIMIT
        )
    roster = enrollment.draft_in_background(
        organization=unit, edition=edition, cover_from=AT.date(), rest_by="unit",
        kept=kept, by=clerk, at=AT,
    )  # fmt: skip
    office = _Office(home, url)
    read = office.work()
    roster = type(roster).get_by_id(roster.id)
    begun = time.perf_counter()
    enrollment.submit_roster(roster, clean_only=True, by=clerk, at=AT)
    submitted = time.perf_counter() - begun
    enrollment.approve_in_background(roster, by=reviewer, at=AT)
    approved = office.work()
    roster = type(roster).get_by_id(roster.id)
    if roster.stage != "approved":
        raise RuntimeError(f"not approved: {jobs.job_of(roster)}")
    locked, most = max(read.locked, approved.locked), max(read.most, approved.most)
    return read.seconds + submitted, approved.seconds, locked, most, roster


def _family(pid: int) -> list[int]:
    """A process and all that it and its children have started."""
    try:
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        children = []
    return [pid, *(found for child in children for found in _family(child))]


def _peak(pid: int) -> int:
    """The most memory a process has taken since it began its program, in MiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


@database.writes
def _touch() -> None:
    """A deed of somebody else's that only needs the lock."""


def _people_of_the_office() -> tuple[Organization, User, User, Edition]:
    def organization(name: str, level: Level, parent: Organization | None, **more: Any) -> Any:
        made = Organization.create(
            name=name, level=level, parent=parent, opened_on=AT.date(), **more
        )
        made.path = f"{parent.path if parent else '/'}{made.id}/"
        made.save(only=[Organization.path])
        return made

    province = organization("示例省总工会", Level.PROVINCE, None)
    city = organization("郑州市总工会", Level.CITY, province, slug="zhengzhou")
    unit = organization("示例单位工会", Level.UNIT, city)
    clerk = User.create(organization=unit, name="演示甲", login="a", made_at=clock.now())
    reviewer = User.create(organization=city, name="演示乙", login="b", made_at=clock.now())
    text = dict(schemes.shipped())[CODE]
    edition = schemes.load_edition(text, file=f"{CODE}.toml", organization=city, at=AT)
    return unit, clerk, reviewer, edition


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    for name in sys.argv[2:] or ["sqlite", "postgresql"]:
        for row in a_city(name, asked):
            print(*row, flush=True)
