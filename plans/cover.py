"""Who may be covered at what fee, what a form must ask, and whether a settlement adds up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from huigong.money import percent, yuan
from huigong.plans.admission import Refusal
from huigong.plans.curves import Plan, table
from huigong.plans.vocabulary import (
    CARRIERS,
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


class NotStated(ValueError):
    """The source does not state it, or a fact is missing: the field and what to say."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field, self.message = field, message


class Fee(NamedTuple):
    """One person's fee in fen and who carries which part.

    Carriers: province, city, county, union (unions, level not stated), unit, person, rest (unit
    or person, as the unit declares). `shares` is empty where the source states none.
    """

    total: int
    shares: dict[str, int]


class Question(NamedTuple):
    """One thing a form asks because the plan reads it.

    `kind`: choice | whole | amount | date; `scope`: enrollment | claim | stay.
    """

    name: str
    label: str
    kind: str
    choices: dict[Any, str]
    scope: str


def fee(plan: Plan, facts: dict[str, Any]) -> Fee:
    """One person's fee and its shares in fen. Raises NotStated where plan or facts are silent."""
    stated = plan["fee"]
    if not stated:
        raise NotStated("fee", f"来源未载明参保费，{SILENT}")
    by, total = stated["by"], stated["total"]
    if total is None:
        raise NotStated("fee", f"来源未载明参保费，{SILENT}")
    if isinstance(total, dict):
        total = _look_up(by, total, facts)
    shares = _look_up(by, stated["share"], facts) if stated["share"] else {}
    return Fee(total, dict(shares))


def bearer(shares: dict[str, int]) -> str:
    """Who carries what a fee rises or falls by: unit or person, else the last of those who share
    it."""
    return [name for name in CARRIERS if name in shares][-1]


def _look_up(by: list[str], node: Any, facts: dict[str, Any]) -> Any:
    node = table(tuple(by), node, lambda leaf: leaf)
    for name in by:
        try:
            node = node[facts.get(name)]
        except KeyError:
            label = FACTS[name].label
            given = facts.get(name)
            wish = f"请填写{label}" if given is None else f"{label}没有“{given}”这一项"
            raise NotStated(name, wish) from None
    return node


def unmet(plan: Plan, facts: dict[str, Any]) -> list[Refusal]:
    """The requirements that a person's facts do not meet; `facts["proofs"]` names documents shown.

    A missing fact is asked for. A refusal's `proof` is the document that would do instead.
    """
    refusals = []
    for need in plan["require"]:
        name = need["fact"]
        if name is None or (need["proof"] and need["proof"] in (facts.get("proofs") or ())):
            continue
        value = facts.get(name)
        if value is None:
            refusals.append(Refusal(name, f"请填写{FACTS[name].label}"))
        elif not meets(need, value):
            refusals.append(Refusal(name, requirement_words(need, value), need["proof"]))
    return refusals


def meets(need: Plan, value: Any) -> bool:
    """Whether a fact's value meets one requirement; both bounds are inclusive."""
    if need["one_of"]:
        return value in need["one_of"]
    low, high = need["in"]
    return type(value) is int and low <= value <= high


def requirement_words(need: Plan, value: Any = None) -> str:
    """A requirement as a sentence, with the value that does not meet it where one is given."""
    if need["fact"] is None:
        return need["says"]
    fact = FACTS[need["fact"]]
    if need["one_of"]:
        allowed = "、".join(fact.choices[choice] for choice in need["one_of"])
        text = f"{fact.label}须为{allowed}"
    else:
        low, high = need["in"]
        text = f"{fact.label}须在{low}至{high}{fact.unit}之间（含）"
    if value is None:
        return text
    return f"{text}，现为{fact.choices.get(value, value)}{'' if fact.choices else fact.unit}"


def unmet_group(plan: Plan, enrolled: int, staff: int) -> list[Refusal]:
    """Whether enough of a unit's people join: `enrolled` of `staff` persons."""
    group = plan["group"]
    if not group:
        return []
    misses = []
    if group["people"] is not None and enrolled < group["people"]:
        misses.append(f"参保人数须不少于{group['people']}人，现为{enrolled}人")
    if group["share"] is not None and enrolled * 10000 < group["share"] * staff:
        misses.append(
            f"参保人数须不低于职工总数的{percent(group['share'])}，现为{enrolled}/{staff}人"
        )
    wanted = [key for key in ("people", "share") if group[key] is not None]
    if group["either"] and len(misses) < len(wanted):
        return []
    return [Refusal("roster", miss) for miss in misses]


def unstated(plan: Plan) -> list[str]:
    """What the source does not say, or where a reading was chosen (待核)."""
    return list(plan["unstated"])


def questions(plan: Plan) -> list[Question]:
    """Just the facts, amounts and dates that assessing this plan reads, each once."""
    asked: dict[str, Question] = {}

    def ask(question: Question) -> None:
        asked.setdefault(question.name, question)

    for benefit in plan["benefit"]:
        scope = "stay" if benefit["event"] == STAY else "claim"
        for step in benefit["step"]:
            for name in step["by"]:
                ask(_fact_question(plan, name))
        for name in (*benefit["of"], *benefit["less"]):
            if name != PAID:
                ask(Question(name, PARTS[name], "amount", {}, scope))
            elif benefit["event"] != STAY:
                ask(Question(name, CLAIM_AMOUNTS[name], "amount", {}, "claim"))
        forms = {step["form"] for step in benefit["step"]}
        if "daily" in forms:
            ask(Question("days", DAYS, "whole", {}, scope))
        if "reviewer_up_to" in forms:
            ask(Question("proposed", CLAIM_AMOUNTS["proposed"], "amount", {}, "claim"))
    for name, scope in _dates(plan):
        ask(Question(name, DATES[name], "date", {}, scope))
    if len({benefit["event"] for benefit in plan["benefit"]}) > 1:
        ask(Question("event", "申领事项", "choice", dict(plan["events"]), "claim"))
    return list(asked.values())


def _dates(plan: Plan) -> list[tuple[str, str]]:
    """The dates that numbers of claims, waiting, filing limits and calendar years read."""
    filing, dates = plan["filing"], []
    if plan["claims"] or (filing and not filing["working"]):
        dates.append(("filed_on", "claim"))
    waits = {b["event"]: b["waiting_days"] for b in plan["benefit"]}
    for event, days in waits.items():
        if plan["waiting_days"] if days is None else days:
            dates.append(("admitted", "stay") if event == STAY else ("happened_on", "claim"))
    steps = [step for benefit in plan["benefit"] for step in benefit["step"]]
    spans = {step["per"] for step in (*steps, *plan["pool"])}
    if "year" in spans or (filing and filing["after"] == "discharge" and not filing["working"]):
        dates.append(("discharged", "stay"))
    return dates


def _fact_question(plan: Plan, name: str) -> Question:
    fact = FACTS[name]
    choices = plan["grades"] if name == "grade" else fact.choices
    return Question(name, fact.label, "choice" if choices else "whole", dict(choices), fact.scope)


def enrollment_questions(plan: Plan) -> list[Question]:
    """The facts that this plan's fee and requirements read of a person."""
    names = [*(plan["fee"]["by"] if plan["fee"] else ()), *(n["fact"] for n in plan["require"])]
    known = dict.fromkeys(name for name in names if name and name != "year")
    return [_fact_question(plan, name) for name in known]


def check_settlement(stay: dict[str, Any]) -> list[Refusal]:
    """The identities of a settlement, each checked only where all its members are given, in fen."""
    refusals = []
    for whole, parts in IDENTITIES:
        fens: list[Any] = [stay.get(name) for name in (whole, *parts)]
        if None in fens:
            continue
        off = fens[0] - sum(fens[1:])
        if off:
            names = "、".join(PARTS[part] for part in parts)
            word = "多" if off > 0 else "少"
            refusals.append(
                Refusal(
                    whole,
                    f"{PARTS[whole]}{yuan(fens[0])}元比{names}之和{yuan(sum(fens[1:]))}元"
                    f"{word}{yuan(abs(off))}元，请核对结算单",
                )
            )
    return refusals


def last_filing_day(
    plan: Plan,
    *,
    discharged: date | None,
    term_end: date,
    working: Callable[[date, int], date],
) -> date | None:
    """The last day for filing, or None where none is stated; `working(day, n)` counts work days."""
    filing = plan["filing"]
    if not filing:
        return None
    start = term_end if filing["after"] == "term_end" else discharged
    if start is None:
        return None
    if filing["working"]:
        return working(start, filing["days"])
    return start + timedelta(days=filing["days"])
