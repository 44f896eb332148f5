"""The audit chain: every deed leaves one event, hashed over the one before it."""

from datetime import datetime
from hashlib import sha256
from typing import Any, cast

from huigong.database import writes
from huigong.models import AuditEvent, Base, Organization, Sealed, User
from huigong.refusals import Refused

FIRST = "0" * 64


def record(
    deed: str,
    *,
    by: User | None,
    at: datetime,
    on: Base | None = None,
    organization: Organization | None = None,
    detail: str = "",
) -> AuditEvent:
    """Add a deed to the chain, inside the deed's own transaction. `detail` names no one."""
    last = AuditEvent.select(AuditEvent.hash).order_by(AuditEvent.id.desc()).first()
    previous = last.hash if last else FIRST
    subject = f"{type(on).__name__}:{on.get_id()}" if on is not None else ""
    by_id = by.id if by else None
    place = organization.id if organization else None
    return AuditEvent.create(
        organization=place,
        at=at,
        by=by_id,
        deed=deed,
        subject=subject,
        detail=detail,
        previous=previous,
        hash=chained(previous, at, by_id, place, deed, subject, detail),
    )


def chained(previous: str, at: datetime, *parts: Any) -> str:
    """The hash of one event over the previous one's. 64 hex."""
    text = "\x1f".join([previous, at.isoformat(), *("" if p is None else str(p) for p in parts)])
    return sha256(text.encode()).hexdigest()


def broken_links() -> list[int]:
    """Ids of events whose hash does not follow from their row and the event before."""
    broken, previous = [], FIRST
    for event in AuditEvent.select().order_by(AuditEvent.id).iterator():
        parts = (event.by_id, event.organization_id, event.deed, event.subject, event.detail)
        if event.previous != previous or event.hash != chained(previous, event.at, *parts):
            broken.append(event.id)
        previous = event.hash
    return broken


def head() -> tuple[int, str]:
    """How many events there are, and the last one's hash, to be kept elsewhere."""
    last = AuditEvent.select(AuditEvent.hash).order_by(AuditEvent.id.desc()).first()
    return AuditEvent.select().count(), last.hash if last else FIRST


@writes
def reveal(row: Sealed, column: str, *, reason: str, by: User, at: datetime) -> str:
    """Open one sealed field for one person, and keep who saw it and why.

    Refuses a reason too short to be one. The reason stands in the log; the value never does.
    """
    reason = reason.strip()
    if not 4 <= len(reason) <= 200:
        raise Refused("reason", "请写明查看的理由，4–200 字，理由会记入操作记录")
    place = cast(Any, row).organization
    record(f"reveal {column}", by=by, at=at, on=row, organization=place, detail=reason)
    return row.opened(column)
