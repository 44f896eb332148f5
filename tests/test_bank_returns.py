"""What the bank sends back: payouts that it could not credit, and credits that it undid."""

import pytest
from builders import NOW, a_city, a_user, signed_in
from builders_funding import an_approved_claim, an_edition
from builders_statements import a_line, imported, uploaded, written

from huigong.models import (
    BankReversal,
    Claim,
    Payout,
    PayoutReturn,
    Refund,
    Role,
    StatementLine,
)
from huigong.refusals import Refused
from huigong.workflows import agreement, ledger, payouts, statements


@pytest.fixture
def sent(office):
    """A payout of 6,018.60 to 张演示, released."""
    claim = an_approved_claim()
    city = claim.enrollment.edition.organization
    maker, releaser = (a_user(Role.FINANCE, at=city) for _ in range(2))
    batch = payouts.make_batch(claims=[claim], organization=city, by=maker, at=NOW)
    payouts.release_batch(batch, by=releaser, at=NOW)
    return Payout.get()


def came_back(office, sent, **more):
    """The line with which the bank sent it back."""
    given = {"payer": "示例银行清算户", "reference": "TH1", **more}
    city = sent.batch.organization
    return imported(city, office.files, [a_line("6018.60", "退汇 张演示 户名不符", **given)])[0]


def test_a_payout_that_came_back_is_found_by_amount_name_and_words(office, sent):
    line = came_back(office, sent)
    left = statements.remaining_of([line])
    (found,) = statements.returned_payouts([line], left)[line.id]
    assert found.payout == sent
    assert found.reasons == ["金额相同", "写有收款人姓名", "附言像是退回"]
    (other,) = imported(sent.batch.organization, office.files, [a_line("6018.61", "退汇 张演示")])
    left = statements.remaining_of([other])
    assert statements.returned_payouts([other], left)[other.id] == []


def test_it_is_taken_once_the_claim_is_payable_again_and_the_bank_counts_it_once(office, sent):
    scheme = sent.claim.enrollment.edition.scheme
    before = ledger.balance(scheme, "bank")
    line = came_back(office, sent)
    statements.take_as_return(line, payout=sent, by=line.statement.by, at=NOW)
    assert Claim.get_by_id(sent.claim_id).stage == "approved"
    assert Payout.get_by_id(sent.id).note == "退汇 张演示 户名不符"
    assert (ledger.in_suspense(), StatementLine.get_by_id(line.id).stage) == (0, "settled")
    assert ledger.balance(scheme, "bank") == before + 6_018_60
    assert agreement.disagreements() == []
    other = came_back(office, sent, reference="TH2")
    with pytest.raises(Refused, match="另一条流水"):
        statements.take_as_return(other, payout=sent, by=line.statement.by, at=NOW)


def test_one_whose_return_was_recorded_by_hand_only_meets_its_line(office, sent):
    payouts.return_payout(sent, note="户名不符", by=sent.batch.released_by, at=NOW)
    line = came_back(office, sent)
    (found,) = statements.returned_payouts([line], {line.id: line.amount})[line.id]
    assert "已登记银行退回" in found.reasons
    statements.take_as_return(line, payout=sent, by=line.statement.by, at=NOW)
    assert ledger.in_suspense() == 0
    assert agreement.disagreements() == []


def test_a_line_wrongly_taken_waits_again_and_the_statement_cannot_go_meanwhile(office, sent):
    line = came_back(office, sent)
    by = line.statement.by
    found = statements.take_as_return(line, payout=sent, by=by, at=NOW)
    with pytest.raises(Refused, match="1 笔"):
        statements.withdraw_statement(line.statement, reason="传错", by=by, at=NOW)
    with pytest.raises(Refused, match="原因"):
        statements.reverse_return(found, reason=" ", by=by, at=NOW)
    statements.reverse_return(found, reason="是另一笔", by=by, at=NOW)
    with pytest.raises(Refused, match="已经更正"):
        statements.reverse_return(found, reason="再来", by=by, at=NOW)
    assert ledger.in_suspense() == 6_018_60
    statements.take_as_return(line, payout=sent, by=by, at=NOW)
    assert PayoutReturn.select().count() == 2
    assert agreement.disagreements() == []


def test_another_offices_payout_and_one_not_sent_are_refused(office, sent):
    (foreign,) = imported(a_city("另一示例市总工会"), office.files, [a_line("6018.60", "退汇")])
    by = foreign.statement.by
    with pytest.raises(Refused, match="不是本单位"):
        statements.take_as_return(foreign, payout=sent, by=by, at=NOW)
    assert statements.returned_payouts([foreign], {foreign.id: 6_018_60})[foreign.id] == []
    claim = an_approved_claim(unit=sent.organization)
    city = sent.batch.organization
    batch = payouts.make_batch(
        claims=[claim], organization=city, by=a_user(Role.FINANCE, at=city), at=NOW
    )
    line = came_back(office, sent)
    with pytest.raises(Refused, match="还没有发出"):
        statements.take_as_return(line, payout=payouts.payouts_of(batch)[0], by=by, at=NOW)


def test_finance_takes_it_on_the_lines_page(app, office, sent):
    line = came_back(office, sent)
    browser = signed_in(app, line.statement.by)
    waiting = browser.get(f"/admin/statements/matches/{line.organization_id}")
    assert "退回的互助金，申领" in waiting.get_data(as_text=True)
    address = f"/admin/statements/lines/{line.id}/return"
    page = browser.get(address).get_data(as_text=True)
    assert "张*" in page
    assert "张演示" not in page.split("<tbody>")[1]
    assert browser.send(address, {"payout": "x"}).status_code == 422
    answer = browser.send(address, {"payout": str(sent.id)})
    assert "退回的互助金：申领" in browser.get(answer.location).get_data(as_text=True)
    found = PayoutReturn.get()
    undo = f"/admin/statements/returns/{found.id}/reversal"
    assert browser.get(undo).status_code == 200
    assert browser.send(undo, {"reason": ""}).status_code == 422
    assert browser.send(undo, {"reason": "是另一笔"}).status_code == 303
    assert "这条退回已经更正过" in browser.get(undo).get_data(as_text=True)
    assert "待处理" in browser.get(answer.location).get_data(as_text=True)


TITLES = ["交易日期", "收入金额", "支出金额", "对方户名", "附言", "交易流水号"]
CREDIT = ["2024-12-10", "100.00", "", "演示机械公司工会", "会费", "LS1"]
UNDONE = ["2024-12-12", "-100.00", "", "演示机械公司工会", "冲正", "LS2"]


def test_a_credit_that_the_bank_undid_is_said_and_its_refund_is_one_step(app, office):
    city = an_edition().organization
    finance = a_user(Role.FINANCE, at=city)
    browser = signed_in(app, finance)
    address = uploaded(browser, city, written([TITLES, CREDIT, UNDONE])).location
    assert "银行冲回" in browser.get(address).get_data(as_text=True)
    after = browser.send(address).location
    page = browser.get(after).get_data(as_text=True)
    assert "银行另冲回 1 笔" in page
    assert ledger.in_suspense() == 100_00
    back, line = BankReversal.get(), StatementLine.get()
    refund = f"/admin/statements/lines/{line.id}/refund"
    assert f"{refund}?back={back.id}" in page
    form = browser.get(f"{refund}?back={back.id}").get_data(as_text=True)
    assert 'value="2024-12-12"' in form
    assert "银行冲回（流水号LS2）" in form
    browser.send(refund, {"amount": "100.00", "refunded_on": "2024-12-12", "reason": "银行冲回"})
    assert Refund.get().amount == 100_00
    assert ledger.in_suspense() == 0
    assert "LS1，已处理" in browser.get(after).get_data(as_text=True)
    assert agreement.disagreements() == []


def test_what_the_bank_took_back_is_kept_once_however_often_it_comes(app, office):
    city = an_edition().organization
    browser = signed_in(app, a_user(Role.FINANCE, at=city))
    more = ["2024-12-13", "5.00", "", "乙", "", "LS3"]
    for rows in ([TITLES, CREDIT, UNDONE], [TITLES, CREDIT, UNDONE, more]):
        browser.send(uploaded(browser, city, written(rows)).location)
    assert BankReversal.select().count() == 1
    assert StatementLine.select().count() == 2
