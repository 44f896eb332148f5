"""Undoing a fact of the money: it stays, with the reason beside it, and its journal is reversed."""

from datetime import datetime
from typing import Any

from huigong.database import writes
from huigong.models import Journal, StatementLine, User
from huigong.refusals import Refused
from huigong.workflows import audit, ledger


@writes
def undo(
    fact: Any,
    *,
    journal: str,
    reason: str,
    already: str,
    deed: str,
    by: User,
    at: datetime,
) -> Any:
    """Let a fact that `journal` booked count no more; the statement line that it came from, if
    any, waits in suspense again.

    Refuses without a reason and, with the words of `already`, for a second time.
    """
    if not reason.strip():
        raise Refused("reason", "请写明更正的原因")
    if fact.reversals.exists():
        raise Refused("reason", already)
    link = type(fact).reversals
    place = fact.organization
    given = {"organization": place, "reason": reason.strip(), "by": by, "at": at}
    undone = link.rel_model.create(**{link.field.name: fact}, **given)
    booked = Journal.get(Journal.key == journal)
    ledger.reverse(booked, text=f"更正：{booked.text}", by=by, at=at)
    if line := fact.__data__.get("line"):
        StatementLine.update(stage="open").where(StatementLine.id == line).execute()
    audit.record(deed, by=by, at=at, on=fact, organization=place)
    return undone
