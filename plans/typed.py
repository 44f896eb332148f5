"""A scheme as a form types it (a *sheet*) and back: texts without units, row by row.

A sheet keeps whatever was typed, also while it is wrong: nested dicts, lists of rows and texts.
`tidy` gives any posted structure its full shape, `scheme_of` makes the table that the loader
reads. A table by facts is a list of cases, each `at` its values.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from itertools import islice, product
from typing import Any

from huigong.money import parse_yuan
from huigong.plans.bounds import MOST_CASES, MOST_FACTS
from huigong.plans.vocabulary import CARRIERS, EVENTS, FACTS, OPEN, PARTS, STAY

Sheet = dict[str, Any]

HEAD = ("id", "series", "name", "city", "term", "operator", "source", "source_url", "rounding",
        "waiting", "unstated", "stated")  # fmt: skip
BANDED = ("pay", "amount_bands")
KEYS = tuple(f"keys_{n}" for n in range(1, MOST_FACTS + 1))
FORMS = {
    "pay": "按比例（可分段）",
    "cap": "封顶",
    "deductible": "起付线，超过部分计入",
    "threshold": "门槛，不超过不付，超过全部计入",
    "amount": "定额",
    "amount_bands": "按金额分段的定额",
    "minimum": "最低给付",
    "daily": "按天津贴",
    "reviewer_up_to": "由审核人确定，不超过上限",
}


def blank() -> Sheet:
    """A sheet to begin a scheme from nothing."""
    return tidy({"term": "12", "benefit": [{}]})


# ── Any posted structure → its full shape ───────────────────────────────────────────────────


def tidy(raw: Any) -> Sheet:
    """The sheet with every row and text it must have and nothing else."""
    sheet: Sheet = _texts(raw, *HEAD)
    sheet["enrolled"] = _texts(_at(raw, "enrolled"), "from", "to")
    for name in ("events", "grades"):
        sheet[name] = [_texts(row, "key", "label") for row in _rows(raw, name)]
    grades = [row["key"] for row in sheet["grades"] if row["key"]]
    sheet["base"] = {"in_scope": _words(_at(raw, "base"), "in_scope")}
    sheet["fee"] = _tidy_fee(_at(raw, "fee"), grades)
    sheet["require"] = [
        _texts(row, "fact", "low", "high", "says", "proof", "clause")
        | {"one_of": _words(row, "one_of")}
        for row in _rows(raw, "require")
    ]
    sheet["group"] = _texts(_at(raw, "group"), "people", "share", "either", "clause")
    claims = _at(raw, "claims")
    sheet["claims"] = _texts(claims, "during_term", "or_after_term", "clause")
    sheet["claims"]["events"] = _words(claims, "events")
    sheet["benefit"] = [_tidy_benefit(row, grades) for row in _rows(raw, "benefit")]
    sheet["pool"] = [
        _texts(row, "id", "name", "per", "form", "amount", "clause") | {"of": _words(row, "of")}
        for row in _rows(raw, "pool")
    ]
    papers = ("name", "form", "copies", "issued_by", "stamp", "blank", "event", "note", "clause")
    sheet["document"] = [_texts(row, *papers) for row in _rows(raw, "document")]
    for name in ("filing", "promise"):
        sheet[name] = _texts(_at(raw, name), "within", "unit", "after", "clause")
    return sheet


def _tidy_fee(raw: Any, grades: list[str]) -> Sheet:
    fee = _table(raw, grades)
    fee["cases"] = [
        _texts(case, "at", "total", *CARRIERS) for case in _cases(fee, _rows(raw, "cases"), grades)
    ]
    fee["pay_by"] = _texts(_at(raw, "pay_by"), *CARRIERS)
    return fee | _texts(raw, "clause")


def _tidy_benefit(raw: Any, grades: list[str]) -> Sheet:
    benefit = _texts(raw, "id", "name", "event", "waiting", "clause")
    benefit |= {"of": _words(raw, "of"), "less": _words(raw, "less")}
    benefit["times"] = _texts(_at(raw, "times"), "limit", "per")
    benefit["step"] = [_tidy_step(row, grades) for row in _rows(raw, "step") or [{}]]
    return benefit


def _tidy_step(raw: Any, grades: list[str]) -> Sheet:
    texts = ("name", "per", "form", "whole", "rounding", "days_after", "days_limit", "clause")
    step = _texts(raw, *texts) | _table(raw, grades)
    step["form"] = step["form"] if step["form"] in FORMS else "pay"
    step["cases"] = [
        _texts(case, "at", "amount")
        | {"bands": [_texts(band, "upto", "value") for band in _rows(case, "bands") or [{}]]}
        for case in _cases(step, _rows(raw, "cases"), grades)
    ]
    return step


def _table(raw: Any, grades: list[str]) -> Sheet:
    """The facts a table is read by, and the ranges of those that are whole numbers."""
    by = [name for name in dict.fromkeys(_words(raw, "by")) if name in FACTS][:MOST_FACTS]
    ranges = dict.fromkeys(KEYS, "")
    for key, name in zip(KEYS, by, strict=False):
        if not FACTS[name].choices and name != "grade":
            ranges |= _texts(raw, key)
    return {"by": by, **ranges}


def _cases(table: Sheet, given: list[Any], grades: list[str]) -> list[Sheet]:
    """One case for each combination of the facts' values: the row typed for it, else one left."""
    keys = [keys_of(name, table[f"keys_{n}"], grades) for n, name in enumerate(table["by"], 1)]
    wanted = ["/".join(combination) for combination in islice(product(*keys), MOST_CASES)]
    typed = {str(row.get("at", "")): row for row in given}
    left = [row for at, row in typed.items() if at not in wanted]
    cases = []
    for at in wanted:
        row = typed[at] if at in typed else left.pop(0) if left else {}
        cases.append({**row, "at": at})
    return cases


def keys_of(fact: str, ranges: str, grades: list[str]) -> list[str]:
    """The rows of a table by one fact: its values, the scheme's grades, or the ranges typed."""
    if fact == "grade":
        return grades or [""]
    if FACTS[fact].choices:
        return [str(choice) for choice in FACTS[fact].choices]
    words = re.split(r"[、,，;；\s]+", unicodedata.normalize("NFKC", ranges))
    return list(dict.fromkeys(word.replace("/", "") for word in words if word)) or [f"1{OPEN}"]


def _at(raw: Any, key: str) -> Any:
    return raw.get(key) if isinstance(raw, dict) else None


def _texts(raw: Any, *keys: str) -> Sheet:
    return {key: value if isinstance(value := _at(raw, key), str) else "" for key in keys}


def _words(raw: Any, key: str) -> list[str]:
    value = _at(raw, key)
    return (
        [word for word in value if isinstance(word, str) and word]
        if isinstance(value, list)
        else []
    )


def _rows(raw: Any, key: str) -> list[Any]:
    value = _at(raw, key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


# ── A sheet → the table that the loader reads ───────────────────────────────────────────────


def scheme_of(sheet: Sheet) -> dict[str, Any]:
    """The typed scheme as the loader's table: with units, without what was left blank."""
    scheme: dict[str, Any] = {
        key: sheet[key].strip()
        for key in ("id", "series", "name", "city", "operator", "source", "source_url", "rounding")
    }
    scheme["enrolled"] = _given({k: _day(text) for k, text in sheet["enrolled"].items()})
    scheme["term"] = _count(sheet["term"], "个月")
    scheme["waiting"] = _count(sheet["waiting"], "天")
    for name in ("events", "grades"):
        scheme[name] = {
            row["key"].strip(): row["label"] for row in sheet[name] if any(row.values())
        }
    if sheet["base"]["in_scope"]:
        scheme["base"] = sheet["base"]
    scheme["fee"] = _fee(sheet["fee"])
    scheme["require"] = [_require(row) for row in sheet["require"]]
    group = sheet["group"]
    scheme["group"] = _given(
        {"people": _count(group["people"], "人"), "share": _rate(group["share"])}
    )
    if scheme["group"]:
        scheme["group"] |= _given({"either": group["either"] == "1", "clause": group["clause"]})
    scheme["claims"] = _claims(sheet["claims"])
    scheme["benefit"] = [_benefit(row) for row in sheet["benefit"]]
    scheme["pool"] = [_pool(row) for row in sheet["pool"]]
    scheme["document"] = [_paper(row) for row in sheet["document"]]
    scheme["filing"], scheme["promise"] = _limit(sheet["filing"]), _limit(sheet["promise"])
    scheme = _given(scheme)
    scheme["unstated"] = _lines(sheet["unstated"])
    scheme["stated"] = _lines(sheet["stated"])
    return scheme


def _fee(fee: Sheet) -> dict[str, Any]:
    cases = fee["cases"]
    totals = [_yuan(case["total"]) for case in cases]
    shares = [_given({name: _yuan(case[name]) for name in CARRIERS}) for case in cases]
    written: dict[str, Any] = {"by": fee["by"]}
    if len(set(totals)) == 1:  # the same for everybody is written once
        written["total"] = totals[0]
    else:
        written["total"] = _nested(cases, [total or "元" for total in totals])
    if any(shares):
        written["share"] = _nested(cases, shares)
    written = _given(written)
    if not set(written) - {"by"}:
        return {}
    days = _given(
        {name: _whole(fee["pay_by"][name].strip().removesuffix("日")) for name in CARRIERS}
    )
    return _given({**written, "pay_by": days, "clause": fee["clause"]})


def _require(row: Sheet) -> dict[str, Any]:
    need: dict[str, Any] = {key: row[key].strip() for key in ("fact", "says", "proof", "clause")}
    fact = FACTS.get(need["fact"])
    if fact is not None and fact.choices:
        need["one_of"] = row["one_of"]
        return _given(need) | {"one_of": row["one_of"]}
    if fact is not None:
        return _given(need) | {"in": [_whole(row["low"]), _whole(row["high"])]}
    return _given(need)


def _claims(claims: Sheet) -> dict[str, Any]:
    numbers = _given({key: _whole(claims[key]) for key in ("during_term", "or_after_term")})
    if not numbers:
        return {}
    return numbers | _given({"events": claims["events"], "clause": claims["clause"]})


def _benefit(row: Sheet) -> dict[str, Any]:
    benefit: dict[str, Any] = {key: row[key].strip() for key in ("id", "name", "event", "clause")}
    benefit |= {"of": row["of"], "less": row["less"], "waiting": _count(row["waiting"], "天")}
    times = row["times"]
    if times["limit"].strip():
        benefit["times"] = {"limit": _whole(times["limit"]), "per": times["per"]}
    return _given(benefit) | {"step": [_step(step) for step in row["step"]]}


def _step(row: Sheet) -> dict[str, Any]:
    form, cases = row["form"], row["cases"]
    step: dict[str, Any] = {key: row[key].strip() for key in ("name", "per", "rounding", "clause")}
    step["by"] = row["by"]
    if form == "pay":
        step["whole"] = row["whole"] == "1"
    if form == "daily":
        step |= {key: _count(row[key], "天") for key in ("days_after", "days_limit")}
    if form in BANDED:
        leaf = _rate if form == "pay" else _yuan
        unit = "%" if form == "pay" else "元"
        leaves: list[Any] = [
            [[_yuan(band["upto"]) or OPEN, leaf(band["value"]) or unit] for band in case["bands"]]
            for case in cases
        ]
    else:
        leaves = [_yuan(case["amount"]) or "元" for case in cases]
    return _given(step) | {form.removesuffix("_bands"): _nested(cases, leaves)}


def _pool(row: Sheet) -> dict[str, Any]:
    pool = _given(
        {key: row[key].strip() for key in ("id", "name", "per", "clause")} | {"of": row["of"]}
    )
    form = row["form"] if row["form"] in ("cap", "deductible") else "cap"
    return pool | {form: _yuan(row["amount"]) or "元"}


def _paper(row: Sheet) -> dict[str, Any]:
    paper: dict[str, Any] = {key: text.strip() for key, text in row.items()}
    return _given({**paper, "copies": _whole(row["copies"]), "stamp": row["stamp"] == "1"})


def _limit(row: Sheet) -> dict[str, Any]:
    within = _count(row["within"], row["unit"] or "天")
    return (
        _given({"within": within, "after": row["after"], "clause": row["clause"]}) if within else {}
    )


def _nested(cases: list[Sheet], leaves: list[Any]) -> Any:
    """The leaves of a table nested by the values of its facts."""
    table: Any = {}
    for case, leaf in zip(cases, leaves, strict=True):
        if not case["at"]:
            return leaf
        *way, last = case["at"].split("/")
        node = table
        for key in way:
            node = node.setdefault(key, {})
        node[last] = leaf
    return table


def _given(table: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in table.items() if value not in (None, "", [], {}, False)
    } | {key: 0 for key, value in table.items() if type(value) is int and value == 0}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _number(text: str, unit: str) -> str:
    plain_text = unicodedata.normalize("NFKC", text).strip().removesuffix(unit).strip()
    return plain_text.replace(",", "")


def _yuan(text: str) -> str:
    number = _number(text, "元")
    return f"{number}元" if number else ""


def amount_of(text: str) -> int:
    """A typed amount in fen. ValueError for what is none."""
    return parse_yuan(_number(text, "元"))


def _rate(text: str) -> str:
    number = _number(text, "%")
    return f"{number}%" if number else ""


def _count(text: str, unit: str) -> str:
    number = _number(text, unit)
    return f"{number}{unit}" if number else ""


def _whole(text: str) -> int | str:
    number = _number(text, "")
    return int(number) if re.fullmatch(r"[0-9]{1,9}", number) else number


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return text.strip()


def choices_of_base() -> dict[str, str]:
    """The parts of a settlement that a base may be summed from."""
    return {part: label for part, label in PARTS.items() if part != "in_scope"}


def events_of(sheet: Sheet) -> dict[str, str]:
    """What may be claimed for, as far as the sheet names it."""
    own = {row["key"]: row["label"] or row["key"] for row in sheet["events"] if row["key"]}
    return {STAY: EVENTS[STAY], **own}
