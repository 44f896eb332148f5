"""Statements uploaded, their columns understood, imported or withdrawn."""

from pathlib import Path
from typing import Any

from flask import (
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from peewee import fn

from huigong import clock, money, uploads
from huigong.access import allow, find, scope, visible
from huigong.admin.lists import (
    MOST_COUNTED,
    Order,
    Waiting,
    counted,
    newest,
    page_of,
    waiting_for_me,
)
from huigong.admin.reasoned import do_for_a_reason
from huigong.admin.receiving import receiver_ids, receivers
from huigong.admin.statements.room import LINE_STAGES, READERS, STAGES, statements
from huigong.models import (
    BankReversal,
    Organization,
    Role,
    Statement,
    StatementLayout,
    StatementLine,
)
from huigong.refusals import Lost, Refused
from huigong.sheets import SheetRefused, inspect_upload
from huigong.workflows import statements as deeds


def waiting() -> list[Waiting]:
    """What waits for finance: money in suspense, and statements not yet imported."""
    ours = StatementLine.organization << receiver_ids()
    lines = counted(StatementLine, ours, StatementLine.stage == "open", most=MOST_COUNTED)
    kept = waiting_for_me(Statement, Statement.stage == "kept", roles=[Role.FINANCE])
    return [
        Waiting(lines, "笔银行到账待确认归属", url_for("statements.index")),
        Waiting(kept, "份银行对账单待导入", url_for("statements.index")),
    ]


@statements.get("/")
@allow(*READERS, on=Statement, menu=(32, "银行到账"))
def index() -> Any:
    """The statements, and for each office how much of what came in waits."""
    page = page_of(Statement, newest(Statement))
    open_lines: Any = (
        visible(StatementLine)
        .where(StatementLine.stage == "open")
        .select(StatementLine.organization, fn.COUNT(StatementLine.id))
        .group_by(StatementLine.organization)
    )
    counts = dict(open_lines.tuples())
    offices: list[Any] = list(receivers())
    for office in offices:
        office.open_lines = counts.get(office.id, 0)
    return render_template("admin/statements/index.html", page=page, offices=offices, stages=STAGES)


@statements.get("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def new(id: int) -> Any:
    return _new_page(find(Organization, id), request.args, {})


@statements.post("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def keep(id: int) -> Any:
    place, form = find(Organization, id), request.form
    try:
        statement = _keep(place, form.get("bank", ""))
    except Refused as refused:
        return _new_page(place, form, refused.by_field()), 422
    return redirect(url_for("statements.page", id=statement.id), 303)


def _keep(place: Organization, bank: str) -> Statement:
    """Keep the upload and see that it is a statement at all; nothing stays of what is not."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        faults = [("bank", deeds.NO_BANK)] if not bank.strip() else []
        raise Refused.all([*faults, ("file", "请选择从网上银行下载的明细文件")])
    limit, name = uploads.ROSTER_LIMIT, upload.filename
    kept = uploads.keep(_folder(), upload.stream, name=name, field="file", limit=limit)
    try:
        probe = Statement(organization=place, bank=bank.strip(), file=kept.file)
        _readable(probe)
        return deeds.keep_statement(
            organization=place, bank=bank, kept=kept, by=g.user, at=clock.now()
        )
    except Refused:
        uploads.drop(_folder(), kept.file)
        raise


def _readable(statement: Statement) -> None:
    try:
        with uploads.open_kept(_folder(), statement.file) as file:
            inspect_upload(file)
    except SheetRefused as refused:
        raise Refused("file", str(refused)) from refused


def _folder() -> Path:
    return current_app.config["SETTINGS"].files  # type: ignore[no-any-return]


def _new_page(place: Organization, form: Any, errors: dict[str, str]) -> str:
    known = StatementLayout.select().where(StatementLayout.organization == place)
    banks = sorted(layout.bank for layout in known)
    return render_template(
        "admin/statements/new.html", place=place, form=form, errors=errors, banks=banks
    )


@statements.get("/<int:id>/")
@allow(*READERS, on=Statement)
def page(id: int) -> Any:
    """A kept statement with its columns to confirm; an imported one with its lines."""
    statement = find(Statement, id)
    if statement.stage == "kept":
        return _columns_page(statement, _said(request.args), {})
    rows = page_of(
        StatementLine,
        Order((StatementLine.number, StatementLine.id)),
        inside=(StatementLine.statement == statement) & scope(StatementLine),
    )
    taken_back = list(statement.bank_reversals.order_by(BankReversal.number))
    return render_template(
        "admin/statements/page.html",
        statement=statement, page=rows, left=deeds.remaining_of(rows.rows),
        taken_back=taken_back, undone=deeds.lines_undone(taken_back),
        stages=STAGES, line_stages=LINE_STAGES,
    )  # fmt: skip


def _said(form: Any) -> dict[str, str]:
    """What the form says of columns: `title-N` names the column, `means-N` its field."""
    said = {}
    for key, title in form.items():
        means = form.get(f"means-{key.removeprefix('title-')}", "")
        if key.startswith("title-") and means:
            said[title] = "" if means == "none" else means
    return said


def _columns_page(statement: Statement, said: dict[str, str], errors: dict[str, str]) -> str:
    found = None
    try:
        found = deeds.preview(statement, folder=_folder(), said=said)
    except Refused as refused:
        errors = errors or refused.by_field()
    return render_template(
        "admin/statements/columns.html",
        statement=statement, found=found, said=said, errors=errors, fields=deeds.FIELDS,
    )  # fmt: skip


@statements.post("/<int:id>/")
@allow(Role.FINANCE, on=Statement)
def take(id: int) -> Any:
    statement, said = find(Statement, id), _said(request.form)
    if statement.stage != "kept":
        raise Lost(f"statement {id} is {statement.stage}")
    try:
        deeds.import_statement(statement, folder=_folder(), said=said, by=g.user, at=clock.now())
    except Refused as refused:
        return _columns_page(statement, said, refused.by_field()), 422
    flash(f"已导入 {statement.lines} 笔收入，共 {money.yuan(statement.amount)} 元，待确认归属")
    if back := statement.bank_reversals.count():
        flash(f"银行另冲回 {back} 笔以前的到账，请逐笔登记退款")
        return redirect(url_for("statements.page", id=statement.id), 303)
    return redirect(url_for("statements.matches", id=statement.organization_id), 303)


@statements.get("/<int:id>/dropping")
@allow(Role.FINANCE, on=Statement)
def dropping(id: int) -> Any:
    return render_template("admin/statements/dropping.html", statement=find(Statement, id))


@statements.post("/<int:id>/dropping")
@allow(Role.FINANCE, on=Statement)
def drop(id: int) -> Any:
    statement = find(Statement, id)
    file, place = statement.file, statement.organization_id
    deeds.drop_statement(statement, by=g.user, at=clock.now())
    uploads.drop(_folder(), file)
    flash("已删去这份上传，没有导入任何一笔")
    return redirect(url_for("statements.new", id=place, bank=statement.bank), 303)


@statements.get("/<int:id>/withdrawal")
@allow(Role.FINANCE, on=Statement)
def withdrawal(id: int) -> Any:
    statement = find(Statement, id)
    return render_template(
        "admin/statements/withdrawal.html", statement=statement, form={}, errors={}
    )


@statements.post("/<int:id>/withdrawal")
@allow(Role.FINANCE, on=Statement)
def withdraw(id: int) -> Any:
    statement = find(Statement, id)
    return do_for_a_reason(
        deeds.withdraw_statement, statement, page="admin/statements/withdrawal.html",
        statement=statement,
        said="已撤回，其中的流水可以重新导入",
        to=url_for("statements.index"),
    )  # fmt: skip
