"""Publishing a draft: a second person sees the whole difference and the hash, then fixes it."""

from difflib import unified_diff
from typing import Any

from flask import current_app, flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find
from huigong.admin.lists import Waiting
from huigong.admin.schemes.review import Review, review
from huigong.admin.schemes.room import DRAFTERS, drafts, schemes
from huigong.models import DraftEdition, Edition
from huigong.plans import dump
from huigong.plans.typed import tidy
from huigong.refusals import Refused
from huigong.site.build import BrokenSite, build
from huigong.workflows import drafting as deeds
from huigong.workflows.listings import deeds as listings


@schemes.get("/drafts/<int:id>/publication")
@allow(DRAFTERS, on=DraftEdition)
def publication(id: int) -> Any:
    return _page(find(DraftEdition, id), {})


@schemes.post("/drafts/<int:id>/publication")
@allow(DRAFTERS, on=DraftEdition)
def publish(id: int) -> Any:
    draft = find(DraftEdition, id)
    try:
        seen = request.form.get("seen", "")
        edition = deeds.publish_draft(draft, seen=seen, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(draft, refused.by_field()), 422
    flash(f"已发布 {edition.code}，从现在起不再改动。{_rebuild_site(edition)}")
    return redirect(url_for("schemes.page", id=edition.id), 303)


def _page(draft: DraftEdition, errors: dict[str, str]) -> str:
    seen = review(draft, tidy(draft.sheet))
    return render_template(
        "admin/schemes/publication.html",
        draft=draft, seen=seen, errors=errors, wrote=g.user.id in draft.writers,
        lines=_line_by_line(seen),
    )  # fmt: skip


def _line_by_line(seen: Review) -> list[str]:
    """The two files' lines that differ, as programmers compare them: nothing can hide there."""
    if seen.plan is None or seen.former is None:
        return []
    old, new = dump(seen.former.plan).splitlines(), dump(seen.plan).splitlines()
    return list(unified_diff(old, new, seen.former.code, seen.plan["id"], lineterm="", n=1))


def _rebuild_site(edition: Edition) -> str:
    """Build the public site with the new edition; when that fails the editor builds it later."""
    settings = current_app.config["SETTINGS"]
    try:
        built = build(settings.public, as_of=clock.today(), demo=settings.is_demo)
    except (BrokenSite, OSError) as wrong:
        current_app.logger.exception("the site was not rebuilt after publishing")
        return f"公众网站没有更新（{wrong}），请编辑在“公众内容”里重新生成网站。"
    pages = sum(1 for _ in built.resolve().rglob("*.html"))
    listings.note_site_built(
        organization=edition.organization, pages=pages, by=g.user, at=clock.now()
    )
    return f"公众网站已更新，共 {pages} 页。"


def waiting() -> list[Waiting]:
    """For reviewers: sound drafts that others wrote and they may publish."""
    ready = [
        draft
        for draft in drafts()
        if g.user.id not in draft.writers
        and deeds.check(tidy(draft.sheet), draft.organization).plan is not None
    ]
    return [Waiting(len(ready), "份互助计划草稿可以发布", url_for("schemes.index"))]
