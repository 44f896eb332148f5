"""Whether dues, payments, cover, decisions, payouts and the ledger say the same. Only reads."""

from collections import Counter
from typing import Any

from peewee import JOIN, SQL, Case, Value, fn

from huigong.models import (
    Claim,
    Decision,
    Due,
    DueReversal,
    DueStanding,
    Edition,
    Enrollment,
    Gift,
    GiftReceipt,
    Income,
    IncomeReversal,
    Payment,
    PaymentReversal,
    Payout,
    PayoutReturn,
    PayoutReturnReversal,
    Posting,
    Receipt,
    ReceiptVoid,
    Refund,
    RefundReversal,
    RevokedDecision,
    Roster,
    Scheme,
    Statement,
    StatementLine,
    Transfer,
    TransferItem,
    TransferReversal,
)
from huigong.money import yuan
from huigong.workflows import caches
from huigong.workflows.booked import booked_otherwise, key_of
from huigong.workflows.ledger import ACCOUNTS, total, unbalanced
from huigong.workflows.payouts_agreement import paid_from, payouts


def disagreements() -> list[str]:
    """Where dues, payments, cover, decisions, payouts and the ledger say different things.

    In sentences, as `huigong verify` prints them; empty when all agree.
    """
    found = [f"账簿凭证 {journal.key}（{journal.text}）借贷不平" for journal in unbalanced()]
    for question in (
        *(_cover, _dues, _gifts, _payments, _receipts, _statements, _incomes),
        *(_transfers, _awards, payouts, _strangers, *caches.QUESTIONS),
    ):
        found += question()
    return found


def _cover() -> list[str]:
    """Enrollments against the rosters that they count by."""
    people = fn.COALESCE(
        Enrollment.select(fn.COUNT(Enrollment.id)).where(Enrollment.roster == Roster.id), 0
    )
    rosters: Any = Roster.select(Roster.number, Roster.people, people.alias("enrolled"))
    found = [
        f"名册{number} 批准 {approved} 人，参保 {enrolled} 人"
        for number, approved, enrolled in rosters.where(
            Roster.stage == "approved", Roster.people != people
        ).tuples()
    ]
    other: Any = (
        Enrollment.select(Enrollment.certificate, Roster.number)
        .join(Roster)
        .where(
            (Enrollment.edition != Roster.edition) | (Enrollment.cover_from != Roster.cover_from)
        )
    )
    return found + [
        f"参保凭证{certificate} 的计划或保障开始日与名册{number} 不同"
        for certificate, number in other.tuples()
    ]


def _dues() -> list[str]:
    key = key_of("due", Due.id, "raised")
    found = [
        f"应收#{number} 应缴 {yuan(due)} 元，账簿记 {yuan(booked)} 元"
        for number, due, booked in booked_otherwise(
            Due.select(), Due.id, key, "receivable", Due.amount
        )
    ]
    key = key_of("due", Due.id, "raised:reversed")
    fallen = Due.select().join(DueReversal)
    facts = booked_otherwise(fallen, Due.id, key, "receivable", Due.amount * -1)
    found += [f"应收#{number} 已随赠送撤回，账簿没有对应的冲销凭证" for number, _, _ in facts]
    live = Due.select(total(Due.amount)).where(Due.roster == Roster.id, Due.live())
    owed = fn.COALESCE(live, 0)
    fees: Any = Enrollment.select(total(Enrollment.fee)).where(Enrollment.roster == Roster.id)
    fees = fn.COALESCE(fees, 0)
    rosters: Any = Roster.select(Roster.number, owed.alias("owed"), fees.alias("fees"))
    found += [
        f"名册{number} 应缴合计 {yuan(owed)} 元，参保费合计 {yuan(fees)} 元"
        for number, owed, fees in rosters.where(Roster.stage == "approved", owed != fees).tuples()
    ]
    over: Any = Due.select(Due, Due.received().alias("received")).where(Due.received() > Due.amount)
    return found + [
        f"应收#{due.id} 应缴 {yuan(due.amount)} 元，到账 {yuan(due.received)} 元，多收"
        for due in over
    ]


def _gifts() -> list[str]:
    """A roster owes by gift exactly when one was agreed to, and no more than that."""
    owed: Any = Due.select(total(Due.amount)).where(
        Due.roster == Roster.id, Due.carrier == "gift", Due.live()
    )
    agreed: Any = Gift.select(total(Gift.amount)).where(
        Gift.roster == Roster.id, Gift.stage == "agreed"
    )
    query: Any = Roster.select(
        Roster.number, fn.COALESCE(owed, 0).alias("owed"), fn.COALESCE(agreed, 0).alias("agreed")
    ).where(Roster.stage == "approved", Roster.id << Gift.select(Gift.roster))
    found = [
        f"名册{number} 赠送应缴 {yuan(owing)} 元，赠送方同意了 {yuan(most)} 元"
        for number, owing, most in query.tuples()
        if owing > most or bool(owing) != bool(most)
    ]
    stray: Any = Due.select(Roster.number).join(Roster).where(
        Due.carrier == "gift", Due.live(),
        Roster.id.not_in(Gift.select(Gift.roster).where(Gift.stage == "agreed")),
    )  # fmt: skip
    return found + [f"名册{number} 有赠送应缴，没有人同意赠送" for (number,) in stray.tuples()]


def _payments() -> list[str]:
    key = key_of("payment", Payment.id, "received")
    taken = Payment.amount * -1
    facts = booked_otherwise(Payment.select(), Payment.id, key, "receivable", taken)
    found = [
        f"到账#{number} {yuan(-paid)} 元，账簿记 {yuan(-booked)} 元"
        for number, paid, booked in facts
    ]
    key = key_of("payment", Payment.id, "received:reversed")
    undone = Payment.select().join(PaymentReversal)
    facts = booked_otherwise(undone, Payment.id, key, "receivable", Payment.amount)
    return found + [f"到账#{number} 已更正，账簿没有对应的冲销凭证" for number, _, _ in facts]


def _receipts() -> list[str]:
    """Receipts that count against what their rosters owed and paid; each series without a gap."""
    to_giver = Receipt.id << GiftReceipt.select(GiftReceipt.receipt)
    whose = ((Due.carrier == "gift") & to_giver) | ((Due.carrier != "gift") & ~to_giver)
    owed: Any = Due.select(total(Due.amount)).where(Due.roster == Roster.id, Due.live(), whose)
    owed = fn.COALESCE(owed, 0)
    owing: Any = DueStanding.select(Due.roster).join(Due).where(DueStanding.owing > 0)
    wrong: Any = (
        Receipt.select(Receipt.number)
        .join(Roster)
        .join_from(Receipt, ReceiptVoid, JOIN.LEFT_OUTER)
        .where(ReceiptVoid.id.is_null())
        .where((Receipt.amount != owed) | (Receipt.roster << owing))
    )
    found = [f"收据{number} 与名册的应缴、到账不符" for (number,) in wrong.tuples()]
    year = fn.SUBSTR(Receipt.number, 3, 4).alias("year_of_series")
    series: Any = Receipt.select(
        Receipt.issuer, year, fn.COUNT(Receipt.id), fn.MAX(Receipt.number)
    ).group_by(Receipt.issuer, SQL("year_of_series"))
    return found + [
        f"单位{issuer} {when}年收据共 {count} 张，号码已到 {last}：中间有缺号"
        for issuer, when, count, last in series.tuples()
        if int(last.rsplit("-")[-1]) != count
    ]


def _statements() -> list[str]:
    """Statements against their lines and the ledger; lines against what was decided of them."""
    imported = Statement.select().where(Statement.stage != "kept", Statement.amount > 0)
    key = key_of("statement", Statement.id, "imported")
    facts = booked_otherwise(imported, Statement.id, key, "bank", Statement.amount)
    found = [
        f"对账单#{number} 共 {yuan(amount)} 元，账簿记 {yuan(booked)} 元"
        for number, amount, booked in facts
    ]
    lines: Any = StatementLine.select(total(StatementLine.amount))
    lines = fn.COALESCE(lines.where(StatementLine.statement == Statement.id), 0)
    differing: Any = Statement.select(Statement.id, Statement.amount, lines.alias("lines"))
    found += [
        f"对账单#{number} 共 {yuan(amount)} 元，逐笔合计 {yuan(sum_of_lines)} 元"
        for number, amount, sum_of_lines in differing.where(Statement.amount != lines).tuples()
    ]
    return found + _lines()


def _lines() -> list[str]:
    """A line is settled exactly when all its money was decided, and never more than that."""
    used = sum((_live_of(fact, undone) for fact, undone in _USES[1:]), start=_live_of(*_USES[0]))
    wrong: Any = StatementLine.select(StatementLine, used.alias("used")).where(
        (used > StatementLine.amount)
        | ((StatementLine.stage == "settled") & (used != StatementLine.amount))
        | ((StatementLine.stage == "open") & (used == StatementLine.amount))
        | ((StatementLine.stage == "withdrawn") & (used != 0))
    )
    return [
        f"流水{line.reference} 共 {yuan(line.amount)} 元，已分配 {yuan(line.used)} 元，状态不符"
        for line in wrong
    ]


_USES: list[tuple[Any, Any]] = [
    (Payment, PaymentReversal),
    (Income, IncomeReversal),
    (Refund, RefundReversal),
    (PayoutReturn, PayoutReturnReversal),
]


def _live_of(fact: Any, undone: Any) -> Any:
    """The expression for the fen that live facts of one kind took of a line."""
    live = fact.select(total(fact.amount)).join(undone, JOIN.LEFT_OUTER)
    return fn.COALESCE(live.where(fact.line == StatementLine.id, undone.id.is_null()), 0)


def _incomes() -> list[str]:
    found = []
    for fact, undone, kind, words, account, sign in (
        (Income, IncomeReversal, "income", "其他收入", "income", -1),
        (Refund, RefundReversal, "refund", "退款", "bank", -1),
        (PayoutReturn, PayoutReturnReversal, "payout-return", "发放退回流水", "bank", -1),
    ):
        sides = (
            (fact.select(), "", sign),
            (fact.select().join(undone), ":reversed", -sign),
        )
        for facts, ending, side in sides:
            key = key_of(kind, fact.id, "booked" + ending)
            booked = booked_otherwise(facts, fact.id, key, account, fact.amount * side)
            found += [f"{words}#{number} 与账簿不符" for number, _, _ in booked]
    return found


def _transfers() -> list[str]:
    key = key_of("transfer", Transfer.id, "sent")
    facts = booked_otherwise(Transfer.select(), Transfer.id, key, "transferred", Transfer.amount)
    found = [f"转款#{number} 与账簿不符" for number, _, _ in facts]
    key = key_of("transfer", Transfer.id, "sent:reversed")
    undone = Transfer.select().join(TransferReversal)
    facts = booked_otherwise(undone, Transfer.id, key, "transferred", Transfer.amount * -1)
    found += [f"转款#{number} 已更正，账簿没有对应的冲销凭证" for number, _, _ in facts]
    items: Any = TransferItem.select(total(TransferItem.amount))
    items = fn.COALESCE(items.where(TransferItem.transfer == Transfer.id), 0)
    wrong: Any = Transfer.select(Transfer.number).where(Transfer.amount != items)
    return found + [f"转款单{number} 与所列名册的合计不符" for (number,) in wrong.tuples()]


def _awards() -> list[str]:
    """Approved decisions against `claim:…:award`, of a claim's second `…:award:2`; revoked ones
    against that and its reversal."""
    after: Any = RevokedDecision.select(_nth(fn.MAX(RevokedDecision.attempt) + 1))
    after = fn.COALESCE(after.where(RevokedDecision.claim == Decision.claim), "")
    key = key_of("claim", Decision.claim, "award").concat(after)
    awards = Decision.select().where(Decision.verdict == "approve", Decision.amount > 0)
    facts = booked_otherwise(awards, Decision.claim, key, "benefits", Decision.amount)
    found = [
        f"申领#{number} 核定 {yuan(amount)} 元，账簿记 {yuan(booked)} 元"
        for number, amount, booked in facts
    ]
    ending = Case(None, [(RevokedDecision.attempt == 1, "")], _nth(RevokedDecision.attempt))
    key = key_of("claim", RevokedDecision.claim, "award").concat(ending)
    for kept, sign in ((key, 1), (key.concat(":reversed"), -1)):
        revoked = RevokedDecision.select().where(RevokedDecision.amount > 0)
        amount = RevokedDecision.amount * sign
        facts = booked_otherwise(revoked, RevokedDecision.claim, kept, "benefits", amount)
        found += [f"申领#{number} 已撤销的决定与账簿不符" for number, _, _ in facts]
    return found


def _nth(attempt: Any) -> Any:
    """How the key of a claim's later award ends."""
    return Value(":").cast("TEXT").concat(attempt.cast("TEXT"))


def _strangers() -> list[str]:
    """The whole ledger against the whole of the facts, each scheme's fund for itself, so that a
    journal that belongs to no fact, or to another fund than its fact, shows too."""
    expected = _expected()
    query: Any = Posting.select(Posting.account, Posting.scheme, total(Posting.amount)).group_by(
        Posting.account, Posting.scheme
    )
    booked = {(account, scheme): int(fen) for account, scheme, fen in query.tuples()}
    names = {scheme.id: scheme.name for scheme in Scheme.select(Scheme.id, Scheme.name)}
    return [
        f"{ACCOUNTS.get(account, account)}（{names.get(scheme, '未分计划')}）："
        f"账簿余额 {yuan(booked.get((account, scheme), 0))} 元，"
        f"按业务应为 {yuan(expected[account, scheme])} 元"
        for account, scheme in sorted(
            booked.keys() | expected.keys(), key=lambda key: (key[0], key[1] or 0)
        )
        if booked.get((account, scheme), 0) != expected[account, scheme]
    ]


def _expected() -> Counter[tuple[str, int | None]]:
    """What each account of each scheme stands at by the facts, in fen, debit positive; None is
    what is no one scheme's."""
    stands: Counter[tuple[str, int | None]] = Counter()

    def book(facts: Any, debit: str, credit: str) -> None:
        for scheme, fen in facts:
            stands[debit, scheme] += int(fen)
            stands[credit, scheme] -= int(fen)

    came = StatementLine.select(total(StatementLine.amount))
    came = came.where(StatementLine.stage != "withdrawn").scalar()
    book([(None, came)], "bank", "suspense")
    owed = Due.select().where(Due.live()).join(Roster).join(Edition)
    for account, is_its in (
        ("contributions", Due.carrier != "gift"),
        ("gifts", Due.carrier == "gift"),
    ):
        book(_by_scheme(Due, owed.where(is_its)), "receivable", account)
    for side, by_line in (("suspense", True), ("bank", False)):
        paid = _live(Payment, PaymentReversal).where(Payment.line.is_null(not by_line))
        paid = paid.join_from(Payment, Due).join(Roster).join(Edition)
        book(_by_scheme(Payment, paid), side, "receivable")
        other = _live(Income, IncomeReversal).where(Income.line.is_null(not by_line))
        book(_by_scheme(Income, other, Income.scheme), side, "income")
    for fact, undone in ((Refund, RefundReversal), (PayoutReturn, PayoutReturnReversal)):
        book([(None, _live(fact, undone).select(total(fact.amount)).scalar())], "suspense", "bank")
    sent = _live(Transfer, TransferReversal)
    book(_by_scheme(Transfer, sent, Transfer.scheme), "transferred", "bank")
    awarded = Decision.select().where(Decision.verdict == "approve")
    book(_by_claim(Decision, awarded), "benefits", "payable")
    for account, whose in paid_from():
        paid = Payout.select().where(Payout.stage == "paid", whose)
        book(_by_claim(Payout, paid), "payable", account)
    return stands


def _live(fact: Any, undone: Any) -> Any:
    """The facts of one kind that were not undone."""
    return fact.select().join(undone, JOIN.LEFT_OUTER).where(undone.id.is_null())


def _by_claim(fact: Any, facts: Any) -> Any:
    return _by_scheme(fact, facts.join_from(fact, Claim).join(Enrollment).join(Edition))


def _by_scheme(fact: Any, facts: Any, scheme: Any = Edition.scheme) -> Any:
    """(scheme, fen) of a query's facts."""
    return facts.select(scheme, total(fact.amount)).group_by(scheme).tuples()
