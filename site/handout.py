"""The 一次性告知单 of a policy: what to bring and expect, on one A4 page."""

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from huigong.differences import Change
from huigong.examples import Example
from huigong.explain import Section
from huigong.site.page import Page

MOST_CHANGES = 5  # the policy page has them all
UNPRINTED = ("未载明", "另载明", "来源")  # changes that a claimant does not act on
ELSEWHERE = ("依据",)  # parts of the guide that the sheet says in a place of its own
FULL_STOP = "。"  # between lines that run on
TITLE = 5  # characters of a part's title in one line


class Setting(NamedTuple):
    """How a sheet is set: the height in points left for its rows, and what a line takes."""

    room: int
    line: float
    row: float  # above and below the lines of a row
    wide: int  # characters in a line

    def fits(self, rows: Iterable[tuple[str, list[str]]]) -> bool:
        taken = 0.0
        for title, texts in rows:
            lines = sum(-(-len(text) // self.wide) or 1 for text in texts)
            taken += self.row + self.line * max(lines, -(-len(title) // TITLE))
        return taken <= self.room


EASY = Setting(room=545, line=13.5, row=8, wide=44)  # site.css: .sheet in print
DENSE = Setting(room=610, line=9.6, row=8, wide=57)  # .sheet.dense


def handout(policy: Page) -> Page:
    """The printable notice of a policy's page. Set smaller where it is long; where even that does
    not make it one page its lines run on, and the examples stay on the policy page."""
    data = policy.data
    edition = data["edition"]
    told = [change for change in data["changes"] if change.title not in UNPRINTED]
    kept = {key: data[key] for key in ("edition", "guide", "benefits", "force", "former")}
    parts, ends = _rows([*data["guide"], *data["benefits"]]), [*_changes(told), *_ends(policy)]
    running = not DENSE.fits([*parts, *ends])
    if running:
        parts = [(title, [FULL_STOP.join(texts)]) for title, texts in parts]
    rows = [*parts, *ends]
    shown = [*rows, *chain.from_iterable(map(_example, data["examples"]))]
    whole = DENSE.fits(shown)
    return Page(
        f"{policy.url}notice/",
        "site/handout.html",
        f"一次性告知单：{policy.title}",
        f"{edition.name}（{edition.code}）申领一次性告知单，可打印为一页A4。",
        policy.standing,
        (*policy.trail, (policy.url, edition.name)),
        {
            **kept,
            "examples": data["examples"] if whole else [],
            "examples_elsewhere": bool(data["examples"]) and not whole,
            "running": running,
            "dense": not EASY.fits(shown if whole else rows),
            "changes": told[:MOST_CHANGES],
            "more_changes": max(0, len(told) - MOST_CHANGES),
        },
        policy.city,
    )


def _rows(parts: list[Section]) -> list[tuple[str, list[str]]]:
    kept = [part for part in parts if part.title not in ELSEWHERE]
    return [(part.title, [line.text for line in part.lines]) for part in kept]


def _changes(told: list[Change]) -> list[tuple[str, list[str]]]:
    texts = [f"（原：）{change.before_text}{change.now_text}" for change in told[:MOST_CHANGES]]
    return [("与上一版相比", texts)] if texts else []


def _ends(policy: Page) -> list[tuple[str, list[Any]]]:
    return [("咨询监督", [""]), ("依据", [policy.standing.source])]


def _example(example: Example) -> list[tuple[str, list[str]]]:
    """An example's heads wrap above its rows."""
    heads = max(-(-len(case) // TITLE) for case in example.cases)
    return [(f"示例：{example.name}", [""] * (heads + len(example.rows)))]
