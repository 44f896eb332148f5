"""The write gateway under several processes at once, on the database the suite runs on."""

import subprocess
import sys

import pytest
from builders import NOW, a_city, a_user

from huigong import database
from huigong.models import AuditEvent, Role, UnitApplication, User
from huigong.refusals import Lost
from huigong.workflows import audit

DEEDS = 25
RIVAL = """
import sys
from datetime import datetime
from pathlib import Path
from huigong import database, vault
from huigong.models import UnitApplication, User
from huigong.refusals import Lost
from huigong.workflows import organizations

url, keys, by = sys.argv[1:]
vault.unlock(Path(keys))
database.connect_to(url)
database.db.connect()
rows, boss = list(UnitApplication.select().order_by(UnitApplication.id)), User.get_by_id(int(by))
print("ready", flush=True)
sys.stdin.readline()
for row in rows:
    try:
        organizations.decide_application(
            row, approve=False, reason="演示", by=boss, at=datetime(2024, 12, 16, 9)
        )
        print(row.id, flush=True)
    except Lost:
        pass
database.db.close()
"""


def test_of_two_processes_exactly_one_wins_each_deed(office):
    city = a_city()
    boss = a_user(Role.ADMINISTRATOR, at=city)
    for number in range(DEEDS):
        UnitApplication.create(
            organization=city, name=f"示例{number}", code=str(number), contact_name="演示",
            contact_phone="", proof="", proof_name="", applied_at=NOW,
        )  # fmt: skip
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL, office.database_url, str(office.keys), str(boss.id)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        rival.stdin.write("go\n")
        rival.stdin.flush()
    won = [rival.communicate(timeout=60)[0].split() for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0]
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
