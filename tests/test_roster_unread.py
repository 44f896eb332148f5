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
from huigong.models import Role, Roster, RosterFile, RosterJob, RosterRow
from huigong.refusals import Lost, Refused
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


def as_it_is(roster):
    """All that is kept of a roster and its rows."""
    rows = RosterRow.select().where(RosterRow.roster == roster).order_by(RosterRow.id)
    return again(roster).__data__, [row.__data__ for row in rows]


def sent_again(app, roster, content, name="名册.xlsx"):
    """Another file for a roster, sent by its clerk."""
    clerk = signed_in(app, roster.made_by)
    sent = {"file": (io.BytesIO(content), name)}
    answer = clerk.send(f"/admin/rosters/{roster.id}/upload", sent)
    database.db.connect(reuse_if_open=True)
    return clerk, answer


def test_a_draft_whose_new_file_is_not_taken_stays_as_it_was(app, office):
    roster = a_drafted_roster(people=3)
    before, page = as_it_is(roster), f"/admin/rosters/{roster.id}"
    clerk, _ = sent_again(app, roster, NO_ROSTER, "名册.csv")
    assert "核对完才替换，下面还是原来的名册" in text(clerk, page)
    assert "提交 3 人" not in text(clerk, page)
    read_all(office)
    assert as_it_is(roster) == before
    said = text(clerk, page)
    assert "新文件没有采用" in said
    assert "找不到" in said
    assert "名册还是原来的" in said
    assert [path.name for path in office.files.iterdir()] == [roster.file]
    assert clerk.send(f"{page}/submit").status_code == 303
    assert "新文件没有采用" not in text(clerk, page)


def test_a_draft_gets_its_new_file_once_that_was_looked_through(app, office):
    roster = a_drafted_roster(people=3)
    sent_again(app, roster, a_roster_file(5), "更正.xlsx")
    assert again(roster).people == 3
    read_all(office)
    now = again(roster)
    assert (now.stage, now.people, now.file_name) == ("draft", 5, "更正.xlsx")
    assert RosterRow.select().count() == 5
    assert [path.name for path in office.files.iterdir()] == [now.file]
    assert not RosterJob.select().exists()
    assert not RosterFile.select().exists()


def stopping(roster, phase):
    def told(now, done, total):
        if now == phase:
            jobs.stop(roster, by=roster.made_by, at=NOW, now=clock.real_now())
            job = jobs.job_of(roster)
            given = {"phase": now, "done": done, "total": total, "now": clock.real_now()}
            holding.beat(job, worker="here", **given)

    return told


def test_a_draft_whose_new_file_is_stopped_or_given_up_stays_as_it_was(app, office):
    stopped, waiting, given_up = (a_drafted_roster(people=3) for _ in range(3))
    before = [as_it_is(roster) for roster in (stopped, waiting, given_up)]
    files = {path.name for path in office.files.iterdir()}
    sent_again(app, stopped, a_roster_file(5))
    work_off(office, told=stopping(stopped, "look"))
    database.db.connect(reuse_if_open=True)
    sent_again(app, given_up, a_roster_file(5))
    for _ in range(3):
        assert jobs.take("gone", now=clock.real_now()) is not None
        RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    assert jobs.take("next", now=clock.real_now()) is None
    clerk, _ = sent_again(app, waiting, a_roster_file(5))
    assert "名册还是原来的" in text(clerk, f"/admin/rosters/{waiting.id}/stop")
    assert clerk.send(f"/admin/rosters/{waiting.id}/stop").status_code == 303
    database.db.connect(reuse_if_open=True)
    assert [as_it_is(roster) for roster in (stopped, waiting, given_up)] == before
    assert jobs.job_of(stopped).refused == jobs.job_of(waiting).refused == jobs.STILL
    assert {path.name for path in office.files.iterdir()} == files


def killed_in(phase):
    def told(now, done, total):
        if now == phase:
            raise KeyboardInterrupt

    return told


@pytest.mark.parametrize("phase", ["look", "stage"])
def test_a_worker_killed_over_a_new_file_is_taken_over_from_and_the_file_read(app, office, phase):
    roster = a_drafted_roster(people=3)
    before = as_it_is(roster)
    sent_again(app, roster, a_roster_file(5))
    with pytest.raises(KeyboardInterrupt):
        work_off(office, told=killed_in(phase))
    database.db.connect(reuse_if_open=True)
    if phase == "look":
        assert as_it_is(roster) == before
    else:
        with pytest.raises(Lost):  # there is nothing to go back to: it is nearly done
            jobs.stop(roster, by=roster.made_by, at=NOW, now=clock.real_now())
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    read_all(office)
    assert (again(roster).stage, again(roster).people) == ("draft", 5)
    assert [path.name for path in office.files.iterdir()] == [again(roster).file]


def test_while_a_new_file_is_looked_through_the_draft_is_not_submitted_nor_sent_another(
    app, office
):
    roster = a_drafted_roster(people=3)
    clerk, _ = sent_again(app, roster, a_roster_file(5))
    with pytest.raises(Refused, match="新上传的文件还在核对"):
        enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    _, answer = sent_again(app, roster, a_roster_file(6))
    assert answer.status_code == 422
    assert "上一份新文件还在核对" in answer.get_data(as_text=True)
    assert clerk.send(f"/admin/rosters/{roster.id}/withdraw").status_code == 303
    database.db.connect(reuse_if_open=True)
    jobs.drop_unread(office.files)
    assert not list(office.files.iterdir())


def test_what_was_returned_still_waits_for_its_clerk_when_the_new_file_is_not_taken(app, office):
    roster = a_submitted_roster()
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    enrollment.return_roster(roster, reason="请更正第3行的身份证号", by=reviewer, at=NOW)
    clerk = signed_in(app, roster.made_by)
    sent = {"file": (io.BytesIO(NO_ROSTER), "名册.csv")}
    clerk.send(f"/admin/rosters/{roster.id}/upload", sent)
    read_all(office)
    assert again(roster).stage == "returned"
    page = text(clerk, f"/admin/rosters/{roster.id}")
    assert f"请{roster.made_by.name}按退回意见更正后重新上传" in page
    assert "请更正第3行的身份证号" in page
    assert "新文件没有采用" in page


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
