"""People the office knew before: changed by an approval, and as they were where it is undone."""

from datetime import date

import pytest
from builders import NOW, TODAY, a_user
from builders_claims import a_claim, a_member, an_enrollment
from builders_enrollment import (
    Killed,
    a_county_unit,
    a_person,
    a_submitted_roster,
    an_id,
    break_off_approval,
)

from huigong.models import Claimant, Employment, Member, MemberBefore, Role, Roster
from huigong.workflows import corrections, enrollment
from huigong.workflows.enrollment import moving, reorganizing

PUYANG, ANYANG = "puyang-hospital-2025", "anyang-hospital-2019"
NEW = {"手机号": "13700000002", "银行卡号": "99998888777766665", "开户行": "新示例银行"}


@pytest.fixture
def known(office) -> Member:
    """Somebody at a unit, with a phone, a card and a claim."""
    unit = a_county_unit("原单位")
    member = a_member(unit, name="王建国", number=an_id())
    member.phone = member.seal("phone", "13600000001")
    member.bank_card = member.seal("bank_card", "99991111222233334")
    member.bank = "旧示例银行"
    member.save()
    Employment.create(member=member, organization=unit, from_on=date(2020, 3, 1))
    a_claim(an_enrollment(unit=unit, member=member))
    return member


def said(member):
    """All that the office knows of somebody."""
    member = Member.get_by_id(member.id)
    spans = Employment.select().where(Employment.member == member).order_by(Employment.id)
    return (
        member.__data__,
        [(span.organization_id, span.from_on, span.to_on) for span in spans],
        [claimant.name for claimant in Claimant.select()],
    )


def a_roster_with(member, unit, code=PUYANG, **more):
    """A submitted roster of another unit that says everything of a member anew."""
    number = member.opened("resident_id")
    person = a_person(**({"姓名": "王建华", "会员身份": "非会员", "身份证号": number} | NEW | more))
    roster = a_submitted_roster(unit, people=[a_person(), person], code=code)
    assert roster.people == 2
    return roster


def return_it(roster, reviewer):
    enrollment.return_roster(roster, reason="请补充证明", by=reviewer, at=NOW)


def withdraw_it(roster, reviewer):
    enrollment.withdraw_roster(roster, by=roster.made_by, at=NOW)


@pytest.mark.parametrize("undo", [return_it, withdraw_it])
def test_an_approval_undone_leaves_people_known_before_as_they_were(known, undo):
    before, unit = said(known), a_county_unit("新单位")
    roster = a_roster_with(known, unit)
    reviewer = break_off_approval(roster)
    changed, spans, [claimant] = said(known)
    assert (changed["organization"], changed["name"], claimant) == (unit.id, "王建华", "王建华")
    assert changed["membership"] == "non_member"
    assert Member.get_by_id(known.id).opened("phone") == NEW["手机号"]
    assert [span[0] for span in spans] == [known.organization_id, unit.id]
    undo(roster, reviewer)
    assert said(known) == before
    assert Member.select().count() == 1, "who was made for it is gone"
    assert not MemberBefore.select().exists()


def test_an_approval_that_counts_keeps_what_it_changed_and_remembers_nothing(known):
    roster = a_roster_with(known, a_county_unit("新单位"))
    reviewer = break_off_approval(roster)
    assert MemberBefore.select().count() == 1
    enrollment.approve_roster(Roster.get_by_id(roster.id), by=reviewer, at=NOW)
    assert Member.get_by_id(known.id).opened("bank_card") == NEW["银行卡号"]
    assert not MemberBefore.select().exists()


def test_an_approval_continued_and_undone_still_knows_what_it_changed_first(known, monkeypatch):
    before = said(known)
    roster = a_roster_with(known, a_county_unit("新单位"))
    reviewer = break_off_approval(roster)

    def killed_at_the_end(phase, done, total):
        raise Killed

    with pytest.raises(Killed):
        enrollment.approve_roster(roster, by=reviewer, at=NOW, told=killed_at_the_end)
    return_it(roster, reviewer)
    assert said(known) == before


def test_what_somebody_changed_since_stays(known):
    roster = a_roster_with(known, a_county_unit("新单位"))
    reviewer = break_off_approval(roster)
    corrections.correct_member(
        Member.get_by_id(known.id), phone="13900000009", by=roster.made_by, at=NOW
    )
    return_it(roster, reviewer)
    now = Member.get_by_id(known.id)
    assert now.opened("phone") == "13900000009"
    assert now.opened("bank_card") == "99991111222233334"
    assert (now.name, now.organization_id) == ("王建国", known.organization_id)


def test_who_was_moved_since_stays_where_they_were_moved(known):
    roster, third = a_roster_with(known, a_county_unit("新单位")), a_county_unit("第三单位")
    reviewer = break_off_approval(roster)
    by = a_user(Role.ADMINISTRATOR, at=third.parent)
    moving.relocate(
        Member.get_by_id(known.id), target=third, on=TODAY, reason="调入", by=by, at=NOW
    )
    return_it(roster, reviewer)
    assert Member.get_by_id(known.id).organization == third
    open_ones = Employment.select().where(Employment.member == known, Employment.to_on.is_null())
    assert [span.organization for span in open_ones] == [third]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_approvals_undone_in_either_order_come_back_to_the_beginning(known, order):
    before = said(known)
    rosters, judges = [], []
    for code, name in ((PUYANG, "王建华"), (ANYANG, "王国")):
        rosters.append(a_roster_with(known, a_county_unit(), code, 姓名=name))
        judges.append(break_off_approval(rosters[-1]))
    for which in order:
        return_it(Roster.get_by_id(rosters[which].id), judges[which])
    assert said(known) == before


def test_an_approval_that_counts_is_not_touched_by_another_undone_later(known):
    first = a_roster_with(known, a_county_unit("甲单位"))
    judge = break_off_approval(first)
    second = a_county_unit("乙单位")
    roster = a_roster_with(known, second, ANYANG, 手机号="13800000001")
    reviewer = a_user(Role.REVIEWER, at=second.parent)
    enrollment.approve_roster(roster, by=reviewer, at=NOW)
    return_it(first, judge)
    now = Member.get_by_id(known.id)
    assert (now.organization, now.opened("phone")) == (second, "13800000001")


def merge(source, into):
    by = a_user(Role.ADMINISTRATOR, at=source.parent)
    reorganizing.merge_units(source, into=into, on=TODAY, reason="机构改革文件", by=by, at=NOW)


def test_who_comes_back_to_a_unit_that_was_merged_meanwhile_is_where_it_went(known):
    roster, third = a_roster_with(known, a_county_unit("新单位")), a_county_unit("第三单位")
    reviewer = break_off_approval(roster)
    merge(known.organization, third)
    return_it(roster, reviewer)
    now = Member.get_by_id(known.id)
    assert (now.organization, now.name) == (third, "王建国")
    [span] = Employment.select().where(Employment.member == known, Employment.to_on.is_null())
    assert span.organization == third


def test_a_merge_of_the_rosters_unit_first_puts_people_of_others_back(known):
    before, unit, third = said(known), a_county_unit("新单位"), a_county_unit("第三单位")
    roster = a_roster_with(known, unit)
    break_off_approval(roster)
    merge(unit, third)
    assert said(known) == before
