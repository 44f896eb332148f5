"""What can be said of whole plans: their hash, their cliffs, editions that overlap."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from huigong.money import yuan
from huigong.plans.curves import ready, step_curve
from huigong.plans.reading import Fault


class Cliff(NamedTuple):
    """A warning: at which step, from which base on, and how much more one fen of cost pays."""

    place: str
    message: str
    at: int
    more: int


def plan_hash(plan: dict[str, Any]) -> str:
    """The sha256 of the plan's canonical JSON; it names the edition."""
    text = json.dumps(plan, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def warnings(plan: dict[str, Any]) -> list[Cliff]:
    """Every cliff that `whole`, `threshold` or a table of amounts makes, largest bases last."""
    found = []
    for n, benefit in enumerate(plan["benefit"], 1):
        for m, step in enumerate(benefit["step"], 1):
            place = f"benefit[{n}].step[{m}]"
            for at, leaf in _leaves(f"{place}.{step['form']}", step["by"], step["table"]):
                for base in _edges(step, leaf):
                    through = ready(step_curve(plan, step, leaf))
                    more = through(base + 1) - through(base)
                    if more > 1:
                        message = (
                            f"{benefit['name']}·{step['name']}：基数超过{yuan(base)}元时，"
                            f"多一分钱的费用多付{yuan(more)}元"
                        )
                        found.append(Cliff(at, message, base, more))
    return found


def _edges(step: dict[str, Any], leaf: Any) -> list[int]:
    """The bases just below which the step's curve may jump."""
    if step["form"] == "threshold":
        return [leaf]
    if isinstance(leaf, list) and (step["whole"] or step["form"] == "amount"):
        return [upper for upper, _ in leaf if upper is not None]
    return []


def _leaves(place: str, by: list[str], node: Any) -> Iterator[tuple[str, Any]]:
    if not by:
        yield place, node
        return
    for key, below in node.items():
        yield from _leaves(f"{place}.{key}", by[1:], below)


def overlapping(plans: list[dict[str, Any]], files: list[str] | None = None) -> list[Fault]:
    """Editions of one series whose enrollment dates overlap, and two with one id; `files` are the
    plans' own, by default each its id's."""
    names = files or [f"{plan['id']}.toml" for plan in plans]
    rows = zip(plans, names, strict=True)
    faults = []
    open_: dict[str, tuple[dict[str, Any], str]] = {}  # by series, the one that ends last so far
    taken: dict[str, str] = {}
    for plan, file in sorted(rows, key=lambda row: row[0]["enrolled"]["from"]):
        code, first = plan["id"], plan["enrolled"]["from"]
        if code in taken:
            message = f"与 {taken[code]} 的 id 相同：{code}"
            faults.append(Fault(file, "id", message, "每一版各用一个 id"))
            continue
        taken[code] = file
        former, other = open_.get(plan["series"], (None, ""))
        if former is not None and _end(former) >= first:
            message = f"与 {other} 的参保日期重叠（{former['id']}）"
            cure = f"把 {other} 的 enrolled.to 定在{first}之前，或把这一版的 enrolled.from 定在其后"
            faults.append(Fault(file, "enrolled", message, cure))
        if former is None or _end(plan) > _end(former):
            open_[plan["series"]] = plan, file
    return faults


def _end(plan: dict[str, Any]) -> str:
    return str(plan["enrolled"]["to"] or "9999-12-31")
