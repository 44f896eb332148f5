"""One file: handed over again, or an answer looked through, taken, dropped, or given back."""

from typing import Any

from flask import flash, g, redirect, render_template, request, send_file, url_for

from huigong import clock, uploads
from huigong.access import allow, find, holds
from huigong.admin import papers
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

FAULTS_SHOWN = 50
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
    try:
        return deeds.keep_answer(
            scheme, kind, kept=kept, folder=folder(), by=g.user, at=clock.now()
        )
    except BaseException:
        uploads.drop(folder(), kept.file)
        raise


@operator.get("/operator/files/<int:id>")
@allow(*READERS, on=OperatorFile)
def file(id: int) -> Any:
    return _page(handled_here(find(OperatorFile, id), MAY_READ), {})


def _page(file: OperatorFile, errors: dict[str, str]) -> str:
    found, faults = None, []
    if file.stage == "kept":
        try:
            found = deeds.preview(file, folder=folder(), on=clock.today())
            faults = found.faults
        except Refused as refused:
            errors = errors or refused.by_field()
    here = file.organization
    return render_template(
        "admin/operator/file.html", file=file, found=found, errors=errors, kinds=KINDS,
        faults=faults[:FAULTS_SHOWN], faulty=len(faults), stages=STAGES,
        may_send=holds(*MAY_SEND[file.kind], at=here),
        may_take=holds(*MAY_TAKE[file.kind], at=here), **_claims_of(file),
    )  # fmt: skip


def _claims_of(file: OperatorFile) -> dict[str, Any]:
    """A page of the claims that went out in a file, or of the replies taken from one."""
    if file.kind != "claims" or file.stage in ("kept", "dropped"):
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
    try:
        rows = deeds.take_answer(
            file, folder=folder(), clean_only=request.form.get("clean") == "1", by=g.user,
            at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _page(find(OperatorFile, id), refused.by_field()), 422
    flash(f"已登记 {rows} 行回执")
    return redirect(url_for("operator.file", id=id), 303)


@operator.post("/operator/files/<int:id>/drop")
@allow(*SENDERS, on=OperatorFile)
def drop(id: int) -> Any:
    file = handled_here(find(OperatorFile, id), MAY_TAKE)
    deeds.drop_answer(file, by=g.user, at=clock.now())
    flash("这份回执不再登记")
    return redirect(url_for("operator.page", id=file.scheme_id, kind=file.kind), 303)


@operator.post("/operator/files/<int:id>/download")
@allow(*SENDERS, on=OperatorFile)
def download(id: int) -> Any:
    """A kept file with full numbers; a POST, because taking it is logged."""
    file = handled_here(find(OperatorFile, id), MAY_SEND)
    opened = papers.handed(file.file, file.file_name)
    deeds.hand_over(file, by=g.user, at=clock.now())
    return opened


@operator.post("/operator/files/<int:id>/faults")
@allow(*SENDERS, on=OperatorFile)
def faults(id: int) -> Any:
    """The operator's own workbook with the reasons; a POST, because taking it is logged."""
    file = handled_here(find(OperatorFile, id), MAY_TAKE)
    try:
        book = deeds.own_file_back(file, folder=folder(), on=clock.today())
    except Refused as refused:
        return _page(file, refused.by_field()), 422
    deeds.hand_over(file, by=g.user, at=clock.now())
    name = f"{file.file_name.rsplit('.', 1)[0]}-错误原因.xlsx"
    return send_file(book, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)


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
