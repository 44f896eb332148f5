"""Income beside the fee's shares: fiscal funds, donations from society, other."""

from datetime import date, datetime
from typing import Any

from huigong.database import writes
from huigong.models import (
    Income,
    IncomeReversal,
    Organization,
    Payment,
    PaymentReversal,
    Scheme,
    StatementLine,
    User,
)
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import audit, funding, ledger
from huigong.workflows.undoing import undo

KINDS = {"fiscal": "财政专项资金", "donation": "社会捐赠", "other": "其他收入"}


@writes
def record_income(
    *,
    organization: Organization,
    scheme: Scheme | None,
    kind: str,
    giver: str,
    purpose: str,
    amount: int,
    received_on: date,
    bank_reference: str,
    by: User,
    at: datetime,
) -> Income:
    """Record income that came to the bank and stands on no imported statement. Amount in fen.

    Refuses, besides what `add` refuses, a reference that already counts somewhere.
    """
    reference = funding.plain_reference(bank_reference)
    used = Income.select().where(
        Income.organization == organization, Income.bank_reference == reference
    )
    if not reference:
        raise Refused("bank_reference", "请填写银行流水号")
    if words := _counts_already(organization, reference, used):
        raise Refused("bank_reference", words)
    return add(
        organization=organization,
        scheme=scheme,
        kind=kind,
        giver=giver,
        purpose=purpose,
        amount=amount,
        received_on=received_on,
        bank_reference=reference,
        key=f"{organization.id}:{reference}:{used.count() + 1}",
        line=None,
        by=by,
        at=at,
    )


def _counts_already(organization: Organization, reference: str, used: Any) -> str:
    live = used.where(Income.id.not_in(IncomeReversal.select(IncomeReversal.income)))
    if live.exists():
        return "这条流水已登记为收入，一条流水只能登记一次"
    imported = StatementLine.select().where(
        StatementLine.organization == organization,
        StatementLine.reference == reference,
        StatementLine.stage != "withdrawn",
    )
    if imported.exists():
        return "这条流水已随银行对账单导入，请在“银行到账”里处理"
    undone = PaymentReversal.select(PaymentReversal.payment)
    paid = Payment.select().where(Payment.bank_reference == reference, Payment.id.not_in(undone))
    return "这条流水已登记为参保费到账" if paid.exists() else ""


@writes
def add(
    *,
    organization: Organization,
    scheme: Scheme | None,
    kind: str,
    giver: str,
    purpose: str,
    amount: int,
    received_on: date,
    bank_reference: str,
    key: str,
    line: StatementLine | None,
    by: User,
    at: datetime,
) -> Income:
    """Add income and book it, out of the bank or, with a `line`, out of suspense. Refuses an
    unknown kind, no giver, nothing, a day in the future, and a scheme of another city."""
    faults = _faults(kind, giver, amount, received_on, at.date())
    if scheme is not None and scheme.organization_id not in organization.lineage:
        faults.append(("scheme", "这个互助计划不在本市"))
    if faults:
        raise Refused.all(faults)
    income = Income.create(
        organization=organization, scheme=scheme, kind=kind, giver=giver.strip(),
        purpose=purpose.strip(), amount=amount, received_on=received_on,
        bank_reference=bank_reference, key=key, line=line, by=by, at=at,
    )  # fmt: skip
    ledger.book(
        key=f"income:{income.id}:booked",
        text=f"{KINDS[kind]} {income.giver}{f'，{income.purpose}' if income.purpose else ''}",
        organization=organization,
        scheme=scheme,
        postings=[("suspense" if line else "bank", amount), ("income", -amount)],
        by=by,
        at=at,
    )
    detail = yuan(amount)
    audit.record("record income", by=by, at=at, on=income, organization=organization, detail=detail)
    return income


def _faults(
    kind: str, giver: str, amount: int, received_on: date, today: date
) -> list[tuple[str, str]]:
    faults = []
    if kind not in KINDS:
        faults.append(("kind", "请选择收入的种类"))
    if not giver.strip():
        faults.append(("giver", "请填写拨款或捐赠的单位、个人"))
    if amount <= 0:
        faults.append(("amount", "金额应大于零"))
    if received_on > today:
        faults.append(("received_on", "到账日期不能晚于今天"))
    return faults


@writes
def reverse_income(income: Income, *, reason: str, by: User, at: datetime) -> IncomeReversal:
    """Let income recorded wrongly count no more; what came by a statement is in suspense again."""
    return undo(  # type: ignore[no-any-return]
        income, journal=f"income:{income.id}:booked", reason=reason,
        already="这笔收入已经更正过", deed="reverse income", by=by, at=at,
    )  # fmt: skip
