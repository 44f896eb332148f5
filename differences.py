"""What one edition of a scheme says otherwise than another, line beside line in plain Chinese.

The public page's 与上一版相比 and the scheme editor show these same changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from huigong.explain import policy_words
from huigong.plans.vocabulary import CARRIERS, FACTS, PARTS, ROUNDINGS

ALIKE = 0.5  # below it two lines are no versions of each other
_TOKEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9][0-9,.]*(?:元|%|天|次|个月|个工作日)?|部分|全部|.", re.DOTALL
)

Plan = dict[str, Any]
Row = tuple[str, str]  # a line's text and the clause it rests on


class Piece(NamedTuple):
    """A stretch of a line: whether the other edition's line has it otherwise."""

    text: str
    changed: bool


class Change(NamedTuple):
    """One line of a section: before (empty: it is new) and now (empty: it is gone)."""

    title: str
    before: list[Piece]
    now: list[Piece]

    @property
    def before_text(self) -> str:
        return "".join(piece.text for piece in self.before)

    @property
    def now_text(self) -> str:
        return "".join(piece.text for piece in self.now)


def differences(old: Plan, new: Plan) -> list[Change]:
    """Every line that `new` says otherwise than `old`, section by section."""
    before, now = _lines(in_order(old)), _lines(in_order(new))
    found = []
    for title in dict.fromkeys([*now, *before]):
        found += list(_changes(title, before.get(title, []), now.get(title, [])))
    return found


def in_order(plan: Plan) -> Plan:
    """The plan with the rows of its tables as a person lists them: local before away."""

    def ordered(by: list[str], node: Any) -> Any:
        if not by or not isinstance(node, dict):
            return node
        places = [str(choice) for choice in FACTS[by[0]].choices] or list(plan["grades"])
        keys = sorted(node, key=lambda key: places.index(key) if key in places else 0)
        return {key: ordered(by[1:], node[key]) for key in keys}

    benefits = [
        {**b, "step": [{**s, "table": ordered(s["by"], s["table"])} for s in b["step"]]}
        for b in plan["benefit"]
    ]
    fee = plan["fee"]
    if fee:
        tables = {key: ordered(fee["by"], fee[key]) for key in ("total", "share")}
        fee = {**fee, **tables, "share": _carriers(len(fee["by"]), tables["share"])}
    return {**plan, "benefit": benefits, "fee": fee}


def _carriers(depth: int, shares: Any) -> Any:
    """The shares with their carriers from the province down, however the plan was stored."""
    if depth:
        return {key: _carriers(depth - 1, below) for key, below in (shares or {}).items()}
    return {name: shares[name] for name in CARRIERS if name in shares}


def _lines(plan: Plan) -> dict[str, list[Row]]:
    """All that a plan says by section; first what no section of the policy page says."""
    head = [f"名称：{plan['name']}", f"金额{ROUNDINGS[plan['rounding']][2]}"]
    for name, parts in plan["base"].items():
        head.append(f"{PARTS[name]}按{'、'.join(PARTS[part] for part in parts)}之和")
    sections = {"名称与口径": [(line, "") for line in head]}
    for section in policy_words(plan):
        rows = [(line.text, line.clause) for line in section.lines]
        sections.setdefault(section.title, []).extend(rows)
    return sections


def _changes(title: str, before: list[Row], now: list[Row]) -> Iterator[Change]:
    clauses = dict(before)
    gone = [text for text, _ in before if text not in dict(now)]
    for text, clause in now:
        if text in clauses:
            if clauses[text] != clause and clause:
                yield _pair(title, _with(text, clauses[text]), _with(text, clause))
            continue
        like = max(gone, key=lambda old: _likeness(old, text), default=None)
        if like is not None and _likeness(like, text) >= ALIKE:
            gone.remove(like)
            yield _pair(title, like, text)
        else:
            yield Change(title, [], [Piece(text, changed=True)])
    for text in gone:
        yield Change(title, [Piece(text, changed=True)], [])


def _with(text: str, clause: str) -> str:
    return f"{text}（依据：{clause}）"


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _TOKEN.findall(one), _TOKEN.findall(other), autojunk=False).ratio()


def _pair(title: str, before: str, now: str) -> Change:
    """Two versions of one line, cut where they differ: an amount or a rate is never cut in two."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(now)
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for pieces, tokens in ((left, old[a:b]), (right, new[c:d])):
            if tokens:
                pieces.append(Piece("".join(tokens), changed=kind != "equal"))
    return Change(title, left, right)
