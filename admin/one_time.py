"""Idempotent forms: each unsafe form carries a one-time key; a double click replays the answer,
and waits for it while the first click is still at work."""

import time
from datetime import timedelta
from typing import Any

from flask import Response, g, redirect, render_template, request
from flask.globals import request_ctx
from peewee import IntegrityError

from huigong import clock
from huigong.database import writes
from huigong.models import FormKey

FIELD = "form_key"
PATIENCE = timedelta(seconds=5)  # that a second sending waits for the answer of the first
_GIVEN_UP_AFTER = timedelta(minutes=10)  # a process that died mid-deed never answers
_FORGOTTEN_AFTER = timedelta(days=1)  # longer than any session lives


def replay() -> Any:
    """Before an unsafe request: claim its key, or answer as the first sending was answered."""
    g.form_key = None
    key = request.form.get(FIELD, "")[:64] if request.method == "POST" else ""
    if not key or g.session is None or request.endpoint is None:
        return None
    until = time.monotonic() + PATIENCE.total_seconds()
    while g.form_key is None:
        try:
            g.form_key = _claim(key)
        except IntegrityError:
            first = FormKey.get_or_none(FormKey.key == key)
            if first is None and time.monotonic() < until:
                continue  # refused meanwhile: its key is free, and this sending is as good
            if first is None:
                raise  # it is not the key that cannot be kept
            if first.session_id == g.session.id and first.location:
                return redirect(first.location, 303)
            if first.session_id != g.session.id or time.monotonic() > until:
                return render_template("admin/errors/underway.html", back=asked_at()), 409
            time.sleep(0.1)
    return None


def asked_at() -> str | None:
    """Where the form stands, if it does so at the address that takes it."""
    adapter = request_ctx.url_adapter
    found = adapter is not None and adapter.test(request.path, method="GET")
    return request.path if found else None


@writes
def _claim(key: str) -> FormKey:
    now = clock.real_now()
    given_up = FormKey.location.is_null() & (FormKey.begun_at < now - _GIVEN_UP_AFTER)
    FormKey.delete().where(given_up | (FormKey.begun_at < now - _FORGOTTEN_AFTER)).execute()
    return FormKey.create(key=key, session=g.session, endpoint=request.endpoint, begun_at=now)


def remember(response: Response) -> Response:
    """After it: keep a redirect for replay; free the key of anything else, so it can be retried."""
    claimed: FormKey | None = g.get("form_key")
    if claimed is not None:
        _settle(claimed, response.location if response.status_code == 303 else None)
        g.form_key = None
    return response


@writes
def _settle(claimed: FormKey, location: str | None) -> None:
    if location:
        FormKey.update(location=location).where(FormKey.id == claimed.id).execute()
    else:
        FormKey.delete().where(FormKey.id == claimed.id).execute()
