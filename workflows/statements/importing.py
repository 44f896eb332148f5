"""A statement kept, understood, and its lines taken into the books, each once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from peewee import fn

from huigong import sheets, uploads, vault
from huigong.database import insert_rows, writes
from huigong.models import (
    BankReversal,
    DueStanding,
    Income,
    IncomeReversal,
    Organization,
    Payment,
    PaymentReversal,
    Statement,
    StatementLayout,
    StatementLine,
    User,
)
from huigong.money import yuan
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import audit, funding, ledger
from huigong.workflows.statements.layout import FIELDS, Money, Reading, read
from huigong.workflows.statements.settling import USES

NO_BANK: Final = "请填写银行名称，系统会记住这家银行对账单的列名"
MOST_LINES: Final = 20_000  # so that an import holds the write lock for well under half a second
MOST_ROWS: Final = 50_000  # with what went out: they are held all at once
_SOME: Final = 500
_COLUMNS: Final = (
    *("ref", "organization_id", "statement_id", "number", "received_on", "amount", "payer_name"),
    *("payer_account", "account_index", "remark", "reference", "key", "stage"),
)


@writes
def keep_statement(
    *, organization: Organization, bank: str, kept: Kept, by: User, at: datetime
) -> Statement:
    """Keep an uploaded statement until its columns are understood; nothing is booked yet."""
    bank = bank.strip()
    if not bank:
        raise Refused("bank", NO_BANK)
    statement = Statement.create(
        organization=organization, bank=bank[:60], file=kept.file, file_name=kept.name, by=by, at=at
    )
    audit.record("keep statement", by=by, at=at, on=statement, organization=organization)
    return statement


@dataclass
class Preview:
    """What importing a statement would do: new lines, those known already, those in conflict."""

    reading: Reading
    fresh: list[Money] = field(default_factory=list)
    known: list[Money] = field(default_factory=list)
    conflicts: list[tuple[int, str]] = field(default_factory=list)

    @property
    def faults(self) -> list[tuple[int, str]]:
        """Everything that keeps it from being imported, by row."""
        return sorted(self.reading.faults + self.conflicts)


def preview(
    statement: Statement, *, folder: Path, said: Mapping[str, str] | None = None
) -> Preview:
    """Read a kept statement with what is remembered of its bank and what is `said` of its columns
    now (plain title → field). Refuses (`file`) what is no statement."""
    remembered = remembered_of(statement) | dict(said or {})
    try:
        with (
            uploads.open_kept(folder, statement.file) as file,
            sheets.read_rows(file, most=MOST_ROWS) as rows,
        ):
            reading = read(rows, remembered, epoch=rows.epoch)
    except sheets.SheetRefused as refused:
        raise Refused("file", str(refused)) from refused
    if reading is None:
        raise Refused("file", "找不到列名所在的行：对账单至少要有“交易日期”和“收入金额”两列")
    if len(reading.lines) > MOST_LINES:
        raise Refused("file", f"一份对账单最多 {MOST_LINES} 笔收入，请按月分开上传")
    return _compared(reading, statement.organization_id)


def remembered_of(statement: Statement) -> dict[str, str]:
    """What was said before of the columns of this bank's statements."""
    layout = StatementLayout.get_or_none(
        StatementLayout.organization == statement.organization_id,
        StatementLayout.bank == statement.bank,
    )
    return dict(layout.columns) if layout else {}


def _compared(reading: Reading, organization: int) -> Preview:
    """A reading beside what the office knows: each reference counts once."""
    found = Preview(reading)
    imported = _imported(reading.lines, organization)
    by_hand = _by_hand(reading.lines, organization)
    for line in reading.lines:
        if line.reference in imported:
            day, amount = imported[line.reference]
            if (day, amount) == (line.day, line.amount):
                found.known.append(line)
            else:
                words = f"流水号{line.reference}以前导入过，当时是 {day} 的 {yuan(amount)} 元"
                found.conflicts.append((line.number, words))
        elif line.reference in by_hand:
            if by_hand[line.reference] == line.amount:
                found.known.append(line)
            else:
                words = f"流水号{line.reference}已手工登记 {yuan(by_hand[line.reference])} 元，"
                found.conflicts.append((line.number, words + "与对账单不同：请先更正手工登记"))
        else:
            found.fresh.append(line)
    return found


def _in_parts(lines: Sequence[Money]) -> Iterator[list[str]]:
    for start in range(0, len(lines), _SOME):
        yield [line.reference for line in lines[start : start + _SOME]]


def _imported(lines: Sequence[Money], organization: int) -> dict[str, tuple[Any, int]]:
    known: dict[str, tuple[Any, int]] = {}
    for references in _in_parts(lines):
        query: Any = StatementLine.select(
            StatementLine.reference, StatementLine.received_on, StatementLine.amount
        ).where(
            StatementLine.organization == organization,
            StatementLine.reference << references,
            StatementLine.stage != "withdrawn",
        )
        known |= {reference: (day, fen) for reference, day, fen in query.tuples()}
    return known


def _by_hand(lines: Sequence[Money], organization: int) -> dict[str, int]:
    """Fen recorded by hand under the same references, counting only what was not undone."""
    known: dict[str, int] = {}
    received = DueStanding.select(DueStanding.due).where(DueStanding.receiver == organization)
    for references in _in_parts(lines):
        for fact, undone, link, ours in (
            (Payment, PaymentReversal, PaymentReversal.payment, Payment.due << received),
            (Income, IncomeReversal, IncomeReversal.income, Income.organization == organization),
        ):
            query: Any = (
                fact.select(fact.bank_reference, fn.SUM(fact.amount))
                .where(fact.bank_reference << references, fact.line.is_null(), ours)
                .where(fact.id.not_in(undone.select(link)))
                .group_by(fact.bank_reference)
            )
            for reference, fen in query.tuples():
                known[reference] = known.get(reference, 0) + int(fen)
    return known


def import_statement(
    statement: Statement, *, folder: Path, said: Mapping[str, str], by: User, at: datetime
) -> Statement:
    """Take a kept statement's new lines into the books: they wait in suspense.

    `said` gives columns their meaning (plain title → field, "" for not needed) and is remembered
    for the bank. Refuses missing columns, unanswered questions, lines that cannot be read, and a
    file without anything new. Raises Lost when it was imported already.
    """
    if wrong := set(said.values()) - set(FIELDS) - {""}:
        raise Refused("file", f"没有这样的列：{'、'.join(sorted(wrong))}")
    found = preview(statement, folder=folder, said=said)
    if missing := found.reading.missing:
        raise Refused("columns", f"还没有指明哪一列是“{'”“'.join(missing)}”")
    if asked := [q.letter for q in found.reading.questions if not q.same_as]:
        raise Refused("columns", f"请说明第 {'、'.join(asked)} 列是什么，用不上的选“不需要”")
    if found.faults:
        number, words = found.faults[0]
        raise Refused(
            "columns", f"有 {len(found.faults)} 行需要先处理，例如第 {number} 行：{words}"
        )
    if not found.fresh:
        raise Refused("columns", "这份对账单里没有新的收入：每一笔都导入或登记过")
    return _store(statement, found, said, by=by, at=at)


@writes
def _store(
    statement: Statement, found: Preview, said: Mapping[str, str], *, by: User, at: datetime
) -> Statement:
    place = statement.organization
    again = _compared(found.reading, place.id)  # what others imported since it was read
    if len(again.fresh) != len(found.fresh) or again.conflicts:
        raise Lost(f"lines of statement {statement.id} were taken by another meanwhile")
    amount = sum(line.amount for line in found.fresh)
    statement.move(
        "stage", was="kept", to="imported",
        lines=len(found.fresh), repeated=len(found.known), amount=amount,
    )  # fmt: skip
    _remember(statement, said)
    _keep_reversals(statement, found.reading.taken_back)
    rows = list(_rows(statement, found.fresh))  # a COPY under way answers no other question
    insert_rows("statement_line", _COLUMNS, rows)
    ledger.book(
        key=f"statement:{statement.id}:imported",
        text=f"{statement.bank}对账单#{statement.id} 到账 {len(found.fresh)} 笔，待分配",
        organization=place,
        scheme=None,
        postings=[("bank", amount), ("suspense", -amount)],
        by=by,
        at=at,
    )
    audit.record("import statement", by=by, at=at, on=statement, organization=place)
    return statement


def _keep_reversals(statement: Statement, taken_back: Iterable[Money]) -> None:
    """What the bank took back of earlier credits, each once however often it comes."""
    withdrawn = Statement.select(Statement.id).where(Statement.stage == "withdrawn")
    for back in taken_back:
        known = BankReversal.select().where(
            BankReversal.organization == statement.organization_id,
            BankReversal.reference == back.reference,
            BankReversal.statement.not_in(withdrawn),
        )
        if not known.exists():
            BankReversal.create(
                organization=statement.organization_id, statement=statement, number=back.number,
                taken_on=back.day, amount=back.amount, payer_name=back.payer, remark=back.remark,
                reference=back.reference,
            )  # fmt: skip


def _remember(statement: Statement, said: Mapping[str, str]) -> None:
    known = remembered_of(statement) | {title: name for title, name in said.items() if title}
    where = {"organization": statement.organization_id, "bank": statement.bank}
    StatementLayout.insert(**where, columns=known).on_conflict(
        conflict_target=[StatementLayout.organization, StatementLayout.bank],
        update={StatementLayout.columns: known},
    ).execute()


def _rows(statement: Statement, lines: Iterable[Money]) -> Iterator[tuple[Any, ...]]:
    keys, table = vault.current(), StatementLine._meta.table_name
    place = statement.organization_id
    attempts = _attempts(statement)
    for line in lines:
        ref = vault.new_ref()
        account = keys.seal(line.account, table=table, column="payer_account", row=ref)
        index = keys.index(line.account, kind="payer account") if line.account else ""
        yield (
            *(ref, place, statement.id, line.number, line.day, line.amount),
            *(line.payer, account, index, line.remark, line.reference),
            *(f"{place}:{line.reference}:{attempts.get(line.reference, 0) + 1}", "open"),
        )


def _attempts(statement: Statement) -> dict[str, int]:
    """How often each reference came before, all withdrawn by now."""
    query: Any = StatementLine.select(StatementLine.reference, fn.COUNT(StatementLine.id)).where(
        StatementLine.organization == statement.organization_id,
        StatementLine.stage == "withdrawn",
    )
    return dict(query.group_by(StatementLine.reference).tuples())


@writes
def drop_statement(statement: Statement, *, by: User, at: datetime) -> None:
    """Give up an upload that was not imported; its caller drops the file. The row stays, so that
    no other upload gets its number. Raises Lost when it was imported or dropped meanwhile."""
    statement.move("stage", was="kept", to="dropped", file="")
    audit.record("drop statement", by=by, at=at, on=statement,
                 organization=statement.organization, detail=statement.file_name)  # fmt: skip


@writes
def withdraw_statement(statement: Statement, *, reason: str, by: User, at: datetime) -> Statement:
    """Undo the import of a statement of which nothing was decided, for instance another account's;
    its lines may be imported again. Refuses without a reason and when a line was decided."""
    if not reason.strip():
        raise Refused("reason", "请写明撤回的原因")
    if used := sum(_decided(statement)):
        raise Refused("reason", f"其中有 {used} 笔分配、收入或退款，请先逐笔更正，再撤回")
    statement.move("stage", was="imported", to="withdrawn")
    StatementLine.update(stage="withdrawn").where(StatementLine.statement == statement).execute()
    booked = funding.journal(f"statement:{statement.id}:imported")
    ledger.reverse(booked, text=f"撤回：{booked.text}", by=by, at=at)
    place, detail = statement.organization, reason.strip()
    audit.record("withdraw statement", by=by, at=at, on=statement, organization=place,
                 detail=detail)  # fmt: skip
    return statement


def _decided(statement: Statement) -> Iterator[int]:
    """How many live payments, incomes and refunds its lines have."""
    mine = StatementLine.select(StatementLine.id).where(StatementLine.statement == statement)
    for fact, undone, link in USES:
        live = fact.select().where(fact.line << mine, fact.id.not_in(undone.select(link)))
        yield live.count()
