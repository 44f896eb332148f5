"""An operator's files at the size of a city: written, read and taken by the worker, which may be
killed."""

import io
import subprocess
import sys
from datetime import date, timedelta

import pytest
from builders import NOW, a_city, a_user, signed_in
from builders_enrollment import a_county_unit, an_approved_roster, kept_in
from builders_operator import TITLES, a_book, a_sent_claim, out_of, scheme_of, the_rows

from huigong import clock, database, uploads
from huigong.admin import background
from huigong.admin.operator import sending
from huigong.models import AuditEvent, OperatorAnswer, OperatorFile, OperatorJob, Role
from huigong.refusals import Lost, Refused
from huigong.workflows import holding, operator
from huigong.workflows.enrollment import reading
from huigong.workflows.operator import answers, covers, jobs

FIRST, LAST = date(2024, 12, 1), date(2024, 12, 31)


@pytest.fixture
def roster(office):
    return an_approved_roster(a_county_unit("示例单位"), people=5)


@pytest.fixture
def scheme(roster):
    return roster.edition.scheme


def asked(scheme):
    by = a_user(Role.REVIEWER, at=scheme.organization)
    return jobs.write_in_background(scheme, first=FIRST, last=LAST, by=by, at=NOW)


def an_answer_of(roster, *, wrong=0):
    """The operator's answer about everybody: the first is not insured; some nobody knows."""
    rows = [["身份证号", "结果", "原因"]]
    for place, cover in enumerate(roster.enrollments):
        said = ["拒保", "年龄不符"] if place == 0 else ["承保", ""]
        rows.append([cover.member.opened("resident_id"), *said])
    rows += [[f"没有这个人{number}", "承保", ""] for number in range(wrong)]
    return a_book(rows)


def uploaded(office, scheme, content, kind="covers"):
    by = a_user(Role.FINANCE, at=scheme.organization)
    kept = kept_in(office.files, content, "回执.xlsx")
    return jobs.read_in_background(scheme, kind, kept=kept, by=by, at=NOW)


def work_off(office, told=reading.quiet):
    job = jobs.take("here", now=clock.real_now())
    jobs.work(job, worker="here", folder=office.files, told=told)


def grow_old():
    OperatorJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()


def again(file):
    return OperatorFile.get_by_id(file.id)


def take(file, clean=False):
    by = a_user(Role.FINANCE, at=file.organization)
    jobs.take_in_background(again(file), clean_only=clean, by=by, at=NOW)


def killed_in(phase, at=0):
    def told(now, done, total):
        if now == phase and done >= at:
            raise KeyboardInterrupt

    return told


def stopped_in(file, phase):
    def told(now, done, total):
        if now == phase:
            jobs.stop(file, by=file.by, at=NOW, now=clock.real_now())
            holding.beat(
                jobs.job_of(file), worker="here", phase=now, done=done, total=total,
                now=clock.real_now(),
            )  # fmt: skip

    return told


def files_in(office):
    return {path.name for path in office.files.glob("*")}


def test_a_file_written_in_the_background_is_the_one_written_at_once(office, scheme):
    file = asked(scheme)
    assert (file.stage, file.file, file.rows) == ("writing", "", 0)
    work_off(office)
    by = a_user(Role.REVIEWER, at=scheme.organization)
    at_once = operator.send_covers(
        scheme, first=FIRST, last=LAST, folder=office.files, by=by, at=NOW
    )
    made = again(file)
    assert out_of(office, made) == out_of(office, at_once)
    assert len(out_of(office, made)) == 6
    assert (made.stage, made.rows, made.file_name) == ("sent", 5, at_once.file_name)
    assert AuditEvent.select().where(AuditEvent.deed == "export for operator").count() == 2
    assert not OperatorJob.select().exists()


def test_days_without_anybody_are_refused_before_a_worker_is_asked(office, scheme):
    by = a_user(Role.REVIEWER, at=scheme.organization)
    for first, last in ((date(2020, 1, 1), date(2020, 2, 1)), (LAST, FIRST)):
        with pytest.raises(Refused):
            jobs.write_in_background(scheme, first=first, last=last, by=by, at=NOW)
    assert not OperatorFile.select().exists()


def test_writing_that_broke_off_begins_anew_and_leaves_nothing_behind(office, scheme, monkeypatch):
    monkeypatch.setattr(covers, "CHUNK", 2)
    before, file = files_in(office), asked(scheme)
    with pytest.raises(KeyboardInterrupt):
        work_off(office, killed_in("write", 2))
    assert files_in(office) == before
    assert jobs.take("next", now=clock.real_now()) is None, "its beat is fresh"
    grow_old()
    work_off(office)
    assert len(out_of(office, again(file))) == 6


def test_stopped_writing_leaves_its_sentence_and_no_file(office, scheme):
    before, file = files_in(office), asked(scheme)
    work_off(office, stopped_in(file, "write"))
    assert (again(file).stage, again(file).file) == ("unwritten", "")
    assert jobs.job_of(file).refused == jobs.STOPPED["write"]
    assert files_in(office) == before
    nobodys = asked(scheme)
    jobs.stop(nobodys, by=nobodys.by, at=NOW, now=clock.real_now())
    assert again(nobodys).stage == "unwritten"
    assert not jobs.is_waiting(now=clock.real_now())
    with pytest.raises(Lost):
        jobs.stop(nobodys, by=nobodys.by, at=NOW, now=clock.real_now())


def test_a_writer_that_another_worker_took_over_from_leaves_no_second_file(office, scheme):
    before, file = files_in(office), asked(scheme)

    def taken_over(phase, done, total):
        if not done:
            OperatorJob.update(worker="another").execute()

    work_off(office, taken_over)
    assert again(file).stage == "writing"
    assert files_in(office) == before
    assert jobs.job_of(file).worker == "another"


def test_what_is_tried_thrice_is_given_up_and_its_file_forgotten(office, roster, scheme):
    before = files_in(office)
    wrote, read = asked(scheme), uploaded(office, scheme, an_answer_of(roster))
    for _ in range(6):
        assert jobs.take("gone", now=clock.real_now()) is not None
        grow_old()
    assert jobs.take("next", now=clock.real_now()) is None
    assert [again(file).stage for file in (wrote, read)] == ["unwritten", "unread"]
    assert jobs.job_of(read).refused == jobs.GIVEN_UP
    jobs.drop_unread(office.files)
    assert files_in(office) == before


def test_an_answer_is_read_and_taken_in_the_background(office, roster, scheme):
    file = uploaded(office, scheme, an_answer_of(roster))
    assert file.stage == "reading"
    with pytest.raises(Lost):
        take(file)
    work_off(office)
    found = answers.Found(**jobs.job_of(file).found)
    shown = operator.preview(again(file), folder=office.files, on=NOW.date())
    assert found == operator.summed_up(shown)
    assert (found.fresh, found.counts) == (5, [["承保", 4], ["未承保", 1]])
    assert not jobs.is_waiting(now=clock.real_now()), "nobody works on what was found"
    take(file)
    take(file)
    work_off(office)
    assert (again(file).stage, again(file).rows) == ("taken", 5)
    accepted, rejected = operator.answered(roster)
    assert (accepted, [row.reason for row in rejected]) == (4, ["年龄不符"])
    assert not OperatorJob.select().exists()


def test_faulty_rows_come_back_in_the_operators_workbook_until_the_others_are_taken(
    office, roster, scheme
):
    file = uploaded(office, scheme, an_answer_of(roster, wrong=2))
    work_off(office)
    job = jobs.job_of(file)
    assert job.found["faulty"] == 2
    with uploads.open_kept(office.files, job.marked) as book:
        rows = the_rows(book)
    assert [row[3] for row in rows[-2:]] == ["没有对应的参保：请核对身份证号或凭证号"] * 2
    with pytest.raises(Refused, match="有 2 行需要更正"):
        take(file)
    take(file, clean=True)
    work_off(office)
    assert OperatorAnswer.select().count() == 5
    assert not (office.files / job.marked).exists()


@pytest.mark.parametrize("damage", ["no answer", "gone"])
def test_what_is_no_answer_leaves_one_sentence_and_no_file(office, roster, scheme, damage):
    before = files_in(office)
    content = a_book([["甲", "乙"], [1, 2]]) if damage == "no answer" else an_answer_of(roster)
    file = uploaded(office, scheme, content)
    if damage == "gone":
        (office.files / file.file).unlink()
    work_off(office)
    said = "没有找到“身份证号”" if damage == "no answer" else jobs.LOST
    assert jobs.job_of(file).refused.startswith(said)
    assert (again(file).stage, again(file).file) == ("unread", "")
    assert files_in(office) == before


def test_a_taking_that_broke_off_is_taken_on_and_each_row_once(office, roster, scheme, monkeypatch):
    monkeypatch.setitem(answers._SOME, "covers", 2)
    file = uploaded(office, scheme, an_answer_of(roster))
    work_off(office)
    take(file)
    with pytest.raises(KeyboardInterrupt):
        work_off(office, killed_in("take"))
    assert OperatorAnswer.select().count() == 2
    grow_old()
    work_off(office)
    assert OperatorAnswer.select().count() == again(file).rows == 5


def test_a_stopped_taking_keeps_what_was_taken_and_goes_on_later(
    office, roster, scheme, monkeypatch
):
    monkeypatch.setitem(answers._SOME, "covers", 2)
    file = uploaded(office, scheme, an_answer_of(roster))
    work_off(office)
    take(file)
    work_off(office, stopped_in(file, "take"))
    assert (again(file).stage, again(file).rows) == ("kept", 2)
    assert jobs.job_of(file).refused == jobs.STOPPED["take"]
    take(file)
    work_off(office)
    assert (again(file).stage, OperatorAnswer.select().count()) == ("taken", 5)


def test_an_answer_about_claims_is_read_by_the_worker_too(office):
    claim, _ = a_sent_claim(office)
    scheme = scheme_of(claim)
    paid = [claim.number, "已支付", "6018.60", "ZF20241216001", "2024-12-16", ""]
    file = uploaded(office, scheme, a_book([TITLES, paid]), "claims")
    work_off(office)
    take(file)
    work_off(office)
    assert jobs.job_of(file) is None
    assert (again(file).stage, again(file).amount) == ("taken", 6018_60)


def test_who_sent_the_claims_is_told_that_somebody_else_takes_the_answer(office):
    claim, sending = a_sent_claim(office)
    paid = [claim.number, "已支付", "6018.60", "ZF20241216001", "2024-12-16", ""]
    file = uploaded(office, scheme_of(claim), a_book([TITLES, paid]), "claims")
    work_off(office)
    jobs.take_in_background(again(file), clean_only=False, by=sending.file.by, at=NOW)
    work_off(office)
    assert jobs.job_of(file).refused
    assert again(file).stage == "kept"


# ── the screens ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def no_worker(monkeypatch):
    """The page's wish for a worker noted instead of granted."""
    wished = []
    monkeypatch.setattr(background, "start_worker", wished.append)
    return wished


def written_by(client, scheme):
    days = {"first": str(FIRST), "last": str(LAST)}
    return client.send(f"/admin/operator/{scheme.id}/covers/out", days).location


def test_a_big_export_answers_at_once_and_its_page_follows(
    app, office, scheme, monkeypatch, no_worker
):
    monkeypatch.setattr(sending, "WRITTEN_AT_ONCE", 4)
    client = signed_in(app, a_user(Role.REVIEWER, at=scheme.organization))
    page = written_by(client, scheme)
    body = client.get(page).get_data(as_text=True)
    assert "等待处理" in body
    assert 'hx-trigger="every 2s"' in body
    assert "停止后不生成文件" in body
    assert "下载文件" not in body
    assert no_worker, "the page asks for a worker"
    database.db.connect(reuse_if_open=True)
    OperatorJob.update(phase="write", done=2, total=5).execute()
    body = client.get(page).get_data(as_text=True)
    assert "正在写文件" in body
    assert "2 / 5 行" in body
    database.db.connect(reuse_if_open=True)
    work_off(office)
    answer = client.get(page, headers={"HX-Request": "true", "HX-Target": "work"})
    assert answer.headers["HX-Refresh"] == "true"
    body = client.get(page).get_data(as_text=True)
    assert "下载文件" in body
    assert "停止处理" not in body


def test_a_stopped_export_says_so_and_hands_nothing_over(
    app, office, scheme, monkeypatch, no_worker
):
    monkeypatch.setattr(sending, "WRITTEN_AT_ONCE", 4)
    client = signed_in(app, a_user(Role.REVIEWER, at=scheme.organization))
    page = written_by(client, scheme)
    assert client.send(f"{page}/stop").status_code == 303
    body = client.get(page).get_data(as_text=True)
    assert "文件没有生成" in body
    assert jobs.STOPPED["write"] in body
    assert client.send(f"{page}/download").status_code == 404


def test_a_big_answer_is_looked_through_and_taken_on_its_page(
    app, office, roster, scheme, monkeypatch, no_worker
):
    monkeypatch.setattr(background, "READ_AT_ONCE", 10)
    client = signed_in(app, a_user(Role.FINANCE, at=scheme.organization))
    upload = f"/admin/operator/{scheme.id}/covers/answer"
    content = an_answer_of(roster, wrong=1)
    page = client.send(upload, {"file": (io.BytesIO(content), "回执.xlsx")}).location
    assert "停止后这份文件不保存" in client.get(page).get_data(as_text=True)
    database.db.connect(reuse_if_open=True)
    work_off(office)
    body = client.get(page).get_data(as_text=True)
    assert "只登记没有问题的 5 行" in body
    assert "没有对应的参保" in body
    marked = client.send(f"{page}/faults")
    assert "attachment" in marked.headers["Content-Disposition"]
    assert client.send(page, {"clean": "1"}).status_code == 303
    assert "停止后已登记的行保留" in client.get(page).get_data(as_text=True)
    database.db.connect(reuse_if_open=True)
    work_off(office)
    assert OperatorAnswer.select().count() == 5


def test_only_who_may_send_or_take_stops_and_a_foreign_file_is_absent(
    app, office, scheme, no_worker
):
    file = asked(scheme)
    address = f"/admin/operator/files/{file.id}"
    city = scheme.organization
    auditor = signed_in(app, a_user(Role.AUDITOR, at=city))
    assert "停止处理" not in auditor.get(address).get_data(as_text=True)
    assert auditor.get(f"{address}/stop").status_code == 403
    elsewhere = signed_in(app, a_user(Role.REVIEWER, at=a_city("示例外市")))
    assert elsewhere.get(address).status_code == 404
    assert elsewhere.get(f"{address}/stop").status_code == 404
    database.db.connect(reuse_if_open=True)
    assert again(file).stage == "writing"


def test_the_worker_of_the_office_writes_what_waits(office, scheme):
    file = asked(scheme)
    command = [sys.executable, "-m", "huigong.cli", "roster", "work"]
    assert subprocess.run(command, env=background._environment(office), check=False).returncode == 0
    assert again(file).stage == "sent"
