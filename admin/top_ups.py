"""Top-ups: what an organization adds per person for its subtree, recorded and ended earlier."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find
from huigong.admin.lists import Order, page_of
from huigong.admin.receiving import scheme_of, schemes_of
from huigong.admin.typed import Typed
from huigong.models import Organization, Role, Scheme, TopUp
from huigong.refusals import Refused
from huigong.workflows import top_ups as deeds

top_ups = Blueprint("top_ups", __name__, url_prefix="/admin/top-ups")

READERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)


@top_ups.get("/")
@allow(*READERS, on=TopUp)
def index() -> Any:
    shown = TopUp.select(TopUp, Organization, Scheme).join_from(TopUp, Organization)
    page = page_of(
        TopUp,
        Order((TopUp.to_on, TopUp.id), descending=True),
        shown=shown.join_from(TopUp, Scheme),
    )
    mine = [grant.organization for grant in g.grants if grant.role == Role.FINANCE]
    return render_template(
        "admin/top_ups/index.html", page=page, mine=sorted(set(mine), key=lambda o: o.id)
    )


@top_ups.get("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def new(id: int) -> Any:
    return _new_page(find(Organization, id), {"whom": "members"}, {})


@top_ups.post("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def record(id: int) -> Any:
    place, form = find(Organization, id), Typed(request.form)
    try:
        typed = form.all(
            scheme=form.one_of("scheme", {str(id) for id, _ in schemes_of(place)}, "互助计划"),
            amount=form.yuan("amount", "每人补贴金额"),
            whom=form.one_of("whom", ("all", "members"), "补贴哪些人"),
            from_on=form.day("from_on", "开始日期"),
            to_on=form.day("to_on", "结束日期"),
            basis=form.words("basis", "依据，例如补贴文件的名称和文号"),
        )
        typed["scheme"] = scheme_of(typed["scheme"])
        members_only = typed.pop("whom") == "members"
        deeds.record_top_up(
            organization=place, members_only=members_only, **typed, by=g.user, at=clock.now()
        )
    except Refused as refused:
        return _new_page(place, request.form, refused.by_field()), 422
    flash("已登记补贴，此后审核通过的名册会减少自筹部分")
    return redirect(url_for("top_ups.index"), 303)


def _new_page(place: Organization, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/top_ups/new.html", place=place, form=form, errors=errors, schemes=schemes_of(place)
    )


@top_ups.get("/<int:id>/end")
@allow(Role.FINANCE, on=TopUp)
def ending(id: int) -> Any:
    top_up = find(TopUp, id)
    given = {"to_on": clock.today()}
    return render_template("admin/top_ups/end.html", top_up=top_up, form=given, errors={})


@top_ups.post("/<int:id>/end")
@allow(Role.FINANCE, on=TopUp)
def end(id: int) -> Any:
    top_up, form = find(TopUp, id), Typed(request.form)
    try:
        typed = form.all(to_on=form.day("to_on", "结束日期"))
        deeds.end_top_up(top_up, **typed, by=g.user, at=clock.now())
    except Refused as refused:
        page, errors = "admin/top_ups/end.html", refused.by_field()
        return render_template(page, top_up=top_up, form=request.form, errors=errors), 422
    flash("已提前结束这条补贴")
    return redirect(url_for("top_ups.index"), 303)
