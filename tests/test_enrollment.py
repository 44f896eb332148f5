"""Rosters from upload to approval, as deeds and through the screens."""

import io
import json
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_submitted_roster,
    a_zhengzhou_unit,
    an_approved_roster,
    an_enrollment,
    an_id,
    kept_in,
    the_edition,
)
from click.testing import CliRunner

from huigong import cli_roster
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


# ── reading and checking ────────────────────────────────────────────────────────────────────


def test_the_journeys_128_people_cost_10240_carried_by_three(office):
    roster = a_drafted_roster(people=128)
    assert (roster.people, roster.faulty, roster.total) == (128, 0, 10_240_00)
    assert roster.split == [["rest", 50_00, 128], ["county", 10_00, 128], ["city", 20_00, 128]]


def test_a_faulty_line_says_its_row_column_and_cause(office):
    roster = a_drafted_roster(people=128, faults=3)
    assert (roster.people, roster.faulty, roster.total) == (125, 3, 10_000_00)
    assert faults_of(roster)[0] == "第12行 身份证号：校验码错误"
    assert {title for row in roster.rows for title, _ in row.faults} == {
        "身份证号", "姓名", "手机号",
    }  # fmt: skip


def test_nothing_readable_is_stored_of_an_id_phone_or_card(office):
    person = a_person()
    roster = an_approved_roster(people=[person])
    row, member = roster.rows.get(), Member.get()
    for column in ("身份证号", "手机号", "银行卡号"):
        plain = person[column].encode()
        assert plain not in bytes(row.secret)
        for sealed in (member.resident_id, member.phone, member.bank_card):
            assert plain not in bytes(sealed)
    assert member.opened("resident_id") == person["身份证号"]
    assert member.opened("bank_card") == person["银行卡号"]
    assert row.opened_secret()["phone"] == person["手机号"]


def test_somebody_twice_in_a_file_is_enrolled_once(office):
    person = a_person()
    roster = a_drafted_roster(people=[person, a_person(), person])
    assert (roster.people, roster.faulty) == (2, 1)
    assert faults_of(roster) == ["第5行 身份证号：与第3行重复"]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"身份证号": an_id(date(1963, 7, 31), 1)}, "保障开始日60岁"),
        ({"身份证号": an_id(date(1962, 7, 31), 1)}, "超过60岁"),
        ({"身份证号": an_id(date(2005, 8, 2), 1)}, "未满18岁"),
        ({"医保类型": "居民"}, "医保类型须为城镇职工基本医疗保险"),
        ({"用工形式": "其他"}, "用工形式须为"),
        ({"用工形式": ""}, "未填写"),
        ({"会员身份": "也许"}, "不认识“也许”"),
    ],
)
def test_the_editions_requirements_are_checked_on_the_day_cover_starts(office, said, fault):
    roster = a_drafted_roster(
        a_zhengzhou_unit(),
        people=[a_person(**said)],
        code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1),
        at=NOW.replace(year=2023, month=8, day=1),
    )
    if "60岁" in fault and "超过" not in fault:
        assert roster.people == 1  # sixty is still inside the bounds
    else:
        assert fault in "；".join(faults_of(roster))


def test_members_and_others_pay_their_own_shares(office):
    people = [a_person(), a_person(), a_person(会员身份="非会员")]
    roster = a_drafted_roster(
        a_zhengzhou_unit(),
        people=people,
        code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1),
        at=NOW.replace(year=2023, month=8, day=1),
    )
    assert roster.split == [["rest", 75_00, 1], ["rest", 45_00, 2], ["city", 30_00, 2]]
    assert roster.total == 225_00


def test_a_column_that_the_scheme_needs_may_not_be_absent(office):
    book = openpyxl.Workbook()
    book.active.append(["姓名", "身份证号"])
    book.active.append(["张三", an_id()])
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(Refused, match="缺少“会员身份”“医保类型”“用工形式”列"):
        a_drafted_roster(
            a_zhengzhou_unit(),
            content=content.getvalue(),
            code="zhengzhou-hospital-2023",
            cover_from=date(2023, 8, 1),
            at=NOW.replace(year=2023, month=8, day=1),
        )
    assert not Roster.select().exists()


def test_odd_characters_are_taken_or_named_never_repaired(office):
    full_width = str.maketrans("0123456789", "０１２３４５６７８９")
    number = an_id()
    people = [
        a_person(姓名="买买提•艾力"),
        a_person(姓名="张 三"),
        a_person(姓名="\U00020bb7田"),
        a_person(身份证号=f" '{number.translate(full_width)}"),
        a_person(姓名="<script>alert(1)</script>"),
        a_person(姓名="王?"),
    ]
    roster = a_drafted_roster(people=people)
    clean = roster.rows.where(RosterRow.kind == "new").order_by(RosterRow.number)
    names = [row.name for row in clean]
    assert names[:3] == ["买买提·艾力", "张三", "\U00020bb7田"]
    assert roster.people == 4
    assert roster.rows.where(RosterRow.number == 6).get().opened_secret()["id"] == number
    assert roster.faulty == 2


def test_columns_that_were_not_understood_are_named(office):
    book = openpyxl.Workbook()
    book.active.append(["序号", "姓名", "身份证号", "星座"])
    book.active.append([1, "张三", an_id(), "处女座"])
    content = io.BytesIO()
    book.save(content)
    assert a_drafted_roster(content=content.getvalue()).unread == [["D", "星座"]]


# ── who may upload what, when ───────────────────────────────────────────────────────────────


def test_an_edition_that_no_longer_enrolls_takes_no_roster(office):
    with pytest.raises(Refused, match="已停止参保"):
        a_drafted_roster(at=NOW.replace(year=2026, month=1, day=1), cover_from=date(2026, 1, 1))


@pytest.mark.parametrize("start", [date(2024, 12, 31), date(2026, 1, 1)])
def test_cover_starts_inside_the_editions_window(office, start):
    with pytest.raises(Refused, match="参保期内（2025-01-01至2025-12-31）"):
        a_drafted_roster(cover_from=start)


def test_cover_is_not_backdated(office):
    with pytest.raises(Refused, match="不能早于今天"):
        a_drafted_roster(cover_from=date(2025, 3, 1), at=NOW.replace(year=2025, month=3, day=2))


def test_another_citys_edition_and_one_without_a_fee_are_refused(office):
    unit = a_county_unit()
    stranger = a_unit(a_county(a_city()))
    edition = the_edition(unit)
    with pytest.raises(Refused, match="不面向本单位"):
        enrollment.draft_roster(
            organization=stranger, edition=edition, cover_from=date(2025, 1, 1), rest_by="unit",
            kept=kept_in(Path(office.home), a_roster_file()), folder=Path(office.home),
            by=a_user(Role.CLERK, at=stranger), at=NOW,
        )  # fmt: skip
    with pytest.raises(Refused, match="来源未载明参保费"):
        a_drafted_roster(
            a_zhengzhou_unit(), code="zhengzhou-critical-2022", cover_from=date(2022, 5, 1),
            at=NOW.replace(year=2022, month=5, day=1),
        )  # fmt: skip


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
    first = Enrollment.select().order_by(Enrollment.id).first()
    assert first.certificate == "PY2025-0000001"
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


class Killed(BaseException):
    """The process is gone."""


def test_an_approval_killed_between_chunks_counts_for_nothing_and_continues(office, monkeypatch):
    roster = a_submitted_roster(people=7)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    monkeypatch.setattr(approval, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)

    def killed_after_the_first(phase, done, total):
        raise Killed

    with pytest.raises(Killed):
        enrollment.approve_roster(roster, by=reviewer, at=NOW, told=killed_after_the_first)
    assert Enrollment.select().count() == 3
    assert Enrollment.counted().count() == 0
    again = enrollment.approve_roster(Roster.get_by_id(roster.id), by=reviewer, at=NOW)
    assert Enrollment.counted().count() == Member.select().count() == 7
    assert Employment.select().count() == 7
    assert sum(due.amount for due in again.dues) == 560_00


def test_returning_a_half_approved_roster_leaves_no_enrollment(office, monkeypatch):
    roster = a_submitted_roster(people=4)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    monkeypatch.setattr(approval, "CHUNK", 2)

    def killed_after_the_first(phase, done, total):
        raise Killed

    with pytest.raises(Killed):
        enrollment.approve_roster(roster, by=reviewer, at=NOW, told=killed_after_the_first)
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
    sealed = row.seal("secret", mine.opened("secret"))
    RosterRow.update(id_index=mine.id_index, secret=sealed).where(RosterRow.id == row.id).execute()
    Roster.update(stage="submitted").where(Roster.id == other.id).execute()
    enrollment.approve_roster(roster, by=reviewer, at=NOW)
    with pytest.raises(Refused, match="有1人已在别处参保"):
        enrollment.approve_roster(Roster.get_by_id(other.id), by=reviewer, at=NOW)
    assert Enrollment.counted().count() == 1


# ── the screens ─────────────────────────────────────────────────────────────────────────────


def uploaded(client, unit, content, name="名册.xlsx", **more):
    form = {
        "unit": str(unit.id),
        "edition": the_edition(unit).code,
        "cover_from": "2025-01-01",
        "rest_by": "unit",
        "file": (io.BytesIO(content), name),
    }
    return client.send("/admin/rosters/new", form | more, content_type="multipart/form-data")


def test_a_clerk_uploads_mends_submits_and_a_reviewer_approves(app):
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    the_edition(unit)
    assert "下载模板" in clerk.get("/admin/rosters").get_data(as_text=True)
    template = clerk.get("/admin/rosters/template/puyang-hospital-2025.xlsx")
    titles = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(template.data)).active[3]]
    assert titles[:2] == ["姓名", "身份证号"]
    people = [a_person() for _ in range(128)]
    sent = uploaded(clerk, unit, a_roster_file(people, faults=3))
    assert sent.status_code == 303
    page = clerk.get(sent.location).get_data(as_text=True)
    assert "第12行 身份证号：校验码错误" in page
    back = clerk.get(f"{sent.location}/faults.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(back.data)).active
    reasons = {row[0].row: row[-1].value for row in sheet.iter_rows() if row[-1].value}
    assert reasons[2] == "错误原因"
    assert reasons[12] == "身份证号：校验码错误"
    again = clerk.send(
        f"{sent.location}/upload",
        {"file": (io.BytesIO(a_roster_file(people)), "更正.xlsx")},
        content_type="multipart/form-data",
    )
    page = clerk.get(again.location).get_data(as_text=True)
    assert "128人，10,240.00元" in page
    assert [s in page for s in ("6,400.00", "1,280.00", "2,560.00")] == [True] * 3
    assert clerk.send(f"{sent.location}/submit").status_code == 303
    assert clerk.send(f"{sent.location}/submit").status_code == 409
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=unit.parent))
    assert "份名册待审核" in reviewer.get("/admin/").get_data(as_text=True)
    assert "批准 128 人参保" in reviewer.get(f"{sent.location}/approve").get_data(as_text=True)
    assert reviewer.send(f"{sent.location}/approve").status_code == 303
    assert reviewer.send(f"{sent.location}/approve").status_code == 409
    assert reviewer.get(sent.location).status_code == 200
    assert clerk.get(f"{sent.location}/approve").status_code == 403


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件不能为空"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "这不是表格文件"),
        (a_roster_file(3)[:900], "文件已损坏"),
        (b"a,b\n1,2\n", "列"),
    ],
)
def test_a_file_that_is_no_roster_gets_one_sentence_and_nothing_is_saved(app, content, words):
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    sent = uploaded(clerk, unit, content)
    page = sent.get_data(as_text=True)
    assert sent.status_code == 422
    assert words in page
    assert 'value="2025-01-01"' in page
    assert not Roster.select().exists()
    folder = app.config["SETTINGS"].files
    assert not (folder.exists() and any(folder.iterdir()))


def test_a_file_over_the_limit_is_refused(app, monkeypatch):
    monkeypatch.setattr("huigong.uploads.ROSTER_LIMIT", 100 * 1024)
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    sent = uploaded(clerk, unit, b"PK\x03\x04" + b"x" * (100 * 1024))
    assert sent.status_code == 422
    assert "文件超过" in sent.get_data(as_text=True)


def test_an_empty_form_names_every_gap(app):
    unit = a_county_unit()
    the_edition(unit)
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    sent = clerk.send("/admin/rosters/new", {"unit": str(unit.id)})
    page = sent.get_data(as_text=True)
    assert sent.status_code == 422
    for words in (
        "请选择互助计划",
        "请填写保障开始日",
        "请选择自筹部分由谁承担",
        "请选择填好的名册",
    ):
        assert words in page


def test_a_stranger_finds_no_roster_whatever_they_ask(app):
    roster = a_submitted_roster()
    stranger = signed_in(app, a_user(Role.CLERK, Role.REVIEWER, at=a_county_unit("示例乙厂工会")))
    here = f"/admin/rosters/{roster.id}"
    for page in ("", "/upload", "/submit", "/withdraw", "/approve", "/return", "/faults.xlsx"):
        assert stranger.get(here + page).status_code == 404, page
    for deed in ("/upload", "/submit", "/withdraw", "/approve", "/return"):
        assert stranger.send(here + deed).status_code == 404, deed
    assert uploaded(stranger, roster.organization, a_roster_file()).status_code == 404
    assert roster.number not in stranger.get("/admin/rosters").get_data(as_text=True)


def test_a_reviewer_who_uploaded_is_refused_on_the_screen(app):
    unit = a_county_unit()
    both = a_user(Role.CLERK, Role.REVIEWER, at=unit.parent)
    roster = a_drafted_roster(unit, by=both)
    enrollment.submit_roster(roster, clean_only=False, by=both, at=NOW)
    sent = signed_in(app, both).send(f"/admin/rosters/{roster.id}/approve")
    assert sent.status_code == 422
    assert "不能是同一人" in sent.get_data(as_text=True)


def test_the_list_filters_sorts_and_says_when_nothing_fits(app):
    unit = a_county_unit("示例甲厂工会")
    roster = a_drafted_roster(unit)
    client = signed_in(app, a_user(Role.REVIEWER, at=unit.parent))
    for query in ("?stage=draft", "?q=甲厂", f"?edition={roster.edition_id}", "?sort=-people"):
        assert roster.number in client.get(f"/admin/rosters{query}").get_data(as_text=True), query
    none = client.get("/admin/rosters?q=没有").get_data(as_text=True)
    assert "没有符合条件的名册" in none


# ── members ─────────────────────────────────────────────────────────────────────────────────


def test_a_member_is_found_by_name_initials_and_tail(app):
    person = a_person(姓名="单小明")
    cover = an_enrollment(**person)
    client = signed_in(app, a_user(Role.CLERK, at=cover.organization))
    tail = person["身份证号"][-4:]
    for asked in ("小明", "sxm", tail, tail.lower(), person["身份证号"]):
        got = client.get(f"/admin/members?q={asked}", follow_redirects=True)
        page = got.get_data(as_text=True)
        assert "单小明" in page, asked
        assert person["身份证号"] not in page
    assert "没有找到" in client.get("/admin/members?q=dxm").get_data(as_text=True)


def test_a_member_page_shows_cover_and_only_masked_numbers(app):
    person = a_person()
    cover = an_enrollment(**person)
    client = signed_in(app, a_user(Role.CLERK, at=cover.organization))
    page = client.get(f"/admin/members/{cover.member_id}").get_data(as_text=True)
    assert cover.certificate in page
    for column in ("身份证号", "手机号", "银行卡号"):
        assert person[column] not in page
    sheet = client.get(f"/admin/certificates/{cover.id}").get_data(as_text=True)
    assert cover.certificate in sheet
    assert person["身份证号"] not in sheet
    stranger = signed_in(app, a_user(Role.CLERK, at=a_county_unit()))
    assert stranger.get(f"/admin/members/{cover.member_id}").status_code == 404
    assert stranger.get(f"/admin/certificates/{cover.id}").status_code == 404


def test_a_member_of_a_roster_not_yet_approved_is_not_listed(app, monkeypatch):
    roster = a_submitted_roster()
    client = signed_in(app, a_user(Role.CLERK, at=roster.organization))
    assert "还没有职工" in client.get("/admin/members").get_data(as_text=True)


# ── the command ─────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_faults_and_exits_1(tmp_path):
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    good.write_bytes(a_roster_file(12))
    bad.write_bytes(a_roster_file(12, faults=1))
    asked = ["--edition", "puyang-hospital-2025", "--from", "2025-01-01"]
    ran = CliRunner().invoke(cli_roster.roster, ["check", str(bad), *asked])
    assert ran.exit_code == 1
    assert "第12行 身份证号：校验码错误" in ran.output
    assert CliRunner().invoke(cli_roster.roster, ["check", str(good), *asked]).exit_code == 0


# ── what a file says beside its people ──────────────────────────────────────────────────────


def test_a_total_line_with_its_headcount_in_the_id_column_is_nobody(office):
    book = openpyxl.Workbook()
    book.active.append(["姓名", "身份证号"])
    book.active.append(["张三", an_id()])
    book.active.append(["李四", "21人"])  # a name with such an ID is a fault
    book.active.append(["合计", "21人"])
    book.active.append(["总计", "共 21 人"])
    content = io.BytesIO()
    book.save(content)
    roster = a_drafted_roster(content=content.getvalue())
    assert (roster.people, roster.faulty) == (1, 1)


@pytest.mark.parametrize(
    ("hired", "people", "words"),
    [
        ("2022-08-01", 1, ""),
        ("2022-08-02", 0, "聘用不满一年（2022-08-02起）"),
        ("", 1, "请核对聘用是否已满一年"),
    ],
)
def test_a_temporary_employee_is_one_after_a_year(office, hired, people, words):
    roster = a_drafted_roster(
        a_zhengzhou_unit(),
        people=[a_person(用工形式="临时", 参加工作时间=hired)],
        code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1),
        at=NOW.replace(year=2023, month=8, day=1),
    )
    assert roster.people == people
    assert words in "；".join([*faults_of(roster), *roster.rows.get().warnings])
