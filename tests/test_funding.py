from datetime import date, timedelta

import pytest
from builders import NOW, TODAY, a_city, a_county, a_unit
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

from huigong import rules
from huigong.models import Due, Journal, Payment, Receipt
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import funding, ledger

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
    assert ledger.disagreements() == []


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
