"""Gifts on the screens, in lists, in reminders, and nowhere on the public site."""

import io
import re
from datetime import date
from importlib import import_module

import pytest
from builders import NOW, TODAY, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_roster_file,
    a_zhengzhou_unit,
    the_edition,
)
from builders_funding import paid
from builders_gifts import (
    AT_ZHENGZHOU,
    a_given_roster,
    finance_of,
)
from builders_site import a_public_city

from huigong import clock
from huigong.models import Due, Enrollment, Gift, Reminder, Role, Roster
from huigong.plans.vocabulary import OWERS
from huigong.refusals import Refused
from huigong.sheets import read_rows
from huigong.site.build import build
from huigong.workflows import (
    funding,
    gifts,
    reminders,
)
from huigong.workflows.statements import matching


def test_clerk_giver_reviewer_and_finance_carry_a_gift_through_their_pages(app):
    roster = a_drafted_roster(people=2)
    clerk = signed_in(app, roster.made_by)
    address = f"/admin/rosters/{roster.id}"
    assert clerk.send(f"{address}/gift", {"kind": "person"}).status_code == 422
    form = {
        "kind": "foundation", "name": "示例职工基金会", "basis": "示例协议", "measure": "rest",
        "whom": "all",
    }  # fmt: skip
    assert clerk.send(f"{address}/gift", form).status_code == 303
    assert "示例职工基金会" in clerk.get(f"{address}/gift").get_data(as_text=True)
    page = clerk.get(address).get_data(as_text=True)
    assert "由<a href" in page
    assert "待同意" in page
    clerk.send(f"{address}/submit")
    runs = roster.edition.organization.name
    said = f"还要等赠送方示例职工基金会同意赠送（由{runs}财务确认）"
    assert said in clerk.get("/admin/").get_data(as_text=True)
    assert "还要等示例职工基金会同意" in clerk.get(address).get_data(as_text=True)
    gift = Gift.get()
    finance = signed_in(app, finance_of(gift))
    assert "赠送待同意" in finance.get("/admin/").get_data(as_text=True)
    assert "同意赠送 100.00 元" in finance.get(f"/admin/gifts/{gift.id}").get_data(as_text=True)
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=roster.organization.parent))
    assert reviewer.send(f"{address}/approve").status_code == 422
    assert clerk.send(f"/admin/gifts/{gift.id}", {"answer": "agree"}).status_code == 403
    county = signed_in(app, a_user(Role.FINANCE, at=roster.organization.parent))
    stolen = county.send(f"/admin/gifts/{gift.id}", {"answer": "agree", "amount": "10000"})
    assert stolen.status_code == 404, "not its money"
    assert finance.send(f"/admin/gifts/{gift.id}", {"answer": "agree"}).status_code == 422
    yes = {"answer": "agree", "amount": "10000"}
    assert finance.send(f"/admin/gifts/{gift.id}", yes).status_code == 303
    assert reviewer.send(f"{address}/approve").status_code == 303
    due = gifts.due_of(gift)
    for place in (f"/admin/gifts/{gift.id}/notice", f"/admin/funding/rosters/{roster.id}/",
                  f"/admin/funding/rosters/{roster.id}/notice", "/admin/gifts", "/admin/rosters",
                  "/admin/funding/"):  # fmt: skip
        assert "示例职工基金会" in finance.get(place).get_data(as_text=True), place
    assert finance.get("/admin/gifts.xlsx").data[:2] == b"PK"
    for each in roster.dues:
        paid(each)
    asked = finance.get(f"/admin/funding/rosters/{roster.id}/receipt").get_data(as_text=True)
    for words in ("将开出 2 张收据", "60.00", "示例职工基金会", "100.00"):
        assert words in asked
    sent = finance.send(f"/admin/funding/rosters/{roster.id}/receipt")
    assert sent.status_code == 303
    told = finance.get(sent.location).get_data(as_text=True)
    assert "编号 SJ2024-000001、SJ2024-000002" in told
    asked = finance.get(f"/admin/funding/rosters/{roster.id}/receipt").get_data(as_text=True)
    assert "已开：" in asked
    assert "确认已开票" not in asked
    theirs = funding.receipt_of(Roster.get_by_id(roster.id), given=True)
    slip = finance.get(f"/admin/funding/receipts/{theirs.id}").get_data(as_text=True)
    assert "示例职工基金会（赠送方）" in slip
    assert "示例职工基金会" not in finance.get(f"/admin/funding/receipts/{theirs.id - 1}").get_data(
        as_text=True
    )
    member = Enrollment.select().first().member
    assert "由示例职工基金会赠送" in clerk.get(f"/admin/members/{member.id}").get_data(as_text=True)
    assert due.due_on > TODAY


def test_a_gift_is_declared_with_the_upload(app, office):
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    form = {
        "unit": str(unit.id), "edition": the_edition(unit).code, "cover_from": "2025-01-01",
        "rest_by": "unit", "kind": "enterprise", "name": "示例企业", "basis": "函",
        "measure": "rest",
    }  # fmt: skip

    def uploaded(**more):
        file = (io.BytesIO(a_roster_file(2)), "名册.xlsx")
        return clerk.send("/admin/rosters/new", {**form, **more, "file": file})

    wrong = uploaded()
    assert wrong.status_code == 422
    assert not Roster.select().exists()
    uploaded(whom="all")
    assert (Gift.get().name, Gift.get().roster.people) == ("示例企业", 2)
    misfit = uploaded(whom="marked")
    assert misfit.location.endswith("/gift")
    assert Gift.select().count() == 1


def test_an_empty_declaration_is_told_every_gap_at_once(app):
    roster = a_drafted_roster(people=1)
    clerk = signed_in(app, roster.made_by)
    answer = clerk.send(f"/admin/rosters/{roster.id}/gift", {})
    assert answer.status_code == 422
    told = re.findall(r'<li><a href="#([\w-]+)">', answer.get_data(as_text=True))
    assert set(told) == {"kind", "basis", "measure", "whom"}


def test_another_units_gift_is_as_absent(app):
    roster, gift = a_given_roster()
    stranger = signed_in(app, a_user(Role.CLERK, Role.FINANCE, at=a_county_unit("示例外厂工会")))
    for place in (f"/admin/gifts/{gift.id}", f"/admin/gifts/{gift.id}/notice",
                  f"/admin/rosters/{roster.id}/gift"):  # fmt: skip
        assert stranger.get(place).status_code == 404
    assert gift.name not in stranger.get("/admin/gifts").get_data(as_text=True)


def page_of(app, user, address):
    return signed_in(app, user).get(address).get_data(as_text=True)


def test_a_donors_due_waits_for_the_donor_and_not_for_who_collects_it(app):
    roster, gift = a_given_roster()
    office = roster.edition.organization
    clerk = a_user(Role.CLERK, at=office)
    assert {due.carrier for due in roster.dues.where(Due.payer == office)} == {"city", "gift"}
    home = page_of(app, clerk, "/admin/")
    assert re.search(r'figure">1</p><p><a [^>]*>笔应缴等本单位缴纳', home), "its own share alone"
    mine = page_of(app, clerk, "/admin/funding/?whose=mine")
    assert roster.number in mine
    assert gift.name not in mine
    assert gift.name in page_of(app, finance_of(gift), "/admin/funding/?whose=all")


def test_an_organizations_gift_waits_for_that_organization(app):
    roster = a_drafted_roster(people=2)
    county = roster.organization.parent
    a_given_roster(roster, kind="organization", giver=county, whole=True)
    home = page_of(app, a_user(Role.CLERK, at=county), "/admin/")
    assert re.search(r'figure">1</p><p><a [^>]*>笔应缴等本单位缴纳', home)


def test_a_reminder_goes_to_the_donor_by_name_and_leaves_who_collects_its_own(app):
    roster, gift = a_given_roster()
    a_given_roster(a_drafted_roster(a_county_unit("示例乙厂工会"), people=1), name="示例基金会")
    office, finance = roster.edition.organization, finance_of(gift)
    clock.fix(date(2025, 2, 1))
    page = page_of(app, finance, "/admin/reminders/")
    for name in (gift.name, "示例基金会"):
        assert re.search(rf'/gifts/\d+/notice">{name}</a>', page)
    assert "还没有，请发赠送缴费通知" in page
    letter = page_of(app, finance, f"/admin/reminders/payers/{office.id}/")
    assert "合计人民币 60.00 元" in letter
    assert OWERS["gift"] not in letter
    told = reminders.remind(office, receiver=office, way="letter", by=finance, at=NOW)
    assert (told.dues, told.amount) == (2, 60_00)
    for due in Due.select().where(Due.carrier == "gift"):
        paid(due)
    assert gift.name not in page_of(app, finance, "/admin/reminders/")


def test_a_donor_s_reminder_is_noted_on_its_notice_and_is_nobody_else_s(app):
    roster, gift = a_given_roster()
    office, finance = roster.edition.organization, finance_of(gift)
    clock.fix(date(2025, 2, 1))
    browser, notice = signed_in(app, finance), f"/admin/gifts/{gift.id}/notice"
    assert "还没有催缴过" in browser.get(notice).get_data(as_text=True)
    assert browser.send(notice, {"way": "owl"}).status_code == 422
    assert browser.send(notice, {"way": "phone"}).location.endswith(notice)
    told = Reminder.get()
    assert (told.organization_id, told.dues, told.amount) == (office.id, 1, gift.amount)
    assert "上次催缴：2025-02-01，电话" in browser.get(notice).get_data(as_text=True)
    page = browser.get("/admin/reminders/").get_data(as_text=True)
    assert page.count("2025-02-01，电话") == 1
    assert "还没有</td>" in page, "the collecting office was not reminded of its own share"
    county = signed_in(app, a_user(Role.FINANCE, at=roster.organization.parent))
    assert "已用电话催缴" not in county.get(notice).get_data(as_text=True)
    assert county.send(notice, {"way": "phone"}).status_code == 404
    paid(gifts.due_of(gift))
    assert "记下催缴" not in browser.get(notice).get_data(as_text=True)
    with pytest.raises(Refused, match="不需要催缴"):
        reminders.remind_donor(gift, way="phone", by=finance, at=NOW)


def test_a_gift_s_notice_is_a_sheet_to_sign_and_says_what_is_still_owing(app):
    _, gift = a_given_roster()
    finance = signed_in(app, finance_of(gift))
    there = f"/admin/gifts/{gift.id}/notice"
    page = finance.get(there).get_data(as_text=True)
    due = gifts.due_of(gift)
    for words in ('<article class="card sheet">', "data-print", "制表：", "审核：", "日期：",
                  "（盖章）", "壹佰元整", "100.00 元"):  # fmt: skip
        assert words in page, words
    assert "尚欠" not in page
    paid(due, 30_00)
    page = finance.get(there).get_data(as_text=True)
    for words in ("已到账", "30.00 元", "尚欠", "70.00 元"):
        assert words in page, words


def test_an_organizations_gift_is_reminded_as_a_payer_not_as_a_donor(app):
    roster = a_drafted_roster(people=2)
    county = roster.organization.parent
    _, gift = a_given_roster(roster, kind="organization", giver=county, whole=True)
    browser = signed_in(app, a_user(Role.FINANCE, at=county))
    notice = f"/admin/gifts/{gift.id}/notice"
    assert "记下催缴" not in browser.get(notice).get_data(as_text=True)
    assert browser.send(notice, {"way": "phone"}).status_code == 404
    with pytest.raises(Refused, match="不需要催缴"):
        reminders.remind_donor(gift, way="phone", by=finance_of(gift), at=NOW)


def test_lists_of_gifts_and_of_their_dues_ask_no_more_the_longer_they_are(app, asked_sql, tmp_path):
    gift = a_given_roster()[1]
    paid(gifts.due_of(gift), 10_00)
    browser = signed_in(app, finance_of(gift))

    def asked() -> list[int]:
        counts = []
        for place in ("/admin/gifts", "/admin/gifts.xlsx", "/admin/funding/?whose=all"):
            asked_sql.clear()
            assert browser.get(place).status_code == 200
            counts.append(len(asked_sql))
        asked_sql.clear()
        dues = matching.load_dues(due.id for due in Due.select())
        assert gift.name in {due.payer_name for due in dues}
        return [*counts, len(asked_sql)]

    few = asked()
    for number in range(3):
        unit = a_county_unit(f"示例{number}厂工会")
        a_given_roster(a_drafted_roster(unit, people=1), name=f"示例企业{number}")
    assert asked() == few
    book = tmp_path / "gifts.xlsx"
    book.write_bytes(browser.get("/admin/gifts.xlsx").data)
    with read_rows(book) as rows:
        listed = [row for _, row in rows]
    assert [float(row[8]) for row in listed[2:]] == [0, 0, 0, 10]


def test_the_workbook_of_gifts_leaves_none_out_however_many_there_are(app, monkeypatch, tmp_path):
    monkeypatch.setattr(import_module("huigong.admin.gifts"), "AT_ONCE", 2)
    for number in range(5):
        unit = a_county_unit(f"示例{number}厂工会")
        gift = a_given_roster(a_drafted_roster(unit, people=1), name=f"示例企业{number}")[1]
    paid(gifts.due_of(gift), 10_00)
    book = tmp_path / "gifts.xlsx"
    book.write_bytes(signed_in(app, finance_of(gift)).get("/admin/gifts.xlsx").data)
    with read_rows(book) as rows:
        listed = [row for _, row in rows][2:]
    assert [row[0] for row in listed] == [f"示例企业{number}" for number in (4, 3, 2, 1, 0)]
    assert [float(row[8]) for row in listed] == [10, 0, 0, 0, 0]


def test_the_public_site_never_names_a_giver(office):
    a_public_city()
    draft = a_drafted_roster(
        a_zhengzhou_unit(), people=2, code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1), at=AT_ZHENGZHOU,
    )  # fmt: skip
    said = {"name": "示例只在内部出现的企业", "basis": "示例只在内部出现的函"}
    roster, gift = a_given_roster(draft, whole=True, at=AT_ZHENGZHOU, **said)
    paid(gifts.due_of(gift))
    root = build(office.public, as_of=TODAY)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert root / f"zhengzhou/policies/{roster.edition.code}/index.html" in files
    for path in files:
        content = path.read_bytes()
        for words in said.values():
            assert words.encode() not in content, path
