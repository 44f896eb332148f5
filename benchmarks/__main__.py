"""`make bench`: every figure in one table, with versions; exits 1 when a limit is missed."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version

import apsw

from benchmarks import enrollment, lists, rules, serving
from benchmarks.table import Row

PARTS = [rules, enrollment, serving, lists]
VERSIONS = ("peewee", "openfisca-core", "numpy", "playwright")


def main() -> int:
    """Measure, print row by row, and say whether every limit was met."""
    print(_versions(), flush=True)
    print(f"{'':4}{'what':76}{'figure':>16}  {'limit':12}note", flush=True)
    missed = []
    for part in PARTS:
        for row in part.rows():
            _print(row)
            if row.met is False:
                missed.append(row.what)
    print("all limits met" if not missed else f"MISSED: {'; '.join(missed)}")
    return 1 if missed else 0


def _print(row: Row) -> None:
    mark = {True: "ok", False: "MISS", None: "·"}[row.met]
    print(f"{mark:4}{row.what:76}{row.figure:>16}  {row.limit:12}{row.note}", flush=True)


def _versions() -> str:
    named = []
    for name in VERSIONS:
        try:
            named.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            named.append(f"{name} not installed")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    sqlite = f"SQLite {apsw.sqlite_lib_version()} (Python's own {sqlite3.sqlite_version})"
    python = f"Python {platform.python_version()}"
    return ", ".join([python, platform.system(), machine, sqlite, *named])


if __name__ == "__main__":
    sys.exit(main())
