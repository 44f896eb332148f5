"""A roster's history, and whether it is still what a deed took it for."""

from datetime import datetime

from huigong.models import Roster, RosterEvent, User
from huigong.refusals import Lost


def tell(roster: Roster, kind: str, *, by: User, at: datetime, note: str = "") -> None:
    """Add a fact to a roster's life, inside the deed's transaction."""
    RosterEvent.create(roster=roster, kind=kind, by=by, at=at, on=at.date(), note=note)


def still(roster: Roster, stage: str) -> None:
    """Raise Lost unless the roster is still in that stage, with the same file, of the same unit
    (which may have been merged into another)."""
    query = Roster.select().where(Roster.id == roster.id, Roster.stage == stage)
    same = (Roster.file == roster.file) & (Roster.organization == roster.organization_id)
    if not query.where(same).exists():
        raise Lost(f"roster {roster.id} is no longer {stage}")
