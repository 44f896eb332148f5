"""Reminders: who owes what since when; the letter, the list, and that somebody was told."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find, holds, visible
from huigong.admin.lists import page_of_groups
from huigong.admin.receiving import receiver_ids
from huigong.models import Due, Gift, Organization, Role
from huigong.plans.vocabulary import OWERS
from huigong.refusals import Refused
from huigong.sheets import Column, write_workbook
from huigong.workflows import reminders as deeds
from huigong.workflows.remarks import remark_of

reminders = Blueprint("reminders", __name__, url_prefix="/admin/reminders")

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAYERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
COLUMNS = (
    Column("名册", width=22),
    Column("单位", width=32),
    Column("互助计划", width=30),
    Column("分担方", width=14),
    Column("尚欠", "yuan"),
    Column("截止日期", "date"),
    Column("情况", width=12),
    Column("附言请写", width=20),
)


def lateness(day: Any) -> str:
    """How a due stands by its day, in words."""
    late = (clock.today() - day).days
    return f"逾期{late}天" if late > 0 else "今天到期" if not late else f"还有{-late}天到期"


@reminders.get("/")
@allow(Role.FINANCE, on=Due)
def index() -> Any:
    """Who owes what is due or will be within a week."""
    until = clock.today() + timedelta(days=deeds.SOON_DAYS)
    page = page_of_groups(deeds.owing_by_payer(receiver_ids(), until=until).tuples())
    page = replace(page, rows=deeds.as_owing(page.rows))
    ids = {number for row in page.rows for number in (row.payer, row.receiver)}
    places = Organization.select().where(Organization.id << list(ids))
    gifts = Gift.select().where(Gift.id << [row.gift for row in page.rows if row.gift])
    return render_template(
        "admin/reminders/index.html",
        gifts={gift.id: gift for gift in gifts}, page=page,
        places={place.id: place for place in places}, lateness=lateness,
        told=deeds.last_told([row.payer for row in page.rows], receiver_ids()), ways=deeds.WAYS,
        donors_told=deeds.donors_told(row.gift for row in page.rows if row.gift),
        days=deeds.SOON_DAYS,
    )  # fmt: skip


@reminders.get("/payers/<int:id>/")
@allow(*PAYERS, on=Organization)
def payer(id: int) -> Any:
    """Everything one payer owes now: its transfer sheet, and the letter that reminds it."""
    return _payer_page(find(Organization, id), {})


def _payer_page(place: Organization, errors: dict[str, str]) -> str:
    dues = deeds.open_dues(_owed_by(place), place)
    runners = {due.roster.edition.organization_id for due in dues}
    receivers = Organization.select().where(Organization.id << runners).order_by(Organization.id)
    return render_template(
        "admin/reminders/payer.html",
        place=place, dues=dues, receivers=list(receivers),
        total=sum(due.owing for due in dues), carriers=OWERS, lateness=lateness,
        remarks={due.id: remark_of(due) for due in dues},
        ours=[r for r in receivers if holds(Role.FINANCE, at=r)], ways=deeds.WAYS, errors=errors,
    )  # fmt: skip


def _owed_by(place: Organization) -> Any:
    """What a payer owes: its own roles see all of it, those above what is in their subtree."""
    return visible(Due).where(Due.payer == place)


@reminders.post("/payers/<int:id>/")
@allow(Role.FINANCE, on=Organization)
def remind(id: int) -> Any:
    place, receiver = find(Organization, id), request.form.get("receiver", "")
    number = int(receiver) if receiver.isdecimal() and len(receiver) < 10 else 0
    told = Organization.get_or_none(Organization.id << receiver_ids(), Organization.id == number)
    try:
        if told is None:
            raise Refused("way", "请选择由哪个单位催缴")
        way = request.form.get("way", "")
        deeds.remind(place, receiver=told, way=way, by=g.user, at=clock.now())
    except Refused as refused:
        return _payer_page(place, refused.by_field()), 422
    flash("已记下这次催缴")
    return redirect(url_for("reminders.payer", id=place.id), 303)


@reminders.get("/payers/<int:id>/workbook")
@allow(*PAYERS, on=Organization)
def workbook(id: int) -> Any:
    """The same list as a workbook: a county's transfer sheet for the month."""
    place = find(Organization, id)
    rows = [
        (due.roster.number, due.organization.name, due.roster.edition.name, OWERS[due.carrier],
         due.owing, due.due_on, lateness(due.due_on), remark_of(due))
        for due in deeds.open_dues(_owed_by(place), place)
    ]  # fmt: skip
    book = io.BytesIO()
    write_workbook(book, COLUMNS, rows, sheet="应缴", title=f"{place.name} 应缴汇总")
    attached = f'attachment; filename="owing-{place.id}-{clock.today()}.xlsx"'
    return Response(
        book.getvalue(), content_type=WORKBOOK, headers={"Content-Disposition": attached}
    )
