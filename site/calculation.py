"""The plan as the page's calculator runs on it: curves in pieces, tables in rows, words ready.

static/calculator.js assesses a case with it as rules.assess does with the plan, and says each step
in the sentence that the decision will print. Every word it says is in here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from huigong.explain import claims_words, filing_words, times_words, waiting_words
from huigong.plans.cover import requirement_words
from huigong.plans.curves import FLOW, curve, is_closing, kind_of, span_of_key, step_curve
from huigong.plans.vocabulary import (
    CLAIM_AMOUNTS,
    DATES,
    DAYS,
    FACTS,
    IDENTITIES,
    PAID,
    PARTS,
    SILENT,
    STAY,
)
from huigong.rules import Plan
from huigong.sentences import OVER, STAY_NUMBER, pool_template, step_template

Data = dict[str, Any]
DECIDED = "决定给付的金额"
EXACT = 2**53  # a greater number is not exact in a script: it travels as text


def calculation(plan: Plan) -> Data:
    """What the calculator needs of a plan, as plain JSON."""
    slots = iter(range(1_000_000))
    benefits = [_benefit(plan, benefit, slots) for benefit in plan["benefit"]]
    pools = [_pool(pool, slots) for pool in plan["pool"]]
    spans = {step["per"] for b in benefits for step in b["each"] + b["then"]}
    spans |= {pool["per"] for pool in pools}
    amounts = {**PARTS, **CLAIM_AMOUNTS, "decided": DECIDED}
    return {
        "months": plan["term_months"],
        "base": plan["base"],
        "amounts": list(amounts),
        "dates": list(DATES),
        "labels": {
            "stays": "住院及其结算单",
            "days": DAYS,
            "event": "申领事项",
            **{name: fact.label for name, fact in FACTS.items()},
            **amounts,
            **DATES,
        },
        "says": {
            "ask": "请填写",
            "amount": "须为不小于零、最多两位小数的金额",
            "outside": "入院日期不在保障期内",
            "less": "扣减的金额大于被扣减的金额，请核对",
            "stay": STAY_NUMBER,
            "over": OVER,
        },
        "silent": None if benefits else ["benefit", f"来源未载明待遇标准，{SILENT}"],
        "require": [_require(need) for need in plan["require"] if need["fact"]],
        "sums": [_sum(whole, parts) for whole, parts in IDENTITIES],
        "counts": _counts(plan),
        "filing": _filing(plan),
        "years": "year" in spans,
        "events": {
            event: here
            for event in plan["events"]
            if (here := [b for b in benefits if b["event"] == event])
        },
        "deductibles": [pool for pool in pools if not pool["decided"]],
        "caps": [pool for pool in pools if pool["decided"]],
    }


def _benefit(plan: Plan, benefit: Plan, slots: Iterator[int]) -> Data:
    steps = [_step(plan, benefit, n, slots) for n in range(len(benefit["step"]))]
    each = list(takewhile(lambda step: step["per"] == STAY, steps))
    waiting = benefit["waiting_days"]
    waiting = plan["waiting_days"] if waiting is None else waiting
    times = benefit["times"]
    return {
        "id": benefit["id"],
        "event": benefit["event"],
        "of": benefit["of"],
        "less": [name for name in benefit["less"] if name != PAID],
        "paid": PAID in benefit["less"],
        "each": each,
        "then": steps[len(each) :],
        "waiting": waiting,
        "waits": f"还在等待期内：{waiting_words(waiting)}",
        "times": times and {**times, "says": f"{times_words(benefit)}，次数已用完"},
    }


def _step(plan: Plan, benefit: Plan, index: int, slots: Iterator[int]) -> Data:
    step = benefit["step"][index]
    flows = kind_of(step) == FLOW

    def leaf(node: Any, at: tuple[str, ...]) -> Data:
        return {
            "says": step_template(plan, benefit, index, at, node),
            "pieces": _pieces(step_curve(plan, step, node)),
        }

    made = step_curve(plan, step, _first(step["table"], len(step["by"])))
    return {
        "slot": next(slots),
        "name": step["name"],
        "clause": step["clause"],
        "kind": "" if flows else step["form"],
        "per": step["per"],
        "by": step["by"],
        "table": _rows(step["by"], step["table"], leaf),
        "over": made.per,
        "unit": made.unit,
        "decided": is_closing(benefit, index),
    }


def _pool(pool: Plan, slots: Iterator[int]) -> Data:
    form = "cap" if "cap" in pool else "deductible"
    leaf = {"says": pool_template(pool), "pieces": _pieces(curve(form, pool[form]))}
    return {
        **{key: pool[key] for key in ("id", "name", "clause", "of", "per")},
        "slot": next(slots), "by": [], "kind": "", "table": leaf, "over": 1, "unit": 1,
        "decided": form == "cap",
    }  # fmt: skip


def _pieces(made: Any) -> list[list[int | str | None]]:
    return [[n if n is None or abs(n) < EXACT else str(n) for n in piece] for piece in made.pieces]


def _rows(by: list[str], node: Any, leaf: Any, at: tuple[str, ...] = ()) -> Any:
    """A table as rows [lowest, highest, what]: one value twice, or a span of whole numbers."""
    if not by:
        return leaf(node, at)
    fact = FACTS[by[0]]
    return [
        [*_ends(fact.choices or fact.name == "grade", key), _rows(by[1:], below, leaf, (*at, key))]
        for key, below in node.items()
    ]


def _ends(listed: Any, key: str) -> tuple[Any, Any]:
    return (key, key) if listed else span_of_key(key)


def _first(node: Any, depth: int) -> Any:
    return _first(next(iter(node.values())), depth - 1) if depth else node


def _require(need: Plan) -> Data:
    rows = [[one, one] for one in need["one_of"]] if need["one_of"] else [need["in"]]
    return {"fact": need["fact"], "proof": need["proof"], "rows": rows,
            "says": requirement_words(need)}  # fmt: skip


def _sum(whole: str, parts: tuple[str, ...]) -> Data:
    names = "、".join(PARTS[part] for part in parts)
    return {"whole": whole, "parts": parts,
            "says": f"{PARTS[whole]}不等于{names}之和，请核对结算单"}  # fmt: skip


def _counts(plan: Plan) -> Data | None:
    claims = plan["claims"]
    if not claims:
        return None
    return {"during": claims["during_term"], "after": claims["or_after_term"],
            "events": claims["events"], "says": f"{claims_words(claims)}，次数已用完"}  # fmt: skip


def _filing(plan: Plan) -> Data | None:
    """A limit in calendar days; one in working days is the office's calendar's to check."""
    filing = plan["filing"]
    if not filing or filing["working"]:
        return None
    source = "cover_from" if filing["after"] == "term_end" else "discharged"
    return {"days": filing["days"], "from": source, "says": f"已超过期限。{filing_words(filing)}"}
