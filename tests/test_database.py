"""The write gateway under several processes at once, on the database the suite runs on."""

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from builders import NOW, a_city, a_user
from peewee import OperationalError, Value

from huigong import database
from huigong.models import AuditEvent, Organization, Role, UnitApplication, User
from huigong.refusals import Lost, Refused
from huigong.workflows import audit

DEEDS = 25


def test_of_two_processes_exactly_one_wins_each_deed(office, rivals):
    city = a_city()
    boss = a_user(Role.ADMINISTRATOR, at=city)
    for number in range(DEEDS):
        UnitApplication.create(
            organization=city, name=f"示例{number}", code=str(number), contact_name="演示",
            contact_phone="", proof="", proof_name="", applied_at=NOW,
        )  # fmt: skip
    said = rivals.race(
        office,
        f"by = User.get_by_id({boss.id})\n"
        "rows = list(UnitApplication.select().order_by(UnitApplication.id))",
        "said = ''\nfor row in rows:\n  try:\n    organizations.decide_application(row,"
        " approve=False, reason='演示', by=by, at=at)\n    said += f' {row.id}'\n"
        "  except Lost:\n    pass",
        count=2,
    )
    won = [words.split()[1:] for words in said]
    assert sorted(map(int, won[0] + won[1])) == [
        row.id for row in UnitApplication.select().order_by(UnitApplication.id)
    ]
    assert AuditEvent.select().where(AuditEvent.deed == "refuse unit").count() == DEEDS
    assert audit.broken_links() == [], "the chain has one head, however many write"


def test_a_deed_that_fails_leaves_nothing(office):
    city = a_city()

    @database.writes
    def fails() -> None:
        audit.record("half a deed", by=None, at=NOW, organization=city)
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        fails()
    assert not AuditEvent.select().exists()


def test_a_deed_within_a_deed_shares_its_fate(office):
    city = a_city()

    @database.writes
    def inner() -> None:
        audit.record("inner", by=None, at=NOW, organization=city)

    @database.writes
    def outer() -> None:
        inner()
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        outer()
    assert not AuditEvent.select().exists()


def test_compare_and_set_lets_only_the_first_pass(office):
    city = a_city()
    row = UnitApplication.create(
        organization=city, name="示例", code="1", contact_name="", contact_phone="", proof="",
        proof_name="", applied_at=NOW,
    )  # fmt: skip
    same = UnitApplication.get_by_id(row.id)
    row.move("stage", was="applied", to="approved")
    with pytest.raises(Lost):
        same.move("stage", was="applied", to="refused")
    assert same.stage == "applied", "what lost still says what it knew"


def test_rows_go_in_by_the_fast_way_and_come_out_as_they_were(office):
    city = a_city()
    rows = [(city.id, f"演示{n}", f"bulk{n}", "", "", 0, NOW) for n in range(500)]
    columns = ("organization_id", "name", "login", "phone", "password_hash", "failures", "made_at")

    @database.writes
    def insert() -> None:
        database.insert_rows("user", columns, rows)

    insert()
    assert User.select().count() == 500
    kept = User.get(User.login == "bulk7")
    assert (kept.name, kept.made_at, kept.ended_on) == ("演示7", NOW, None)


@pytest.mark.parametrize("there", [0, 1, 2])
def test_new_rows_go_in_and_those_that_are_there_stay_as_they_are(office, there):
    city = a_city()
    names = [city.name, a_city("许昌市总工会").name]
    for name in names[:there]:
        User.create(organization=city, name="演示", login=name, made_at=NOW)
    columns = [User.organization, User.name, User.login, User.phone, User.password_hash]
    columns += [User.failures, User.made_at]
    found = Organization.select(
        Organization.id, Value("新人"), Organization.name, Value(""), Value(""), 0, Value(NOW)
    ).where(Organization.name << names)

    @database.writes
    def insert() -> int:
        return database.insert_new(User.insert_from(found, columns), unique=[User.login])

    assert insert() == 2 - there
    kept = {user.login: user.name for user in User.select()}
    assert kept == dict(zip(names, ["演示"] * there + ["新人"] * (2 - there), strict=True))


# ── several hands ───────────────────────────────────────────────────────────────────────────


@database.writes
def together(parts):
    database.together(parts)


def a_part(name: str, seen: list, *, also=lambda: None):
    """A part that makes an organization, and says which of them it sees then."""

    def part() -> None:
        a_city(name)
        also()
        seen.append({city.name for city in Organization.select()} - {"示例省总工会"})

    return part


def test_parts_done_together_are_done_and_do_not_see_each_other(office):
    a_city("示例市总工会")
    seen: list = []
    together([a_part("示例甲市总工会", seen), a_part("示例乙市总工会", seen)])
    assert {city.name for city in Organization.select()} >= {"示例甲市总工会", "示例乙市总工会"}
    if database.hands() > 1:
        assert all(len(names) == 2 for names in seen)


def breaks():
    raise Refused("x", "不行")


@pytest.mark.parametrize("which", [0, 1])
def test_when_one_part_goes_wrong_none_is_done_and_it_says_why(office, which):
    a_city("示例市总工会")
    also = [lambda: None, lambda: None]
    also[which] = breaks
    names = ("示例甲市总工会", "示例乙市总工会")
    with pytest.raises(Refused, match="不行"):
        together([a_part(name, [], also=more) for name, more in zip(names, also, strict=True)])
    assert not Organization.select().where(Organization.name << names).exists()


def test_parts_that_touch_the_same_row_give_up_instead_of_waiting_for_each_other(
    office, monkeypatch
):
    """The database does not see that they wait: one for a row, the other at the meeting point."""
    city = a_city("示例市总工会")
    monkeypatch.setattr(database, "_BUSY_SECONDS", 1)

    def rename() -> None:
        Organization.update(address="示例路").where(Organization.id == city.id).execute()

    if database.hands() == 1:
        together([rename, rename])
        return
    with pytest.raises((threading.BrokenBarrierError, OperationalError)):
        together([rename, rename])
    assert Organization.get_by_id(city.id).address == ""


@pytest.mark.parametrize(("made_with", "pages"), [(None, 16_384), (4096, 4096)])
def test_a_city_s_log_is_written_back_at_one_length_whatever_its_file_s_pages(
    tmp_path, monkeypatch, made_with, pages
):
    """A new file has large pages; one that was made before keeps its own."""
    path = tmp_path / "huigong.db"
    if made_with:
        older = sqlite3.connect(path)
        older.execute(f"PRAGMA page_size = {made_with}")
        older.execute("CREATE TABLE something (name TEXT)")
        older.close()
    monkeypatch.setattr(database.db, "obj", database._sqlite(f"sqlite:///{path}"))
    with database.db.connection_context():
        database.expect_many_rows()
        database.db.execute_sql("CREATE TABLE another (name TEXT)")
        said = [_pragma(name) for name in ("page_size", "journal_mode", "wal_autocheckpoint")]
    assert said == [pages, "wal", 100 * 1024 * 1024 // pages]


def _pragma(name: str) -> object:
    return database.db.execute_sql(f"PRAGMA {name}").fetchone()[0]


@pytest.fixture
def keeping(office):
    """The office's database as a process that serves holds it."""
    database.db.close()
    kept = database.db.obj
    database.keep_connections()
    yield kept
    if not kept.is_closed():
        kept.close()
    for connection in kept.kept:
        kept._end(connection)
    kept.kept = None
    database.db.connect(reuse_if_open=True)


def _connection(of):
    of.connect(reuse_if_open=True)
    return of.connection()


def test_a_kept_connection_is_used_again_and_sees_what_others_wrote(keeping):
    first = _connection(keeping)
    assert not Organization.select().exists()
    keeping.close()
    writer = threading.Thread(target=lambda: (a_city(), keeping.close()))
    writer.start()
    writer.join()
    assert len(keeping.kept) == 1, "two threads, one after the other, need but one"
    assert _connection(keeping) is first
    assert Organization.select().exists()


def test_a_connection_with_a_row_still_to_come_is_not_kept(keeping):
    _connection(keeping)
    for _ in range(3):
        a_city()
    rows = keeping.execute_sql('SELECT "id" FROM "organization"')
    assert rows.fetchone()
    keeping.close()
    assert len(keeping.kept) == (0 if database.is_sqlite() else 1)


def test_a_kept_connection_that_leads_nowhere_any_more_is_replaced(keeping, office):
    """A backup was restored in the file's place, or PostgreSQL ended the connection."""
    first = _connection(keeping)
    a_city()
    keeping.close()
    if database.is_sqlite():
        file = Path(keeping.database)
        other = file.with_name("restored.db")
        shutil.copy(file, other)
        other.replace(file)
    else:
        import psycopg

        with psycopg.connect(office.database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (first.info.backend_pid,))
    assert _connection(keeping) is not first
    assert Organization.select().exists()


def test_what_a_page_told_postgresql_of_its_costs_is_forgotten_with_the_page(keeping):
    if database.is_sqlite():
        return
    _connection(keeping)
    database.expect_few_rows()
    keeping.close()
    _connection(keeping)
    assert keeping.execute_sql("SHOW seq_page_cost").fetchone() == ("1",)
