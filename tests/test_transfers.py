"""Transfer sheets: what a month has to pass on to a scheme's operator, a page at a time."""

import io
import re
from datetime import date

import pytest
from builders import NOW, TODAY, a_user, signed_in
from builders_funding import a_finance, a_paid_roster, a_roster, dues_of, paid
from openpyxl import load_workbook

from huigong.admin import lists
from huigong.models import Role, Transfer
from huigong.refusals import Refused
from huigong.workflows import agreement, funding, ledger, transfers


def text(answer):
    return answer.get_data(as_text=True)


def cells(answer):
    return [list(row) for row in load_workbook(io.BytesIO(answer.data)).active.values]


def test_a_months_money_is_passed_on_once(office):
    roster = a_paid_roster(people=2)
    scheme, by = roster.edition.scheme, a_finance(roster)
    (item,) = transfers.to_pass_on(scheme, "2024-12")
    assert (item.received, item.before, item.amount) == (160_00, 0, 160_00)
    assert transfers.to_pass_on(scheme, "2024-11") == []
    given = {"transferred_on": TODAY, "bank_reference": "zk1", "by": by, "at": NOW}
    with pytest.raises(Refused, match="现在应转"):
        transfers.record_transfer(scheme, month="2024-12", amount=1, **given)
    transfer = transfers.record_transfer(scheme, month="2024-12", amount=160_00, **given)
    assert transfer.number == "ZK2024-0001"
    with pytest.raises(Refused, match="没有要转的款"):
        transfers.record_transfer(scheme, month="2024-12", amount=160_00, **given)
    (fund,) = ledger.funds([scheme])
    assert (fund.bank, fund.transferred, fund.left) == (0, 160_00, 160_00)
    assert fund.bank + fund.transferred + fund.receivable - fund.payable == fund.left
    later = a_paid_roster(roster.organization, people=1)
    payment = roster.dues.get().payments.get()
    funding.reverse_payment(payment, reason="记错", by=by, at=NOW)
    now = {item.roster.id: item.amount for item in transfers.to_pass_on(scheme, "2024-12")}
    assert now == {later.id: 80_00, roster.id: -payment.amount}
    assert agreement.disagreements() == []
    with pytest.raises(Refused, match="原因"):
        transfers.reverse_transfer(transfer, reason="", by=by, at=NOW)
    transfers.reverse_transfer(transfer, reason="没有转成", by=by, at=NOW)
    with pytest.raises(Refused, match="已经更正"):
        transfers.reverse_transfer(transfer, reason="再来", by=by, at=NOW)
    assert ledger.balance(scheme, "transferred") == 0
    assert agreement.disagreements() == []


def test_the_transfer_sheet_is_read_exported_marked_and_corrected(app):
    roster = a_paid_roster(people=2)
    scheme = roster.edition.scheme
    browser = signed_in(app, a_finance(roster))
    assert "还没有登记转款" in text(browser.get("/admin/transfers/"))
    address = f"/admin/transfers/schemes/{scheme.id}/"
    page = text(browser.get(f"{address}?month=2024-12"))
    assert "壹佰陆拾元整" in page
    assert roster.number in page
    assert "没有要转的款" in text(browser.get(f"{address}?month=2024-11"))
    assert "月份请写成 2024-12 这样" in text(browser.get(f"{address}?month=2024-13"))
    rows = cells(browser.get(f"{address}workbook?month=2024-12"))
    assert rows[2][5] == 160
    form = {"month": "2024-12", "amount": "160.00", "transferred_on": "2024-12-16"}
    assert "请填写转款的银行流水号" in text(browser.send(address, form))
    sent = browser.send(address, {**form, "bank_reference": "ZK1"})
    assert sent.status_code == 303
    assert "ZK2024-0001" in text(browser.get(sent.location))
    undo = f"/admin/transfers/{Transfer.get().id}/reversal"
    assert browser.send(undo, {"reason": ""}).status_code == 422
    assert browser.send(undo, {"reason": "退票"}).status_code == 303
    assert "这次转款已经更正过" in text(browser.get(undo))
    assert "已更正，不计入" in text(browser.get("/admin/transfers/"))
    unit = signed_in(app, a_user(Role.FINANCE, at=roster.organization))
    assert unit.get(address).status_code == 404


@pytest.fixture
def short_pages(monkeypatch):
    """Pages of two rows, walked however few there are."""
    monkeypatch.setattr(lists._Found, "worth_gathering", 0)
    monkeypatch.setattr(
        lists.page_of, "__kwdefaults__", {**lists.page_of.__kwdefaults__, "size": 2}
    )


def _leafed(browser, address: str) -> list[str]:
    """The numbers of rosters on a sheet, page after page."""
    found, query = [], "?month=2024-12"
    while query:
        page = text(browser.get(address + query))
        found += re.findall(r'data-label="名册"[^>]*>([^<]+)<', page)
        later = re.search(r'rel="next" href="[^"?]*([^"]+)"', page)
        query = later.group(1).replace("&amp;", "&") if later else ""
    return found


def test_a_long_transfer_sheet_shows_a_page_its_totals_and_the_way_to_the_annex(app, short_pages):
    first = a_paid_roster(people=2)
    others = [a_paid_roster(first.organization, people=1) for _ in range(4)]
    scheme, by = first.edition.scheme, a_finance(first)
    rosters = [first.number, *(roster.number for roster in others)]
    browser = signed_in(app, by)
    address = f"/admin/transfers/schemes/{scheme.id}/"
    page = text(browser.get(f"{address}?month=2024-12"))
    assert "<dd>5 份</dd>" in page
    assert "全部 5 份合计" in page
    assert "肆佰捌拾元整" in page
    assert "名册明细表，共 5 份名册" in page  # what is printed
    assert _leafed(browser, address) == rosters
    assert len(cells(browser.get(f"{address}workbook?month=2024-12"))) == 2 + 5
    transfer = transfers.record_transfer(
        scheme, month="2024-12", amount=480_00, transferred_on=TODAY, bank_reference="zk", by=by,
        at=NOW,
    )  # fmt: skip
    address = f"/admin/transfers/{transfer.id}/"
    assert "全部 5 份合计" in text(browser.get(address))
    assert sorted(_leafed(browser, address)) == rosters
    rows = cells(browser.get(f"{address}workbook"))
    assert sorted(row[1] for row in rows[2:]) == rosters
    assert sum(row[3] for row in rows[2:]) == 480


def test_what_came_in_after_the_month_is_not_on_its_sheet(app, short_pages):
    first = a_roster(people=2)
    by, dues = a_finance(first), dues_of(first)
    paid(dues.pop("unit"), on=date(2024, 11, 30))
    for due in dues.values():
        paid(due)
    second = a_paid_roster(first.organization, people=1)
    scheme = first.edition.scheme
    browser = signed_in(app, by)
    address = f"/admin/transfers/schemes/{scheme.id}/"
    page = text(browser.get(f"{address}?month=2024-11"))
    assert "全部 1 份合计" in page
    assert "壹佰元整" in page
    assert first.number in page
    assert second.number not in page
    items = transfers.to_pass_on(scheme, "2024-11")
    assert [(item.roster.id, item.amount) for item in items] == [(first.id, 100_00)]
    sheet = transfers.sheet_of(scheme, "2024-12")
    assert (sheet.rosters, sheet.amount) == (2, 240_00)


def test_a_month_before_the_last_transfer_has_no_sheet_any_more(app):
    roster = a_paid_roster(people=2)
    scheme, by = roster.edition.scheme, a_finance(roster)
    given = {"transferred_on": TODAY, "bank_reference": "zk1", "by": by, "at": NOW}
    sent = transfers.record_transfer(scheme, month="2024-12", amount=160_00, **given)
    browser = signed_in(app, by)
    address = f"/admin/transfers/schemes/{scheme.id}/"
    page = text(browser.get(f"{address}?month=2024-11"))
    assert f"2024-12 的转款（{sent.number}）已经登记" in page
    assert roster.number not in page
    assert transfers.to_pass_on(scheme, "2024-11") == []
    with pytest.raises(Refused, match="已经登记"):
        transfers.record_transfer(scheme, month="2024-11", amount=160_00, **given)
    form = {"month": "2024-11", "amount": "160.00", "transferred_on": "2024-12-16"}
    answer = browser.send(address, {**form, "bank_reference": "2"})
    assert answer.status_code == 422
    transfers.reverse_transfer(sent, reason="没有转成", by=by, at=NOW)
    assert roster.number in text(browser.get(f"{address}?month=2024-12"))
    assert agreement.disagreements() == []
