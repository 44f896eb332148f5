"""Openings at the size of a city: checked and booked by the worker, which may be killed."""

import io
import subprocess
import sys
from datetime import timedelta

import pytest
from builders import NOW, a_user, signed_in
from builders_enrollment import kept_in
from test_opening import a_cover, a_payment, keep, the_city, workbook

from huigong import clock, database, identity
from huigong.admin import background
from huigong.models import Enrollment, Opening, OpeningJob, Payment, Role, Roster
from huigong.refusals import Lost, Refused
from huigong.workflows import agreement, holding
from huigong.workflows.enrollment import jobs, opening, opening_jobs, reading

screens = sys.modules["huigong.admin.opening"]
UNKNOWN = identity.complete_id("41019919800506001")  # of a region in no list


@pytest.fixture
def city(office):
    return the_city()


def begun(city, folder, rows, kind="covers"):
    return opening_jobs.keep_in_background(
        city, kind=kind, kept=kept_in(folder, workbook(kind, rows), "期初.xlsx"),
        by=a_user(Role.ADMINISTRATOR, at=city), at=NOW,
    )  # fmt: skip


def work_off(folder, told=reading.quiet):
    job = opening_jobs.take("here", now=clock.real_now())
    opening_jobs.work(job, worker="here", folder=folder, told=told)


def grow_old():
    OpeningJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()


def again(kept):
    return Opening.get_by_id(kept.id)


def killed_in(phase, at=0):
    def told(now, done, total):
        if now == phase and done >= at:
            raise KeyboardInterrupt

    return told


def test_a_workbook_checked_in_the_background_is_the_one_checked_at_once(city, tmp_path):
    kept = begun(city, tmp_path, [a_cover(), a_cover()])
    assert (kept.stage, kept.rows) == ("reading", 0)
    with pytest.raises(Lost):
        opening_jobs.book_in_background(kept, by=a_user(Role.ADMINISTRATOR, at=city), at=NOW)
    work_off(tmp_path)
    assert (again(kept).stage, again(kept).rows, again(kept).amount) == ("checked", 2, 150_00)
    assert not OpeningJob.select().exists()


def test_a_wrong_workbook_leaves_its_faults_and_nothing_else(city, tmp_path):
    kept = begun(city, tmp_path, [a_cover(单位="无"), a_cover(), a_cover(自筹由谁承担="邻居")])
    work_off(tmp_path)
    job = opening_jobs.job_of(kept)
    assert [fault[:3] for fault in job.faults] == ["第3行", "第5行"]
    assert again(kept).stage == "withdrawn"
    assert not Enrollment.select().exists()
    assert opening_jobs.is_absent(kept.id)


def test_a_check_and_a_booking_that_broke_off_are_taken_over(city, tmp_path):
    kept = begun(city, tmp_path, [a_cover(), a_cover(保障开始日="2023-12-22")])
    with pytest.raises(KeyboardInterrupt):
        work_off(tmp_path, killed_in("check"))
    assert opening_jobs.take("next", now=clock.real_now()) is None, "its beat is fresh"
    grow_old()
    work_off(tmp_path)
    by = a_user(Role.ADMINISTRATOR, at=city)
    job = opening_jobs.book_in_background(again(kept), by=by, at=NOW)
    assert opening_jobs.book_in_background(again(kept), by=by, at=NOW) == job
    with pytest.raises(KeyboardInterrupt):
        work_off(tmp_path, killed_in("book", 1))
    assert again(kept).stage == "checked"
    grow_old()
    work_off(tmp_path)
    assert (again(kept).stage, Enrollment.counted().count()) == ("booked", 2)
    assert agreement.disagreements() == []


def test_a_stopped_check_is_absent_and_a_stopped_booking_goes_on_later(city, tmp_path):
    by = a_user(Role.ADMINISTRATOR, at=city)

    def told(phase, done, total):
        job = OpeningJob.get()
        if phase == "check" or done:
            opening_jobs.stop(job.opening, by=by, at=NOW, now=clock.real_now())
        holding.beat(job, worker="here", phase=phase, done=done, total=total, now=clock.real_now())

    rows = [a_cover(), a_cover(保障开始日="2023-12-22")]
    kept = begun(city, tmp_path, rows)
    work_off(tmp_path, told)
    assert (again(kept).stage, opening_jobs.job_of(kept).refused) == ("withdrawn", jobs.STOPPED)
    kept = begun(city, tmp_path, rows)
    work_off(tmp_path)
    OpeningJob.delete().execute()
    opening_jobs.book_in_background(again(kept), by=by, at=NOW)
    OpeningJob.update(phase="book").execute()

    def after_one(phase, done, total):
        if phase == "book" and done:
            told(phase, done, total)

    work_off(tmp_path, after_one)
    assert again(kept).stage == "checked"
    opening_jobs.book_in_background(again(kept), by=by, at=NOW)
    work_off(tmp_path)
    assert Enrollment.counted().count() == 2


def test_who_kept_it_does_not_have_it_booked_and_what_is_tried_thrice_is_given_up(city, tmp_path):
    kept = begun(city, tmp_path, [a_cover()])
    for _ in range(3):
        assert opening_jobs.take("gone", now=clock.real_now()) is not None
        grow_old()
    assert opening_jobs.take("next", now=clock.real_now()) is None
    assert opening_jobs.job_of(kept).refused == holding.GIVEN_UP
    other = begun(city, tmp_path, [a_cover()])
    work_off(tmp_path)
    with pytest.raises(Refused, match="上传人以外"):
        opening_jobs.book_in_background(again(other), by=other.by, at=NOW)


def test_a_big_opening_goes_through_its_pages_and_the_worker(app, office, city, monkeypatch):
    asked = []
    monkeypatch.setattr(background, "start_worker", asked.append)
    monkeypatch.setattr(background, "READ_AT_ONCE", 100)
    monkeypatch.setattr(screens, "BOOKED_AT_ONCE", 0)
    admin, other = (signed_in(app, a_user(Role.ADMINISTRATOR, at=city)) for _ in range(2))

    def sent(kind, rows):
        file = (io.BytesIO(workbook(kind, rows)), "a.xlsx")
        return admin.send("/admin/opening/new", {"kind": kind, "file": file}).location

    def worked():
        command = [sys.executable, "-m", "huigong.cli", "roster", "work"]
        assert subprocess.run(command, env=background._environment(office)).returncode == 0
        database.db.connect(reuse_if_open=True)

    wrong = sent("covers", [a_cover(单位="无")])
    assert 'hx-trigger="every 2s"' in admin.get(wrong).get_data(as_text=True)
    assert asked == [office]
    worked()
    page = admin.get(wrong, headers={"HX-Request": "true", "HX-Target": "work"})
    assert page.headers["HX-Refresh"] == "true"
    assert "第3行" in page.get_data(as_text=True)
    for kind, row in (("covers", a_cover()), ("payments", a_payment())):
        there = sent(kind, [row])
        worked()
        assert "正在校对" not in admin.get(there).get_data(as_text=True)
        assert other.send(f"{there}/book").status_code == 303
        assert "等待处理" in other.get(there).get_data(as_text=True)
        worked()
        assert "已入账" in other.get(there).get_data(as_text=True)
    assert (Enrollment.counted().count(), Payment.select().count()) == (1, 1)
    there = sent("covers", [a_cover()])
    assert admin.send(f"{there}/stop").status_code == 303
    assert jobs.STOPPED in admin.get(there).get_data(as_text=True)
    assert admin.send(f"{there}/withdraw").status_code == 303


@pytest.mark.parametrize("background", [False, True])
def test_what_is_worth_a_second_look_is_shown_until_it_is_booked(app, city, tmp_path, background):
    rows = [a_cover(), a_cover(身份证号=UNKNOWN)]
    if background:
        kept = begun(city, tmp_path, rows)
        work_off(tmp_path)
    else:
        kept = keep(city, "covers", rows, tmp_path)
    assert opening_jobs.take("next", now=clock.real_now()) is None, "nobody works on doubts"
    assert not opening_jobs.is_waiting(now=clock.real_now())
    by = a_user(Role.ADMINISTRATOR, at=city)
    page = signed_in(app, by).get(f"/admin/opening/{kept.id}").get_data(as_text=True)
    assert "有 1 处需要再看一眼" in page
    assert f"第4行 {rows[1]['姓名']}：身份证号前6位“410199”不在1980年以来" in page
    opening.book_opening(again(kept), folder=tmp_path, by=by, at=NOW)
    assert not OpeningJob.select().exists()
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=city))
    roster = reviewer.get(f"/admin/rosters/{Roster.get().id}?kind=warned").get_data(as_text=True)
    assert "1 人需要再看一眼" in roster
    assert "“410199”" in roster
