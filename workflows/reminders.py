"""Reminders: who still owes what and since when, and that they were told."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from peewee import SQL, fn

from huigong.database import writes
from huigong.models import (
    Due,
    DueStanding,
    Edition,
    Gift,
    GiftReminder,
    Organization,
    Reminder,
    Roster,
    User,
)
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import audit

WAYS = {"letter": "书面通知", "phone": "电话", "message": "短信或微信"}
SOON_DAYS = 7


class Owing(NamedTuple):
    """What one payer owes one receiver: how many dues, fen, the first day that was or is due.
    A donor outside the unions stands for itself, by its gift: the payer is then who collects."""

    payer: int
    receiver: int
    dues: int
    amount: int
    first: date
    gift: int | None


def owing_by_payer(receivers: Any, *, until: date) -> Any:
    """The payers with open dues to `receivers` due until a day, the longest waiting first; rows
    are as Owing."""
    return (
        DueStanding.select(
            DueStanding.payer,
            DueStanding.receiver,
            fn.COUNT(DueStanding.id).alias("dues"),
            fn.SUM(DueStanding.owing).cast("BIGINT").alias("amount"),
            fn.MIN(DueStanding.due_on).alias("first"),
            DueStanding.donation().alias("donation"),
        )
        .where(
            DueStanding.receiver << receivers,
            DueStanding.settled == False,  # noqa: E712 SQL's own
            DueStanding.due_on <= until,
        )
        .group_by(DueStanding.payer, DueStanding.receiver, SQL("donation"))
        .order_by(fn.MIN(DueStanding.due_on), DueStanding.payer, SQL("donation"))
    )


def as_owing(rows: Iterable[Any]) -> list[Owing]:
    """Rows of `owing_by_payer` as they are meant: SQLite gives a smallest day as text."""
    return [
        Owing(payer, receiver, dues, int(fen), _day(first), gift)
        for payer, receiver, dues, fen, first, gift in rows
    ]


def _day(found: Any) -> date:
    return found if isinstance(found, date) else date.fromisoformat(found)


def open_dues(dues: Any, payer: Organization, *, until: date | None = None) -> list[Any]:
    """A payer's own open dues among `dues`, each with `.owing`, roster, edition and unit."""
    query = (
        dues.select(
            *(Due, Roster.id, Roster.number, Roster.cover_from, Organization.id),
            *(Organization.name, Edition.id, Edition.name, Edition.organization),
            *(DueStanding.id, DueStanding.owing),
        )
        .join_from(Due, Roster)
        .join_from(Roster, Edition)
        .join_from(Due, Organization, on=Due.organization)
        .join_from(Due, DueStanding, on=DueStanding.due == Due.id)
        .where(DueStanding.payer == payer, DueStanding.settled == False, DueStanding.own())  # noqa: E712
        .order_by(Due.due_on, Due.id)
    )
    if until is not None:
        query = query.where(DueStanding.due_on <= until)
    found: list[Any] = list(query)
    for due in found:
        due.owing, due.payer = due.duestanding.owing, payer
    return found


def last_told(payers: Iterable[int], receivers: Any) -> dict[tuple[int, int], Reminder]:
    """The last reminder of each (payer, receiver), of what is the payer's own."""
    told = (
        Reminder.select()
        .where(Reminder.organization << list(payers), Reminder.receiver << receivers)
        .where(Reminder.id.not_in(GiftReminder.select(GiftReminder.reminder)))
        .order_by(Reminder.id)
    )
    return {(row.organization_id, row.receiver_id): row for row in told}


def donors_told(gifts: Iterable[int]) -> dict[int, Reminder]:
    """The last reminder of each gift's donor."""
    told = (
        GiftReminder.select(GiftReminder, Reminder)
        .join(Reminder)
        .where(GiftReminder.gift << list(gifts))
        .order_by(GiftReminder.id)
    )
    return {row.gift_id: row.reminder for row in told}


@writes
def remind(
    payer: Organization, *, receiver: Organization, way: str, by: User, at: datetime
) -> Reminder:
    """Record that a payer was reminded of everything it owes now. Refuses an unknown way, a payer
    that owes nothing, and the same again on one day."""
    mine = (DueStanding.payer == payer) & (DueStanding.receiver == receiver) & DueStanding.own()
    last = last_told([payer.id], [receiver.id]).get((payer.id, receiver.id))
    return _told(mine, payer, receiver, last, name=payer.name, way=way, by=by, at=at)


@writes
def remind_donor(gift: Gift, *, way: str, by: User, at: datetime) -> Reminder:
    """Record that a gift's donor outside the unions was reminded of it. Refuses an unknown way,
    a gift that is an organization's or of which nothing is owing, and the same again on one day."""
    collects = gift.roster.edition.organization
    awaited = DueStanding.donation() == gift.id
    last = donors_told([gift.id]).get(gift.id)
    reminder = _told(awaited, collects, collects, last, name=gift.name, way=way, by=by, at=at)
    GiftReminder.create(reminder=reminder, gift=gift)
    return reminder


def _told(
    whose: Any, payer: Organization, receiver: Organization, last: Reminder | None, *, name: str,
    way: str, by: User, at: datetime,
) -> Reminder:  # fmt: skip
    if way not in WAYS:
        raise Refused("way", "请选择怎样催缴的")
    standing: Any = DueStanding.select(
        fn.COUNT(DueStanding.id), fn.COALESCE(fn.SUM(DueStanding.owing), 0)
    ).where(whose, DueStanding.settled == False)  # noqa: E712 SQL's own
    dues, amount = standing.tuples().get()
    if not dues:
        raise Refused("way", f"{name}没有未缴清的应缴，不需要催缴")
    if last and (last.on, last.way, last.amount) == (at.date(), way, int(amount)):
        raise Refused("way", f"今天已记下用{WAYS[way]}催缴过，不再重复登记")
    reminder = Reminder.create(
        organization=payer, receiver=receiver, way=way, dues=dues, amount=int(amount), by=by,
        on=at.date(),
    )  # fmt: skip
    detail = f"{name} {WAYS[way]} {dues}笔 {yuan(int(amount))}"
    audit.record("remind", by=by, at=at, on=reminder, organization=payer, detail=detail)
    return reminder
