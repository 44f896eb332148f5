"""What a clerk adds to a draft: what its columns mean, and proofs for people past the age."""

from typing import Any

from flask import (
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from huigong import clock, uploads
from huigong.access import allow, find, paths
from huigong.admin import background, papers
from huigong.admin.enrollment import enrollment
from huigong.models import AgeProof, Role, Roster, RosterRow
from huigong.refusals import Refused
from huigong.sheets import SheetRefused
from huigong.uploads import Kept
from huigong.workflows import enrollment as deeds
from huigong.workflows.enrollment import ages, drafts, meanings
from huigong.workflows.enrollment.columns import TITLES

NOT_NEEDED = "none"


# ── columns ─────────────────────────────────────────────────────────────────────────────────


@enrollment.get("/rosters/<int:id>/columns")
@allow(Role.CLERK, on=Roster)
def columns(id: int) -> Any:
    roster = find(Roster, id)
    return _columns_page(roster, _asked(roster), {}, {})


Asked = tuple[list[meanings.Question], list[meanings.Understood], meanings.Header]


def _asked(roster: Roster) -> Asked:
    """The columns of a roster's file that nobody explained, those that are understood, and its
    header."""
    if roster.stage not in ("draft", "returned"):
        abort(404)
    try:
        questions, header = meanings.questions_of(roster, current_app.config["SETTINGS"].files)
    except (SheetRefused, OSError):
        abort(404)
    remembered = meanings.meanings_of(roster.organization)
    return questions, meanings.understood(header, remembered), header


def _columns_page(roster: Roster, asked: Asked, form: Any, errors: dict[str, str]) -> str:
    questions, understood, _ = asked
    return render_template(
        "admin/enrollment/columns.html",
        roster=roster, questions=questions, understood=understood, form=form, errors=errors,
        options=[(NOT_NEEDED, "不需要这一列"), *TITLES.items()], not_needed=NOT_NEEDED,
    )  # fmt: skip


@enrollment.post("/rosters/<int:id>/columns")
@allow(Role.CLERK, on=Roster)
def columns_now(id: int) -> Any:
    roster, form = find(Roster, id), request.form
    questions, understood, header = asked = _asked(roster)
    titles = [column.title for column in questions] + [column.title for column in understood]
    names = {title: f"column-{n}" for n, title in enumerate(titles)}
    before = {column.title: column.field for column in understood}
    try:
        said = _said({title: form.get(name, "") for title, name in names.items()}, before)
        if said:
            drafts.explain_columns(roster, said, header, by=g.user, at=clock.now())
            _read_again(roster)
    except Refused as refused:
        faults = {names.get(title, title): words for title, words in refused.by_field().items()}
        return _columns_page(roster, asked, form, faults), 422
    flash("已记住这些列，名册已重新校对" if said else "没有改动")
    return redirect(url_for("enrollment.page", id=id), 303)


def _said(chosen: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """What was answered or changed: title → field, "" for not needed. Refuses a question left
    open; what was understood before and is not in the form stays."""
    open_ = [title for title, field in chosen.items() if not field and title not in before]
    if open_:
        raise Refused.all([(title, "请选择这一列是什么") for title in open_])
    said = {title: "" if field == NOT_NEEDED else field for title, field in chosen.items() if field}
    return {title: field for title, field in said.items() if before.get(title) != field}


def _read_again(roster: Roster) -> None:
    """Stage the same file once more, by what its columns are now said to hold."""
    folder = current_app.config["SETTINGS"].files
    size = uploads.size_of(folder, roster.file)
    kept = Kept(roster.file, roster.file_name, size, "")
    asked: Any = {"kept": kept, "by": g.user, "at": clock.now(), "seen": paths()}
    if background.is_big(kept, folder):
        deeds.restage_in_background(roster, **asked)
    else:
        deeds.restage_roster(roster, **asked, folder=folder)


# ── proofs of age ───────────────────────────────────────────────────────────────────────────


@enrollment.get("/rosters/<int:id>/proof")
@allow(Role.CLERK, on=Roster)
def prove(id: int) -> Any:
    roster = find(Roster, id)
    return _proof_page(roster, _row(roster), {})


def _row(roster: Roster) -> RosterRow:
    """The row that the query or the form names, of this roster only."""
    asked = request.values.get("row", type=int)
    found: RosterRow | None = RosterRow.get_or_none(
        RosterRow.id == asked, RosterRow.roster == roster
    )
    return found or abort(404)


def _proof_page(roster: Roster, row: RosterRow, errors: dict[str, str]) -> str:
    return render_template("admin/enrollment/proof.html", roster=roster, row=row, errors=errors)


@enrollment.post("/rosters/<int:id>/proof")
@allow(Role.CLERK, on=Roster)
def prove_now(id: int) -> Any:
    roster = find(Roster, id)
    row, upload = _row(roster), request.files.get("proof")
    folder, kept = current_app.config["SETTINGS"].files, None
    try:
        if upload is None or not upload.filename:
            raise Refused("proof", "请选择证明文件")
        kept = uploads.keep_paper(folder, upload.stream, name=upload.filename, field="proof")
        ages.prove_age(row, kept=kept, by=g.user, at=clock.now())
    except Refused as refused:
        if kept is not None:
            uploads.drop(folder, kept.file)
        return _proof_page(roster, row, refused.by_field()), 422
    flash(f"已上传{row.name}的证明")
    return redirect(url_for("enrollment.page", id=id), 303)


@enrollment.get("/age-proofs/<int:id>")
@allow(Role.CLERK, Role.REVIEWER, on=AgeProof)
def proof(id: int) -> Response:
    found = find(AgeProof, id)
    opened = papers.handed(found.file, found.file_name)
    ages.read_proof(found, by=g.user, at=clock.now())
    return opened
