"""What each roster has to pass on to its scheme's operator, off which transfer sheets are read, a
page at a time; payments by their day, and a transfer's items in their order."""

from pathlib import Path

from huigong.database import is_sqlite


def up(migrator, db):
    dialect = "sqlite" if is_sqlite() else "postgresql"
    script = Path(__file__).with_name(f"0012_untransferred.{dialect}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            db.execute_sql(statement)
