"""Whose bank account the money comes to, and the schemes it may be for."""

from typing import Any

from huigong.access import scope, visible
from huigong.models import Edition, Organization, Role, Scheme
from huigong.refusals import Refused


def receivers() -> Any:
    """The organizations that receive a scheme's money and where the user is finance."""
    running = Edition.select(Edition.organization)
    inside = scope(Organization, Role.FINANCE)
    query = Organization.select().where(Organization.id << running, inside)
    return query.order_by(Organization.name)


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
