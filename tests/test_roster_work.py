"""Big rosters: read, approved and forgotten by a process of its own, which may be killed."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from builders import NOW, a_user, signed_in
from builders_claims import a_member
from builders_enrollment import (
    a_county_unit,
    a_person,
    a_roster_file,
    a_submitted_roster,
    an_id,
    break_off_approval,
    kept_in,
    the_edition,
)
from builders_sheets import with_cells
from test_enrollment_screens import uploaded

from huigong import clock, database
from huigong.admin import background, judging
from huigong.models import Due, Enrollment, Member, Role, Roster, RosterJob, RosterRow
from huigong.refusals import Lost, Refused
from huigong.sheets import reading as sheet_reading
from huigong.uploads import Kept
from huigong.workflows import corrections, enrollment, holding
from huigong.workflows.enrollment import approval, jobs, reading

QUIET = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}


def a_begun_roster(office, content, unit=None):
    """A roster whose file waits to be read in the background."""
    unit = unit or a_county_unit()
    return enrollment.draft_in_background(
        organization=unit, edition=the_edition(unit), cover_from=date(2025, 1, 1),
        rest_by="unit", kept=kept_in(office.files, content), by=a_user(Role.CLERK, at=unit), at=NOW,
    )  # fmt: skip


def work_off(office, **more):
    """One job done in this process, as the worker would; how far it got told in `more`."""
    job = jobs.take("here", now=clock.real_now())
    jobs.work(job, worker="here", folder=office.files, told=more.get("told", reading.quiet))
    return job


def a_worker(office):
    """`huigong roster work` as the web process starts it."""
    command = [sys.executable, "-m", "huigong.cli", "roster", "work"]
    return subprocess.Popen(command, env=background._environment(office), **QUIET)


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def again(roster):
    return Roster.get_by_id(roster.id)


def test_a_roster_read_in_the_background_is_the_one_read_at_once(office):
    content = a_roster_file(people=[*(a_person() for _ in range(9)), a_person(姓名="")])
    roster = a_begun_roster(office, content)
    assert (roster.stage, roster.rows.count()) == ("reading", 0)
    work_off(office)
    roster = again(roster)
    assert (roster.stage, roster.people, roster.faulty) == ("draft", 9, 1)
    assert roster.digest["kinds"] == {"new": 9, "faulty": 1}
    assert roster.digest["faults"] == [["姓名：未填写", 1, ["第12行 姓名：未填写"]]]
    assert not RosterJob.select().exists()


def test_a_file_that_turns_out_to_be_no_roster_leaves_one_sentence_and_no_rows(office):
    roster = a_begun_roster(office, "甲,乙\n1,2\n".encode())
    work_off(office)
    assert "找不到" in jobs.job_of(roster).refused
    assert (again(roster).stage, RosterRow.select().count()) == ("reading", 0)
    assert jobs.take("another", now=clock.real_now()) is None


@pytest.mark.parametrize("damage", ["gone", "cut short", "unsealed"])
def test_a_kept_file_that_does_not_open_is_told_in_one_sentence(office, damage):
    roster = a_begun_roster(office, a_roster_file(3))
    path = office.files / roster.file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut short" else a_roster_file(3))
    work_off(office)
    assert "已打不开，请重新上传" in jobs.job_of(roster).refused
    assert not RosterRow.select().exists()


def blow(signal_number):
    """A `told` that strikes the process that parses the file, once rows are staged."""
    struck = []

    def told(phase, done, total):
        if phase == "stage" and not struck:
            struck.extend(pid for pid in children(os.getpid()) if _parses(pid))
            os.kill(struck[0], signal_number)

    return told


def _parses(pid):
    return b"child.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_parsing_child_that_is_killed_half_way_leaves_no_rows_and_can_be_read_again(office):
    lines = "姓名,身份证号\n" + "".join(f"张三,{an_id()}\n" for _ in range(20_000))
    roster = a_begun_roster(office, lines.encode())
    work_off(office, told=blow(signal.SIGKILL))
    assert "读取文件时被系统中断，请重新上传" in jobs.job_of(roster).refused
    assert (again(roster).stage, RosterRow.select().count()) == ("reading", 0)
    again_sent = {"kept": kept_in(office.files, a_roster_file(3)), "by": roster.made_by, "at": NOW}
    enrollment.restage_in_background(again(roster), **again_sent)
    work_off(office)
    assert (again(roster).stage, again(roster).people) == ("draft", 3)


def test_a_parsing_child_at_its_memory_limit_leaves_one_sentence_and_no_rows(office, monkeypatch):
    monkeypatch.setattr(sheet_reading, "CHILD_MEMORY", 40 * 1024 * 1024)
    noise = random.Random(1).randbytes(400).hex()  # noqa: S311 - of an ordinary ratio
    lines = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{n}{noise}</t></is></c></row>'
        for n in range(1, 20_000)
    )
    roster = a_begun_roster(office, with_cells(lines))
    work_off(office)
    assert "表格内容过大" in jobs.job_of(roster).refused
    assert (again(roster).stage, RosterRow.select().count()) == ("reading", 0)


def test_a_parsing_child_out_of_time_leaves_one_sentence_and_no_rows(office):
    lines = "姓名,身份证号\n" + "".join(f"张三,{an_id()}\n" for _ in range(20_000))
    roster = a_begun_roster(office, lines.encode())
    work_off(office, told=blow(signal.SIGXCPU))  # as its time limit does
    assert "读取超时" in jobs.job_of(roster).refused
    assert (again(roster).stage, RosterRow.select().count()) == ("reading", 0)


def test_reading_that_broke_off_begins_anew(office, monkeypatch):
    roster = a_begun_roster(office, a_roster_file(9))
    monkeypatch.setattr(reading, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)

    def killed(phase, done, total):
        if phase == "stage":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_off(office, told=killed)
    assert RosterRow.select().count() == 3
    assert jobs.take("another", now=clock.real_now()) is None, "its beat is fresh"
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    work_off(office)
    assert (again(roster).stage, again(roster).people) == ("draft", 9)
    assert RosterRow.select().count() == 9


def test_a_job_that_breaks_off_three_times_is_given_up(office):
    roster = a_begun_roster(office, a_roster_file(3))
    for _ in range(3):
        assert jobs.take("gone", now=clock.real_now()) is not None
        RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    assert jobs.take("next", now=clock.real_now()) is None
    assert jobs.job_of(roster).refused == holding.GIVEN_UP


def test_a_worker_that_lost_its_job_stops(office):
    a_begun_roster(office, a_roster_file(3))
    job = jobs.take("first", now=clock.real_now())
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    jobs.take("second", now=clock.real_now())
    with pytest.raises(Lost):
        holding.beat(job, worker="first", phase="stage", done=1, total=3, now=clock.real_now())


def test_a_stopped_reading_keeps_no_names(office, monkeypatch):
    roster = a_begun_roster(office, a_roster_file(9))
    monkeypatch.setattr(reading, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)
    clerk = roster.made_by

    def told(phase, done, total):
        if phase == "stage" and done < 8:
            jobs.stop(roster, by=clerk, at=NOW, now=clock.real_now())
        now = clock.real_now()
        holding.beat(
            jobs.job_of(roster), worker="here", phase=phase, done=done, total=total, now=now
        )

    work_off(office, told=told)
    assert jobs.job_of(roster).refused == jobs.STOPPED
    assert RosterRow.select().count() == 0


def test_a_job_nobody_works_on_stops_at_once(office):
    roster = a_begun_roster(office, a_roster_file(3))
    jobs.stop(roster, by=roster.made_by, at=NOW, now=clock.real_now())
    assert jobs.job_of(roster).refused == jobs.STOPPED
    with pytest.raises(Lost):
        jobs.stop(roster, by=roster.made_by, at=NOW, now=clock.real_now())


def test_a_roster_approved_in_the_background_goes_on_where_it_stopped(office, monkeypatch):
    roster = a_submitted_roster(people=7)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    monkeypatch.setattr(approval, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)
    job = enrollment.approve_in_background(roster, by=reviewer, at=NOW)
    assert enrollment.approve_in_background(roster, by=reviewer, at=NOW) == job

    def killed(phase, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_off(office, told=killed)
    assert (Enrollment.select().count(), Enrollment.counted().count()) == (3, 0)
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    work_off(office)
    assert (again(roster).stage, again(roster).approved_by) == ("approved", reviewer)
    assert Enrollment.counted().count() == Member.select().count() == 7
    assert sum(due.amount for due in Due.select()) == 560_00


def test_who_may_not_approve_may_not_ask_for_it(office):
    roster = a_submitted_roster()
    with pytest.raises(Refused, match="不能是同一人"):
        enrollment.approve_in_background(roster, by=roster.made_by, at=NOW)


def test_a_killed_worker_is_replaced_and_the_roster_read(office):
    roster = a_begun_roster(office, a_roster_file(400))
    first = a_worker(office)
    deadline = time.monotonic() + 30
    while not (jobs.job_of(roster) and jobs.job_of(roster).worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    if again(roster).stage == "reading":  # it may have been quicker than the kill
        RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
        assert a_worker(office).wait(timeout=60) == 0
    assert (again(roster).stage, again(roster).people) == ("draft", 400)
    assert not RosterJob.select().exists()


def test_two_workers_share_what_waits(office):
    rosters = [a_begun_roster(office, a_roster_file(40)) for _ in range(4)]
    assert [worker.wait(timeout=60) for worker in [a_worker(office), a_worker(office)]] == [0, 0]
    assert {again(roster).stage for roster in rosters} == {"draft"}
    assert RosterRow.select().count() == 160


def test_a_withdrawn_city_is_forgotten_by_the_worker(office, monkeypatch):
    roster = a_submitted_roster(people=9)
    monkeypatch.setattr("huigong.workflows.enrollment.rosters.AT_ONCE", 5)
    enrollment.withdraw_roster(roster, by=roster.made_by, at=NOW)
    assert jobs.job_of(roster).kind == "forget"
    work_off(office)
    assert not RosterRow.select().exists()
    assert not RosterJob.select().exists()


def test_a_roster_that_a_worker_approves_is_not_withdrawn_until_that_is_stopped(
    app, office, monkeypatch, no_worker
):
    monkeypatch.setattr(judging, "APPROVED_AT_ONCE", 5)
    monkeypatch.setattr(approval, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)
    roster = a_submitted_roster(people=9)
    known = a_member(roster.organization)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    clerk, judge = signed_in(app, roster.made_by), signed_in(app, reviewer)
    page = f"/admin/rosters/{roster.id}"
    assert judge.send(f"{page}/approve").status_code == 303
    told = []

    def in_the_midst(phase, done, total):
        if (phase, done) == ("enroll", 6):
            told.append((Member.select().count(), RosterJob.get().phase))
            assert "withdraw" not in clerk.get(page).text
            for who, way in ((clerk, "withdraw"), (judge, "return")):
                answer = who.send(f"{page}/{way}", {"reason": "请补充证明"})
                assert answer.status_code == 422
                assert "正在批准这份名册，现在不能撤回或退回" in answer.text
            assert judge.send(f"{page}/stop").status_code == 303
            database.db.connect(reuse_if_open=True)
            raise holding.Stopped

    work_off(office, told=in_the_midst)
    database.db.connect(reuse_if_open=True)
    assert told[0][0] == 7
    assert list(Member.select()) == [known], "who was made for it is gone with its enrollments"
    assert RosterRow.select().count() == 9
    assert clerk.send(f"{page}/withdraw").status_code == 303
    database.db.connect(reuse_if_open=True)
    assert again(roster).stage == "withdrawn"
    assert not Enrollment.select().exists()
    assert not RosterRow.select().exists()


def test_what_an_approval_that_broke_off_made_goes_but_for_whom_somebody_dealt_with(office):
    roster = a_submitted_roster(people=3)
    reviewer = break_off_approval(roster)
    named, phoned, _ = Member.select().order_by(Member.id)
    corrections.correct_member(phoned, phone="13900000001", by=roster.made_by, at=NOW)
    corrections.ask_id_correction(
        named, resident_id=an_id(), reason="录错", proof=Kept("a" * 32, "证明.pdf", 9, "f" * 64),
        by=roster.made_by, at=NOW,
    )  # fmt: skip
    enrollment.return_roster(roster, reason="请补充证明", by=reviewer, at=NOW)
    assert {m.id for m in Member.select()} == {named.id, phoned.id}
    assert not Enrollment.select().exists()


# ── the screens ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def no_worker(monkeypatch):
    """The page's wish for a worker noted instead of granted."""
    asked = []
    monkeypatch.setattr(background, "start_worker", asked.append)
    return asked


def test_a_big_upload_answers_at_once_and_the_page_follows(app, office, monkeypatch, no_worker):
    monkeypatch.setattr(background, "READ_AT_ONCE", 100)
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    answer = uploaded(clerk, unit, a_roster_file(9))
    assert answer.status_code == 303
    page = clerk.get(answer.location).get_data(as_text=True)
    assert "等待处理" in page
    assert "读取未完成" not in page
    assert "正在读取" in clerk.get("/admin/rosters").get_data(as_text=True)
    assert 'hx-trigger="every 2s"' in page
    assert no_worker == [office]
    work_off(office)
    database.db.connect(reuse_if_open=True)
    asked = clerk.get(answer.location, headers={"HX-Request": "true", "HX-Target": "work"})
    assert asked.headers["HX-Refresh"] == "true"
    assert "提交 9 人" in asked.get_data(as_text=True)


def test_a_small_file_that_unpacks_to_a_big_one_is_read_in_the_background(
    app, office, monkeypatch, no_worker
):
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    content = a_roster_file(3)
    monkeypatch.setattr(background, "UNPACKED_AT_ONCE", 2 * len(content))
    answer = uploaded(clerk, unit, content)
    assert "等待处理" in clerk.get(answer.location).get_data(as_text=True)


def test_the_clerk_stops_a_reading_on_a_page_of_its_own(app, office, monkeypatch, no_worker):
    monkeypatch.setattr(background, "READ_AT_ONCE", 100)
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    address = uploaded(clerk, unit, a_roster_file(9)).location
    assert "会被删除" in clerk.get(f"{address}/stop").get_data(as_text=True)
    clerk.send(f"{address}/stop")
    asked = clerk.get(address, headers={"HX-Request": "true", "HX-Target": "work"})
    assert asked.headers["HX-Refresh"] == "true", "the whole page says what is next"
    page = asked.get_data(as_text=True)
    assert jobs.STOPPED in page
    assert "没有要办的事" in page
    assert "重新上传" in page
    assert "没有可以停止的处理" in clerk.get(f"{address}/stop").get_data(as_text=True)


def test_a_reviewer_approves_a_big_roster_and_it_goes_on_without_them(
    app, office, monkeypatch, no_worker
):
    monkeypatch.setattr(judging, "APPROVED_AT_ONCE", 2)
    roster = a_submitted_roster(people=3)
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=roster.organization.parent))
    answer = reviewer.send(f"/admin/rosters/{roster.id}/approve")
    assert answer.status_code == 303
    page = reviewer.get(answer.location).get_data(as_text=True)
    assert "等待处理" in page
    assert "正在批准" in page
    assert "批准…" not in page
    work_off(office)
    database.db.connect(reuse_if_open=True)
    assert "已批准" in reviewer.get(answer.location).get_data(as_text=True)


def test_the_page_asks_for_a_worker_when_the_last_one_is_gone(app, office, no_worker):
    roster = a_begun_roster(office, a_roster_file(3))
    clerk = signed_in(app, roster.made_by)
    jobs.take("gone", now=clock.real_now())
    clerk.get(f"/admin/rosters/{roster.id}")
    assert no_worker == []
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    clerk.get(f"/admin/rosters/{roster.id}")
    assert no_worker == [office]
