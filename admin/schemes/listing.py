"""The editions that hold for the signed-in user's organizations, each in plain words."""

from typing import Any

from flask import Response, redirect, render_template, url_for

from huigong import clock, explain
from huigong.access import EVERY_ROLE, allow, find, visible
from huigong.admin.schemes.room import drafts, is_drafter, own_editions, schemes
from huigong.models import Edition, Organization, Scheme
from huigong.plans import dump
from huigong.workflows import schemes as deeds


@schemes.get("")
@allow(*EVERY_ROLE, on=Edition, menu=(60, "互助计划"))
def index() -> Any:
    rows = visible(Edition).select(Edition, Scheme, Organization)
    rows = rows.join_from(Edition, Scheme).join_from(Edition, Organization)
    editions = list(rows.order_by(Organization.path, Scheme.name, Edition.enrolled_from.desc()))
    states = {edition.id: _state(edition) for edition in editions}
    return render_template(
        "admin/schemes/index.html",
        editions=editions, states=states, is_drafter=is_drafter(), drafts=list(drafts()),
    )  # fmt: skip


@schemes.get("/<int:id>")
@allow(*EVERY_ROLE, on=Edition)
def page(id: int) -> Any:
    edition = find(Edition, id)
    damaged = deeds.damage(edition)
    sections = [] if damaged else explain.policy_words(edition.plan)
    return render_template(
        "admin/schemes/page.html",
        edition=edition, damaged=damaged, sections=sections, state=_state(edition),
        may_draft=not damaged and edition in own_editions(),
    )  # fmt: skip


@schemes.get("/<int:id>/file")
@allow(*EVERY_ROLE, on=Edition)
def file(id: int) -> Any:
    edition = find(Edition, id)
    if deeds.damage(edition):
        return redirect(url_for("schemes.page", id=id), 303)  # which says what is wrong
    return toml_file(dump(edition.plan), edition.code)


def toml_file(text: str, code: str) -> Response:
    """A scheme's TOML as a download."""
    return Response(
        text,
        mimetype="application/toml",
        headers={"Content-Disposition": f'attachment; filename="{code}.toml"'},
    )


def _state(edition: Edition) -> tuple[str, str]:
    """Whether people may be enrolled under it today, in words, and the badge's kind."""
    day = clock.today()
    if deeds.damage(edition):
        return "规则已损坏，已停用", "bad"
    if edition.enrolls_on(day):
        return "正在参保", "good"
    return ("参保尚未开始", "wait") if day < edition.enrolled_from else ("参保已截止", "done")
