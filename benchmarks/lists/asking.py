"""Every page of the endpoint registry, asked in both offices."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.routing import Rule as Address

from benchmarks.lists.offices import Office
from benchmarks.lists.page import TIMES_SMALL, Page, queued
from benchmarks.lists.reading import Reader
from huigong import access, database
from huigong.admin.audit import REVEALED
from huigong.admin.operator.room import KINDS

ROUNDS, MANY_ROUNDS = 5, 40
# Endpoints that answer with a file, not with a page.
_FILES = frozenset({
    "claims.paper", "corrections.proof", "enrollment.faults", "enrollment.proof",
    "enrollment.template", "gifts.workbook", "ledger.month", "listings.attractions_export",
    "listings.notices_export", "listings.programs_export", "listings.routes_export",
    "listings.stations_export", "listings.stations_template", "members.certificate_pdf",
    "opening.template", "organizations.proof", "reminders.workbook", "replay.workbook",
    "schemes.draft_file", "schemes.file", "schemes.toml", "transfers.annex",
    "transfers.workbook",
})  # fmt: skip
# No list, search or count: a replay answers with every claim of the span, reckoned anew, within a
# limit of its own (benchmarks/rules.py); two lead to it. And what of a roster's workbook is unclear
# is read off the workbook, and no filled roster has one.
_NO_LISTS = frozenset({"replay.index", "replay.of_draft", "replay.of_edition",
                       "enrollment.columns"})  # fmt: skip
# What an address's <kind> may be, by blueprint.
_KINDS = {"audit": tuple(REVEALED), "operator": tuple(KINDS)}


class Bench:
    """Both offices of one database behind one application."""

    def __init__(self, small: Office, large: Office, app: Flask, *, every: bool = True):
        self.offices = {"small": small, "large": large}
        self.app, self.members, self.every = app, large.members, every
        self.pages: list[Page] = []
        self.seen: dict[str, list[tuple[int, str, str]]] = {}  # rows, whose, address: small ones
        self.unlike: list[Page] = []  # fuller than any page of its kind in the small office
        self.met: dict[tuple[str, str, str], str] = {}  # office, whose, endpoint: the first link
        self.closed: list[str] = []  # addresses that open for nobody
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
            if page.missed() and not page.is_hopeless():
                page.forget()
                self.measure(page, MANY_ROUNDS)
                self.asked_again += 1
            self.pages.append(page)
            yield page

    def found(self, only: Sequence[str]) -> Iterator[Page]:
        """Every page of the registry for everyone who may see it, with its variants. What no first
        row opens is asked of the first in each stage, then as some other page links to it."""
        rules = access.registry(self.app)
        closed = []
        for address in sorted(self.app.url_map.iter_rules(), key=str):
            rule = rules[address.endpoint]
            if "GET" not in (address.methods or ()) or rule.anyone:
                continue
            if address.endpoint in _FILES | _NO_LISTS:
                continue
            if only and not any(words in address.endpoint for words in only):
                continue
            if not (yield from self._opened(self._direct(address, rule))) and not (
                yield from self._opened(self._staged(address, rule))
            ):
                closed.append(address)
        for address in closed:
            if not (yield from self._opened(self._linked(address))):
                self.closed.append(f"{address.endpoint} {address}")

    def _opened(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages that open, with their variants; returns whether any did."""
        opened = False
        for page in pages:
            for shown in self._variants(page):
                opened = True
                yield shown
        return opened

    def _direct(self, address: Address, rule: access.Rule) -> Iterator[Page]:
        for who in self.offices["small"].places:
            for kind, text in _worded(address):
                if "<int:id>" not in text:
                    yield Page(who, address.endpoint, kind or "as it opens", text, text)
                    continue
                yield from self._of_rows(address, text, kind, who, self._ids(rule.on, who))

    def _staged(self, address: Address, rule: access.Rule) -> Iterator[Page]:
        if "<int:" not in str(address):
            return
        for who in self.offices["small"].places:
            for kind, text in _worded(address):
                yield from self._of_rows(address, text, kind, who, self._staged_ids(rule.on, who))

    def _of_rows(
        self, address: Address, text: str, kind: str, who: str,
        rows: Sequence[dict[str, int]],
    ) -> Iterator[Page]:  # fmt: skip
        small, large = rows
        for words in small.keys() & large.keys():
            of = [text.replace("<int:id>", str(ids[words])) for ids in (small, large)]
            label = " ".join(filter(None, (words, kind))) or "one"
            yield Page(who, address.endpoint, label, *of)

    def _linked(self, address: Address) -> Iterator[Page]:
        """An address as other pages link to it, with what its query must say."""
        for who in self.offices["small"].places:
            met = [self.met.get((size, who, address.endpoint)) for size in ("small", "large")]
            if all(met):
                yield Page(who, address.endpoint, "as linked to", *map(str, met))

    def _ids(self, model: Any, who: str) -> list[dict[str, int]]:
        """Rows by what is said of them, in the small office and in the large."""
        return [self._office(size).ids(model, who) for size in ("small", "large")]

    def _staged_ids(self, model: Any, who: str) -> list[dict[str, int]]:
        return [self._office(size).staged(model, who) for size in ("small", "large")]

    def _office(self, size: str) -> Office:
        office = self.offices[size]
        database.db.initialize(office.connection)
        database.db.connect(reuse_if_open=True)
        return office

    def _variants(self, page: Page) -> Iterator[Page]:
        """A page, sorted and filtered each way it offers, its next and its last page."""
        read = self._read(page)
        if read is None:
            return
        yield page
        yield from self._leaves(page, *read)
        if not read[1].is_list:
            return
        for label, query in self._chosen(page.who, read[1]):
            there = [f"{urlsplit(getattr(page, s)).path}?{query}" for s in ("small", "large")]
            other = Page(page.who, page.endpoint, label, *there)
            if shown := self._read(other):
                yield other
                yield from self._leaves(other, *shown)

    def _chosen(self, who: str, read: Reader) -> Iterator[tuple[str, str]]:
        """The queries a list offers; unless every one is asked for, each of one person only: the
        first of the first, the second of the second, and round again."""
        people = list(self.offices["small"].places)
        turn = people.index(who)
        for at, query in enumerate(read.queries()):
            if self.every or at % len(people) == turn:
                yield query

    def _read(self, page: Page) -> tuple[Reader, Reader] | None:
        """What the page offers in either office; None for what is no page for this person. Where
        the small office's has fewer rows, the page is set beside one as full, if there is one."""
        own, _, _ = self.get("small", page.who, page.small)
        answer, _, _ = self.get("large", page.who, page.large)
        if answer.status_code >= 500:
            raise RuntimeError(f"{page.name}: {page.large} answers {answer.status_code}")
        if answer.status_code != 200:
            return None
        if answer.mimetype != "text/html":
            raise RuntimeError(f"{page.name}: {page.large} is a file: add it to _FILES")
        small, large = (Reader(each.get_data(as_text=True)) for each in (own, answer))
        self._note_links("small", page, small)
        self._note_links("large", page, large)
        known = self.seen.setdefault(page.endpoint, [])
        if own.status_code == 200:
            known.append((small.rows, page.who, page.small))
        if small.rows < large.rows:
            as_full = [seen for seen in known if seen[0] >= large.rows]
            if as_full:
                _, page.beside, page.small = min(as_full, key=lambda seen: seen[0])
            else:
                self.unlike.append(page)
                page.fuller = large.rows > TIMES_SMALL * max((n for n, _, _ in known), default=0)
        return small, large

    def _note_links(self, size: str, page: Page, read: Reader) -> None:
        urls = self.app.url_map.bind("")
        for href in read.hrefs:
            if href.startswith("/admin/"):
                try:
                    endpoint, _ = urls.match(urlsplit(href).path, method="GET")
                except (HTTPException, RequestRedirect):
                    continue
                self.met.setdefault((size, page.who, endpoint), href)

    def _leaves(self, page: Page, own: Reader, read: Reader) -> Iterator[Page]:
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


def _worded(address: Address) -> Iterator[tuple[str, str]]:
    """(kind, text) of an address, once for each kind it may name; the number of a row is its id,
    whatever a view calls it."""
    text = re.sub(r"<int:\w+>", "<int:id>", str(address), count=1)
    if "<kind>" not in text:
        if "<" in text.replace("<int:id>", ""):
            raise RuntimeError(f"{address.endpoint}: what may {text} be?")
        yield "", text
        return
    for kind in _KINDS[address.endpoint.partition(".")[0]]:
        yield kind, text.replace("<kind>", kind)
