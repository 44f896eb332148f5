"""Bank statements in the shapes that banks' own exports have; all of them made up."""

import datetime

import pytest
from builders import NOW
from builders_funding import an_edition
from builders_statements import a_kept_statement, a_line, as_csv, imported, written

from huigong.models import StatementLine
from huigong.refusals import Refused
from huigong.workflows import statements
from huigong.workflows.statements import layout

TWO_SIDES = (
    ["示例银行 账户明细查询"],
    ["账号：", "9999000011112222", "", "户名：", "示例市总工会"],
    ["起止日期：2024-01-01 至 2024-01-31", "", "", "", "币种：人民币"],
    [],
    ["凭证号", "本方账号", "对方账号", "交易时间", "借/贷", "借方发生额", "贷方发生额", "对方行号",
     "摘要", "用途", "对方单位名称", "余额"],
    ["00012", "9999000011112222", "9999333344445555", "2024-01-05 10:22:33", "贷", "",
     "6,400.00", "102", "转账", "DW00012 202501", "演示机械公司工会", "16,400.00"],
    ["00013", "9999000011112222", "9999333344445555", "2024-01-06 09:00:00", "借", "50.00", "",
     "102", "手续费", "", "示例银行", "16,350.00"],
    ["合计", "", "", "", "", "50.00", "6,400.00"],
)  # fmt: skip
WITH_UNITS = (
    ["客户账户明细"],
    ["交易时间", "借方发生额/元(支取)", "贷方发生额/元(收入)", "余额", "币种", "对方户名",
     "对方账号", "对方开户机构", "记账日期", "摘要", "备注", "账户明细编号-交易流水号",
     "企业流水号", "凭证种类", "凭证号", "关联账户"],
    ["20240105 10:22:33", "0.00", "6,400.00", "1.00", "人民币元", "演示机械公司工会",
     "9999333344445555", "示例支行", "20240105", "跨行转账", "DW00012 202501", "1-6400001", "",
     "", "", ""],
    ["20240106 10:22:33", "80.00", "0.00", "1.00", "人民币元", "示例商店", "999933334444", "",
     "20240106", "支付", "", "1-6400002", "", "", "", ""],
)  # fmt: skip
TWO_LANGUAGES = (
    ["交易类型[ Transaction Type ]", "付款人开户行名[ Payer account bank ]",
     "付款人账号[ Debit Account No. ]", "付款人名称[ Payer's Name ]",
     "收款人账号[ Payee's Account Number ]", "收款人名称[ Payee's Name ]",
     "交易日期[ Transaction Date ]", "交易时间[ Transaction time ]",
     "交易货币[ Trade Currency ]", "交易金额[ Trade Amount ]", "交易后余额[ After balance ]",
     "交易流水号[ Transaction reference number ]", "用途[ Purpose ]", "交易附言[ Remark ]"],
    ["来账", "示例支行", "9999333344445555", "演示机械公司工会", "9999000011112222",
     "示例市总工会", "20240105", "10:22:33", "CNY", "6,400.00", "1.00", "1-6400001", "参保费",
     "DW00012 202501"],
    ["往账", "示例支行", "9999000011112222", "示例市总工会", "9999333344445555", "示例商店",
     "20240106", "10:22:33", "CNY", "-80.00", "1.00", "1-6400002", "付款", ""],
)  # fmt: skip
ONE_SIGN = (
    ["流水明细"],
    ["日期", "收支", "金额", "对方户名", "附言", "流水号"],
    ["2024/1/5", "收入", "￥6,400.00", "演示机械公司工会", "DW00012 202501", "A1"],
    ["2024/1/6", "支出", "￥80.00", "示例商店", "", "A2"],
    ["共2笔"],
)
TWO_HEADERS = (
    ["示例农商银行对账单"],
    ["打印日期：2024-02-01", "", "", "第1页"],
    ["记账日", "收入金额", "支出金额", "账户余额", "对手户名", "对手账号", "摘要说明", "日志号"],
    ["2024.01.05", 6400, "", "1.00", "演示机械公司工会", "9999333344445555", "DW00012 202501",
     "99001"],
    ["2024.01.06", "", 80, "1.00", "示例商店", "", "", "99002"],
    ["本页合计", 6400, 80],
    ["以下空白"],
)  # fmt: skip
MANY_WORDS = (
    ["交易日", "交易时间", "起息日", "交易类型", "借方金额", "贷方金额", "余额", "摘要", "流水号",
     "流程实例号", "业务名称", "用途", "业务参考号", "业务摘要", "其它摘要", "收/付方分行名",
     "收/付方名称", "收/付方账号"],
    ["20240105", "10:22:33", "20240105", "转账", "", "6400.00", "1.00", "代发", "G001", "", "",
     "参保费", "", "", "DW00012 202501", "示例分行", "演示机械公司工会", "9999333344445555"],
    ["20240106", "10:22:33", "20240106", "转账", "80.00", "", "1.00", "支付", "G002", "", "", "",
     "", "", "", "", "示例商店", "9999333344446666"],
)  # fmt: skip
SHAPES = {
    "many columns of words, the hour apart": MANY_WORDS,
    "借方 and 贷方 below four lines of title": TWO_SIDES,
    "units in the titles, two times": WITH_UNITS,
    "titles in two languages, a sign": TWO_LANGUAGES,
    "收支 in a column, ￥ before the amount": ONE_SIGN,
    "totals of each page": TWO_HEADERS,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_a_banks_own_export_is_read_without_a_question(office, shape, encoding):
    city = an_edition().organization
    statement = a_kept_statement(city, office.files, written(SHAPES[shape], encoding))
    found = statements.preview(statement, folder=office.files)
    (line,) = found.reading.lines
    assert (line.amount, line.day) == (6400_00, datetime.date(2024, 1, 5))
    assert line.payer == "演示机械公司工会"
    assert "DW00012 202501" in line.remark
    assert found.reading.went_out == 1
    assert found.faults == []
    assert [q.title for q in found.reading.questions if not q.same_as] == []


def read(*lines, titles=("交易日期", "收入金额", "支出金额", "对方户名", "附言")):
    return layout.read(list(enumerate([list(titles), *map(list, lines)], 1)), {})


@pytest.mark.parametrize(
    "day",
    ["20240105", "2024/1/5", "2024-01-05", "2024.1.5", "2024年1月5日", "2024-01-05T10:22:33",
     "20240105102233", "2024/1/5 9:05", "２０２４－０１－０５",
     45296.0, 45296.4, "45296", "'20240105",
     datetime.date(2024, 1, 5), 20240105.0],
)  # fmt: skip
def test_a_day_is_read_however_it_is_written(day):
    reading = read((day, "1.00", "", "甲", ""))
    assert (reading.faults, [line.day for line in reading.lines]) == (
        [], [datetime.date(2024, 1, 5)]
    )  # fmt: skip


@pytest.mark.parametrize("day", ["2024115", "05/01/2024", "2024-13-05", "1月5日", 7.0, "202401"])
def test_a_day_that_may_mean_two_is_not_guessed(day):
    reading = read((day, "1.00", "", "甲", ""))
    assert (len(reading.faults), reading.lines) == (1, [])


def test_a_workbook_that_counts_from_1904_is_read_so():
    rows = [(1, ["交易日期", "收入金额"]), (2, [43834.0, "1.00"])]
    (line,) = layout.read(rows, {}, epoch=1904).lines
    assert line.day == datetime.date(2024, 1, 5)


@pytest.mark.parametrize(
    "amount",
    ["6400", "6,400.00", "￥6,400.00", "¥ 6,400.00", "６，４００．００", "6400.00元", "+6,400.00",
     "CNY6,400.00", "人民币6,400.00元", 6400.0, "6，400.00"],
)  # fmt: skip
def test_an_amount_is_read_however_it_is_written(amount):
    reading = read(("2024-01-05", amount, "", "甲", ""))
    assert (reading.faults, [line.amount for line in reading.lines]) == ([], [6400_00])


@pytest.mark.parametrize("amount", ["-100.00", "(100.00)", "－100.00"])
def test_what_the_bank_took_back_is_told_apart_from_what_was_spent(amount):
    reading = read(("2024-01-05", amount, "", "甲", "冲正"), ("2024-01-05", "", "30.00", "乙", ""))
    assert [(line.amount, line.payer) for line in reading.taken_back] == [(100_00, "甲")]
    assert (reading.went_out, reading.lines, reading.faults) == (1, [], [])


def test_money_spent_that_came_back_is_money_that_came_in():
    (line,) = read(("2024-01-05", "", "-80.00", "乙", "退汇")).lines
    assert line.amount == 80_00


def test_two_equal_payments_of_one_day_both_count_also_when_the_months_overlap(office):
    city = an_edition().organization
    twice = [a_line("80.00", "会费"), a_line("80.00", "会费")]
    assert len(imported(city, office.files, twice)) == 2
    (third,) = imported(city, office.files, [*twice, a_line("80.00", "会费"), a_line("", out="1")])
    assert StatementLine.select().count() == 3
    assert third.statement.repeated == 2


def test_the_same_export_in_another_encoding_brings_nothing_new(office):
    city = an_edition().organization
    rows = [a_line("80.00", "会费", reference="LS1"), a_line("90.00", "ＤＷ０００１２")]
    imported(city, office.files, rows)
    other = a_kept_statement(city, office.files, as_csv(rows, encoding="utf-8"))
    found = statements.preview(other, folder=office.files)
    assert (len(found.known), found.fresh) == (2, [])
    with pytest.raises(Refused, match="没有新的收入"):
        statements.import_statement(other, folder=office.files, said={}, by=other.by, at=NOW)
