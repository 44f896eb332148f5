"""Worked examples of a plan, computed by the same assessment wherever they are shown."""

from datetime import date, timedelta
from itertools import islice, product
from typing import Any, NamedTuple

from huigong.explain import value_words
from huigong.money import yuan
from huigong.plans.vocabulary import FACTS, OPEN, PAID, PARTS, STAY
from huigong.rules import assess, last_day
from huigong.sentences import step_words

AMOUNTS = (1_000_00, 10_031_00, 50_000_00, 200_000_00)  # fen; 10,031 is the published example's
MOST_CASES = 6
DAYS = 10


class Row(NamedTuple):
    """One example: what it starts from in words, and the benefit in fen for each case."""

    given: str
    benefits: list[int | None]


class Example(NamedTuple):
    """The examples of one benefit: its cases across, amounts down, and one in its steps."""

    name: str
    head: str
    cases: list[str]
    rows: list[Row]
    shown: str  # which example the steps explain
    steps: list[str]


def worked_examples(plan: dict[str, Any]) -> list[Example]:
    """Examples for every benefit that can be computed without a reviewer's or another's figure."""
    return [
        example
        for benefit in plan["benefit"]
        if PAID not in benefit["less"]
        and not any(step["form"] == "reviewer_up_to" for step in benefit["step"])
        and (example := _example(plan, benefit)).rows
    ]


def _example(plan: dict[str, Any], benefit: dict[str, Any]) -> Example:
    cases = list(islice(_cases(plan, benefit), MOST_CASES))
    head = PARTS[benefit["of"][0]] if len(benefit["of"]) == 1 else "情形"
    rows = []
    for given, amounts in _given(benefit):
        benefits = [_benefit(plan, benefit, case, amounts) for case in cases]
        if any(fen is not None for fen in benefits):
            rows.append(Row(given.removeprefix(head), benefits))
    words = ["、".join(value_words(plan, *fact) for fact in case.items()) for case in cases]
    given, amounts = _given(benefit)[min(1, len(_given(benefit)) - 1)]
    shown = "，".join(part for part in (given, words[0]) if part)
    return Example(benefit["name"], head, [word or "互助金" for word in words], rows, shown,
                   _steps(plan, benefit, cases[0], amounts))  # fmt: skip


def _cases(plan: dict[str, Any], benefit: dict[str, Any]) -> Any:
    """Every combination of the facts that the benefit's tables are read by."""
    tables: dict[str, list[Any]] = {}
    for step in benefit["step"]:
        nodes = [step["table"]]
        for name in step["by"]:
            tables.setdefault(name, list(nodes[0]))
            nodes = list(nodes[0].values())
    names = list(tables)
    for values in product(*tables.values()):
        yield {name: _typed(name, value) for name, value in zip(names, values, strict=True)}


def _typed(name: str, key: str) -> Any:
    """A table's key as the fact's own value; the first of a span stands for it."""
    fact = FACTS[name]
    for choice in fact.choices:
        if str(choice) == key:
            return choice
    if fact.choices or name == "grade":
        return key
    return int(key.removesuffix(OPEN).partition("-")[0])


def _given(benefit: dict[str, Any]) -> list[tuple[str, dict[str, int]]]:
    """What the examples start from: each amount in each part of the base, the others nothing."""
    parts = benefit["of"]
    if not parts:
        daily = any(step["form"] == "daily" for step in benefit["step"])
        return [(f"住院{DAYS}天" if daily else "符合条件的一次", {})]
    none = dict.fromkeys((*parts, *benefit["less"]), 0)
    return [
        (f"{PARTS[part]}{yuan(fen)}元", {**none, part: fen}) for part in parts for fen in AMOUNTS
    ]


def _assessed(plan: dict[str, Any], benefit: dict[str, Any], case: dict, amounts: dict) -> Any:
    """The first claim of a term that begins on the plan's first day, by the very same call."""
    cover = date.fromisoformat(plan["enrolled"]["from"])
    waits = plan["waiting_days"] if benefit["waiting_days"] is None else benefit["waiting_days"]
    admitted = min(cover + timedelta(days=waits), last_day(cover, plan["term_months"]))
    others = dict.fromkeys((p for b in plan["benefit"] for p in (*b["of"], *b["less"])), 0)
    unit = {**others, **amounts, "days": DAYS, "admitted": admitted, "happened_on": admitted,
            "discharged": admitted + timedelta(days=DAYS), **case}  # fmt: skip
    claim = {"event": benefit["event"], "filed_on": unit["discharged"], **case}
    claim = {**claim, "stays": [unit]} if benefit["event"] == STAY else {**unit, **claim}
    return assess(plan, {"cover_from": cover, "renewal": True, "facts": case, "claims": [claim]})


def _benefit(plan: dict[str, Any], benefit: dict, case: dict, amounts: dict) -> int | None:
    claim = _assessed(plan, benefit, case, amounts).claims[0]
    return None if claim.refused else claim.shares.get(benefit["id"])


def _steps(plan: dict[str, Any], benefit: dict, case: dict, amounts: dict) -> list[str]:
    claim = _assessed(plan, benefit, case, amounts).claims[0]
    return [step_words(plan, step) for step in claim.steps if step.benefit_id == benefit["id"]]
