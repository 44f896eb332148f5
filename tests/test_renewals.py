"""Next term's roster in two clicks: who goes on, who does not and why, what changes."""

import re
from datetime import date, timedelta

import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in
from builders_enrollment import a_person, an_approved_roster, an_id

from huigong import clock
from huigong.models import Enrollment, Member, Organization, Role, Roster, RosterRow
from huigong.refusals import Refused
from huigong.workflows import enrollment
from huigong.workflows.enrollment import renewal
from huigong.workflows.enrollment.leaving import leave

ZHENGZHOU = "zhengzhou-hospital-2023"
FIRST = date(2023, 7, 1)
IN_JUNE = NOW.replace(year=2023, month=6, day=20)
A_YEAR_ON = NOW.replace(year=2024, month=6, day=1)


@pytest.fixture
def unit(office) -> Organization:
    return a_unit(a_city("郑州市总工会", slug="zhengzhou"))


def last_year(unit, *, people=3):
    """A roster whose term ends on 2024-06-30, under a scheme that enrolls again by then."""
    from huigong.models import Edition

    roster = an_approved_roster(unit, people=people, code=ZHENGZHOU, cover_from=FIRST, at=IN_JUNE)
    Edition.update(enrolled_to=None).where(Edition.id == roster.edition_id).execute()
    return roster


def proposal_of(roster, on=date(2024, 6, 1)):
    return renewal.propose(roster.organization, roster.edition.scheme, roster.cover_to, on=on)


def test_the_next_term_starts_the_day_after_the_old_one_ends(unit):
    proposal = proposal_of(last_year(unit))
    assert proposal.cover_from == date(2024, 7, 1)
    assert proposal.gap == 0
    assert len(proposal.going) == 3


def test_after_the_end_it_starts_today_and_says_the_gap(unit):
    proposal = proposal_of(last_year(unit), on=date(2024, 7, 11))
    assert (proposal.cover_from, proposal.gap) == (date(2024, 7, 11), 10)


def test_who_left_or_is_over_age_by_then_does_not_go_on_unless_asked(unit):
    old = a_person(姓名="高龄", 身份证号=an_id(date(1963, 6, 2)))  # 61 on 2024-07-01
    roster = last_year(unit, people=[old, a_person(姓名="离人"), a_person(姓名="续人")])
    clerk = a_user(Role.CLERK, at=unit)
    left = Member.get(Member.name == "离人")
    leave(left, on=date(2024, 3, 1), reason="resigned", note="", by=clerk, at=A_YEAR_ON)
    proposal = proposal_of(roster)
    why = {person.cover.member.name: person.why for person in proposal.staying}
    assert "离开本单位" in why["离人"]
    assert "60" in why["高龄"]
    assert [person.cover.member.name for person in proposal.going] == ["续人"]


def test_the_draft_holds_just_those_who_go_on_as_renewals(unit, tmp_path):
    roster = last_year(unit)
    proposal = proposal_of(roster)
    going = {person.cover.id for person in proposal.going[:2]}
    clerk = a_user(Role.CLERK, at=unit)
    draft = renewal.draft_renewal(
        proposal, going=going, rest_by="unit", folder=tmp_path, by=clerk, at=A_YEAR_ON
    )
    assert (draft.stage, draft.people, draft.cover_from) == ("draft", 2, date(2024, 7, 1))
    assert {row.kind for row in RosterRow.select().where(RosterRow.roster == draft)} == {"renewed"}


def test_nobody_and_no_edition_are_refused_and_leave_no_file(unit, tmp_path):
    proposal = proposal_of(last_year(unit))
    clerk = a_user(Role.CLERK, at=unit)
    given = {"rest_by": "unit", "folder": tmp_path / "files", "by": clerk, "at": A_YEAR_ON}
    before = list((tmp_path / "files").iterdir())  # last year's
    with pytest.raises(Refused, match="至少保留一名"):
        renewal.draft_renewal(proposal, going=set(), **given)
    everyone = {person.cover.id for person in proposal.going}
    with pytest.raises(Refused):
        renewal.draft_renewal(proposal, going=everyone, **{**given, "rest_by": "nobody"})
    assert list((tmp_path / "files").iterdir()) == before


def test_who_is_renewed_already_is_barred_and_no_longer_listed_as_ending(unit, tmp_path):
    roster = last_year(unit, people=1)
    clerk, reviewer = a_user(Role.CLERK, at=unit), a_user(Role.REVIEWER, at=unit.parent)
    units, day = Organization.select(Organization.id), date(2024, 6, 1)
    assert [ending.people for ending in renewal.endings(units, day)] == [1]
    proposal = proposal_of(roster)
    at = A_YEAR_ON
    draft = renewal.draft_renewal(
        proposal,
        going={proposal.going[0].cover.id},
        rest_by="unit",
        folder=tmp_path,
        by=clerk,
        at=at,
    )
    assert renewal.endings(units, day)[0].open_roster == draft
    enrollment.submit_roster(draft, clean_only=False, by=clerk, at=at)
    enrollment.approve_roster(draft, by=reviewer, at=at)
    assert renewal.endings(units, day) == []
    assert proposal_of(roster).people[0].barred
    new = Enrollment.get(Enrollment.roster == draft)
    assert new.renewal
    assert new.cover_from == roster.cover_to + timedelta(days=1)


def test_two_clicks_from_the_roster(app, unit):
    roster = last_year(unit)
    clock.fix(date(2024, 6, 1))
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    page = clerk.get(f"/admin/rosters/{roster.id}").get_data(as_text=True)
    link = re.search(r'href="(/admin/organizations/\d+/renewal[^"]+)"', page)[1].replace(
        "&amp;", "&"
    )
    asked = clerk.get(link)
    assert "规则和参保费不变" in asked.get_data(as_text=True)
    people = [str(cover.id) for cover in roster.enrollments]
    form = {"scheme": "zhengzhou-hospital", "ends": "2024-06-30", "edition": ZHENGZHOU}
    refused = clerk.send(link.split("?")[0], {**form, "rest_by": "unit"})
    assert refused.status_code == 422
    done = clerk.send(link.split("?")[0], {**form, "rest_by": "unit", "keep": people[:2]})
    assert done.status_code == 303
    assert "续保" in clerk.get(done.location).get_data(as_text=True)
    assert "还没有批准" not in asked.get_data(as_text=True)
    again = clerk.get(link).get_data(as_text=True)
    assert f'href="{done.location}"' in again
    assert "还没有批准" in again
    assert clerk.get("/admin/renewals").status_code == 200


def test_another_units_renewal_is_absent(app, unit):
    roster = last_year(unit)
    stranger = signed_in(app, a_user(Role.CLERK, at=a_unit(unit.parent)))
    ask = f"/admin/organizations/{unit.id}/renewal?scheme=zhengzhou-hospital&ends={roster.cover_to}"
    assert stranger.get(ask).status_code == 404


def test_a_big_units_renewal_is_read_by_a_worker_and_names_who_does_not_go_on(
    app, unit, monkeypatch
):
    from huigong.admin import renewals

    roster = last_year(unit)
    clock.fix(date(2024, 6, 1))
    monkeypatch.setattr(renewals, "MOST_LISTED", 2)
    monkeypatch.setattr(renewal, "AT_ONCE", 1)
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    there = f"/admin/organizations/{unit.id}/renewal"
    form = {"scheme": "zhengzhou-hospital", "ends": "2024-06-30", "rest_by": "unit"}
    assert "不逐人列出" in clerk.get(there, query_string=form).get_data(as_text=True)
    assert clerk.send(there, {**form, "out": "ZZ-无此号"}).status_code == 422
    certificate = roster.enrollments.get().certificate
    made = clerk.send(there, {**form, "out": certificate})
    assert made.status_code == 303
    assert clerk.get(made.location).status_code == 200
    assert enrollment.job_of(Roster.select().order_by(Roster.id.desc()).get()) is not None


def test_who_sees_many_units_names_one(app, unit, monkeypatch):
    from huigong.admin import renewals

    last_year(unit)
    clock.fix(date(2024, 6, 1))
    a_unit(unit.parent, "另一示例单位")
    monkeypatch.setattr(renewals, "MOST_UNITS", 1)
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=unit.parent))
    assert "请输入单位名称" in reviewer.get("/admin/renewals").get_data(as_text=True)
    page = reviewer.get("/admin/renewals", query_string={"q": unit.name})
    assert "2024-06-30" in page.get_data(as_text=True)
