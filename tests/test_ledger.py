import re
from importlib import import_module

import pytest
from builders import NOW, TODAY, a_city, a_user, signed_in
from builders_funding import a_paid_roster, a_roster, an_approved_claim, an_edition, dues_of, paid
from peewee import DatabaseError

from huigong.admin import lists
from huigong.database import db
from huigong.models import Due, Enrollment, Journal, Payment, Posting, Role
from huigong.refusals import Lost
from huigong.workflows import agreement, funding, ledger


def a_journal(key="test:1", postings=(("bank", 100), ("receivable", -100))):
    edition = an_edition()
    return ledger.book(
        key=key,
        text="名册#1 到账",
        organization=edition.organization,
        scheme=edition.scheme,
        postings=list(postings),
        by=None,
        at=NOW,
    )


def test_a_journal_that_does_not_sum_to_zero_is_never_booked(office):
    with pytest.raises(ValueError, match="sum to zero"):
        a_journal(postings=[("bank", 100), ("receivable", -99)])
    with pytest.raises(ValueError, match="no account"):
        a_journal(postings=[("bank", 100), ("pocket", -100)])
    assert not Journal.select().exists()


def test_one_fact_is_booked_once(office):
    a_journal()
    with pytest.raises(Lost):
        a_journal()
    assert Posting.select().count() == 2


@pytest.mark.parametrize("table", [Journal, Posting, Due, Payment])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_what_was_booked_can_be_neither_changed_nor_deleted(office, table, verb):
    paid(dues_of(a_roster())["city"])
    column = Journal.text if table is Journal else table.amount
    change = table.update({column: column}) if verb == "update" else table.delete()
    with pytest.raises(DatabaseError, match="only added"), db.atomic():
        change.execute()


def test_a_correction_is_a_reversal_and_both_stay(office):
    journal = a_journal()
    scheme = an_edition().scheme
    assert ledger.balance(scheme, "bank") == 100
    ledger.reverse(journal, text="更正", by=None, at=NOW)
    assert ledger.balance(scheme, "bank") == 0
    assert Journal.select().count() == 2
    with pytest.raises(Lost):
        ledger.reverse(journal, text="更正", by=None, at=NOW)


def test_an_office_whose_facts_and_ledger_agree_has_nothing_to_say(office):
    roster = a_paid_roster(people=3)
    an_approved_claim(roster.edition.organization)
    payment = paid(dues_of(a_roster(roster.organization))["city"])
    funding.reverse_payment(payment, reason="登记错了", by=payment.by, at=NOW)
    assert agreement.disagreements() == []


def test_an_unbalanced_journal_is_named(office):
    journal = a_journal()
    Posting.create(journal=journal, account="bank", scheme=an_edition().scheme, amount=1)
    assert ledger.unbalanced() == [journal]
    assert any("借贷不平" in words for words in agreement.disagreements())


def test_a_due_without_its_journal_and_a_payment_booked_otherwise_are_named(office):
    roster = a_roster()
    due = Due.create(
        organization=roster.organization,
        roster=roster,
        carrier="unit",
        payer=roster.organization,
        amount=160_00,
        due_on=TODAY,
    )
    assert f"应收#{due.id} 应缴 160.00 元，账簿记 0.00 元" in agreement.disagreements()
    other = Payment.create(
        organization=roster.organization,
        due=due,
        amount=170_00,
        received_on=TODAY,
        bank_reference="X",
        key="X:1",
        by=roster.made_by,
        at=NOW,
    )
    said = agreement.disagreements()
    assert f"到账#{other.id} 170.00 元，账簿记 0.00 元" in said
    assert any("多收" in words for words in said)


def test_fees_that_no_longer_equal_the_dues_are_named(office):
    roster = a_paid_roster()
    Enrollment.update(fee=1).where(Enrollment.roster == roster).execute()
    assert any(f"名册{roster.number} 应缴合计 160.00 元" in s for s in agreement.disagreements())


def test_an_award_without_its_journal_and_a_journal_without_a_fact_are_named(office):
    a_user(Role.FINANCE, at=a_city())
    claim = an_approved_claim()
    decision = claim.decisions.get()
    a_journal(postings=[("benefits", 5), ("payable", -5)])
    assert any(
        words.startswith("互助金支出（") and "账簿余额" in words
        for words in agreement.disagreements()
    )
    assert decision.amount == ledger.balance(claim.enrollment.edition.scheme, "benefits")


def test_each_fund_is_what_came_in_less_what_was_awarded(office):
    roster = a_paid_roster(people=2)
    edition = roster.edition
    a_journal("claim:9:award", [("benefits", 30_00), ("payable", -30_00)])
    (fund,) = ledger.funds([edition.scheme])
    assert (fund.contributions, fund.benefits, fund.left) == (160_00, 30_00, 130_00)
    assert fund.bank + fund.receivable - fund.payable == fund.left


def test_the_ledger_page_shows_funds_and_filters_journals(app):
    roster = a_paid_roster(people=2)
    browser = signed_in(app, a_user(Role.AUDITOR, at=roster.edition.organization))
    page = browser.get("/admin/ledger/").get_data(as_text=True)
    assert "基金余额" in page
    assert "160.00" in page
    assert "共 6 张凭证" in page
    bank = browser.get("/admin/ledger/?account=bank&from=2024-12-16&to=2024-12-16&q=到账")
    assert "共 3 张凭证" in bank.get_data(as_text=True)
    none = browser.get("/admin/ledger/?from=2025-01-01&scheme=x")
    assert "没有符合条件的凭证" in none.get_data(as_text=True)
    foreign = signed_in(app, a_user(Role.AUDITOR, at=a_city("另一示例市总工会")))
    assert "还没有凭证" in foreign.get("/admin/ledger/").get_data(as_text=True)
    clerk = signed_in(app, a_user(Role.CLERK, at=roster.organization))
    assert clerk.get("/admin/ledger/").status_code == 403


def test_words_that_only_old_journals_have_are_sought_some_at_a_time(app, monkeypatch):
    monkeypatch.setattr(lists, "MOST_GATHERED", 0)
    monkeypatch.setattr(import_module("huigong.admin.ledger"), "MOST_READ", 4)
    roster = a_paid_roster(people=2)  # six journals; those of the dues are the oldest three
    browser = signed_in(app, a_user(Role.AUDITOR, at=roster.edition.organization))
    page = browser.get("/admin/ledger/?q=应收").get_data(as_text=True)
    found = [f"凭证 {n}" for n in re.findall(r"凭证 (\d+)", page)]
    while (on := re.search(r'rel="next" href="([^"]+)"', page)) is not None:
        page = browser.get(on.group(1).replace("&amp;", "&")).get_data(as_text=True)
        found += [f"凭证 {n}" for n in re.findall(r"凭证 (\d+)", page)]
    said = [f"凭证 {j.id}" for j in Journal.select() if "应收" in j.text]
    assert sorted(found) == sorted(said) != []
    nowhere = browser.get("/admin/ledger/?q=没有这样的").get_data(as_text=True)
    assert "读过的 4 张凭证里没有符合条件的" in nowhere
    assert "继续往前找" in nowhere
    on = re.search(r'rel="next" href="([^"]+)"', nowhere).group(1).replace("&amp;", "&")
    last = browser.get(on).get_data(as_text=True)
    assert "没有符合条件的凭证" in last
    assert "继续往前找" not in last
    back = browser.get("/admin/ledger/?q=没有这样的&before=end").get_data(as_text=True)
    assert "继续往后找" in back
