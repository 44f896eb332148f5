"""What a clerk adds to a draft: columns explained, proofs of age, the unit's staff."""

import io
import re
from datetime import date

import pytest
from builders import NOW, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_zhengzhou_unit,
    an_id,
    kept_in,
)

from huigong import clock
from huigong.models import AgeProof, ColumnMeaning, Edition, Enrollment, Role, Roster, RosterRow
from huigong.plans import plan_hash
from huigong.refusals import Lost, Refused
from huigong.sheets import Column, write_workbook
from huigong.workflows import enrollment
from huigong.workflows.enrollment import ages, meanings, staffing

IN_JULY = NOW.replace(year=2023, month=7, day=20)
AUGUST = {"code": "zhengzhou-hospital-2023", "cover_from": date(2023, 8, 1), "at": IN_JULY}
OLD = an_id(date(1961, 3, 4))  # 62 on 2023-08-01, past the scheme's 60


def a_file(titles: list[str], people: list[dict[str, str]]) -> bytes:
    """People under these titles, of which a | separates ours from theirs: 手机号|班组电话."""
    book = io.BytesIO()
    columns = [Column(title.split("|")[-1]) for title in titles]
    rows = [[person.get(title.split("|")[0], "示例") for title in titles] for person in people]
    write_workbook(book, columns, rows)
    return book.getvalue()


# ── columns ─────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_column_must_be_explained_before_the_roster_is_submitted(office):
    content = a_file(["姓名", "身份证号", "会员身份", "星座"], [a_person()])
    roster = a_drafted_roster(content=content)
    assert meanings.open_columns(roster) == ["星座"]
    with pytest.raises(Refused, match="星座"):
        enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    meanings.answer_columns(roster.organization, {"星座": ""}, by=roster.made_by, at=NOW)
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    assert roster.stage == "submitted"


def test_what_a_unit_said_about_a_column_is_used_on_its_next_upload_and_nobody_elses(office):
    unit = a_county_unit()
    clerk = a_user(Role.CLERK, at=unit)
    person = a_person()
    content = a_file(["姓名", "身份证号", "会员身份", "手机号|班组电话"], [person])
    assert a_drafted_roster(unit, content=content, by=clerk).unread == [["D", "班组电话"]]
    meanings.answer_columns(unit, {"班组电话": "mobile"}, by=clerk, at=NOW)
    roster = a_drafted_roster(unit, content=content, by=clerk)
    assert roster.unread == []
    row = RosterRow.get(RosterRow.roster == roster)
    assert row.opened("phone") == person["手机号"]
    other = a_drafted_roster(a_county_unit("另一示例单位"), content=content)
    assert other.unread == [["D", "班组电话"]]


def test_two_columns_of_one_name_are_said_to_be_so_and_do_not_block(office):
    person = a_person()
    content = a_file(["姓名", "身份证号", "会员身份", "手机号", "备注|手机号"], [person])
    roster = a_drafted_roster(content=content)
    assert roster.unread == [["E", "手机号（与D列同名）"]]
    assert meanings.open_columns(roster) == []


def test_one_field_cannot_be_two_columns(office):
    unit = a_county_unit()
    clerk = a_user(Role.CLERK, at=unit)
    with pytest.raises(Refused, match="两列都选了"):
        meanings.answer_columns(unit, {"甲": "mobile", "乙": "mobile"}, by=clerk, at=NOW)
    with pytest.raises(Refused, match="请选择"):
        meanings.answer_columns(unit, {"甲": "blood"}, by=clerk, at=NOW)
    assert not ColumnMeaning.select().exists()


def test_the_columns_are_explained_on_a_page_and_the_roster_is_read_again(app, office):
    unit = a_county_unit()
    user = a_user(Role.CLERK, at=unit)
    clerk, person = signed_in(app, user), a_person()
    content = a_file(["姓名", "身份证号", "会员身份", "手机号|班组电话", "星座"], [person])
    the_edition_there = a_drafted_roster(unit, by=user)
    form = {"unit": unit.id, "edition": the_edition_there.edition.code, "cover_from": "2025-01-01"}
    file = (io.BytesIO(content), "名册.xlsx")
    made = clerk.send("/admin/rosters/new", {**form, "rest_by": "unit", "file": file})
    assert "说明这些列" in clerk.get(made.location).get_data(as_text=True)
    address = f"{made.location}/columns"
    assert person["手机号"] in clerk.get(address).get_data(as_text=True)
    assert clerk.send(address, {"column-0": "mobile"}).status_code == 422
    assert clerk.send(address, {"column-0": "mobile", "column-1": "none"}).status_code == 303
    roster = Roster.get(Roster.file_name == "名册.xlsx", Roster.id != the_edition_there.id)
    assert (roster.stage, roster.people, roster.unread) == ("draft", 1, [])


def test_what_was_said_of_a_column_is_shown_and_can_be_changed(app, office):
    unit, person = a_county_unit(), a_person()
    clerk = a_user(Role.CLERK, at=unit)
    content = a_file(["姓名", "身份证号", "手机号|班组电话", "星座", "会员身份"], [person])
    meanings.answer_columns(unit, {"班组电话": "", "星座": ""}, by=clerk, at=NOW)
    roster = a_drafted_roster(unit, content=content, by=clerk)
    assert RosterRow.get(RosterRow.roster == roster).opened("phone") == ""
    page, screen = f"/admin/rosters/{roster.id}", signed_in(app, clerk)
    shown = screen.get(page).get_data(as_text=True)
    assert "C列“班组电话”：不需要（本单位说明过）" in shown
    assert "B列“身份证号”：身份证号" in shown
    names = {"column-2": "mobile", "column-3": "none"}  # as A to E stand
    assert screen.send(f"{page}/columns", names).status_code == 303
    row = RosterRow.get(RosterRow.roster == roster)
    assert row.opened("phone") == person["手机号"]
    remembered = {"班组电话": "mobile", "星座": ""}
    assert meanings.meanings_of(unit) == remembered, "what was not changed is not said again"
    assert screen.send(f"{page}/columns", names).status_code == 303
    assert "没有改动" in screen.get(page).get_data(as_text=True)


def test_a_column_that_the_roster_needs_is_not_given_away(app, office):
    content = a_file(
        ["姓名", "身份证号", "会员身份", "医保类型", "用工形式", "备注|另一列"], [a_person()]
    )
    roster = a_drafted_roster(a_zhengzhou_unit(), content=content, **AUGUST)
    screen, page = signed_in(app, roster.made_by), f"/admin/rosters/{roster.id}/columns"
    for column, title in ((1, "姓名"), (2, "身份证号"), (4, "医保类型")):  # 0 is the one asked
        refused = screen.send(page, {"column-0": "none", f"column-{column}": "none"})
        assert refused.status_code == 422
        assert f"这份名册不能没有“{title}”列" in refused.get_data(as_text=True)
    assert not ColumnMeaning.select().exists()
    moved = {"column-0": "insurance", "column-4": "none"}
    late = screen.send(page, moved)
    assert late.status_code == 422
    assert '<p class="wrong" id="edition">这个计划已停止参保' in late.get_data(as_text=True)
    assert not ColumnMeaning.select().exists(), "nothing is remembered of what was refused"
    clock.fix(IN_JULY.date())
    assert screen.send(page, moved).status_code == 303
    assert meanings.meanings_of(roster.organization) == {"另一列": "insurance", "医保类型": ""}


# ── proofs of age ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def aged(office) -> Roster:
    people = [a_person(身份证号=OLD, 姓名="高龄"), a_person()]
    return a_drafted_roster(a_zhengzhou_unit(), people=people, **AUGUST)


def test_a_row_refused_only_for_age_waits_for_a_proof(aged):
    assert (aged.people, aged.faulty) == (1, 1)
    [row] = ages.unproven(aged)
    assert "62岁，超过60岁" in row.faults[0][1]


def test_who_waits_for_a_proof_is_told_apart_from_lines_with_faults(app, office):
    old = a_person(身份证号=OLD, 姓名="高龄")
    wrong = a_person(身份证号=an_id(date(1961, 5, 6)), 手机号="138")
    for people, said in (
        ([old, a_person()], "有 1 人待超龄证明，请某人上传证明"),
        ([old, wrong, a_person()], "有 1 行有误、1 人待超龄证明，请某人更正后重新上传"),
    ):
        roster = a_drafted_roster(a_zhengzhou_unit(), people=people, **AUGUST)
        screen = signed_in(app, roster.made_by)
        page = screen.get(f"/admin/rosters/{roster.id}").get_data(as_text=True)
        assert said.replace("某人", roster.made_by.name) in page
        assert ("有误的 1 行" in page) is (wrong in people)
        asked = screen.get(f"/admin/rosters/{roster.id}/submit").get_data(as_text=True)
        assert f"有误或待超龄证明的 {roster.faulty} 行不会提交" in asked


def test_with_its_proof_the_row_is_submitted_and_approved(aged, tmp_path):
    [row] = ages.unproven(aged)
    ages.prove_age(row, kept=kept_in(tmp_path, b"%PDF-1.7 x"), by=aged.made_by, at=IN_JULY)
    roster = Roster.get_by_id(aged.id)
    assert (roster.people, roster.faulty, roster.total) == (2, 0, 150_00)
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=IN_JULY)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    enrollment.approve_roster(roster, by=reviewer, at=IN_JULY)
    assert Enrollment.select().where(Enrollment.roster == roster).count() == 2


def test_without_it_only_the_others_are_submitted(aged):
    with pytest.raises(Refused, match="1行有误"):
        enrollment.submit_roster(aged, clean_only=False, by=aged.made_by, at=IN_JULY)
    enrollment.submit_roster(aged, clean_only=True, by=aged.made_by, at=IN_JULY)
    reviewer = a_user(Role.REVIEWER, at=aged.organization.parent)
    enrollment.approve_roster(aged, by=reviewer, at=IN_JULY)
    assert Enrollment.select().where(Enrollment.roster == aged).count() == 1


def test_a_proof_is_kept_once_and_outlives_another_upload_of_the_file(aged, tmp_path):
    [row] = ages.unproven(aged)
    paper = kept_in(tmp_path, b"%PDF-1.7 x")
    proven = ages.prove_age(row, kept=paper, by=aged.made_by, at=IN_JULY)
    with pytest.raises(Refused, match="不需要"):
        ages.prove_age(proven, kept=paper, by=aged.made_by, at=IN_JULY)
    again = kept_in(tmp_path, a_roster_file([a_person(身份证号=OLD, 姓名="高龄")]))
    roster = Roster.get_by_id(aged.id)
    enrollment.restage_roster(roster, kept=again, folder=tmp_path, by=aged.made_by, at=IN_JULY)
    assert (roster.people, roster.faulty) == (1, 0)


def test_a_submitted_rosters_rows_are_not_proven_any_more(aged, tmp_path):
    [row] = ages.unproven(aged)
    enrollment.submit_roster(aged, clean_only=True, by=aged.made_by, at=IN_JULY)
    with pytest.raises(Lost):
        ages.prove_age(row, kept=kept_in(tmp_path, b"%PDF-1"), by=aged.made_by, at=IN_JULY)


def test_age_and_something_else_is_just_faulty(office):
    people = [a_person(身份证号=OLD, 医保类型="居民")]
    roster = a_drafted_roster(a_zhengzhou_unit(), people=people, **AUGUST)
    assert ages.unproven(roster) == []
    assert roster.faulty == 1


def test_a_proof_is_uploaded_on_a_page_and_read_by_the_reviewer(app, aged):
    [row] = ages.unproven(aged)
    clerk = signed_in(app, aged.made_by)
    address = f"/admin/rosters/{aged.id}/proof"
    assert "高龄" in clerk.get(f"{address}?row={row.id}").get_data(as_text=True)
    wrong = {"row": row.id, "proof": (io.BytesIO(b"hello"), "证明.pdf")}
    assert clerk.send(address, wrong).status_code == 422
    right = {"row": row.id, "proof": (io.BytesIO(b"%PDF-1.7 x"), "证明.pdf")}
    assert clerk.send(address, right).status_code == 303
    kept = AgeProof.get()
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=aged.organization.parent))
    page = reviewer.get(f"/admin/rosters/{aged.id}").get_data(as_text=True)
    assert f"/admin/age-proofs/{kept.id}" in page
    got = reviewer.get(f"/admin/age-proofs/{kept.id}")
    assert got.headers["Content-Disposition"].startswith("attachment")
    got.close()
    assert clerk.get(f"{address}?row={row.id + 999}").status_code == 404


# ── enough of a unit's people ───────────────────────────────────────────────────────────────


@pytest.fixture
def half(office):
    """A roster of three under a scheme that wants half of a unit's people."""
    roster = a_drafted_roster(a_county_unit(), people=3)
    plan = roster.edition.plan
    plan["group"] = {"people": None, "share": 5000, "either": False, "clause": "示例"}
    changed = Edition.update(plan=plan, plan_hash=plan_hash(plan))
    changed.where(Edition.id == roster.edition_id).execute()
    return Roster.get_by_id(roster.id)


def submit(roster):
    return enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)


def test_the_units_staff_is_asked_for_and_the_share_checked(half):
    with pytest.raises(Refused, match="请填写本单位职工总数"):
        submit(half)
    staffing.state_staff(half.organization, people=7, by=half.made_by, at=NOW)
    with pytest.raises(Refused, match="50%"):
        submit(half)
    staffing.state_staff(half.organization, people=2, by=half.made_by, at=NOW)
    with pytest.raises(Refused, match="少于参保"):
        submit(half)
    staffing.state_staff(half.organization, people=6, by=half.made_by, at=NOW)
    assert submit(half).stage == "submitted"


def test_enough_people_need_no_share_where_one_of_the_two_is_enough(half):
    plan = half.edition.plan
    plan["group"] = {"people": 3, "share": 5000, "either": True, "clause": "示例"}
    changed = Edition.update(plan=plan, plan_hash=plan_hash(plan))
    changed.where(Edition.id == half.edition_id).execute()
    half = Roster.get_by_id(half.id)
    assert staffing.too_few(half) == ""
    assert submit(half).stage == "submitted"


def test_who_is_covered_already_counts_towards_the_share(half):
    staffing.state_staff(half.organization, people=8, by=half.made_by, at=NOW)
    with pytest.raises(Refused, match="50%"):
        submit(half)
    other = a_drafted_roster(half.organization, people=1)
    staffing.state_staff(half.organization, people=2, by=half.made_by, at=NOW)
    submit(other)
    reviewer = a_user(Role.REVIEWER, at=half.organization.parent)
    enrollment.approve_roster(other, by=reviewer, at=NOW)
    staffing.state_staff(half.organization, people=8, by=half.made_by, at=NOW)
    assert submit(half).stage == "submitted"


def test_the_staff_is_stated_on_the_submit_page(app, half):
    clerk = signed_in(app, half.made_by)
    address = f"/admin/rosters/{half.id}/submit"
    assert "本单位职工总数" in clerk.get(address).get_data(as_text=True)
    assert clerk.send(address, {"staff": "9"}).status_code == 422
    assert clerk.send(address, {"staff": "6"}).status_code == 303


def test_a_unit_without_such_a_rule_is_asked_nothing(app, office):
    roster = a_drafted_roster()
    page = signed_in(app, roster.made_by).get(f"/admin/rosters/{roster.id}/submit")
    assert not re.search("职工总数", page.get_data(as_text=True))
