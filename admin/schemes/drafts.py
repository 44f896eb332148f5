"""The scheme editor: begin a draft, fill in its form, take its TOML in and out, discard it."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find
from huigong.admin.schemes import gone, layout
from huigong.admin.schemes.listing import toml_file
from huigong.admin.schemes.review import review
from huigong.admin.schemes.room import (
    DRAFTERS,
    cities,
    one_of,
    own_editions,
    schemes,
    still_there,
)
from huigong.admin.schemes.rows import sheet_typed, with_rows_changed
from huigong.models import DraftEdition, Edition, NoSheet
from huigong.plans import SchemeRefused, compile_scheme, dump
from huigong.plans.retyped import sheet_of
from huigong.plans.typed import Sheet, blank, tidy
from huigong.refusals import Lost, Refused
from huigong.workflows import drafting as deeds
from huigong.workflows import schemes as editions

MOST_TEXT = 200_000
DAMAGED = "这份草稿的内容已损坏，读不出来。要找回，请先从备份恢复；现在保存，就以下面的表单替换它。"
MOST_TOLD = 50  # faults of one file on the page


@schemes.get("/drafts/new")
@allow(DRAFTERS, on=DraftEdition)
def new() -> Any:
    return _new_page({"basis": request.args.get("basis", "")}, {})


@schemes.post("/drafts/new")
@allow(DRAFTERS, on=DraftEdition)
def begin() -> Any:
    try:
        basis, sheet = _beginning()
        city = basis.organization if basis else one_of(cities(), request.form.get("city", ""))
        draft = deeds.begin_draft(
            organization=city, basis=basis, sheet=sheet, by=g.user, at=clock.now()
        )
    except Refused as refused:
        return _new_page(request.form, refused.by_field()), 422
    flash("已建立草稿，修改后请保存")
    return redirect(url_for("schemes.edit", id=draft.id), 303)


def _beginning() -> tuple[Edition | None, Sheet]:
    """What a new draft starts from: an edition, nothing, or a file or text of TOML."""
    start = request.form.get("start", "")
    if start == "edition":
        chosen = request.form.get("basis", "")
        if not chosen:
            raise Refused("basis", "请选择一个已有的计划")
        basis = one_of(own_editions(), chosen)
        try:
            return basis, deeds.sheet_after(basis, clock.today())
        except Refused as damaged:
            raise Refused("basis", str(damaged)) from damaged
    if start == "toml":
        return None, _sheet_given()
    if start == "blank":
        return None, blank()
    raise Refused("start", "请选择从哪里开始")


def _sheet_given() -> Sheet:
    """The sheet of a pasted or uploaded TOML. Refuses one with faults, naming each."""
    upload = request.files.get("file")
    raw = upload.stream.read(MOST_TEXT + 1) if upload else b""
    if len(raw) > MOST_TEXT:
        raise Refused("file", f"文件过大：一个计划最多{MOST_TEXT // 1000}千字节")
    try:
        text = raw.decode("utf-8-sig") if raw else request.form.get("toml", "")
    except UnicodeDecodeError:
        raise Refused("file", "文件不是 UTF-8 文字，请另存为 UTF-8 编码的 .toml") from None
    if not text.strip() or len(text) > MOST_TEXT:
        raise Refused("toml", "请粘贴 TOML 文字或选择文件" if not text.strip() else "文字过长")
    try:
        return sheet_of(compile_scheme(text.replace("\r\n", "\n"), "TOML"))
    except SchemeRefused as refused:
        faults = refused.faults[:MOST_TOLD]
        told = [f"{fault.place}：{fault.message}。{fault.cure}" for fault in faults]
        left = len(refused.faults) - len(faults)
        told += [f"另有 {left} 处，更正以上各处后再看。"] if left else []
        raise Refused("toml", "\n".join(told)) from refused


def _new_page(typed: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/schemes/new.html",
        cities=cities(), city_choices=[(city.id, city.name) for city in cities()],
        editions=[
            (edition.id, f"{edition.name}（{edition.code}，{edition.enrolled_from} 起）")
            for edition in own_editions()
            if editions.damage(edition) is None
        ],
        typed=typed, errors=errors,
    )  # fmt: skip


@schemes.get("/drafts/<int:id>")
@allow(DRAFTERS, on=DraftEdition)
def edit(id: int) -> Any:
    draft = find(DraftEdition, id)
    notice = DAMAGED if isinstance(draft.sheet, NoSheet) else ""
    return _editor(draft, tidy(draft.sheet), draft.version, notice=notice)


@schemes.post("/drafts/<int:number>")
@allow(DRAFTERS, on=DraftEdition)
def save(number: int) -> Any:
    draft, sheet, version = still_there(number), sheet_typed(request.form), _version()
    if draft is None:
        return gone.answer(number, sheet)
    act = request.form.get("do", "check")
    if act == "replay" and sheet == tidy(draft.sheet) and version == draft.version:
        return _on_to(act, draft)  # nothing to save: who only looks has not written
    if act not in ("save", "replay"):
        return _editor(draft, with_rows_changed(sheet, act), version)
    try:
        deeds.save_draft(draft, sheet=sheet, version=version, by=g.user, at=clock.now())
    except Lost:
        return _overtaken(number, sheet)
    except Refused as refused:
        return _editor(draft, sheet, version, notice=str(refused)), 422
    return _on_to(act, find(DraftEdition, number), "草稿已保存")


def _on_to(act: str, draft: DraftEdition, told: str = "") -> Any:
    """From a draft to its replay where it can be replayed, else to its form, told why not."""
    faults = deeds.check(tidy(draft.sheet), draft.organization).faults
    if act == "replay" and deeds.plan_of(draft) is not None:
        if told:
            flash(told)
        return redirect(url_for("replay.index", rules=f"d{draft.id}"), 303)
    cannot = "更正后才能测算" if act == "replay" else "更正后才能发布"
    left = f"还有 {len(faults)} 处需要更正，{cannot}" if faults else ""
    flash("，".join(part for part in (told, left) if part))
    return redirect(url_for("schemes.edit", id=draft.id), 303)


def _overtaken(number: int, sheet: Sheet) -> Any:
    """Somebody saved first: nothing typed is lost, and what differs is shown before saving over."""
    saved = still_there(number)
    if saved is None:
        return gone.answer(number, sheet)
    return _editor(saved, sheet, saved.version, theirs=tidy(saved.sheet)), 409


def _version() -> int:
    given = request.form.get("version", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else 0


def _editor(
    draft: DraftEdition,
    sheet: Sheet,
    version: int,
    *,
    theirs: Sheet | None = None,
    notice: str = "",
) -> str:
    form, seen = layout.sections(sheet), review(draft, sheet)
    overtaken = layout.otherwise(form, layout.sections(theirs)) if theirs else None
    return render_template(
        "admin/schemes/edit.html",
        draft=draft, sheet=sheet, version=version, form=form, seen=seen, notice=notice,
        errors=layout.errors_of(form, seen.faults), wrong_ids=layout.wrong_ids(form),
        labels=layout.labels_of(form),
        overtaken=overtaken, unsaved=sheet != tidy(draft.sheet),
    )  # fmt: skip


@schemes.get("/drafts/<int:id>/toml")
@allow(DRAFTERS, on=DraftEdition)
def toml(id: int) -> Any:
    return _toml_page(find(DraftEdition, id), {})


@schemes.post("/drafts/<int:number>/toml")
@allow(DRAFTERS, on=DraftEdition)
def take_toml(number: int) -> Any:
    draft = still_there(number)
    if draft is None:
        return gone.answer(number, None)
    try:
        sheet, now = _sheet_given(), clock.now()
        deeds.save_draft(draft, sheet=sheet, version=_version(), by=g.user, at=now)
    except Refused as refused:
        return _toml_page(draft, refused.by_field()), 422
    flash("已用这份 TOML 替换草稿的内容并保存")
    return redirect(url_for("schemes.edit", id=number), 303)


def _toml_page(draft: DraftEdition, errors: dict[str, str]) -> str:
    checked = deeds.check(tidy(draft.sheet), draft.organization)
    text = dump(checked.plan) if checked.plan else ""
    typed = request.form.get("toml", text) if request.method == "POST" else text
    return render_template(
        "admin/schemes/toml.html",
        draft=draft, text=text, typed=typed, errors=errors, faults=len(checked.faults),
    )  # fmt: skip


@schemes.get("/drafts/<int:id>/file")
@allow(DRAFTERS, on=DraftEdition)
def draft_file(id: int) -> Any:
    draft = find(DraftEdition, id)
    checked = deeds.check(tidy(draft.sheet), draft.organization)
    if checked.plan is None:
        flash("草稿还有需要更正的地方，更正并保存后才能导出")
        return redirect(url_for("schemes.edit", id=id), 303)
    return toml_file(dump(checked.plan), checked.plan["id"])


@schemes.get("/drafts/<int:id>/discard")
@allow(DRAFTERS, on=DraftEdition)
def discard(id: int) -> Any:
    return render_template("admin/schemes/discard.html", draft=find(DraftEdition, id))


@schemes.post("/drafts/<int:id>/discard")
@allow(DRAFTERS, on=DraftEdition)
def discard_now(id: int) -> Any:
    draft = find(DraftEdition, id)
    deeds.discard_draft(draft, version=_version(), by=g.user, at=clock.now())
    flash(f"草稿“{draft.name}”已删除")
    return redirect(url_for("schemes.index"), 303)
