"""A plan as TOML text that loads to the same plan, for showing and exporting a draft."""

from __future__ import annotations

import json
import re
from typing import Any

from huigong.money import percent, plain
from huigong.plans.vocabulary import EVENTS, OPEN


def dump(plan: dict[str, Any]) -> str:
    """The plan as a scheme's TOML; `compile_scheme(dump(plan)) == plan`."""
    source = plan["source"]
    lines = [_line(key, plan[key]) for key in ("id", "series", "name", "city") if plan[key]]
    dates = [f"{key} = {day}" for key, day in plan["enrolled"].items() if day]
    lines.append(f"enrolled = {{ {', '.join(dates)} }}")
    lines.append(_line("term", f"{plan['term_months']}个月"))
    lines += [_line(key, plan[key]) for key in ("operator", "source", "source_url") if plan[key]]
    lines.append(_line("unstated", plan["unstated"]))
    if plan["stated"]:
        lines.append(_line("stated", plan["stated"]))
    if plan["rounding"] != "half_up":
        lines.append(_line("rounding", plan["rounding"]))
    if plan["waiting_days"]:
        lines.append(_line("waiting", f"{plan['waiting_days']}天"))
    events = {key: label for key, label in plan["events"].items() if key not in EVENTS}
    for place, table in (("events", events), ("grades", plan["grades"]), ("base", plan["base"])):
        lines += _block(f"[{place}]", table)
    lines += _fee(plan["fee"], source)
    for need in plan["require"]:
        lines += _block("[[require]]", _given(need, source))
    lines += _block("[group]", _group(plan["group"], source))
    lines += _block("[claims]", _given(plan["claims"] or {}, source))
    for benefit in plan["benefit"]:
        lines += _benefit(benefit, source)
    for pool in plan["pool"]:
        amounts = {key: _yuan(pool[key]) for key in ("cap", "deductible") if key in pool}
        lines += _block("[[pool]]", _given({**pool, **amounts}, source))
    for paper in plan["document"]:
        lines += _block("[[document]]", _given(paper, source))
    for place in ("filing", "promise"):
        limit = plan[place]
        if limit:
            within = f"{limit['days']}{'个工作日' if limit['working'] else '天'}"
            given = {"within": within, "after": limit["after"], "clause": limit["clause"]}
            lines += _block(f"[{place}]", _given(given, source))
    return "\n".join(lines) + "\n"


def _fee(fee: dict[str, Any] | None, source: str) -> list[str]:
    if not fee:
        return []
    given: dict[str, Any] = {}
    if fee["total"] is not None:
        given["total"] = _amounts(fee["total"])
    if fee["by"]:
        given["by"] = fee["by"]
    if fee["share"]:
        given["share"] = _amounts(fee["share"])
    if fee.get("pay_by"):
        given["pay_by"] = fee["pay_by"]
    return _block("[fee]", {**given, **_given({"clause": fee["clause"]}, source)})


def _group(group: dict[str, Any] | None, source: str) -> dict[str, Any]:
    if not group:
        return {}
    given = dict(group)
    if group["people"] is not None:
        given["people"] = f"{group['people']}人"
    if group["share"] is not None:
        given["share"] = percent(group["share"])
    return _given(given, source)


def _benefit(benefit: dict[str, Any], source: str) -> list[str]:
    given = {key: value for key, value in benefit.items() if key not in ("step", "waiting_days")}
    if benefit["waiting_days"] is not None:
        given["waiting"] = f"{benefit['waiting_days']}天"
    lines = _block("[[benefit]]", _given(given, source))
    for step in benefit["step"]:
        form = step["form"]
        written = {key: step[key] for key in ("name", "per")}
        if step["by"]:
            written["by"] = step["by"]
        written[form] = _leaves(form, len(step["by"]), step["table"])
        for key in ("days_after", "days_limit"):
            if key in step:
                written[key] = f"{step[key]}天"
        tail = {key: step[key] for key in ("whole", "rounding", "clause")}
        lines += _block("[[benefit.step]]", {**written, **_given(tail, benefit["clause"])})
    return lines


def _leaves(form: str, depth: int, node: Any) -> Any:
    if depth:
        return {key: _leaves(form, depth - 1, below) for key, below in node.items()}
    if not isinstance(node, list):
        return _yuan(node)
    write = percent if form == "pay" else _yuan
    return [[OPEN if upper is None else _yuan(upper), write(value)] for upper, value in node]


def _amounts(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _amounts(below) for key, below in node.items()}
    return _yuan(node)


def _yuan(fen: int) -> str:
    return f"{plain(fen).removesuffix('.00')}元"


def _given(table: dict[str, Any], inherited: str) -> dict[str, Any]:
    """What must be written: nothing absent, empty, false, or the clause it inherits anyway."""
    return {
        key: value
        for key, value in table.items()
        if value not in (None, "", [], False) and not (key == "clause" and value == inherited)
    } | {key: 0 for key, value in table.items() if value == 0 and type(value) is int}


def _block(head: str, table: dict[str, Any]) -> list[str]:
    if not table:
        return []
    return ["", head, *(_line(key, value) for key, value in table.items())]


def _line(key: str, value: Any) -> str:
    return f"{_key(key)} = {_value(value)}"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return f"{{ {', '.join(_line(key, below) for key, below in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
