"""A draft that somebody published or discarded while another was typing into it: who did, where to
go, and what was typed as a draft of its own."""

from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import holds, visible
from huigong.admin.schemes.room import DRAFTERS
from huigong.models import AuditEvent, Edition
from huigong.plans.typed import Sheet
from huigong.refusals import Refused
from huigong.workflows import drafting as deeds


def answer(number: int, sheet: Sheet | None) -> Any:
    """Answer a form sent to a draft that is no more: the page that says so, or, asked for that,
    the new draft of what was typed. `sheet` is None where it was TOML."""
    end = deeds.ending_of(number)
    if end is None or end.organization is None or not holds(DRAFTERS, at=end.organization):
        abort(404)
    edition = _edition(end)
    if request.form.get("do") == "anew" and sheet is not None:
        try:
            draft = deeds.begin_draft(
                organization=end.organization, basis=edition, sheet=sheet, by=g.user,
                at=clock.now(),
            )  # fmt: skip
        except Refused as refused:
            return _page(end, edition, str(refused)), 422
        flash("已用您填写的内容另起草稿，请改好编号和起止日期")
        return redirect(url_for("schemes.edit", id=draft.id), 303)
    return _page(end, edition, ""), 200 if request.headers.get("HX-Request") else 409


def _edition(end: AuditEvent) -> Edition | None:
    """What the draft became, if it was published."""
    if end.deed != deeds.PUBLISHED:
        return None
    return visible(Edition).where(Edition.code == end.detail).first()  # type: ignore[no-any-return]


def _page(end: AuditEvent, edition: Edition | None, wrong: str) -> str:
    typed = [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name not in ("csrf_token", "form_key", "do", "version")
    ]
    return render_template(
        "admin/schemes/gone.html", end=end, edition=edition, typed=typed, wrong=wrong,
        toml=request.form.get("toml"),
    )  # fmt: skip
