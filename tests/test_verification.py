"""`huigong verify` against an office whose rows somebody changed by hand, one kind after another.

Whoever has the database file can drop its triggers; what they change must be named all the same.
"""

import pytest
from builders import NOW, TODAY, a_city, a_county, a_unit, a_user
from builders_funding import (
    a_finance,
    a_paid_roster,
    an_approved_claim,
    dues_of,
    paid,
)
from builders_funding import a_roster as a_bare_roster
from builders_statements import a_line, imported

from huigong import database
from huigong.models import ADD_ONLY, Due, Payment, Role, Scheme
from huigong.workflows import funding, incomes, payouts, statements, transfers, verification


def an_office_with_all_kinds_of_money(office):
    """Dues paid by hand and from the bank, one undone; income, refunds, payouts sent and come
    back, a receipt and a void one, a transfer: of two schemes."""
    city = a_city()
    unit = a_unit(a_county(city))
    claims = [an_approved_claim(city, unit=unit, amount=fen) for fen in (500_00, 300_00)]
    finance, second = (a_user(Role.FINANCE, at=city) for _ in range(2))
    batch = payouts.make_batch(claims=claims, organization=city, by=finance, at=NOW)
    payouts.release_batch(batch, by=second, at=NOW)
    roster = a_bare_roster(unit, people=2)  # unit 100, county 20, city 40
    dues = dues_of(roster)
    lines = imported(
        city,
        office.files,
        [
            a_line("100.00", reference="LS1"),
            a_line("50.00", reference="LS2"),
            a_line("7.00", reference="LS3"),
            a_line("300.00", "退汇", reference="LS4"),
            a_line("1.00", reference="LS5"),
        ],
    )
    deed = {"by": finance, "at": NOW}
    statements.assign(lines[0], parts=[(dues["unit"], 100_00)], **deed)
    statements.take_as_income(
        lines[1], amount=50_00, kind="donation", giver="示例", purpose="", scheme=None, **deed
    )
    statements.note_refund(lines[2], amount=7_00, refunded_on=TODAY, reason="误汇", **deed)
    returned = payouts.payouts_of(batch)[1]
    statements.take_as_return(lines[3], payout=returned, **deed)
    wrong = paid(dues["city"], 5_00, by=finance)
    funding.reverse_payment(wrong, reason="记错了", **deed)
    paid(dues["county"], by=finance)
    paid(dues["city"], 10_00, by=finance)
    given = incomes.record_income(
        organization=city, scheme=roster.edition.scheme, kind="fiscal", giver="示例财政局",
        purpose="", amount=80_00, received_on=TODAY, bank_reference="CZ1", **deed,
    )  # fmt: skip
    undone = incomes.record_income(
        organization=city, scheme=None, kind="other", giver="示例", purpose="", amount=9_00,
        received_on=TODAY, bank_reference="CZ2", **deed,
    )  # fmt: skip
    incomes.reverse_income(undone, reason="记错了", **deed)
    full = a_paid_roster(unit, people=1)
    first = funding.confirm_receipt(full, **deed)
    funding.void_receipt(first, reason="抬头写错", **deed)
    funding.confirm_receipt(full, **deed)
    sent = transfers.to_pass_on(roster.edition.scheme, "2024-12")
    transfers.record_transfer(
        roster.edition.scheme, month="2024-12", amount=sum(item.amount for item in sent),
        transferred_on=TODAY, bank_reference="ZK1", **deed,
    )  # fmt: skip
    assert a_finance(roster)
    assert given.id


LAST = "WHERE id = (SELECT MAX(id) FROM {table})"
# Of each kind of row: what somebody does to it, and a word of what verify says then.
CHANGES = {
    "a due is lowered": ("UPDATE due SET amount = amount - 1", "应缴"),
    "a due's payer is another": (
        "UPDATE due SET payer_id = payer_id - 1 WHERE carrier = 'unit'", "缴款方"),
    "a due's day is later": ("UPDATE due SET due_on = '2099-01-01'", "期限"),
    "a payment is raised": ("UPDATE payment SET amount = amount + 1", "到账#"),
    "a payment is another due's": (
        "UPDATE payment SET due_id = (SELECT MAX(id) FROM due) WHERE id = (SELECT MIN(id) FROM"
        " payment WHERE due_id < (SELECT MAX(id) FROM due))", "尚欠"),
    "a payment is gone": (
        "DELETE FROM payment WHERE id = (SELECT MAX(id) FROM payment)", "尚欠"),
    "a reversal is gone": ("DELETE FROM payment_reversal", "应收参保费"),
    "a fee is lowered": ("UPDATE enrollment SET fee = fee - 1 WHERE fee = 8000", "参保费合计"),
    "a person is gone": (
        "DELETE FROM enrollment WHERE roster_id = (SELECT MAX(id) FROM roster)", "参保 0 人"),
    "cover begins earlier": ("UPDATE enrollment SET cover_from = '2020-01-01'", "保障开始日"),
    "what is owing is forgotten": (
        "UPDATE due_standing SET owing = 0, settled = (1 = 1) WHERE owing > 0", "尚欠"),
    "a line is raised": ("UPDATE statement_line SET amount = amount + 1", "逐笔合计"),
    "a line is settled that is not": (
        "UPDATE statement_line SET stage = 'settled' WHERE stage = 'open'", "状态不符"),
    "a statement is lowered": ("UPDATE statement SET amount = amount - 1", "对账单#"),
    "an income is raised": ("UPDATE income SET amount = amount + 1", "其他收入#"),
    "an income is another scheme's": (
        "UPDATE income SET scheme_id = NULL WHERE scheme_id IS NOT NULL", "其他收入（财政"),
    "an income's reversal is gone": ("DELETE FROM income_reversal", "其他收入（财政"),
    "a refund is raised": ("UPDATE refund SET amount = amount + 1", "退款#"),
    "a refund is gone": ("DELETE FROM refund", "状态不符"),
    "a payout's return is raised": ("UPDATE payout_return SET amount = amount + 1", "退回"),
    "a receipt is raised": ("UPDATE receipt SET amount = amount + 1", "收据"),
    "a receipt is gone": (
        "DELETE FROM receipt WHERE id IN (SELECT receipt_id FROM receipt_void)", "缺号"),
    "a transfer is lowered": ("UPDATE transfer SET amount = amount - 1", "转款"),
    "a transfer's roster is lowered": (
        "UPDATE transfer_item SET amount = amount - 1", "所列名册"),
    "an award is raised": ("UPDATE decision SET amount = amount + 1", "核定"),
    "a refusal was an award": ("UPDATE decision SET verdict = 'refuse'", "互助金支出"),
    "a payout is raised": ("UPDATE payout SET amount = amount + 1", "发放#"),
    "a payout that came back did not": (
        "UPDATE payout SET stage = 'paid' WHERE stage = 'returned'", "状态与发放不符"),
    "a claim is payable that was paid": (
        "UPDATE claim SET stage = 'approved' WHERE stage = 'paid'", "状态与发放不符"),
    "one side of a journal is raised": (
        "UPDATE posting SET amount = amount + 1 WHERE id = (SELECT MAX(id) FROM posting)",
        "借贷不平"),
    "a journal is another account's": (
        "UPDATE posting SET account = 'income' WHERE account = 'contributions'", "参保费收入"),
    "a journal is another scheme's": (
        "UPDATE posting SET scheme_id = (SELECT MIN(id) FROM scheme) WHERE scheme_id ="
        " (SELECT MAX(id) FROM scheme)", "按业务应为"),
    "a journal is gone": (
        "DELETE FROM journal WHERE id = (SELECT MIN(id) FROM journal)", "账簿记 0.00"),
    "an event of the log is changed": (
        "UPDATE audit_event SET detail = 'x' WHERE id = (SELECT MIN(id) FROM audit_event)",
        "操作记录第 1 条"),
    "an event of the log is gone": (
        "DELETE FROM audit_event WHERE id = (SELECT MIN(id) + 1 FROM audit_event)", "不相连"),
}  # fmt: skip


def without_triggers():
    """Drop what blocks changes, as somebody with the file may."""
    for table in ADD_ONLY:
        for verb in ("update", "delete"):
            on = "" if database.is_sqlite() else f' ON "{table}"'
            database.db.execute_sql(f'DROP TRIGGER "{table}_no_{verb}"{on}')


def without_references():
    """Let rows go that others name."""
    if database.is_sqlite():
        database.db.execute_sql("PRAGMA defer_foreign_keys = 1")
    else:
        database.db.execute_sql("SET LOCAL session_replication_role = replica")


def findings_after(office, statement):
    """What verify finds once somebody with the file has changed a row; then it is as before."""
    with database.db.atomic() as transaction:
        without_triggers()
        without_references()
        database.db.execute_sql(statement)
        found = verification.findings(office.files)
        transaction.rollback()
    return found


def test_whatever_kind_of_row_is_changed_verify_names_it(office):
    an_office_with_all_kinds_of_money(office)
    assert verification.findings(office.files) == []
    silent = {}
    for change, (statement, words) in CHANGES.items():
        found = findings_after(office, statement)
        if not any(words in sentence for sentence in found):
            silent[change] = found
    assert silent == {}
    assert verification.findings(office.files) == []
    assert Payment.select().exists()
    assert Due.select().exists()
    assert Scheme.select().count() == 2


def test_a_journal_that_belongs_to_no_fact_shows_though_it_balances(office):
    an_office_with_all_kinds_of_money(office)
    from huigong.workflows import ledger

    ledger.book(
        key="invented", text="示例", organization=a_city(), scheme=Scheme.get(),
        postings=[("bank", -1_00), ("benefits", 1_00)], by=None, at=NOW,
    )  # fmt: skip
    found = verification.findings(office.files)
    assert any(sentence.startswith("银行存款（") for sentence in found)
    assert any(sentence.startswith("互助金支出（") for sentence in found)


@pytest.mark.parametrize("table", ["payment", "receipt", "posting", "journal", "decision"])
def test_what_is_only_added_cannot_be_changed_by_a_slip(office, table):
    an_office_with_all_kinds_of_money(office)
    column = {"journal": "text", "decision": "reason"}.get(table, "amount")
    with pytest.raises(Exception, match="only added"), database.db.atomic():
        database.db.execute_sql(f"UPDATE {table} SET {column} = {column}")
