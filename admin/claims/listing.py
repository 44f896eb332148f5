"""The list of claims, one claim's page, its papers, and what waits for whom."""

from typing import Any

from flask import abort, current_app, g, render_template, request, send_file, url_for
from peewee import ModelSelect

from huigong import clock, explain
from huigong.access import allow, find, holds, visible
from huigong.admin.claims.room import EVENTS, STAGES, claims, next_step
from huigong.admin.lists import Waiting, ordered, page_of
from huigong.models import (
    Claim,
    ClaimEvent,
    Decision,
    Document,
    Edition,
    Enrollment,
    Member,
    Organization,
    Role,
    Scheme,
    Stay,
)
from huigong.plans.vocabulary import PARTS
from huigong.refusals import Refused
from huigong.workflows import claims as deeds
from huigong.workflows.schemes import plan_of

READERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR)


def waiting() -> list[Waiting]:
    """What waits for a clerk (returned claims) and a reviewer (first reviews, decisions)."""
    asked = [
        (visible(Claim, Role.CLERK).where(Claim.stage == "returned"), "returned", "件申领待补正"),
        (_for_me("review"), "review", "件申领待初审"),
        (_for_me("decide"), "decide", "件申领待复审"),
    ]
    return [
        Waiting(query.count(), words, url_for("claims.index", stage=stage))
        for query, stage, words in asked
    ]


def _for_me(todo: str) -> ModelSelect:
    """The claims a reviewer may first-review or decide: not those they filed or reviewed."""
    mine = ClaimEvent.select(ClaimEvent.claim).where(
        ClaimEvent.by == g.user, ClaimEvent.kind << ("filed", "refiled")
    )
    query = visible(Claim, Role.REVIEWER).where(Claim.filed_by != g.user, Claim.id.not_in(mine))
    if todo == "review":
        return query.where(Claim.stage == "filed")
    return query.where(Claim.stage == "reviewed", Claim.first_reviewer != g.user)


@claims.get("")
@allow(*READERS, on=Claim, menu=(40, "申领"))
def index() -> Any:
    stage, scheme = request.args.get("stage", ""), request.args.get("scheme", "")
    asked = request.args.get("q", "").strip()[:50]
    query = _for_me(stage) if stage in ("review", "decide") else visible(Claim)
    query = _narrowed(query, stage, scheme, asked)
    columns = {"number": Claim.id, "filed": Claim.filed_on, "amount": Claim.computed}
    page = page_of(ordered(query, columns, default="-number"))
    return render_template(
        "admin/claims/index.html",
        page=page, stage=stage, scheme=scheme, asked=asked, stages=STAGES,
        scheme_options=list(_scheme_options()),
        awards=_awards(page.rows), target=_target(stage),
        filtered=bool(stage or scheme or asked), may_file=holds(Role.CLERK),
    )  # fmt: skip


def _scheme_options() -> Any:
    return visible(Scheme).select(Scheme.id, Scheme.name).order_by(Scheme.name).tuples()


def _target(stage: str) -> str:
    """Where a row of the list leads: straight to the work when the list is a queue."""
    return {"review": "claims.review", "decide": "claims.decision"}.get(stage, "claims.page")


def _narrowed(query: ModelSelect, stage: str, scheme: str, asked: str) -> ModelSelect:
    query = (
        query.select(Claim, Member, Organization, Enrollment, Edition)
        .join_from(Claim, Member)
        .join_from(Claim, Organization)
        .join_from(Claim, Enrollment)
        .join(Edition)
    )
    if stage in STAGES:
        query = query.where(Claim.stage == stage)
    if scheme.isdecimal() and len(scheme) < 9:
        query = query.where(Edition.scheme == int(scheme))
    if asked:
        named = Member.name.contains(asked) | Organization.name.contains(asked)
        query = query.where(named | Claim.number.contains(asked.upper()))
    return query


def _awards(rows: list[Claim]) -> dict[int, int]:
    decided = Decision.select().where(Decision.claim << [row.id for row in rows])
    return {decision.claim_id: decision.amount for decision in decided}


@claims.get("/<int:id>")
@allow(*READERS, on=Claim)
def page(id: int) -> Any:
    return render_template("admin/claims/page.html", **shown(find(Claim, id)))


def shown(claim: Claim) -> dict[str, Any]:
    """What a page about one claim shows. A decided claim shows its decision's own steps."""
    decision = Decision.get_or_none(Decision.claim == claim)
    steps, benefit, stopped = _steps(claim, decision)
    return {
        "claim": claim,
        "member": claim.member,
        "enrollment": claim.enrollment,
        "edition": claim.enrollment.edition,
        "decision": decision,
        "steps": steps,
        "benefit": benefit,
        "stopped": stopped,
        "stays": list(Stay.select().where(Stay.claim == claim).order_by(Stay.number)),
        "papers": list(Document.select().where(Document.claim == claim).order_by(Document.id)),
        "missing": [] if stopped else deeds.missing_papers(claim),
        "events": list(
            ClaimEvent.select().where(ClaimEvent.claim == claim).order_by(ClaimEvent.id)
        ),
        "next_step": next_step(claim),
        "parts": PARTS,
        "stages": STAGES,
        "event_names": EVENTS,
        "fact_words": explain.value_words,
    }


def _steps(claim: Claim, decision: Decision | None) -> tuple[list[dict[str, Any]], int, str]:
    """(steps in words, fen, what stops the reckoning). A damaged plan stops only the reckoning."""
    if decision is not None:
        return decision.explanation, decision.computed, ""
    try:
        said = deeds.reckon_claim(claim)
        plan = plan_of(claim.enrollment.edition)
    except Refused as refused:
        return [], 0, str(refused)
    stopped = "；".join(no.message for no in said.refused)
    return deeds.worded(plan, said.steps), said.benefit, stopped


@claims.get("/<int:id>/papers/<int:paper>")
@allow(Role.CLERK, Role.REVIEWER, Role.AUDITOR, on=Claim)
def paper(id: int, paper: int) -> Any:
    document = find(Document, paper)
    if document.claim_id != id:
        abort(404)
    deeds.read_paper(document, by=g.user, at=clock.now())
    folder = current_app.config["SETTINGS"].files
    return send_file(
        folder / document.file,
        mimetype="application/octet-stream",
        as_attachment=True,
        download_name=document.name,
    )
