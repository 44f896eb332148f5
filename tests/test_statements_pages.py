import pytest
from builders import a_city, a_county, a_unit, a_user, signed_in
from builders_funding import a_finance, a_roster, dues_of
from builders_statements import a_line, as_csv, imported, uploaded

from huigong.models import Income, Payment, Refund, Role, Statement, StatementLine
from huigong.workflows import agreement, ledger, remarks, verification


@pytest.fixture
def owing(app):
    """A roster of 128 that owes three shares, its city, and the city's finance in a browser."""
    roster = a_roster(a_unit(a_county(a_city()), "演示机械公司工会"), people=128)
    dues = dues_of(roster)
    return roster, dues, roster.edition.organization, signed_in(app, a_finance(roster))


def text(answer):
    return answer.get_data(as_text=True)


def test_finance_uploads_looks_imports_and_confirms_in_one_sitting(owing, office):
    roster, _, city, browser = owing
    code = remarks.unit_code(roster.organization)
    rows = [
        a_line("6400.00", f"{code} 202501", reference="LS1"),
        a_line("88.00", "不明", reference="LS2", payer="某公司"),
        a_line("", out="5.00", reference="LS3"),
    ]
    sent = uploaded(browser, city, as_csv(rows))
    assert sent.status_code == 303
    page = text(browser.get(sent.location))
    assert "6,488.00" in page
    assert "支出" in page
    taken = browser.send(sent.location)
    assert taken.status_code == 303
    matches = text(browser.get(taken.location))
    assert "可以一次确认的（1 笔）" in matches
    assert "附言写有单位代码，月份相同，金额相同" in matches
    assert "需要人来看的（1 笔）" in matches
    line = StatementLine.get(StatementLine.reference == "LS1")
    due = roster.dues.where(roster.dues.model.carrier == "unit").get()
    match = f"{line.id}:{due.id}"
    assert f'value="{match}"' in matches
    done = browser.send(taken.location, {"match": match})
    assert done.status_code == 303
    assert "已确认 1 笔，共 6,400.00 元" in text(browser.get(done.location))
    again = browser.send(taken.location, {"match": match})
    assert again.status_code == 422
    assert "已经全部处理" in text(again)
    assert "没有选择任何一笔" in text(browser.send(taken.location))
    assert agreement.disagreements() == []


def test_an_upload_that_is_no_statement_is_refused_and_nothing_stays(owing, office):
    _, _, city, browser = owing
    refused = uploaded(browser, city, b"%PDF-1.7 renamed")
    assert refused.status_code == 422
    assert "请上传 .xlsx" in text(refused)
    form = {"bank": ""}
    both = text(browser.send(f"/admin/statements/new/{city.id}", form))
    assert "请填写银行名称" in both
    assert "请选择从网上银行下载的明细文件" in both
    assert "请填写银行名称" in text(uploaded(browser, city, as_csv([a_line("1.00")]), bank=" "))
    assert not Statement.select().exists()
    assert not list(office.files.iterdir())


def test_a_column_nobody_knows_is_asked_and_faulty_rows_are_named(owing):
    _, _, city, browser = owing
    titles = (
        "交易日期",
        "收入金额",
        "支出金额",
        "对方户名",
        "对方账号",
        "神秘列",
        "交易流水号",
        "余额",
    )
    sent = uploaded(browser, city, as_csv([a_line("八十")], titles))
    page = text(browser.get(sent.location))
    assert "神秘列" in page
    assert "不是数字" in page
    refused = browser.send(sent.location)
    assert refused.status_code == 422
    assert "请说明第 F 列是什么" in text(refused)
    answered = {"title-5": "神秘列", "means-5": "remark"}
    still = browser.send(sent.location, answered)
    assert "有 1 行需要先处理" in text(still)
    assert '<option value="remark" selected>' in text(still)


def test_a_line_is_split_over_dues_and_the_typing_is_kept(owing, office):
    roster, dues, city, browser = owing
    (line,) = imported(city, office.files, [a_line("7000.00", payer="演示机械公司")])
    address = f"/admin/statements/lines/{line.id}/"
    assert "付款方名称相同" in text(browser.get(address))
    unit, county = dues["unit"].id, dues["county"].id
    found = text(browser.get(f"{address}?q={roster.number}"))
    assert f'id="amount-{county}"' in found
    wrong = browser.send(address, {"due": [unit], f"amount-{unit}": "六千"})
    assert wrong.status_code == 422
    assert "请填写分配的金额" in text(wrong)
    assert "请至少选择一笔应缴" in text(browser.send(address))
    parts = {"due": [unit, county], f"amount-{unit}": "6,400.00", f"amount-{county}": "600"}
    assert browser.send(address, parts).status_code == 303
    page = text(browser.get(address))
    assert "已处理" in page
    assert roster.number in page
    assert Payment.select().count() == 2
    statement = browser.get(f"/admin/statements/{line.statement_id}/")
    assert "已处理" in text(statement)


def test_a_refund_and_an_income_are_asked_for_with_what_they_need(owing, office):
    _, _, city, browser = owing
    (line,) = imported(city, office.files, [a_line("500.00", payer="热心企业")])
    address = f"/admin/statements/lines/{line.id}"
    assert 'value="500.00"' in text(browser.get(f"{address}/refund"))
    wrong = text(browser.send(f"{address}/refund", {"amount": "x", "refunded_on": "昨天"}))
    assert 'id="amount-wrong"' in wrong
    assert 'id="refunded_on-wrong"' in wrong
    noted = {"amount": "100", "refunded_on": "2024-12-16", "reason": "多汇"}
    assert browser.send(f"{address}/refund", noted).status_code == 303
    assert 'value="热心企业"' in text(browser.get(f"{address}/income"))
    assert "请选择收入的种类" in text(
        browser.send(f"{address}/income", {"amount": "400", "giver": "x", "kind": ""})
    )
    given = {"amount": "400", "giver": "热心企业", "kind": "donation", "scheme": ""}
    assert browser.send(f"{address}/income", given).status_code == 303
    page = text(browser.get(f"{address}/"))
    assert "退款：多汇" in page
    assert "社会捐赠：热心企业" in page
    undo = f"/admin/statements/refunds/{Refund.get().id}/reversal"
    assert browser.send(undo, {"reason": ""}).status_code == 422
    assert browser.send(undo, {"reason": "银行退不回"}).status_code == 303
    assert "这笔退款已经更正过" in text(browser.get(undo))
    assert ledger.in_suspense() == 100_00
    listed = text(browser.get("/admin/incomes/"))
    assert "热心企业" in listed
    assert "400.00" in listed


def test_income_is_recorded_printed_and_corrected(owing):
    _, _, city, browser = owing
    assert "还没有其他收入" in text(browser.get("/admin/incomes/"))
    address = f"/admin/incomes/new/{city.id}"
    assert browser.get(address).status_code == 200
    wrong = text(browser.send(address, {"amount": "", "received_on": "", "kind": "fiscal"}))
    assert 'id="amount-wrong"' in wrong
    typed = {"kind": "fiscal", "giver": "示例市财政局", "amount": "30000", "purpose": "补助",
             "received_on": "2024-12-10", "bank_reference": "cz-1", "scheme": ""}  # fmt: skip
    assert browser.send(address, typed).status_code == 303
    assert "一条流水只能登记一次" in text(browser.send(address, typed))
    assert "没有这个互助计划" in text(browser.send(address, {**typed, "scheme": "999"}))
    income = Income.get()
    assert "叁万元整" in text(browser.get(f"/admin/incomes/{income.id}"))
    assert "没有符合条件" in text(browser.get("/admin/incomes/?year=2023"))
    assert "示例市财政局" in text(browser.get("/admin/incomes/?year=2024&kind=fiscal"))
    assert "另有 30,000.00 元其他收入没有限定互助计划" in text(browser.get("/admin/ledger/"))
    undo = f"/admin/incomes/{income.id}/reversal"
    assert browser.send(undo, {"reason": ""}).status_code == 422
    sent = browser.send(undo, {"reason": "重复"})
    assert "不再计入" in text(browser.get(sent.location))
    assert "计入的合计 0.00 元" in text(browser.get("/admin/incomes/"))
    assert browser.send(address, typed).status_code == 303
    assert agreement.disagreements() == []


def test_a_statement_is_withdrawn_with_a_reason(owing, office):
    _, _, city, browser = owing
    (line,) = imported(city, office.files, [a_line("10.00")])
    address = f"/admin/statements/{line.statement_id}/withdrawal"
    assert browser.send(address, {"reason": ""}).status_code == 422
    assert browser.send(address, {"reason": "传错账户"}).status_code == 303
    assert "已撤回" in text(browser.get("/admin/statements/"))


def test_an_upload_that_needs_mending_first_is_dropped_and_sent_again(owing, app, office):
    _, _, city, browser = owing
    there = uploaded(browser, city, as_csv([a_line("壹佰元"), a_line("10.00")])).location
    address, page = f"{there}dropping", text(browser.get(there))
    assert "金额“壹佰元”不是数字" in page
    assert f'在文件中改好后<a href="{address}">删去这份</a>' in page
    auditor = signed_in(app, a_user(Role.AUDITOR, at=city))
    assert address not in text(auditor.get(there))
    assert auditor.send(address).status_code == 403
    [kept] = Statement.select()
    assert (office.files / kept.file).exists()
    again = browser.send(address)
    assert again.status_code == 303
    assert not (office.files / kept.file).exists()
    page = text(browser.get(again.location))
    assert "没有导入任何一笔" in page
    assert 'value="示例银行"' in page
    assert browser.send(address).status_code == 409
    assert browser.send(there).status_code == 409
    for page in (address, there, "/admin/statements/"):
        assert "删去" in text(browser.get(page))
    there = uploaded(browser, city, as_csv([a_line("100.00"), a_line("10.00")])).location
    assert browser.send(there).status_code == 303
    assert "不能删去" in text(browser.get(f"{there}dropping"))
    assert browser.send(f"{there}dropping").status_code == 409
    assert verification.findings(office.files) == []


def test_the_auditor_reads_and_changes_nothing(owing, app, office):
    _, _, city, _ = owing
    (line,) = imported(city, office.files, [a_line("10.00")])
    auditor = signed_in(app, a_user(Role.AUDITOR, at=city))
    assert auditor.get("/admin/statements/").status_code == 200
    page = text(auditor.get(f"/admin/statements/lines/{line.id}/"))
    assert "登记退款" not in page
    assert "************1234" in page or "1234" in page
    assert "6222020000000001234" not in page
    assert auditor.get(f"/admin/statements/matches/{city.id}").status_code == 403


def test_home_says_that_money_waits(owing, office):
    _, _, city, browser = owing
    imported(city, office.files, [a_line("10.00")])
    assert "笔银行到账待确认归属" in text(browser.get("/admin/"))


def test_a_due_that_another_office_receives_is_as_absent(owing, office):
    _, _, city, browser = owing
    (line,) = imported(city, office.files, [a_line("100.00")])
    foreign = a_roster(a_unit(a_county(a_city("另一示例市总工会"))), code="zhengzhou-hospital-2023")
    due = dues_of(foreign)["unit"]
    answer = browser.send(
        f"/admin/statements/lines/{line.id}/", {"due": [due.id], f"amount-{due.id}": "x"}
    )
    assert answer.status_code == 422
    assert "请至少选择一笔应缴" in text(answer)
    assert foreign.number not in text(answer)
    both = browser.send(f"/admin/statements/matches/{city.id}", {"match": f"{line.id}:{due.id}"})
    assert both.status_code == 422
    assert not Payment.select().exists()
