"""Bank statements: uploaded, understood, confirmed in bulk, and each line decided."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from peewee import fn

from huigong import clock, identity, money, uploads
from huigong.access import allow, find, visible
from huigong.admin.lists import Waiting, page_of
from huigong.admin.receiving import receivers, scheme_of, schemes_of
from huigong.admin.typed import Typed
from huigong.models import (
    BankReversal,
    Income,
    Organization,
    Payment,
    Payout,
    PayoutReturn,
    Refund,
    Role,
    Statement,
    StatementLayout,
    StatementLine,
)
from huigong.plans.vocabulary import CARRIERS
from huigong.refusals import Lost, Refused
from huigong.sheets import SheetRefused, inspect_upload
from huigong.workflows import incomes
from huigong.workflows import statements as deeds

statements = Blueprint("statements", __name__, url_prefix="/admin/statements")

READERS = (Role.FINANCE, Role.AUDITOR)
STAGES = {
    "kept": ("待导入", "wait"),
    "imported": ("已导入", "good"),
    "withdrawn": ("已撤回", "done"),
}
LINE_STAGES = {
    "open": ("待处理", "wait"),
    "settled": ("已处理", "good"),
    "withdrawn": ("已撤回", "done"),
}
MOST_AT_ONCE = 200  # lines looked at for one bulk confirmation


def waiting() -> list[Waiting]:
    """What waits for finance: money in suspense, and statements not yet imported."""
    lines = visible(StatementLine, Role.FINANCE).where(StatementLine.stage == "open")
    kept = visible(Statement, Role.FINANCE).where(Statement.stage == "kept")
    return [
        Waiting(lines.count(), "笔银行到账待确认归属", url_for("statements.index")),
        Waiting(kept.count(), "份银行对账单待导入", url_for("statements.index")),
    ]


@statements.get("/")
@allow(*READERS, on=Statement, menu=(32, "银行到账"))
def index() -> Any:
    """The statements, and for each office how much of what came in waits."""
    page = page_of(visible(Statement).order_by(Statement.id.desc()))
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
    return _new_page(find(Organization, id), {}, {})


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
        raise Refused("file", "请选择从网上银行下载的明细文件")
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
    lines = visible(StatementLine).where(StatementLine.statement == statement)
    rows = page_of(lines.order_by(StatementLine.number))
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
    statement, form = find(Statement, id), request.form
    try:
        deeds.withdraw_statement(
            statement, reason=form.get("reason", ""), by=g.user, at=clock.now()
        )
    except Refused as refused:
        page, errors = "admin/statements/withdrawal.html", refused.by_field()
        return render_template(page, statement=statement, form=form, errors=errors), 422
    flash("已撤回，其中的流水可以重新导入")
    return redirect(url_for("statements.index"), 303)


@statements.get("/matches/<int:id>")
@allow(Role.FINANCE, on=Organization)
def matches(id: int) -> Any:
    """What waits: the exact matches to confirm together, and the others with who it may be."""
    return _matches_page(find(Organization, id), None)


def _matches_page(place: Organization, done: deeds.Confirmed | None) -> str:
    query = StatementLine.select().where(
        StatementLine.organization == place, StatementLine.stage == "open"
    )
    asked = request.args.get("q", "").strip()[:50]
    if asked:
        wanted = StatementLine.payer_name.contains(asked) | StatementLine.remark.contains(asked)
        query = query.where(wanted | (StatementLine.reference == asked.upper()))
    page = page_of(query.order_by(StatementLine.received_on, StatementLine.id), size=MOST_AT_ONCE)
    left = deeds.remaining_of(page.rows)
    found = deeds.candidates(page.rows, left)
    return render_template(
        "admin/statements/matches.html",
        place=place, page=page, left=left, found=found, exact=deeds.exact_among(found),
        carriers=CARRIERS, asked=asked, done=done, returned=_likely_returns(page.rows, left),
    )  # fmt: skip


def _likely_returns(lines: list[Any], left: dict[int, int]) -> dict[int, Any]:
    """The payout that each line may be, where more than the amount says so."""
    found = deeds.returned_payouts(lines, left)
    return {line: ranked[0] for line, ranked in found.items() if ranked and ranked[0].likely}


@statements.post("/matches/<int:id>")
@allow(Role.FINANCE, on=Organization)
def confirm(id: int) -> Any:
    """Confirm the ticked matches, as `line:due,due:fen` says what was shown."""
    place = find(Organization, id)
    chosen = _chosen(place, request.form.getlist("match"))
    done = deeds.confirm_matches(chosen, by=g.user, at=clock.now())
    if done.failed or not chosen:
        return _matches_page(place, done), 422
    flash(f"已确认 {done.done} 笔，共 {money.yuan(done.amount)} 元")
    return redirect(url_for("statements.matches", id=place.id), 303)


def _chosen(place: Organization, texts: list[str]) -> list[tuple[StatementLine, Any]]:
    """The ticked lines with the dues that were shown beside them, filled in that order."""
    wanted: dict[int, list[int]] = {}
    for text in texts[:MOST_AT_ONCE]:
        line, _, shown = text.partition(":")
        numbers = [int(due) for due in shown.split(",") if due.isdecimal() and len(due) < 10]
        if line.isdecimal() and len(line) < 10:
            wanted[int(line)] = numbers
    lines = list(
        visible(StatementLine, Role.FINANCE).where(
            StatementLine.id << list(wanted), StatementLine.organization == place
        )
    )
    numbered = {number for numbers in wanted.values() for number in numbers}
    dues = {due.id: due for due in _received_by(place, numbered)}
    left = deeds.remaining_of(lines)
    return [
        (row, deeds.filled([dues[n] for n in wanted[row.id] if n in dues], left[row.id]))
        for row in lines
    ]


def _received_by(place: Organization, numbers: Iterable[int]) -> list[Any]:
    """The dues of these numbers whose money a place receives; others are as absent."""
    found = deeds.load_dues(numbers)
    return [due for due in found if due.roster.edition.organization_id == place.id]


@statements.get("/lines/<int:id>/")
@allow(*READERS, on=StatementLine)
def line(id: int) -> Any:
    """One line: what was decided of it, and whose the rest may be."""
    return _line_page(find(StatementLine, id), {}, {})


def _line_page(line: StatementLine, form: Any, errors: dict[str, str]) -> str:
    left = deeds.remaining_of([line])[line.id]
    asked = request.args.get("q", "").strip()[:50]
    found = deeds.candidates([line], {line.id: left})[line.id] if left else []
    searched = deeds.search_dues(line.organization, asked) if asked else []
    return render_template(
        "admin/statements/line.html",
        line=line, left=left, found=found, searched=searched, asked=asked, form=form,
        errors=errors, uses=_uses(line), carriers=CARRIERS, stages=LINE_STAGES,
        account=line.opened("payer_account"),
    )  # fmt: skip


def _uses(line: StatementLine) -> list[dict[str, Any]]:
    """What was decided of a line so far, in order, the undone included."""
    found: list[dict[str, Any]] = []
    kinds: list[tuple[Any, Callable[[Any], str], str]] = [
        (Payment, _payment_words, "funding.reversal"),
        (Income, lambda i: f"{incomes.KINDS[i.kind]}：{i.giver}", "incomes.reversal"),
        (Refund, lambda r: f"退款：{r.reason}", "statements.refund_reversal"),
        (PayoutReturn, _return_words, "statements.return_reversal"),
    ]
    for fact, words, undo in kinds:
        for row in fact.select().where(fact.line == line).order_by(fact.id):
            undone = row.reversals.first()
            found.append({
                "at": row.at, "words": words(row), "amount": row.amount, "by": row.by.name,
                "undone": undone, "undo": url_for(undo, id=row.id),
            })  # fmt: skip
    return sorted(found, key=lambda use: use["at"])


def _payment_words(payment: Payment) -> str:
    due = payment.due
    return f"名册 {due.roster.number} {CARRIERS[due.carrier]}（{due.payer.name}）"


def _return_words(found: PayoutReturn) -> str:
    payout = found.payout
    return f"退回的互助金：申领 {payout.claim.number}（{identity.mask_name(payout.payee)}）"


@statements.post("/lines/<int:id>/")
@allow(Role.FINANCE, on=StatementLine)
def assign(id: int) -> Any:
    line, form = find(StatementLine, id), request.form
    try:
        payments = deeds.assign(
            line, parts=_parts(line.organization, form), by=g.user, at=clock.now()
        )
    except Refused as refused:
        return _line_page(line, form, refused.by_field()), 422
    flash(f"已分配到 {len(payments)} 笔应缴")
    return redirect(url_for("statements.line", id=line.id), 303)


def _parts(place: Organization, form: Any) -> list[tuple[Any, int]]:
    """Ticked dues with what was typed beside each. Refuses what is no amount."""
    numbers = [int(n) for n in form.getlist("due") if n.isdecimal() and len(n) < 10]
    parts = []
    for due in _received_by(place, numbers):
        try:
            parts.append((due, money.parse_yuan(form.get(f"amount-{due.id}", ""))))
        except ValueError:
            words = f"名册 {due.roster.number}：请填写分配的金额，例如 6400.00"
            raise Refused(f"amount-{due.id}", words) from None
    return parts


@statements.get("/lines/<int:id>/refund")
@allow(Role.FINANCE, on=StatementLine)
def refund(id: int) -> Any:
    line = find(StatementLine, id)
    left, back = deeds.remaining_of([line])[line.id], _taken_back(line)
    given = {"amount": money.plain(left), "refunded_on": back.taken_on if back else clock.today()}
    reason = f"银行冲回（流水号{back.reference}）" if back else ""
    return _refund_page(line, {**given, "reason": reason}, {})


def _taken_back(line: StatementLine) -> BankReversal | None:
    """What the bank took back, where the page of its statement led here."""
    asked = request.args.get("back", "")
    found = visible(BankReversal).where(BankReversal.organization == line.organization_id)
    if not asked.isdecimal() or len(asked) > 9:
        return None
    return found.where(BankReversal.id == int(asked)).first()  # type: ignore[no-any-return]


@statements.post("/lines/<int:id>/refund")
@allow(Role.FINANCE, on=StatementLine)
def note_refund(id: int) -> Any:
    line, form = find(StatementLine, id), Typed(request.form)
    try:
        typed = form.all(
            amount=form.yuan("amount", "退款金额"), refunded_on=form.day("refunded_on", "退款日期")
        )
        deeds.note_refund(line, **typed, reason=form.text("reason"), by=g.user, at=clock.now())
    except Refused as refused:
        return _refund_page(line, request.form, refused.by_field()), 422
    flash("已登记退款")
    return redirect(url_for("statements.line", id=line.id), 303)


def _refund_page(line: StatementLine, form: Any, errors: dict[str, str]) -> str:
    return render_template("admin/statements/refund.html", line=line, form=form, errors=errors)


@statements.get("/refunds/<int:id>/reversal")
@allow(Role.FINANCE, on=Refund)
def refund_reversal(id: int) -> Any:
    refund = find(Refund, id)
    return render_template("admin/statements/refund_reversal.html", refund=refund, form={},
                           errors={})  # fmt: skip


@statements.post("/refunds/<int:id>/reversal")
@allow(Role.FINANCE, on=Refund)
def reverse_refund(id: int) -> Any:
    refund, form = find(Refund, id), request.form
    try:
        deeds.reverse_refund(refund, reason=form.get("reason", ""), by=g.user, at=clock.now())
    except Refused as refused:
        page, errors = "admin/statements/refund_reversal.html", refused.by_field()
        return render_template(page, refund=refund, form=form, errors=errors), 422
    flash("已更正：这笔退款不再计入")
    return redirect(url_for("statements.line", id=refund.line_id), 303)


@statements.get("/lines/<int:id>/income")
@allow(Role.FINANCE, on=StatementLine)
def income(id: int) -> Any:
    line = find(StatementLine, id)
    left = deeds.remaining_of([line])[line.id]
    given = {"amount": money.plain(left), "giver": line.payer_name, "purpose": line.remark}
    return _income_page(line, given, {})


@statements.post("/lines/<int:id>/income")
@allow(Role.FINANCE, on=StatementLine)
def take_income(id: int) -> Any:
    line, form = find(StatementLine, id), Typed(request.form)
    try:
        typed = form.all(amount=form.yuan("amount", "金额"))
        typed |= {name: form.text(name) for name in ("kind", "giver", "purpose")}
        scheme = scheme_of(form.text("scheme"))
        deeds.take_as_income(line, **typed, scheme=scheme, by=g.user, at=clock.now())
    except Refused as refused:
        return _income_page(line, request.form, refused.by_field()), 422
    flash("已登记为其他收入")
    return redirect(url_for("statements.line", id=line.id), 303)


def _income_page(line: StatementLine, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/statements/income.html", line=line, form=form, errors=errors,
        kinds=incomes.KINDS, schemes=schemes_of(line.organization),
    )  # fmt: skip


@statements.get("/lines/<int:id>/return")
@allow(Role.FINANCE, on=StatementLine)
def came_back(id: int) -> Any:
    """Which payout a line is that the bank sent back."""
    return _return_page(find(StatementLine, id), {})


def _return_page(line: StatementLine, errors: dict[str, str]) -> str:
    found = deeds.returned_payouts([line], deeds.remaining_of([line]))[line.id]
    return render_template("admin/statements/return.html", line=line, found=found, errors=errors)


@statements.post("/lines/<int:id>/return")
@allow(Role.FINANCE, on=StatementLine)
def take_return(id: int) -> Any:
    line, chosen = find(StatementLine, id), request.form.get("payout", "")
    known = visible(Payout, Role.FINANCE)
    found = known.where(Payout.id == int(chosen)).first() if chosen[:9].isdecimal() else None
    try:
        if found is None:
            raise Refused("payout", "请选择是哪一笔发放")
        deeds.take_as_return(line, payout=found, by=g.user, at=clock.now())
    except Refused as refused:
        return _return_page(line, refused.by_field()), 422
    flash("已登记：这是退回的互助金，申领回到待发放")
    return redirect(url_for("statements.line", id=line.id), 303)


@statements.get("/returns/<int:id>/reversal")
@allow(Role.FINANCE, on=PayoutReturn)
def return_reversal(id: int) -> Any:
    found = find(PayoutReturn, id)
    return render_template("admin/statements/return_reversal.html", found=found, form={}, errors={})


@statements.post("/returns/<int:id>/reversal")
@allow(Role.FINANCE, on=PayoutReturn)
def reverse_return(id: int) -> Any:
    found, form = find(PayoutReturn, id), request.form
    try:
        deeds.reverse_return(found, reason=form.get("reason", ""), by=g.user, at=clock.now())
    except Refused as refused:
        page, errors = "admin/statements/return_reversal.html", refused.by_field()
        return render_template(page, found=found, form=form, errors=errors), 422
    flash("已更正：这条流水重新待分配")
    return redirect(url_for("statements.line", id=found.line_id), 303)
