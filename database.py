"""The one connection, the one write gateway, and the only SQL that one database alone speaks.

On SQLite a write begins IMMEDIATE, on PostgreSQL it first takes one advisory lock: either way
one writer at a time, so what a deed reads inside its transaction stays true until it commits
and the audit chain has one head. Readers never wait.
"""

import functools
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import apsw
from peewee import (
    SQL,
    DatabaseError,
    DatabaseProxy,
    IntegrityError,
    InterfaceError,
    NodeList,
    PostgresqlDatabase,
    Value,
    fn,
)
from playhouse.apsw_ext import APSWDatabase

from huigong.refusals import StartRefused

db = DatabaseProxy()

_WRITER_LOCK = 0x68756967  # "huig": any fixed number, the same in every process
_WAL_FIXED_IN = (3, 51, 3)  # earlier releases can lose a write when WAL resets
_PAGE_BYTES = 16 * 1024  # of a new file: rows by the hundred thousand change fewer, larger pages
_LONGEST_LOG_BYTES = 100 * 1024 * 1024
_BUSY_SECONDS = 15
_LOOK_SECONDS = 0.003
_KEPT_CACHE = -16_000  # KiB that a kept connection remembers of an office's file
_QUICK_CHECK_BYTES = 256 * 1024 * 1024

P = ParamSpec("P")
R = TypeVar("R")


class _Keeping:
    """Connections that outlive the request that used them, once `keep_connections` was said."""

    kept: list[Any] | None = None  # None: each ends with its use

    def _connect(self) -> Any:
        while self.kept:
            connection = self.kept.pop()
            if self._is_good(connection):
                return connection
            self._end(connection)
        return self._begin()

    def _close(self, connection: Any) -> None:
        if self.kept is not None and self._is_at_rest(connection):
            self.kept.append(connection)
        else:
            self._end(connection)

    def _begin(self) -> Any:
        return super()._connect()  # type: ignore[misc]

    def _end(self, connection: Any) -> None:
        super()._close(connection)  # type: ignore[misc]

    def _is_good(self, connection: Any) -> bool:
        """Whether a kept connection still leads where a new one would."""
        raise NotImplementedError

    def _is_at_rest(self, connection: Any) -> bool:
        """Whether nothing is under way on a connection."""
        raise NotImplementedError


class Server(_Keeping, PostgresqlDatabase):
    """The office's PostgreSQL database."""

    def _is_good(self, connection: Any) -> bool:
        from psycopg import Error

        try:
            connection.execute("RESET ALL")
        except Error:  # the server was restarted, or ended it
            return False
        return True

    def _is_at_rest(self, connection: Any) -> bool:
        from psycopg.pq import TransactionStatus

        return bool(connection.info.transaction_status == TransactionStatus.IDLE)


class Office(_Keeping, APSWDatabase):
    """The office's SQLite file, through a current SQLite whatever the system has."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.files: dict[int, tuple[int, int]] = {}  # what each connection's file was

    def _begin(self) -> apsw.Connection:
        connection = super()._begin()
        # Dates and date-times are stored as ISO text, as Python's own driver would.
        connection.convert_binding = lambda _cursor, _number, value: str(value)
        connection.set_busy_handler(_wait_for_the_writer)
        if self.kept is not None:
            connection.execute(f"PRAGMA cache_size = {_KEPT_CACHE}")
        self.files[id(connection)] = self._file()
        return connection

    def _end(self, connection: Any) -> None:
        self.files.pop(id(connection), None)
        super()._end(connection)

    def _is_good(self, connection: Any) -> bool:
        return self.files.get(id(connection)) == self._file()  # none was restored in its place

    def _is_at_rest(self, connection: Any) -> bool:
        return bool(connection.txn_state() == apsw.SQLITE_TXN_NONE)  # no row is waited for, either

    def _file(self) -> tuple[int, int]:
        said = Path(self.database).stat()
        return said.st_dev, said.st_ino


def _wait_for_the_writer(tries: int) -> bool:
    """Look every few milliseconds whether the lock is free. SQLite's own waiting looks ever more
    rarely, and would miss the moment between two batches of a city (`let_others_write`)."""
    time.sleep(_LOOK_SECONDS)
    return tries * _LOOK_SECONDS < _BUSY_SECONDS


def connect_to(url: str) -> None:
    """Point this process at a database: sqlite:///path or postgresql://…."""
    db.initialize(_sqlite(url) if url.startswith("sqlite:///") else _postgresql(url))


def _sqlite(url: str) -> Office:
    wal = tuple(map(int, apsw.sqlite_lib_version().split("."))) >= _WAL_FIXED_IN
    pragmas = {
        "page_size": _PAGE_BYTES,
        "journal_mode": "wal" if wal else "delete",
        "synchronous": "full",
        "foreign_keys": 1,
        "cache_size": -32_000,
        "temp_store": "memory",
        "trusted_schema": 0,
    }
    return Office(url.removeprefix("sqlite:///"), pragmas=pragmas, timeout=_BUSY_SECONDS)


def _postgresql(url: str) -> Server:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise StartRefused("DATABASE_URL 只支持 sqlite:///路径 或 postgresql://用户@主机/库名。")
    return Server(url, prefer_psycopg3=True)


def keep_connections() -> None:
    """Keep each connection for the next request; for a process that serves for long. A new one
    costs milliseconds, on PostgreSQL a process of its own, and has read nothing: a page of a city
    looks at hundreds of places in its indexes."""
    db.obj.kept = []


def is_sqlite() -> bool:
    return isinstance(db.obj, APSWDatabase)


def writes(deed: Callable[P, R]) -> Callable[P, R]:
    """Make a deed one write transaction. A deed called by another deed joins its transaction."""

    @functools.wraps(deed)
    def within_one_transaction(*args: P.args, **kwargs: P.kwargs) -> R:
        if db.transaction_depth():
            return deed(*args, **kwargs)
        if is_sqlite():
            with db.atomic("IMMEDIATE"):
                return deed(*args, **kwargs)
        with db.atomic():
            db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_WRITER_LOCK,))
            return deed(*args, **kwargs)

    return within_one_transaction


def insert_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows inside the open transaction the fastest way each database has. Their values
    are of the columns' own types: a date is a `date`, and JSON is text already."""
    names = ", ".join(f'"{name}"' for name in columns)
    if is_sqlite():
        marks = ", ".join("?" * len(columns))
        statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 our own names
        db.cursor().executemany(statement, rows)
        return
    cursor = db.cursor()
    cursor.execute(f'SELECT {names} FROM "{table}" LIMIT 0')  # noqa: S608 our own names
    types = [column.type_code for column in cursor.description]  # binary, so asked for
    with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN (FORMAT BINARY)') as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def insert_new(rows: Any, *, unique: Sequence[Any]) -> int:
    """Insert what a query finds (`Model.insert_from`) but for what is there already by its
    `unique` columns; says how many went in. PostgreSQL first takes them all for new, which they
    mostly are: what it does for rows that may be there costs it a tenth more for each."""
    if not is_sqlite():
        with suppress(IntegrityError), db.atomic():
            return int(rows.returning().as_rowcount().execute())
    new = rows.on_conflict(action="nothing", conflict_target=unique)
    return int(new.returning().as_rowcount().execute())


def expect_few_rows() -> None:
    """Let this connection look up the few rows that a page of a list needs of millions; for a
    request that shows something. PostgreSQL is told that what it reads is in memory, so that
    looking a hundred rows up costs less than reading a table of thousands beside them; SQLite
    looks them up unasked."""
    if not is_sqlite():
        costs = ("random_page_cost", "seq_page_cost")
        told = ", ".join(f"set_config('{name}', '0.1', false)" for name in costs)
        db.execute_sql(f"SELECT {told}")


def expect_many_rows() -> None:
    """Let this connection hold a city's indexes in memory while rows come by the hundred
    thousand, and write them back less often. Some 300 MiB; for a worker, not a web process."""
    if is_sqlite():
        db.execute_sql("PRAGMA cache_size = -300000")
        page = db.execute_sql("PRAGMA page_size").fetchone()[0]
        db.execute_sql(f"PRAGMA wal_autocheckpoint = {_LONGEST_LOG_BYTES // page}")
        db.execute_sql("PRAGMA temp_store = file")  # a city is not sorted in memory


def let_others_write() -> None:
    """Between two of many transactions: give whoever waits for the write lock time to take it.
    PostgreSQL's lock goes to who waited longest, unasked."""
    if is_sqlite():
        time.sleep(2 * _LOOK_SECONDS)


def containing(column: Any, part: str) -> Any:
    """The condition that a text has a part in it, in small or large Latin letters. PostgreSQL's
    own way reads thousands of Chinese names for milliseconds, because it folds every letter."""
    if is_sqlite():
        return column.contains(part)
    folded = fn.LOWER(NodeList((column, SQL('COLLATE "C"'))))
    return fn.STRPOS(folded, part.lower()) > 0


def among(column: Any, values: Sequence[Any]) -> Any:
    """The condition that a column is one of many values, handed over as one: no limit to how
    many, and each looked up in the column's index."""
    if is_sqlite():
        return column << SQL("(SELECT value FROM json_each(?))", [json.dumps(list(values))])
    return column == fn.ANY(Value(list(values), converter=False, unpack=False))


def paired(column: Any, pairs: Sequence[tuple[int, str]]) -> tuple[Any, Any, Any]:
    """Many pairs handed over as one: what stands for them in FROM, the condition that a column is
    the first of a pair, and the second. To come first in FROM, with CROSS JOIN behind it: so
    SQLite looks the column up for each pair."""
    if is_sqlite():
        given = SQL('json_each(?) AS "given"', [json.dumps(pairs)])
        return given, column == SQL('("given"."value" ->> 0)'), SQL('("given"."value" ->> 1)')
    numbers, texts = ([pair[at] for pair in pairs] for at in (0, 1))
    given = SQL('UNNEST(%s::bigint[], %s::text[]) AS "given" ("number", "text")', [numbers, texts])
    # Said twice: PostgreSQL cannot tell how many pairs there are, and would read the whole table.
    looked_up = (column == SQL('"given"."number"')) & among(column, numbers)
    return given, looked_up, SQL('"given"."text"')


def hands() -> int:
    """How many connections may do one deed's work at the same time (`together`)."""
    return 1 if is_sqlite() else 2


def together(parts: Sequence[Callable[[], None]]) -> None:
    """Do the parts of a deed that touch different rows: one after the other, or, where several
    connections may write (`hands`), each over its own while the caller's transaction keeps the
    write lock for all of them. None sees what another wrote.

    The others commit before the caller does: only for what counts for nothing by itself, and is
    found done when it is done again. Raises what went wrong in any of them; all are undone then.
    """
    if len(parts) == 1 or hands() == 1:
        for part in parts:
            part()
        return
    first, *others = parts
    ready = threading.Barrier(len(parts), timeout=_BUSY_SECONDS)
    with ThreadPoolExecutor(len(parts)) as pool:
        waiting = [pool.submit(_by_another_hand, part, ready) for part in others]
        with suppress(threading.BrokenBarrierError):  # whose part broke it says why
            _in_step(first, ready)
        for other in waiting:
            other.result()


def _by_another_hand(part: Callable[[], None], ready: threading.Barrier) -> None:
    with db.connection_context(), db.atomic():
        # Else it could wait for a row of the caller's, who waits for this part.
        db.execute_sql(f"SET LOCAL lock_timeout = {_BUSY_SECONDS * 1000}")
        _in_step(part, ready)


def _in_step(part: Callable[[], None], ready: threading.Barrier) -> None:
    """Do a part, and wait until the others are done."""
    try:
        part()
    except BaseException:
        ready.abort()
        raise
    ready.wait()


def aside(column: Any) -> Any:
    """A column in a condition that SQLite is not to look rows up by: it keeps no statistics and
    would begin with the wrong index. PostgreSQL's planner, which does, sees the column as it is."""
    return column + 0 if is_sqlite() else column


# How a dialect writes that a column sorts by character code; SQLite does so unasked.
BY_CODE = {"postgresql": '"C"'}


def add_only(tables: Iterable[str], dialect: str, goes_when: dict[str, str]) -> list[str]:
    """The statements that block update and delete on `tables`: their rows are only added; of
    those in `goes_when` a row may be deleted on that condition about OLD."""
    if dialect == "sqlite":
        return [
            f'CREATE TRIGGER "{table}_no_{verb}" BEFORE {verb.upper()} ON "{table}" '
            + (f"WHEN NOT {goes_when[table]} " if verb == "delete" and table in goes_when else "")
            + f"BEGIN SELECT RAISE(ABORT, '{table} rows are only added'); END"
            for table in tables
            for verb in ("update", "delete")
        ]
    refuse = (
        "CREATE OR REPLACE FUNCTION rows_are_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' rows are only added'; END $$"
    )
    unless = [
        f"CREATE OR REPLACE FUNCTION {table}_rows_go_when() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF NOT {condition} THEN RAISE EXCEPTION '{table} rows are only added'; "
        "END IF; RETURN OLD; END $$"
        for table, condition in goes_when.items()
    ]
    guards = {(table, "delete"): f"{table}_rows_go_when" for table in goes_when}
    return [refuse, *unless] + [
        f'CREATE TRIGGER "{table}_no_{verb}" BEFORE {verb.upper()} ON "{table}" '
        f"FOR EACH ROW EXECUTE FUNCTION {guards.get((table, verb), 'rows_are_only_added')}()"
        for table in tables
        for verb in ("update", "delete")
    ]


def check_readable() -> None:
    """Raise StartRefused when the database cannot be opened or read, or is visibly damaged."""
    try:
        with db.connection_context():
            db.execute_sql("SELECT 1").fetchone()
            db.get_tables()
            fault = _sqlite_fault() if is_sqlite() else ""
    except (DatabaseError, InterfaceError, OSError, apsw.Error) as wrong:
        raise StartRefused(
            f"数据库无法打开或读取（{type(wrong).__name__}）：请检查 DATABASE_URL 与文件权限，"
            "或用 huigong restore 从备份恢复。"
        ) from wrong
    if fault:
        raise StartRefused(f"数据库文件已损坏（{fault}）：请用 huigong restore 从备份恢复。")


def _sqlite_fault() -> str:
    """What a quick check finds wrong; a large file's pages are only counted."""
    pages, size = (db.execute_sql(f"PRAGMA {n}").fetchone()[0] for n in ("page_count", "page_size"))
    if pages * size > _QUICK_CHECK_BYTES:
        return ""
    answer = db.execute_sql("PRAGMA quick_check(1)").fetchone()[0]
    return "" if answer == "ok" else str(answer).splitlines()[0]
