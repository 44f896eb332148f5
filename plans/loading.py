"""Loading a scheme: all of its TOML read into a plan, all of its faults raised together."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from itertools import islice
from typing import Any

from huigong.money import yuan
from huigong.plans.bounds import MOST_CASES, MOST_ROWS, TOO_DEEP, TOO_LONG, unfit
from huigong.plans.cases import number_of_cases
from huigong.plans.reading import Reader, SchemeRefused
from huigong.plans.steps import read_benefits, read_by, read_pools
from huigong.plans.vocabulary import (
    CARRIERS,
    EVENTS,
    FACTS,
    OPERATORS,
    PARTS,
    ROUNDINGS,
    STAY,
)

TOP = (
    "id", "series", "name", "city", "enrolled", "term", "operator", "source", "source_url",
    "unstated", "stated", "rounding", "events", "grades", "base", "fee", "require", "group",
    "claims", "waiting", "benefit", "pool", "document", "filing", "promise",
)  # fmt: skip

MOST_FAULTS = 100  # told at once of what is not even read


def compile_scheme(text: str, file: str = "x.toml") -> dict[str, Any]:
    """A scheme's TOML as its plan in fen and basis points. Raises SchemeRefused with all faults."""
    reader = Reader(file)
    try:
        scheme = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        place = re.search(r"line (\d+)", str(wrong))
        repeated = re.search("overwrite|twice|Duplicate", str(wrong))
        named = re.search(r"'([^']+)'", str(wrong))
        twice = f"同一项写了两次：{named[1]}" if named else "同一项写了两次"
        message = twice if repeated else "不是合法的 TOML"
        cure = "每项只写一次" if repeated else f"请检查引号、括号与等号（{wrong}）"
        reader.fault(f"第{place[1]}行" if place else "全文", message, cure)
        raise SchemeRefused(reader.faults) from None
    except (RecursionError, ValueError) as wrong:  # nested without end; a number of 5000 digits
        reader.fault("全文", *(TOO_DEEP if isinstance(wrong, RecursionError) else TOO_LONG))
        raise SchemeRefused(reader.faults) from None
    return compile_table(scheme, file)


def compile_table(scheme: dict[str, Any], file: str) -> dict[str, Any]:
    """A scheme that is already read out of its TOML, or was typed in a form, as its plan."""
    reader, fatal = Reader(file), False
    for wrong in islice(unfit(scheme), MOST_FAULTS):
        reader.fault(*wrong[:3])
        fatal = fatal or wrong.fatal
    plan = {} if fatal else _plan(reader, scheme)
    if not reader.faults:
        _refuse_large_tables(reader, plan)
    if reader.faults:
        raise SchemeRefused(reader.faults)
    return plan


def _refuse_large_tables(reader: Reader, plan: dict[str, Any]) -> None:
    """A table of more cases than a form can show; branches that group whole numbers otherwise
    count as often as their common groups."""
    tables = [
        (f"benefit[{n}].step[{m}].{step['form']}", step["by"], [step["table"]])
        for n, benefit in enumerate(plan["benefit"], 1)
        for m, step in enumerate(benefit["step"], 1)
    ]
    fee = plan["fee"]
    if fee:
        tables.append(("fee", fee["by"], [t for t in (fee["share"], fee["total"]) if _is_table(t)]))
    for place, by, nodes in tables:
        found = number_of_cases(by, nodes) if nodes else 0
        if found > MOST_CASES:
            cure = "少用一个条件，或让各分项按同样的范围分组"
            reader.fault(place, f"一张表有{found}种情形，最多{MOST_CASES}种", cure)


def _is_table(node: Any) -> bool:
    return isinstance(node, dict) and bool(node)


def _plan(reader: Reader, scheme: dict[str, Any]) -> dict[str, Any]:
    reader.known("", scheme, TOP)
    plan = _head(reader, scheme)
    source = plan["source"]
    plan["fee"] = _fee(reader, scheme.get("fee"), plan)
    plan["require"] = [
        _require(reader, f"require[{n}]", need, source)
        for n, need in enumerate(_tables(reader, "require", scheme.get("require")), 1)
    ]
    plan["group"] = _group(reader, scheme.get("group"), source)
    plan["claims"] = _claims(reader, scheme.get("claims"), plan)
    plan["benefit"] = read_benefits(
        reader, _tables(reader, "benefit", scheme.get("benefit")), plan, _years(plan)
    )
    plan["pool"] = read_pools(reader, _tables(reader, "pool", scheme.get("pool")), plan)
    plan["document"] = [
        _document(reader, f"document[{n}]", paper, plan)
        for n, paper in enumerate(_tables(reader, "document", scheme.get("document")), 1)
    ]
    plan["filing"] = _filing(reader, scheme.get("filing"), source)
    plan["promise"] = _promise(reader, scheme.get("promise"), source)
    return plan


def _head(reader: Reader, scheme: dict[str, Any]) -> dict[str, Any]:
    """What stands at the top: names, dates, source, and the words that the tables below use."""
    name = reader.text("id", scheme.get("id"))
    head = {
        "id": name,
        "series": reader.text("series", scheme.get("series"), re.sub(r"-\d{4}$", "", name)),
        "name": reader.text("name", scheme.get("name")),
        "city": reader.text("city", scheme.get("city"), None),
        "enrolled": _enrolled(reader, scheme.get("enrolled")),
        "term_months": reader.count("term", scheme.get("term"), ("个月",))[0],
        "operator": reader.choice("operator", scheme.get("operator"), OPERATORS),
        "source": reader.text("source", scheme.get("source")),
        "source_url": reader.text("source_url", scheme.get("source_url"), None),
        "unstated": _sentences(reader, "unstated", scheme.get("unstated")),
        "stated": _sentences(reader, "stated", scheme.get("stated", [])),
        "rounding": reader.choice("rounding", scheme.get("rounding", "half_up"), ROUNDINGS),
        "events": {**EVENTS, **_labels(reader, "events", scheme.get("events"))},
        "grades": _labels(reader, "grades", scheme.get("grades")),
        "base": _base(reader, scheme.get("base")),
        "waiting_days": _days(reader, "waiting", scheme.get("waiting")) or 0,
    }
    if scheme.get("term") is not None and head["term_months"] < 1:
        reader.fault("term", "保障期须至少一个月", '写成 "12个月"')
    return head


def _tables(reader: Reader, place: str, value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        reader.fault(place, "须为一组表", f"每项以 [[{place}]] 开头")
        return []
    return value


def _table(reader: Reader, place: str, value: Any, keys: tuple[str, ...]) -> dict[str, Any] | None:
    """An optional table with known keys; None where it is absent or no table."""
    if value is None:
        return None
    if not isinstance(value, dict):
        reader.fault(place, "须为一个表", f"以 [{place}] 开头，逐行写键和值")
        return None
    reader.known(place, value, keys)
    return value


def _enrolled(reader: Reader, value: Any) -> dict[str, str | None]:
    given = _table(reader, "enrolled", value, ("from", "to")) or {}
    first = reader.day("enrolled.from", given.get("from"), required=True)
    last = reader.day("enrolled.to", given.get("to"), required=False)
    if first and last and last < first:
        reader.fault("enrolled", "截止早于开始", "对调 from 与 to")
    return {"from": first, "to": last}


def _years(plan: dict[str, Any]) -> tuple[int, int | None]:
    first, last = plan["enrolled"]["from"], plan["enrolled"]["to"]
    return (
        date.fromisoformat(first).year if first else 2000,
        date.fromisoformat(last).year if last else None,
    )


def _sentences(reader: Reader, place: str, value: Any) -> list[str]:
    if value is None:
        reader.fault(place, "没有写明来源未载明的事项", "写成列表；全部载明时写 []")
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        reader.fault(place, "须为文字的列表", '写成 ["…", "…"]')
        return []
    return value


def _labels(reader: Reader, place: str, value: Any) -> dict[str, str]:
    labels = _table(reader, place, value, tuple(value) if isinstance(value, dict) else ()) or {}
    if len(labels) > MOST_ROWS:
        reader.fault(place, f"有{len(labels)}项，最多{MOST_ROWS}项", "请删去或合并几项")
    for key in labels:
        if "/" in key or not key.strip():
            cure = "用字母、数字或连字符，如 mild"
            reader.fault(place, f"代号写法不对：{key or '空'}", cure)
    return {key: reader.text(f"{place}.{key}", label) for key, label in labels.items()}


def _base(reader: Reader, value: Any) -> dict[str, list[str]]:
    parts = _table(reader, "base", value, ("in_scope",)) or {}
    known = [part for part in PARTS if part != "in_scope"]
    return {
        name: reader.names(f"base.{name}", words, known, "结算单没有这一项")
        for name, words in parts.items()
    }


def _days(reader: Reader, place: str, value: Any) -> int | None:
    return None if value is None else reader.count(place, value, ("天",))[0]


def _fee(reader: Reader, value: Any, plan: dict[str, Any]) -> dict[str, Any] | None:
    given = _table(reader, "fee", value, ("total", "by", "share", "pay_by", "clause"))
    if given is None:
        return None
    by = read_by(reader, "fee.by", given.get("by"), plan)
    for name in by:
        if name in FACTS and FACTS[name].scope != "enrollment":
            reader.fault("fee.by", f"参保时不询问{FACTS[name].label}", "改用参保时的条件")
    years, total, share = _years(plan), given.get("total"), given.get("share")
    read: Any = None
    if total is None and share is None:
        reader.fault("fee", "没有参保费", '写 total = "75元"；来源只载明补贴时写 share')
    elif isinstance(total, dict):
        read = reader.table("fee.total", by, total, reader.owed, plan["grades"], years)
    elif total is not None:
        read = reader.owed("fee.total", total)
    shares: Any = {}
    if share is not None:

        def carriers(place: str, parts: Any) -> dict[str, int | None]:
            return _shares(reader, place, parts)

        shares = reader.table("fee.share", by, share, carriers, plan["grades"], years)
        if not reader.faults and total is not None:
            _add_up(reader, "fee.share", by, read, shares)
    clause = reader.text("fee.clause", given.get("clause"), plan["source"])
    fee = {"by": by, "total": read, "share": shares, "clause": clause}
    pay_by = _table(reader, "fee.pay_by", given.get("pay_by"), tuple(CARRIERS))
    return {**fee, "pay_by": _month_days(reader, "fee.pay_by", pay_by)} if pay_by else fee


def _month_days(reader: Reader, place: str, value: dict[str, Any]) -> dict[str, int | None]:
    """The day of the month by which each carrier pays; a shorter month ends earlier."""
    days = {name: reader.whole(f"{place}.{name}", day) for name, day in value.items()}
    for name, day in days.items():
        if day is not None and not 1 <= day <= 31:
            reader.fault(f"{place}.{name}", f"一个月没有{day}日", "写成1至31的整数")
    return days


def _shares(reader: Reader, place: str, parts: Any) -> dict[str, int | None]:
    if not isinstance(parts, dict) or not parts:
        reader.fault(place, "分担须写明各方", '写成 { city = "30元", rest = "45元" }')
        return {}
    reader.known(place, parts, tuple(CARRIERS))
    return {name: reader.owed(f"{place}.{name}", fen) for name, fen in parts.items()}


def _add_up(reader: Reader, place: str, by: list[str], total: Any, node: Any) -> None:
    """The shares of every case must add up to its fee, to the fen."""
    if by:
        for key, below in node.items():
            part = total.get(key) if isinstance(total, dict) else total
            _add_up(reader, f"{place}.{key}", by[1:], part, below)
        return
    if sum(node.values()) != total:
        added, whole = yuan(sum(node.values())), "" if total is None else f"{yuan(total)}元"
        message = f"各方分担合计{added}元，不等于参保费{whole}"
        reader.fault(place, message, "改分担或改 total，使两者相等")


def _require(reader: Reader, place: str, need: dict[str, Any], source: str) -> dict[str, Any]:
    reader.known(place, need, ("fact", "in", "one_of", "says", "proof", "clause"))
    fact = need.get("fact")
    if fact is not None and not isinstance(fact, str):
        reader.fault(f"{place}.fact", f"条件写法不对：{fact}", '写成一个词，如 "age"')
        fact = None
    read: dict[str, Any] = {
        "fact": fact,
        "in": None,
        "one_of": None,
        "says": reader.text(f"{place}.says", need.get("says"), None),
        "proof": reader.text(f"{place}.proof", need.get("proof"), None),
        "clause": reader.text(f"{place}.clause", need.get("clause"), source),
    }
    if fact is None:
        if not read["says"]:
            reader.fault(place, "没有条件", "写 fact 和 in 或 one_of，或只写 says")
        return read
    reader.names(f"{place}.fact", [fact], list(FACTS), "没有任何表单询问这个条件")
    if ("in" in need) == ("one_of" in need) or fact not in FACTS:
        if fact in FACTS:
            reader.fault(place, "条件须写 in 或 one_of 其中之一", "数字写 in = [18, 60]")
    elif "in" in need:
        bounds = need["in"] if isinstance(need["in"], list) else []
        read["in"] = [reader.whole(f"{place}.in", bound) for bound in bounds]
        if len(bounds) != 2 or FACTS[fact].choices or None in read["in"] or bounds[0] > bounds[1]:
            reader.fault(f"{place}.in", "范围写法不对", "写成由小到大的两个整数，含两端")
    else:
        known = list(FACTS[fact].choices)
        wanted = need["one_of"] if isinstance(need["one_of"], list) else [need["one_of"]]
        if not wanted:
            reader.fault(f"{place}.one_of", "没有写明可以的取值", "至少写一个取值")
        read["one_of"] = [reader.choice(f"{place}.one_of", word, known) for word in wanted]
    return read


def _group(reader: Reader, value: Any, source: str) -> dict[str, Any] | None:
    given = _table(reader, "group", value, ("people", "share", "either", "clause"))
    if given is None:
        return None
    people, share = given.get("people"), given.get("share")
    if people is None and share is None:
        reader.fault("group", "没有人数或比例", '写 people = "10人" 或 share = "80%"')
    return {
        "people": None if people is None else reader.count("group.people", people, ("人",))[0],
        "share": None if share is None else reader.rate("group.share", share),
        "either": reader.flag("group.either", given.get("either")),
        "clause": reader.text("group.clause", given.get("clause"), source),
    }


def _claims(reader: Reader, value: Any, plan: dict[str, Any]) -> dict[str, Any] | None:
    keys = ("during_term", "or_after_term", "events", "clause")
    given = _table(reader, "claims", value, keys)
    if given is None:
        return None
    numbers = {
        key: None if key not in given else reader.whole(f"claims.{key}", given[key])
        for key in ("during_term", "or_after_term")
    }
    if numbers == {"during_term": None, "or_after_term": None}:
        reader.fault("claims", "没有写次数", "写 during_term = 2")
    known = list(plan["events"])
    events = reader.names("claims.events", given.get("events", [STAY]), known, "没有这种事项")
    clause = reader.text("claims.clause", given.get("clause"), plan["source"])
    return {**numbers, "events": events, "clause": clause}


def _document(reader: Reader, place: str, paper: dict, plan: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "form", "copies", "issued_by", "stamp", "blank", "event", "note", "clause")
    reader.known(place, paper, keys)
    forms = ("original", "copy", "either")
    return {
        "name": reader.text(f"{place}.name", paper.get("name")),
        "form": reader.choice(f"{place}.form", paper.get("form", "either"), forms),
        "copies": reader.whole(f"{place}.copies", paper.get("copies", 1)),
        "issued_by": reader.text(f"{place}.issued_by", paper.get("issued_by"), None),
        "stamp": reader.flag(f"{place}.stamp", paper.get("stamp")),
        "blank": reader.text(f"{place}.blank", paper.get("blank"), None),
        "event": reader.choice(f"{place}.event", paper.get("event", STAY), plan["events"]),
        "note": reader.text(f"{place}.note", paper.get("note"), None),
        "clause": reader.text(f"{place}.clause", paper.get("clause"), plan["source"]),
    }


def _filing(reader: Reader, value: Any, source: str) -> dict[str, Any] | None:
    given = _table(reader, "filing", value, ("within", "after", "clause"))
    if given is None:
        return None
    days, unit = reader.count("filing.within", given.get("within"), ("天", "个工作日"))
    return {
        "days": days,
        "working": unit == "个工作日",
        "after": reader.choice("filing.after", given.get("after"), ("discharge", "term_end")),
        "clause": reader.text("filing.clause", given.get("clause"), source),
    }


def _promise(reader: Reader, value: Any, source: str) -> dict[str, Any] | None:
    given = _table(reader, "promise", value, ("within", "after", "clause"))
    if given is None:
        return None
    days, unit = reader.count("promise.within", given.get("within"), ("天", "个工作日"))
    return {
        "days": days,
        "working": unit == "个工作日",
        "after": reader.text("promise.after", given.get("after"), "材料齐全"),
        "clause": reader.text("promise.clause", given.get("clause"), source),
    }
