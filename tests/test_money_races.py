"""Several processes at the same money: exactly one wins, and everything agrees afterwards."""

import pytest
from builders import NOW, TODAY, a_city, a_county, a_unit, a_user
from builders_claims import a_reviewed_claim
from builders_funding import (
    a_finance,
    a_paid_roster,
    a_roster,
    an_approved_claim,
    an_edition,
    dues_of,
    paid,
)
from builders_statements import a_kept_statement, a_line, as_csv, imported

from huigong.models import (
    Decision,
    Due,
    Income,
    IncomeReversal,
    Journal,
    Payment,
    PaymentReversal,
    Payout,
    PayoutBatch,
    Receipt,
    ReceiptVoid,
    Refund,
    Role,
    Statement,
    StatementLine,
    TopUp,
    Transfer,
)
from huigong.workflows import funding, ledger, payouts


def one_won(said):
    """Whether exactly one won."""
    return sum(words.startswith("won") for words in said) == 1


# ── what came in ────────────────────────────────────────────────────────────────────────────


def test_of_several_importing_one_statement_one_wins(office, race):
    rows = [a_line("10.00", reference=f"LS{n}") for n in range(50)]
    statement = a_kept_statement(an_edition().organization, office.files, as_csv(rows))
    assert one_won(race(
        statement.by,
        "statement = Statement.get()",
        "statements.import_statement(statement, folder=folder, said={}, by=by, at=at)",
    ))  # fmt: skip
    assert StatementLine.select().count() == 50
    assert ledger.in_suspense() == 500_00


def test_a_statement_is_imported_or_dropped(office, race):
    rows = [a_line("10.00", reference=f"LS{n}") for n in range(50)]
    statement = a_kept_statement(an_edition().organization, office.files, as_csv(rows))
    said = race(
        statement.by,
        "statement = Statement.get()\n"
        "deeds = ["
        " lambda: statements.import_statement(statement, folder=folder, said={}, by=by, at=at),\n"
        " lambda: statements.drop_statement(statement, by=by, at=at)]",
        "deeds[me]()",
        count=2,
    )
    assert one_won(said)
    assert StatementLine.select().count() == {"imported": 50, "dropped": 0}[Statement.get().stage]


def test_the_same_lines_in_two_uploads_at_once_come_in_once(office, race):
    city = an_edition().organization
    rows = [a_line("10.00", reference=f"LS{n}") for n in range(20)]
    for _ in range(2):
        statement = a_kept_statement(city, office.files, as_csv(rows))
    assert one_won(race(
        statement.by,
        "statement = list(Statement.select().order_by(Statement.id))[me]",
        "statements.import_statement(statement, folder=folder, said={}, by=by, at=at)",
        count=2,
    ))  # fmt: skip
    assert StatementLine.select().count() == 20
    assert Statement.select().where(Statement.stage == "imported").count() == 1


def test_each_line_of_a_statement_is_confirmed_by_one(office, race):
    city = a_city()
    rosters = [a_roster(a_unit(a_county(city)), people=2) for _ in range(8)]
    for roster in rosters:
        dues_of(roster)
    rows = [
        a_line("100.00", f"DW{r.organization_id:05d} 202501", reference=f"LS{r.id}")
        for r in rosters
    ]
    imported(rosters[0].edition.organization, office.files, rows)
    said = race(
        a_finance(rosters[0]),
        "lines = list(StatementLine.select().order_by(StatementLine.id))\n"
        "left = statements.remaining_of(lines)\n"
        "exact = statements.exact_among(statements.candidates(lines, left))\n"
        "pairs = [(line, exact[line.id].parts) for line in lines]",
        "done = statements.confirm_matches(pairs, by=by, at=at)\n"
        "said = f'{done.done} {len(done.failed)}'",
    )
    done = [[int(word) for word in words.split()[1:]] for words in said]
    assert sum(number for number, _ in done) == 8
    assert all(number + failed == 8 for number, failed in done)
    assert Payment.select().count() == 8
    assert ledger.in_suspense() == 0


def a_line_for_a_due(office):
    """(line, due): 100.00 that came in, exactly what a unit owes."""
    due = dues_of(a_roster(people=2))["unit"]
    city = due.roster.edition.organization
    (line,) = imported(city, office.files, [a_line("100.00", reference="LS1")])
    return line, due


BOTH = "line, due = StatementLine.get(), Due.get_by_id({})"


def test_a_line_is_assigned_taken_as_income_or_sent_back_but_only_one_of_these(office, race):
    line, due = a_line_for_a_due(office)
    assert one_won(race(
        line.statement.by,
        BOTH.format(due.id),
        "[lambda: statements.assign(line, parts=[(due, 100_00)], by=by, at=at),\n"
        " lambda: statements.take_as_income(line, amount=100_00, kind='donation', giver='示例',\n"
        "   purpose='', scheme=None, by=by, at=at),\n"
        " lambda: statements.note_refund(line, amount=100_00, refunded_on=day, reason='误汇',\n"
        "   by=by, at=at)][me]()",
    ))  # fmt: skip
    assert sum(fact.select().count() for fact in (Payment, Income, Refund)) == 1
    assert StatementLine.get().stage == "settled"


def test_a_line_is_not_assigned_while_its_statement_is_withdrawn(office, race):
    line, due = a_line_for_a_due(office)
    assert one_won(race(
        line.statement.by,
        BOTH.format(due.id),
        "[lambda: statements.assign(line, parts=[(due, 100_00)], by=by, at=at),\n"
        " lambda: statements.withdraw_statement(line.statement, reason='传错账户', by=by, at=at)\n"
        "][me]()",
        count=2,
    ))  # fmt: skip


def test_one_due_is_paid_once_by_hand_or_from_the_bank(office, race):
    line, due = a_line_for_a_due(office)
    assert one_won(race(
        line.statement.by,
        BOTH.format(due.id),
        "if me == 2:\n  statements.assign(line, parts=[(due, 100_00)], by=by, at=at)\n"
        "else:\n  funding.record_payment(due, amount=due.amount, received_on=day,"
        " bank_reference=f'SG{me}', remark='', by=by, at=at)",
    ))  # fmt: skip
    assert due.paid == due.amount


def test_one_bank_line_typed_by_several_counts_once(office, race):
    dues = dues_of(a_roster(people=2))
    assert one_won(race(
        a_finance(dues["unit"].roster),
        "due = list(Due.select().order_by(Due.id))[me]",
        "funding.record_payment(due, amount=1_00, received_on=day, bank_reference='LS7',"
        " remark='', by=by, at=at)",
    ))  # fmt: skip
    assert Payment.select().count() == 1


def test_the_same_income_recorded_by_a_double_click_counts_once(office, race):
    city = an_edition().organization
    said = race(
        a_user(Role.FINANCE, at=city),
        f"city = Organization.get_by_id({city.id})",
        "incomes.record_income(organization=city, scheme=None, kind='fiscal', giver='示例财政局',"
        " purpose='', amount=500_00, received_on=day, bank_reference='CZ1', by=by, at=at)",
    )
    assert one_won(said)
    assert Income.select().count() == 1


def test_the_same_top_up_recorded_by_a_double_click_holds_once(office, race):
    edition = an_edition()
    said = race(
        a_user(Role.FINANCE, at=edition.organization),
        "scheme = Scheme.get()\ncity = scheme.organization",
        "top_ups.record_top_up(organization=city, scheme=scheme, amount=5_00, members_only=True,"
        " from_on=day, to_on=date(2025, 12, 31), basis='示例文件', by=by, at=at)",
    )
    assert one_won(said)
    assert TopUp.select().count() == 1


# ── undoing ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("again", range(2))
def test_a_receipt_voided_and_a_payment_reversed_at_once_never_leave_a_live_one_unpaid(race, again):
    roster = a_paid_roster()
    by = a_finance(roster)
    receipt = funding.confirm_receipt(roster, by=by, at=NOW)
    payment = roster.dues.get().payments.get()
    race(
        by,
        f"receipt, payment = Receipt.get_by_id({receipt.id}), Payment.get_by_id({payment.id})\n"
        "roster = receipt.roster",
        "[lambda: funding.void_receipt(receipt, reason='作废', by=by, at=at),\n"
        " lambda: funding.reverse_payment(payment, reason='更正', by=by, at=at),\n"
        " lambda: funding.confirm_receipt(roster, by=by, at=at)][me]()",
    )
    voided = ReceiptVoid.select(ReceiptVoid.receipt)
    live = Receipt.select().where(Receipt.id.not_in(voided)).exists()
    assert not (live and PaymentReversal.select().exists())


def test_one_roster_gets_one_receipt_and_its_number_is_not_given_twice(race):
    roster, other = a_paid_roster(), a_paid_roster()
    said = race(
        a_finance(roster),
        f"roster = Roster.get_by_id([{roster.id}, {roster.id}, {other.id}][me])",
        "funding.confirm_receipt(roster, by=by, at=at)",
    )
    assert said[2] == "won"
    assert one_won(said[:2])
    numbers = sorted(receipt.number for receipt in Receipt.select())
    assert numbers == ["SJ2024-000001", "SJ2024-000002"]


UNDOINGS = {
    "payment": (PaymentReversal, "funding.reverse_payment(Payment.get_by_id({0}), "),
    "receipt": (ReceiptVoid, "funding.void_receipt(Receipt.get_by_id({0}), "),
    "income": (IncomeReversal, "incomes.reverse_income(Income.get_by_id({0}), "),
}


@pytest.mark.parametrize("kind", UNDOINGS)
def test_what_was_recorded_wrongly_is_undone_once(office, race, kind):
    fact = a_fact(kind)
    model, deed = UNDOINGS[kind]
    assert one_won(race(
        fact.by, "", deed.format(fact.id) + "reason='记错了', by=by, at=at)"
    ))  # fmt: skip
    assert model.select().count() == 1


def a_fact(kind):
    """A payment, a receipt, or an income that may be undone."""
    if kind == "payment":
        return paid(dues_of(a_roster())["unit"])
    if kind == "receipt":
        roster = a_paid_roster()
        return funding.confirm_receipt(roster, by=a_finance(roster), at=NOW)
    from huigong.workflows import incomes

    city = an_edition().organization
    return incomes.record_income(
        organization=city, scheme=None, kind="fiscal", giver="示例财政局", purpose="",
        amount=500_00, received_on=TODAY, bank_reference="CZ1",
        by=a_user(Role.FINANCE, at=city), at=NOW,
    )  # fmt: skip


# ── what goes out ───────────────────────────────────────────────────────────────────────────


def test_one_claim_is_decided_once_approved_or_refused(race):
    claim = a_reviewed_claim()
    judges = [a_user(Role.REVIEWER, at=claim.organization.parent) for _ in range(3)]
    said = race(
        judges[0],
        f"claim = Claim.get()\nby = User.get_by_id({[judge.id for judge in judges]}[me])",
        "verdict = 'refuse' if me == 2 else 'approve'\n"
        "claims.decide_claim(claim, verdict=verdict, amount=None, reason='不符合', by=by, at=at)",
    )
    assert one_won(said)
    assert Decision.select().count() == 1
    assert (
        Journal.select().where(Journal.key.endswith(":award")).count()
        == Decision.select().where(Decision.verdict == "approve").count()
    )


def test_one_claim_is_put_into_one_batch(race):
    claim = an_approved_claim()
    city = claim.enrollment.edition.organization
    said = race(
        a_user(Role.FINANCE, at=city),
        f"claim, city = Claim.get(), Organization.get_by_id({city.id})",
        "payouts.make_batch(claims=[claim], organization=city, by=by, at=at)",
    )
    assert one_won(said)
    assert Payout.select().count() == PayoutBatch.select().count() == 1


@pytest.fixture
def batch(office):
    """A batch of one claim, made and not released."""
    claim = an_approved_claim()
    city = claim.enrollment.edition.organization
    maker = a_user(Role.FINANCE, at=city)
    return payouts.make_batch(claims=[claim], organization=city, by=maker, at=NOW)


def test_one_batch_is_released_once(race, batch):
    said = race(
        a_user(Role.FINANCE, at=batch.organization),
        "batch = PayoutBatch.get()",
        "payouts.release_batch(batch, by=by, at=at)",
    )
    assert one_won(said)
    assert PayoutBatch.get().stage == "released"
    assert Payout.select().where(Payout.stage == "paid").count() == 1
    assert Journal.select().where(Journal.key.endswith(":paid")).count() == 1


def test_a_batch_is_released_or_withdrawn(race, batch):
    said = race(
        a_user(Role.FINANCE, at=batch.organization),
        "batch = PayoutBatch.get()",
        "[lambda: payouts.release_batch(batch, by=by, at=at),\n"
        " lambda: payouts.withdraw_batch(batch, reason='重做', by=by, at=at)][me]()",
        count=2,
    )
    assert one_won(said)
    assert (PayoutBatch.get().stage, Payout.get().stage) in {
        ("released", "paid"), ("withdrawn", "withdrawn")
    }  # fmt: skip


def test_a_payout_comes_back_once(race, batch):
    second = a_user(Role.FINANCE, at=batch.organization)
    payouts.release_batch(batch, by=second, at=NOW)
    said = race(
        second,
        "payout = Payout.get()",
        "payouts.return_payout(payout, note='户名不符', by=by, at=at)",
    )
    assert one_won(said)
    assert Journal.select().where(Journal.key.endswith(":paid:reversed")).count() == 1


def test_a_months_money_is_transferred_once(race):
    roster = a_paid_roster(people=2)
    said = race(
        a_finance(roster),
        "scheme = Scheme.get()",
        "transfers.record_transfer(scheme, month='2024-12', amount=160_00,"
        " transferred_on=day, bank_reference=str(me), by=by, at=at)",
    )
    assert one_won(said)
    assert Transfer.select().count() == 1


def test_a_payment_is_not_undone_unseen_while_its_money_is_passed_on(race):
    """Whoever is first, the sheet that comes next carries what the other changed."""
    roster = a_paid_roster(people=2)
    due = roster.dues.where(Due.carrier == "unit").get()
    race(
        a_finance(roster),
        f"scheme, payment = Scheme.get(), Payment.get(Payment.due == {due.id})",
        "[lambda: transfers.record_transfer(scheme, month='2024-12', amount=160_00,"
        " transferred_on=day, bank_reference='1', by=by, at=at),\n"
        " lambda: funding.reverse_payment(payment, reason='记错了', by=by, at=at)][me]()",
        count=2,
    )
    from huigong.workflows import transfers

    (left,) = transfers.to_pass_on(roster.edition.scheme, "2024-12")
    assert left.amount == (-100_00 if Transfer.select().exists() else 60_00)
