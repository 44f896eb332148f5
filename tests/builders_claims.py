"""A member covered by a published edition, and claims at any stage of their life."""

import itertools
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from builders import NOW, a_city, a_unit, a_user
from builders_schemes import a_published_edition

from huigong import identity, pinyin
from huigong.models import Claim, Edition, Enrollment, Member, Organization, Role, User
from huigong.plans import compile_scheme
from huigong.rules import last_day
from huigong.workflows import claims, schemes

_numbers = itertools.count(1)
FACTS = {
    "age": 43,
    "insurance": "employee",
    "membership": "member",
    "employment": "regular",
    "unit_level": "city",
}
# The published example (郑州晚报 2023-12-19), in fen.
PUBLISHED = {"total": 53_417_00, "pooled": 38_421_00, "cash": 14_996_00, "in_scope": 10_031_00}


def a_member(unit: Organization, *, name: str = "张示例", number: str = "") -> Member:
    """A person with a well-formed ID under an unassigned region code."""
    number = number or _an_id(next(_numbers))
    member = Member(
        organization=unit,
        name=name,
        pinyin=pinyin.initials(name),
        sort_key=pinyin.name_key(name),
        id_index=Member.index_of_id(number),
        tail_index=Member.index_of_tail(number),
    )
    member.resident_id = member.seal("resident_id", number)
    member.save(force_insert=True)
    return member


def _an_id(serial: int) -> str:
    born = date(1980, 1, 1) + timedelta(days=serial // 999)
    return identity.complete_id(f"900001{born:%Y%m%d}{serial % 999 + 1:03d}")


@cache
def _invented(code: str) -> dict[str, Any]:
    file = Path(__file__).parent / "schemes" / f"{code}.toml"
    return compile_scheme(file.read_text(), file.name)


def an_invented_edition(code: str) -> Edition:
    """An edition of tests/schemes, published by a city of its own."""
    plan = deepcopy(_invented(code))
    city = a_city("示例市总工会")
    return schemes.new_edition(plan, organization=city, drafted_by=None, by=None, at=NOW)


def covered_by(code: str, cover_from: date = date(2024, 3, 1), **more: Any) -> Enrollment:
    """A member covered by an edition of tests/schemes."""
    return an_enrollment(an_invented_edition(code), cover_from=cover_from, **more)


def an_event_claim(enrollment: Enrollment, event: str, *, at: Any = NOW, **facts: Any) -> Claim:
    """A filed claim for an event of its own, which happened 100 days into the cover."""
    facts = {"happened_on": enrollment.cover_from + timedelta(days=100), **facts}
    by = a_user(Role.CLERK, at=enrollment.organization)
    return claims.file_claim(
        enrollment=enrollment, event=event, stays=[], papers=[], by=by, at=at, facts=facts
    )


def decided(claim: Claim, *, at: Any = NOW, **more: Any) -> Claim:
    """A filed claim reviewed and approved, by default for what its steps say."""
    city = claim.organization.parent
    claims.review_claim(claim, note="", by=a_user(Role.REVIEWER, at=city), at=at)
    given = {"verdict": "approve", "amount": None, "reason": "", **more}
    claims.decide_claim(claim, by=a_user(Role.REVIEWER, at=city), at=at, **given)
    return Claim.get_by_id(claim.id)


def an_enrollment(
    edition: Edition | None = None,
    unit: Organization | None = None,
    *,
    member: Member | None = None,
    cover_from: date = date(2023, 8, 1),
    **more: Any,
) -> Enrollment:
    """A member covered from a day for the edition's term; no roster stands behind it, so the
    cover is in force."""
    edition = edition or a_published_edition("zhengzhou-hospital-2023", a_city("郑州市总工会"))
    unit = unit or a_unit(edition.organization)
    member = member or a_member(unit)
    return Enrollment.create(
        organization=unit,
        member=member,
        edition=edition,
        certificate=f"C{next(_numbers):08d}",
        cover_from=cover_from,
        cover_to=last_day(cover_from, edition.plan["term_months"]),
        fee=75_00,
        **{"facts": FACTS, **more},
    )


def a_stay(admitted: date = date(2023, 10, 1), days: int = 8, **more: Any) -> dict[str, Any]:
    """One stay with the published example's settlement."""
    discharged = date.fromordinal(admitted.toordinal() + days)
    given = {"hospital": "示例市第一人民医院", "place": "local", "hospital_level": 3}
    return {**given, "admitted": admitted, "discharged": discharged, **PUBLISHED, **more}


def a_claim(
    enrollment: Enrollment | None = None,
    *,
    in_scope: int = 10_031_00,
    stays: list[dict[str, Any]] | None = None,
    by: User | None = None,
    at: Any = NOW,
    papers: Any = (),
) -> Claim:
    """A filed claim; without total and pooled where `in_scope` is not the published one."""
    enrollment = enrollment or an_enrollment()
    if stays is None:
        stays = [a_stay(in_scope=in_scope)]
        if in_scope != PUBLISHED["in_scope"]:
            for part in ("total", "pooled", "cash"):
                del stays[0][part]
    by = by or a_user(Role.CLERK, at=enrollment.organization)
    return claims.file_claim(
        enrollment=enrollment, event=None, stays=stays, papers=list(papers), by=by, at=at
    )


def a_reviewed_claim(enrollment: Enrollment | None = None, **more: Any) -> Claim:
    """A claim that passed its first review."""
    claim = a_claim(enrollment, **more)
    reviewer = a_user(Role.REVIEWER, at=claim.organization.parent)
    claims.review_claim(claim, note="", by=reviewer, at=NOW)
    return claim


def an_approved_claim(enrollment: Enrollment | None = None, **more: Any) -> Claim:
    """A claim approved for what its steps say."""
    claim = a_reviewed_claim(enrollment, **more)
    second = a_user(Role.REVIEWER, at=claim.organization.parent)
    claims.decide_claim(claim, verdict="approve", amount=None, reason="", by=second, at=NOW)
    return Claim.get_by_id(claim.id)
