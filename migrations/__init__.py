"""Migrations: frozen schema changes, applied in numeric order by `huigong migrate`."""

from pathlib import Path

from playhouse.migrations import Runner

from huigong.database import check_readable, db
from huigong.refusals import StartRefused

FOLDER = Path(__file__).parent


def pending() -> list[str]:
    """The names of migrations this database has not had."""
    return [step.name for step in _runner().status() if step.path and not step.applied]


def migrate() -> list[str]:
    """Bring the schema to the newest; returns what was applied. Back up before calling."""
    return _runner().up()


def check_current() -> None:
    """Raise StartRefused when the database cannot be read or its schema is not the newest."""
    check_readable()
    with db.connection_context():
        if waiting := pending():
            raise StartRefused(
                f"数据库结构不是最新（缺 {'、'.join(waiting)}）：请运行 huigong migrate；"
                "新办公室请先运行 huigong init。"
            )


def _runner() -> Runner:
    return Runner(db.obj, str(FOLDER))
