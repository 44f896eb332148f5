"""Transfer sheets: a month of received money per scheme for its operator."""

import io
import re
from dataclasses import replace
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from peewee import fn

from huigong import clock, money
from huigong.access import allow, find, holds, visible
from huigong.admin.lists import Order, newest, page_of
from huigong.admin.reasoned import do_for_a_reason
from huigong.admin.reminders import WORKBOOK
from huigong.admin.typed import Typed
from huigong.models import (
    Organization,
    Role,
    Roster,
    Scheme,
    Transfer,
    TransferItem,
    TransferReversal,
    Untransferred,
)
from huigong.plans.vocabulary import OPERATORS
from huigong.refusals import Refused
from huigong.sheets import Column, write_workbook
from huigong.workflows import transfers as deeds
from huigong.workflows.schemes import damage, plan_of

transfers = Blueprint("transfers", __name__, url_prefix="/admin/transfers")

READERS = (Role.FINANCE, Role.AUDITOR)
COLUMNS = (
    Column("单位", width=32),
    Column("名册", width=22),
    Column("人数", "count", width=8),
    Column("到账", "yuan"),
    Column("以前已转", "yuan"),
    Column("本次应转", "yuan"),
)


def _month() -> str:
    """The month that is asked for, otherwise this one."""
    asked = request.values.get("month", "")
    good = re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", asked)
    return asked if good else f"{clock.today():%Y-%m}"


def _operator(scheme: Scheme) -> str:
    edition = scheme.editions.first()
    return OPERATORS[plan_of(edition)["operator"]] if edition and not damage(edition) else ""


@transfers.get("/")
@allow(*READERS, on=Transfer)
def index() -> Any:
    shown = Transfer.select(Transfer, Scheme).join(Scheme)
    page = page_of(Transfer, newest(Transfer), shown=shown)
    schemes = [
        scheme
        for scheme in visible(Scheme).order_by(Scheme.name)
        if deeds.is_passed_on(scheme) and holds(*READERS, at=scheme.organization)
    ]
    reversals = TransferReversal.select().where(TransferReversal.transfer << page.rows)
    undone = {reversal.transfer_id for reversal in reversals}
    return render_template(
        "admin/transfers/index.html", page=page, schemes=schemes, undone=undone, month=_month()
    )


@transfers.get("/schemes/<int:id>/")
@allow(*READERS, on=Scheme)
def sheet(id: int) -> Any:
    scheme = _run_here(find(Scheme, id), *READERS)
    if request.args.get("month", "") not in ("", _month()):
        flash("月份请写成 2024-12 这样；下面是这个月的")
    return _sheet_page(scheme, {"transferred_on": clock.today()}, {})


def _run_here(scheme: Scheme, *roles: Role) -> Scheme:
    """A scheme whose money the signed-in user keeps; another's is as absent."""
    if not holds(*roles, at=scheme.organization):
        abort(404)
    return scheme


def _sheet_page(scheme: Scheme, form: Any, errors: dict[str, str]) -> str:
    sheet = deeds.sheet_of(scheme, _month())
    page = page_of(
        Untransferred, Order((Untransferred.roster, Untransferred.id)),
        inside=Untransferred.scheme == scheme, held=[deeds.is_on_sheet(sheet, _month())],
        shown=Untransferred.select(Untransferred, Roster, Organization).join(Roster)
        .join(Organization),
    ) if not sheet.later else None  # fmt: skip
    rosters = [row.roster for row in page.rows] if page else []
    return render_template(
        "admin/transfers/sheet.html",
        scheme=scheme, month=_month(), sheet=sheet, items=deeds.items_of(rosters, _month()),
        page=page and replace(page, total=sheet.rosters), operator=_operator(scheme), form=form,
        errors=errors, passed_on=deeds.is_passed_on(scheme),
        why=sheet.later and deeds.passed_on_words(sheet.later),
    )  # fmt: skip


@transfers.get("/schemes/<int:id>/workbook")
@allow(*READERS, on=Scheme)
def workbook(id: int) -> Any:
    """Every roster of a month's sheet: the annex of what is printed."""
    scheme = _run_here(find(Scheme, id), *READERS)
    rows = [
        (i.roster.organization.name, i.roster.number, i.roster.people, i.received, i.before,
         i.amount)
        for i in deeds.to_pass_on(scheme, _month())
    ]  # fmt: skip
    title = f"{scheme.name} {_month()} 转款单"
    return _attached(COLUMNS, rows, title=title, name=f"transfer-{scheme.id}-{_month()}")


def _attached(columns: Any, rows: Any, *, title: str, name: str) -> Response:
    book = io.BytesIO()
    write_workbook(book, columns, rows, sheet="转款单", title=title)
    attached = f'attachment; filename="{name}.xlsx"'
    return Response(
        book.getvalue(), content_type=WORKBOOK, headers={"Content-Disposition": attached}
    )


@transfers.post("/schemes/<int:id>/")
@allow(Role.FINANCE, on=Scheme)
def record(id: int) -> Any:
    scheme, form = _run_here(find(Scheme, id), Role.FINANCE), Typed(request.form)
    try:
        typed = form.all(
            amount=form.yuan("amount", "转款金额"),
            transferred_on=form.day("transferred_on", "转款日期"),
            bank_reference=form.words("bank_reference", "转款的银行流水号"),
        )
        transfer = deeds.record_transfer(scheme, month=_month(), **typed, by=g.user, at=clock.now())
    except Refused as refused:
        return _sheet_page(scheme, request.form, refused.by_field()), 422
    flash(f"已登记转款 {money.yuan(transfer.amount)} 元")
    return redirect(url_for("transfers.page", id=transfer.id), 303)


@transfers.get("/<int:id>/")
@allow(*READERS, on=Transfer)
def page(id: int) -> Any:
    transfer = find(Transfer, id)
    ours = TransferItem.transfer == transfer
    first = TransferItem.select(fn.MIN(TransferItem.id)).where(ours)
    page = page_of(
        TransferItem, Order((TransferItem.id,)), inside=ours, near=TransferItem.id >= first,
        shown=_items(),
    )  # fmt: skip
    rosters = TransferItem.select().where(ours).count()
    return render_template(
        "admin/transfers/page.html",
        transfer=transfer, page=replace(page, total=rosters), undone=transfer.reversals.first(),
        operator=_operator(transfer.scheme),
    )  # fmt: skip


def _items() -> Any:
    return TransferItem.select(TransferItem, Roster, Organization).join(Roster).join(Organization)


@transfers.get("/<int:id>/workbook")
@allow(*READERS, on=Transfer)
def annex(id: int) -> Any:
    """Every roster of a recorded transfer: the annex of what is printed."""
    transfer = find(Transfer, id)
    items = _items().where(TransferItem.transfer == transfer).order_by(TransferItem.id)
    rows = [(i.roster.organization.name, i.roster.number, i.roster.people, i.amount) for i in items]
    columns = (*COLUMNS[:3], Column("金额", "yuan"))
    title = f"{transfer.scheme.name} {transfer.month} 转款单 {transfer.number}"
    return _attached(columns, rows, title=title, name=f"transfer-{transfer.number}")


@transfers.get("/<int:id>/reversal")
@allow(Role.FINANCE, on=Transfer)
def reversal(id: int) -> Any:
    transfer = find(Transfer, id)
    return render_template("admin/transfers/reversal.html", transfer=transfer, form={}, errors={})


@transfers.post("/<int:id>/reversal")
@allow(Role.FINANCE, on=Transfer)
def reverse(id: int) -> Any:
    transfer = find(Transfer, id)
    return do_for_a_reason(
        deeds.reverse_transfer, transfer, page="admin/transfers/reversal.html", transfer=transfer,
        said="已更正：这次转款不再计入",
        to=url_for("transfers.page", id=transfer.id),
    )  # fmt: skip
