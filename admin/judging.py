"""A submitted roster judged on the screen: approved, or returned with all that must change."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find
from huigong.admin.enrollment import enrollment, facts_of
from huigong.models import Role, Roster
from huigong.refusals import Refused
from huigong.workflows import enrollment as deeds

APPROVED_AT_ONCE = 4000  # people; more are approved in the background


@enrollment.get("/rosters/<int:id>/approve")
@allow(Role.REVIEWER, on=Roster)
def approve(id: int) -> Any:
    return render_template("admin/enrollment/approve.html", **facts_of(find(Roster, id)), errors={})


@enrollment.post("/rosters/<int:id>/approve")
@allow(Role.REVIEWER, on=Roster)
def approve_now(id: int) -> Any:
    roster = find(Roster, id)
    try:
        seen = request.form.get("split", "")
        deeds.accept_shares(roster, seen=seen, by=g.user, at=clock.now())
        if roster.people > APPROVED_AT_ONCE:
            deeds.approve_in_background(roster, by=g.user, at=clock.now())
            return redirect(url_for("enrollment.page", id=id), 303)
        deeds.approve_roster(roster, by=g.user, at=clock.now())
    except Refused as refused:
        errors = refused.by_field()
        return render_template(
            "admin/enrollment/approve.html", **facts_of(roster), errors=errors
        ), 422
    flash(f"已批准，{roster.people}人参保；各方应缴已生成")
    return redirect(url_for("enrollment.page", id=id), 303)


@enrollment.get("/rosters/<int:id>/return")
@allow(Role.REVIEWER, on=Roster)
def send_back(id: int) -> Any:
    return _return_page(find(Roster, id), {}, {})


def _return_page(roster: Roster, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/enrollment/return.html", **facts_of(roster), form=form, errors=errors
    )


@enrollment.post("/rosters/<int:id>/return")
@allow(Role.REVIEWER, on=Roster)
def send_back_now(id: int) -> Any:
    roster, form = find(Roster, id), request.form
    try:
        deeds.return_roster(roster, reason=form.get("reason", ""), by=g.user, at=clock.now())
    except Refused as refused:
        return _return_page(roster, form, refused.by_field()), 422
    flash(f"已退回{roster.organization.name}更正")
    return redirect(url_for("enrollment.page", id=id), 303)
