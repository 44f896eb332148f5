"""Correcting a member's data: phone and card at once, the resident ID with proof by two people."""

from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)

from huigong import clock, identity, uploads
from huigong.access import allow, find
from huigong.admin import papers
from huigong.admin.lists import Order, Waiting, beside, page_of, waiting_for_me
from huigong.models import IdCorrection, Member, Organization, Role, User
from huigong.refusals import Refused
from huigong.workflows import corrections as deeds

corrections = Blueprint("corrections", __name__, url_prefix="/admin")

STAGES = {
    "asked": ("等待审核", "wait"),
    "approved": ("已更正", "good"),
    "refused": ("不同意", "bad"),
}


def waiting() -> list[Waiting]:
    """Requests to correct an ID that wait for a reviewer who did not make them."""
    asked = (IdCorrection.stage == "asked", beside(IdCorrection.asked_by != g.user))
    count = waiting_for_me(IdCorrection, *asked, roles=[Role.REVIEWER])
    return [Waiting(count, "件身份证更正待审核", url_for("corrections.index"))]


@corrections.get("/members/<int:id>/correct")
@allow(Role.CLERK, on=Member)
def edit(id: int) -> Any:
    return _edit_page(find(Member, id), {}, {})


def _edit_page(member: Member, form: Any, errors: dict[str, str]) -> str:
    return render_template("admin/members/correct.html", member=member, form=form, errors=errors)


@corrections.post("/members/<int:id>/correct")
@allow(Role.CLERK, on=Member)
def correct(id: int) -> Any:
    member, form = find(Member, id), request.form
    given = {name: form.get(name, "")[:60] for name in deeds.COLUMNS}
    try:
        changed = deeds.correct_member(member, by=g.user, at=clock.now(), **given)
    except Refused as refused:
        return _edit_page(member, form, refused.by_field()), 422
    flash("已更正：" + "、".join(deeds.COLUMNS[name] for name in changed))
    card = identity.normalize_bank_card(given["bank_card"])
    if warning := identity.bank_card_warning(card):
        flash(f"银行卡号{warning}")
    return redirect(url_for("members.page", id=id), 303)


@corrections.get("/members/<int:id>/correct-id")
@allow(Role.CLERK, on=Member)
def ask(id: int) -> Any:
    return _ask_page(find(Member, id), {}, {})


def _ask_page(member: Member, form: Any, errors: dict[str, str]) -> str:
    return render_template("admin/members/correct_id.html", member=member, form=form, errors=errors)


@corrections.post("/members/<int:id>/correct-id")
@allow(Role.CLERK, on=Member)
def ask_now(id: int) -> Any:
    member, form, sent = find(Member, id), request.form, request.files.get("proof")
    folder, kept = current_app.config["SETTINGS"].files, None
    try:
        if sent is not None and sent.filename:
            kept = uploads.keep_paper(folder, sent.stream, name=sent.filename, field="proof")
        deeds.ask_id_correction(
            member, resident_id=form.get("resident_id", "")[:40], reason=form.get("reason", ""),
            proof=kept, by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        if kept:
            uploads.drop(folder, kept.file)
        return _ask_page(member, form, refused.by_field()), 422
    flash("身份证更正申请已提交，由另一人审核后生效")
    number = identity.normalize_id(form.get("resident_id", "")[:40])
    if doubt := identity.region_warning(number):
        flash(f"身份证号{doubt}")
    return redirect(url_for("members.page", id=id), 303)


@corrections.get("/id-corrections")
@allow(Role.CLERK, Role.REVIEWER, Role.AUDITOR, on=IdCorrection)
def index() -> Any:
    shown = IdCorrection.select(IdCorrection, Member, Organization, User)
    shown = shown.join_from(IdCorrection, Member).join_from(IdCorrection, Organization)
    shown = shown.join_from(IdCorrection, User, on=IdCorrection.asked_by)
    order = Order((IdCorrection.stage == "asked", IdCorrection.id), descending=True)
    page = page_of(IdCorrection, order, shown=shown)
    return render_template("admin/members/corrections.html", page=page, stages=STAGES)


@corrections.get("/id-corrections/<int:id>")
@allow(Role.REVIEWER, on=IdCorrection)
def decision(id: int) -> Any:
    return _decision_page(find(IdCorrection, id), {}, {})


def _decision_page(asked: IdCorrection, form: Any, errors: dict[str, str]) -> str:
    doubt = identity.region_warning(asked.opened("resident_id"))
    return render_template(
        "admin/members/correction.html",
        asked=asked, doubt=doubt, form=form, errors=errors, stages=STAGES,
    )  # fmt: skip


@corrections.post("/id-corrections/<int:id>")
@allow(Role.REVIEWER, on=IdCorrection)
def decide(id: int) -> Any:
    asked, form = find(IdCorrection, id), request.form
    try:
        if form.get("verdict") not in ("approve", "refuse"):
            raise Refused("verdict", "请选择同意或不同意")
        deeds.decide_id_correction(
            asked, approve=form["verdict"] == "approve", note=form.get("note", ""),
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _decision_page(asked, form, refused.by_field()), 422
    flash("已审核身份证更正申请")
    return redirect(url_for("corrections.index"), 303)


@corrections.get("/id-corrections/<int:id>/proof")
@allow(Role.REVIEWER, Role.AUDITOR, on=IdCorrection)
def proof(id: int) -> Any:
    asked = find(IdCorrection, id)
    opened = papers.handed(asked.proof, asked.proof_name)
    deeds.read_proof(asked, by=g.user, at=clock.now())
    return opened
