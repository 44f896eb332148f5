"""Filing a claim: find the member, fill in the form beside its calculation, file it."""

from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from peewee import ModelSelect

from huigong import clock, identity, uploads
from huigong.access import allow, find, visible
from huigong.admin.claims import forms
from huigong.admin.claims.room import PAPERS, claims
from huigong.admin.lists import page_of
from huigong.models import Claim, ClaimEvent, Document, Edition, Enrollment, Member, Role
from huigong.plans.vocabulary import SILENT, STAY
from huigong.refusals import Refused
from huigong.uploads import Kept
from huigong.workflows import claims as deeds
from huigong.workflows import funding
from huigong.workflows.schemes import plan_of


@claims.get("/new")
@allow(Role.CLERK, on=Enrollment)
def new() -> Any:
    asked = request.args.get("q", "").strip()[:50]
    page = page_of(_covered(asked), size=20) if asked else None
    in_force = (
        {row.id: funding.in_force_on(row, row.cover_from) for row in page.rows} if page else {}
    )
    return render_template("admin/claims/new.html", asked=asked, page=page, in_force=in_force)


def _covered(asked: str) -> ModelSelect:
    """Enrollments by the member's name or pinyin initials, last four of the ID, or certificate."""
    text = identity.plain_text(asked).strip().upper()
    found = Member.name.contains(asked) | (Enrollment.certificate == text)
    if text.isascii() and text.isalpha():
        found |= Member.pinyin.startswith(text.lower())
    if len(text) == 4 and text[:3].isdecimal():
        found |= Member.tail_index == Member.index_of_tail(text)
    query = visible(Enrollment).select(Enrollment, Member, Edition).join(Member)
    query = query.join_from(Enrollment, Edition).where(found)
    return query.order_by(Member.pinyin, Member.name, Enrollment.cover_from.desc())


@dataclass(frozen=True)
class Trial:
    """The calculation beside the form: steps in words, fen, and what still stands against it."""

    steps: list[dict[str, Any]]
    benefit: int | None
    faults: list[str]
    warning: str


@claims.get("/new/<int:id>")
@allow(Role.CLERK, on=Enrollment)
def start(id: int) -> Any:
    return _form_page(find(Enrollment, id), forms.blank())


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
    return _form_page(claim.enrollment, forms.of_claim(claim), claim=claim)


@claims.post("/<int:id>/supplement")
@allow(Role.CLERK, on=Claim)
def refile(id: int) -> Any:
    claim = find(Claim, id)
    return _sent(claim.enrollment, claim)


def _sent(enrollment: Enrollment, claim: Claim | None) -> Any:
    """A sent form: one more stay, one less, a trial calculation, or the claim itself."""
    typed, act = request.form.to_dict(), request.form.get("act", "file")
    try:
        papers = _papers_sent(enrollment, claim)
        if act == "file":
            return _filed(enrollment, claim, typed, papers)
    except Refused as refused:
        errors = refused.by_field()
        return _form_page(enrollment, typed, claim=claim, errors=errors, papers=_kept()), 422
    if act == "add":
        typed = forms.add_stay(typed)
    elif act.startswith("remove-") and act[7:].isdecimal():
        typed = forms.remove_stay(typed, int(act[7:]))
    return _form_page(enrollment, typed, claim=claim, papers=papers)


def _filed(
    enrollment: Enrollment,
    claim: Claim | None,
    typed: dict[str, str],
    papers: list[tuple[str, Kept]],
) -> Any:
    said = forms.read(plan_of(enrollment.edition), typed)
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


def _form_page(
    enrollment: Enrollment,
    typed: dict[str, str],
    *,
    claim: Claim | None = None,
    errors: dict[str, str] | None = None,
    papers: list[tuple[str, Kept]] | None = None,
) -> str:
    try:
        plan = plan_of(enrollment.edition)
    except Refused as refused:
        return render_template(
            "admin/claims/stopped.html", enrollment=enrollment, message=str(refused)
        )
    asked = deeds.required_papers(plan, typed.get("event"))
    return render_template(
        "admin/claims/form.html",
        enrollment=enrollment, member=enrollment.member, claim=claim, typed=typed,
        errors=errors or {}, count=forms.count_of(typed), claim_fields=forms.claim_fields(plan),
        stay_fields=forms.stay_fields(plan), part_fields=forms.part_fields(plan),
        has_stays=typed.get("event", STAY) in (STAY, ""), pays=bool(plan["benefit"]),
        kinds=[paper["name"] for paper in asked] or list(PAPERS), stated=bool(asked),
        there=_there(claim), papers=papers or [], seal=_seal().dumps, silent=SILENT,
        trial=trial(enrollment, plan, typed, claim), returned=_last_return(claim),
    )  # fmt: skip


def _there(claim: Claim | None) -> list[Document]:
    return list(claim.documents.order_by(Document.id)) if claim else []


def _last_return(claim: Claim | None) -> ClaimEvent | None:
    if claim is None:
        return None
    events = ClaimEvent.select().where(ClaimEvent.claim == claim, ClaimEvent.kind == "returned")
    last: ClaimEvent | None = events.order_by(ClaimEvent.id.desc()).first()
    return last


def trial(
    enrollment: Enrollment, plan: dict[str, Any], typed: dict[str, str], claim: Claim | None
) -> Trial:
    """What the form would be reckoned at now, and what would be refused."""
    said, today = forms.read(plan, typed), clock.today()
    faults = [message for _, message in said.faults] + [
        message
        for _, message in deeds.faults(
            enrollment, said.event, said.stays, facts=said.facts, on=today, claim=claim
        )
    ]
    on = claim.filed_on if claim else today
    found = deeds.reckon(
        enrollment, said.event, said.stays, on=on, facts=said.facts, claim=claim
    ).claims[-1]
    if found.refused or said.faults:
        return Trial([], None, list(dict.fromkeys(faults)), "")
    steps = deeds.worded(plan, found.steps)
    return Trial(steps, found.benefit, list(dict.fromkeys(faults)), _confused(said.stays))


def _confused(stays: list[dict[str, Any]]) -> str:
    """A likely slip that the sums cannot show: the in-scope remainder typed from another line."""
    for number, stay in enumerate(stays, 1):
        given = stay.get("in_scope")
        for name, words in (("cash", "现金支付"), ("out_of_catalogue", "自费（目录外）")):
            if given and given == stay.get(name):
                return (
                    f"第{number}次住院的“符合医保政策剩余”与“{words}”金额相同，"
                    "两者通常不同，请对照结算单核实。"
                )
    return ""


# ── Papers: kept when they arrive, so that a refused form does not ask for them again ──


def _seal() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"paper-{g.user.id}")


def _papers_sent(enrollment: Enrollment, claim: Claim | None) -> list[tuple[str, Kept]]:
    """Papers kept before and papers just sent. Refuses a file that is no PDF, JPG or PNG."""
    g.papers = _sealed_papers()
    folder = current_app.config["SETTINGS"].files
    for field, kind in _kinds_of(enrollment, claim).items():
        for sent in request.files.getlist(field):
            if sent.filename:
                kept = uploads.keep_paper(folder, sent.stream, name=sent.filename, field=field)
                g.papers.append((kind, kept))
    return _kept()


def _kinds_of(enrollment: Enrollment, claim: Claim | None) -> dict[str, str]:
    asked = deeds.required_papers(plan_of(enrollment.edition), request.form.get("event"))
    kinds = [paper["name"] for paper in asked] or list(PAPERS)
    fields = {f"paper-{number}": kind for number, kind in enumerate(kinds)}
    return {**fields, "paper-other": "其他材料"}


def _kept() -> list[tuple[str, Kept]]:
    return list(g.get("papers") or [])


def _sealed_papers() -> list[tuple[str, Kept]]:
    """Papers that an earlier sending of this form kept; their marks are signed for this user."""
    papers = []
    for text in request.form.getlist("kept")[:60]:
        try:
            kind, *parts = _seal().loads(text)
        except BadSignature:
            abort(400)
        papers.append((kind, Kept(*parts)))
    return papers
