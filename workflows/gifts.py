"""Gifts: somebody named pays the fee of a roster's people, or its rest, in their place.

A clerk declares it on a draft; the giver's finance agrees to it once it is submitted, for a giver
outside the unions the finance of whoever runs the scheme, on a letter. Nothing is approved before.
Taken back before anything was paid, its due falls and the shares are what they are without it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from huigong import identity
from huigong.database import writes
from huigong.models import (
    Due,
    DueReversal,
    Enrollment,
    Gift,
    Organization,
    Roster,
    User,
)
from huigong.money import yuan
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, funding, ledger, shares, standings
from huigong.workflows.enrollment.history import tell

KINDS: Final = {
    "organization": "上级工会",
    "enterprise": "企业",
    "foundation": "基金会、社会组织",
    "person": "个人",
}
MOST_NAME: Final = 60
CHANGEABLE: Final = ("reading", "draft", "returned")


def of_roster(roster: Roster) -> Gift | None:
    """A roster's gift in whatever stage; one that was dropped is none."""
    return Gift.get_or_none(Gift.roster == roster, Gift.stage != "dropped")  # type: ignore[no-any-return]


def givers_above(unit: Organization) -> list[Organization]:
    """The organizations that may give to a unit: those above it."""
    above = [number for number in unit.lineage if number != unit.id]
    found = Organization.select().where(Organization.id << above, Organization.closed_on.is_null())
    return sorted(found, key=lambda place: len(place.path), reverse=True)


@writes
def declare(
    roster: Roster,
    *,
    kind: str,
    giver: Organization | None,
    name: str,
    basis: str,
    whole: bool,
    each: int | None,
    marked: bool,
    by: User,
    at: datetime,
) -> Gift:
    """Declare who gives a roster's fee, in the place of an earlier declaration.

    `each` is in fen of the rest, at most; None is all of it. Refuses an unknown giver, one that
    is not above the unit, no basis, more than the rest, and a roster that is submitted or later.
    """
    _changeable(roster)
    name = giver.name if giver else identity.plain_text(name).strip()
    faults = unfit(roster.organization, kind, giver, name, basis, each, whole=whole)
    if faults:
        raise Refused.all(faults)
    _drop(roster)
    made = Gift.create(
        organization=roster.organization_id, roster=roster, kind=kind, giver=giver, name=name,
        basis=identity.plain_text(basis).strip(), whole=whole, each=None if whole else each,
        marked=marked, by=by, at=at,
    )  # fmt: skip
    if wrong := misfit(roster, made):
        raise Refused(*wrong)
    _say_parts(roster)
    tell(roster, "gift declared", by=by, at=at, note=f"{name}赠送{words_of(made)}")
    place = roster.organization
    audit.record("declare gift", by=by, at=at, on=made, organization=place, detail=name)
    return made


def unfit(
    unit: Organization, kind: str, giver: Organization | None, name: str, basis: str,
    each: int | None, *, whole: bool,
) -> list[tuple[str, str]]:  # fmt: skip
    """What is wrong with a declaration whoever is on the roster."""
    faults = []
    if kind not in KINDS:
        faults.append(("kind", "请选择赠送方是上级工会、企业、基金会还是个人"))
    elif kind == "organization":
        if giver is None or giver.id == unit.id or giver.id not in unit.lineage or giver.closed_on:
            faults.append(("giver", "请选择赠送的上级工会；其他单位请按企业、基金会或个人填写"))
    elif not 2 <= len(name) <= MOST_NAME:
        faults.append(("name", f"请填写赠送方的全称，2 至 {MOST_NAME} 字"))
    elif name == unit.name:
        faults.append(("name", "本单位承担的不是赠送，请在“基层自筹”里选择单位承担"))
    if not basis.strip():
        faults.append(("basis", "请写明依据，例如赠送函或协议的名称和日期"))
    if not whole and each is not None and each <= 0:
        faults.append(("each", "每人赠送金额应大于零"))
    return faults


def misfit(roster: Roster, gift: Gift) -> tuple[str, str] | None:
    """What of a gift does not fit the people who are on its roster, once they are read."""
    groups = shares.staged_groups(roster) if roster.stage != "reading" else []
    marked = sum(count for facts, count in groups if facts.get("gifted"))
    if not groups:
        return None
    if gift.marked and not marked:
        return ("marked", "名册的“是否赠送”列里没有人填“是”，请在表里标出，或改为赠送给全部人员")
    if marked and not gift.marked:
        return ("marked", f"名册的“是否赠送”列标了{marked}人，请选择只赠送给标出的人员")
    for facts, _ in groups:
        if gift.marked and not facts.get("gifted"):
            continue
        rest = sum(
            each for carrier, each, _ in shares.parts_of(roster, [(facts, 1)], given=False)
            if carrier == "rest"
        )  # fmt: skip
        if not gift.whole and not rest:
            return ("each", "有人没有自筹部分，不需要赠送；要赠送全部参保费的请选“全部参保费”")
        if not gift.whole and gift.each and gift.each > rest:
            return ("each", f"每人赠送 {yuan(gift.each)} 元，比自筹部分 {yuan(rest)} 元还多")
    return None


def words_of(gift: Gift) -> str:
    """What is given to whom, in words."""
    what = "全部参保费" if gift.whole else "自筹部分"
    if gift.each:
        what += f"中每人 {yuan(gift.each)} 元"
    return f"{'标出的人员' if gift.marked else '全部人员'}的{what}"


@writes
def drop(roster: Roster, *, by: User, at: datetime) -> None:
    """Let a draft be without its gift: the unit or its people carry their part themselves."""
    _changeable(roster)
    if not _drop(roster):
        raise Lost(f"roster {roster.id} has no gift")
    _say_parts(roster)
    tell(roster, "gift dropped", by=by, at=at)
    audit.record("drop gift", by=by, at=at, on=roster, organization=roster.organization)


def _say_parts(roster: Roster) -> None:
    """Let a draft say its parts anew: who changed them knows it."""
    if roster.stage != "reading":
        roster.split = shares.preview(roster)
        roster.save(only=[Roster.split])


def _drop(roster: Roster) -> int:
    dropped = Gift.update(stage="dropped").where(Gift.roster == roster, Gift.stage != "dropped")
    return int(dropped.execute())


def _changeable(roster: Roster) -> None:
    if roster.stage not in CHANGEABLE:
        raise Refused("kind", "名册提交后不能再改赠送：请先让上级退回")


def refuse_submission(roster: Roster) -> None:
    """Refuse a roster whose gift does not fit it, or was not agreed to; one that was is asked
    anew."""
    gift = of_roster(roster)
    if gift is None:
        if any(facts.get("gifted") for facts, _ in shares.staged_groups(roster)):
            raise Refused("gift", "名册的“是否赠送”列标了人，请先写明由谁赠送")
        return
    if gift.stage in ("declined", "withdrawn"):
        raise Refused("gift", f"{gift.name}没有同意赠送：请改由别人赠送，或取消赠送")
    if wrong := misfit(roster, gift):
        raise Refused("gift", wrong[1])
    if gift.stage == "agreed":
        gift.move("stage", was="agreed", to="asked", decided_by=None, decided_at=None)


def agreed_so_far(roster: Roster) -> str:
    """Why a roster with a gift cannot be approved yet; "" when it can."""
    gift = of_roster(roster)
    if gift is None or gift.stage == "agreed":
        return ""
    if gift.stage == "asked":
        return f"还要等{gift.name}同意赠送"
    return f"{gift.name}没有同意赠送，请退回名册，由单位改由别人赠送或自行承担"


def refuse_unagreed(roster: Roster, parts: shares.Parts) -> None:
    """Refuse to approve a gift that was not agreed to, or that would be more than agreed to."""
    if why := agreed_so_far(roster):
        raise Refused("gift", why)
    gift = of_roster(roster)
    if gift is not None and (now := figures(parts)[1]) > gift.amount:
        raise Refused(
            "gift", f"{gift.name}同意了 {yuan(gift.amount)} 元，现在是 {yuan(now)} 元，请再次确认"
        )


def figures(parts: shares.Parts) -> tuple[int, int]:
    """(people, fen) of what parts say is given; somebody's gift is one part."""
    given = [(each, people) for carrier, each, people in parts if carrier == "gift"]
    return sum(people for _, people in given), sum(each * people for each, people in given)


@writes
def agree(gift: Gift, *, amount: int, by: User, at: datetime) -> Gift:
    """Agree to give what a submitted roster asks, or to what became of it since.

    `amount` in fen is what `by` read. Refuses another figure than now, what was agreed to already,
    and whoever declared it.
    """
    gift = Gift.get_by_id(gift.id)
    roster = gift.roster
    if roster.stage != "submitted" or gift.stage not in ("asked", "agreed"):
        raise Lost(f"gift {gift.id} is {gift.stage}, its roster {roster.stage}")
    if by.id in (gift.by_id, roster.submitted_by_id):
        raise Refused("by", "申报赠送的人不能自己同意，请由另一人确认")
    people, now = figures(shares.preview(roster))
    if now != amount:
        raise Refused("amount", f"金额刚有变化，现在是 {people} 人、{yuan(now)} 元，请核对后再同意")
    if (gift.stage, gift.people, gift.amount) == ("agreed", people, now):
        raise Lost(f"gift {gift.id} was agreed to already")
    said: dict[str, Any] = {"people": people, "amount": now, "decided_by": by.id, "decided_at": at}
    gift.move("stage", was=gift.stage, to="agreed", **said)
    note = f"{gift.name}赠送{people}人，{yuan(now)}元"
    tell(roster, "gift agreed", by=by, at=at, note=note)
    audit.record("agree gift", by=by, at=at, on=gift, organization=gift.organization, detail=note)
    return gift


@writes
def decline(gift: Gift, *, reason: str, by: User, at: datetime) -> Gift:
    """Not agree to a gift, or take the agreement back before the roster is approved."""
    gift = Gift.get_by_id(gift.id)
    if gift.roster.stage not in ("submitted", "returned", "draft"):
        raise Lost(f"gift {gift.id}: its roster is {gift.roster.stage}")
    if len(reason.strip()) < 2:
        raise Refused("reason", "请写明不赠送的原因")
    if gift.stage not in ("asked", "agreed"):
        raise Lost(f"gift {gift.id} is {gift.stage}")
    _refuse(gift, "declined" if gift.stage == "asked" else "withdrawn", reason, by, at)
    return gift


def _refuse(gift: Gift, stage: str, reason: str, by: User, at: datetime) -> None:
    """Let a gift be none; of who declared it nobody is written as who decided."""
    decided = None if by.id == gift.by_id else by.id
    note = reason.strip()[:500]
    gift.move(
        "stage", was=gift.stage, to=stage, note=note, decided_by=decided, decided_at=at
    )  # fmt: skip
    tell(gift.roster, f"gift {stage}", by=by, at=at, note=f"{gift.name}：{note}")
    place = gift.organization
    audit.record(f"{stage} gift", by=by, at=at, on=gift, organization=place, detail=gift.name)


@writes
def take_back(gift: Gift, *, reason: str, by: User, at: datetime) -> list[Due]:
    """Take a gift back after the approval: its due falls, and what its people owe without it is
    raised. Refuses once anything was paid on it, and without a reason."""
    gift = Gift.get_by_id(gift.id)
    roster = gift.roster
    due = due_of(gift)
    if gift.stage != "agreed" or roster.stage != "approved" or due is None:
        raise Lost(f"gift {gift.id} is {gift.stage}, its roster {roster.stage}")
    if len(reason.strip()) < 2:
        raise Refused("reason", "请写明不再赠送的原因")
    if paid := due.paid:
        raise Refused("reason", f"已到账 {yuan(paid)} 元，不能撤回；确要撤回的先更正到账")
    place = roster.organization
    DueReversal.create(organization=place, due=due, reason=reason.strip(), by=by, at=at)
    standings.drop_standing(due)
    booked = funding.journal(f"due:{due.id}:raised")
    ledger.reverse(booked, text=f"赠送撤回：{booked.text}", by=by, at=at)
    _refuse(gift, "withdrawn", reason, by, at)
    kept, parts = _without(gift)
    Roster.update(split=shares.merged(kept, parts)).where(Roster.id == roster.id).execute()
    return [
        funding.raise_due(roster, carrier, amount, by=by, at=at)
        for carrier, amount in sorted(shares.owed(roster, parts).items())
    ]


def _without(gift: Gift) -> tuple[shares.Parts, shares.Parts]:
    """The parts of a roster that stay when its gift falls, and those that take its place: of all
    of the fee the edition's shares, of the rest as much of it as was given."""
    roster: Roster = gift.roster
    kept = [part for part in roster.split if part[0] != "gift"]
    if not gift.whole:
        return kept, [["rest", *part[1:]] for part in roster.split if part[0] == "gift"]
    groups = [
        (facts, count)
        for facts, count, _ in funding.people_of(roster)
        if not gift.marked or facts.get("gifted")
    ]
    return kept, shares.parts_of(roster, groups, given=False)


def due_of(gift: Gift) -> Due | None:
    """What its giver owes, once the roster is approved."""
    return Due.get_or_none(Due.roster == gift.roster_id, Due.carrier == "gift", Due.live())  # type: ignore[no-any-return]


def receiver_of(gift: Gift) -> Organization:
    """Whose finance speaks for the giver: the giver's own, or of whoever runs the scheme."""
    place: Organization = gift.giver or gift.roster.edition.organization
    return place


def givers_of(rosters: Iterable[int]) -> dict[int, Gift]:
    """The standing gifts of many rosters, by roster."""
    found = Gift.select().where(Gift.roster << list(rosters), Gift.counts())
    return {gift.roster_id: gift for gift in found}


def giver_of(cover: Enrollment) -> str:
    """Who gave somebody's cover, or ""."""
    gift = givers_of([cover.roster_id]).get(cover.roster_id) if cover.roster_id else None
    return named(gift, cover)


def named(gift: Gift | None, cover: Enrollment) -> str:
    """The giver of one cover of a roster with this gift, or ""."""
    if gift is None or gift.stage != "agreed" or (gift.marked and not cover.facts.get("gifted")):
        return ""
    return str(gift.name)
