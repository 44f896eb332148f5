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
from huigong.workflows.enrollment import ages, meanings
from huigong.workflows.enrollment.columns import TITLES

NOT_NEEDED = "none"


# ── columns ─────────────────────────────────────────────────────────────────────────────────


@enrollment.get("/rosters/<int:id>/columns")
@allow(Role.CLERK, on=Roster)
def columns(id: int) -> Any:
    roster = find(Roster, id)
    return _columns_page(roster, _asked(roster)[0], {}, {})


def _asked(roster: Roster) -> tuple[list[meanings.Question], meanings.Header]:
    if roster.stage not in ("draft", "returned"):
        abort(404)
    try:
        return meanings.questions_of(roster, current_app.config["SETTINGS"].files)
    except (SheetRefused, OSError):
        abort(404)


def _columns_page(
    roster: Roster, questions: list[meanings.Question], form: Any, errors: dict[str, str]
) -> str:
    return render_template(
        "admin/enrollment/columns.html",
        roster=roster, questions=questions, form=form, errors=errors,
        options=[(NOT_NEEDED, "不需要这一列"), *TITLES.items()],
    )  # fmt: skip


@enrollment.post("/rosters/<int:id>/columns")
@allow(Role.CLERK, on=Roster)
def columns_now(id: int) -> Any:
    roster, form = find(Roster, id), request.form
    questions, header = _asked(roster)
    chosen = {q.title: form.get(f"column-{n}", "") for n, q in enumerate(questions)}
    try:
        faults = [
            (f"column-{n}", "请选择这一列是什么")
            for n, said in enumerate(chosen.values())
            if not said
        ]
        if faults:
            raise Refused.all(faults)
        said = {title: "" if field == NOT_NEEDED else field for title, field in chosen.items()}
        answers = meanings.in_place(said, header)
        meanings.answer_columns(roster.organization, answers, by=g.user, at=clock.now())
        _read_again(roster)
    except Refused as refused:
        return _columns_page(roster, questions, form, refused.by_field()), 422
    flash("已记住这些列，名册已重新校对")
    return redirect(url_for("enrollment.page", id=id), 303)


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
