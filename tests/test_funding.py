from datetime import date, timedelta

import pytest
from builders import NOW, TODAY, a_city, a_county, a_unit, a_user, signed_in
from builders_funding import (
    PERSON,
    a_finance,
    a_paid_roster,
    a_roster,
    an_edition,
    an_enrollment,
    dues_of,
    paid,
)

from huigong import clock, rules
from huigong.models import Due, Journal, Payment, Receipt, Role
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import agreement, funding, ledger

JUST_PAID = {"received_on": TODAY, "remark": "", "at": NOW}


@pytest.mark.parametrize(
    ("code", "people", "total", "carrier", "share"),
    [
        ("puyang-hospital-2025", 6_079, "486,320.00", "rest", "303,950.00"),
        ("luohe-hospital-2024", 5_174, "413,920.00", None, None),
        ("anyang-hospital-2019", 49_231, "4,430,790.00", "union", "1,476,930.00"),
    ],
)
def test_the_published_totals_come_out_to_the_fen(office, code, people, total, carrier, share):
    fee = rules.fee(an_edition(code).plan, {**PERSON, "unit_level": "county"})
    assert yuan(fee.total * people) == total
    if carrier:
        assert yuan(fee.shares[carrier] * people) == share


@pytest.mark.parametrize(
    ("code", "people", "owed"),
    [
        ("puyang-hospital-2025", 6_079, {"city": "121,580.00", "county": "60,790.00",
                                         "unit": "303,950.00"}),
        ("luohe-hospital-2024", 5_174, {"unit": "413,920.00"}),
        ("anyang-hospital-2019", 49_231, {"union": "1,476,930.00", "unit": "2,953,860.00"}),
    ],
)  # fmt: skip
def test_the_published_numbers_of_people_owe_the_published_totals(office, code, people, owed):
    roster = a_roster(people=0, code=code)
    facts = {**PERSON, "unit_level": "county"}
    fee = rules.fee(roster.edition.plan, facts)
    groups = [(facts, people, fee.total * people)]
    dues = funding.raise_dues(roster, by=a_finance(roster), at=NOW, people=groups)
    assert {due.carrier: yuan(due.amount) for due in dues} == owed
    booked = ledger.balance(roster.edition.scheme, "receivable")
    assert booked == fee.total * people == sum(due.amount for due in dues)


def test_a_county_units_roster_owes_the_three_shares_by_their_dates(office):
    roster = a_roster(people=128)
    dues = dues_of(roster)
    owed = {carrier: (yuan(due.amount), due.due_on) for carrier, due in dues.items()}
    assert owed == {
        "city": ("2,560.00", date(2024, 12, 25)),
        "county": ("1,280.00", date(2024, 12, 25)),
        "unit": ("6,400.00", date(2025, 1, 10)),
    }
    assert [dues[c].payer.level for c in ("city", "county", "unit")] == ["city", "county", "unit"]
    assert ledger.balance(roster.edition.scheme, "receivable") == 10_240_00


def test_a_city_level_units_roster_owes_other_shares(office):
    dues = dues_of(a_roster(a_unit(a_city()), people=2, rest_by="person"))
    owed = {carrier: due.amount for carrier, due in dues.items()}
    assert owed == {"city": 60_00, "person": 100_00}
    assert dues["person"].payer.level == "unit"


def test_each_person_carries_the_share_of_their_own_facts(office):
    roster = a_roster(people=1, code="zhengzhou-hospital-2023", cover_from=date(2023, 8, 1))
    an_enrollment(roster, **{**PERSON, "membership": "non_member", "unit_level": "county"})
    owed = {carrier: due.amount for carrier, due in dues_of(roster).items()}
    assert owed == {"city": 30_00, "unit": 45_00 + 75_00}


def test_shares_the_source_does_not_state_are_the_units_and_unstated_dates_the_day_before(office):
    roster = a_roster(people=2, code="luohe-hospital-2024", cover_from=date(2025, 1, 1))
    (due,) = dues_of(roster).values()
    assert (due.carrier, due.amount, due.due_on) == ("unit", 160_00, date(2024, 12, 31))
    assert funding.stated_day(roster.edition.plan, "unit") is None


def test_a_share_of_unions_without_a_level_is_asked_of_the_city(office):
    roster = a_roster(people=2, code="anyang-hospital-2019", cover_from=date(2025, 1, 1))
    dues = dues_of(roster)
    assert (dues["union"].amount, dues["union"].payer.level) == (60_00, "city")
    assert dues["unit"].amount == 120_00


@pytest.mark.parametrize(
    ("approved", "day"),
    [
        (date(2024, 12, 10), date(2024, 12, 10)),
        (date(2024, 12, 11), date(2025, 1, 10)),
        (date(2025, 1, 31), date(2025, 2, 10)),
    ],
)
def test_a_stated_day_is_the_next_one_on_or_after_the_approval(approved, day):
    plan = {"fee": {"pay_by": {"rest": 10}}}
    assert funding.due_day(plan, "unit", approved_on=approved, cover_from=date(2025, 1, 1)) == day


def test_the_thirty_first_of_a_shorter_month_is_its_last_day():
    plan = {"fee": {"pay_by": {"city": 31}}}
    asked = {"approved_on": date(2025, 2, 3), "cover_from": date(2025, 3, 1)}
    assert funding.due_day(plan, "city", **asked) == date(2025, 2, 28)


def test_a_due_is_never_dated_before_the_approval():
    asked = {"approved_on": TODAY, "cover_from": date(2024, 1, 1)}
    assert funding.due_day({"fee": {}}, "unit", **asked) == TODAY


def test_dues_are_raised_once_and_not_without_the_level_that_shares(office):
    roster = a_roster()
    dues_of(roster)
    with pytest.raises(Refused, match="已经生成"):
        dues_of(roster)
    lost = a_roster(a_unit(a_city()), unit_level="county")  # says county, hangs below the city
    with pytest.raises(Refused, match="没有县（区）级工会"):
        dues_of(lost)
    assert not Due.select().where(Due.roster == lost).exists()


def test_a_roster_is_paid_when_its_last_due_is_and_only_then_in_force(office):
    roster = a_roster()
    enrollment = roster.enrollments.get()
    dues = list(dues_of(roster).values())
    for due in dues[:-1]:
        paid(due)
    assert not funding.is_paid(roster)
    assert not funding.in_force_on(enrollment, date(2025, 6, 1))
    paid(dues[-1], 1)
    paid(dues[-1], dues[-1].amount - 1)
    assert funding.is_paid(roster)
    first, last = date(2025, 1, 1), date(2025, 12, 31)
    day = timedelta(days=1)
    said = [funding.in_force_on(enrollment, d) for d in (first - day, first, last, last + day)]
    assert said == [False, True, True, False]


@pytest.mark.parametrize("stage", ["draft", "submitted", "returned"])
def test_a_roster_that_is_not_approved_is_not_in_force(office, stage):
    roster = a_roster(stage=stage)
    assert not funding.is_paid(roster)
    assert not funding.in_force_on(roster.enrollments.get(), date(2025, 6, 1))


def test_more_than_remains_is_refused_and_the_remainder_is_named(office):
    due = dues_of(a_roster(people=2))["unit"]
    paid(due, 30_00)
    with pytest.raises(Refused, match=r"还剩 70\.00 元"):
        paid(due, 70_01)
    paid(due, 70_00)
    with pytest.raises(Refused, match="已经缴清"):
        paid(due, 1)
    assert due.paid == 100_00


def test_nothing_a_future_day_and_no_reference_are_refused_together(office):
    due = dues_of(a_roster())["unit"]
    with pytest.raises(Refused) as refused:
        funding.record_payment(
            due,
            amount=0,
            received_on=TODAY + timedelta(days=1),
            bank_reference=" ",
            remark="",
            by=a_finance(due.roster),
            at=NOW,
        )
    assert set(refused.value.by_field()) == {"amount", "received_on", "bank_reference"}
    assert not Payment.select().exists()


def test_a_statement_line_counts_once_however_it_is_typed(office):
    dues = dues_of(a_roster())
    finance = a_finance(dues["unit"].roster)
    line = {"by": finance, **JUST_PAID}
    funding.record_payment(dues["unit"], amount=1_00, bank_reference="lsA 01", **line)
    with pytest.raises(Refused, match="一条流水只能登记一次"):
        funding.record_payment(dues["city"], amount=1_00, bank_reference="ＬＳＡ０１", **line)


def test_a_reversed_payment_counts_no_more_and_its_line_may_be_recorded_where_it_belongs(office):
    dues = dues_of(a_roster())
    roster = dues["unit"].roster
    finance = a_finance(roster)
    line = {"bank_reference": "LS1", "by": finance, **JUST_PAID}
    wrong = funding.record_payment(dues["unit"], amount=40_00, **line)
    with pytest.raises(Refused, match="原因"):
        funding.reverse_payment(wrong, reason="", by=finance, at=NOW)
    funding.reverse_payment(wrong, reason="记到了单位名下", by=finance, at=NOW)
    assert dues["unit"].paid == 0
    right = funding.record_payment(dues["city"], amount=40_00, **line)
    assert (right.key, dues["city"].paid) == ("LS1:2", 40_00)
    with pytest.raises(Refused, match="已经更正"):
        funding.reverse_payment(wrong, reason="再来", by=finance, at=NOW)
    assert Payment.select().count() == 2
    assert agreement.disagreements() == []


def test_a_receipt_follows_full_payment_once_and_in_a_series(office):
    roster = a_roster()
    dues = dues_of(roster)
    finance = a_finance(roster)
    with pytest.raises(Refused, match="缴清后"):
        funding.confirm_receipt(roster, by=finance, at=NOW)
    for due in dues.values():
        paid(due)
    receipt = funding.confirm_receipt(roster, by=finance, at=NOW)
    assert (receipt.number, receipt.amount) == ("SJ2024-000001", 160_00)
    with pytest.raises(Refused, match="SJ2024-000001"):
        funding.confirm_receipt(roster, by=finance, at=NOW)
    other = a_paid_roster(roster.organization)
    assert funding.confirm_receipt(other, by=finance, at=NOW).number == "SJ2024-000002"
    next_year = NOW.replace(year=2025)
    third = a_paid_roster(roster.organization)
    assert funding.confirm_receipt(third, by=finance, at=next_year).number == "SJ2025-000001"
    with pytest.raises(Refused, match="不能再更正"):
        funding.reverse_payment(dues["city"].payments.get(), reason="x", by=finance, at=NOW)
    assert Receipt.select().count() == 3


def test_the_ledger_is_readable(office):
    roster = a_roster(a_unit(a_county(a_city(), "示例县总工会"), "演示单位"))
    paid(dues_of(roster)["unit"])
    texts = [journal.text for journal in Journal.select().order_by(Journal.id)]
    assert f"名册#{roster.number} 应收 单位分担参保费（演示单位）" in texts
    assert texts[-1].startswith(f"名册#{roster.number} 到账 演示单位（流水号LS")


def funding_page(app, user, address=""):
    return signed_in(app, user).get(f"/admin/funding/{address}")


def test_each_level_sees_its_own_share_first_and_finance_sees_all(app):
    roster = a_roster(people=128)
    dues_of(roster)
    unit, county = roster.organization, roster.organization.parent
    clerk, officer = a_user(Role.CLERK, at=unit), a_user(Role.REVIEWER, at=county)
    seen = {
        who: funding_page(app, user).get_data(as_text=True)
        for who, user in (("unit", clerk), ("county", officer), ("city", a_finance(roster)))
    }
    assert "6,400.00" in seen["unit"]
    assert "2,560.00" not in seen["unit"]
    assert "1,280.00" in seen["county"]
    assert "6,400.00" not in seen["county"]
    assert "10,240.00" in seen["city"]
    all_shares = funding_page(app, clerk, "?whose=all").get_data(as_text=True)
    assert "10,240.00" in all_shares


def test_the_list_filters_by_state_carrier_and_scheme_in_words(app):
    roster = a_roster(people=2)
    funding.raise_dues(roster, by=a_finance(roster), at=NOW.replace(month=11, day=3))
    finance = a_finance(roster)
    paid(roster.dues.where(Due.carrier == "city").get())
    late = funding_page(app, finance, "?state=overdue").get_data(as_text=True)
    assert "逾期36天" in late
    assert "共 2 笔应缴" in late
    done = funding_page(app, finance, "?state=paid&carrier=city").get_data(as_text=True)
    assert "共 1 笔应缴" in done
    other = funding_page(app, finance, "?scheme=99&sort=-amount&page=7").get_data(as_text=True)
    assert "没有符合条件的应缴" in other


def test_finance_records_a_payment_and_what_is_refused_keeps_the_typing(app):
    due = dues_of(a_roster(people=128))["unit"]
    browser, address = (
        signed_in(app, a_finance(due.roster)),
        f"/admin/funding/dues/{due.id}/payment",
    )
    assert 'value="6400.00"' in browser.get(address).get_data(as_text=True)
    typed = {"amount": "6400.001", "received_on": "昨天", "bank_reference": "", "remark": "一月"}
    refused = browser.send(address, typed)
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "最多两位小数" in page
    assert 'value="6400.001"' in page
    assert 'value="一月"' in page
    for field in ("amount", "received_on", "bank_reference"):
        assert f'id="{field}-wrong"' in page
    more = {"amount": "6,400.01", "received_on": "2024-12-16", "bank_reference": "LS1"}
    assert "还剩 6,400.00 元" in browser.send(address, more).get_data(as_text=True)
    slip = browser.send(address, {**more, "amount": "64,00"}).get_data(as_text=True)
    assert 'id="amount-wrong"' in slip
    assert not Payment.select().exists()
    sent = browser.send(address, {**more, "amount": "６，４００元"})
    assert sent.status_code == 303
    assert "已缴清" in browser.get(sent.location).get_data(as_text=True)


def test_only_finance_of_whoever_runs_the_scheme_records_its_money(app):
    roster = a_roster()
    due = dues_of(roster)["unit"]
    payment = paid(due, 1_00)
    unit, county = roster.organization, roster.organization.parent
    addresses = [
        f"/admin/funding/dues/{due.id}/payment",
        f"/admin/funding/payments/{payment.id}/reversal",
        f"/admin/funding/rosters/{roster.id}/receipt",
    ]
    for place in (unit, county, a_city("另一示例市总工会")):
        browser = signed_in(app, a_user(Role.FINANCE, at=place))
        for address in addresses:
            assert browser.get(address).status_code == 404
            assert browser.send(address, {"amount": "1", "reason": "x"}).status_code == 404
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    assert clerk.get(addresses[0]).status_code == 403
    assert "登记到账" not in clerk.get(f"/admin/funding/rosters/{roster.id}/").get_data(
        as_text=True
    )
    assert Payment.select().count() == 1


def test_a_receipt_prints_its_amount_in_capitals_with_lines_to_sign(app):
    roster = a_paid_roster(people=128)
    browser = signed_in(app, a_finance(roster))
    assert roster.number in browser.get("/admin/funding/receipts").get_data(as_text=True)
    sent = browser.send(f"/admin/funding/rosters/{roster.id}/receipt")
    page = browser.get(sent.location).get_data(as_text=True)
    for words in ("SJ2024-000001", "壹万零贰佰肆拾元整", "制表：", "审核：", "日期：", "（盖章）"):
        assert words in page
    again = browser.send(f"/admin/funding/rosters/{roster.id}/receipt")
    assert again.status_code == 422
    assert "没有等开票确认" in browser.get("/admin/funding/receipts").get_data(as_text=True)


def test_a_reversal_asks_for_its_reason_and_shows_it(app):
    payment = paid(dues_of(a_roster())["city"])
    browser = signed_in(app, payment.by)
    address = f"/admin/funding/payments/{payment.id}/reversal"
    assert browser.send(address, {"reason": " "}).status_code == 422
    sent = browser.send(address, {"reason": "记错了单位"})
    assert "记错了单位" in browser.get(sent.location).get_data(as_text=True)


def test_what_is_not_stated_says_whose_notice_holds(app):
    roster = a_roster(people=2, code="luohe-hospital-2024")
    dues_of(roster)
    page = funding_page(app, a_finance(roster), f"rosters/{roster.id}/").get_data(as_text=True)
    assert "以当地工会最新通知为准" in page


def test_home_tells_finance_and_the_unit_what_waits(app):
    roster = a_roster()
    dues_of(roster)
    clerk = a_user(Role.CLERK, at=roster.organization)
    assert "等本单位缴纳" in signed_in(app, clerk).get("/admin/").get_data(as_text=True)
    home = signed_in(app, a_finance(roster)).get("/admin/").get_data(as_text=True)
    assert "到账后请登记" in home
    assert "已逾期" not in home


def test_a_county_is_told_at_home_what_it_owes_and_that_it_is_late(app, office):
    roster = a_roster()
    dues_of(roster)
    county = roster.organization.parent
    for role in (Role.REVIEWER, Role.FINANCE):
        home = signed_in(app, a_user(role, at=county)).get("/admin/").get_data(as_text=True)
        assert "笔应缴等本单位缴纳" in home
    browser = signed_in(app, a_user(Role.FINANCE, at=county))
    clock.fix(date(2025, 2, 1))
    late = browser.get("/admin/").get_data(as_text=True)
    assert "笔本单位应缴已逾期" in late
    assert "等本单位缴纳" not in late
    listed = browser.get("/admin/funding/?whose=mine&state=overdue").get_data(as_text=True)
    assert "逾期38天" in listed
