"""What a page of ours offers to ask for next."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from benchmarks.province import RARE_NAME, TODAY

SOUGHT = {
    "surname": "王", "rare name": RARE_NAME, "surname and given": "王建", "given name": "建国",
    "initial": "w", "initials": "wjg", "last four": "0017", "unit": "建工", "number": "MC2024-0",
    "name and unit": "王 建工",
}  # fmt: skip


class Reader(HTMLParser):
    """What a page offers: links, those by `rel`, sorts, and the fields of its search forms."""

    def __init__(self, html: str):
        super().__init__()
        self.links: dict[str, str] = {}
        self.hrefs: list[str] = []
        self.sorts: list[str] = []
        self.options: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.is_list = "<table" in html
        self.rows = html.count("<tr") + html.count("<option")  # or choices
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
        if tag == "input":
            self._input(given)

    def _input(self, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if name == "month":  # this one, and one after which much came in
            self.options += [(name, f"{TODAY:%Y-%m}"), (name, f"{TODAY.year}-08")]
        elif kind in ("text", "search"):
            self.texts.append(name)
        elif kind == "date":
            self.options.append((name, f"{TODAY}"))
        elif kind in ("checkbox", "radio"):
            self.options.append((name, given.get("value", "on")))

    def _link(self, given: dict[str, str]) -> None:
        self.hrefs.append(given.get("href", ""))
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
