"""What goes to a scheme's operator and comes back is kept: the files, the claims sent, its
replies, and the batches that it paid. Columns are remembered for each kind of file."""

from pathlib import Path

from huigong.database import is_sqlite


def up(migrator, db):
    dialect = "sqlite" if is_sqlite() else "postgresql"
    script = Path(__file__).with_name(f"0009_operator_files.{dialect}.sql").read_text()
    for statement in script.split(";;\n"):
        if statement.strip():
            db.execute_sql(statement)
