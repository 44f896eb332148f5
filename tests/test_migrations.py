import importlib
import json
from datetime import date
from pathlib import Path

import pytest
from builders import NOW, TODAY, a_city, a_user
from builders_claims import an_approved_claim, an_enrollment

from huigong import database, migrations, vault
from huigong.migrations import ddl
from huigong.models import (
    ADD_ONLY,
    TABLES,
    AuditEvent,
    Decision,
    Journal,
    Member,
    Organization,
    Reconsideration,
    RevokedDecision,
    Role,
    RosterRow,
)
from huigong.plans import compile_scheme
from huigong.refusals import StartRefused
from huigong.workflows import audit, operator, schemes

PUYANG = "puyang-hospital-2025"


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


def _staged_before(number: str) -> None:
    """A member and a submitted roster's row as the first schema kept them."""
    keys, mark = vault.current(), "?" if database.is_sqlite() else "%s"

    def insert(table: str, **values: object) -> None:
        names, marks = '", "'.join(values), ", ".join([mark] * len(values))
        statement = f'INSERT INTO "{table}" ("{names}") VALUES ({marks})'
        database.db.execute_sql(statement, tuple(values.values()))

    facts = {"age": 44, "membership": "member", "unit_level": "county", "year": 2025}
    facts |= {"sex": "female", "born_on": "1980-05-06", "bank": "示例银行"}
    secret = json.dumps({"id": number, "phone": "13800000000", "card": ""})
    sealed = keys.seal(secret, table="roster_row", column="secret", row="r1")
    none = dict.fromkeys(("contact_name", "contact_phone", "address", "pinyin"), "")
    insert("organization", id=1, name="示例", level="unit", path="/1/", opened_on=TODAY, **none)
    insert("user", id=1, organization_id=1, name="演示", login="a", phone="", password_hash="",
           failures=0, made_at=NOW)  # fmt: skip
    insert("scheme", id=1, organization_id=1, slug="s", name="s")
    plan = json.dumps(compile_scheme(dict(schemes.shipped())[PUYANG], f"{PUYANG}.toml"))
    insert("edition", id=1, organization_id=1, scheme_id=1, code="c", name="n", plan=plan,
           plan_hash="", enrolled_from=TODAY, stage="published", drafted_on=TODAY)  # fmt: skip
    insert("roster", id=1, organization_id=1, edition_id=1, number="1", cover_from=TODAY,
           rest_by="unit", stage="submitted", file="", file_name="", made_by_id=1, made_at=NOW,
           people=1, faulty=0, digest="{}", unread="[]", split="[]", clean_only=False,
           total=0)  # fmt: skip
    insert("roster_row", ref="r1", roster_id=1, number=3, name="单小明", secret=sealed,
           id_index=Member.index_of_id(number), facts=json.dumps(facts), kind="new",
           faults="[]", warnings="[]")  # fmt: skip
    insert("member", ref="m1", organization_id=1, name="张三", pinyin="", sort_key="", sex="",
           resident_id=b"", id_index="i", phone=b"", bank_card=b"", bank="", membership="",
           tail_index=keys.index(number[-4:], kind="id tail"))  # fmt: skip


def test_a_roster_staged_before_can_still_be_read_and_approved(office):
    number = "419999198005060013"
    with database.db.atomic() as transaction:
        for model in TABLES:
            cascade = "" if database.is_sqlite() else " CASCADE"
            database.db.execute_sql(f'DROP TABLE "{model._meta.table_name}"{cascade}')
        first, staged = (step.load() for step in migrations._runner().migrations()[:2])
        first.up(None, database.db)
        _staged_before(number)
        staged.up(None, database.db)
        row, member = RosterRow.get(), Member.get()
        transaction.rollback()
    assert [row.opened(name) for name in ("resident_id", "phone", "bank_card")] == [
        number, "13800000000", "",
    ]  # fmt: skip
    assert (row.name, row.pinyin, row.sort_key) == ("单小明", "sxm", "shan4 xiao3 ming2")
    assert (row.sex, row.born_on, row.bank, row.fee) == (
        "female", date(1980, 5, 6), "示例银行", 80_00,
    )  # fmt: skip
    assert row.facts == {"age": 44, "membership": "member", "unit_level": "county", "year": 2025}
    assert row.tail_index == member.tail_index == Member.index_of_tail(number)


def test_the_columns_of_an_operators_file_stay_when_each_kind_gets_its_own(office):
    """0009_operator_files on an office that has saved its operator's columns, and what came to
    those files since."""
    folder = Path(migrations.__file__).parent
    dialect = "sqlite" if database.is_sqlite() else "postgresql"
    script = (folder / f"0001_first.{dialect}.sql").read_text().split(";;\n")
    city, mark = a_city(), "?" if database.is_sqlite() else "%s"
    scheme = schemes.new_edition(
        compile_scheme((folder.parent / "schemes" / f"{PUYANG}.toml").read_text(), PUYANG),
        organization=city, drafted_by=None, by=None, at=NOW,
    ).scheme  # fmt: skip
    by = a_user(Role.REVIEWER, at=city)
    with database.db.atomic() as transaction:
        made = (
            "operator_job",
            "operator_batch",
            "operator_reply",
            "claim_sending",
            "operator_file",
        )
        for table in (*made, "operator_layout"):
            database.db.execute_sql(f'DROP TABLE "{table}"')
        for statement in script:
            if '"operator_layout"' in statement:
                database.db.execute_sql(statement)
        database.db.execute_sql(
            'INSERT INTO "operator_layout" ("organization_id", "scheme_id", "columns", "by_id", '
            f'"at") VALUES ({", ".join([mark] * 5)})',
            (city.id, scheme.id, '[["id_number", "证件号"]]', by.id, NOW),
        )
        for name in ("0009_operator_files", "0013_operator_jobs"):
            importlib.import_module(f"huigong.migrations.{name}").up(None, database.db)
        found = operator.layout_of(scheme, "covers"), operator.layout_of(scheme, "claims")
        same = _schema()
        transaction.rollback()
    assert found[0] == [("id_number", "证件号")]
    assert found[1][0] == ("number", "申领编号")
    assert same == _schema()


def test_the_numbers_of_decisions_revoked_before_are_given_to_no_other(office):
    """0013_numbers_once on an office whose last decision was revoked."""
    standing = an_approved_claim()
    edition = standing.enrollment.edition
    claim = an_approved_claim(an_enrollment(edition))
    last, kept = Decision.get(Decision.claim == claim).id, Decision.get(Decision.claim == standing)
    asked = Reconsideration.create(claim=claim, reason="录错", asked_by=kept.by, asked_at=NOW)
    facts = Decision.get(Decision.claim == claim).__data__
    facts = {name: facts[name] for name in facts if name != "id"}
    RevokedDecision.create(reconsideration=asked, number=last + 50, attempt=1, **facts)
    same = _schema()
    importlib.import_module("huigong.migrations.0013_numbers_once").up(None, database.db)
    assert _schema() == same
    assert Decision.get(Decision.claim == standing).__data__ == kept.__data__
    if database.is_sqlite():  # PostgreSQL's own sequence has long passed it
        other = an_approved_claim(an_enrollment(edition))
        assert Decision.get(Decision.claim == other).id > last + 50
