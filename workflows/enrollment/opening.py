"""A city that starts in mid-life: what happened before, from its workbooks, marked 期初.

A workbook is checked whole when it is kept and booked by a second person. Covers go in as
approved rosters of their own, payments on those rosters' dues, paid claims with their decisions
and payouts, so that caps, counts, renewals, replay and the ledger are right from the first day.
Booking goes in short steps; what broke off is simply done again.
"""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from huigong import uploads
from huigong.database import writes
from huigong.models import Level, Opening, OpeningJob, Organization, Roster, User
from huigong.refusals import Lost, Refused
from huigong.sheets import Source
from huigong.workflows import audit
from huigong.workflows.enrollment import opening_sheets as sheets
from huigong.workflows.enrollment.opening_claims import book_claims, read_claims
from huigong.workflows.enrollment.opening_covers import book_covers, read_covers
from huigong.workflows.enrollment.opening_payments import book_payments, read_payments
from huigong.workflows.enrollment.opening_sheets import Faults
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.enrollment.undone import undo_approval

DOUBTS: Final = "doubts"  # the kind of an OpeningJob that nobody works on
KEPT: Final = 100  # faults or doubts kept for the page


class Found(NamedTuple):
    """What the check of a workbook found: its rows, what they come to in fen, and what is worth a
    second look of whoever books it, as sentences."""

    rows: int
    amount: int
    doubts: list[str]


def keep_opening(
    city: Organization, *, kind: str, kept: uploads.Kept, folder: Path, by: User, at: datetime
) -> Opening:
    """Check a workbook and keep it for a second person to book.

    Refuses everything that is wrong with its rows at once, each with its row's number; then
    nothing is kept.
    """
    refuse_unfit(city, kind)
    with uploads.open_kept(folder, kept.file) as file:
        found = checked(city, kind, file, at.date())
    return begin(city, kind, kept, by, at, found)


def refuse_unfit(city: Organization, kind: str) -> None:
    """Refuse who does not import what happened before, and what is none of its workbooks."""
    if city.level != Level.CITY:
        raise Refused("file", "期初数据由市级工会导入")
    if kind not in sheets.KINDS:
        raise Refused("kind", "请选择是参保、到账还是已付申领")


@writes
def begin(
    city: Organization, kind: str, kept: uploads.Kept, by: User, at: datetime,
    found: Found | None = None,
) -> Opening:  # fmt: skip
    """Keep a workbook, to be checked or with what its check found. Refuses one kept already."""
    same = Opening.select().where(
        Opening.organization == city, Opening.sha256 == kept.sha256, Opening.stage != "withdrawn"
    )
    if same.exists():
        raise Refused("file", "这份文件已经上传过")
    rows, amount, doubts = found or Found(0, 0, [])
    made = Opening.create(
        organization=city, kind=kind, file=kept.file, file_name=kept.name, sha256=kept.sha256,
        stage="checked" if found else "reading", rows=rows, amount=amount, by=by, at=at,
    )  # fmt: skip
    _note(made, doubts)
    detail = f"{sheets.KINDS[kind]} {rows}行" if found else sheets.KINDS[kind]
    audit.record("keep opening", by=by, at=at, on=made, organization=city, detail=detail)
    return made


def check_opening(opening: Opening, *, folder: Path, told: Told = quiet) -> Opening:
    """Check a workbook that was kept unread. Refuses as `keep_opening` does; then it is withdrawn
    and nothing of it stays but its name."""
    try:
        with uploads.open_kept(folder, opening.file) as file:
            told("check", 0, 0)
            found = checked(opening.organization, opening.kind, file, opening.at.date(), told)
    except Refused:
        _settle_check(opening, "withdrawn")
        raise
    _settle_check(opening, "checked", *found)
    return opening


def withdraw_unread(opening: Opening) -> None:
    """Let a workbook whose check was stopped be absent."""
    _settle_check(opening, "withdrawn")


@writes
def _settle_check(
    opening: Opening, stage: str, rows: int = 0, amount: int = 0, doubts: Sequence[str] = ()
) -> None:
    opening.move("stage", was="reading", to=stage, rows=rows, amount=amount)
    _note(opening, doubts)


def _note(opening: Opening, doubts: Sequence[str]) -> None:
    """Keep what is worth a second look until the workbook is booked."""
    if doubts:
        OpeningJob.delete().where(OpeningJob.opening == opening).execute()
        OpeningJob.create(
            opening=opening, kind=DOUBTS, by=opening.by_id, at=opening.at,
            done=len(doubts), faults=list(doubts[:KEPT]),
        )  # fmt: skip


def checked(city: Organization, kind: str, file: Source, today: date, told: Told = quiet) -> Found:
    """What a workbook says. Refuses one with faults."""
    if kind == "covers":
        covers = _all(*read_covers(city, file, today, None, told))
        doubts = [
            f"第{cover.number}行 {cover.person.name}：{said}"
            for cover in covers
            for said in cover.person.warnings
        ]
        return Found(len(covers), sum(cover.fee for cover in covers), doubts)
    lines = _all(*_DEEDS[kind][0](city, file, today, None, told))
    return Found(len(lines), sum(line.amount for line in lines), [])


def _all(rows: list[Any], faults: Faults) -> list[Any]:
    if faults:
        told = [("file", f"第{number}行 {message}") for number, message in sorted(faults)]
        raise Refused.all(told)
    return rows


def withdraw_opening(opening: Opening, *, by: User, at: datetime) -> Opening:
    """Withdraw a workbook that was not booked; the caller forgets its file."""
    for roster in _withdraw(opening, by=by, at=at):
        undo_approval(roster)
    return opening


@writes
def _withdraw(opening: Opening, *, by: User, at: datetime) -> list[Roster]:
    """The rosters that were begun for it."""
    begun = Roster.select().where(Roster.number.startswith(sheets.prefix_of(opening)))
    if begun.where(Roster.stage == "approved").exists():
        raise Refused("opening", "入账已经开始，不能撤回；请继续入账")
    opening.move(
        "stage", was="reading" if opening.stage == "reading" else "checked", to="withdrawn"
    )
    OpeningJob.delete().where(OpeningJob.opening == opening).execute()
    rosters = list(begun)
    Roster.update(stage="withdrawn").where(Roster.id << [each.id for each in rosters]).execute()
    audit.record("withdraw opening", by=by, at=at, on=opening, organization=opening.organization)
    return rosters


def refuse_booking(opening: Opening, by: User) -> None:
    """Refuse who kept a workbook as its booker. Raises Lost when it is not waiting for one."""
    if opening.stage != "checked":
        raise Lost(f"opening {opening.id} is {opening.stage}")
    if by.id == opening.by_id:
        raise Refused("by", "期初数据须由上传人以外的人复核入账")


def book_opening(
    opening: Opening, *, folder: Path, by: User, at: datetime, told: Told = quiet
) -> Opening:
    """Book a kept workbook. Doing it again continues what broke off.

    Refuses who kept it, and whatever is wrong with it by now. Raises Lost when it was booked or
    withdrawn already.
    """
    refuse_booking(opening, by)
    with uploads.open_kept(folder, opening.file) as file:
        _book(opening, file, by, at, told)
    return _finish(opening, by, at)


_DEEDS: Final[dict[str, tuple[Any, Any]]] = {
    "covers": (read_covers, book_covers),
    "payments": (read_payments, book_payments),
    "claims": (read_claims, book_claims),
}


def _book(opening: Opening, file: Source, by: User, at: datetime, told: Told) -> None:
    read, book = _DEEDS[opening.kind]
    lines = _all(*read(opening.organization, file, at.date(), opening, told))
    book(opening, lines, by, at, told)


@writes
def _finish(opening: Opening, by: User, at: datetime) -> Opening:
    opening.move("stage", was="checked", to="booked", booked_by=by.id, booked_at=at)
    OpeningJob.delete().where(OpeningJob.opening == opening, OpeningJob.kind == DOUBTS).execute()
    detail = f"{sheets.KINDS[opening.kind]} {opening.rows}行"
    place = opening.organization
    audit.record("book opening", by=by, at=at, on=opening, organization=place, detail=detail)
    return opening
