"""Rosters with people, dues, claims and decisions for tests of the money, row by row."""

import itertools
from datetime import date, datetime, timedelta
from typing import Any

from builders import NOW, TODAY, a_city, a_county, a_unit, a_user
from builders_schemes import a_published_edition

from huigong import identity, rules
from huigong.models import (
    Claim,
    Decision,
    Edition,
    Enrollment,
    Level,
    Member,
    Organization,
    Payment,
    Role,
    Roster,
    User,
)
from huigong.workflows import funding, ledger
from huigong.workflows.claims.filing import name_claimant

_numbers = itertools.count(1)
PUYANG = "puyang-hospital-2025"
ZHENGZHOU = "zhengzhou-hospital-2023"
CARD = "6217000000000000"
PERSON = {"membership": "member", "insurance": "employee", "employment": "regular", "age": 40}


def a_member(unit: Organization, *, name: str = "张演示", card: str | None = CARD) -> Member:
    day, tail = divmod(next(_numbers), 1000)
    born = date(1980, 1, 1) + timedelta(days=day)
    number = identity.complete_id(f"419999{born:%Y%m%d}{tail:03d}")
    member = Member(
        organization=unit,
        name=name,
        id_index=Member.index_of_id(number),
        tail_index=Member.index_of_tail(number),
        bank="示例银行示例支行",
        resident_id=b"",
    )
    member.resident_id = member.seal("resident_id", number)
    member.bank_card = member.seal("bank_card", card) if card else b""
    member.save(force_insert=True)
    return member


def an_edition(code: str = PUYANG, city: Organization | None = None) -> Edition:
    """The shipped edition, published by `city` or by the one that has it already."""
    known = Edition.get_or_none(Edition.code == code)
    return known or a_published_edition(code, city or a_city())


def a_roster(
    unit: Organization | None = None,
    *,
    people: int = 2,
    code: str = PUYANG,
    rest_by: str = "unit",
    cover_from: date = date(2025, 1, 1),
    stage: str = "approved",
    by: User | None = None,
    **facts: Any,
) -> Roster:
    """An approved roster of a county unit with its enrollments, before its dues are raised."""
    unit = unit or a_unit(a_county(a_city()))
    edition = an_edition(code, unit.above(Level.CITY))
    roster = Roster.create(
        organization=unit,
        edition=edition,
        number=f"MC2024-{next(_numbers):05d}",
        cover_from=cover_from,
        rest_by=rest_by,
        stage=stage,
        file="",  # nobody looks at it
        file_name="示例.xlsx",
        made_by=by or a_user(Role.CLERK, at=unit),
        made_at=NOW,
        people=people,
    )
    known = {**PERSON, "unit_level": unit.unit_level, **facts}
    for _ in range(people):
        an_enrollment(roster, **known)
    return roster


def an_enrollment(roster: Roster, member: Member | None = None, **facts: Any) -> Enrollment:
    facts = facts or {**PERSON, "unit_level": roster.organization.unit_level}
    day = roster.cover_from
    enrollment = Enrollment.create(
        organization=roster.organization,
        member=member or a_member(roster.organization),
        edition=roster.edition,
        roster=roster,
        certificate=f"BZ{next(_numbers):08d}",
        cover_from=day,
        cover_to=rules.last_day(day, roster.edition.plan["term_months"]),
        facts=facts,
        fee=rules.fee(roster.edition.plan, facts).total,
    )
    roster.people = roster.enrollments.count()
    roster.save(only=[Roster.people])
    return enrollment


def dues_of(roster: Roster, at: datetime = NOW) -> dict[str, Any]:
    """Raise a roster's dues; by carrier."""
    finance = a_finance(roster)
    return {due.carrier: due for due in funding.raise_dues(roster, by=finance, at=at)}


def a_finance(roster: Roster) -> User:
    """Finance of whoever runs the roster's scheme."""
    return a_user(Role.FINANCE, at=roster.edition.organization)


def paid(
    due: Any,
    amount: int | None = None,
    *,
    by: User | None = None,
    at: datetime = NOW,
    on: date = TODAY,
) -> Payment:
    return funding.record_payment(
        due,
        amount=due.amount if amount is None else amount,
        received_on=on,
        bank_reference=f"LS{next(_numbers):08d}",
        remark="示例",
        by=by or a_finance(due.roster),
        at=at,
    )


def a_paid_roster(unit: Organization | None = None, **more: Any) -> Roster:
    roster = a_roster(unit, **more)
    for due in dues_of(roster).values():
        paid(due)
    return roster


def an_approved_claim(
    city: Organization | None = None,
    *,
    unit: Organization | None = None,
    amount: int = 6_018_60,
    name: str = "张演示",
    card: str | None = CARD,
) -> Claim:
    """A claim of a Zhengzhou unit's member, approved and booked as `decide_claim` would."""
    unit = unit or a_unit(a_county(city or a_city()))
    roster = a_roster(unit, people=0, code=ZHENGZHOU, cover_from=date(2023, 8, 1))
    enrollment = an_enrollment(roster, a_member(unit, name=name, card=card))
    for due in dues_of(roster).values():
        paid(due)
    filer, first, second = (a_user(Role.REVIEWER, at=unit) for _ in range(3))
    claim = Claim.create(
        organization=unit,
        member=enrollment.member,
        enrollment=enrollment,
        number=f"SL2024-{next(_numbers):06d}",
        stage="approved",
        filed_by=filer,
        filed_on=TODAY,
        first_reviewer=first,
        computed=amount,
    )
    name_claimant(claim)
    Decision.create(
        organization=unit,
        claim=claim,
        verdict="approve",
        computed=amount,
        amount=amount,
        explanation=[],
        plan_hash=roster.edition.plan_hash,
        by=second,
        on=TODAY,
        filed_by=filer,
        first_reviewer=first,
    )
    ledger.book(
        key=f"claim:{claim.id}:award",
        text=f"申领#{claim.number} 核定互助金",
        organization=unit,
        scheme=roster.edition.scheme,
        postings=[("benefits", amount), ("payable", -amount)],
        by=second,
        at=NOW,
    )
    return claim
