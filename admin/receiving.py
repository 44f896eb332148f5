"""Whose bank account the money comes to, and the schemes it may be for."""

from typing import Any

from huigong.access import scope, visible
from huigong.admin.lists import beside
from huigong.models import Edition, Organization, Role, Scheme
from huigong.refusals import Refused


def receivers() -> Any:
    """The organizations that receive a scheme's money and where the user is finance."""
    return _receivers(Organization).order_by(Organization.name)


def receiver_ids() -> list[int]:
    """The same by their ids: a few, also where the user's subtree has thousands."""
    return [id for (id,) in _receivers(Organization.id).tuples()]


def _receivers(*columns: Any) -> Any:
    running = Edition.select(Edition.organization).distinct()
    query = Organization.select(*columns).where(Organization.id << running)
    return query.where(beside(scope(Organization, Role.FINANCE)))


def schemes_of(place: Organization) -> list[Any]:
    """The schemes that an income of a place may be for: (id, name)."""
    schemes = Scheme.select().where(Scheme.organization << place.lineage).order_by(Scheme.name)
    return [(scheme.id, scheme.name) for scheme in schemes]


def scheme_of(text: str) -> Scheme | None:
    """The scheme that a form names, or none. Refuses one that is not to be seen."""
    if not text:
        return None
    number = int(text) if text.isdecimal() and len(text) < 9 else 0
    scheme = visible(Scheme).where(Scheme.id == number).first()
    if scheme is None:
        raise Refused("scheme", "没有这个互助计划")
    return scheme  # type: ignore[no-any-return]
