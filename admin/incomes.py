"""Income beside the fee's shares: recorded, listed, printed, corrected."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from peewee import fn

from huigong import clock
from huigong.access import allow, find, visible
from huigong.admin.lists import Order, page_of
from huigong.admin.reasoned import do_for_a_reason
from huigong.admin.receiving import receivers, scheme_of, schemes_of
from huigong.admin.typed import Typed
from huigong.models import Income, IncomeReversal, Organization, Role
from huigong.refusals import Refused
from huigong.workflows import incomes as deeds

incomes = Blueprint("incomes", __name__, url_prefix="/admin/incomes")

READERS = (Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)


@incomes.get("/")
@allow(*READERS, on=Income)
def index() -> Any:
    year, kind = request.args.get("year", ""), request.args.get("kind", "")
    filters = []
    if year.isdecimal() and len(year) == 4 and year != "0000":
        first = clock.today().replace(year=int(year), month=1, day=1)
        last = first.replace(month=12, day=31)
        filters.append(Income.received_on.between(first, last))
    if kind in deeds.KINDS:
        filters.append(Income.kind == kind)
    live = visible(Income).where(
        *filters, Income.id.not_in(IncomeReversal.select(IncomeReversal.income))
    )
    order = Order((Income.received_on, Income.id), descending=True)
    page = page_of(Income, order, held=filters)
    undone = {
        r.income_id: r for r in IncomeReversal.select().where(IncomeReversal.income << page.rows)
    }
    return render_template(
        "admin/incomes/index.html",
        page=page, undone=undone, total=int(live.select(fn.SUM(Income.amount)).scalar() or 0),
        kinds=deeds.KINDS, year=year, kind=kind, offices=list(receivers()),
    )  # fmt: skip


@incomes.get("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def new(id: int) -> Any:
    return _new_page(find(Organization, id), {"received_on": clock.today()}, {})


@incomes.post("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def record(id: int) -> Any:
    place, form = find(Organization, id), Typed(request.form)
    try:
        typed = form.all(
            kind=form.one_of("kind", deeds.KINDS, "收入的种类"),
            giver=form.words("giver", "拨款或捐赠方的名称"),
            amount=form.yuan("amount", "金额"),
            received_on=form.day("received_on", "到账日期"),
            bank_reference=form.words("bank_reference", "银行流水号"),
        )
        scheme = scheme_of(form.text("scheme"))
        deeds.record_income(
            organization=place, scheme=scheme, purpose=form.text("purpose"), **typed,
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _new_page(place, request.form, refused.by_field()), 422
    flash("已登记收入")
    return redirect(url_for("incomes.index"), 303)


def _new_page(place: Organization, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/incomes/new.html", place=place, form=form, errors=errors, kinds=deeds.KINDS,
        schemes=schemes_of(place),
    )  # fmt: skip


@incomes.get("/<int:id>")
@allow(*READERS, on=Income)
def voucher(id: int) -> Any:
    """One income, to be printed and filed."""
    income = find(Income, id)
    return render_template(
        "admin/incomes/page.html", income=income, kinds=deeds.KINDS,
        undone=income.reversals.first(),
    )  # fmt: skip


@incomes.get("/<int:id>/reversal")
@allow(Role.FINANCE, on=Income)
def reversal(id: int) -> Any:
    income = find(Income, id)
    return render_template("admin/incomes/reversal.html", income=income, form={}, errors={})


@incomes.post("/<int:id>/reversal")
@allow(Role.FINANCE, on=Income)
def reverse(id: int) -> Any:
    income = find(Income, id)
    return do_for_a_reason(
        deeds.reverse_income, income, page="admin/incomes/reversal.html", income=income,
        said="已更正：这笔收入不再计入",
        to=url_for("incomes.voucher", id=income.id),
    )  # fmt: skip
