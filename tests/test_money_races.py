"""Several processes at the same money: exactly one wins, and the ledger stays balanced."""

import subprocess
import sys

import pytest
from builders import NOW, a_city, a_county, a_unit, a_user
from builders_funding import (
    a_finance,
    a_paid_roster,
    a_roster,
    an_approved_claim,
    an_edition,
    dues_of,
)
from builders_statements import a_kept_statement, a_line, as_csv, imported

from huigong.models import (
    Journal,
    Payment,
    PaymentReversal,
    Payout,
    PayoutBatch,
    Receipt,
    ReceiptVoid,
    Role,
    Statement,
    StatementLine,
    Transfer,
)
from huigong.workflows import agreement, funding, ledger, payouts

RIVALS = 3
RIVAL = """
import sys
from datetime import date, datetime
from pathlib import Path
from huigong import database, vault
from huigong.models import *
from huigong.refusals import Lost, Refused
from huigong.workflows import funding, payouts, statements, transfers

url, keys, by, folder, me = sys.argv[1:6]
vault.unlock(Path(keys))
database.connect_to(url)
database.db.connect()
by, at, day = User.get_by_id(int(by)), datetime(2024, 12, 16, 9), date(2024, 12, 16)
{before}
print("ready", flush=True)
sys.stdin.readline()
{deed}
database.db.close()
"""
ONE = """
try:
    {deed}
    print("won", flush=True)
except (Lost, Refused) as lost:
    print("lost", flush=True)
"""


def race(office, by, before, deed, *, rivals=RIVALS):
    """What each of several processes printed when all began at once; `before` runs unhurried."""
    script = RIVAL.replace("{before}", before).replace("{deed}", deed)
    told = [office.database_url, str(office.keys), str(by.id), str(office.files)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, *told, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(rivals)
    ]  # fmt: skip
    for rival in running:
        assert rival.stdout.readline() == "ready\n", rival.stderr.read()
    for rival in running:
        rival.stdin.write("go\n")
        rival.stdin.flush()
    answers = [rival.communicate(timeout=120) for rival in running]
    assert [rival.returncode for rival in running] == [0] * rivals, answers
    return [said.split() for said, _ in answers]


def only_one_won(said):
    flat = [word for words in said for word in words]
    return flat.count("won") == 1 and flat.count("lost") == len(said) - 1


def test_of_several_importing_one_statement_one_wins(office):
    city = an_edition().organization
    rows = [a_line("10.00", reference=f"LS{n}") for n in range(50)]
    statement = a_kept_statement(city, office.files, as_csv(rows))
    said = race(
        office,
        statement.by,
        "statement = Statement.get()",
        ONE.format(deed="statements.import_statement("
                        "statement, folder=Path(folder), said={}, by=by, at=at)"),
    )  # fmt: skip
    assert only_one_won(said)
    assert StatementLine.select().count() == 50
    assert ledger.in_suspense() == 500_00
    assert agreement.disagreements() == []


def test_the_same_lines_in_two_uploads_at_once_come_in_once(office):
    city = an_edition().organization
    rows = [a_line("10.00", reference=f"LS{n}") for n in range(20)]
    for _ in range(2):
        statement = a_kept_statement(city, office.files, as_csv(rows))
    said = race(
        office,
        statement.by,
        "statement = list(Statement.select().order_by(Statement.id))[int(me)]",
        ONE.format(deed="statements.import_statement("
                        "statement, folder=Path(folder), said={}, by=by, at=at)"),
        rivals=2,
    )  # fmt: skip
    assert only_one_won(said)
    assert StatementLine.select().count() == 20
    assert Statement.select().where(Statement.stage == "imported").count() == 1
    assert agreement.disagreements() == []


def test_each_line_of_a_statement_is_confirmed_by_one(office):
    city, rosters = a_city(), []
    for _ in range(8):
        roster = a_roster(a_unit(a_county(city)), people=2)
        dues_of(roster)
        rosters.append(roster)
    remark = "DW{:05d} 202501"
    rows = [
        a_line("100.00", remark.format(r.organization_id), reference=f"LS{r.id}") for r in rosters
    ]
    imported(rosters[0].edition.organization, office.files, rows)
    said = race(
        office,
        a_finance(rosters[0]),
        "lines = list(StatementLine.select().order_by(StatementLine.id))\n"
        "left = statements.remaining_of(lines)\n"
        "exact = statements.exact_among(statements.candidates(lines, left))\n"
        "pairs = [(line, exact[line.id].parts) for line in lines]",
        "done = statements.confirm_matches(pairs, by=by, at=at)\n"
        "print(done.done, len(done.failed), flush=True)",
    )
    done = [list(map(int, words)) for words in said]
    assert sum(number for number, _ in done) == 8
    assert all(number + failed == 8 for number, failed in done)
    assert Payment.select().count() == 8
    assert ledger.in_suspense() == 0
    assert agreement.disagreements() == []


def test_one_due_is_paid_once(office):
    due = dues_of(a_roster(people=2))["unit"]
    said = race(
        office,
        a_finance(due.roster),
        f"due = Due.get_by_id({due.id})",
        ONE.format(deed="funding.record_payment(due, amount=due.amount, received_on=day,"
                        " bank_reference=f'LS{me}', remark='', by=by, at=at)"),
    )  # fmt: skip
    assert only_one_won(said)
    assert due.paid == due.amount
    assert agreement.disagreements() == []


def test_one_batch_is_released_once(office):
    claim = an_approved_claim()
    city = claim.enrollment.edition.organization
    maker, releaser = (a_user(Role.FINANCE, at=city) for _ in range(2))
    payouts.make_batch(claims=[claim], organization=city, by=maker, at=NOW)
    said = race(
        office,
        releaser,
        "batch = PayoutBatch.get()",
        ONE.format(deed="payouts.release_batch(batch, by=by, at=at)"),
    )
    assert only_one_won(said)
    assert PayoutBatch.get().stage == "released"
    assert Payout.select().where(Payout.stage == "paid").count() == 1
    assert Journal.select().where(Journal.key.endswith(":paid")).count() == 1
    assert agreement.disagreements() == []


@pytest.mark.parametrize("again", range(2))
def test_a_receipt_voided_and_a_payment_reversed_at_once_never_leave_a_live_one_unpaid(
    office, again
):
    roster = a_paid_roster()
    by = a_finance(roster)
    receipt = funding.confirm_receipt(roster, by=by, at=NOW)
    payment = roster.dues.get().payments.get()
    race(
        office,
        by,
        f"receipt, payment = Receipt.get_by_id({receipt.id}), Payment.get_by_id({payment.id})\n"
        "roster = receipt.roster",
        "deeds = [lambda: funding.void_receipt(receipt, reason='作废', by=by, at=at),\n"
        "  lambda: funding.reverse_payment(payment, reason='更正', by=by, at=at),\n"
        "  lambda: funding.confirm_receipt(roster, by=by, at=at)]\n"
        "try:\n    deeds[int(me)]()\nexcept (Lost, Refused):\n    pass",
    )
    voided = ReceiptVoid.select(ReceiptVoid.receipt)
    live = Receipt.select().where(Receipt.id.not_in(voided)).exists()
    assert not (live and PaymentReversal.select().exists())
    assert agreement.disagreements() == []


def test_a_months_money_is_transferred_once(office):
    roster = a_paid_roster(people=2)
    said = race(
        office,
        a_finance(roster),
        "scheme = Scheme.get()",
        ONE.format(deed="transfers.record_transfer(scheme, month='2024-12', amount=160_00,"
                        " transferred_on=day, bank_reference=me, by=by, at=at)"),
    )  # fmt: skip
    assert only_one_won(said)
    assert Transfer.select().count() == 1
    assert agreement.disagreements() == []
