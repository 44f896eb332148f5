"""Whether enough of a unit's people join, where the scheme asks for it."""

from datetime import datetime

from huigong import rules
from huigong.database import writes
from huigong.models import Edition, Enrollment, Organization, Roster, StaffCount, User
from huigong.refusals import Refused
from huigong.workflows import audit
from huigong.workflows.schemes import plan_of

MOST: int = 5_000_000


def staff_of(unit: Organization) -> int | None:
    """How many people work at a unit, as it last stated."""
    rows = StaffCount.select().where(StaffCount.organization == unit)
    last = rows.order_by(StaffCount.id.desc()).first()
    return last.people if last else None


@writes
def state_staff(unit: Organization, *, people: int, by: User, at: datetime) -> StaffCount:
    """State how many people work at a unit. Refuses a number that cannot be."""
    if not 0 < people <= MOST:
        raise Refused("staff", "请填写本单位职工总数（人）")
    made = StaffCount.create(organization=unit, people=people, by=by, at=at)
    audit.record("state staff", by=by, at=at, on=unit, organization=unit, detail=f"{people}人")
    return made


def joining(roster: Roster) -> int:
    """How many of the unit's people are covered by the scheme once a roster is approved."""
    there = (
        Enrollment.select()
        .join(Edition)
        .where(
            Enrollment.organization == roster.organization_id,
            Edition.scheme == roster.edition.scheme_id,
            Enrollment.counts(),
            Enrollment.cover_from <= roster.cover_from,
            Enrollment.cover_to >= roster.cover_from,
        )
    )
    return roster.people + int(there.count())


def too_few(roster: Roster) -> str:
    """Why not enough of the unit's people join under the scheme, or nothing."""
    group = plan_of(roster.edition)["group"]
    if not group:
        return ""
    enrolled, staff = joining(roster), staff_of(roster.organization)
    if group["either"] and group["people"] is not None and enrolled >= group["people"]:
        return ""  # whatever share of the staff they are
    if group["share"] is not None and staff is None:
        return "这个计划要求达到职工总数的一定比例，请填写本单位职工总数"
    if staff is not None and staff < enrolled:
        return f"职工总数{staff}人少于参保的{enrolled}人，请更正职工总数"
    return "；".join(
        miss.message for miss in rules.unmet_group(plan_of(roster.edition), enrolled, staff or 0)
    )
