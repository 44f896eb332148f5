"""The audit chain: every deed leaves one event, hashed over the one before it."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from huigong.models import AuditEvent, Base, Organization, User

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
