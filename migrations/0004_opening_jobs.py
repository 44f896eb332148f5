"""An opening's workbook may be read and booked by the worker that big rosters have."""

from pathlib import Path

from huigong.database import is_sqlite


def up(migrator, db):
    dialect = "sqlite" if is_sqlite() else "postgresql"
    script = Path(__file__).with_name(f"0004_opening_jobs.{dialect}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            db.execute_sql(statement)
