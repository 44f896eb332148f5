"""Payments of the time before: money that came in on the dues of an opening's rosters."""

from datetime import date, datetime
from typing import NamedTuple

from huigong.database import writes
from huigong.models import Due, Opening, Organization, Payment, Roster, User
from huigong.money import yuan
from huigong.sheets import Source
from huigong.workflows import funding
from huigong.workflows.enrollment import opening_sheets as sheets
from huigong.workflows.enrollment.opening_sheets import Faults, Line, Places, Together, Wrong
from huigong.workflows.enrollment.reading import Told, quiet


class Paid(NamedTuple):
    """A row of money that came in."""

    number: int
    due: Due
    amount: int
    on: date
    reference: str


def read_payments(
    city: Organization, file: Source, today: date, opening: Opening | None = None,
    told: Told = quiet,
) -> tuple[list[Paid], Faults]:  # fmt: skip
    """The payments of a workbook, and what is wrong with which row."""
    places = Places(city)
    left: dict[int, int] = {}
    return sheets.each(
        file, "payments", lambda line: _paid(line, places, left, today, opening), told
    )


def _paid(
    line: Line, places: Places, left: dict[int, int], today: date, opening: Opening | None
) -> Paid:
    row = Together()
    unit, edition = row.ask(places.unit, line), row.ask(places.edition, line)
    start = row.ask(places.cover_from, line, edition)
    carrier = row.ask(line.word, "承担方", sheets.CARRIER_OF)
    amount, on = row.ask(line.fen, "金额"), row.ask(line.day, "到账日期")
    row.settle()
    due = (
        Due.select()
        .join(Roster)
        .where(Roster.organization == unit, Roster.edition == edition, Roster.cover_from == start)
        .where(Roster.number.startswith("QC"), Roster.stage == "approved", Due.carrier == carrier)
        .order_by(Due.id)
        .first()
    )
    if due is None:
        raise Wrong("没有对应的期初应缴：请先导入参保，并核对单位、计划、保障开始日和承担方")
    left.setdefault(due.id, due.amount - due.paid + _booked(due, opening))
    if not 0 < amount <= left[due.id]:
        raise Wrong(f"金额：这笔应缴还剩{yuan(left[due.id])}元")
    if on > today:
        raise Wrong("到账日期：在今天之后")
    left[due.id] -= amount
    return Paid(line.number, due, amount, on, line.text("流水号"))


def _booked(due: Due, opening: Opening | None) -> int:
    """Fen that a booking which broke off had already put on a due."""
    if opening is None:
        return 0
    mine = Payment.bank_reference.startswith(sheets.prefix_of(opening))
    return sum(p.amount for p in Payment.select().where(Payment.due == due, mine))


def book_payments(opening: Opening, paid: list[Paid], by: User, at: datetime, told: Told) -> None:
    """Record payments on their dues. Doing it again continues what broke off."""
    for start in range(0, len(paid), 50):
        told("book", start, len(paid))
        _book_some(opening, paid[start : start + 50], by, at)


@writes
def _book_some(opening: Opening, paid: list[Paid], by: User, at: datetime) -> None:
    for line in paid:
        reference = funding.plain_reference(f"{sheets.prefix_of(opening)}{line.number}")
        if Payment.select().where(Payment.bank_reference == reference).exists():
            continue
        remark = f"期初 {line.reference}".strip()
        funding.record_payment(
            line.due, amount=line.amount, received_on=line.on, bank_reference=reference,
            remark=remark, by=by, at=at,
        )  # fmt: skip
