"""The double-entry ledger: journals that sum to zero, and whether they agree with the facts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from peewee import JOIN, fn

from huigong.database import writes
from huigong.models import (
    Balance,
    Journal,
    Organization,
    Posting,
    Scheme,
    User,
)
from huigong.refusals import Lost

# Debit-natured accounts grow by positive postings, the others by negative ones.
ACCOUNTS = {
    "receivable": "应收参保费",
    "bank": "银行存款",
    "suspense": "暂收款（待分配到账）",
    "contributions": "参保费收入",
    "gifts": "赠送参保费收入",
    "income": "其他收入（财政、捐赠等）",
    "transferred": "已上解承办方",
    "benefits": "互助金支出",
    "payable": "应付互助金",
}


@writes
def book(
    *,
    key: str,
    text: str,
    organization: Organization,
    scheme: Scheme | None,
    postings: list[tuple[str, int]],
    by: User | None,
    at: datetime,
) -> Journal:
    """Book one fact in the ledger: (account, fen) pairs, debit positive, credit negative. The
    scheme is None as long as nobody knows whose money it is.

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
    fund = scheme.id if scheme else None
    lines = [(journal.id, account, fund, fen) for account, fen in postings]
    fields = [Posting.journal, Posting.account, Posting.scheme, Posting.amount]
    Posting.insert_many(lines, fields=fields).execute()
    _rebalance(organization, fund, postings)
    return journal


def _rebalance(place: Organization, fund: int | None, postings: list[tuple[str, int]]) -> None:
    """Let the balances of a place and of all above it say the postings, too."""
    of_fund = Balance.scheme.is_null() if fund is None else Balance.scheme == fund
    for account, fen in postings:
        ours = (Balance.organization << place.lineage) & of_fund & (Balance.account == account)
        rows: Any = Balance.select(Balance.organization).where(ours).tuples()
        known = {node for (node,) in rows}
        Balance.update(amount=Balance.amount + fen).where(ours).execute()
        for node in place.lineage:
            if node not in known:
                Balance.create(organization=node, scheme=fund, account=account, amount=fen)


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
    query = Posting.select(total(Posting.amount))
    return int(query.where(Posting.scheme == scheme, Posting.account == account).scalar())


class Fund(NamedTuple):
    """One scheme's balances in fen, each the way people say it: 收入 and 应付 are positive."""

    scheme: Scheme
    contributions: int
    gifts: int
    income: int
    receivable: int
    benefits: int
    payable: int
    bank: int  # also what came in through suspense
    transferred: int

    @property
    def left(self) -> int:
        """基金余额: what came in less benefits; it is bank + transferred + receivable - payable."""
        return self.contributions + self.gifts + self.income - self.benefits


def funds(schemes: Any, places: Sequence[int] | None = None) -> list[Fund]:
    """The balances of each scheme of a query, in the subtrees of `places` or in all."""
    sums = {(scheme, account): fen for scheme, account, fen in _balances(places)}

    def of(scheme: Scheme, account: str) -> int:
        return sums.get((scheme.id, account), 0)

    return [
        Fund(
            scheme,
            contributions=-of(scheme, "contributions"),
            gifts=-of(scheme, "gifts"),
            income=-of(scheme, "income"),
            receivable=of(scheme, "receivable"),
            benefits=of(scheme, "benefits"),
            payable=-of(scheme, "payable"),
            bank=of(scheme, "bank") + of(scheme, "suspense"),
            transferred=of(scheme, "transferred"),
        )
        for scheme in schemes
    ]


def _balances(places: Sequence[int] | None) -> list[tuple[int | None, str, int]]:
    """(scheme, account, fen) in the subtrees of `places`, of which none lies in another."""
    roots: Any = Organization.select(Organization.id).where(Organization.parent.is_null())
    query: Any = (
        Balance.select(Balance.scheme, Balance.account, total(Balance.amount))
        .where(Balance.organization << (roots if places is None else list(places)))
        .group_by(Balance.scheme, Balance.account)
    )
    return [(scheme, account, int(fen)) for scheme, account, fen in query.tuples()]


def in_suspense(places: Sequence[int] | None = None) -> int:
    """Fen that came in and wait for somebody to decide whose they are."""
    return -sum(fen for _, account, fen in _balances(places) if account == "suspense")


def unearmarked(places: Sequence[int] | None = None) -> int:
    """Fen of other income that is for no one scheme, and so stands in no fund."""
    found = _balances(places)
    return -sum(fen for scheme, account, fen in found if account == "income" and scheme is None)


def unbalanced() -> list[Journal]:
    """The journals whose postings do not sum to zero: there should be none."""
    return list(
        Journal.select(Journal)
        .join(Posting, JOIN.LEFT_OUTER)
        .group_by(Journal)
        .having((fn.COALESCE(fn.SUM(Posting.amount), 0) != 0) | (fn.COUNT(Posting.id) < 2))
        .order_by(Journal.id)
    )


def total(amount: Any) -> Any:
    """A sum of fen that both databases return as a whole number, zero for none."""
    return fn.COALESCE(fn.SUM(amount), 0).cast("BIGINT")
