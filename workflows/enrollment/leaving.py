"""People who leave a unit, and what becomes of their cover."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from huigong.database import writes
from huigong.models import Employment, Leaving, Member, User
from huigong.plans.vocabulary import SILENT
from huigong.refusals import Refused
from huigong.workflows import audit
from huigong.workflows.enrollment.moving import NO_DAY

REASONS: Final = {"resigned": "离职", "retired": "退休", "died": "去世", "other": "其他"}
GONE: Final = {"resigned": "已离职", "retired": "已退休", "died": "已去世", "other": "已离开"}
# No scheme says that leavers lose their cover, and the format has no word for it.
KEPT_COVER: Final = f"离开单位不退参保费；已参加的保障延续到期满，计划未载明的，{SILENT}。"
_EARLIEST: Final = date(2000, 1, 1)


@writes
def leave(
    member: Member, *, on: date | None, reason: str, note: str, by: User, at: datetime
) -> Leaving:
    """Note that a member left their unit; `on` is the last day there.

    The employment ends; cover goes on to the end of its term and nothing is refunded. Refuses
    somebody who left already, a day in the future or before they came, and no reason.
    """
    open_one = _employed(member)
    faults = []
    if open_one is None:
        faults.append(("on", "这位职工已经登记离开，不用再登记"))
    elif on is None:
        faults.append(("on", NO_DAY))
    elif not max(open_one.from_on, _EARLIEST) <= on <= at.date():
        faults.append(("on", f"离开日期应在{open_one.from_on}登记之后，且不晚于今天"))
    if reason not in REASONS:
        faults.append(("reason", "请选择离开的原因"))
    elif reason == "other" and len(note.strip()) < 2:
        faults.append(("note", "请写明原因"))
    if faults or open_one is None or on is None:
        raise Refused.all(faults)
    Employment.update(to_on=on).where(Employment.id == open_one.id).execute()
    made = Leaving.create(
        organization=member.organization_id, member=member, on=on, reason=reason,
        note=note.strip()[:500], by=by, at=at,
    )  # fmt: skip
    audit.record("leave unit", by=by, at=at, on=member, organization=member.organization)
    return made


def _employed(member: Member) -> Employment | None:
    """A member's employment in their unit, while it lasts."""
    mine = Employment.select().where(
        Employment.member == member, Employment.organization == member.organization_id
    )
    return mine.where(Employment.to_on.is_null()).first()  # type: ignore[no-any-return]


def left_with(member: Member) -> Leaving | None:
    """The leaving of a member who has left their unit; None for who is there."""
    return left_among([member]).get(member.id)


def left_among(members: Sequence[Member]) -> dict[int, Leaving]:
    """The leavings of those who have left their unit, by member."""
    unit_of = {member.id: member.organization_id for member in members}
    open_ones: Any = Employment.select(Employment.member, Employment.organization).where(
        Employment.member << list(unit_of), Employment.to_on.is_null()
    )
    there = {member for member, unit in open_ones.tuples() if unit == unit_of[member]}
    gone = list(unit_of.keys() - there)
    leavings = Leaving.select().where(Leaving.member << gone).order_by(Leaving.id)
    return {
        each.member_id: each for each in leavings if each.organization_id == unit_of[each.member_id]
    }
