"""Gifts on their way: declared, agreed to, approved."""

from builders import NOW, a_user
from builders_enrollment import (
    a_drafted_roster,
)

from huigong.models import Due, Gift, Role, Roster
from huigong.workflows import (
    enrollment,
    gifts,
    shares,
)

AT_ZHENGZHOU = NOW.replace(year=2023, month=8, day=1)


def declared(roster, *, kind="enterprise", giver=None, name="示例爱心企业有限公司", whole=False,
             each=None, marked=False, basis="示例赠送函 2024-12-01", at=NOW):  # fmt: skip
    return gifts.declare(
        roster, kind=kind, giver=giver, name=name, basis=basis, whole=whole, each=each,
        marked=marked, by=roster.made_by, at=at,
    )  # fmt: skip


def submitted(roster, at=NOW):
    return enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=at)


def finance_of(gift):
    return a_user(Role.FINANCE, at=gifts.receiver_of(gift))


def agreed(gift, at=NOW):
    gift = Gift.get_by_id(gift.id)
    _, amount = gifts.figures(shares.preview(gift.roster))
    return gifts.agree(gift, amount=amount, by=finance_of(gift), at=at)


def approved(roster, at=NOW):
    roster = Roster.get_by_id(roster.id)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    return enrollment.approve_roster(roster, by=reviewer, at=at)


def a_given_roster(roster=None, *, at=NOW, **gift):
    """An approved roster whose gift was agreed to."""
    roster = roster or a_drafted_roster(people=2)
    made = declared(roster, at=at, **gift)
    submitted(roster, at)
    agreed(made, at)
    return approved(roster, at), Gift.get_by_id(made.id)


def dues(roster):
    return {due.carrier: due.amount for due in roster.dues.where(Due.live())}
