"""Transfers: a month's received money of a scheme passed on to whoever operates it."""

from calendar import monthrange
from collections import Counter
from datetime import date, datetime
from typing import Any, NamedTuple

from peewee import fn

from huigong.database import among, writes
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
    Untransferred,
    User,
)
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import audit, funding, ledger
from huigong.workflows.ledger import total
from huigong.workflows.numbers import next_of_year
from huigong.workflows.schemes import damage
from huigong.workflows.standings import pass_on
from huigong.workflows.undoing import undo


class Sheet(NamedTuple):
    """What a scheme's sheet of a month comes to."""

    rosters: int
    amount: int  # fen
    has_late: bool  # money that came in after the month is left out
    later: Transfer | None  # a later month's transfer: with it this month's money is passed on


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


def sheet_of(scheme: Scheme, month: str) -> Sheet:
    """How many rosters a month's sheet has, and what they have to pass on together."""
    if later := later_transfer(scheme, month):
        return Sheet(0, 0, has_late=True, later=later)
    ours = Untransferred.scheme == scheme
    sums: Any = Untransferred.select(fn.COUNT(Untransferred.id), total(Untransferred.amount))
    rosters, _ = sums.where(ours, Untransferred.amount != 0).tuples().get()
    amount = sums.where(ours).tuples().get()[1]
    late = _late(scheme, month)
    stand: Any = Untransferred.select(Untransferred.roster, Untransferred.amount)
    for roster, fen in stand.where(among(Untransferred.roster, list(late))).tuples():
        rosters += int(fen != late[roster]) - int(fen != 0)
    return Sheet(rosters, int(amount) - sum(late.values()), has_late=bool(late), later=None)


def is_on_sheet(sheet: Sheet, month: str) -> Any:
    """The condition that a row of Untransferred is on a month's sheet."""
    if not sheet.has_late:
        return Untransferred.amount != 0
    theirs = _live_payments(Payment.received_on > last_day_of(month))
    late = theirs.select(total(Payment.amount)).where(Due.roster == Untransferred.roster)
    return Untransferred.amount != late


def later_transfer(scheme: Scheme, month: str) -> Transfer | None:
    """The latest transfer that counts of a month after this one."""
    return (  # type: ignore[no-any-return]
        Transfer.select()
        .where(Transfer.scheme == scheme, Transfer.month > month, Transfer.id.not_in(_undone()))
        .order_by(Transfer.month.desc(), Transfer.id.desc())
        .first()
    )


def _late(scheme: Scheme, month: str) -> dict[int, int]:
    """What came in for each of a scheme's rosters after a month."""
    undone = PaymentReversal.select(PaymentReversal.payment)
    late: Any = Payment.select(Payment.due, Payment.amount)
    late = late.where(Payment.received_on > last_day_of(month), Payment.id.not_in(undone))
    paid = list(late.tuples())  # asked alone, by its day: mostly there is none
    if not paid:
        return {}
    theirs: Any = Due.select(Due.id, Due.roster).join(Roster).join(Edition)
    theirs = theirs.where(among(Due.id, [due for due, _ in paid]), Edition.scheme == scheme)
    roster_of = dict(theirs.tuples())
    sums: Counter[int] = Counter()
    for due, fen in paid:
        if due in roster_of:
            sums[roster_of[due]] += fen
    return sums


def _live_payments(condition: Any) -> Any:
    undone = PaymentReversal.select(PaymentReversal.payment)
    return Payment.select().join(Due).where(condition, Payment.id.not_in(undone))


def to_pass_on(scheme: Scheme, month: str) -> list[Item]:
    """What a scheme's rosters have to pass on at the end of a month, by unit."""
    sheet = sheet_of(scheme, month)
    if sheet.later:
        return []
    rows = Untransferred.select(Untransferred.roster).where(Untransferred.scheme == scheme)
    on_it = is_on_sheet(sheet, month)
    rosters = (
        Roster.select(Roster, Organization)
        .join(Organization)
        .where(Roster.id << rows.where(on_it))
        .order_by(Organization.pinyin, Organization.id, Roster.id)
    )
    return items_of(list(rosters), month)


def items_of(rosters: list[Any], month: str) -> list[Item]:
    """What these rosters have to pass on at the end of a month, in their order."""
    numbers = [roster.id for roster in rosters]
    live: Any = _live_payments(Payment.received_on <= last_day_of(month))
    live = live.select(Due.roster, fn.SUM(Payment.amount)).where(among(Due.roster, numbers))
    received = {roster: int(fen) for roster, fen in live.group_by(Due.roster).tuples()}
    gone: Any = (
        TransferItem.select(TransferItem.roster, fn.SUM(TransferItem.amount))
        .join(Transfer)
        .where(among(TransferItem.roster, numbers), Transfer.id.not_in(_undone()))
        .group_by(TransferItem.roster)
    )
    before = {roster: int(fen) for roster, fen in gone.tuples()}
    return [
        Item(r, had := received.get(r.id, 0), sent := before.get(r.id, 0), had - sent)
        for r in rosters
    ]


def _undone() -> Any:
    return TransferReversal.select(TransferReversal.transfer)


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
    says now, a month that has not begun or after which one was recorded, nothing to pass on, no
    reference, and a day in the future or before the month.
    """
    if later := later_transfer(scheme, month):
        raise Refused("month", passed_on_words(later))
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


def passed_on_words(later: Transfer) -> str:
    """Why a month before a transfer's has no sheet any more."""
    return (
        f"{later.month} 的转款（{later.number}）已经登记，之前各月到账的款都算在内；"
        "以后补记的到账，请在之后月份的转款单里转"
    )


def _amount_faults(scheme: Scheme, items: list[Item], amount: int) -> list[tuple[str, str]]:
    """Why `amount` in fen is not what the sheet has to pass on."""
    faults, due = [], sum(item.amount for item in items)
    if not is_passed_on(scheme):
        faults.append(("amount", "这个计划由本工会自办，不需要转款"))
    if due <= 0:
        faults.append(("amount", "到这个月末没有要转的款"))
    elif due != amount:
        faults.append(("amount", f"名册的到账有了变化，现在应转 {yuan(due)} 元，请核对后再登记"))
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
    scheme, sent = transfer.scheme, transfer.amount
    ledger.book(
        key=f"transfer:{transfer.id}:sent",
        text=(
            f"转款单{transfer.number} 上解承办方 {transfer.month} {scheme.name}"
            f"（{len(items)} 份名册）"
        ),
        organization=transfer.organization,
        scheme=scheme,
        postings=[("transferred", sent), ("bank", -sent)],
        by=transfer.by,
        at=transfer.at,
    )


def _keep_items(transfer: Transfer, items: list[Item]) -> None:
    """The sheet's rosters as they were when it was recorded."""
    rows = [(transfer.id, item.roster.id, item.amount) for item in items]
    fields = [TransferItem.transfer, TransferItem.roster, TransferItem.amount]
    for start in range(0, len(rows), 500):
        TransferItem.insert_many(rows[start : start + 500], fields=fields).execute()
    pass_on(transfer, sign=1)


@writes
def reverse_transfer(
    transfer: Transfer, *, reason: str, by: User, at: datetime
) -> TransferReversal:
    """Let a transfer recorded wrongly count no more: its money is to be passed on again."""
    undone = undo(
        transfer, journal=f"transfer:{transfer.id}:sent", reason=reason,
        already="这张转款单已经更正过", deed="reverse transfer", by=by, at=at,
    )  # fmt: skip
    pass_on(transfer, sign=-1)
    return undone  # type: ignore[no-any-return]
