"""The cases of a table by facts: each combination of values that the form has a row for."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

from huigong.plans.curves import span_of_key
from huigong.plans.vocabulary import FACTS, OPEN


def number_of_cases(by: list[str], tables: list[Any]) -> int:
    """How many rows the tables, nested by `by` and cut into common groups, make."""
    return prod(len(keys) for keys in common_keys(by, tables))


def common_keys(by: list[str], tables: list[Any]) -> list[list[str]]:
    """Each fact's values in tables nested by `by`. Where branches group whole numbers otherwise,
    the groups are cut finer until every branch has the same ones: that says the same."""
    keys, nodes = [], tables
    for fact in by:
        rows = [list(node) for node in nodes]
        same = all(set(row) == set(rows[0]) for row in rows)
        whole = not FACTS[fact].choices and fact != "grade"
        keys.append(_cut(rows) if whole and not same else rows[0])
        nodes = [below for node in nodes for below in node.values()]
    return keys


def _cut(rows: list[list[str]]) -> list[str]:
    spans = [span_of_key(key) for row in rows for key in row]
    starts = {first for first, _ in spans} | {last + 1 for _, last in spans if last is not None}
    ends = [last for _, last in spans]
    cuts = sorted(starts)
    keys = [f"{a}" if a + 1 == b else f"{a}-{b - 1}" for a, b in pairwise(cuts)]
    return [*keys, f"{cuts[-1]}{OPEN}"] if None in ends else keys
