"""What the office must ask for a claim: what its event's benefits read and it does not know."""

from typing import Any

from huigong import rules
from huigong.plans.vocabulary import DATES, PAID, STAY

PROPOSED = "proposed"
HAPPENED = "happened_on"
Plan = dict[str, Any]


def events_of(plan: Plan) -> dict[str, str]:
    """What may be claimed for under a plan, by name, in the order its benefits are written."""
    return {benefit["event"]: plan["events"][benefit["event"]] for benefit in plan["benefit"]}


def benefits_for(plan: Plan, event: str | None) -> list[Plan]:
    return [benefit for benefit in plan["benefit"] if benefit["event"] == (event or STAY)]


def sets_amount(plan: Plan, event: str | None) -> bool:
    """Whether a reviewer sets an amount of what this event is paid."""
    steps = [step for benefit in benefits_for(plan, event) for step in benefit["step"]]
    return any(step["form"] == "reviewer_up_to" for step in steps)


def reads_paid(plan: Plan, event: str | None) -> bool:
    """Whether an event of its own is paid from what remained after earlier claims."""
    benefits = benefits_for(plan, event)
    return event not in (None, STAY) and bool(benefits) and PAID in benefits[0]["less"]


def reads_fact(plan: Plan, name: str) -> bool:
    return any(name in step["by"] for benefit in plan["benefit"] for step in benefit["step"])


def questions_for(
    plan: Plan, event: str | None, known: dict[str, Any], *, paid_known: bool = False
) -> list[rules.Question]:
    """What is asked of a claim for one event and of each of its stays: never what the office
    knows (facts of the enrollment, what it paid before) nor what a reviewer sets. An event of
    its own always has a day, which must lie within the cover."""
    event = event or STAY
    asked = rules.questions({**plan, "benefit": benefits_for(plan, event)})
    told = set(known) | {"event", "filed_on", PROPOSED, "year"} | ({PAID} if paid_known else set())
    if not reads_paid(plan, event):
        told.add(PAID)
    questions = [question for question in asked if question.name not in told]
    if event != STAY:
        questions = [q for q in questions if q.scope != "stay" and q.name != HAPPENED]
        return [rules.Question(HAPPENED, DATES[HAPPENED], "date", {}, "claim"), *questions]
    return questions
