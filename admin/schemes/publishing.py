"""Publishing a draft: a second person sees the whole difference and the hash, then fixes it."""

from difflib import unified_diff
from typing import Any

from flask import current_app, flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find, visible
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


@schemes.get("/drafts/<int:number>/publication")
@allow(DRAFTERS, on=DraftEdition)
def publication(number: int) -> Any:
    return _page(find(DraftEdition, number), {})


@schemes.post("/drafts/<int:number>/publication")
@allow(DRAFTERS, on=DraftEdition)
def publish(number: int) -> Any:
    seen = request.form.get("seen", "")
    if done := _published_already(number, seen):
        flash(f"这份草稿已经发布为 {done.code}，没有重复发布。")
        return redirect(url_for("schemes.page", id=done.id), 303)
    draft = find(DraftEdition, number)
    try:
        edition = deeds.publish_draft(draft, seen=seen, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(draft, refused.by_field()), 422
    flash(f"已发布 {edition.code}，从现在起不再改动。{_rebuild_site(edition)}")
    return redirect(url_for("schemes.page", id=edition.id), 303)


def _published_already(number: int, seen: str) -> Edition | None:
    """The edition that a draft which is gone became, when it is the one that was looked at: sent
    again from another tab, or after the first sending's answer was lost."""
    if DraftEdition.get_or_none(DraftEdition.id == number) is not None:
        return None
    return visible(Edition, DRAFTERS).where(Edition.plan_hash == seen).first()  # type: ignore[no-any-return]


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
    """Build the public site with the new edition. The edition is published whatever becomes of
    that: what went wrong is logged, and the page says what the public does not see yet."""
    settings = current_app.config["SETTINGS"]
    try:
        built = build(
            settings.public, as_of=clock.today(), demo=settings.is_demo,
            origin=settings.public_origin,
        )  # fmt: skip
        pages = sum(1 for _ in built.resolve().rglob("*.html"))
        listings.note_site_built(
            organization=edition.organization, pages=pages, by=g.user, at=clock.now()
        )
    except Exception as wrong:  # the office's page must not say that nothing was saved
        current_app.logger.exception("the site was not rebuilt after publishing")
        why = f"：{wrong}" if isinstance(wrong, BrokenSite) else "，原因已记入日志，请告诉管理员"
        return (
            f"公众网站没有更新{why}。这一版已经生效；编辑在“公众内容”里重新生成网站，"
            "或次日系统自动重新生成后，公众才能看到。"
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
