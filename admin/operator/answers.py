"""One file: handed over again, or an answer looked through, taken, dropped, or given back."""

from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, send_file, url_for

from huigong import clock, uploads
from huigong.access import allow, find, holds
from huigong.admin import background, papers
from huigong.admin.lists import Order, page_of
from huigong.admin.operator.replies import of_file
from huigong.admin.operator.room import (
    KINDS,
    MAY_READ,
    MAY_SEND,
    MAY_TAKE,
    READERS,
    SENDERS,
    STAGES,
    XLSX,
    folder,
    handled_here,
    operator,
    run_here,
)
from huigong.admin.reasoned import do_for_a_reason
from huigong.models import Claim, ClaimSending, Member, OperatorFile, Role, Scheme
from huigong.refusals import Refused
from huigong.workflows import operator as deeds
from huigong.workflows.operator import jobs

SENT_STAGES = {
    "sent": ("在承办方", "wait"),
    "paid": ("承办方已支付", "good"),
    "back": ("已收回或另送", "done"),
}


@operator.post("/operator/<int:id>/<kind>/answer")
@allow(*SENDERS, on=Scheme)
def answer(id: int, kind: str) -> Any:
    """Keep the operator's answer to be looked through; nothing stays of what is none."""
    scheme = run_here(find(Scheme, id), kind, MAY_TAKE)
    try:
        file = _kept(scheme, kind)
    except Refused as refused:
        errors = refused.by_field()
        return render_template(
            "admin/operator/upload.html", scheme=scheme, kind=kind, kinds=KINDS, errors=errors
        ), 422
    return redirect(url_for("operator.file", id=file.id), 303)


@operator.get("/operator/<int:id>/<kind>/answer")
@allow(*SENDERS, on=Scheme)
def upload(id: int, kind: str) -> Any:
    scheme = run_here(find(Scheme, id), kind, MAY_TAKE)
    return render_template(
        "admin/operator/upload.html", scheme=scheme, kind=kind, kinds=KINDS, errors={}
    )


def _kept(scheme: Scheme, kind: str) -> OperatorFile:
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Refused("file", "请选择承办方发回的文件")
    limit, name = uploads.ROSTER_LIMIT, upload.filename
    kept = uploads.keep(folder(), upload.stream, name=name, field="file", limit=limit)
    deed: dict[str, Any] = {"kept": kept, "by": g.user, "at": clock.now()}
    try:
        if background.is_big(kept, folder()):
            return jobs.read_in_background(scheme, kind, **deed)
        return deeds.keep_answer(scheme, kind, folder=folder(), **deed)
    except BaseException:
        uploads.drop(folder(), kept.file)
        raise


@operator.get("/operator/files/<int:id>")
@allow(*READERS, on=OperatorFile)
def file(id: int) -> Any:
    html = _page(found := handled_here(find(OperatorFile, id), MAY_READ), {})
    is_over = request.headers.get("HX-Target") == "work" and not _is_at_work(found)
    return Response(html, headers={"HX-Refresh": "true"} if is_over else None)


def _is_at_work(file: OperatorFile) -> bool:
    return bool(background.operator_work_of(file)["at_work"])


def _page(file: OperatorFile, errors: dict[str, str]) -> str:
    found, work = None, background.operator_work_of(file)
    try:
        found = _found(file, work)
    except Refused as refused:
        errors = errors or refused.by_field()
    here, may_take = file.organization, holds(*MAY_TAKE[file.kind], at=file.organization)
    may_send = holds(*MAY_SEND[file.kind], at=here)
    return render_template(
        "admin/operator/file.html", file=file, found=found, errors=errors, kinds=KINDS,
        stages=STAGES, may_send=may_send, may_take=may_take,
        may_stop=may_send if file.way == "out" else may_take, **work, **_claims_of(file),
    )  # fmt: skip


def _found(file: OperatorFile, work: dict[str, Any]) -> deeds.Found | None:
    """What taking a kept answer would do: as a worker read it, or by what stands now."""
    if file.stage != "kept" or work["at_work"]:
        return None
    if work["job"]:
        return deeds.Found(**work["job"].found)
    return deeds.summed_up(deeds.preview(file, folder=folder(), on=clock.today()))


def _claims_of(file: OperatorFile) -> dict[str, Any]:
    """A page of the claims that went out in a file, or of the replies taken from one."""
    if file.kind != "claims" or file.stage not in ("sent", "taken"):
        return {"page": None}
    if file.way == "back":
        return {"page": of_file(file), "in_words": deeds.in_words}
    page = page_of(
        ClaimSending,
        Order((ClaimSending.id,)),
        inside=ClaimSending.file == file,
        shown=ClaimSending.select(ClaimSending, Claim, Member)
        .join_from(ClaimSending, Claim)
        .join_from(Claim, Member),
    )
    waits = ClaimSending.select().where(ClaimSending.file == file, ClaimSending.stage == "sent")
    return {"page": page, "sent_stages": SENT_STAGES, "waits": waits.count()}


@operator.post("/operator/files/<int:id>")
@allow(*SENDERS, on=OperatorFile)
def take(id: int) -> Any:
    file = handled_here(find(OperatorFile, id), MAY_TAKE)
    deed: dict[str, Any] = {"clean_only": request.form.get("clean") == "1"}
    deed |= {"by": g.user, "at": clock.now()}
    try:
        if jobs.job_of(file):
            jobs.take_in_background(file, **deed)
            return redirect(url_for("operator.file", id=id), 303)
        rows = deeds.take_answer(file, folder=folder(), **deed)
    except Refused as refused:
        return _page(find(OperatorFile, id), refused.by_field()), 422
    flash(f"已登记 {rows} 行回执")
    return redirect(url_for("operator.file", id=id), 303)


@operator.post("/operator/files/<int:id>/drop")
@allow(*SENDERS, on=OperatorFile)
def drop(id: int) -> Any:
    file = handled_here(find(OperatorFile, id), MAY_TAKE)
    job = jobs.job_of(file)
    deeds.drop_answer(file, by=g.user, at=clock.now())
    if job is not None and job.marked:
        uploads.drop(folder(), job.marked)
    flash("这份回执不再登记")
    return redirect(url_for("operator.page", id=file.scheme_id, kind=file.kind), 303)


@operator.post("/operator/files/<int:id>/download")
@allow(*SENDERS, on=OperatorFile)
def download(id: int) -> Any:
    """A kept file with full numbers; a POST, because taking it is logged."""
    file = handled_here(find(OperatorFile, id), MAY_SEND)
    if not file.file:
        abort(404)
    opened = papers.handed(file.file, file.file_name)
    deeds.hand_over(file, by=g.user, at=clock.now())
    return opened


@operator.post("/operator/files/<int:id>/faults")
@allow(*SENDERS, on=OperatorFile)
def faults(id: int) -> Any:
    """The operator's own workbook with the reasons; a POST, because taking it is logged."""
    file = handled_here(find(OperatorFile, id), MAY_TAKE)
    name = f"{file.file_name.rsplit('.', 1)[0]}-错误原因.xlsx"
    try:
        if job := jobs.job_of(file):
            book = uploads.open_kept(folder(), job.marked) if job.marked else abort(404)
        else:
            book = deeds.own_file_back(file, folder=folder(), on=clock.today())
    except Refused as refused:
        return _page(file, refused.by_field()), 422
    deeds.hand_over(file, by=g.user, at=clock.now())
    return send_file(book, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)


@operator.get("/operator/files/<int:id>/stop")
@allow(*SENDERS, on=OperatorFile)
def stop(id: int) -> Any:
    file = find(OperatorFile, id)
    return _page(handled_here(file, MAY_SEND if file.way == "out" else MAY_TAKE), {})


@operator.post("/operator/files/<int:id>/stop")
@allow(*SENDERS, on=OperatorFile)
def stop_now(id: int) -> Any:
    file = find(OperatorFile, id)
    handled_here(file, MAY_SEND if file.way == "out" else MAY_TAKE)
    jobs.stop(file, by=g.user, at=clock.now(), now=clock.real_now())
    flash("已要求停止，几秒内生效")
    return redirect(url_for("operator.file", id=id), 303)


@operator.get("/operator/files/<int:id>/call-back")
@allow(Role.REVIEWER, Role.FINANCE, on=OperatorFile)
def ask_back(id: int) -> Any:
    file = handled_here(find(OperatorFile, id), MAY_SEND)
    return render_template("admin/operator/call_back.html", file=file, form={}, errors={})


@operator.post("/operator/files/<int:id>/call-back")
@allow(Role.REVIEWER, Role.FINANCE, on=OperatorFile)
def call_back(id: int) -> Any:
    file = handled_here(find(OperatorFile, id), MAY_SEND)
    return do_for_a_reason(
        deeds.call_back, file, page="admin/operator/call_back.html", file=file,
        said="已收回，可以再次送出，或由本工会发放", to=url_for("operator.file", id=id),
    )  # fmt: skip
