"""Filing a claim and filing it again after it came back for supplement."""

import secrets
from datetime import date, datetime
from typing import Any

from huigong.database import writes
from huigong.models import Claim, Claimant, ClaimEvent, Enrollment, Member, Stay, User
from huigong.money import yuan
from huigong.plans.vocabulary import DATES, FACTS, PAID, PARTS, STAY
from huigong.refusals import Refused
from huigong.rules import day
from huigong.uploads import Kept
from huigong.workflows import audit
from huigong.workflows.claims.asking import HAPPENED, reads_paid
from huigong.workflows.claims.checking import faults, field_of, same_paper
from huigong.workflows.claims.limits import promised_day
from huigong.workflows.claims.papers import keep_papers
from huigong.workflows.claims.reckoning import Facts, paid_so_far, reckon, stay_facts
from huigong.workflows.schemes import plan_of

STAGE_FOR_MEMBER = {
    "filed": "已受理，等待初审",
    "returned": "已退回补正，请联系单位经办人",
    "reviewed": "初审已通过，等待复审",
    "approved": "已审核通过，等待发放",
    "refused": "不予给付，请向单位经办人索取通知书",
    "paid": "已发放",
}


def name_claimant(claim: Claim) -> None:
    """Let lists find a new claim by its member's name and its scheme."""
    scheme = claim.enrollment.edition.scheme_id
    Claimant.create(claim=claim, scheme=scheme, name=claim.member.name)


@writes
def file_claim(
    *,
    enrollment: Enrollment,
    event: str | None,
    stays: list[Facts],
    papers: list[tuple[str, Kept]],
    by: User,
    at: datetime,
    facts: Facts | None = None,
) -> Claim:
    """File a member's claim; what the steps say of it is kept as `computed`, in fen.

    Each stay: hospital, admitted, discharged (dates), the facts the plan reads, and the parts of
    its settlement in fen. Refuses, all at once and by field (`stay-0-total`), what `checking`
    finds: cover not in force, dates that cannot be, overlaps, parts that do not add up, amounts
    the plan reads and lacks, claims used up.
    """
    on, facts = at.date(), settled_facts(enrollment, event, facts or {})
    stays = [_dated(number, stay) for number, stay in enumerate(stays)]
    found = faults(enrollment, event, stays, facts=facts, on=on)
    if found:
        raise Refused.all(found)
    same_paper(enrollment, papers, None)
    said = reckon(enrollment, event, stays, on=on, facts=facts).claims[-1]
    claim = Claim.create(
        organization=enrollment.organization,
        member=enrollment.member,
        enrollment=enrollment,
        number=_number(on),
        event=None if event == STAY else event,
        facts=facts,
        filed_by=by,
        filed_on=on,
        promised_on=promised_day(plan_of(enrollment.edition), on),
        computed=said.benefit,
    )
    name_claimant(claim)
    _keep_stays(claim, stays)
    keep_papers(claim, papers, by=by, at=at)
    ClaimEvent.create(claim=claim, kind="filed", by=by, on=on, at=at)
    audit.record("file claim", by=by, at=at, on=claim, organization=enrollment.organization)
    return claim


@writes
def refile_claim(
    claim: Claim,
    *,
    event: str | None,
    stays: list[Facts],
    papers: list[tuple[str, Kept]],
    by: User,
    at: datetime,
    facts: Facts | None = None,
    note: str = "",
) -> Claim:
    """File a returned claim again, with corrected figures and further papers; what changed is
    said in its history. Refuses as `file_claim` does; the day it was first filed still counts.
    Raises Lost when it is no longer returned."""
    enrollment = claim.enrollment
    facts = settled_facts(enrollment, event, facts or {}, claim)
    stays = [_dated(number, stay) for number, stay in enumerate(stays)]
    on = claim.filed_on
    found = faults(enrollment, event, stays, facts=facts, on=at.date(), claim=claim)
    if found:
        raise Refused.all(found)
    same_paper(enrollment, papers, claim)
    said = reckon(enrollment, event, stays, on=on, facts=facts, claim=claim).claims[-1]
    event = None if event == STAY else event
    claim.move(
        "stage", was="returned", to="filed", computed=said.benefit, event=event, facts=facts,
        promised_on=promised_day(plan_of(enrollment.edition), at.date()),
    )  # fmt: skip
    changes = _changes(claim, stays)
    Stay.delete().where(Stay.claim == claim).execute()
    _keep_stays(claim, stays)
    added = keep_papers(claim, papers, by=by, at=at)
    told = [*changes, *(f"补交{kind}" for kind in added), *([note] if note else [])]
    ClaimEvent.create(claim=claim, kind="refiled", by=by, on=at.date(), at=at, note="\n".join(told))
    audit.record("refile claim", by=by, at=at, on=claim, organization=claim.organization)
    return claim


def filers_of(claim: Claim) -> set[int]:
    """The ids of everyone who filed the claim or filed it again: none of them may judge it."""
    events = ClaimEvent.select(ClaimEvent.by).where(
        ClaimEvent.claim == claim, ClaimEvent.kind << ("filed", "refiled")
    )
    return {claim.filed_by.id, *(event.by.id for event in events)}


def stage_for_member(number: str, tail: str) -> str | None:
    """A claim's stage in words, for whoever knows its number and the last four of the member's
    ID; None alike for an unknown number and a wrong ID."""
    claim = (
        Claim.select(Claim.stage)
        .join(Member)
        .where(Claim.number == number, Member.tail_index == Member.index_of_tail(tail))
        .first()
    )
    return STAGE_FOR_MEMBER[claim.stage] if claim else None


def _number(on: date) -> str:
    """A number for people to read out; its last six digits cannot be guessed from another's."""
    while True:
        number = f"SL{on:%Y%m%d}{secrets.randbelow(10**6):06d}"
        if not Claim.select().where(Claim.number == number).exists():
            return number


def settled_facts(
    enrollment: Enrollment, event: str | None, facts: Facts, claim: Claim | None = None
) -> Facts:
    """What is kept of a claim's own facts: dates as text, and never an amount already paid that
    the office itself knows. Refuses a date that is none."""
    kept = {name: value for name, value in facts.items() if value is not None and value != ""}
    if reads_paid(plan_of(enrollment.edition), event) and paid_so_far(enrollment, claim):
        kept.pop(PAID, None)
    if HAPPENED in kept:
        try:
            kept[HAPPENED] = str(day(kept[HAPPENED]))
        except ValueError:
            raise Refused(HAPPENED, f"{DATES[HAPPENED]}不是一个日期") from None
    return kept


def _dated(number: int, stay: Facts) -> Facts:
    """A stay with real dates and without what was not given."""
    given = {name: value for name, value in stay.items() if value is not None and value != ""}
    for name in ("admitted", "discharged"):
        try:
            if name in given:
                given[name] = day(given[name])
        except ValueError:
            raise Refused(field_of(number, name), f"{DATES[name]}不是一个日期") from None
    return given


def _keep_stays(claim: Claim, stays: list[Facts]) -> None:
    for number, stay in enumerate(stays, 1):
        nights = (stay["discharged"] - stay["admitted"]).days
        Stay.create(
            claim=claim,
            number=number,
            hospital=stay.get("hospital", ""),
            hospital_level=stay.get("hospital_level"),
            place=stay.get("place", ""),
            admitted=stay["admitted"],
            discharged=stay["discharged"],
            days=stay.get("days", max(nights, 1)),
            amounts={name: stay[name] for name in PARTS if name in stay},
        )


def _changes(claim: Claim, stays: list[Facts]) -> list[str]:
    """What a claim filed again says otherwise, in sentences."""
    rows = Stay.select().where(Stay.claim == claim).order_by(Stay.number)
    before = [stay_facts(row) for row in rows]
    told = []
    if len(before) != len(stays):
        told.append(f"住院由{len(before)}次改为{len(stays)}次")
    for number, (old, new) in enumerate(zip(before, stays, strict=False), 1):
        for name in dict.fromkeys([*old, *new]):
            if (name in new and old.get(name) != new[name]) or (name in PARTS and name not in new):
                was, now = _said(name, old.get(name)), _said(name, new.get(name))
                told.append(f"第{number}次住院{_label(name)}由{was}改为{now}")
    return told


def _label(name: str) -> str:
    if name in FACTS:
        return FACTS[name].label
    return PARTS.get(name) or DATES.get(name) or {"hospital": "医院", "days": "住院天数"}[name]


def _said(name: str, value: Any) -> str:
    if value is None:
        return "未填"
    if name in PARTS:
        return f"{yuan(value)}元"
    return str(FACTS[name].choices.get(value, value)) if name in FACTS else str(value)
