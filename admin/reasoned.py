"""A deed that asks for its reason: done, or the page again with what is wrong beside it."""

from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, render_template, request

from huigong import clock
from huigong.refusals import Refused


def do_for_a_reason(
    deed: Callable[..., Any],
    row: Any,
    *,
    page: str,
    said: str,
    to: str,
    field: str = "reason",
    **shown: Any,
) -> Any:
    """Do a deed to a row for the reason that was typed in `field`, say so and go on `to` an
    address; refused, the page again with what it `shown`."""
    form = request.form
    try:
        deed(row, by=g.user, at=clock.now(), **{field: form.get(field, "")})
    except Refused as refused:
        return render_template(page, form=form, errors=refused.by_field(), **shown), 422
    flash(said)
    return redirect(to, 303)
