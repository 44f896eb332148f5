import pytest
from builders import NOW, TODAY, a_city, a_user

from huigong import database, migrations
from huigong.migrations import ddl
from huigong.models import ADD_ONLY, TABLES, AuditEvent, Journal, Organization, Role
from huigong.refusals import StartRefused
from huigong.workflows import audit


def _schema() -> set[str]:
    """Every table, index, constraint and trigger the open database has, as comparable text."""
    if database.is_sqlite():
        rows = database.db.execute_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {sql for (sql,) in rows if "schema_migration" not in sql}
    rows = database.db.execute_sql(
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable "
        "FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND table_name <> 'schema_migration' "
        "UNION SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() "
        "AND tablename <> 'schema_migration' "
        "UNION SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' "
        "AND conrelid::regclass::text <> 'schema_migration' "
        "UNION SELECT event_object_table || ' ' || trigger_name FROM information_schema.triggers"
    )
    return {text for (text,) in rows}


def test_the_migrated_schema_is_what_the_models_ask_for(office):
    migrated = _schema()
    with database.db.atomic() as transaction:
        for model in TABLES:
            cascade = "" if database.is_sqlite() else " CASCADE"
            database.db.execute_sql(f'DROP TABLE "{model._meta.table_name}"{cascade}')
        for statement in ddl.statements("sqlite" if database.is_sqlite() else "postgresql"):
            database.db.execute_sql(statement)
        fresh = _schema()
        transaction.rollback()
    assert migrated == fresh


def test_an_unmigrated_schema_refuses_to_start_and_says_the_cure(office):
    database.db.execute_sql("DELETE FROM schema_migration")
    try:
        with pytest.raises(StartRefused, match="huigong migrate"):
            migrations.check_current()
    finally:
        migrations._runner().fake()


@pytest.mark.parametrize("table", ADD_ONLY)
def test_rows_that_are_only_added_cannot_be_changed_or_removed(office, table):
    statements = (f'UPDATE "{table}" SET id = id + 1000', f'DELETE FROM "{table}"')
    city = a_city()
    user = a_user(Role.CLERK, at=city)
    audit.record("try", by=user, at=NOW, on=city)
    Journal.create(key="k", organization=city, on=TODAY, text="t", by=user, at=NOW)
    counted = {model._meta.table_name: model for model in (AuditEvent, Journal)}
    if table not in counted:
        assert _has_trigger(table)  # filled tables are tried; the others carry the same trigger
        return
    for statement in statements:
        with pytest.raises(Exception, match="only added"), database.db.atomic():
            database.db.execute_sql(statement)
    assert counted[table].select().count() >= 1


def _has_trigger(table: str) -> bool:
    if database.is_sqlite():
        query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    else:
        query = "SELECT COUNT(*) FROM information_schema.triggers WHERE event_object_table = %s"
    return database.db.execute_sql(query, (table,)).fetchone()[0] == 2


def test_a_refused_deed_leaves_nothing_behind(office):
    @database.writes
    def deed():
        a_city("半途而废市总工会")
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        deed()
    assert not Organization.select().where(Organization.name == "半途而废市总工会").exists()
