"""The schema that models.py asks for, as SQL: what a migration is drafted from and tested by.

`python -m huigong.migrations.ddl sqlite` prints it.
"""

import sys

from peewee import PostgresqlDatabase, SqliteDatabase, sort_models  # type: ignore[attr-defined]  # its stubs lack it

from huigong.database import BY_CODE, add_only
from huigong.models import ADD_ONLY, GOES_WHEN, TABLES, KeyField


def statements(dialect: str) -> list[str]:
    """Every CREATE statement for `dialect` (sqlite | postgresql), in an order that loads."""
    database = SqliteDatabase(None) if dialect == "sqlite" else PostgresqlDatabase(None)
    sql = []
    for field in (field for model in TABLES for field in model._meta.sorted_fields):
        if isinstance(field, KeyField):
            field.collation = BY_CODE.get(dialect)
    with database.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        for model in sort_models(TABLES):
            sql.append(_text(model._schema._create_table(safe=False)))
            sql += [_text(index) for index in model._schema._create_indexes(safe=False)]
    return sql + add_only(ADD_ONLY, dialect, GOES_WHEN)


def _text(context) -> str:
    text, values = context.query()
    if values:
        raise ValueError(f"a migration cannot carry bound values: {text} {values}")
    return text


if __name__ == "__main__":
    print(";;\n".join(statements(sys.argv[1])) + ";;")
