"""Reviewing, returning and deciding a claim. GET asks, POST does."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from huigong import clock, money
from huigong.access import allow, find
from huigong.admin.claims.listing import next_for_me, shown
from huigong.admin.claims.room import claims, kinds_of
from huigong.models import Claim, ClaimEvent, Role
from huigong.refusals import Refused
from huigong.workflows import claims as deeds
from huigong.workflows.schemes import damage


@claims.get("/<int:id>/review")
@allow(Role.REVIEWER, on=Claim)
def review(id: int) -> Any:
    return _review_page(find(Claim, id), {}, {})


def _review_page(claim: Claim, form: Any, errors: dict[str, str]) -> str:
    following, others = next_for_me("review", claim)
    return render_template(
        "admin/claims/review.html",
        form=form, errors=errors, mine=g.user.id in deeds.filers_of(claim),
        following=following, others_waiting=others, **shown(claim),
    )  # fmt: skip


@claims.post("/<int:id>/review")
@allow(Role.REVIEWER, on=Claim)
def pass_review(id: int) -> Any:
    claim, note = find(Claim, id), request.form.get("note", "")
    try:
        deeds.review_claim(claim, note=note[:1000], by=g.user, at=clock.now())
    except Refused as refused:
        return _review_page(claim, request.form, refused.by_field()), 422
    flash(f"申领 {claim.number} 初审通过，等待另一人复审")
    return redirect(url_for("claims.page", id=id, next="review"), 303)


@claims.get("/<int:id>/return")
@allow(Role.REVIEWER, on=Claim)
def send_back(id: int) -> Any:
    return _return_page(find(Claim, id), {}, {}, chosen=None)


def _return_page(claim: Claim, form: Any, errors: dict[str, str], chosen: list[str] | None) -> str:
    page = shown(claim)
    edition = claim.enrollment.edition
    usual = [] if damage(edition) else kinds_of(edition.plan, claim.event)[0]
    kinds = list(dict.fromkeys([*page["missing"], *usual]))
    before = ClaimEvent.select().where(ClaimEvent.claim == claim, ClaimEvent.kind == "returned")
    return render_template(
        "admin/claims/return.html",
        form=form, errors=errors, kinds=kinds, times=before.count(),
        chosen=page["missing"] if chosen is None else chosen, **page,
    )  # fmt: skip


@claims.post("/<int:id>/return")
@allow(Role.REVIEWER, on=Claim)
def send_back_now(id: int) -> Any:
    claim, form = find(Claim, id), request.form
    todo = "decide" if claim.stage == "reviewed" else "review"
    chosen = [kind[:40] for kind in form.getlist("missing")]
    reason = form.get("reason", "")[:2000]
    try:
        deeds.return_claim(claim, reason=reason, missing=chosen, by=g.user, at=clock.now())
    except Refused as refused:
        return _return_page(claim, form, refused.by_field(), chosen), 422
    flash(f"申领 {claim.number} 已退回补正，请打印一次性补正告知书")
    return redirect(url_for("claims.page", id=id, next=todo), 303)


@claims.get("/<int:id>/decision")
@allow(Role.REVIEWER, on=Claim)
def decision(id: int) -> Any:
    return _decision_page(find(Claim, id), {}, {})


def _decision_page(
    claim: Claim, form: Any, errors: dict[str, str], proposed: int | None = None
) -> str:
    page = shown(claim, proposed)
    mine = ""
    if g.user.id in deeds.filers_of(claim):
        mine = "这笔申领由您申报，请由另一人复审。"
    elif g.user.id == claim.first_reviewer_id:
        mine = "这笔申领由您初审，初审与复审不能是同一人。"
    open_ = claim.stage == "reviewed" and not page["stopped"]
    following, others = next_for_me("decide", claim)
    return render_template(
        "admin/claims/decision.html",
        form=form, errors=errors, mine=mine, following=following, others_waiting=others,
        most=deeds.ceiling(claim) if open_ else None,
        may_propose=deeds.proposal_ceiling(claim) if open_ else None, **page,
    )  # fmt: skip


@claims.post("/<int:id>/decision")
@allow(Role.REVIEWER, on=Claim)
def decide(id: int) -> Any:
    claim, form = find(Claim, id), request.form
    try:
        proposed = _amount("proposed", "拟定金额", form)
        if form.get("act") == "try":
            return _decision_page(claim, form, {}, proposed)
        deeds.decide_claim(
            claim,
            verdict=form.get("verdict", ""),
            amount=_amount("amount", "核定金额", form),
            reason=form.get("reason", "")[:2000],
            proposed=proposed,
            by=g.user,
            at=clock.now(),
        )
    except Refused as refused:
        return _decision_page(claim, form, refused.by_field()), 422
    flash(f"申领 {claim.number} 已作出决定，金额已锁定")
    return redirect(url_for("claims.page", id=id, next="decide"), 303)


def _amount(field: str, label: str, form: Any) -> int | None:
    """An amount typed, in fen; None where it was left to the calculation."""
    text = form.get(field, "")
    if not text.strip():
        return None
    try:
        return money.typed_yuan(text)
    except ValueError as wrong:
        raise Refused(field, f"{label}：{wrong}") from None
