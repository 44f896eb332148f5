"""Every page of the office at a million members beside the same page at ten thousand: 演示 people.

`python -m benchmarks.lists [members] [sqlite|postgresql] [--all] [--keep=FOLDER] [--only=WORDS]`
measures them alone; `--all` asks every page, and prints each and the worst ten: without it, as in
`make bench`, each page is asked as it opens, with the pages after it, for everyone, but what it can
be sorted and filtered by each for one of the five people in turn. `--keep` builds the offices in a
folder and finds them there the next time, `--only` asks the endpoints whose name holds one of these
words. The pages are those of the endpoint registry, so that a new list is measured without being
named here: what a list can be sorted and filtered by, and its next and last page, are read off the
page itself; an address that opens for nobody is a miss. The two offices are asked in turn, so that
a shared machine slows both alike; a page over a limit in a few rounds is asked forty times more,
and these count: what is slow is slow every time. Of forty the 99th of a hundred is the slowest. How
many pages were asked again, and how many stay over each limit, is printed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from os import getloadavg
from pathlib import Path

from flask import Flask

from benchmarks.lists.asking import Bench
from benchmarks.lists.offices import LARGE, SMALL, Office
from benchmarks.lists.page import MOST, NOISE, TIMES_SMALL, Page
from benchmarks.province import TODAY
from benchmarks.table import Row, within
from huigong import clock, vault
from huigong.app import keep_for_good, make_app
from huigong.config import Settings


def rows() -> Iterator[Row]:
    """The slowest page and the one that grew most, on both databases."""
    yield from of("sqlite")
    yield from of("postgresql")


def of(
    dialect: str,
    members: int = LARGE,
    *,
    show_all: bool = False,
    keep: str = "",
    only: Sequence[str] = (),
) -> Iterator[Row]:
    """Build both offices on one database and ask each for every page."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(keep, f"{dialect}-{members}").absolute() if keep else Path(folder)
        if not (home / "keys").exists():
            vault.make_key(home / "keys")
        vault.unlock(home / "keys")
        clock.fix(TODAY)
        stack.callback(clock.fix, None)
        offices = [
            Office(home / name, dialect, count, stack)
            for name, count in (("small", SMALL), ("large", members))
        ]
        bench = Bench(*offices, _app(home), every=show_all)
        keep_for_good()
        for page in bench.run(only):
            if show_all:
                print(page, flush=True)
        if show_all:
            print_worst(bench.pages)
        yield from measured(bench, dialect)
        for office in offices:
            office.connection.close()


def _app(home: Path) -> Flask:
    settings = Settings(
        home=home, keys=home / "keys", database_url="", host="127.0.0.1", port=8000,
        is_demo=True, today=TODAY, production=False,
    )  # fmt: skip
    return make_app(settings)


def measured(bench: Bench, dialect: str) -> Iterator[Row]:
    """Which page is the slowest and which grew most."""
    slowest = max(bench.pages, key=Page.p99)
    grown = max(bench.pages, key=Page.ratio)
    small, large = grown.medians()
    asked = sum(len(page.wall) for page in bench.pages)
    over = sum(page.p99() > MOST for page in bench.pages)
    of_them = "every page" if bench.every else "each sort and filter for one of five people"
    note = f"{slowest.name}; {over} over it of {len(bench.pages)} pages asked {asked:,} times"
    note += f" ({of_them})"
    note += f", {bench.asked_again} of them again, load {getloadavg()[0]:.1f}"
    what = f"slowest page's p99 at {bench.members:,} members, {dialect}"
    yield within(what, slowest.p99(), MOST, "ms", note)
    over = sum(page.ratio() > TIMES_SMALL for page in bench.pages)
    note = f"{grown.name}: {small:.1f} → {large:.1f} ms, medians; {over} pages over it"
    fuller = {page.endpoint for page in bench.pages if page.fuller}
    note += f"; {NOISE:g} ms apart is noise; {len(bench.unlike)} fuller than any there, by far so "
    note += f"and held to the first limit only: {', '.join(sorted(fuller)) or 'none'}"
    what = f"… page that grew most since {SMALL:,}, {dialect}"
    yield within(what, grown.ratio(), TIMES_SMALL, "×", note)
    what = f"… addresses that open for nobody, so unmeasured, {dialect}"
    yield within(what, len(bench.closed), 0, "", ", ".join(bench.closed))


def print_worst(pages: Sequence[Page], most: int = 10) -> None:
    """The pages that are slowest and those that grew most."""
    for words, figure in (("slowest", Page.p99), ("grew most", Page.ratio)):
        print(f"── {words}")
        for page in sorted(pages, key=figure, reverse=True)[:most]:
            print(page)
