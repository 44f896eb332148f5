"""Members found by name, initials, last four and unit; one page through the years."""

from datetime import date

import pytest
from builders import NOW, a_user, signed_in
from builders_claims import a_claim, a_member, an_approved_claim, an_enrollment
from builders_enrollment import a_county_unit, a_person, an_approved_roster

from huigong.models import Employment, Member, Role
from huigong.workflows.enrollment import leaving


@pytest.fixture
def people(office):
    unit = a_county_unit("龙演示厂")
    names = ("单雄演示", "张三演示", "赵四演示")
    return an_approved_roster(unit, people=[a_person(姓名=name) for name in names])


def found(app, roster, **asked) -> list[str]:
    clerk = signed_in(app, a_user(Role.CLERK, at=roster.organization))
    page = clerk.get("/admin/members", query_string=asked).get_data(as_text=True)
    return [member.name for member in Member.select().order_by(Member.id) if member.name in page]


def test_search_by_name_initials_last_four_and_unit(app, people):
    zhang = Member.get(Member.name == "张三演示")
    assert found(app, people, q="张三") == ["张三演示"]
    assert found(app, people, q="zsy") == ["张三演示", "赵四演示"]
    assert found(app, people, q="sx") == ["单雄演示"]  # 单 as a surname is shàn
    assert found(app, people, q=zhang.opened("resident_id")[-4:]) == ["张三演示"]
    assert len(found(app, people, unit="龙演示")) == 3
    assert found(app, people, unit="没有") == []


def test_a_whole_id_stays_in_no_address(app, people):
    clerk = signed_in(app, a_user(Role.CLERK, at=people.organization))
    number = Member.get().opened("resident_id")
    answer = clerk.get("/admin/members", query_string={"q": number})
    assert answer.status_code == 303
    assert number not in answer.location


def test_the_list_marks_who_left_and_whose_cover_ended_in_words(app, people, asked_sql):
    here, gone, back = Member.select().order_by(Member.id)
    by, today = people.made_by, NOW.date()
    for person, reason in ((gone, "retired"), (back, "resigned")):
        leaving.leave(person, on=today, reason=reason, note="", by=by, at=NOW)
    Employment.create(member=back, organization=back.organization, from_on=today)
    ended = an_enrollment(people.edition, people.organization, member=a_member(
        people.organization, name="孙五演示"), cover_from=date(2023, 1, 1))  # fmt: skip
    clerk = signed_in(app, a_user(Role.CLERK, at=people.organization))
    asked_sql.clear()
    page, few = clerk.get("/admin/members").get_data(as_text=True), len(asked_sql)
    row = {name: page.partition(f">{name}</a>")[2].partition("</tr>")[0] for name in (
        here.name, gone.name, back.name, "孙五演示")}  # fmt: skip
    assert [("已退休" in said, "已离职" in said) for said in row.values()] == [
        *((False, False), (True, False), (False, False), (False, False)),
    ]
    assert f"已于{ended.cover_to}到期" in row["孙五演示"]
    assert "待缴费" in row[here.name]
    an_approved_roster(people.organization, people=9)
    asked_sql.clear()
    clerk.get("/admin/members")
    assert len(asked_sql) <= few, "not one question more for more people"


def test_one_page_shows_cover_through_the_years_claims_and_notices(app, office):
    cover = an_enrollment()
    decided = an_approved_claim(cover)
    again = an_enrollment(cover.edition, cover.organization, member=cover.member,
                          cover_from=cover.cover_to.replace(day=1))  # fmt: skip
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=cover.organization.parent))
    page = reviewer.get(f"/admin/members/{cover.member.id}").get_data(as_text=True)
    for certificate in (cover.certificate, again.certificate):
        assert certificate in page
    assert decided.number in page
    assert "同意给付" in page
    assert "6,018.60" in page
    assert f"/admin/claims/{decided.id}/notice" in page


def test_a_claim_without_a_decision_has_no_amount_yet(app, office):
    claim = a_claim()
    clerk = signed_in(app, a_user(Role.CLERK, at=claim.organization))
    page = clerk.get(f"/admin/members/{claim.member.id}").get_data(as_text=True)
    assert "等待初审" in page
    assert "notice" not in page
