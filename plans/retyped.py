"""A plan typed out as the sheet that would have made it: where a draft begins."""

from __future__ import annotations

from itertools import product
from typing import Any

from huigong.money import percent, plain
from huigong.plans.cases import common_keys
from huigong.plans.cover import bearer
from huigong.plans.curves import span_of_key
from huigong.plans.typed import HEAD, Sheet, amount_of, tidy
from huigong.plans.vocabulary import CARRIERS, EVENTS


def sheet_of(plan: dict[str, Any]) -> Sheet:
    """A plan typed out; `compile_table(scheme_of(sheet_of(plan)))` says the same."""
    source = plan["source"]
    raw: Sheet = {key: plan[key] or "" for key in HEAD if isinstance(plan.get(key), str)}
    raw["enrolled"] = {key: day or "" for key, day in plan["enrolled"].items()}
    raw["term"] = str(plan["term_months"])
    raw["waiting"] = str(plan["waiting_days"] or "")
    raw["unstated"], raw["stated"] = "\n".join(plan["unstated"]), "\n".join(plan["stated"])
    for name in ("events", "grades"):
        raw[name] = [
            {"key": key, "label": label}
            for key, label in plan[name].items()
            if name == "grades" or key not in EVENTS
        ]
    raw["base"] = plan["base"]
    raw["fee"] = _typed_fee(plan["fee"], source)
    raw["require"] = [_typed_require(need, source) for need in plan["require"]]
    raw["group"] = _typed_group(plan["group"], source)
    raw["claims"] = _typed(plan["claims"], source)
    raw["benefit"] = [_typed_benefit(benefit, source) for benefit in plan["benefit"]]
    raw["pool"] = [
        _typed(pool, source)
        | {"form": "cap" if "cap" in pool else "deductible"}
        | {"amount": _plain(pool.get("cap", pool.get("deductible")))}
        for pool in plan["pool"]
    ]
    raw["document"] = [_typed(paper, source) for paper in plan["document"]]
    for name in ("filing", "promise"):
        raw[name] = _typed_limit(plan[name], source)
    return tidy(raw)


def retype(sheet: Sheet, place: tuple[Any, ...], value: int) -> None:
    """Type one figure of the plan anew where the sheet has it, in fen, basis points or as counted.

    `place` leads to it in the plan that the (tidy) sheet makes: a fee, a leaf of a step's table, a
    bound (0) or a value (1) of a band, what a pool shares, a number of claims or of days.
    """
    if place[0] == "fee":
        _retype_fee(sheet["fee"], "/".join(place[2:]), value)
    elif place[0] == "pool":
        sheet["pool"][place[1]]["amount"] = _plain(value)
    elif place[0] == "claims":
        sheet["claims"][place[1]] = str(value)
    elif place[0] == "filing":
        sheet["filing"]["within"] = str(value)
    elif place[-1] == "waiting_days":
        (sheet["benefit"][place[1]] if len(place) > 1 else sheet)["waiting"] = str(value)
    elif place[2] == "times":
        sheet["benefit"][place[1]]["times"]["limit"] = str(value)
    else:
        _retype_step(sheet["benefit"][place[1]]["step"][place[3]], place[4:], value)


def _retype_fee(fee: Sheet, at: str, value: int) -> None:
    """A fee of one case, or of all where it is written once, with the share of its bearer."""
    for case in fee["cases"]:
        if at not in ("", case["at"]):
            continue
        shares = {name: amount_of(case[name]) for name in CARRIERS if case[name].strip()}
        if shares:
            name = bearer(shares)
            case[name] = _plain(shares[name] + value - amount_of(case["total"]))
        case["total"] = _plain(value)


def _retype_step(step: Sheet, place: tuple[Any, ...], value: int) -> None:
    if place[0] != "table":  # days_after, days_limit
        step[place[0]] = str(value)
        return
    keys, band = place[1 : 1 + len(step["by"])], place[1 + len(step["by"]) :]
    case = next(case for case in step["cases"] if case["at"] == "/".join(keys))
    if not band:
        case["amount"] = _plain(value)
        return
    number, column = band
    is_rate = column == 1 and step["form"] == "pay"
    case["bands"][number]["value" if column else "upto"] = (_points if is_rate else _plain)(value)


def _typed(table: dict[str, Any] | None, inherited: str) -> Sheet:
    """Texts and lists as they are, numbers and ticks as text, an inherited clause left blank."""
    typed: Sheet = {}
    for key, value in (table or {}).items():
        if isinstance(value, bool):
            typed[key] = "1" if value else ""
        elif value is None or (key == "clause" and value == inherited):
            typed[key] = ""
        else:
            typed[key] = str(value) if isinstance(value, int) else value
    return typed


def _typed_fee(fee: dict[str, Any] | None, source: str) -> Sheet:
    if not fee:
        return {}
    cases = []
    by, by_total = fee["by"], isinstance(fee["total"], dict)
    tables = [table for table in (fee["share"], fee["total"] if by_total else None) if table]
    keys = common_keys(by, tables) if tables else [[] for _ in by]
    for at in product(*keys) if tables else []:
        total = _leaf(fee["total"], at) if by_total else fee["total"]
        shares = _leaf(fee["share"], at) if fee["share"] else {}
        parts = {name: _plain(fen) for name, fen in (shares or {}).items()}
        cases.append({"at": "/".join(at), "total": _plain(total), **parts})
    ranges = {f"keys_{n}": "、".join(row) for n, row in enumerate(keys, 1)}
    days = {name: str(day) for name, day in (fee.get("pay_by") or {}).items()}
    typed = {
        "by": fee["by"],
        **ranges,
        "cases": cases or [{"at": "", "total": _plain(fee["total"])}],
    }
    return typed | {"pay_by": days, "clause": "" if fee["clause"] == source else fee["clause"]}


def _typed_require(need: dict[str, Any], source: str) -> Sheet:
    low, high = need["in"] or ("", "")
    return {**_typed(need, source), "low": str(low), "high": str(high)}


def _typed_group(group: dict[str, Any] | None, source: str) -> Sheet:
    if not group:
        return {}
    share = group["share"]
    return {**_typed(group, source), "share": "" if share is None else percent(share)[:-1]}


def _typed_benefit(benefit: dict[str, Any], source: str) -> Sheet:
    days = benefit["waiting_days"]
    return {
        **_typed(benefit, source),
        "waiting": "" if days is None else str(days),
        "times": _typed(benefit["times"], ""),
        "step": [_typed_step(step, benefit["clause"]) for step in benefit["step"]],
    }


def _typed_step(step: dict[str, Any], inherited: str) -> Sheet:
    by, form, cases = step["by"], step["form"], []
    keys = common_keys(by, [step["table"]])
    for at in product(*keys):
        leaf = _leaf(step["table"], at)
        if isinstance(leaf, list):
            form = "pay" if form == "pay" else "amount_bands"
            write = _points if form == "pay" else _plain
            bands = [{"upto": _plain(upper), "value": write(value)} for upper, value in leaf]
            cases.append({"at": "/".join(at), "bands": bands})
        else:
            cases.append({"at": "/".join(at), "amount": _plain(leaf)})
    ranges = {f"keys_{n}": "、".join(row) for n, row in enumerate(keys, 1)}
    return {**_typed(step, inherited), "form": form, **ranges, "cases": cases}


def _typed_limit(limit: dict[str, Any] | None, source: str) -> Sheet:
    if not limit:
        return {}
    unit = "个工作日" if limit["working"] else "天"
    return {**_typed(limit, source), "within": str(limit["days"]), "unit": unit}


def _leaf(node: Any, at: tuple[str, ...]) -> Any:
    """The leaf that the values `at` choose; None where a branch does not reach that far."""
    for key in at:
        if node is None:
            return None
        node = node[key] if key in node else _holding(node, key)
    return node


def _holding(node: dict[str, Any], key: str) -> Any:
    first, last = span_of_key(key)
    for other, below in node.items():
        low, high = span_of_key(other)
        if low <= first and (high is None or (last is not None and last <= high)):
            return below
    return None


def _plain(fen: int | None) -> str:
    return "" if fen is None else plain(fen).removesuffix(".00")


def _points(points: int) -> str:
    return percent(points)[:-1]
