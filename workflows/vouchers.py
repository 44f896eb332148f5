"""The ledger for an office's bookkeeping software: a month's vouchers, by its own account names."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final

from peewee import JOIN

from huigong.database import writes
from huigong.models import AccountName, Journal, Organization, Posting, Scheme, User
from huigong.refusals import Refused
from huigong.sheets import Column, write_workbook
from huigong.workflows import audit
from huigong.workflows.ledger import ACCOUNTS
from huigong.workflows.transfers import last_day_of

COLUMNS: Final = (
    Column("日期", "date", width=12),
    Column("凭证号", width=10),
    Column("摘要", width=48),
    Column("科目代码", width=12),
    Column("科目名称", width=24),
    Column("借方金额", "yuan"),
    Column("贷方金额", "yuan"),
    Column("互助计划", width=30),
    Column("系统凭证", width=12),
)


def names_of(organization: Organization) -> dict[str, tuple[str, str]]:
    """(code, name) of each account, as the organization's bookkeeping calls it; ours where it
    said nothing."""
    said = {
        row.account: (row.code, row.name)
        for row in AccountName.select().where(AccountName.organization == organization)
    }
    return {
        account: (said.get(account, ("", ""))[0], said.get(account, ("", ""))[1] or name)
        for account, name in ACCOUNTS.items()
    }


@writes
def name_accounts(
    organization: Organization, *, names: Mapping[str, tuple[str, str]], by: User, at: datetime
) -> None:
    """Set an organization's account codes and names. Refuses a code given to two accounts."""
    codes: dict[str, str] = {}
    for account in ACCOUNTS:
        code, name = (text.strip()[:60] for text in names.get(account, ("", "")))
        if code and code in codes:
            raise Refused(f"code-{account}", f"科目代码 {code} 用了两次")
        codes[code] = account
        AccountName.insert(
            organization=organization, account=account, code=code, name=name
        ).on_conflict(
            conflict_target=[AccountName.organization, AccountName.account],
            update={AccountName.code: code, AccountName.name: name},
        ).execute()
    audit.record("name accounts", by=by, at=at, organization=organization)


def lines_of(organization: Organization, month: str) -> Iterator[tuple[Any, ...]]:
    """A month's postings in the subtree of an organization, as COLUMNS say, numbered from 1 by
    journal; amounts in fen."""
    last = last_day_of(month)
    names = names_of(organization)
    query: Any = (
        Posting.select(
            Journal.id, Journal.on, Journal.text, Posting.account, Posting.amount, Scheme.name
        )
        .join(Journal)
        .join(Organization)
        .switch(Posting)
        .join(Scheme, JOIN.LEFT_OUTER)
        .where(Journal.on.between(last.replace(day=1), last))
        .where(Organization.within(organization.path))
        .order_by(Journal.id, Posting.id)
    )
    number, before = 0, None
    for journal, day, text, account, fen, scheme in query.tuples().iterator():
        number, before = number + (journal != before), journal
        code, name = names[account]
        debit, credit = (fen, None) if fen > 0 else (None, -fen)
        voucher = f"记-{number:04d}"
        yield day, voucher, text, code, name, debit, credit, scheme or "", str(journal)


def write_month(target: BinaryIO, organization: Organization, month: str) -> int:
    """Write a month's voucher workbook; how many lines it has."""
    lines = lines_of(organization, month)
    return write_workbook(target, COLUMNS, lines, sheet=f"凭证{month}")
