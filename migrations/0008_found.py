"""What lists are narrowed and searched by: a claim's name and scheme, a due's scheme and carrier,
what the dues of every subtree come to, and indexes."""

from pathlib import Path

from huigong.database import is_sqlite


def up(migrator, db):
    dialect = "sqlite" if is_sqlite() else "postgresql"
    script = Path(__file__).with_name(f"0008_found.{dialect}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            db.execute_sql(statement)
