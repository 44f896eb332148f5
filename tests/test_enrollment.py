"""Rosters submitted, returned, withdrawn and approved; the same people again."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from builders import NOW, a_user
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_submitted_roster,
    a_zhengzhou_unit,
    an_approved_roster,
    an_enrollment,
    break_off_approval,
    kept_in,
)

from huigong.models import (
    AuditEvent,
    Edition,
    Employment,
    Enrollment,
    Member,
    Role,
    Roster,
    RosterEvent,
    RosterRow,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import enrollment, funding
from huigong.workflows.enrollment import approval, reading

DAY = timedelta(days=1)


def faults_of(roster):
    rows = roster.rows.where(RosterRow.kind << ("faulty", "unproven")).order_by(RosterRow.number)
    return [f"第{row.number}行 {title}：{words}" for row in rows for title, words in row.faults]


# ── the same people again ───────────────────────────────────────────────────────────────────


def test_the_same_file_again_changes_nothing_twice(office):
    unit, content = a_county_unit(), a_roster_file(5)
    first = an_approved_roster(unit, content=content)
    members = Member.select().count()
    again = a_drafted_roster(unit, content=content)
    assert enrollment.kinds(again) == {"unchanged": 5}
    assert again.total == 0
    with pytest.raises(Refused, match="没有可参保的人"):
        enrollment.submit_roster(again, clean_only=True, by=again.made_by, at=NOW)
    assert (Member.select().count(), first.enrollments.count()) == (members, 5)


def test_two_drafts_of_one_file_are_submitted_once(office):
    unit, content = a_county_unit(), a_roster_file(5)
    first = a_drafted_roster(unit, content=content)
    second = a_drafted_roster(unit, content=content)
    enrollment.submit_roster(first, clean_only=False, by=first.made_by, at=NOW)
    with pytest.raises(Refused, match="有5人在校对之后已另行提交"):
        enrollment.submit_roster(second, clean_only=False, by=second.made_by, at=NOW)
    third = a_drafted_roster(unit, content=content)
    assert enrollment.kinds(third) == {"unchanged": 5}


def test_somebody_covered_elsewhere_is_named_only_to_who_may_see_the_unit(office):
    person = a_person()
    elsewhere = a_county_unit("示例甲厂工会")
    an_approved_roster(elsewhere, people=[person])
    here = a_county_unit("示例乙厂工会")
    blind = a_drafted_roster(here, people=[person, a_person()])
    assert blind.faulty == 1
    assert "已在其他单位参保（保障期2025-01-01至2025-12-31）" in faults_of(blind)[0]
    assert "甲厂" not in json.dumps([row.faults for row in blind.rows], ensure_ascii=False)
    seeing = a_drafted_roster(here, people=[person], seen=[here.parent.path])
    assert "已在“示例甲厂工会”参保" in faults_of(seeing)[0]


def test_somebody_on_another_units_submitted_roster_is_a_fault(office):
    person = a_person()
    a_submitted_roster(a_county_unit("示例甲厂工会"), people=[person])
    late = a_drafted_roster(a_county_unit("示例乙厂工会"), people=[person])
    assert "已在其他单位提交的名册中" in faults_of(late)[0]


def test_a_year_later_the_same_people_renew_without_a_gap(office):
    unit, person = a_zhengzhou_unit(), a_person()
    first = an_enrollment(unit, cover_from=date(2023, 8, 1), **person)
    assert first.cover_to == date(2024, 7, 31)
    Edition.update(enrolled_to=None).execute()
    roster = a_drafted_roster(
        unit, people=[person], code="zhengzhou-hospital-2023", cover_from=date(2024, 8, 1),
        at=NOW.replace(year=2024, month=7, day=20),
    )  # fmt: skip
    assert enrollment.kinds(roster) == {"renewed": 1}
    late = a_drafted_roster(
        unit, people=[person], code="zhengzhou-hospital-2023", cover_from=date(2024, 8, 2),
        at=NOW.replace(year=2024, month=7, day=20),
    )  # fmt: skip
    assert enrollment.kinds(late) == {"new": 1}


def test_a_person_who_moved_is_the_same_member_at_the_new_unit(office):
    person = a_person()
    old, new = a_zhengzhou_unit("示例旧厂工会"), a_zhengzhou_unit("示例新厂工会")
    an_enrollment(old, **person)
    Edition.update(enrolled_to=None).execute()
    changed = person | {"手机号": "13900009999", "银行卡号": "999912345678901234"}
    roster = a_drafted_roster(
        new, people=[changed], code="zhengzhou-hospital-2023", cover_from=date(2024, 8, 1),
        at=NOW.replace(year=2024, month=7, day=20),
    )  # fmt: skip
    assert "银行卡号与原登记不同" in roster.rows.get().warnings[0]
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=roster.made_at)
    enrollment.approve_roster(
        roster, by=a_user(Role.REVIEWER, at=new.parent), at=roster.made_at + DAY
    )
    member = Member.get()
    assert member.organization == new
    assert member.opened("phone") == "13900009999"
    times = Employment.select().order_by(Employment.id)
    assert [(e.organization_id, e.to_on) for e in times] == [
        (old.id, date(2024, 7, 31)),
        (new.id, None),
    ]


# ── submit, return, withdraw ────────────────────────────────────────────────────────────────


def test_a_faulty_roster_goes_only_clean_or_clean_only(office):
    roster = a_drafted_roster(people=20, faults=3)
    with pytest.raises(Refused, match="还有3行有误"):
        enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    enrollment.submit_roster(roster, clean_only=True, by=roster.made_by, at=NOW)
    enrollment.approve_roster(
        roster, by=a_user(Role.REVIEWER, at=roster.organization.parent), at=NOW
    )
    assert roster.clean_only
    assert Enrollment.counted().count() == 17


def test_a_second_submission_is_lost(office):
    roster = a_drafted_roster()
    same = Roster.get_by_id(roster.id)
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    with pytest.raises(Lost):
        enrollment.submit_roster(same, clean_only=False, by=roster.made_by, at=NOW)
    assert RosterEvent.select().where(RosterEvent.kind == "submitted").count() == 1


def test_a_draft_whose_start_has_passed_is_not_submitted(office):
    roster = a_drafted_roster()
    with pytest.raises(Refused, match="保障开始日已过"):
        enrollment.submit_roster(
            roster, clean_only=False, by=roster.made_by, at=NOW.replace(year=2025, month=1, day=2)
        )


def test_a_returned_roster_is_mended_and_submitted_again(office):
    roster = a_submitted_roster(people=3)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    with pytest.raises(Refused, match="一次写明"):
        enrollment.return_roster(roster, reason=" ", by=reviewer, at=NOW)
    enrollment.return_roster(roster, reason="第3行姓名有误；缺少李某", by=reviewer, at=NOW)
    folder = Path(office.home)
    enrollment.restage_roster(
        roster, kept=kept_in(folder, a_roster_file(4)), folder=folder, by=roster.made_by, at=NOW
    )
    assert (roster.stage, roster.people) == ("draft", 4)
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    kinds = [event.kind for event in roster.events.order_by(RosterEvent.id)]
    assert kinds == ["uploaded", "submitted", "returned", "uploaded", "submitted"]


def test_a_withdrawn_roster_forgets_its_people(office):
    roster = a_submitted_roster()
    enrollment.withdraw_roster(roster, by=roster.made_by, at=NOW)
    assert not roster.rows.exists()
    with pytest.raises(Lost):
        enrollment.withdraw_roster(roster, by=roster.made_by, at=NOW)


# ── approve ─────────────────────────────────────────────────────────────────────────────────


def test_approval_makes_members_certificates_and_dues(office):
    roster = an_approved_roster(people=128)
    assert {due.carrier: due.amount for due in roster.dues} == {
        "unit": 6_400_00, "county": 1_280_00, "city": 2_560_00,
    }  # fmt: skip
    first = Enrollment.get(Enrollment.certificate == "PY2025-0000001")
    assert (first.cover_from, first.cover_to) == (date(2025, 1, 1), date(2025, 12, 31))
    assert first.fee == 80_00
    assert not funding.in_force_on(first, date(2025, 1, 1))
    assert Enrollment.counted().count() == Member.select().count() == 128
    deeds = {event.deed for event in AuditEvent.select()}
    assert {"upload roster", "submit roster", "approve roster", "raise dues"} <= deeds


def test_the_uploader_the_submitter_and_the_unit_itself_cannot_approve(office):
    unit = a_county_unit()
    both = a_user(Role.CLERK, Role.REVIEWER, at=unit.parent)
    roster = a_drafted_roster(unit, by=both)
    enrollment.submit_roster(roster, clean_only=False, by=both, at=NOW)
    colleague = a_user(Role.REVIEWER, at=unit)
    for judge in (both, colleague):
        with pytest.raises(Refused):
            enrollment.approve_roster(roster, by=judge, at=NOW)
        with pytest.raises(Refused):
            enrollment.return_roster(roster, reason="全部重来一遍", by=judge, at=NOW)
    assert Roster.get().stage == "submitted"
    assert not Enrollment.select().exists()


def test_a_second_approval_is_lost(office):
    roster = an_approved_roster()
    stale = Roster.get_by_id(roster.id)
    stale.stage = "submitted"
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    for same in (roster, stale):
        with pytest.raises(Lost):
            enrollment.approve_roster(same, by=reviewer, at=NOW)
    assert Enrollment.select().count() == 3
    assert roster.dues.count() == 3


def test_an_approval_killed_between_chunks_counts_for_nothing_and_continues(office, monkeypatch):
    roster = a_submitted_roster(people=7)
    monkeypatch.setattr(approval, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)
    reviewer = break_off_approval(roster)
    one = Enrollment.select().order_by(Enrollment.certificate).first()
    one.certificate = one.certificate[:-1] + "7"  # as a version that numbered otherwise left it
    one.save()
    first = dict(Enrollment.select(Enrollment.certificate, Enrollment.member).tuples())
    assert len(first) == 3
    assert Enrollment.counted().count() == 0
    again = enrollment.approve_roster(Roster.get_by_id(roster.id), by=reviewer, at=NOW)
    assert Enrollment.counted().count() == Member.select().count() == 7
    assert Employment.select().count() == 7
    numbers = dict(Enrollment.select(Enrollment.certificate, Enrollment.member).tuples())
    assert len(numbers) == 7, "nobody has another's number"
    assert first.items() <= numbers.items()
    assert [number[-1] for number in sorted(numbers)] == list("1234567"), "none is left out"
    assert sum(due.amount for due in again.dues) == 560_00


def test_returning_a_half_approved_roster_leaves_no_enrollment(office, monkeypatch):
    roster = a_submitted_roster(people=4)
    monkeypatch.setattr(approval, "CHUNK", 2)
    reviewer = break_off_approval(roster)
    assert Enrollment.select().count() == 2
    enrollment.return_roster(roster, reason="请核对全部人员", by=reviewer, at=NOW)
    assert not Enrollment.select().exists()


def test_people_covered_meanwhile_stop_the_approval_in_its_last_step(office):
    person, unit = a_person(), a_county_unit("示例甲厂工会")
    roster = a_submitted_roster(unit, people=[person], cover_from=date(2025, 3, 1))
    other = a_drafted_roster(a_county_unit("示例乙厂工会"), cover_from=date(2025, 2, 1))
    reviewer = a_user(Role.REVIEWER, at=unit.parent)
    # As if the same person had been submitted by both in one moment.
    row, mine = other.rows.first(), roster.rows.get()
    same = dict.fromkeys(("phone", "bank_card"), b"") | {"id_index": mine.id_index}
    RosterRow.update(**same).where(RosterRow.id == row.id).execute()
    Roster.update(stage="submitted").where(Roster.id == other.id).execute()
    enrollment.approve_roster(roster, by=reviewer, at=NOW)
    with pytest.raises(Refused, match="有1人已在别处参保"):
        enrollment.approve_roster(Roster.get_by_id(other.id), by=reviewer, at=NOW)
    assert Enrollment.counted().count() == 1
