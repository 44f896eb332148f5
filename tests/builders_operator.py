"""Files of a scheme's operator as it reads and writes them."""

import io
import tempfile
from typing import Any

from builders import NOW, a_user
from builders_claims import a_reviewed_claim, an_approved_claim
from openpyxl import Workbook

from huigong import uploads
from huigong.models import (
    Claim,
    ClaimSending,
    OperatorFile,
    OperatorReply,
    Role,
    Scheme,
)
from huigong.sheets import read_rows
from huigong.workflows import claims, operator, verification


def a_book(rows: list[list[Any]]) -> bytes:
    """An .xlsx of these cells, as somebody's Excel saves it."""
    book, target = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return target.getvalue()


def the_rows(book: Any) -> list[list[Any]]:
    """All rows of an open workbook."""
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as copy:
        copy.write(book.read())
        copy.flush()
        with read_rows(copy.name) as rows:
            return [row for _, row in rows]


def out_of(office, file: OperatorFile) -> list[list[Any]]:
    """What went out in a kept file."""
    with uploads.open_kept(office.files, file.file) as book:
        return the_rows(book)


def an_answer(
    office, scheme: Scheme, kind: str, rows: list[list[Any]], *, by=None, at=NOW, book: bytes = b""
) -> OperatorFile:
    """An operator's answer kept, not taken yet."""
    by = by or a_user(Role.FINANCE, at=scheme.organization)
    stream = io.BytesIO(book or a_book(rows))
    kept = uploads.keep(
        office.files, stream, name="回执.xlsx", field="file", limit=uploads.ROSTER_LIMIT
    )
    return operator.keep_answer(scheme, kind, kept=kept, folder=office.files, by=by, at=at)


def answer_taken(
    office, scheme: Scheme, kind: str, rows: list[list[Any]], *, by=None, at=NOW, clean=False
) -> int:
    """An operator's answer taken; how many rows were new."""
    by = by or a_user(Role.FINANCE, at=scheme.organization)
    file = an_answer(office, scheme, kind, rows, by=by, at=at)
    return operator.take_answer(file, folder=office.files, clean_only=clean, by=by, at=at)


def scheme_of(claim: Claim) -> Scheme:
    return claim.enrollment.edition.scheme  # type: ignore[no-any-return]


def sent_claims(office, scheme: Scheme, *, was="approved", by=None, at=NOW) -> OperatorFile:
    """The claims that wait, sent to the operator."""
    by = by or a_user(Role.FINANCE, at=scheme.organization)
    return operator.send_claims(scheme, was=was, folder=office.files, by=by, at=at)


def a_sent_claim(office, **more: Any) -> tuple[Claim, ClaimSending]:
    """A decided claim that is with the operator."""
    claim = an_approved_claim(**more)
    sent_claims(office, scheme_of(claim))
    return claim, ClaimSending.get(ClaimSending.claim == claim)


TITLES = ["申领编号", "结果", "支付金额", "支付流水号", "支付日期", "说明"]
PAID = ["已支付", "6018.60", "ZF20241216001", "2024-12-16", ""]


def answered(claim, result, amount="", serial="", day="", words=""):
    """The rows of an answer about one claim."""
    return [TITLES, [claim.number, result, amount, serial, day, words]]


def now(claim) -> Claim:
    return Claim.get_by_id(claim.id)


def finance_of(claim):
    return a_user(Role.FINANCE, at=scheme_of(claim).organization)


def reply_of(claim) -> OperatorReply:
    return (
        OperatorReply.select()
        .join(ClaimSending)
        .where(ClaimSending.claim == claim)
        .order_by(OperatorReply.id.desc())
        .get()
    )


def all_agrees(office) -> bool:
    return verification.findings(office.files) == []


def a_checked_claim(office) -> Claim:
    claim = a_reviewed_claim()
    sent_claims(office, scheme_of(claim), was="reviewed")
    return now(claim)


def decide(claim, verdict="approve", **more):
    by = a_user(Role.REVIEWER, at=claim.organization.parent)
    given = {"amount": None, "reason": "", **more}
    return claims.decide_claim(claim, verdict=verdict, by=by, at=NOW, **given)
