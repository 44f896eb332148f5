"""Gifts: who pays a roster's fee in the place of its unit and people, dues that fell because a
gift was taken back, and receipts made out to givers. A roster may owe by one carrier twice now:
when a gift falls, the carrier's part of the people whom it was for joins what it owes already."""

from pathlib import Path

from huigong.database import is_sqlite


def up(migrator, db):
    dialect = "sqlite" if is_sqlite() else "postgresql"
    script = Path(__file__).with_name(f"0004_gifts.{dialect}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            db.execute_sql(statement)
