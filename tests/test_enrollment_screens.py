"""Rosters and their people on the screens, from the upload to the member's page."""

import io

import openpyxl
import pytest
from builders import NOW, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_submitted_roster,
    an_enrollment,
    the_edition,
)

from huigong.models import (
    Role,
    Roster,
)
from huigong.workflows import enrollment

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


def test_home_leads_a_clerk_to_a_first_roster_and_nobody_else(app):
    unit = a_county_unit()
    for role, leads in ((Role.CLERK, True), (Role.REVIEWER, False)):
        page = signed_in(app, a_user(role, at=unit)).get("/admin/").get_data(as_text=True)
        assert "现在没有等您处理的事" in page
        assert ('href="/admin/rosters/new"' in page) is leads


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
    by_text = ("?q=甲厂", f"?q={roster.number}", f"?q={roster.number.lower()}")
    for query in (*by_text, "?stage=draft", f"?edition={roster.edition_id}", "?sort=-people"):
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


def test_a_member_is_found_however_the_name_or_number_is_typed(app):
    person = a_person(姓名="艾力·买买提")
    cover = an_enrollment(**person)
    an_enrollment(姓名="单三")
    client = signed_in(app, a_user(Role.CLERK, at=cover.organization.parent))
    full_width = person["身份证号"].translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for asked in ("艾力•买买提", "艾力", "ＡＬＭＭＴ", f"'{full_width[:6]} {full_width[6:]}"):
        page = client.get("/admin/members", query_string={"q": asked}, follow_redirects=True).text
        assert "艾力·买买提" in page, asked
        assert "单三" not in page
    assert "单三" in client.get("/admin/members", query_string={"q": "单　三"}).text


def test_a_faulty_line_of_an_approved_roster_is_still_told_and_handed_back(app):
    roster = a_submitted_roster(people=20, faults=2)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    enrollment.approve_roster(roster, by=reviewer, at=NOW)
    clerk = signed_in(app, roster.made_by)
    page = clerk.get(f"/admin/rosters/{roster.id}").text
    assert "有误的 2 行，没有参保" in page
    assert "第12行 身份证号：校验码错误" in page
    assert "（可以提交）" not in page
    assert f"/admin/rosters/{roster.id}/faults.xlsx" in page


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
