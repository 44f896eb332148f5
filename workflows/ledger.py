"""The double-entry ledger: journals that sum to zero, and whether they agree with the facts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from peewee import JOIN, Expression, Value, fn

from huigong.database import writes
from huigong.models import (
    Claim,
    Decision,
    Due,
    Enrollment,
    Journal,
    Organization,
    Payment,
    PaymentReversal,
    Payout,
    Posting,
    Roster,
    Scheme,
    User,
)
from huigong.money import yuan
from huigong.refusals import Lost

# Debit-natured accounts grow by positive postings, the others by negative ones.
ACCOUNTS = {
    "receivable": "应收参保费",
    "bank": "银行存款",
    "contributions": "参保费收入",
    "benefits": "互助金支出",
    "payable": "应付互助金",
}


@writes
def book(
    *,
    key: str,
    text: str,
    organization: Organization,
    scheme: Scheme,
    postings: list[tuple[str, int]],
    by: User | None,
    at: datetime,
) -> Journal:
    """Book one fact in the ledger: (account, fen) pairs, debit positive, credit negative.

    Raises ValueError for postings that do not sum to zero or name no account, and Lost when the
    fact that `key` names was booked before.
    """
    if len(postings) < 2 or sum([fen for _, fen in postings]) != 0:
        raise ValueError(f"{key} does not sum to zero: {postings}")
    if unknown := {account for account, _ in postings} - set(ACCOUNTS):
        raise ValueError(f"{key} names no account of ours: {unknown}")
    if Journal.select().where(Journal.key == key).exists():
        raise Lost(f"{key} is booked already")
    journal = Journal.create(
        key=key, organization=organization, on=at.date(), text=text, by=by, at=at
    )
    lines = [(journal.id, account, scheme.id, fen) for account, fen in postings]
    fields = [Posting.journal, Posting.account, Posting.scheme, Posting.amount]
    Posting.insert_many(lines, fields=fields).execute()
    return journal


@writes
def reverse(journal: Journal, *, text: str, by: User | None, at: datetime) -> Journal:
    """Cancel a journal by one with opposite signs; both stay. Raises Lost for a second time."""
    lines = list(journal.postings)
    return book(
        key=f"{journal.key}:reversed",
        text=text,
        organization=journal.organization,
        scheme=lines[0].scheme,
        postings=[(line.account, -line.amount) for line in lines],
        by=by,
        at=at,
    )


def balance(scheme: Scheme, account: str) -> int:
    """An account's balance for one scheme in fen, debit positive."""
    query = Posting.select(_sum(Posting.amount))
    return int(query.where(Posting.scheme == scheme, Posting.account == account).scalar())


class Fund(NamedTuple):
    """One scheme's balances in fen, each the way people say it: 收入 and 应付 are positive."""

    scheme: Scheme
    contributions: int
    receivable: int
    benefits: int
    payable: int
    bank: int

    @property
    def left(self) -> int:
        """基金余额: contributions less benefits, which is bank + receivable - payable."""
        return self.contributions - self.benefits


def funds(schemes: Any, inside: Any = None) -> list[Fund]:
    """The balances of each scheme of a query, over the journals of `inside` (organizations)."""
    query: Any = Posting.select(Posting.scheme, Posting.account, _sum(Posting.amount).alias("fen"))
    if inside is not None:
        query = query.join(Journal).where(Journal.organization << inside)
    sums: dict[tuple[int, str], int] = {
        (scheme, account): int(fen)
        for scheme, account, fen in query.group_by(Posting.scheme, Posting.account).tuples()
    }

    def of(scheme: Scheme, account: str) -> int:
        return sums.get((scheme.id, account), 0)

    return [
        Fund(
            scheme,
            contributions=-of(scheme, "contributions"),
            receivable=of(scheme, "receivable"),
            benefits=of(scheme, "benefits"),
            payable=-of(scheme, "payable"),
            bank=of(scheme, "bank"),
        )
        for scheme in schemes
    ]


def unbalanced() -> list[Journal]:
    """The journals whose postings do not sum to zero: there should be none."""
    return list(
        Journal.select(Journal)
        .join(Posting, JOIN.LEFT_OUTER)
        .group_by(Journal)
        .having((fn.COALESCE(fn.SUM(Posting.amount), 0) != 0) | (fn.COUNT(Posting.id) < 2))
        .order_by(Journal.id)
    )


def disagreements() -> list[str]:
    """Where dues, payments, decisions, payouts and the ledger say different things, in sentences.

    What `huigong verify` prints; empty when all agree.
    """
    found = [f"账簿凭证 {journal.key}（{journal.text}）借贷不平" for journal in unbalanced()]
    for question in (_dues, _payments, _awards, _payouts, _strangers):
        found += question()
    return found


def _sum(amount: Any) -> Any:
    """A sum of fen that both databases return as a whole number, zero for none."""
    return fn.COALESCE(fn.SUM(amount), 0).cast("BIGINT")


def _key(kind: str, fact: Any, deed: str) -> Expression:
    return Value(f"{kind}:").cast("TEXT").concat(fact.cast("TEXT")).concat(Value(f":{deed}"))


def _booked_otherwise(facts: Any, fact: Any, key: Any, account: str, fen: Any) -> Iterator[Any]:
    """(id, fen of the fact, fen booked under its key) of the facts that were booked otherwise."""
    booked = (
        Journal.select(Journal.key, _sum(Posting.amount).alias("fen"))
        .join(Posting)
        .where(Posting.account == account)
        .group_by(Journal.key)
    )
    query = facts.join_from(facts.model, booked, JOIN.LEFT_OUTER, on=key == booked.c.key)
    amount = fn.COALESCE(booked.c.fen, 0)
    query = query.select(fact, fen, amount).where(amount != fen).order_by(fact)
    return query.tuples().iterator()  # type: ignore[no-any-return]


def _dues() -> list[str]:
    key = _key("due", Due.id, "raised")
    found = [
        f"应收#{number} 应缴 {yuan(due)} 元，账簿记 {yuan(booked)} 元"
        for number, due, booked in _booked_otherwise(
            Due.select(), Due.id, key, "receivable", Due.amount
        )
    ]
    owed = fn.COALESCE(Due.select(_sum(Due.amount)).where(Due.roster == Roster.id), 0)
    fees: Any = Enrollment.select(_sum(Enrollment.fee)).where(Enrollment.roster == Roster.id)
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


def _payments() -> list[str]:
    key = _key("payment", Payment.id, "received")
    facts = _booked_otherwise(Payment.select(), Payment.id, key, "bank", Payment.amount)
    found = [
        f"到账#{number} {yuan(paid)} 元，账簿记 {yuan(booked)} 元" for number, paid, booked in facts
    ]
    key = _key("payment", Payment.id, "received:reversed")
    reversed_ones = Payment.select().join(PaymentReversal)
    facts = _booked_otherwise(reversed_ones, Payment.id, key, "bank", Payment.amount * -1)
    return found + [f"到账#{number} 已更正，账簿没有对应的冲销凭证" for number, _, _ in facts]


def _awards() -> list[str]:
    """Approved decisions against `claim:…:award`."""
    key = _key("claim", Decision.claim, "award")
    awards = Decision.select().where(Decision.verdict == "approve", Decision.amount > 0)
    facts = _booked_otherwise(awards, Decision.claim, key, "benefits", Decision.amount)
    return [
        f"申领#{number} 核定 {yuan(amount)} 元，账簿记 {yuan(booked)} 元"
        for number, amount, booked in facts
    ]


def _payouts() -> list[str]:
    sent = Payout.select().where(Payout.stage << ["paid", "returned"])
    key = _key("payout", Payout.id, "paid")
    found = [
        f"发放#{number} {yuan(-amount)} 元，账簿记 {yuan(-booked)} 元"
        for number, amount, booked in _booked_otherwise(
            sent, Payout.id, key, "bank", Payout.amount * -1
        )
    ]
    back = Payout.select().where(Payout.stage == "returned")
    key = _key("payout", Payout.id, "paid:reversed")
    found += [
        f"发放#{number} 已退回，账簿没有对应的冲销凭证"
        for number, _, _ in _booked_otherwise(back, Payout.id, key, "bank", Payout.amount)
    ]
    wrong: Any = (
        Payout.select(Payout.id, Payout.amount, Decision.amount)
        .join(Claim)
        .join(Decision, JOIN.LEFT_OUTER)
        .where((Decision.id.is_null()) | (Decision.amount != Payout.amount))
    )
    found += [
        f"发放#{number} {yuan(amount)} 元，核定 {yuan(decided or 0)} 元"
        for number, amount, decided in wrong.tuples()
    ]
    return found + _stages()


def _stages() -> list[str]:
    """A claim is paid exactly when one payout of it went out and did not come back."""
    live = Payout.select(fn.COUNT(Payout.id)).where(Payout.stage == "paid")
    paid = fn.COALESCE(live.where(Payout.claim == Claim.id), 0)
    query: Any = Claim.select(Claim.number, Claim.stage, paid.alias("paid")).where(
        ((Claim.stage == "paid") & (paid != 1)) | ((Claim.stage != "paid") & (paid != 0))
    )
    return [f"申领{number} 状态与发放不符：已发放 {paid} 笔" for number, _, paid in query.tuples()]


def _strangers() -> list[str]:
    """The whole ledger against the whole of the facts, so that a journal that belongs to no fact
    shows too."""
    live = Payment.select(_sum(Payment.amount)).join(PaymentReversal, JOIN.LEFT_OUTER)
    received = int(live.where(PaymentReversal.id.is_null()).scalar())
    owed = int(Due.select(_sum(Due.amount)).scalar())
    awarded = Decision.select(_sum(Decision.amount)).where(Decision.verdict == "approve").scalar()
    paid = Payout.select(_sum(Payout.amount)).where(Payout.stage == "paid").scalar()
    expected = {
        "receivable": owed - received,
        "contributions": -owed,
        "bank": received - int(paid),
        "benefits": int(awarded),
        "payable": int(paid) - int(awarded),
    }
    query: Any = Posting.select(Posting.account, _sum(Posting.amount)).group_by(Posting.account)
    booked = {account: int(fen) for account, fen in query.tuples()}
    return [
        f"{ACCOUNTS.get(account, account)}：账簿余额 {yuan(booked.get(account, 0))} 元，"
        f"按业务应为 {yuan(expected.get(account, 0))} 元"
        for account in sorted(booked.keys() | expected.keys())
        if booked.get(account, 0) != expected.get(account, 0)
    ]
