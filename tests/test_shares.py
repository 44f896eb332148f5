"""One reckoning of who carries the fee: the preview, what was submitted, the notice, the dues."""

from datetime import date

import pytest
from builders import NOW, TODAY, a_user, signed_in
from builders_enrollment import a_county_unit, a_drafted_roster, a_person, a_submitted_roster

from huigong.models import Role, Roster
from huigong.refusals import Refused
from huigong.workflows import agreement, enrollment, shares, top_ups


def a_top_up(roster, fen=5_00, *, members_only=False, place=None):
    """What the roster's county adds to each of its people's fee."""
    place = place or roster.organization.parent
    return top_ups.record_top_up(
        organization=place, scheme=roster.edition.scheme, amount=fen, members_only=members_only,
        from_on=date(2025, 1, 1), to_on=date(2025, 12, 31), basis="示例文号",
        by=a_user(Role.FINANCE, at=place), at=NOW,
    )  # fmt: skip


def a_reviewer(roster):
    return a_user(Role.REVIEWER, at=roster.organization.parent)


def dues(roster):
    return {due.carrier: due.amount for due in roster.dues}


def test_preview_submission_and_dues_take_off_the_same_top_up(office):
    unit = a_county_unit()
    a_top_up(a_drafted_roster(unit, people=1))
    members = [a_person(会员身份="会员"), a_person(会员身份="非会员"), a_person()]
    roster = a_drafted_roster(unit, people=members)
    before = shares.preview(roster)
    assert before == roster.split == [["rest", 45_00, 3], ["county", 15_00, 3], ["city", 20_00, 3]]
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    enrollment.approve_roster(roster, by=a_reviewer(roster), at=NOW)
    assert dues(roster) == shares.owed(roster, before) == {
        "unit": 135_00, "county": 45_00, "city": 60_00,
    }  # fmt: skip
    a_top_up(roster, 1_00, place=roster.organization)  # too late for what is approved
    assert shares.preview(Roster.get_by_id(roster.id)) == before
    assert agreement.disagreements() == []


def test_a_top_up_for_members_alone_tells_them_apart_where_the_fee_does_not(office):
    unit = a_county_unit()
    a_top_up(a_drafted_roster(unit, people=1), members_only=True)
    people = [a_person(会员身份="会员"), a_person(会员身份="非会员"), a_person(会员身份="非会员")]
    roster = a_submitted_roster(unit, people=people)
    assert shares.preview(roster)[:2] == [["rest", 50_00, 2], ["rest", 45_00, 1]]
    enrollment.approve_roster(roster, by=a_reviewer(roster), at=NOW)
    assert dues(roster)["unit"] == 145_00


def test_a_top_up_that_came_after_the_submission_is_shown_and_accepted_first(app):
    roster = a_submitted_roster(people=2)
    reviewer = signed_in(app, user := a_reviewer(roster))
    address = f"/admin/rosters/{roster.id}/approve"
    assert "有变化" not in reviewer.get(address).get_data(as_text=True)
    a_top_up(roster)
    with pytest.raises(Refused, match="有变化"):
        enrollment.approve_roster(roster, by=user, at=NOW)
    page = reviewer.get(address).get_data(as_text=True)
    assert "基层自筹（单位承担）：100.00 元 → <strong>90.00 元</strong>" in page
    assert "县（区）级工会：20.00 元 → <strong>30.00 元</strong>" in page
    stale = reviewer.send(address, {"split": shares.mark_of(roster.split)})
    assert stale.status_code == 422
    assert "刚有变化" in stale.get_data(as_text=True)
    seen = shares.mark_of(shares.preview(roster))
    assert reviewer.send(address, {"split": seen}).status_code == 303
    assert dues(roster) == {"unit": 90_00, "county": 30_00, "city": 40_00}
    notice = reviewer.get(f"/admin/funding/rosters/{roster.id}/notice").get_data(as_text=True)
    assert "90.00" in notice


def test_a_top_up_that_ended_meanwhile_is_shown_to_the_clerk_before_submitting(app):
    unit = a_county_unit()
    top_up = a_top_up(a_drafted_roster(unit, people=1))
    roster = a_drafted_roster(unit, people=2)
    top_ups.end_top_up(top_up, to_on=date(2024, 12, 31), by=top_up.by, at=NOW)
    clerk = signed_in(app, roster.made_by)
    page = clerk.get(f"/admin/rosters/{roster.id}/submit").get_data(as_text=True)
    assert "90.00 元 → <strong>100.00 元</strong>" in page
    clerk.send(f"/admin/rosters/{roster.id}/submit")
    assert Roster.get_by_id(roster.id).split[0] == ["rest", 50_00, 2]
    assert top_up.from_on > TODAY
