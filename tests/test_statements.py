import pytest
from builders import NOW, TODAY, a_city, a_user
from builders_funding import a_finance, an_edition, paid
from builders_statements import (
    a_kept_statement,
    a_line,
    an_owing_roster,
    as_csv,
    as_xlsx,
    code_of,
    imported,
    matched,
)

from huigong.models import (
    DueStanding,
    Journal,
    Payment,
    Posting,
    Role,
    Statement,
    StatementLayout,
    StatementLine,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import agreement, funding, incomes, ledger, statements
from huigong.workflows.statements import importing, layout


@pytest.fixture
def folder(office):
    return office.files


# reading


def rows_of(*lines, titles=None):
    from builders_statements import TITLES

    header = list(titles or TITLES)
    return list(enumerate([["账户明细"], header, *lines], 1))


def test_the_same_statement_reads_alike_from_gb18030_utf8_and_xlsx(office, folder):
    city = an_edition().organization
    rows = [a_line("6400.00", "DW00012 202501", reference="LS1"), a_line("", out="30.00")]
    for data in (as_csv(rows), as_csv(rows, encoding="utf-8-sig"), as_xlsx(rows)):
        found = statements.preview(a_kept_statement(city, folder, data), folder=folder)
        (line,) = found.reading.lines
        assert (line.amount, line.reference, line.day) == (6400_00, "LS1", TODAY)
        assert found.reading.went_out == 1
        assert not found.reading.questions


def test_amounts_directions_and_dates_are_read_as_banks_write_them():
    titles = ["记账日期", "借贷标志", "发生额", "对方名称"]
    lines = [
        ["20241216", "贷", "1,000.50", "甲"],
        ["2024年12月6日", "C", 12.3, "乙"],
        ["2024/12/16 10:22:33", "借", "5.00", "丙"],
        [20241216.0, "贷", "-3.00", "冲正"],
        ["", "", "", ""],
        ["合计", "", "1012.80", ""],
    ]
    reading = layout.read(rows_of(*lines, titles=titles), {})
    assert [line.amount for line in reading.lines] == [1000_50, 12_30]
    assert reading.lines[1].day.isoformat() == "2024-12-06"
    assert reading.went_out == 1
    assert [line.amount for line in reading.taken_back] == [3_00]
    assert not reading.faults


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (a_line("6400.001"), "最多两位小数"),
        (a_line("六千"), "不是数字"),
        (a_line("1.00", day="十二月"), "看不懂交易日期"),
        (a_line("1.00", reference=1.2345678901234567e19), "末几位已经丢失"),
        (a_line("1.00", reference="6.4E+18"), "末几位已经丢失"),
        (a_line("1.00", out="2.00"), "既有收入又有支出"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_row(line, words):
    reading = layout.read(rows_of(a_line("1.00"), line), {})
    assert [number for number, _ in reading.faults] == [4]
    assert words in reading.faults[0][1]


def test_lines_without_a_reference_are_told_apart_by_what_they_say():
    alike = [a_line("80.00", "会费"), a_line("80.00", "会费"), a_line("80.00", "其他")]
    first = layout.read(rows_of(*alike), {}).lines
    again = layout.read(rows_of(*alike), {}).lines
    assert len({line.reference for line in first}) == 3
    assert [line.reference for line in first] == [line.reference for line in again]


def test_an_unknown_column_is_asked_about_once_for_each_bank(office, folder):
    city = an_edition().organization
    titles = ("交易日期", "到账", "神秘列", "附言")
    data = as_csv([["2024-12-16", "80.00", "甲单位", "一月"]], titles)
    statement = a_kept_statement(city, folder, data)
    with pytest.raises(Refused, match="至少要有"):
        statements.preview(statement, folder=folder, said={"附言": ""})
    said = {"到账": "amount"}
    found = statements.preview(statement, folder=folder, said=said)
    assert [q.title for q in found.reading.questions] == ["神秘列"]
    with pytest.raises(Refused, match="第 C 列"):
        statements.import_statement(statement, folder=folder, said=said, by=statement.by, at=NOW)
    said["神秘列"] = "payer"
    statements.import_statement(statement, folder=folder, said=said, by=statement.by, at=NOW)
    assert StatementLine.get().payer_name == "甲单位"
    assert StatementLayout.get().columns == said
    next_month = as_csv([["2024-12-17", "90.00", "乙单位", "二月"]], titles)
    assert not statements.preview(
        a_kept_statement(city, folder, next_month), folder=folder
    ).reading.questions
    other_bank = a_kept_statement(city, folder, next_month, "另一示例银行")
    with pytest.raises(Refused):
        statements.import_statement(other_bank, folder=folder, said={}, by=statement.by, at=NOW)


@pytest.mark.parametrize("data", [b"%PDF-1.4 not a sheet", "姓名,身份证号\n张,4".encode()])
def test_what_is_no_statement_is_refused_in_a_sentence(office, folder, data):
    statement = a_kept_statement(an_edition().organization, folder, data)
    with pytest.raises(Refused) as refused:
        statements.preview(statement, folder=folder)
    assert "file" in refused.value.by_field()


def test_a_statement_of_more_rows_than_are_held_at_once_is_refused_before_they_are_read(
    office, folder, monkeypatch
):
    monkeypatch.setattr(importing, "MOST_ROWS", 4)
    city, lines = an_edition().organization, [a_line("1.00", reference=f"LS{n}") for n in range(3)]
    few = a_kept_statement(city, folder, as_xlsx(lines[:2]))
    assert len(statements.preview(few, folder=folder).fresh) == 2
    for data in (as_xlsx(lines), as_csv(lines)):
        with pytest.raises(Refused, match="表格长到第5行，最多4行"):
            statements.preview(a_kept_statement(city, folder, data), folder=folder)


# importing


def test_what_came_in_waits_in_suspense_until_someone_decides(office, folder):
    city = an_edition().organization
    imported(city, folder, [a_line("6400.00", reference="LS1"), a_line("20.00", reference="LS2")])
    assert ledger.in_suspense() == 6420_00
    assert "示例银行对账单#1 到账 2 笔，待分配" in [j.text for j in Journal.select()]
    line = StatementLine.get(StatementLine.reference == "LS1")
    assert line.opened("payer_account") == "6222020000000001234"
    assert b"1234" not in bytes(line.payer_account)
    assert agreement.disagreements() == []


def test_each_line_is_kept_once_however_often_it_comes(office, folder):
    city = an_edition().organization
    both = [a_line("10.00", reference="LS1"), a_line("20.00", "无号")]
    imported(city, folder, both)
    with pytest.raises(Refused, match="没有新的收入"):
        imported(city, folder, both)
    (new,) = imported(city, folder, [*both, a_line("30.00", reference="LS3")])
    assert new.amount == 30_00
    assert Statement.get_by_id(new.statement_id).repeated == 2
    with pytest.raises(Refused, match="当时是"):
        imported(city, folder, [a_line("99.00", reference="LS1")])
    assert StatementLine.select().count() == 3


def test_a_line_already_recorded_by_hand_is_not_counted_twice(office, folder):
    _, dues, city = an_owing_roster()
    payment = paid(dues["unit"], 100_00)
    lines = [
        a_line("100.00", reference=payment.bank_reference),
        a_line("5.00", reference="LS-NEW"),
    ]
    assert [line.reference for line in imported(city, folder, lines)] == ["LS-NEW"]
    with pytest.raises(Refused, match=r"已手工登记 100\.00 元"):
        imported(city, folder, [a_line("150.00", reference=payment.bank_reference)])
    with pytest.raises(Refused, match="随银行对账单导入"):
        funding.record_payment(
            dues["unit"], amount=5_00, received_on=TODAY, bank_reference="ls-new", remark="",
            by=payment.by, at=NOW,
        )  # fmt: skip
    assert agreement.disagreements() == []


def test_another_citys_reference_is_another_line(office, folder):
    one, other = a_city(), a_city("另一示例市总工会")
    for city in (one, other):
        assert len(imported(city, folder, [a_line("10.00", reference="LS1")])) == 1


def test_a_statement_is_imported_once(office, folder):
    statement = a_kept_statement(an_edition().organization, folder, as_csv([a_line("1.00")]))
    same = Statement.get_by_id(statement.id)
    statements.import_statement(statement, folder=folder, said={}, by=statement.by, at=NOW)
    with pytest.raises((Lost, Refused)):
        statements.import_statement(same, folder=folder, said={}, by=statement.by, at=NOW)


def test_a_withdrawn_statements_lines_may_come_again(office, folder):
    _, dues, city = an_owing_roster()
    rows = [a_line("100.00", reference="LS1")]
    (line,) = imported(city, folder, rows)
    statement, by = line.statement, line.statement.by
    (payment,) = statements.assign(line, parts=[(dues["unit"], 40_00)], by=by, at=NOW)
    with pytest.raises(Refused, match="有 1 笔"):
        statements.withdraw_statement(statement, reason="传错账户", by=by, at=NOW)
    funding.reverse_payment(payment, reason="先更正", by=by, at=NOW)
    statements.withdraw_statement(statement, reason="传错账户", by=by, at=NOW)
    assert ledger.in_suspense() == 0
    with pytest.raises(Refused, match="已经撤回"):
        statements.assign(line, parts=[(dues["unit"], 1_00)], by=by, at=NOW)
    (again,) = imported(city, folder, rows)
    assert again.key.endswith(":2")
    assert agreement.disagreements() == []


# deciding


def test_exact_matches_are_confirmed_in_bulk_and_the_roster_is_paid(office, folder):
    roster, dues, city = an_owing_roster()
    county = code_of(dues["county"].payer)
    lines = imported(
        city,
        folder,
        [
            a_line("6400.00", f"{code_of(roster.organization)} 202501", reference="LS1"),
            a_line("1280.00", f"{county} 202501", reference="LS2"),
            a_line("2560.00", f"{code_of(city)} 202501", reference="LS3"),
        ],
    )
    _, exact = matched(lines)
    by_id = {line.id: line for line in lines}
    matches = [(by_id[number], found.parts) for number, found in exact.items()]
    done = statements.confirm_matches(matches, by=a_finance(roster), at=NOW)
    assert (done.done, done.amount, done.failed) == (3, 10_240_00, [])
    assert funding.is_paid(roster)
    assert ledger.in_suspense() == 0
    assert not DueStanding.select().where(DueStanding.owing > 0).exists()
    again = statements.confirm_matches(matches, by=a_finance(roster), at=NOW)
    assert (again.done, len(again.failed)) == (0, 3)
    (fund,) = ledger.funds([roster.edition.scheme])
    assert (fund.bank, fund.receivable) == (10_240_00, 0)
    assert agreement.disagreements() == []


def test_part_split_and_over_payments(office, folder):
    roster, dues, city = an_owing_roster(people=2)  # unit 100, county 20, city 40
    by = a_finance(roster)
    first, second, third = imported(
        city,
        folder,
        [
            a_line("30.00", reference="LS1"),
            a_line("90.00", reference="LS2"),
            a_line("50.00", reference="LS3"),
        ],
    )
    statements.assign(first, parts=[(dues["unit"], 30_00)], by=by, at=NOW)  # a part of one due
    split = [(dues["unit"], 70_00), (dues["county"], 20_00)]  # one line over two dues
    statements.assign(second, parts=split, by=by, at=NOW)
    with pytest.raises(Refused, match=r"还剩 40\.00 元"):
        statements.assign(third, parts=[(dues["city"], 50_00)], by=by, at=NOW)
    statements.assign(third, parts=[(dues["city"], 40_00)], by=by, at=NOW)  # ten too much
    assert funding.is_paid(roster)
    assert ledger.in_suspense() == 10_00
    assert statements.remaining_of([first, second, third]) == {
        first.id: 0, second.id: 0, third.id: 10_00
    }  # fmt: skip
    assert [StatementLine.get_by_id(x.id).stage for x in (first, second, third)] == [
        "settled", "settled", "open"
    ]  # fmt: skip
    assert agreement.disagreements() == []


def test_a_line_gives_no_more_than_it_has_and_nothing_twice(office, folder):
    roster, dues, city = an_owing_roster()
    (line,) = imported(city, folder, [a_line("100.00")])
    by = a_finance(roster)
    with pytest.raises(Refused, match=r"还剩 100\.00 元"):
        statements.assign(line, parts=[(dues["unit"], 100_01)], by=by, at=NOW)
    parts = [(dues["unit"], 1), (dues["unit"], 1)]
    with pytest.raises(Refused, match="选了两次"):
        statements.assign(line, parts=parts, by=by, at=NOW)
    with pytest.raises(Refused, match="至少选择"):
        statements.assign(line, parts=[], by=by, at=NOW)
    with pytest.raises(Refused, match="大于零"):
        statements.assign(line, parts=[(dues["unit"], -5)], by=by, at=NOW)
    elsewhere = a_city("另一示例市总工会")
    (foreign,) = imported(elsewhere, folder, [a_line("100.00")])
    with pytest.raises(Refused, match="不由本单位收取"):
        statements.assign(foreign, parts=[(dues["unit"], 1_00)], by=by, at=NOW)
    assert not Payment.select().exists()


def test_a_wrong_assignment_is_undone_by_reversal_and_waits_again(office, folder):
    roster, dues, city = an_owing_roster()
    (line,) = imported(city, folder, [a_line("1280.00")])
    by = a_finance(roster)
    (wrong,) = statements.assign(line, parts=[(dues["unit"], 1280_00)], by=by, at=NOW)
    funding.reverse_payment(wrong, reason="应记县级", by=by, at=NOW)
    assert ledger.in_suspense() == 1280_00
    assert StatementLine.get_by_id(line.id).stage == "open"
    assert DueStanding.get(DueStanding.due == dues["unit"]).owing == 6400_00
    statements.assign(line, parts=[(dues["county"], 1280_00)], by=by, at=NOW)
    assert Payment.select().count() == 2
    assert agreement.disagreements() == []


def test_money_of_nobody_is_refunded_or_income_and_either_can_be_undone(office, folder):
    roster, _, city = an_owing_roster()
    (line,) = imported(city, folder, [a_line("500.00", payer="热心企业")])
    by = a_finance(roster)
    with pytest.raises(Refused, match="原因"):
        statements.note_refund(line, amount=1, refunded_on=TODAY, reason="", by=by, at=NOW)
    refund = statements.note_refund(
        line, amount=100_00, refunded_on=TODAY, reason="多汇", by=by, at=NOW
    )
    given = {"kind": "donation", "giver": "热心企业", "purpose": "困难职工", "by": by, "at": NOW}
    income = statements.take_as_income(line, amount=400_00, scheme=None, **given)
    assert ledger.in_suspense() == 0
    assert StatementLine.get_by_id(line.id).stage == "settled"
    with pytest.raises(Refused, match="全部处理"):
        statements.take_as_income(line, amount=1, scheme=None, **given)
    statements.reverse_refund(refund, reason="没有退成", by=by, at=NOW)
    incomes.reverse_income(income, reason="是参保费", by=by, at=NOW)
    assert ledger.in_suspense() == 500_00
    assert StatementLine.get_by_id(line.id).stage == "open"
    assert agreement.disagreements() == []


def test_what_no_longer_agrees_about_a_statement_is_named(office, folder):
    city = an_edition().organization
    (line,) = imported(city, folder, [a_line("10.00")])
    StatementLine.update(stage="settled").where(StatementLine.id == line.id).execute()
    Statement.update(amount=11_00).execute()
    said = agreement.disagreements()
    assert any("状态不符" in words for words in said)
    assert any("逐笔合计" in words for words in said)
    assert any("账簿记" in words for words in said)


def test_no_scheme_is_booked_before_anybody_knows_it(office, folder):
    imported(an_edition().organization, folder, [a_line("10.00")])
    assert all(posting.scheme_id is None for posting in Posting.select())
    assert a_user(Role.FINANCE, at=a_city()).id
