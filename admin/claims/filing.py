"""Filing a claim: find the member, fill in the form beside its calculation, file it."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from peewee import fn

from huigong import clock, identity
from huigong.access import allow, find
from huigong.admin.claims import forms
from huigong.admin.claims.room import claims
from huigong.admin.claims.sheet import form_page, kept, papers_sent, read
from huigong.admin.lists import MOST_FETCHED, Order, Page, counted, page_of
from huigong.models import Claim, Edition, Enrollment, Member, Role, begins
from huigong.refusals import Refused
from huigong.uploads import Kept
from huigong.workflows import claims as deeds
from huigong.workflows import funding
from huigong.workflows.schemes import plan_of


@claims.get("/new")
@allow(Role.CLERK, on=Enrollment)
def new() -> Any:
    asked = request.args.get("q", "").strip()[:50]
    page = _covered(asked) if asked else None
    unpaid = funding.unpaid_among(row.roster_id for row in page.rows) if page else set()
    in_force = {row.id: row.roster_id not in unpaid for row in page.rows} if page else {}
    return render_template("admin/claims/new.html", asked=asked, page=page, in_force=in_force)


def _covered(asked: str) -> Page:
    """Enrollments by how the member's name begins, pinyin initials, last four of the ID, or
    certificate; in the order of names, a member's latest first."""
    text = identity.plain_text(asked).strip().upper()
    who = begins(Member.name, asked)
    if text.isascii() and text.isalpha():
        who |= begins(Member.pinyin, text.lower())
    if len(text) == 4 and text[:3].isdecimal():
        who = Member.tail_index == Member.index_of_tail(text)
    common = counted(Member, who, most=MOST_FETCHED) >= MOST_FETCHED
    members = Member.select(Member.id).where(who)
    borne = fn.EXISTS(members.where(Member.id == Enrollment.member))
    theirs = borne if common else Enrollment.member << members
    found = [theirs | (Enrollment.certificate == text)]
    latest_first = (Member.sort_key, Member.id, Enrollment.id * -1, Enrollment.id)
    shown = Enrollment.select(Enrollment, Member, Edition).join(Member)
    return page_of(
        Enrollment,
        Order(latest_first, joined=[Member]),
        filters=[] if common else found,
        held=found if common else [],
        shown=shown.join_from(Enrollment, Edition),
        size=20,
    )


@claims.get("/new/<int:id>")
@allow(Role.CLERK, on=Enrollment)
def start(id: int) -> Any:
    enrollment = find(Enrollment, id)
    return form_page(enrollment, forms.blank(request.args.get("event", "")[:60]))


@claims.post("/new/<int:id>")
@allow(Role.CLERK, on=Enrollment)
def file(id: int) -> Any:
    enrollment = find(Enrollment, id)
    return _sent(enrollment, None)


@claims.get("/<int:id>/supplement")
@allow(Role.CLERK, on=Claim)
def supplement(id: int) -> Any:
    claim = find(Claim, id)
    if claim.stage != "returned":
        flash("这笔申领不在补正中")
        return redirect(url_for("claims.page", id=id), 303)
    return form_page(claim.enrollment, forms.of_claim(claim), claim=claim)


@claims.post("/<int:id>/supplement")
@allow(Role.CLERK, on=Claim)
def refile(id: int) -> Any:
    claim = find(Claim, id)
    return _sent(claim.enrollment, claim)


def _sent(enrollment: Enrollment, claim: Claim | None) -> Any:
    """A sent form: one more stay, one less, a trial calculation, or the claim itself."""
    typed, act = request.form.to_dict(), request.form.get("act", "file")
    try:
        papers = papers_sent(plan_of(enrollment.edition))
        if act == "file":
            return _filed(enrollment, claim, typed, papers)
    except Refused as refused:
        errors = refused.by_field()
        return form_page(enrollment, typed, claim=claim, errors=errors, papers=kept()), 422
    if act == "add":
        typed = forms.add_stay(typed)
    elif act.startswith("remove-") and act[7:].isdecimal():
        typed = forms.remove_stay(typed, int(act[7:]))
    return form_page(enrollment, typed, claim=claim, papers=papers)


def _filed(
    enrollment: Enrollment,
    claim: Claim | None,
    typed: dict[str, str],
    papers: list[tuple[str, Kept]],
) -> Any:
    said = read(enrollment, typed, claim)
    if said.faults:
        raise Refused.all(said.faults)
    what: dict[str, Any] = {"event": said.event, "stays": said.stays, "facts": said.facts}
    who: dict[str, Any] = {"papers": papers, "by": g.user, "at": clock.now()}
    if claim is None:
        claim = deeds.file_claim(enrollment=enrollment, **what, **who)
        flash(f"申领 {claim.number} 已申报，等待初审")
    else:
        deeds.refile_claim(claim, note=typed.get("note", "").strip()[:500], **what, **who)
        flash("已补正并重新申报，等待初审")
    return redirect(url_for("claims.page", id=claim.id), 303)
