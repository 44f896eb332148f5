"""Payouts: approved claims paid together, the batch made by one and released by another."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from peewee import fn

from huigong import identity
from huigong.database import writes
from huigong.models import (
    Claim,
    ClaimEvent,
    ClaimSending,
    Decision,
    Edition,
    Enrollment,
    Journal,
    Member,
    OperatorBatch,
    OperatorFile,
    Organization,
    Payout,
    PayoutBatch,
    Reconsideration,
    Scheme,
    User,
)
from huigong.money import plain, yuan
from huigong.refusals import Refused
from huigong.sheets import Column, write_workbook
from huigong.workflows import audit, ledger
from huigong.workflows.numbers import next_of_year

MOST_CLAIMS = 200  # so that a release holds the write lock for well under half a second
LIVE = ("pending", "paid")
COLUMNS = (
    Column("收款人姓名"),
    Column("卡号", width=24),
    Column("开户行", width=28),
    Column("金额", "yuan"),
    Column("附言", width=24),
)


def payable(claims: Any) -> Any:
    """Of a query of claims, those that the office's own bank may pay: owed, and not with the
    scheme's operator."""
    there = ClaimSending.select(ClaimSending.id).where(
        ClaimSending.claim == Claim.id, ClaimSending.stage == "sent"
    )
    return owed(claims).where(~fn.EXISTS(there))


def owed(claims: Any) -> Any:
    """Of a query of claims, those approved with an amount, in no live batch, and with no question
    open whether their decision stands. The few approved ones are each looked up among all payouts
    and decisions, which are never read through."""
    live = Payout.select(Payout.id).where(Payout.claim == Claim.id, Payout.stage << LIVE)
    given = Decision.select(Decision.id).where(
        Decision.claim == Claim.id, Decision.verdict == "approve", Decision.amount > 0
    )
    doubted = Reconsideration.select(Reconsideration.id).where(
        Reconsideration.claim == Claim.id, Reconsideration.stage == "open"
    )
    approved = Claim.stage == "approved"
    return claims.where(approved, fn.EXISTS(given), ~fn.EXISTS(live), ~fn.EXISTS(doubted))


@writes
def make_batch(
    *, claims: Sequence[Claim], organization: Organization, by: User, at: datetime
) -> PayoutBatch:
    """Put approved claims into one batch of the organization that runs their schemes.

    Payee, bank and card are kept as they are now. Refuses an empty choice, more than 200, and,
    by number, claims of another organization, not payable, or without a bank card.
    """
    if not claims:
        raise Refused("claims", "请至少选择一件申领")
    if len(claims) > MOST_CLAIMS:
        raise Refused("claims", f"一个批次最多 {MOST_CLAIMS} 件，现选了 {len(claims)} 件，请分批")
    chosen = _chosen(claims)
    if faults := _batch_faults(chosen, organization):
        raise Refused("claims", "；".join(faults))
    batch = PayoutBatch.create(
        organization=organization,
        number=next_of_year(PayoutBatch.number, "FF", at.year),
        made_by=by,
        made_on=at.date(),
    )
    for claim in chosen:
        _add(batch, claim)
    total = sum(claim.decision.amount for claim in chosen)
    audit.record(
        "make batch", by=by, at=at, on=batch, organization=organization, detail=yuan(total)
    )
    return batch


def _chosen(claims: Sequence[Claim]) -> list[Claim]:
    """The claims as they are inside this transaction, each with its member and decision."""
    ids = {claim.id for claim in claims}
    query = (
        Claim.select(Claim, Member, Enrollment, Edition, Decision)
        .join_from(Claim, Member)
        .join_from(Claim, Enrollment)
        .join_from(Enrollment, Edition)
        .join_from(Claim, Decision, attr="decision")
        .where(Claim.id << ids)
        .order_by(Claim.id)
    )
    found = list(query)
    if len(found) < len(ids):
        raise Refused("claims", "选中的申领里有还没有作出决定的，请刷新后重选")
    return found


def _batch_faults(chosen: list[Claim], organization: Organization) -> list[str]:
    ready = {claim.id for claim in payable(Claim.select().where(Claim.id << chosen))}
    faults = []
    for claim in chosen:
        if claim.enrollment.edition.organization_id != organization.id:
            faults.append(f"{claim.number} 的计划不由{organization.name}发放")
        elif claim.id not in ready:
            faults.append(
                f"{claim.number} 不在待发放之列，可能已进入其他批次、已送承办方或正在提请撤销决定"
            )
        elif fault := card_fault(claim.member):
            who = identity.mask_name(claim.member.name)
            faults.append(f"{claim.number}（{who}）{fault}")
    return faults


def card_fault(member: Member) -> str:
    """Why a member cannot be paid by bank file, or nothing."""
    card = identity.normalize_bank_card(member.opened("bank_card"))
    if not card:
        return "没有登记银行卡，请先在职工信息里补登，再进入批次"
    if identity.bank_card_fault(card):
        return "登记的银行卡号位数不对，请先在职工信息里更正，再进入批次"
    return ""


def _add(batch: PayoutBatch, claim: Claim, note: str = "") -> None:
    """One claim's payout. Its key is unique per attempt: a second live payout cannot exist."""
    ended = Payout.select().where(Payout.claim == claim, Payout.stage.not_in(LIVE)).count()
    member, decision = claim.member, claim.decision
    payout = Payout(
        organization=claim.organization_id,
        batch=batch,
        claim=claim,
        key=f"claim:{claim.id}:{ended + 1}",
        amount=decision.amount,
        payee=member.name,
        bank=member.bank,
        note=note,
    )
    payout.card = payout.seal("card", identity.normalize_bank_card(member.opened("bank_card")))
    payout.save(force_insert=True)


@writes
def release_batch(batch: PayoutBatch, *, by: User, at: datetime) -> PayoutBatch:
    """Release a batch for payment: its claims are paid and the ledger says so.

    Refuses the maker. Raises Lost, changing nothing, when the batch or one of its claims was
    changed by somebody else meanwhile.
    """
    if batch.made_by_id == by.id:
        raise Refused("release", "批次须由制单人以外的人复核放行")
    batch.move("stage", was="made", to="released", released_by=by, released_on=at.date())
    for payout in payouts_of(batch):
        _pay(payout, batch, "bank", f"发放批次{batch.number}", by=by, at=at)
    audit.record("release batch", by=by, at=at, on=batch, organization=batch.organization)
    return batch


def _pay(
    payout: Payout, batch: PayoutBatch, account: str, note: str, *, by: User, at: datetime
) -> None:
    """A payout that went out of one of our accounts: its claim is paid, and the ledger says so."""
    payout.move("stage", was="pending", to="paid")
    payout.claim.move("stage", was="approved", to="paid")
    _tell(payout.claim, "paid", note, by=by, at=at)
    ledger.book(
        key=f"payout:{payout.id}:paid",
        text=f"申领#{payout.claim.number} 发放互助金（批次{batch.number}）",
        organization=payout.organization,
        scheme=payout.claim.enrollment.edition.scheme,
        postings=[("payable", payout.amount), (account, -payout.amount)],
        by=by,
        at=at,
    )


@writes
def book_operator_payments(
    notes: Mapping[int, str], *, file: OperatorFile, sender: User, by: User, at: datetime
) -> PayoutBatch:
    """Book claims, by id with words on each payment, that the operator says it paid in full: a
    batch made by whoever sent them there and released by whoever takes the answer.

    The money is what was passed on to the operator, not the office's bank's. Refuses the sender
    as releaser. Raises Lost when one of them is not owed any more.
    """
    if sender.id == by.id:
        raise Refused("by", "已支付的申领须由送出人以外的人登记回执")
    batch = PayoutBatch.create(
        organization=file.organization_id, made_by=sender,
        number=next_of_year(PayoutBatch.number, "FF", at.year),
        made_on=at.date(), stage="released", released_by=by, released_on=at.date(),
    )  # fmt: skip
    OperatorBatch.create(batch=batch, file=file)
    for claim in _chosen([Claim(id=id) for id in notes]):
        _add(batch, claim, notes[claim.id])
    for payout in payouts_of(batch):
        _pay(payout, batch, "transferred", payout.note, by=by, at=at)
    audit.record(
        "book operator payments", by=by, at=at, on=batch, organization=batch.organization,
        detail=f"{file.number} {len(notes)}件",
    )  # fmt: skip
    return batch


def is_operators(batch: PayoutBatch) -> bool:
    """Whether a batch was paid by the scheme's operator."""
    return bool(OperatorBatch.select().where(OperatorBatch.batch == batch).exists())


@writes
def withdraw_batch(batch: PayoutBatch, *, reason: str, by: User, at: datetime) -> PayoutBatch:
    """Withdraw a batch that was not released; its claims wait for payment again."""
    if not reason.strip():
        raise Refused("reason", "请写明撤回的原因")
    batch.move("stage", was="made", to="withdrawn")
    note = reason.strip()
    Payout.update(stage="withdrawn", note=note).where(
        Payout.batch == batch, Payout.stage == "pending"
    ).execute()
    place = batch.organization
    audit.record("withdraw batch", by=by, at=at, on=batch, organization=place, detail=note)
    return batch


@writes
def return_payout(payout: Payout, *, note: str, by: User, at: datetime) -> Payout:
    """Record that the bank sent a payout back: the claim is approved and payable again, and the
    ledger reverses the payment. Refuses without the bank's reason and for one not paid."""
    if not note.strip():
        raise Refused("note", "请写明银行退回的原因")
    if payout.stage != "paid":
        raise Refused("note", "只有已放行的发放才能登记退回")
    payout.move("stage", was="paid", to="returned", note=note.strip())
    claim = payout.claim
    claim.move("stage", was="paid", to="approved")
    _tell(claim, "payment_returned", note.strip(), by=by, at=at)
    booked = Journal.get(Journal.key == f"payout:{payout.id}:paid")
    ledger.reverse(booked, text=f"银行退回：{booked.text}", by=by, at=at)
    audit.record("return payout", by=by, at=at, on=payout, organization=payout.organization)
    return payout


def _tell(claim: Claim, kind: str, note: str, *, by: User, at: datetime) -> None:
    ClaimEvent.create(claim=claim, kind=kind, by=by, on=at.date(), at=at, note=note)


def payouts_of(batch: PayoutBatch) -> list[Payout]:
    """A batch's payouts in order, each with its claim, unit and scheme."""
    query = (
        Payout.select(Payout, Claim, Organization, Enrollment, Edition, Scheme)
        .join_from(Payout, Claim)
        .join_from(Payout, Organization)
        .join_from(Claim, Enrollment)
        .join_from(Enrollment, Edition)
        .join_from(Edition, Scheme)
        .where(Payout.batch == batch)
        .order_by(Payout.id)
    )
    return list(query)


@writes
def bank_file(batch: PayoutBatch, *, form: str, by: User, at: datetime) -> list[list[Any]]:
    """The rows of a released batch's bank file, full card numbers included: taking it is logged.

    One row a payout, as COLUMNS say, amounts in fen; returned ones are left out. Refuses a
    batch that is not released.
    """
    if batch.stage != "released":
        raise Refused("file", "批次放行后才能下载银行文件")
    if is_operators(batch):
        raise Refused("file", "这一批由承办方支付，没有银行文件")
    rows = [
        [payout.payee, payout.opened("card"), payout.bank, payout.amount, _remark(payout)]
        for payout in payouts_of(batch)
        if payout.stage == "paid"
    ]
    place = batch.organization
    audit.record("take bank file", by=by, at=at, on=batch, organization=place, detail=form)
    return rows


def _remark(payout: Payout) -> str:
    return f"互助金{payout.claim.number}"


def as_workbook(rows: list[list[Any]]) -> bytes:
    """A bank file as .xlsx; no cell is a formula and card numbers are text."""
    book = io.BytesIO()
    write_workbook(book, COLUMNS, rows, sheet="发放")
    return book.getvalue()


def as_csv(rows: list[list[Any]]) -> bytes:
    """A bank file as GB18030 .csv, which banks' programs read; no cell starts a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.title for column in COLUMNS])
    for payee, card, bank, amount, remark in rows:
        writer.writerow(
            [*map(_no_formula, (payee, card, bank)), plain(amount), _no_formula(remark)]
        )
    return text.getvalue().encode("gb18030")


def _no_formula(text: str) -> str:
    """A cell that a spreadsheet would take for a formula gets a leading apostrophe."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
