"""Whether a claim may be assessed at all: its event, numbers, dates, waiting and filing limits."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from huigong.plans.curves import BenefitRule, Rule
from huigong.plans.vocabulary import DATES, SILENT, STAY

ENDS = {"discharge": "出院", "term_end": "保障期结束"}
UNPUBLISHED = "跨入放假安排尚未公布的年份，要等公布后才能按工作日算出"
UNCOUNTED = f"申领期限{UNPUBLISHED}，现在不能判断是否超期"


class Run(Protocol):
    """What admission reads of a case's running totals and counts up."""

    rule: Rule
    case: dict[str, Any]
    wrong: Refusal | None
    cover: date | None
    end: date | None
    during: int
    after: int
    times: dict[tuple[str, str], int]


class Refusal(NamedTuple):
    """What stands against a claim or an enrollment: the field, a sentence, a proof that helps, and
    the rule in words without this claim's own days, where the sentence names such."""

    field: str
    message: str
    proof: str | None = None
    rule: str = ""


def day(value: Any) -> date | None:
    """A date as given or from ISO text; None for none. ValueError for anything else."""
    if value.__class__ is date or value is None:
        return value
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError(f"{value!r}")
    return date.fromisoformat(value)


@lru_cache(1000)
def last_day(cover_from: date, months: int) -> date:
    """The last day of a term of so many months: 2023-08-01 and 12 make 2024-07-31.

    Where the last month has no such day the term ends with it: 2024-02-29 makes 2025-02-28.
    """
    years, month = divmod(cover_from.month - 1 + months, 12)
    year, month = cover_from.year + years, month + 1
    most = monthrange(year, month)[1]
    if cover_from.day > most:
        return date(year, month, most)
    return date(year, month, cover_from.day) - timedelta(days=1)


def admit(run: Run, claim, event: str, stays, refused: list[Refusal]) -> Sequence[BenefitRule]:
    """The benefits that this claim may draw on, or why it may not (numbers, dates, waiting)."""
    rule, say = run.rule, refused.append
    if run.wrong:
        say(run.wrong)
    benefits = rule.events.get(event)
    if not benefits:
        known = bool(rule.plan["benefit"])
        say(
            Refusal("event", f"本计划的待遇不含“{event}”")
            if known
            else Refusal("benefit", f"来源未载明待遇标准，{SILENT}")
        )
        return []
    if event == STAY and not stays:
        say(Refusal("stays", "请填写住院及其结算单"))
    try:
        if rule.counts and event in rule.counts[2]:
            _count(run, claim, say)
        if run.cover is not None and run.end is not None:
            _in_cover(run.cover, run.end, stays, say)
        if rule.filing:
            _in_time(run, claim, stays, say)
        if event not in rule.guarded:
            return benefits
        return _open_benefits(run, claim, event, stays, benefits, say)
    except NoDate as missing:
        say(Refusal(missing.args[0], f"{DATES[missing.args[0]]}不是一个日期"))
        return []


class NoDate(ValueError):
    """A date that cannot be read; its field."""


def dated(holder, field: str) -> date | None:
    value = holder.get(field)
    if value.__class__ is date or value is None:
        return value
    try:
        return day(value)
    except ValueError:
        raise NoDate(field) from None


def _count(run: Run, claim, say) -> None:
    """[claims]: so many during the term, or instead of those so many after it."""
    during, after, _ = run.rule.counts
    if claim.get("decided") is not None:
        return None
    filed = claim.get("filed_on")
    if filed.__class__ is not date:
        filed = dated(claim, "filed_on")
    if filed is None or run.end is None:
        field = "filed_on" if filed is None else "cover_from"
        return say(Refusal(field, f"请填写{DATES[field]}"))
    if after is not None and filed > run.end:
        if run.during:
            return say(Refusal("filed_on", "保障期内已申领过，保障期结束后不再受理"))
        if run.after >= after:
            return say(Refusal("filed_on", f"保障期结束后可申领{after}次，次数已用完"))
    elif run.after and after is not None:
        return say(Refusal("filed_on", "已在保障期结束后申领过，不再受理"))
    elif during is not None and run.during >= during:
        span = "" if after is None else "内"
        return say(Refusal("filed_on", f"同一保障期{span}可申领{during}次，次数已用完"))
    return None


def count_claim(run: Run, claim) -> None:
    """Count an accepted claim among those during the term, or among those after it."""
    filed = claim.get("filed_on")
    if filed.__class__ is not date:
        try:
            filed = day(filed)
        except ValueError:
            filed = None
    if run.rule.counts[1] is not None and filed and run.end and filed > run.end:
        run.after += 1
    else:
        run.during += 1


def _in_cover(cover: date, end: date, stays, say) -> None:
    for stay in stays:
        admitted = stay.get("admitted")
        if admitted.__class__ is not date:
            admitted = dated(stay, "admitted")
            if admitted is None:
                continue
        if admitted < cover or admitted > end:
            message = f"入院日期{admitted}不在保障期{cover}至{end}内"
            say(Refusal("admitted", message, rule="入院日期不在保障期内"))


def _in_time(run: Run, claim, stays, say) -> None:
    """The filing limit in calendar days, or in working days where a calendar was given.

    Where the calendar does not reach, as many days after are still in time; later ones cannot be
    judged, which is said and never guessed.
    """
    days, after, calendar = run.rule.filing
    if after == "discharge" and not stays:
        return None  # no discharge to count from
    filed = dated(claim, "filed_on")
    if after == "term_end":
        start, field = run.end, "cover_from"
    else:
        start = min([d for s in stays if (d := dated(s, "discharged"))], default=None)
        field = "discharged"
    if filed is None or start is None:
        field = "filed_on" if filed is None else field
        return say(Refusal(field, f"请填写{DATES[field]}"))
    if (filed - start).days <= days:
        return None  # working days only end later
    try:
        last = calendar(start, days) if calendar else start + timedelta(days=days)
    except NotImplementedError:
        return say(Refusal("filed_on", UNCOUNTED, rule=UNCOUNTED))
    if filed > last:
        limit = f"{ENDS[after]}后{days}{'个工作日' if calendar else '天'}"
        message = f"申领期限为{last}，{filed}已超过"
        return say(Refusal("filed_on", message, rule=f"超过申领期限（{limit}内）"))
    return None


def _open_benefits(run, claim, event, stays, benefits, say) -> list[BenefitRule]:
    """Leave out what is still waiting or already had; refuse when nothing is left."""
    kept, reasons = [], []
    for benefit in benefits:
        reason = None
        if benefit.waiting and not run.case.get("renewal"):
            reason = _waits(run, claim, stays, benefit.waiting)
        times = benefit.times
        if reason is None and times and run.times.get((benefit.id, times[1]), 0) >= times[0]:
            span = "终身" if times[1] == "life" else "同一保障期"
            reason = Refusal("event", f"{span}可享受{times[0]}次，次数已用完")
        if reason is None:
            kept.append(benefit)
        else:
            reasons.append(reason)
    if not kept:
        say(reasons[0])
    return kept


def _waits(run: Run, claim, stays, days: int) -> Refusal | None:
    """The waiting period of a first enrollment; a renewal has none."""
    field = "admitted" if stays else "happened_on"
    dates = [dated(holder, field) for holder in (stays or (claim,))]
    known = [d for d in dates if d]
    if len(known) < len(dates) or run.cover is None:
        field = "cover_from" if run.cover is None else field
        return Refusal(field, f"请填写{DATES[field]}")
    over = run.cover + timedelta(days=days)
    if min(known) < over:
        rule = f"首次参保等待期{days}天内"
        return Refusal(field, f"首次参保等待期{days}天，{over}起方可享受待遇", rule=rule)
    return None


def counted_year(claim, stays, refused) -> int | None:
    """The calendar year a claim counts in: of its last discharge, else of its filing."""
    try:
        discharges = [d for s in stays if (d := dated(s, "discharged"))]
        last = max(discharges, default=None) or dated(claim, "filed_on")
    except NoDate as missing:
        last = None
        refused.append(Refusal(missing.args[0], f"{DATES[missing.args[0]]}不是一个日期"))
    if last is None:
        refused.append(Refusal("discharged", f"请填写{DATES['discharged']}"))
        return None
    return last.year
