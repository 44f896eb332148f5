"""Top-ups, fee notices, reminders, receipts and vouchers, with their screens."""

import io
import re
from datetime import date, timedelta

import pytest
from builders import NOW, TODAY, a_city, a_county, a_unit, a_user, signed_in
from builders_funding import (
    a_finance,
    a_paid_roster,
    a_roster,
    dues_of,
    paid,
)
from builders_statements import a_line, imported
from openpyxl import load_workbook

from huigong.models import (
    AccountName,
    DueStanding,
    Receipt,
    Reminder,
    Role,
    TopUp,
)
from huigong.refusals import Refused
from huigong.workflows import agreement, funding, reminders, top_ups, vouchers

ZHENGZHOU = "zhengzhou-hospital-2023"
YEAR = {"from_on": date(2025, 1, 1), "to_on": date(2025, 12, 31)}


def text(answer):
    return answer.get_data(as_text=True)


def cells(answer):
    return [list(row) for row in load_workbook(io.BytesIO(answer.data)).active.values]


def a_top_up(place, scheme, yuan=25, **more):
    by = a_user(Role.FINANCE, at=place)
    given = {"amount": yuan * 100, "members_only": True, "basis": "示例文件", **YEAR, **more}
    return top_ups.record_top_up(organization=place, scheme=scheme, by=by, at=NOW, **given)


def a_zhengzhou_roster(city=None, **more):
    """A Zhengzhou county's roster: 75 a person, the city carries 30 for members."""
    unit = a_unit(a_county(city or a_city()))
    return a_roster(unit, people=1, code=ZHENGZHOU, rest_by="person", **more)


def owed(roster):
    return {carrier: due.amount for carrier, due in dues_of(roster).items()}


# top-ups


def test_a_county_s_top_up_lowers_the_rest_as_in_erqi(office):
    roster = a_zhengzhou_roster()
    a_top_up(roster.organization.parent, roster.edition.scheme)
    assert owed(roster) == {"city": 30_00, "county": 25_00, "person": 20_00}
    assert agreement.disagreements() == []


def test_top_ups_never_exceed_the_rest_and_the_upper_levels_come_first(office):
    roster = a_zhengzhou_roster()
    a_top_up(roster.organization, roster.edition.scheme, 30)
    a_top_up(roster.organization.parent, roster.edition.scheme, 40)
    assert owed(roster) == {"city": 30_00, "county": 40_00, "unit": 5_00}


def test_a_top_up_holds_for_its_time_its_subtree_and_its_people(office):
    roster = a_zhengzhou_roster()
    scheme = roster.edition.scheme
    a_top_up(a_county(roster.organization.parent.parent, "另一示例县总工会"), scheme)
    before = {"from_on": date(2024, 1, 1), "to_on": date(2024, 12, 31)}
    a_top_up(roster.organization.parent, scheme, **before)
    assert owed(roster) == {"city": 30_00, "person": 45_00}
    city = roster.edition.organization
    others = a_zhengzhou_roster(city, membership="non_member")
    a_top_up(others.organization.parent, scheme)
    assert owed(others) == {"person": 75_00}
    everyone = a_zhengzhou_roster(city, membership="non_member")
    a_top_up(everyone.organization.parent, scheme, members_only=False)
    assert owed(everyone) == {"county": 25_00, "person": 50_00}


def test_a_top_up_is_refused_with_every_reason_and_ended_only_earlier(office):
    roster = a_zhengzhou_roster()
    county, scheme = roster.organization.parent, roster.edition.scheme
    with pytest.raises(Refused) as refused:
        a_top_up(county, scheme, 0, basis=" ", to_on=date(2024, 12, 31))
    assert set(refused.value.by_field()) == {"amount", "basis", "to_on"}
    top_up = a_top_up(county, scheme)
    with pytest.raises(Refused, match="重叠"):
        a_top_up(county, scheme, from_on=date(2025, 12, 31), to_on=date(2026, 12, 31))
    with pytest.raises(Refused, match="只能提前"):
        top_ups.end_top_up(top_up, to_on=date(2026, 1, 1), by=top_up.by, at=NOW)
    with pytest.raises(Refused, match="最早"):
        top_ups.end_top_up(top_up, to_on=date(2024, 12, 30), by=top_up.by, at=NOW)
    top_ups.end_top_up(top_up, to_on=date(2024, 12, 31), by=top_up.by, at=NOW)
    assert owed(roster) == {"city": 30_00, "person": 45_00}
    with pytest.raises(Refused, match="不在该单位所属的城市"):
        a_top_up(a_county(a_city("另一示例市总工会")), scheme)


def test_the_county_records_its_top_up_on_a_form(app):
    roster = a_zhengzhou_roster()
    county = roster.organization.parent
    browser = signed_in(app, a_user(Role.FINANCE, at=county))
    assert "没有另行补贴" in text(browser.get("/admin/top-ups/"))
    address = f"/admin/top-ups/new/{county.id}"
    assert "每人补贴金额" in text(browser.get(address))
    assert browser.send(address, {"amount": "x", "from_on": "", "to_on": ""}).status_code == 422
    typed = {"amount": "25", "from_on": "2025-01-01", "to_on": "2025-12-31", "basis": "示例文件"}
    typed["whom"] = "members"
    assert "请选择互助计划" in text(browser.send(address, typed))
    typed["scheme"] = roster.edition.scheme_id
    assert browser.send(address, typed).status_code == 303
    assert "25.00" in text(browser.get("/admin/top-ups/"))
    ending = f"/admin/top-ups/{TopUp.get().id}/end"
    assert browser.get(ending).status_code == 200
    assert browser.send(ending, {"to_on": "2027-01-01"}).status_code == 422
    assert browser.send(ending, {"to_on": "2024-12-31"}).status_code == 303
    assert "从未生效" in text(browser.get("/admin/top-ups/"))


# notices and reminders


def test_the_fee_notice_says_who_pays_what_until_when_and_with_which_remark(app):
    roster = a_roster(people=128)
    dues_of(roster)
    a_top_up(roster.organization.parent, roster.edition.scheme, 5)
    browser = signed_in(app, a_user(Role.CLERK, at=roster.organization))
    page = text(browser.get(f"/admin/funding/rosters/{roster.id}/notice"))
    for words in (
        "缴费通知", "壹万零贰佰肆拾元整", "6,400.00", "2025-01-10", "2024-12-25",
        f"DW{roster.organization_id:05d} 202501", "市直基层单位", "另行补贴会员每人 5.00 元",
        "（盖章）",
    ):  # fmt: skip
        assert words in page, words
    draft = a_roster(roster.organization, stage="draft")
    assert "还没有应缴" in text(browser.get(f"/admin/funding/rosters/{draft.id}/notice"))


def test_who_is_late_is_listed_in_words_and_a_reminder_is_recorded(app):
    roster = a_roster(people=2)
    funding.raise_dues(roster, by=a_finance(roster), at=NOW.replace(month=11, day=3))
    unit = roster.organization
    browser = signed_in(app, a_finance(roster))
    page = text(browser.get("/admin/reminders/"))
    assert "逾期36天" in page  # the unit's, on 10 November
    assert "还没有" in page
    address = f"/admin/reminders/payers/{unit.id}/"
    letter = text(browser.get(address))
    assert "壹佰元整" in letter
    assert "逾期36天" in letter
    city = roster.edition.organization
    assert browser.send(address, {"way": "owl", "receiver": city.id}).status_code == 422
    assert browser.send(address, {"way": "letter", "receiver": unit.id}).status_code == 422
    assert browser.send(address, {"way": "letter", "receiver": city.id}).status_code == 303
    told = Reminder.get()
    assert (told.dues, told.amount, told.on) == (1, 100_00, TODAY)
    assert "书面通知" in text(browser.get("/admin/reminders/"))
    rows = cells(browser.get(f"{address}workbook"))
    assert rows[2][0] == roster.number
    assert rows[2][4] == 100
    assert rows[2][7] == f"DW{unit.id:05d} 202501"
    for due in roster.dues:
        paid(due)
    assert "没有需要催缴的" in text(browser.get("/admin/reminders/"))
    with pytest.raises(Refused, match="不需要催缴"):
        reminders.remind(unit, receiver=city, way="phone", by=told.by, at=NOW)


def test_a_county_prints_its_own_transfer_sheet(app):
    roster = a_roster(people=128)
    dues_of(roster)
    county = roster.organization.parent
    browser = signed_in(app, a_user(Role.FINANCE, at=county))
    page = text(browser.get(f"/admin/reminders/payers/{county.id}/"))
    assert "1,280.00" in page
    assert "6,400.00" not in page
    assert "记下催缴" not in page


# receipts


def test_a_voided_receipt_keeps_its_number_and_the_roster_gets_another(office):
    roster = a_paid_roster()
    by = a_finance(roster)
    first = funding.confirm_receipt(roster, by=by, at=NOW)
    with pytest.raises(Refused, match="原因"):
        funding.void_receipt(first, reason=" ", by=by, at=NOW)
    funding.void_receipt(first, reason="抬头写错", by=by, at=NOW)
    with pytest.raises(Refused, match="已经作废"):
        funding.void_receipt(first, reason="再来", by=by, at=NOW)
    assert funding.receipt_of(roster) is None
    funding.reverse_payment(roster.dues.get().payments.get(), reason="可以了", by=by, at=NOW)
    paid(roster.dues.get())
    second = funding.confirm_receipt(roster, by=by, at=NOW)
    assert (first.number, second.number) == ("SJ2024-000001", "SJ2024-000002")


def test_each_receiver_has_its_own_series(office):
    one = a_paid_roster()
    other = a_paid_roster(a_unit(a_county(a_city("另一示例市总工会"))), code=ZHENGZHOU)
    numbers = [funding.confirm_receipt(r, by=a_finance(r), at=NOW).number for r in (one, other)]
    assert numbers == ["SJ2024-000001", "SJ2024-000001"]


def test_a_receipt_is_voided_on_its_page_and_listed_so(app):
    roster = a_paid_roster()
    browser = signed_in(app, a_finance(roster))
    assert "没有收据" in text(browser.get("/admin/funding/receipts/issued"))
    browser.send(f"/admin/funding/rosters/{roster.id}/receipt")
    receipt = Receipt.get()
    address = f"/admin/funding/receipts/{receipt.id}"
    assert "作废这张收据" in text(browser.get(address))
    assert browser.send(f"{address}/void", {"reason": ""}).status_code == 422
    assert browser.send(f"{address}/void", {"reason": "抬头写错"}).status_code == 303
    assert "已作废" in text(browser.get(address))
    listed = text(browser.get("/admin/funding/receipts/issued?q=sj2024"))
    assert "抬头写错" in listed
    assert roster.number in text(browser.get("/admin/funding/receipts"))


# vouchers


def test_a_months_vouchers_balance_and_carry_the_office_s_own_names(app):
    roster = a_paid_roster(people=2)
    city = roster.edition.organization
    browser = signed_in(app, a_finance(roster))
    address = f"/admin/ledger/accounts/{city.id}"
    typed = {"code-bank": "1002", "name-bank": "银行存款—互助专户", "code-receivable": "1002"}
    refused = browser.send(address, typed)
    assert refused.status_code == 422
    assert "科目代码 1002 用了两次" in text(refused)
    assert not AccountName.select().exists()
    typed["code-receivable"] = "1122"
    assert browser.send(address, typed).status_code == 303
    rows = cells(browser.get(f"/admin/ledger/vouchers/{city.id}?month=2024-12"))
    assert rows[0][:7] == [c.title for c in vouchers.COLUMNS[:7]]
    lines = rows[1:]
    assert len(lines) == 12
    assert lines[0][1] == lines[1][1] == "记-0001"
    assert {(line[3], line[4]) for line in lines} >= {("1002", "银行存款—互助专户")}
    assert sum(line[5] or 0 for line in lines) == sum(line[6] or 0 for line in lines) == 320
    wrong = browser.get(f"/admin/ledger/vouchers/{city.id}?month=2024-13")
    assert wrong.status_code == 303
    assert "月份请写成 2024-12 这样" in text(browser.get(wrong.location))
    empty = browser.get(f"/admin/ledger/vouchers/{city.id}?month=2024-11")
    assert empty.status_code == 303
    assert "2024-11 没有凭证" in text(browser.get(empty.location))


# the list of dues


def test_the_list_of_dues_asks_the_same_few_questions_however_long_it_is(app):
    from huigong.database import db

    first = a_roster(people=1)
    dues_of(first)
    browser = signed_in(app, a_finance(first))

    def questions():
        asked, execute = [], db.obj.execute_sql
        db.obj.execute_sql = lambda sql, *more: asked.append(sql) or execute(sql, *more)
        try:
            assert browser.get("/admin/funding/").status_code == 200
        finally:
            db.obj.execute_sql = execute
        return len(asked)

    few = questions()
    for _ in range(6):
        dues_of(a_roster(first.organization, people=1))
    assert questions() == few


def test_the_standing_of_a_due_follows_its_payments(office):
    due = dues_of(a_roster(people=2))["unit"]
    standing = DueStanding.get(DueStanding.due == due)
    assert (standing.owing, standing.settled) == (100_00, False)
    payment = paid(due)
    standing = DueStanding.get(DueStanding.due == due)
    assert (standing.owing, standing.settled) == (0, True)
    funding.reverse_payment(payment, reason="记错", by=payment.by, at=NOW + timedelta(hours=1))
    assert DueStanding.get(DueStanding.due == due).owing == 100_00
    DueStanding.update(owing=5).where(DueStanding.due == due).execute()
    assert any("清单记 0.05 元" in words for words in agreement.disagreements())


def test_an_empty_money_form_is_told_every_gap_at_once(app, office):
    roster = a_paid_roster()
    city, scheme = roster.edition.organization, roster.edition.scheme
    (line, *_) = imported(city, office.files, [a_line("88.00", "往来款", reference="LS1")])
    browser = signed_in(app, a_finance(roster))
    gaps = {
        f"/admin/incomes/new/{city.id}": {
            *("kind", "giver", "amount", "received_on", "bank_reference"),
        },
        f"/admin/top-ups/new/{city.id}": {
            *("scheme", "whom", "amount", "from_on", "to_on", "basis"),
        },
        f"/admin/transfers/schemes/{scheme.id}/": {"amount", "transferred_on", "bank_reference"},
        f"/admin/statements/lines/{line.id}/income": {"amount", "kind", "giver"},
        f"/admin/statements/lines/{line.id}/refund": {"amount", "refunded_on", "reason"},
    }
    told = {}
    for address in gaps:
        answer = browser.send(address, {})
        assert answer.status_code == 422
        told[address] = set(re.findall(r'<li><a href="#([\w-]+)">', text(answer)))
    assert told == gaps
