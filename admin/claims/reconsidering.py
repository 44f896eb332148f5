"""Asking that a claim's decision be revoked, and answering it: two people. GET asks, POST does."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find
from huigong.admin.claims.listing import shown
from huigong.admin.claims.room import claims
from huigong.models import Claim, Reconsideration, Role
from huigong.refusals import Lost, Refused
from huigong.workflows import claims as deeds


@claims.get("/<int:id>/reconsideration")
@allow(Role.REVIEWER, Role.FINANCE, on=Claim)
def reconsideration(id: int) -> Any:
    return _asking_page(find(Claim, id), {}, {})


def _asking_page(claim: Claim, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/claims/reconsideration.html", form=form, errors=errors,
        why_not=deeds.hindrance_to_revoke(claim), **shown(claim),
    )  # fmt: skip


@claims.post("/<int:id>/reconsideration")
@allow(Role.REVIEWER, Role.FINANCE, on=Claim)
def ask(id: int) -> Any:
    claim, form = find(Claim, id), request.form
    try:
        deeds.ask_reconsideration(claim, reason=form.get("reason", ""), by=g.user, at=clock.now())
    except Refused as refused:
        return _asking_page(claim, form, refused.by_field()), 422
    flash(f"已提请撤销申领 {claim.number} 的决定，等待另一位审核人答复；答复前不发放")
    return redirect(url_for("claims.page", id=id), 303)


@claims.get("/<int:id>/revocation")
@allow(Role.REVIEWER, on=Claim)
def revocation(id: int) -> Any:
    return _answering_page(find(Claim, id), {}, {})


def _answering_page(claim: Claim, form: Any, errors: dict[str, str]) -> str:
    return render_template("admin/claims/revocation.html", form=form, errors=errors, **shown(claim))


@claims.post("/<int:id>/revocation")
@allow(Role.REVIEWER, on=Claim)
def answer(id: int) -> Any:
    claim, form = find(Claim, id), request.form
    grant = form.get("grant", "")
    try:
        if grant not in ("yes", "no"):
            raise Refused("grant", "请选择撤销还是维持原决定")
        deeds.answer_reconsideration(
            _asked(claim), grant=grant == "yes", answer=form.get("answer", ""), by=g.user,
            at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _answering_page(claim, form, refused.by_field()), 422
    flash("已撤销原决定，申领重新等待初审" if grant == "yes" else "已维持原决定")
    return redirect(url_for("claims.page", id=id), 303)


def _asked(claim: Claim) -> Reconsideration:
    """What is to be answered. Raises Lost when somebody has answered it."""
    asked = deeds.open_reconsideration(claim)
    if asked is None:
        raise Lost(f"claim {claim.id} has no open reconsideration")
    return asked
