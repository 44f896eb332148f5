"""Lines that are no fee: sent back, other income, payouts that the bank returned."""

from typing import Any

from flask import (
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)

from huigong import clock, money
from huigong.access import allow, find, visible
from huigong.admin.reasoned import do_for_a_reason
from huigong.admin.receiving import scheme_of, schemes_of
from huigong.admin.statements.room import statements
from huigong.admin.typed import Typed
from huigong.models import (
    BankReversal,
    Payout,
    PayoutReturn,
    Refund,
    Role,
    StatementLine,
)
from huigong.refusals import Refused
from huigong.workflows import incomes
from huigong.workflows import statements as deeds


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
            amount=form.yuan("amount", "退款金额"),
            refunded_on=form.day("refunded_on", "退款日期"),
            reason=form.words("reason", "退款的原因"),
        )
        deeds.note_refund(line, **typed, by=g.user, at=clock.now())
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
    refund = find(Refund, id)
    return do_for_a_reason(
        deeds.reverse_refund, refund, page="admin/statements/refund_reversal.html", refund=refund,
        said="已更正：这笔退款不再计入",
        to=url_for("statements.line", id=refund.line_id),
    )  # fmt: skip


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
        typed = form.all(
            amount=form.yuan("amount", "金额"),
            kind=form.one_of("kind", incomes.KINDS, "收入的种类"),
            giver=form.words("giver", "拨款或捐赠方的名称"),
        )
        typed |= {"purpose": form.text("purpose"), "scheme": scheme_of(form.text("scheme"))}
        deeds.take_as_income(line, **typed, by=g.user, at=clock.now())
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
    found = find(PayoutReturn, id)
    return do_for_a_reason(
        deeds.reverse_return, found, page="admin/statements/return_reversal.html", found=found,
        said="已更正：这条流水重新待分配",
        to=url_for("statements.line", id=found.line_id),
    )  # fmt: skip
