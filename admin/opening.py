"""What happened before the city began with us, from its workbooks: 期初."""

import io
from typing import Any

from flask import (
    Blueprint,
    Response,
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
from werkzeug.datastructures import FileStorage

from huigong import clock, uploads
from huigong.access import allow, find, visible
from huigong.admin import background
from huigong.admin.lists import Waiting, beside, newest, page_of, waiting_for_me
from huigong.models import Level, Opening, Organization, Role
from huigong.refusals import Refused
from huigong.sheets import write_workbook
from huigong.workflows.enrollment import opening as deeds
from huigong.workflows.enrollment import opening_jobs
from huigong.workflows.enrollment.opening_sheets import KINDS, template_columns

opening = Blueprint("opening", __name__, url_prefix="/admin")

BOOKED_AT_ONCE = 2000  # rows
STAGES = {
    "reading": ("正在校对", "wait"),
    "checked": ("待复核", "wait"),
    "booked": ("已入账", "good"),
    "withdrawn": ("已撤回", "done"),
}
FAULTS_SHOWN = 100
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def waiting() -> list[Waiting]:
    """Openings that somebody else kept and that wait to be booked."""
    kept = (Opening.stage == "checked", beside(Opening.by != g.user))
    count = waiting_for_me(Opening, *kept, roles=[Role.ADMINISTRATOR])
    return [Waiting(count, "份期初数据待复核", url_for("opening.index"))]


@opening.get("/opening")
@allow(Role.ADMINISTRATOR, on=Opening, menu=(82, "期初数据"))
def index() -> Any:
    return _index_page({}, None)


def _cities() -> list[Any]:
    cities = visible(Organization).where(Organization.level == Level.CITY)
    return list(cities.order_by(Organization.pinyin).limit(50))


def _index_page(form: Any, refused: Refused | None) -> str:
    """The list and the form; what is wrong stands beside its field, rows stand in a list."""
    told = refused.faults if refused else []
    beside = len({field for field, _ in told}) == len(told)
    faults = [] if beside else [message for _, message in told]
    return render_template(
        "admin/opening/index.html",
        page=page_of(Opening, newest(Opening)),
        cities=[(city.id, city.name) for city in _cities()], kinds=KINDS, stages=STAGES,
        form=form, errors=refused.by_field() if refused and beside else {},
        faults=faults[:FAULTS_SHOWN], more=len(faults) - FAULTS_SHOWN,
    )  # fmt: skip


@opening.get("/opening/template.xlsx")
@allow(Role.ADMINISTRATOR)
def template() -> Any:
    kind = request.args.get("kind", "")
    if kind not in KINDS:
        abort(404)
    book = io.BytesIO()
    write_workbook(book, template_columns(kind), [], title=f"期初{KINDS[kind]}")
    book.seek(0)
    name = f"期初{KINDS[kind]}模板.xlsx"
    return send_file(book, mimetype=_XLSX, as_attachment=True, download_name=name, max_age=0)


@opening.get("/opening/new")
@allow(Role.ADMINISTRATOR, on=Organization)
def new() -> Any:
    return _index_page({}, None)


@opening.post("/opening/new")
@allow(Role.ADMINISTRATOR, on=Organization)
def keep() -> Any:
    form, folder, kept = request.form, current_app.config["SETTINGS"].files, None
    try:
        city, upload = _asked()
        name, limit = upload.filename or "", uploads.ROSTER_LIMIT
        kept = uploads.keep(folder, upload.stream, name=name, field="file", limit=limit)
        asked = {"kind": form["kind"], "kept": kept, "by": g.user, "at": clock.now()}
        if background.is_big(kept, folder):
            made = opening_jobs.keep_in_background(city, **asked)
        else:
            made = deeds.keep_opening(city, folder=folder, **asked)
    except Refused as refused:
        if kept is not None:
            uploads.drop(folder, kept.file)
        return _index_page(form, refused), 422
    return redirect(url_for("opening.page", id=made.id), 303)


def _asked() -> tuple[Organization, FileStorage]:
    """The city and the file of the form. Refuses what was not chosen, its kind too."""
    city, upload, faults = _city(), request.files.get("file"), []
    if city is None:
        faults.append(("city", "请选择城市"))
    if request.form.get("kind") not in KINDS:
        faults.append(("kind", "请选择是参保、到账还是已付申领"))
    if upload is None or not upload.filename:
        faults.append(("file", "请选择填好的文件"))
    if faults or city is None or upload is None:
        raise Refused.all(faults)
    return city, upload


def _city() -> Organization | None:
    """The city that the form names, or the only one there is."""
    cities = {str(city.id): city for city in _cities()}
    city = cities.get(request.form.get("city", ""))
    if city is None and len(cities) == 1:
        city = next(iter(cities.values()))
    return city


@opening.get("/opening/<int:id>")
@allow(Role.ADMINISTRATOR, on=Opening)
def page(id: int) -> Any:
    html = _page(kept := find(Opening, id), {})
    job = opening_jobs.job_of(kept)
    is_over = (job is None or job.refused) and request.headers.get("HX-Target") == "work"
    return Response(html, headers={"HX-Refresh": "true"} if is_over else None)


def _page(kept: Opening, errors: dict[str, str]) -> str:
    return render_template(
        "admin/opening/page.html", kept=kept, kinds=KINDS, stage=STAGES[kept.stage],
        errors=errors, own=kept.by_id == g.user.id, doubts=opening_jobs.doubts_of(kept),
        **background.opening_work_of(kept),
    )  # fmt: skip


@opening.get("/opening/<int:id>/book")
@allow(Role.ADMINISTRATOR, on=Opening)
def book(id: int) -> Any:
    return _page(find(Opening, id), {})


@opening.post("/opening/<int:id>/book")
@allow(Role.ADMINISTRATOR, on=Opening)
def book_now(id: int) -> Any:
    kept = find(Opening, id)
    folder = current_app.config["SETTINGS"].files
    try:
        if kept.rows > BOOKED_AT_ONCE:
            opening_jobs.book_in_background(kept, by=g.user, at=clock.now())
            return redirect(url_for("opening.page", id=id), 303)
        deeds.book_opening(kept, folder=folder, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(kept, refused.by_field()), 422
    flash(f"已入账：{KINDS[kept.kind]} {kept.rows} 条")
    return redirect(url_for("opening.page", id=id), 303)


@opening.get("/opening/<int:id>/stop")
@allow(Role.ADMINISTRATOR, on=Opening)
def stop(id: int) -> Any:
    return _page(find(Opening, id), {})


@opening.post("/opening/<int:id>/stop")
@allow(Role.ADMINISTRATOR, on=Opening)
def stop_now(id: int) -> Any:
    opening_jobs.stop(find(Opening, id), by=g.user, at=clock.now(), now=clock.real_now())
    flash("已要求停止，几秒内生效")
    return redirect(url_for("opening.page", id=id), 303)


@opening.get("/opening/<int:id>/withdraw")
@allow(Role.ADMINISTRATOR, on=Opening)
def withdraw(id: int) -> Any:
    return _page(find(Opening, id), {})


@opening.post("/opening/<int:id>/withdraw")
@allow(Role.ADMINISTRATOR, on=Opening)
def withdraw_now(id: int) -> Any:
    kept = find(Opening, id)
    try:
        deeds.withdraw_opening(kept, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(kept, refused.by_field()), 422
    uploads.drop(current_app.config["SETTINGS"].files, kept.file)
    flash("已撤回，文件已删除")
    return redirect(url_for("opening.index"), 303)
