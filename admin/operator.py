"""Files for a scheme's operator: whom we enrolled goes out, its answer comes back."""

import io
from datetime import date
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)

from huigong import clock, uploads
from huigong.access import allow, find, holds, visible
from huigong.models import Edition, Role, Roster, Scheme
from huigong.plans.vocabulary import OPERATORS
from huigong.refusals import Refused
from huigong.workflows.enrollment import operator as deeds

operator = Blueprint("operator", __name__, url_prefix="/admin")

HANDLERS = (Role.REVIEWER, Role.FINANCE, Role.ADMINISTRATOR)
FAULTS_SHOWN = 50
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _run_here(scheme: Scheme) -> Scheme:
    """A scheme that the signed-in user's own level runs; those below only see that it exists."""
    return scheme if holds(*HANDLERS, at=scheme.organization) else abort(404)


@operator.get("/operator")
@allow(*HANDLERS, on=Scheme, menu=(35, "承办方文件"))
def index() -> Any:
    schemes = [s for s in visible(Scheme) if holds(*HANDLERS, at=s.organization)]
    latest = {
        e.scheme_id: OPERATORS[e.plan["operator"]]
        for e in Edition.select().where(Edition.scheme << schemes).order_by(Edition.enrolled_from)
        if e.plan
    }
    return render_template("admin/operator/index.html", schemes=schemes, operators=latest)


@operator.get("/operator/<int:id>")
@allow(*HANDLERS, on=Scheme)
def page(id: int) -> Any:
    return _page(_run_here(find(Scheme, id)), {}, [])


def _page(scheme: Scheme, form: Any, faults: list[tuple[str, str]]) -> str:
    layout = deeds.layout_of(scheme)
    chosen = {name: (place, title) for place, (name, title) in enumerate(layout, 1)}
    today = clock.today()
    return render_template(
        "admin/operator/page.html", scheme=scheme, form=form, fields=deeds.FIELDS, chosen=chosen,
        errors=Refused.all(faults[:1]).by_field() if faults else {},
        faults=[message for _, message in faults[:FAULTS_SHOWN]] if len(faults) > 1 else [],
        first=today.replace(day=1), last=today,
    )  # fmt: skip


@operator.get("/operator/<int:id>/layout")
@allow(*HANDLERS, on=Scheme)
def layout(id: int) -> Any:
    return _page(_run_here(find(Scheme, id)), {}, [])


@operator.post("/operator/<int:id>/layout")
@allow(*HANDLERS, on=Scheme)
def save(id: int) -> Any:
    scheme, form = _run_here(find(Scheme, id)), request.form
    placed = sorted(
        (int(place), name)
        for name in deeds.FIELDS
        if (place := form.get(f"place-{name}", "").strip()[:3]).isdecimal()
    )
    columns = [(name, form.get(f"title-{name}", "").strip()) for _, name in placed]
    try:
        deeds.save_layout(scheme, columns=columns, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(scheme, form, refused.faults), 422
    flash("已保存承办方文件的列")
    return redirect(url_for("operator.page", id=id), 303)


@operator.post("/operator/<int:id>/out")
@allow(*HANDLERS, on=Scheme)
def out(id: int) -> Any:
    """The workbook with full numbers; a POST, because taking it is logged."""
    scheme, form = _run_here(find(Scheme, id)), request.form
    try:
        first, last = _day("first"), _day("last")
        deeds.hand_out(scheme, first=first, last=last, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(scheme, form, refused.faults), 422
    book = io.BytesIO()
    deeds.write_out(scheme, first, last, book)
    book.seek(0)
    name = f"{scheme.name}-参保-{first}至{last}.xlsx"
    return send_file(book, mimetype=_XLSX, as_attachment=True, download_name=name, max_age=0)


def _day(field: str) -> date:
    try:
        return date.fromisoformat(request.form.get(field, ""))
    except ValueError:
        raise Refused(field, "请填写日期，如 2025-01-01") from None


@operator.post("/operator/<int:id>/answer")
@allow(*HANDLERS, on=Scheme)
def answer(id: int) -> Any:
    scheme, upload = _run_here(find(Scheme, id)), request.files.get("file")
    folder, kept = current_app.config["SETTINGS"].files, None
    try:
        if upload is None or not upload.filename:
            raise Refused("file", "请选择承办方发回的文件")
        kept = uploads.keep(
            folder, upload.stream, name=upload.filename, field="file", limit=uploads.ROSTER_LIMIT
        )
        with uploads.open_kept(folder, kept.file) as file:
            yes, no = deeds.take_answer(scheme, file=file, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(scheme, request.form, refused.faults), 422
    finally:
        if kept is not None:
            uploads.drop(folder, kept.file)
    flash(f"已登记回执：承保 {yes} 人，未承保 {no} 人")
    return redirect(url_for("operator.page", id=id), 303)


@operator.get("/rosters/<int:id>/operator")
@allow(Role.CLERK, Role.AUDITOR, *HANDLERS, on=Roster)
def roster(id: int) -> Any:
    found = find(Roster, id)
    accepted, rejected = deeds.answered(found)
    return render_template(
        "admin/operator/roster.html", roster=found, accepted=accepted, rejected=rejected
    )
