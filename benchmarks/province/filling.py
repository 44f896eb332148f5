"""Filling bare tables by the hundred thousand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from huigong import database, models
from huigong.models import Base


def insert(model: type[Base], words: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows that give these fields; every other field has its default."""
    names = words.split()
    fields = model._meta.sorted_fields
    rest = {
        field: field.default for field in fields
        if field.name not in names and field.default is not None
    }  # fmt: skip
    calls = [field.default for field in rest if callable(field.default)]
    columns = [model._meta.fields[name].column_name for name in names]
    columns += [field.column_name for field in rest if not callable(field.default)]
    columns += [field.column_name for field in rest if callable(field.default)]
    fixed = tuple(field.db_value(field.default) for field in rest if not callable(field.default))
    filled = (
        (*row, *fixed, *(_made(call) for call in calls)) if calls else (*row, *fixed)
        for row in rows
    )  # fmt: skip
    with database.db.atomic():
        database.insert_rows(model._meta.table_name, columns, filled)


def _made(call: Any) -> Any:
    made = call()
    return json.dumps(made) if isinstance(made, dict | list) else made


@contextmanager
def bare_tables() -> Iterator[None]:
    """Without indexes, foreign keys and waiting for the disk; all of it is back afterwards, and
    PostgreSQL has counted its tables, as it does unasked in a running office."""
    run = database.db.execute_sql
    if database.is_sqlite():
        known = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        run("PRAGMA foreign_keys = 0")
        run("PRAGMA synchronous = off")
        run("PRAGMA cache_size = -400000")
    else:
        known = ("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND "
                 "indexname NOT LIKE '%%_pkey' AND tablename <> 'schema_migration'")  # fmt: skip
        run("SET session_replication_role = replica")
        run("SET maintenance_work_mem = '512MB'")
    indexes = run(known).fetchall()
    for name, _ in indexes:
        run(f'DROP INDEX "{name}"')
    yield
    for _, made in indexes:
        run(made)
    if not database.is_sqlite():
        for table in models.TABLES:  # what was given an id must not be given again
            name = table._meta.table_name
            run(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), "  # noqa: S608
                f'(SELECT COALESCE(MAX(id), 1) FROM "{name}"))')  # fmt: skip
        database.db.connection().autocommit = True
        run("VACUUM ANALYZE")
