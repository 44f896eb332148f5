"""People who go over to another unit: asked for by the unit that takes them and decided above
both, or moved from above. Their cover, and claims still open, go with them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from huigong import identity
from huigong.database import among, insert_rows, writes
from huigong.models import (
    Claim,
    Document,
    Employment,
    Enrollment,
    Level,
    Member,
    Organization,
    Relocation,
    User,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import audit
from huigong.workflows.enrollment.corrected import corrected

CLOSED_CLAIMS = ("refused", "paid")
EARLIEST = date(2000, 1, 1)
NO_DAY = "请填写日期，如 2025-01-01"
NO_UNIT = "没有这个单位，请写单位全称或统一社会信用代码"
UNKNOWN = "没有查到姓名和身份证号都相符的在册职工；新职工请直接上报名册"


def above_both(one: Organization, other: Organization) -> Organization:
    """The lowest organization that is above, or is, both."""
    shared = [a for a, b in zip(one.lineage, other.lineage, strict=False) if a == b]
    if one.id == other.id or not shared:
        raise ValueError(f"{one.id} and {other.id} have nothing above them both")
    return Organization.get_by_id(shared[-1])  # type: ignore[no-any-return]


@writes
def ask_relocation(
    *,
    number: str,
    name: str,
    target: Organization | None,
    on: date | None,
    reason: str,
    by: User,
    at: datetime,
) -> Relocation:
    """Ask that a member of another unit come to `target`, whose first day there is `on`.

    Refuses, with one sentence for both, an ID nobody has and a name that is not its owner's, so
    that nothing is learned of strangers; somebody who is there already or asked for already.
    """
    number = identity.normalize_id(number)
    faults = []
    if not name.strip():
        faults.append(("name", "请填写姓名"))
    if identity.id_fault(number):
        faults.append(("number", "身份证号不正确，请核对"))
    place = _unit_faults(target, on, at.date())  # the unit stands above the person, the day below
    faults = [f for f in place if f[0] == "target"] + faults + [f for f in place if f[0] == "on"]
    if faults or target is None or on is None:
        raise Refused.all(faults)
    index, told = Member.index_of_id(number), identity.normalize_name(name)
    if (renamed := corrected([index]).get(index)) and renamed.name == told:
        raise Refused("number", f"身份证号：{renamed.fault([target.path])}")
    member = Member.get_or_none(Member.id_index == index)
    if member is None or member.name != told:
        raise Refused("number", UNKNOWN)
    if member.organization_id == target.id:
        raise Refused("number", "这位职工已在本单位")
    if Relocation.select().where(Relocation.member == member, Relocation.stage == "asked").exists():
        raise Refused("number", "这位职工已有一份调动申请，等待上级决定")
    source = member.organization
    made = Relocation.create(
        organization=above_both(source, target), member=member, source=source, target=target,
        on=on, reason=reason.strip()[:500], asked_by=by, asked_at=at,
    )  # fmt: skip
    audit.record("ask relocation", by=by, at=at, on=made, organization=target)
    return made


def _unit_faults(
    target: Organization | None, on: date | None, today: date
) -> list[tuple[str, str]]:
    faults = []
    if target is None:
        faults.append(("target", NO_UNIT))
    elif target.level != Level.UNIT or target.closed_on:
        faults.append(("target", "只能调到正常的基层单位"))
    if on is None:
        faults.append(("on", NO_DAY))
    elif not EARLIEST <= on <= today:
        faults.append(("on", "调入日期不能晚于今天"))
    return faults


@writes
def decide_relocation(
    asked: Relocation, *, agree: bool, note: str, by: User, at: datetime
) -> Relocation:
    """Decide a request; agreed to, the member moves at once.

    Refuses who asked, and a refusal without its reason. Raises Lost when it was decided already,
    or the member has moved since.
    """
    if asked.asked_by_id == by.id:
        raise Refused("agree", "申请人不能决定自己的申请，请由另一人决定")
    if not agree and len(note.strip()) < 2:
        raise Refused("note", "请写明不同意的理由")
    told: dict[str, Any] = {"decided_by": by.id, "decided_at": at, "note": note.strip()[:500]}
    asked.move("stage", was="asked", to="done" if agree else "refused", **told)
    if not agree:
        audit.record("refuse relocation", by=by, at=at, on=asked, organization=asked.organization)
        return asked
    member: Member = Member.get_by_id(asked.member_id)
    if member.organization_id != asked.source_id:
        raise Lost(f"member {member.id} has moved since")
    _move([member.id], asked.source, asked.target, asked.on)
    audit.record("relocate member", by=by, at=at, on=member, organization=asked.organization)
    return asked


@writes
def relocate(
    member: Member,
    *,
    target: Organization | None,
    on: date | None,
    reason: str,
    by: User,
    at: datetime,
) -> Relocation:
    """Move a member to another unit from above; `on` is the first day there.

    Refuses the same unit, one that is closed, a day to come, and no reason.
    """
    faults = _unit_faults(target, on, at.date())
    source = Member.get_by_id(member.id).organization
    if target is not None and source.id == target.id:
        faults.append(("target", "这位职工已在这个单位"))
    if len(reason.strip()) < 2:
        faults.append(("reason", "请写明调动的原因"))
    if faults or target is None or on is None:
        raise Refused.all(faults)
    Relocation.update(stage="refused", note="上级已另行调动").where(
        Relocation.member == member, Relocation.stage == "asked"
    ).execute()
    made = Relocation.create(
        organization=above_both(source, target), member=member, source=source, target=target,
        on=on, reason=reason.strip()[:500], stage="done", decided_by=by, decided_at=at,
    )  # fmt: skip
    _move([member.id], source, target, on)
    audit.record("relocate member", by=by, at=at, on=member, organization=made.organization)
    return made


def _move(members: Sequence[int], source: Organization, target: Organization, on: date) -> None:
    """Let these members, their cover that still runs, and their open claims be the target's."""
    mine = among(Enrollment.member, members)
    running = mine & (Enrollment.organization == source) & (Enrollment.cover_to >= on)
    running &= Enrollment.counts()
    open_claims = Claim.select(Claim.id).where(
        among(Claim.member, members),
        Claim.organization == source,
        Claim.stage.not_in(CLOSED_CLAIMS),
    )
    Document.update(organization=target.id).where(Document.claim << open_claims).execute()
    Claim.update(organization=target.id).where(
        among(Claim.member, members),
        Claim.organization == source,
        Claim.stage.not_in(CLOSED_CLAIMS),
    ).execute()
    Enrollment.update(organization=target.id).where(running).execute()
    Member.update(organization=target.id).where(among(Member.id, members)).execute()
    _employ(members, source, target, on)


def _employ(members: Sequence[int], source: Organization, target: Organization, on: date) -> None:
    """End the employments at the source the day before, and begin those at the target."""
    here = among(Employment.member, members) & Employment.to_on.is_null()
    at_source = here & (Employment.organization == source)
    Employment.update(to_on=on - timedelta(days=1)).where(
        at_source, Employment.from_on < on
    ).execute()
    Employment.update(to_on=Employment.from_on).where(at_source).execute()
    there: Any = Employment.select(Employment.member).where(here, Employment.organization == target)
    known = {member for (member,) in there.tuples()}
    fresh = [(member, target.id, on) for member in members if member not in known]
    if fresh:
        insert_rows("employment", ("member_id", "organization_id", "from_on"), fresh)


def go_over(members: Sequence[int], source: Organization, target: Organization, on: date) -> None:
    """Move many, inside the caller's transaction: a merge or a split of units."""
    _move(members, source, target, on)
