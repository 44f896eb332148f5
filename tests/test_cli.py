"""The `huigong` command, run as a person runs it: its own process, its own instance."""

import io
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from builders import TODAY

from huigong import backups, clock, uploads, vault
from huigong.config import Settings
from huigong.refusals import StartRefused

INIT = (
    "init", "--province", "示例省总工会", "--city", "zhengzhou=示例市总工会",
    "--city", "elsewhere=外地总工会", "--name", "演示", "--login", "boss",
)  # fmt: skip


class Instance:
    """An instance in a folder, and the command run on it."""

    def __init__(self, home: Path):
        self.home = home
        self.database = home / "huigong.db"
        self.key = home / "keys" / "huigong.key"

    def run(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-m", "huigong.cli", *map(str, arguments)],
            env={**kept, "HUIGONG_HOME": str(self.home), "PYTHONUTF8": "1", **environ},
            capture_output=True, text=True, timeout=60, check=False, cwd=self.home.parent,
        )  # fmt: skip

    def refuses(self, *arguments: object, **environ: str) -> str:
        """Run, and demand exit 1 with one sentence on stderr and no traceback."""
        ended = self.run(*arguments, **environ)
        assert ended.returncode == 1, ended.stderr or ended.stdout
        assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stderr

    def does(self, *arguments: object, **environ: str) -> str:
        ended = self.run(*arguments, **environ)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def test_an_office_begins_and_agrees_on_whichever_database(tmp_path, unfurnished):
    instance, where = Instance(tmp_path / "instance"), {"DATABASE_URL": unfurnished}
    assert "办公室已建立" in instance.does(*INIT, **where)
    assert "全部相符" in instance.does("verify", **where)
    assert "已经初始化" in instance.refuses(*INIT, **where)


@pytest.fixture(scope="session")
def begun(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("begun") / "instance"
    Instance(home).does(*INIT)
    return home


@pytest.fixture
def instance(begun, tmp_path) -> Instance:
    """An initialized instance of one's own."""
    shutil.copytree(begun, tmp_path / "instance")
    return Instance(tmp_path / "instance")


def test_init_makes_an_office_with_one_administrator_and_its_schemes(instance):
    assert "boss" in instance.does("user", "list")
    with sqlite3.connect(instance.database) as database:
        schemes = database.execute("SELECT code FROM edition").fetchall()
        places = database.execute("SELECT level FROM organization").fetchall()
    database.close()
    assert ("zhengzhou-hospital-2023",) in schemes
    assert all(code.startswith("zhengzhou-") for (code,) in schemes)
    assert sorted(places) == [("city",), ("city",), ("province",)]
    assert instance.key.stat().st_mode & 0o077 == 0


def test_init_prints_a_link_that_lets_the_administrator_in(instance):
    printed = instance.does("user", "link", "BOSS")
    assert "/admin/password/" in printed
    assert "没有使用中的账号" in instance.refuses("user", "link", "nobody")


def test_init_never_begins_an_office_twice(instance):
    key = instance.key.read_text()
    assert "已经初始化" in instance.refuses(*INIT)
    assert instance.key.read_text() == key


@pytest.mark.parametrize("city", ["郑州市总工会", "ZZ=示例市总工会", "admin=示例市总工会", "zz="])
def test_init_refuses_a_city_it_cannot_address_and_leaves_no_half_office(tmp_path, city):
    instance = Instance(tmp_path / "instance")
    wrong = ("init", "--province", "示例省总工会", "--city", city, "--name", "演示")
    instance.refuses(*wrong, "--login", "boss")
    assert "载入" in instance.does(*INIT), "what was refused does not stand in the way"


# ── Refusing to start ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["serve", "migrate", "backup"])
def test_nothing_runs_before_init_and_the_sentence_says_so(tmp_path, command):
    assert "huigong init" in Instance(tmp_path / "instance").refuses(command)


def test_a_missing_key_is_refused_with_its_cure(instance):
    instance.key.unlink()
    assert "HUIGONG_KEYS" in instance.refuses("serve")


@pytest.mark.parametrize("key", ["", "short", "zz" * 32, "00" * 32, "ab" * 31, "ab" * 32])
def test_a_weak_key_is_refused(instance, key):
    instance.key.write_text(key)
    assert "密钥" in instance.refuses("serve")


def test_a_missing_database_is_refused_and_not_made(instance):
    instance.database.unlink()
    assert "huigong init" in instance.refuses("serve")


@pytest.mark.parametrize("damage", ["random", "truncated", "overwritten", "a folder", "text"])
@pytest.mark.parametrize("command", ["serve", "backup"])
def test_a_damaged_database_gives_a_sentence_and_not_a_traceback(instance, damage, command):
    whole = instance.database.read_bytes()
    noise = random.Random(7).randbytes(len(whole))  # noqa: S311 a damaged file, not a secret
    instance.database.unlink()
    if damage == "a folder":
        instance.database.mkdir()
    else:
        instance.database.write_bytes(
            {
                "random": noise,
                "truncated": whole[: len(whole) // 2],
                "overwritten": whole[:8192] + noise[8192:65536] + whole[65536:],
                "text": "不是数据库".encode() * 100,
            }[damage]
        )
    assert "数据库" in instance.refuses(command)


def test_an_unreachable_postgresql_is_refused(instance):
    url = "postgresql://nobody@127.0.0.1:1/nothing"
    assert "DATABASE_URL" in instance.refuses("serve", DATABASE_URL=url)


def test_an_unknown_database_is_refused(instance):
    assert "DATABASE_URL" in instance.refuses("serve", DATABASE_URL="mysql://x")


def test_an_unmigrated_schema_is_refused(instance):
    instance.database.unlink()
    sqlite3.connect(instance.database).close()
    assert "huigong migrate" in instance.refuses("serve")
    assert "0001_first" in instance.does("migrate")
    assert "最新" in instance.does("migrate")


def test_migrate_backs_an_older_schema_up_first(instance):
    database = sqlite3.connect(instance.database)
    database.execute("PRAGMA user_version = 42")
    (table,) = next(
        row for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if "migrat" in row[0] or "pwm" in row[0]
    )  # fmt: skip
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    newest = database.execute(f"SELECT max({names[0]}) FROM {table}").fetchone()[0]
    database.execute(f"DELETE FROM {table} WHERE {names[0]} = ?", [newest])
    database.commit()
    database.close()
    instance.run("migrate")  # the tables exist already: what matters is what happened before
    [made] = (instance.home / "backups").iterdir()
    assert made.name.startswith("before-migrate-")
    kept = sqlite3.connect(made / "huigong.db")
    assert kept.execute("PRAGMA user_version").fetchone() == (42,)
    kept.close()


@pytest.mark.parametrize("port", ["0", "70000", "x"])
def test_a_wrong_port_is_refused(instance, port):
    assert "HUIGONG_PORT" in instance.refuses("serve", HUIGONG_PORT=port)


def test_a_port_in_use_is_refused(instance):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "端口" in instance.refuses("serve", "--port", taken.getsockname()[1])


# ── Backup, restore, verify, routes ─────────────────────────────────────────────────────────


def test_a_backup_restores_what_was_and_keeps_what_is_aside(instance, tmp_path):
    (instance.home / "files").mkdir()
    (instance.home / "files" / "paper").write_text("a paper")
    place = tmp_path / "kept" / "monday"
    instance.does("backup", "--out", place)
    assert not list(place.rglob("*.key")), "the keys are never in a backup"
    instance.database.write_bytes(b"ruined")
    (instance.home / "files" / "paper").unlink()
    assert "before-restore" in instance.does("restore", place)
    assert "全部相符" in instance.does("verify")
    assert (instance.home / "files" / "paper").read_text() == "a paper"
    [aside] = instance.home.glob("before-restore-*")
    assert (aside / "huigong.db").read_bytes() == b"ruined"


def test_migrate_seals_the_files_that_lay_open_and_a_backup_needs_no_key(instance, tmp_path):
    (instance.home / "files").mkdir()
    old = instance.home / "files" / ("a" * 32)
    old.write_text("张三 419999198005060013")
    assert "已加密 1 份" in instance.does("migrate")
    sealed = old.read_bytes()
    assert b"419999" not in sealed
    assert "已加密" not in instance.does("migrate")
    instance.key.rename(tmp_path / "elsewhere")
    os.utime(old, (0, 0))
    assert "清理了 1 份" in instance.does("backup", "--out", tmp_path / "kept")
    assert (tmp_path / "kept" / "files" / old.name).read_bytes() == sealed


def test_a_backup_is_taken_while_the_office_is_being_written_to(instance, tmp_path):
    writer = sqlite3.connect(instance.database)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("UPDATE user SET failures = 3")
    writer.commit()
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE user SET failures = 4")
    instance.does("backup", "--out", tmp_path / "kept")
    writer.rollback()
    writer.close()
    copy = sqlite3.connect(tmp_path / "kept" / "huigong.db")
    assert copy.execute("SELECT failures FROM user").fetchone() == (3,)
    copy.close()


def test_a_backup_never_overwrites(instance, tmp_path):
    (tmp_path / "kept").mkdir()
    assert "不覆盖" in instance.refuses("backup", "--out", tmp_path / "kept")


@pytest.mark.parametrize("tamper", ["altered", "missing", "added", "no manifest", "elsewhere"])
def test_a_backup_that_is_not_whole_is_not_restored(instance, tmp_path, tamper):
    place = tmp_path / "kept"
    instance.does("backup", "--out", place)
    if tamper == "altered":
        with (place / "huigong.db").open("ab") as file:
            file.write(b"x")
    elif tamper == "missing":
        (place / "huigong.db").unlink()
    elif tamper == "added":
        (place / "files" / "stranger").write_text("x")
    elif tamper == "no manifest":
        (place / "manifest.json").unlink()
    else:
        place = tmp_path / "nowhere"
    before = instance.database.read_bytes()
    instance.refuses("restore", place)
    assert instance.database.read_bytes() == before
    assert not list(instance.home.glob("before-restore-*"))
    assert not list(instance.home.glob(".restoring-*"))


def test_postgresql_is_left_to_its_own_tools_and_says_so(tmp_path):
    settings = Settings(
        home=tmp_path, keys=tmp_path, database_url="postgresql://x/y", host="", port=1,
        is_demo=False, today=None, production=False,
    )  # fmt: skip
    with pytest.raises(StartRefused, match="pg_dump"):
        backups.make(settings, tmp_path / "out", now=clock.real_now())
    with pytest.raises(StartRefused, match="pg_restore"):
        backups.restore(settings, tmp_path / "out", now=clock.real_now())


def test_verify_finds_a_changed_log(instance):
    printed = instance.does("verify")
    head = printed.split("末尾摘要 ")[1].split()[0]
    assert "全部相符" in instance.does("verify", "--head", head)
    database = sqlite3.connect(instance.database)
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        database.execute(f'DROP TRIGGER "{trigger}"')
    database.execute("UPDATE audit_event SET detail = 'forged' WHERE id = 2")
    database.commit()
    ended = instance.run("verify")
    assert ended.returncode == 1
    assert "第 2 条" in ended.stderr
    database.execute("DELETE FROM audit_event WHERE id > 1")
    database.commit()
    database.close()
    ended = instance.run("verify", "--head", head)
    assert "截断" in ended.stderr


def test_verify_opens_every_kept_file_in_the_time_that_it_is_given(instance):
    vault.unlock(instance.home / "keys")
    files = instance.home / "files"
    kept = uploads.keep(files, io.BytesIO(b"x"), name="a", field="file", limit=9)
    database = sqlite3.connect(instance.database)
    database.execute(
        "INSERT INTO statement (organization_id, bank, file, file_name, stage, lines, repeated,"
        " amount, by_id, at) VALUES (1, '示例', ?, 'a', 'kept', 0, 0, 0, 1, '2024-12-16')",
        (kept.file,),
    )
    database.commit()
    database.close()
    assert "保管的文件 1 份，打开核对 1 份\n" in instance.does("verify")
    printed = instance.does("verify", "--minutes", "0.0000001")
    assert "保管的文件 1 份，打开核对 0 份\n时间到，1 份只核对了在不在" in printed
    (files / kept.file).unlink()
    ended = instance.run("verify")
    assert (ended.returncode, ended.stderr) == (1, "对账单 1 的文件不在\n")


def test_routes_lists_every_address_with_who_may_use_it(tmp_path):
    listed = json.loads(Instance(tmp_path / "instance").does("routes", "--json"))
    by_endpoint = {row["endpoint"]: row for row in listed}
    assert by_endpoint["accounts.index"] == {
        "endpoint": "accounts.index",
        "methods": ["GET"],
        "roles": ["administrator"],
        "address": "/admin/accounts",
    }
    assert by_endpoint["accounts.sign_in"]["roles"] == ["anyone"]
    assert by_endpoint["home.index"]["roles"] == ["signed-in"]
    assert not (tmp_path / "instance").exists(), "listing makes no office"


def test_a_real_office_ignores_a_fixed_clock(instance):
    assert str(TODAY.year) not in instance.does("backup", HUIGONG_TODAY=str(TODAY))
