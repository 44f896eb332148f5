"""Gifts: who else pays a roster's fee, from the declaration to the receipt and the certificate."""

from datetime import date

import pytest
from builders import NOW, a_county, a_user
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_zhengzhou_unit,
)
from builders_funding import paid
from builders_gifts import (
    AT_ZHENGZHOU,
    a_given_roster,
    agreed,
    approved,
    declared,
    dues,
    finance_of,
    submitted,
)
from builders_statements import a_line, imported, matched
from test_shares import a_top_up

from huigong.models import Due, Enrollment, Gift, Level, Payment, Role, Roster
from huigong.refusals import Lost, Refused
from huigong.workflows import (
    agreement,
    enrollment,
    funding,
    gifts,
    ledger,
    shares,
    top_ups,
)
from huigong.workflows.enrollment import certificates, renewal


def test_a_thousand_grid_workers_at_75_each_are_the_givers_whole(office):
    """S1: 1,000 网格员 enrolled free at 75 元 each; here four of them."""
    unit, start = a_zhengzhou_unit(), date(2023, 8, 1)
    roster = a_drafted_roster(
        unit, people=4, code="zhengzhou-hospital-2023", cover_from=start, at=AT_ZHENGZHOU
    )
    city = unit.above(Level.CITY)
    gift = declared(roster, kind="organization", giver=city, whole=True, at=AT_ZHENGZHOU)
    assert shares.preview(roster) == [["gift", 75_00, 4]]
    submitted(roster, AT_ZHENGZHOU)
    agreed(gift, AT_ZHENGZHOU)
    roster = approved(roster, AT_ZHENGZHOU)
    due = roster.dues.get()
    assert (due.carrier, due.payer, due.amount) == ("gift", city, 300_00)
    assert due.payer_name == city.name
    assert ledger.balance(roster.edition.scheme, "gifts") == -300_00
    assert agreement.disagreements() == []


def test_a_donor_carries_the_rest_and_the_levels_their_shares(office):
    roster, gift = a_given_roster()
    assert dues(roster) == {"gift": 100_00, "county": 20_00, "city": 40_00}
    due = gifts.due_of(gift)
    assert (due.payer, due.payer_name) == (roster.edition.organization, gift.name)
    assert (gift.people, gift.amount) == (2, 100_00)
    assert agreement.disagreements() == []


def test_of_a_mixed_roster_only_the_marked_are_given(office):
    people = [a_person(是否赠送="是"), a_person(是否赠送="否"), a_person()]
    roster = a_drafted_roster(people=people)
    with pytest.raises(Refused, match="标了1人"):
        declared(roster)
    roster, gift = a_given_roster(roster, marked=True, each=30_00)
    assert dues(roster) == {"gift": 30_00, "unit": 120_00, "county": 30_00, "city": 60_00}
    given = [gifts.giver_of(cover) for cover in Enrollment.select().order_by(Enrollment.id)]
    assert given == [gift.name, "", ""]
    assert agreement.disagreements() == []


def test_marks_without_a_giver_and_a_giver_without_marks_are_refused(office):
    marked = a_drafted_roster(people=[a_person(是否赠送="是")])
    with pytest.raises(Refused, match="由谁赠送"):
        submitted(marked)
    with pytest.raises(Refused, match="没有人填"):
        declared(a_drafted_roster(a_county_unit("示例乙厂工会"), people=1), marked=True)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "nobody"}, "请选择赠送方"),
        ({"name": " "}, "全称"),
        ({"kind": "organization"}, "上级工会"),
        ({"basis": " "}, "依据"),
        ({"each": 0}, "大于零"),
        ({"each": 50_01}, "还多"),
        ({"name": "示例单位工会"}, "不是赠送"),
    ],
)
def test_an_unknown_giver_and_more_than_the_fee_are_refused(office, said, message):
    roster = a_drafted_roster(a_county_unit("示例单位工会"), people=1)
    with pytest.raises(Refused, match=message):
        declared(roster, **said)
    assert not Gift.select().exists()


def test_a_giver_that_is_not_above_the_unit_is_unknown(office):
    roster = a_drafted_roster(people=1)
    beside = a_county(roster.organization.above(Level.CITY), "示例邻县总工会")
    with pytest.raises(Refused, match="上级工会"):
        declared(roster, kind="organization", giver=beside)


def test_nothing_is_approved_before_somebody_else_agreed(office):
    roster = a_drafted_roster(people=2)
    gift = declared(roster)
    with pytest.raises(Lost):
        agreed(gift)  # not submitted yet
    submitted(roster)
    with pytest.raises(Refused, match="同意赠送"):
        approved(roster)
    gift = Gift.get_by_id(gift.id)
    with pytest.raises(Refused, match="不能自己同意"):
        gifts.agree(gift, amount=100_00, by=roster.made_by, at=NOW)
    with pytest.raises(Refused, match=r"现在是 2 人、100\.00 元"):
        gifts.agree(gift, amount=99_00, by=finance_of(gift), at=NOW)
    agreed(gift)
    assert approved(roster).stage == "approved"


def test_a_declined_gift_goes_back_and_is_dropped_or_declared_anew(office):
    roster = a_drafted_roster(people=2)
    gift = declared(roster)
    submitted(roster)
    by = finance_of(gift)
    with pytest.raises(Refused, match="原因"):
        gifts.decline(Gift.get_by_id(gift.id), reason="", by=by, at=NOW)
    gifts.decline(Gift.get_by_id(gift.id), reason="预算不足", by=by, at=NOW)
    with pytest.raises(Refused, match="没有同意"):
        approved(roster)
    roster = Roster.get_by_id(roster.id)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    enrollment.return_roster(roster, reason="赠送方没有同意", by=reviewer, at=NOW)
    with pytest.raises(Refused, match="没有同意"):
        submitted(roster)
    gifts.drop(roster, by=roster.made_by, at=NOW)
    submitted(roster)
    assert dues(approved(roster)) == {"unit": 100_00, "county": 20_00, "city": 40_00}


def test_an_agreement_is_to_one_submission_and_to_no_more_than_its_sum(office):
    roster = a_drafted_roster(people=2)
    top_up = a_top_up(roster)
    gift = declared(roster)
    submitted(roster)
    agreed(gift)
    assert Gift.get_by_id(gift.id).amount == 90_00
    top_ups.end_top_up(top_up, to_on=date(2024, 12, 31), by=top_up.by, at=NOW)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    roster = Roster.get_by_id(roster.id)
    seen = shares.mark_of(shares.preview(roster))
    with pytest.raises(Refused, match=r"同意了 90.00 元，现在是 100.00 元"):
        enrollment.accept_shares(roster, seen=seen, by=reviewer, at=NOW)
    agreed(gift)
    enrollment.accept_shares(roster, seen=seen, by=reviewer, at=NOW)
    enrollment.return_roster(roster, reason="请核对名单", by=reviewer, at=NOW)
    submitted(roster)
    assert Gift.get_by_id(gift.id).stage == "asked"


@pytest.mark.parametrize("whole", [True, False])
def test_a_gift_taken_back_after_the_approval_leaves_the_ordinary_shares(office, whole):
    people = [a_person(是否赠送="是"), a_person(是否赠送="是"), a_person()]
    roster, gift = a_given_roster(a_drafted_roster(people=people), whole=whole, marked=True)
    gifts.take_back(gift, reason="企业撤回", by=finance_of(gift), at=NOW)
    roster = Roster.get_by_id(roster.id)
    owed = {}
    for due in roster.dues.where(Due.live()):
        owed[due.carrier] = owed.get(due.carrier, 0) + due.amount
    assert owed == {"unit": 150_00, "county": 30_00, "city": 60_00}
    assert shares.owed(roster, roster.split) == owed
    assert agreement.disagreements() == []
    assert gifts.giver_of(Enrollment.select().first()) == ""
    fallen = Due.get(Due.carrier == "gift")
    with pytest.raises(Refused, match="取消"):
        paid(fallen)
    for due in roster.dues.where(Due.live()):
        paid(due)
    assert funding.is_paid(roster)
    with pytest.raises(Lost):
        gifts.take_back(Gift.get_by_id(gift.id), reason="再撤", by=finance_of(gift), at=NOW)


def test_what_was_paid_is_not_taken_back(office):
    _, gift = a_given_roster()
    paid(gifts.due_of(gift), 1_00)
    with pytest.raises(Refused, match="已到账"):
        gifts.take_back(gift, reason="企业撤回", by=finance_of(gift), at=NOW)


def test_the_giver_has_a_receipt_of_its_own(office):
    roster, gift = a_given_roster()
    for due in roster.dues:
        paid(due)
    finance = finance_of(gift)
    first = funding.confirm_receipt(roster, by=finance, at=NOW)
    theirs = funding.receipt_of(roster, given=True)
    assert (first.amount, theirs.amount) == (60_00, 100_00)
    assert theirs.made_out.get().gift == gift
    with pytest.raises(Refused, match="已开票确认"):
        funding.confirm_receipt(roster, by=finance, at=NOW)
    with pytest.raises(Refused, match="已开票确认"):
        funding.reverse_payment(
            Payment.get(Payment.due == gifts.due_of(gift)), reason="记错", by=finance, at=NOW
        )
    funding.void_receipt(theirs, reason="抬头写错", by=finance, at=NOW)
    again = funding.confirm_receipt(roster, by=finance, at=NOW)
    assert (again.amount, again.number) == (100_00, "SJ2024-000003")
    assert agreement.disagreements() == []


def test_the_bank_s_line_finds_the_giver_by_its_name_and_by_the_roster_s_number(office, tmp_path):
    roster, gift = a_given_roster()
    due, number = gifts.due_of(gift), roster.number
    lines = imported(
        roster.edition.organization, tmp_path,
        [a_line("100.00", "赠送", payer=gift.name), a_line("100.00", number, payer="某公司")],
    )  # fmt: skip
    found, exact = matched(lines)
    assert found[lines[0].id][0].dues == [due]
    assert {"付款方是赠送方", "金额相同"} <= set(found[lines[0].id][0].reasons)
    assert exact[lines[1].id].dues == [due]


def test_certificate_and_renewal_name_the_giver_and_ask_anew(office):
    roster, gift = a_given_roster()
    cover = Enrollment.select().first()
    assert ("参保费", f"80.00 元，由{gift.name}赠送") in certificates.facts_of(cover, "")
    proposal = renewal.propose(
        roster.organization, roster.edition.scheme, cover.cover_to, on=date(2025, 12, 1)
    )
    assert (proposal.giver, proposal.rest_by) == (gift.name, "")


def test_verification_sees_a_gift_that_was_meddled_with(office):
    roster, _ = a_given_roster()
    Gift.update(amount=1).execute()
    assert "赠送方同意了 0.01 元" in "；".join(agreement.disagreements())
    Gift.update(stage="declined").execute()
    assert f"名册{roster.number} 有赠送应缴，没有人同意赠送" in agreement.disagreements()
