"""The days that bind a claim: waiting, the last day for filing, and the office's own promise."""

from datetime import date, timedelta
from typing import Any

from huigong import clock, rules
from huigong.models import Claim, Enrollment
from huigong.plans.admission import ENDS, UNPUBLISHED
from huigong.plans.vocabulary import STAY
from huigong.workflows.claims.asking import benefits_for
from huigong.workflows.schemes import plan_of

Plan = dict[str, Any]


def last_filing_day(
    plan: Plan, enrollment: Enrollment, event: str | None, discharges: list[date]
) -> tuple[date | None, str]:
    """The last day for filing and the limit in words; no words where the scheme states none for
    the event, no day where nothing to count from is given yet or the calendar does not reach."""
    filing = plan["filing"]
    if not filing or (filing["after"] == "discharge" and event not in (None, STAY)):
        return None, ""
    after = ENDS[filing["after"]]
    words = f"{after}后{filing['days']}{'个工作日' if filing['working'] else '天'}内"
    first = min(discharges, default=None)
    try:
        last = rules.last_filing_day(
            plan,
            discharged=first,
            term_end=enrollment.cover_to,
            working=clock.after_working_days,
        )
    except NotImplementedError:
        return None, f"{words}（{UNPUBLISHED}）"
    return last, words


def promised_day(plan: Plan, filed_on: date) -> date | None:
    """The day by which the office promised to finish a claim whose papers came on a day; None
    where the scheme promises nothing, or the calendar of that year is not published yet."""
    promise = plan["promise"]
    if not promise:
        return None
    if not promise["working"]:
        return filed_on + timedelta(days=promise["days"])
    try:
        return clock.after_working_days(filed_on, promise["days"])
    except NotImplementedError:
        return None


def waiting_words(enrollment: Enrollment, event: str | None) -> list[str]:
    """The waiting periods of an event's benefits for this cover; empty where there are none."""
    plan, told = plan_of(enrollment.edition), []
    benefits = benefits_for(plan, event)
    for benefit in benefits:
        days = benefit["waiting_days"]
        days = plan["waiting_days"] if days is None else days
        if days:
            name = f"{benefit['name']}：" if len(benefits) > 1 else ""
            first = enrollment.cover_from + timedelta(days=days)
            told.append(f"{name}首次参保，等待期{days}天，{first}起方可享受")
    return ["续保，没有等待期"] if told and enrollment.renewal else told


def counts_words(enrollment: Enrollment, event: str | None) -> str:
    """How many claims the term allows and how many were filed; empty where it counts none."""
    counts = plan_of(enrollment.edition)["claims"]
    if not counts or (event or STAY) not in counts["events"]:
        return ""
    during, after = counts["during_term"], counts["or_after_term"]
    allowed = [f"保障期内{during}次"] if during is not None else []
    if after is not None:
        allowed.append(f"{'或' if allowed else ''}保障期结束后{after}次")
    filed = Claim.select(Claim.event).where(
        Claim.enrollment == enrollment, Claim.stage != "refused"
    )
    used = sum((claim.event or STAY) in counts["events"] for claim in filed)
    return f"{'，'.join(allowed)}；已申报{used}次"
