"""The ledger: each scheme's fund, every journal, and a month's vouchers for the bookkeeping."""

import io
import re
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from peewee import JOIN, fn

from huigong import clock
from huigong.access import allow, find, holds, paths, visible
from huigong.admin.lists import MOST_FETCHED, beside, counted, newest, page_of
from huigong.database import containing
from huigong.models import Journal, Organization, Posting, Role, Scheme
from huigong.refusals import Refused
from huigong.workflows import ledger as deeds
from huigong.workflows import vouchers

MOST_READ = 10_000  # journals whose text is read for a page of those that say something

ledger = Blueprint("ledger", __name__, url_prefix="/admin/ledger")


@ledger.get("/")
@allow(Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR, on=Journal, menu=(35, "账簿"))
def index() -> Any:
    asked = {
        name: request.args.get(name, "").strip()[:50]
        for name in ("scheme", "account", "from", "to", "q")
    }
    filters, held = _asked(asked)
    near = _near(asked["account"])
    page = page_of(
        Journal, newest(Journal), filters=filters, held=held, near=near,
        most_met=MOST_READ if asked["q"] else 0,
    )  # fmt: skip
    lines = (
        Posting.select(Posting, Scheme)
        .join(Scheme, JOIN.LEFT_OUTER)
        .where(Posting.journal << page.rows)
    )
    by_journal: dict[int, list[Posting]] = {journal.id: [] for journal in page.rows}
    for line in lines.order_by(Posting.id):
        by_journal[line.journal_id].append(line)
    places = [int(path.split("/")[-2]) for path in paths()]
    schemes: list[Any] = list(visible(Scheme).order_by(Scheme.id))
    whole = _sees_whole(schemes)
    funds = deeds.funds(schemes, None if whole else places)
    return render_template(
        "admin/ledger/index.html",
        page=page, lines=by_journal, asked=asked, accounts=deeds.ACCOUNTS, schemes=schemes,
        funds=[fund for fund in funds if any(fund[1:])],
        whole=whole, most_read=MOST_READ, suspense=deeds.in_suspense(places),
        unearmarked=deeds.unearmarked(places), month=f"{clock.today():%Y-%m}",
        offices=_offices(),
    )  # fmt: skip


def _asked(asked: dict[str, str]) -> tuple[list[Any], list[Any]]:
    """What the filters ask for: by an index, and what each journal is held against."""
    filters: list[Any] = []
    held: list[Any] = []
    for condition in _posted(asked):
        if counted(Posting, condition, most=MOST_FETCHED) < MOST_FETCHED:
            filters.append(Journal.id << Posting.select(Posting.journal).where(condition))
        else:
            lines = Posting.select(Posting.id).where(Posting.journal == Journal.id)
            held.append(fn.EXISTS(lines.where(beside(condition))))
    for name, column in (("from", Journal.on >= asked["from"]), ("to", Journal.on <= asked["to"])):
        if _is_day(asked[name]):
            filters.append(column)
    if asked["q"]:
        held.append(containing(Journal.text, asked["q"]))
    return filters, held


def _near(account: str) -> Any:
    """Between which journals those of an account are: it may have none among the latest."""
    if account not in deeds.ACCOUNTS:
        return None
    lines = Posting.select().where(Posting.account == account)
    first, last = (end(Posting.journal) for end in (fn.MIN, fn.MAX))
    return (Journal.id >= lines.select(first)) & (Journal.id <= lines.select(last))


def _posted(asked: dict[str, str]) -> list[Any]:
    """What the filters ask of a journal's lines."""
    found = []
    if asked["scheme"].isdecimal() and len(asked["scheme"]) < 9:
        found.append(Posting.scheme == int(asked["scheme"]))
    if asked["account"] in deeds.ACCOUNTS:
        found.append(Posting.account == asked["account"])
    return found


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _sees_whole(schemes: list[Scheme]) -> bool:
    """Whether the user sees every journal of these schemes, not only those of a part."""
    runners = {scheme.organization for scheme in schemes}
    return all(any(o.path.startswith(path) for path in paths()) for o in runners)


def _offices() -> list[Organization]:
    """Where the signed-in user keeps or reads the books."""
    grants = [g_ for g_ in g.grants if g_.role in (Role.FINANCE, Role.AUDITOR)]
    return sorted({grant.organization for grant in grants}, key=lambda place: place.id)


@ledger.get("/vouchers/<int:id>")
@allow(Role.FINANCE, Role.AUDITOR, on=Organization)
def month(id: int) -> Any:
    """A month's vouchers as a workbook for the bookkeeping software."""
    place, asked = find(Organization, id), request.args.get("month", "")
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", asked):
        flash("没有导出：月份请写成 2024-12 这样")
        return redirect(url_for("ledger.index"), 303)
    book = io.BytesIO()
    if not vouchers.write_month(book, place, asked):
        flash(f"没有导出：{asked} 没有凭证")
        return redirect(url_for("ledger.index"), 303)
    attached = f'attachment; filename="vouchers-{place.id}-{asked}.xlsx"'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(book.getvalue(), content_type=kind, headers={"Content-Disposition": attached})


@ledger.get("/accounts/<int:id>")
@allow(Role.FINANCE, Role.AUDITOR, on=Organization)
def accounts(id: int) -> Any:
    return _accounts_page(find(Organization, id), {}, {})


@ledger.post("/accounts/<int:id>")
@allow(Role.FINANCE, on=Organization)
def name_accounts(id: int) -> Any:
    place, form = find(Organization, id), request.form
    names = {
        account: (form.get(f"code-{account}", ""), form.get(f"name-{account}", ""))
        for account in deeds.ACCOUNTS
    }
    try:
        vouchers.name_accounts(place, names=names, by=g.user, at=clock.now())
    except Refused as refused:
        return _accounts_page(place, form, refused.by_field()), 422
    flash("已保存会计科目")
    return redirect(url_for("ledger.accounts", id=place.id), 303)


def _accounts_page(place: Organization, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/ledger/accounts.html",
        place=place, names=vouchers.names_of(place), ours=deeds.ACCOUNTS, form=form,
        errors=errors, can=holds(Role.FINANCE, at=place),
    )  # fmt: skip
