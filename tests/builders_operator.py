"""Files of a scheme's operator as it reads and writes them."""

import io
import tempfile
from typing import Any

from builders import NOW, a_user
from builders_claims import an_approved_claim
from openpyxl import Workbook

from huigong import uploads
from huigong.models import Claim, ClaimSending, OperatorFile, Role, Scheme
from huigong.sheets import read_rows
from huigong.workflows import operator


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
