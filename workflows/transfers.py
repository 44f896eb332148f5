"""Transfers: a month's received money of a scheme passed on to whoever operates it."""

from calendar import monthrange
from datetime import date, datetime
from typing import Any, NamedTuple

from peewee import JOIN, fn

from huigong.database import writes
from huigong.models import (
    Due,
    Edition,
    Organization,
    Payment,
    PaymentReversal,
    Roster,
    Scheme,
    Transfer,
    TransferItem,
    TransferReversal,
    User,
)
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import audit, funding, ledger
from huigong.workflows.numbers import next_of_year
from huigong.workflows.schemes import damage
from huigong.workflows.undoing import undo


class Item(NamedTuple):
    """A roster on a transfer sheet; amounts in fen."""

    roster: Roster
    received: int  # until the end of the month
    before: int  # passed on by earlier transfers
    amount: int  # to pass on now; below zero where a payment was undone since


def last_day_of(month: str) -> date:
    """The last day of `2024-12`. Raises ValueError for what is no month."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, monthrange(year, number)[1])


def is_passed_on(scheme: Scheme) -> bool:
    """Whether somebody else than the office itself operates a scheme's editions; a damaged one
    says nothing."""
    return any(damage(e) is None and e.plan["operator"] != "self" for e in scheme.editions)


def to_pass_on(scheme: Scheme, month: str) -> list[Item]:
    """What a scheme's rosters have to pass on at the end of a month, by unit."""
    live: Any = (
        Payment.select(Due.roster, fn.SUM(Payment.amount))
        .join(Due)
        .join(Roster)
        .join(Edition)
        .switch(Payment)
        .join(PaymentReversal, JOIN.LEFT_OUTER)
        .where(
            Edition.scheme == scheme,
            PaymentReversal.id.is_null(),
            Payment.received_on <= last_day_of(month),
        )
        .group_by(Due.roster)
    )
    received: dict[int, int] = {roster: int(fen) for roster, fen in live.tuples()}
    before = _passed_on(scheme)
    changed = [
        roster
        for roster in received.keys() | before.keys()
        if received.get(roster, 0) != before.get(roster, 0)
    ]
    rosters = (
        Roster.select(Roster, Organization)
        .join(Organization)
        .where(Roster.id << changed)
        .order_by(Organization.pinyin, Organization.id, Roster.id)
    )
    return [
        Item(r, had := received.get(r.id, 0), gone := before.get(r.id, 0), had - gone)
        for r in rosters
    ]


def _passed_on(scheme: Scheme) -> dict[int, int]:
    undone = TransferReversal.select(TransferReversal.transfer)
    query: Any = (
        TransferItem.select(TransferItem.roster, fn.SUM(TransferItem.amount))
        .join(Transfer)
        .where(Transfer.scheme == scheme, Transfer.id.not_in(undone))
        .group_by(TransferItem.roster)
    )
    return {roster: int(fen) for roster, fen in query.tuples()}


@writes
def record_transfer(
    scheme: Scheme,
    *,
    month: str,
    amount: int,
    transferred_on: date,
    bank_reference: str,
    by: User,
    at: datetime,
) -> Transfer:
    """Record that what the sheet of a month says was transferred to the operator, and book it.

    `amount` in fen is what the sheet said when it was read. Refuses another amount than the sheet
    says now, a month that has not begun, nothing to pass on, no reference, and a day in the
    future or before the month.
    """
    items = to_pass_on(scheme, month)
    faults = [
        *_amount_faults(scheme, items, amount),
        *_bank_faults(month, transferred_on, bank_reference, at.date()),
    ]
    if faults:
        raise Refused.all(faults)
    transfer = Transfer.create(
        organization=scheme.organization, scheme=scheme, month=month, amount=amount,
        number=next_of_year(Transfer.number, "ZK", at.year, digits=4),
        transferred_on=transferred_on,
        bank_reference=funding.plain_reference(bank_reference), by=by, at=at,
    )  # fmt: skip
    _keep_items(transfer, items)
    _book(transfer, items)
    audit.record(
        "record transfer", by=by, at=at, on=transfer, organization=scheme.organization,
        detail=yuan(amount),
    )  # fmt: skip
    return transfer


def _amount_faults(scheme: Scheme, items: list[Item], amount: int) -> list[tuple[str, str]]:
    """Why `amount` in fen is not what the sheet has to pass on."""
    faults, total = [], sum(item.amount for item in items)
    if not is_passed_on(scheme):
        faults.append(("amount", "这个计划由本工会自办，不需要转款"))
    if total <= 0:
        faults.append(("amount", "到这个月末没有要转的款"))
    elif total != amount:
        faults.append(("amount", f"名册的到账有了变化，现在应转 {yuan(total)} 元，请核对后再登记"))
    return faults


def _bank_faults(
    month: str, transferred_on: date, bank_reference: str, today: date
) -> list[tuple[str, str]]:
    faults = []
    if not bank_reference.strip():
        faults.append(("bank_reference", "请填写转款的银行流水号"))
    if not last_day_of(month).replace(day=1) <= transferred_on <= today:
        faults.append(("transferred_on", "转款日期应在这个月第一天与今天之间"))
    return faults


def _book(transfer: Transfer, items: list[Item]) -> None:
    scheme, total = transfer.scheme, transfer.amount
    ledger.book(
        key=f"transfer:{transfer.id}:sent",
        text=(
            f"转款单{transfer.number} 上解承办方 {transfer.month} {scheme.name}"
            f"（{len(items)} 份名册）"
        ),
        organization=transfer.organization,
        scheme=scheme,
        postings=[("transferred", total), ("bank", -total)],
        by=transfer.by,
        at=transfer.at,
    )


def _keep_items(transfer: Transfer, items: list[Item]) -> None:
    """The sheet's rosters as they were when it was recorded."""
    rows = [(transfer.id, item.roster.id, item.amount) for item in items]
    fields = [TransferItem.transfer, TransferItem.roster, TransferItem.amount]
    for start in range(0, len(rows), 500):
        TransferItem.insert_many(rows[start : start + 500], fields=fields).execute()


@writes
def reverse_transfer(
    transfer: Transfer, *, reason: str, by: User, at: datetime
) -> TransferReversal:
    """Let a transfer recorded wrongly count no more: its money is to be passed on again."""
    return undo(  # type: ignore[no-any-return]
        transfer, journal=f"transfer:{transfer.id}:sent", reason=reason,
        already="这张转款单已经更正过", deed="reverse transfer", by=by, at=at,
    )  # fmt: skip
