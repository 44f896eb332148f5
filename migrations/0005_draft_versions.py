"""Each saving of a draft is kept, so that a stale screen can be told what changed since. Drafts
that exist begin with the version they are at."""

from pathlib import Path

from huigong.database import is_sqlite


def up(migrator, db):
    dialect = "sqlite" if is_sqlite() else "postgresql"
    script = Path(__file__).with_name(f"0005_draft_versions.{dialect}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            db.execute_sql(statement)
