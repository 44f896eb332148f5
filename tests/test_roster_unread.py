"""A big roster's file that was not taken: its sentence stays, and nobody has to tend it."""

import io
import re
from datetime import timedelta

import pytest
from builders import NOW, a_unit, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_roster_file,
    a_submitted_roster,
    an_approved_roster,
)
from test_enrollment_screens import uploaded
from test_movements import merged
from test_roster_work import a_begun_roster, a_worker, again, no_worker, work_off

from huigong import clock, database
from huigong.admin import background
from huigong.models import Role, Roster, RosterJob, RosterRow
from huigong.refusals import Refused
from huigong.workflows import enrollment, holding, verification
from huigong.workflows.enrollment import jobs, renewal

__all__ = ["no_worker"]
NO_ROSTER = "甲,乙\n1,2\n".encode()


@pytest.fixture(autouse=True)
def everything_is_big(monkeypatch, no_worker):
    """Every file is read in the background, by `work_off`."""
    monkeypatch.setattr(background, "READ_AT_ONCE", 0)


def read_all(office):
    while jobs.is_waiting(now=clock.real_now()):
        work_off(office)
    database.db.connect(reuse_if_open=True)


def text(client, address):
    return client.get(address).get_data(as_text=True)


def test_a_file_that_was_not_taken_waits_for_nobody_and_is_given_up_in_one_click(app, office):
    unit = a_county_unit()
    clerk = a_user(Role.CLERK, at=unit)
    address = uploaded(signed_in(app, clerk), unit, NO_ROSTER).location
    read_all(office)
    later = signed_in(app, clerk)  # the browser was closed meanwhile
    page = text(later, address)
    assert "找不到" in page
    assert "没有要办的事" in page
    assert "重新上传" in page
    assert "份名册" not in text(later, "/admin/")
    assert "文件没有采用" in text(later, "/admin/rosters")
    assert not list(office.files.iterdir())
    assert verification.findings(office.files) == []
    action = re.search(
        r'<form method="post" action="([^"]+)"[^>]*>(?:(?!</form>).)*放弃', page, re.S
    )
    assert later.send(action[1]).status_code == 303
    assert Roster.get().stage == "withdrawn"
    assert not RosterJob.select().exists()
    assert "文件没有采用" not in text(later, "/admin/rosters")


def test_the_right_file_sent_after_the_wrong_one_makes_the_draft(app, office):
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    address = uploaded(clerk, unit, NO_ROSTER).location
    read_all(office)
    sent = {"file": (io.BytesIO(a_roster_file(3)), "名册.xlsx")}
    assert clerk.send(f"{address}/upload", sent).status_code == 303
    assert "正在读取" in text(clerk, "/admin/rosters")
    assert "份名册" not in text(clerk, "/admin/"), "it is being read: nobody has to do anything"
    read_all(office)
    page = text(clerk, address)
    assert "提交 3 人" in page
    assert "放弃" not in page
    assert "份名册待核对提交" in text(clerk, "/admin/")
    assert len(list(office.files.iterdir())) == 1


def test_a_draft_whose_new_file_was_not_taken_shows_none_of_the_old_people(app, office):
    roster = a_drafted_roster(people=3)
    clerk = signed_in(app, roster.made_by)
    sent = {"file": (io.BytesIO(NO_ROSTER), "名册.csv")}
    clerk.send(f"/admin/rosters/{roster.id}/upload", sent)
    read_all(office)
    now = again(roster)
    assert (now.people, now.total, now.split, now.digest) == (0, 0, [], {})
    assert not RosterRow.select().exists()
    assert "份名册" not in text(clerk, "/admin/")


def test_what_was_returned_still_waits_for_its_clerk_when_the_new_file_is_not_taken(app, office):
    roster = a_submitted_roster()
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    enrollment.return_roster(roster, reason="请更正第3行的身份证号", by=reviewer, at=NOW)
    clerk = signed_in(app, roster.made_by)
    sent = {"file": (io.BytesIO(NO_ROSTER), "名册.csv")}
    clerk.send(f"/admin/rosters/{roster.id}/upload", sent)
    read_all(office)
    assert "份名册没有读完，待重新上传" in text(clerk, "/admin/")
    assert f"请{roster.made_by.name}更正后重新上传" in text(clerk, f"/admin/rosters/{roster.id}")


def test_a_reading_that_nobody_does_any_more_waits_for_its_clerk(app, office):
    roster = a_begun_roster(office, a_roster_file(3))
    RosterJob.delete().execute()  # as a reading at once that was killed leaves it
    clerk = signed_in(app, roster.made_by)
    assert "份名册没有读完，待重新上传" in text(clerk, "/admin/")
    assert "读取未完成" in text(clerk, "/admin/rosters")


def test_a_file_that_was_stopped_or_given_up_is_forgotten_and_no_other(app, office):
    stopped, given_up = (a_begun_roster(office, a_roster_file(3)) for _ in range(2))
    draft = a_drafted_roster()
    kept = {roster.file: office.files / roster.file for roster in (stopped, given_up, draft)}
    kept[draft.file].write_bytes(b"x")
    signed_in(app, stopped.made_by).send(f"/admin/rosters/{stopped.id}/stop")
    assert [path.exists() for path in kept.values()] == [False, True, True]
    RosterJob.update(tries=3).where(RosterJob.roster == given_up).execute()
    worker = a_worker(office)
    assert worker.wait(60) == 0
    assert jobs.job_of(given_up).refused == holding.GIVEN_UP
    assert [path.exists() for path in kept.values()] == [False, False, True]


def why_not_merged(unit):
    with pytest.raises(Refused) as refused:
        merged(unit, a_unit(unit.parent))
    return str(refused.value)


def test_a_file_that_was_not_taken_stands_in_the_way_of_no_merge_and_no_renewal(office):
    first = an_approved_roster(people=1)
    unit, scheme, day = first.organization, first.edition.scheme, first.cover_to
    begun = a_begun_roster(office, NO_ROSTER, unit)
    Roster.update(cover_from=day + timedelta(days=1)).where(Roster.id == begun.id).execute()
    [ending] = renewal.endings([unit.id], day)
    assert ending.open_roster == begun, f"of {scheme.name}, being read"
    assert renewal.people_ending([unit.id], day, most=9) == 0
    assert "正在读取" in why_not_merged(unit)
    read_all(office)
    [ending] = renewal.endings([unit.id], day)
    assert ending.open_roster is None
    assert renewal.people_ending([unit.id], day, most=9) == 1
    assert "正在读取" not in why_not_merged(unit)
