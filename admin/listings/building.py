"""The public site: when it was built, what has changed since, and building it now."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app, flash, g, redirect, render_template, url_for

from huigong import clock
from huigong.access import visible
from huigong.admin.listings import forms
from huigong.admin.lists import Waiting
from huigong.models import AuditEvent, Role
from huigong.site.build import BrokenSite, build
from huigong.workflows import listings as deeds
from huigong.workflows.listings.deeds import CHANGES, SITE_BUILT


def last_built() -> datetime | None:
    """When the site that is served was built, in Beijing time, by the true clock."""
    current = current_app.config["SETTINGS"].public / "current"
    if not current.exists():
        return None
    moment = datetime.fromtimestamp(current.lstat().st_mtime, UTC)
    return moment.astimezone(clock.BEIJING).replace(tzinfo=None, microsecond=0)


def changes_since_built() -> int:
    """How often entries that the user edits were changed or published since the site was built.

    A demonstration's clock stands still, so there what counts is the last build from this screen.
    """
    changes = visible(AuditEvent, Role.EDITOR).where(AuditEvent.deed << CHANGES)
    if not clock.is_fixed():
        return int(changes.where(AuditEvent.at > (last_built() or datetime.min)).count())  # noqa: DTZ901 Beijing time without a zone, as stored
    built = AuditEvent.select().where(AuditEvent.deed == SITE_BUILT)
    last = built.order_by(AuditEvent.id.desc()).first()
    return int(changes.where(AuditEvent.id > last.id).count()) if last else 0


def waiting() -> list[Waiting]:
    """For editors: changes that the public does not see yet."""
    count = changes_since_built()
    return [Waiting(count, "次公众内容的改动还没有发布到网站", url_for("listings.site"))]


def site() -> Any:
    return site_page()


def site_page(fault: str = "") -> Any:
    return render_template(
        "admin/listings/site.html", built=last_built(), changes=changes_since_built(), fault=fault
    )


def build_site() -> Any:
    began, offices, settings = time.monotonic(), forms.offices(), current_app.config["SETTINGS"]
    try:
        built = build(
            settings.public,
            as_of=clock.today(),
            demo=settings.is_demo,
            origin=settings.public_origin,
        )
    except BrokenSite as broken:
        return site_page(str(broken)), 422
    pages, seconds = count_pages(built), time.monotonic() - began
    office = offices[0] if offices else g.user.organization
    deeds.note_site_built(organization=office, pages=pages, by=g.user, at=clock.now())
    flash(f"公众网站已生成并换上：{pages} 页，用时 {seconds:.1f} 秒。")
    return redirect(url_for("listings.site"), 303)


def count_pages(built: Path) -> int:
    return sum(1 for _ in built.resolve().rglob("*.html"))
