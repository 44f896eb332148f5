"""Units merged and split by the level above: their people, cover, open rosters and claims."""

from datetime import date, datetime
from typing import Any, Final

from huigong import identity
from huigong.database import writes
from huigong.models import (
    AgeProof,
    DueStanding,
    Edition,
    Enrollment,
    Level,
    Member,
    Organization,
    Reorganization,
    Roster,
    User,
)
from huigong.refusals import Refused
from huigong.workflows import accounts, audit, organizations
from huigong.workflows.enrollment import jobs
from huigong.workflows.enrollment.moving import EARLIEST, NO_DAY, NO_UNIT, above_both, go_over
from huigong.workflows.enrollment.undone import put_all_back

OPEN_ROSTERS: Final = ("draft", "returned", "submitted")
MOST: Final = 50_000  # people in one transaction


@writes
def merge_units(
    source: Organization,
    *,
    into: Organization | None,
    on: date | None,
    reason: str,
    by: User,
    at: datetime,
) -> Reorganization:
    """Merge a unit into another: everybody goes over, and the unit is closed.

    Its open rosters go over too; approved ones and their money stay as they were. Refuses who
    does not administrate both from above, open dues, and a roster that is just being read.
    """
    faults = _place_faults(source, into, on, reason, by, at.date())
    if not faults and into is not None:
        faults = _unfinished(source, into)
    if faults or into is None or on is None:
        raise Refused.all(faults)
    moved = Roster.select(Roster.id).where(
        Roster.organization == source, Roster.stage << OPEN_ROSTERS
    )
    put_all_back(moved)  # of an approval under way
    members = _everybody(source)
    go_over(members, source, into, on)
    AgeProof.update(organization=into.id).where(AgeProof.roster << moved).execute()
    Enrollment.delete().where(Enrollment.roster << moved).execute()
    Roster.update(organization=into.id).where(
        Roster.organization == source, Roster.stage << OPEN_ROSTERS
    ).execute()
    Organization.update(closed_on=on).where(Organization.id == source.id).execute()
    return _told("merge", source, into, on, len(members), reason, by, at)


def _place_faults(
    source: Organization,
    into: Organization | None,
    on: date | None,
    reason: str,
    by: User,
    today: date,
) -> list[tuple[str, str]]:
    faults = []
    if into is None:
        faults.append(("into", NO_UNIT))
    elif source.id == into.id or not (_is_open_unit(source) and _is_open_unit(into)):
        faults.append(("into", "请选择另一个正常的基层单位"))
    elif not accounts.administers(by, above_both(source, into)):
        faults.append(("into", "两个单位须都在您管理的上级工会之下"))
    return [*faults, *_day_faults(on, today), *_reason_faults(reason)]


def _is_open_unit(place: Organization) -> bool:
    return place.level == Level.UNIT and place.closed_on is None


def _day_faults(on: date | None, today: date) -> list[tuple[str, str]]:
    if on is None:
        return [("on", NO_DAY)]
    return [] if EARLIEST <= on <= today else [("on", "日期不能晚于今天")]


def _reason_faults(reason: str) -> list[tuple[str, str]]:
    return [] if len(reason.strip()) >= 4 else [("reason", "请写明原因和依据，如某某文件")]


def _unfinished(source: Organization, into: Organization) -> list[tuple[str, str]]:
    faults = []
    foreign = Roster.select().join(Edition).where(
        Roster.organization == source, Roster.stage << OPEN_ROSTERS,
        Edition.organization.not_in(into.lineage),
    )  # fmt: skip
    if count := foreign.count():
        faults.append(("into", f"有{count}份名册的计划不面向{into.name}，请先办完或撤回"))
    owing = DueStanding.select().where(
        DueStanding.organization == source,
        DueStanding.settled == False,  # noqa: E712 SQL's, not Python's
    )
    if count := owing.count():
        faults.append(("into", f"{source.name}还有{count}笔应缴没有缴清，请先缴清"))
    being_read = (Roster.organization == source, Roster.stage == "reading", ~jobs.unread())
    if Roster.select().where(*being_read).exists():
        faults.append(("into", f"{source.name}有名册正在读取，请等读完或撤回"))
    if Member.select().where(Member.organization == source).count() > MOST:
        faults.append(("into", f"超过{MOST}人，请先拆分再合并"))
    return faults


def _everybody(unit: Organization) -> list[int]:
    """Ids of a unit's members and of whoever has cover there."""
    mine: Any = Member.select(Member.id).where(Member.organization == unit)
    return [member for (member,) in mine.tuples()]


def _told(
    kind: str,
    source: Organization,
    target: Organization,
    on: date,
    people: int,
    reason: str,
    by: User,
    at: datetime,
) -> Reorganization:
    above = above_both(source, target)
    made = Reorganization.create(
        organization=above, kind=kind, source=source, target=target, on=on, people=people,
        reason=reason.strip()[:500], by=by, at=at,
    )  # fmt: skip
    detail = f"{source.name} → {target.name}，{people}人"
    audit.record(f"{kind} units" if kind == "merge" else "split unit", by=by, at=at, on=made,
                 organization=above, detail=detail)  # fmt: skip
    return made


@writes
def split_unit(
    source: Organization,
    *,
    name: str,
    code: str,
    people: str,
    on: date | None,
    reason: str,
    by: User,
    at: datetime,
) -> Reorganization:
    """Found a new unit beside one and let some of its people go over to it.

    `people` names them, one a line, by resident ID or certificate number. Refuses, line by line,
    who is not of this unit; a list without anybody; and as `organizations.found` does.
    """
    if not _is_open_unit(source) or source.parent is None:
        raise Refused("name", "只能拆分正常的基层单位")
    faults = [("name", "请填写新单位的名称")] if len(name.strip()) < 2 else []
    faults += _day_faults(on, at.date())
    members, wrong = _named(source, people)
    if wrong:
        faults.append(("people", "；".join(wrong[:8])))
    elif not members:
        faults.append(("people", "请写下转到新单位的职工，一行一个身份证号或凭证号"))
    faults += _reason_faults(reason)
    if faults or on is None:
        raise Refused.all(faults)
    unit = organizations.found(
        name=name, level=Level.UNIT, parent=source.parent, code=code, by=by, at=at, opened_on=on
    )
    go_over(members, source, unit, on)
    return _told("split", source, unit, on, len(members), reason, by, at)


def _named(unit: Organization, people: str) -> tuple[list[int], list[str]]:
    """The members that the lines name, and what is wrong with which line."""
    found: dict[int, int] = {}
    wrong = []
    for number, line in enumerate(people.splitlines(), 1):
        word = identity.normalize_id(line)
        if not word:
            continue
        member = _member(unit, word)
        if member is None:
            wrong.append(f"第{number}行不是本单位的职工")
        elif member in found:
            wrong.append(f"第{number}行与第{found[member]}行是同一人")
        else:
            found[member] = number
    return list(found), wrong


def _member(unit: Organization, word: str) -> int | None:
    mine = Member.select(Member.id).where(Member.organization == unit)
    if len(word) == 18 and not identity.id_fault(word):
        return mine.where(Member.id_index == Member.index_of_id(word)).scalar()  # type: ignore[no-any-return]
    held = Enrollment.select(Enrollment.member).where(Enrollment.certificate == word)
    return mine.where(Member.id << held).scalar()  # type: ignore[no-any-return]
