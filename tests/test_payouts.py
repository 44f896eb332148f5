import io
import threading

import pytest
from builders import NOW, a_city, a_user, signed_in
from builders_funding import CARD, an_approved_claim
from openpyxl import load_workbook
from peewee import IntegrityError

from huigong.database import db
from huigong.models import AuditEvent, ClaimEvent, Journal, Member, Payout, PayoutBatch, Role
from huigong.refusals import Lost, Refused
from huigong.workflows import agreement, ledger, payouts


@pytest.fixture
def city(office):
    return a_city()


@pytest.fixture
def maker(city):
    return a_user(Role.FINANCE, at=city, name="甲财务")


@pytest.fixture
def releaser(city):
    return a_user(Role.FINANCE, at=city, name="乙财务")


def a_batch(city, maker, *claims):
    claims = claims or (an_approved_claim(city),)
    return payouts.make_batch(claims=claims, organization=city, by=maker, at=NOW)


def fresh(row):
    return type(row).get_by_id(row.id)


def test_a_released_batch_pays_its_claims_and_the_ledger_agrees(city, maker, releaser):
    claims = [an_approved_claim(city), an_approved_claim(city, amount=300_50)]
    batch = a_batch(city, maker, *claims)
    assert batch.number == "FF2024-000001"
    payouts.release_batch(batch, by=releaser, at=NOW)
    assert {fresh(claim).stage for claim in claims} == {"paid"}
    assert [event.kind for event in ClaimEvent.select()] == ["paid", "paid"]
    scheme = claims[0].enrollment.edition.scheme
    assert ledger.balance(scheme, "bank") == 2 * 75_00 - 6_319_10
    assert ledger.balance(scheme, "payable") == 0
    assert agreement.disagreements() == []


def test_the_maker_cannot_release_and_the_database_agrees(city, maker):
    batch = a_batch(city, maker)
    with pytest.raises(Refused, match="制单人以外"):
        payouts.release_batch(batch, by=maker, at=NOW)
    with pytest.raises(IntegrityError), db.atomic():
        PayoutBatch.update(released_by=maker).where(PayoutBatch.id == batch.id).execute()


def test_a_batch_is_released_once(city, maker, releaser):
    batch = a_batch(city, maker)
    stale = fresh(batch)
    payouts.release_batch(batch, by=releaser, at=NOW)
    with pytest.raises(Lost):
        payouts.release_batch(stale, by=releaser, at=NOW)
    assert Journal.select().where(Journal.key.startswith("payout:")).count() == 1


def test_a_claim_enters_only_one_live_batch(city, maker):
    claim = an_approved_claim(city)
    first = a_batch(city, maker, claim)
    with pytest.raises(Refused, match="其他批次"):
        a_batch(city, maker, claim)
    with pytest.raises(IntegrityError), db.atomic():
        payouts._add(first, payouts._chosen([claim])[0])


def both_at_once(*deeds):
    """Run deeds in threads that start together, each on its own connection."""
    start, said = threading.Barrier(len(deeds)), []

    def run(deed):
        db.connect(reuse_if_open=True)
        start.wait()
        try:
            deed()
            said.append("done")
        except (Refused, Lost) as refused:
            said.append(type(refused).__name__)
        finally:
            db.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


def test_two_people_batching_one_claim_at_once_pay_it_once(city, maker, releaser):
    claim = an_approved_claim(city)
    said = both_at_once(lambda: a_batch(city, maker, claim), lambda: a_batch(city, releaser, claim))
    assert said == ["Refused", "done"]
    assert Payout.select().count() == 1


def test_two_people_releasing_one_batch_at_once_pay_it_once(city, maker, releaser):
    batch = a_batch(city, maker)
    third = a_user(Role.FINANCE, at=city)
    said = both_at_once(
        lambda: payouts.release_batch(fresh(batch), by=releaser, at=NOW),
        lambda: payouts.release_batch(PayoutBatch.get_by_id(batch.id), by=third, at=NOW),
    )
    assert said == ["Lost", "done"]
    assert agreement.disagreements() == []


def test_release_and_withdrawal_at_once_leave_one_of_them(city, maker, releaser):
    batch = a_batch(city, maker)
    mine, theirs = fresh(batch), fresh(batch)
    said = both_at_once(
        lambda: payouts.release_batch(mine, by=releaser, at=NOW),
        lambda: payouts.withdraw_batch(theirs, reason="有误", by=maker, at=NOW),
    )
    assert said == ["Lost", "done"]
    assert agreement.disagreements() == []


def test_a_member_without_a_card_cannot_enter_a_batch(city, maker):
    claim = an_approved_claim(city, name="王示例", card=None)
    with pytest.raises(Refused, match=rf"{claim.number}（王\*）没有登记银行卡"):
        a_batch(city, maker, claim)
    assert not PayoutBatch.select().exists()


def test_claims_of_another_city_undecided_or_none_are_refused(city, maker):
    foreign = an_approved_claim(city)
    other = a_city("另一示例市总工会")
    with pytest.raises(Refused, match="不由另一示例市总工会发放"):
        payouts.make_batch(claims=[foreign], organization=other, by=maker, at=NOW)
    with pytest.raises(Refused, match="至少选择一件"):
        payouts.make_batch(claims=[], organization=city, by=maker, at=NOW)


def test_a_returned_payout_makes_the_claim_payable_again(city, maker, releaser):
    claim = an_approved_claim(city)
    batch = a_batch(city, maker, claim)
    payouts.release_batch(batch, by=releaser, at=NOW)
    payout = payouts.payouts_of(batch)[0]
    with pytest.raises(Refused, match="退回的原因"):
        payouts.return_payout(payout, note=" ", by=maker, at=NOW)
    payouts.return_payout(payout, note="户名不符", by=maker, at=NOW)
    assert fresh(claim).stage == "approved"
    assert ledger.balance(claim.enrollment.edition.scheme, "bank") == 75_00
    assert agreement.disagreements() == []
    again = a_batch(city, maker, claim)
    assert payouts.payouts_of(again)[0].key == f"claim:{claim.id}:2"
    payouts.release_batch(again, by=releaser, at=NOW)
    assert agreement.disagreements() == []
    with pytest.raises(Refused):
        payouts.return_payout(fresh(payout), note="再退", by=maker, at=NOW)


def test_a_withdrawn_batch_frees_its_claims(city, maker, releaser):
    claim = an_approved_claim(city)
    batch = a_batch(city, maker, claim)
    with pytest.raises(Refused, match="撤回的原因"):
        payouts.withdraw_batch(batch, reason="", by=maker, at=NOW)
    payouts.withdraw_batch(batch, reason="金额待核", by=maker, at=NOW)
    with pytest.raises(Lost):
        payouts.release_batch(batch, by=releaser, at=NOW)
    assert a_batch(city, maker, claim).number == "FF2024-000002"


def test_the_bank_file_pays_the_card_that_was_released_and_taking_it_is_logged(
    city, maker, releaser
):
    claim = an_approved_claim(city)
    batch = a_batch(city, maker, claim)
    with pytest.raises(Refused, match="放行后"):
        payouts.bank_file(batch, form="xlsx", by=maker, at=NOW)
    payouts.release_batch(batch, by=releaser, at=NOW)
    Member.update(bank_card=claim.member.seal("bank_card", "6200000000000000")).execute()
    rows = payouts.bank_file(batch, form="xlsx", by=maker, at=NOW)
    assert rows == [["张演示", CARD, "示例银行示例支行", 6_018_60, f"互助金{claim.number}"]]
    event = AuditEvent.select().order_by(AuditEvent.id.desc()).get()
    assert (event.deed, event.subject) == ("take bank file", f"PayoutBatch:{batch.id}")


def test_bank_files_hold_no_formula_and_keep_every_digit():
    rows = [["=1+1", "0217000000000000000", "@示例𠮷行", 5, "-互助金"]]
    book = load_workbook(io.BytesIO(payouts.as_workbook(rows)))
    cells = list(book.active.iter_rows(values_only=True))
    assert cells[1] == ("=1+1", "0217000000000000000", "@示例𠮷行", 0.05, "-互助金")
    assert book.active["A2"].data_type in ("s", "inlineStr")
    line = payouts.as_csv(rows).decode("gb18030").splitlines()[1]
    assert line == "'=1+1,0217000000000000000,'@示例𠮷行,0.05,'-互助金"


def test_finance_makes_a_batch_another_releases_it_and_its_file_downloads(app):
    city = a_city()
    first = a_user(Role.FINANCE, at=city, name="甲财务")
    second = a_user(Role.FINANCE, at=city, name="乙财务")
    claim, _no_card = an_approved_claim(city), an_approved_claim(city, card=None)
    maker, releaser = signed_in(app, first), signed_in(app, second)
    new = f"/admin/payouts/new/{city.id}"
    asked = maker.get(new).get_data(as_text=True)
    assert "合计 <strong>6,018.60</strong>" in asked
    assert "没有登记银行卡" in asked
    assert CARD not in asked
    assert "已选 <strong>0</strong>" in maker.get(f"{new}?sum=1").get_data(as_text=True)
    assert maker.send(new, {}).status_code == 422
    batch = maker.send(new, {"claims": [str(claim.id)]}).location
    assert "制单人不能放行" in maker.get(batch).get_data(as_text=True)
    assert maker.send(f"{batch}release").status_code == 422
    early = maker.send(f"{batch}bank-file", {"form": "csv"})
    assert early.status_code == 422
    assert "待您复核放行" in releaser.get("/admin/").get_data(as_text=True)
    assert releaser.send(f"{batch}release").status_code == 303
    assert CARD not in releaser.get(batch).get_data(as_text=True)
    file = releaser.send(f"{batch}bank-file", {"form": "csv"})
    assert file.headers["Content-Disposition"] == 'attachment; filename="FF2024-000001.csv"'
    assert f"张演示,{CARD},示例银行示例支行,6018.60," in file.data.decode("gb18030")
    book = load_workbook(io.BytesIO(releaser.send(f"{batch}bank-file", {"form": "xlsx"}).data))
    assert book.active["B2"].value == CARD
    assert releaser.send(f"{batch}bank-file", {"form": "exe"}).status_code == 404


def test_a_double_click_makes_one_batch(app):
    city = a_city()
    claim = an_approved_claim(city)
    browser = signed_in(app, a_user(Role.FINANCE, at=city))
    form = {"claims": str(claim.id), "form_key": "same"}
    first = browser.send(f"/admin/payouts/new/{city.id}", form)
    assert browser.send(f"/admin/payouts/new/{city.id}", form).location == first.location
    assert PayoutBatch.select().count() == 1


def test_a_return_and_a_withdrawal_ask_for_their_reason(app, city, maker, releaser):
    claim = an_approved_claim(city)
    batch = a_batch(city, maker, claim)
    browser = signed_in(app, maker)
    address = f"/admin/payouts/{batch.id}/withdrawal"
    assert browser.send(address, {"reason": ""}).status_code == 422
    assert browser.send(address, {"reason": "金额待核"}).status_code == 303
    second = a_batch(city, maker, claim)
    payouts.release_batch(second, by=releaser, at=NOW)
    item = f"/admin/payouts/items/{payouts.payouts_of(second)[0].id}/return"
    assert browser.send(item, {"note": ""}).status_code == 422
    sent = browser.send(item, {"note": "户名不符"})
    assert "银行退回" in browser.get(sent.location).get_data(as_text=True)
    assert "件申领已核定，待发放" in browser.get("/admin/").get_data(as_text=True)


def test_a_foreign_city_finds_no_batch_and_cannot_choose_its_claims(app, city, maker):
    claim, batch = an_approved_claim(city), a_batch(city, maker)
    other = a_city("另一示例市总工会")
    foreign = signed_in(app, a_user(Role.FINANCE, at=other))
    item = payouts.payouts_of(batch)[0]
    for address in (f"{batch.id}/", f"{batch.id}/release", f"items/{item.id}/return"):
        assert foreign.get(f"/admin/payouts/{address}").status_code == 404
    assert foreign.get(f"/admin/payouts/new/{city.id}").status_code == 404
    sent = foreign.send(f"/admin/payouts/new/{other.id}", {"claims": str(claim.id)})
    assert sent.status_code == 422
    for stage in ("release", "withdrawal", "bank-file"):
        address = f"/admin/payouts/{batch.id}/{stage}"
        assert foreign.send(address, {"reason": "x", "form": "csv"}).status_code == 404


def test_an_auditor_reads_batches_and_changes_nothing(app, city, maker):
    batch = a_batch(city, maker)
    auditor = signed_in(app, a_user(Role.AUDITOR, at=city))
    assert "撤回批次" not in auditor.get(f"/admin/payouts/{batch.id}/").get_data(as_text=True)
    assert auditor.send(f"/admin/payouts/{batch.id}/release").status_code == 403
