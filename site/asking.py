"""What the calculator's form asks: only what the plan reads, and earlier claims only where the plan
has something that depends on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

from huigong.plans.curves import is_closing
from huigong.plans.vocabulary import DATES, PAID, STAY
from huigong.rules import Plan, Question, last_day, questions

LONG = ("term", "year", "life")


class Asked(NamedTuple):
    """One field of the calculator, the events whose benefits read it, and what stands in it."""

    question: Question
    events: str
    value: str = ""


class History(NamedTuple):
    """How a plan looks back: on what earlier claims were about, or on what was decided alone."""

    whole: bool
    other_terms: bool


def asked(plan: Plan) -> list[Asked]:
    """The fields in the order they are asked; a date stands as an example until it is changed."""
    fields, days = [], _example_days(plan)
    names = [question for question in questions(plan) if question.name not in ("event", "year")]
    for question in [*names, *_more_dates(plan, {question.name for question in names})]:
        events = [e for e in _events(plan) if _reads(plan, question, e)]
        fields.append(Asked(question, " ".join(events), days.get(question.name, "")))
    return fields


def history(plan: Plan) -> History | None:
    """What earlier claims must tell, or None where no claim depends on one before it."""
    steps = [
        (step["per"], is_closing(benefit, n))
        for benefit in plan["benefit"]
        for n, step in enumerate(benefit["step"])
    ]
    steps += [(pool["per"], "cap" in pool) for pool in plan["pool"]]
    long = [(per, closing) for per, closing in steps if per in LONG]
    times = [b["times"]["per"] for b in plan["benefit"] if b["times"]]
    if not (long or times or plan["claims"] or any(PAID in b["less"] for b in plan["benefit"])):
        return None
    many = len(plan["benefit"]) > len(_events(plan))
    whole = many or any(not closing for _, closing in long)
    return History(whole, "life" in times or any(per in ("year", "life") for per, _ in long))


def _events(plan: Plan) -> list[str]:
    return list(dict.fromkeys(benefit["event"] for benefit in plan["benefit"]))


def waits(plan: Plan) -> bool:
    """Whether a first enrollment waits, so that the form asks whether this is a renewal."""
    waiting = [b["waiting_days"] for b in plan["benefit"]]
    return any(plan["waiting_days"] if days is None else days for days in waiting)


def _more_dates(plan: Plan, known: set[str]) -> list[Question]:
    """The dates that assessing reads beside those that a claim's form asks."""
    filing = plan["filing"]
    steps = [step for benefit in plan["benefit"] for step in benefit["step"]]
    look = history(plan)
    cover = (
        waits(plan)
        or plan["claims"]
        or (filing and not filing["working"] and filing["after"] == "term_end")
        or any("year" in step["by"] for step in steps)
        or (look and look.other_terms)
    )
    more = [("cover_from", "enrollment")] if cover else []
    yearly = "year" in {step["per"] for step in (*steps, *plan["pool"])}
    if yearly and _events(plan) != [STAY] and "filed_on" not in known:
        more.append(("filed_on", "claim"))
    return [Question(name, DATES[name], "date", {}, scope) for name, scope in more]


def _reads(plan: Plan, question: Question, event: str) -> bool:
    if question.kind == "date":
        return event != STAY if question.name == "happened_on" else True
    return any(question.name in _names(b) for b in plan["benefit"] if b["event"] == event)


def _names(benefit: Plan) -> set[str]:
    forms = {step["form"] for step in benefit["step"]}
    names = {fact for step in benefit["step"] for fact in step["by"]}
    names |= {*benefit["of"], *benefit["less"]}
    names |= {"days"} if "daily" in forms else set()
    names |= {"proposed"} if "reviewer_up_to" in forms else set()
    return names


def _example_days(plan: Plan) -> dict[str, str]:
    """Days of a claim that nothing stands against: covered, waited for and filed in time."""
    cover = date.fromisoformat(plan["enrolled"]["from"])
    waiting = [plan["waiting_days"], *(b["waiting_days"] or 0 for b in plan["benefit"])]
    admitted = min(cover + timedelta(max(waiting)), last_day(cover, plan["term_months"]))
    left = admitted + timedelta(10)
    days: dict[str, Any] = {"cover_from": cover, "admitted": admitted, "happened_on": admitted,
                            "discharged": left, "filed_on": left}  # fmt: skip
    return {name: str(day) for name, day in days.items()}
