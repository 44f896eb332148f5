"""The blueprint of schemes and the words its screens share."""

from typing import Any

from flask import Blueprint, abort

from huigong.access import paths, visible
from huigong.models import DraftEdition, Edition, Level, Organization, Role

schemes = Blueprint("schemes", __name__, url_prefix="/admin/schemes")

# Who drafts and publishes: those who decide claims know the rules, an office has two of them
# anyway, and an administrator could make up a second person.
DRAFTERS = Role.REVIEWER


def cities() -> list[Organization]:
    """The cities whose schemes the signed-in user drafts."""
    rows = visible(Organization, DRAFTERS).where(
        Organization.level == Level.CITY, Organization.closed_on.is_null()
    )
    return list(rows.order_by(Organization.path))


def own_editions() -> list[Edition]:
    """The editions of those cities, newest first."""
    rows = visible(Edition, DRAFTERS).select(Edition, Organization).join(Organization)
    rows = rows.where(Edition.organization << [city.id for city in cities()])
    return list(rows.order_by(Organization.path, Edition.enrolled_from.desc(), Edition.code))


def is_drafter() -> bool:
    return bool(paths(DRAFTERS)) and bool(cities())


def drafts() -> Any:
    """The drafts that the signed-in user works on, the last saved first."""
    return (
        visible(DraftEdition, DRAFTERS)
        .select(DraftEdition, Organization)
        .join(Organization)
        .order_by(DraftEdition.saved_at.desc(), DraftEdition.id.desc())
    )


def still_there(number: int) -> DraftEdition | None:
    """A draft that the signed-in user works on, or None: it is foreign, or gone meanwhile."""
    return drafts().where(DraftEdition.id == number).get_or_none()  # type: ignore[no-any-return]


def one_of(rows: list[Any], number: str) -> Any:
    """The row a form names, or 404."""
    for row in rows:
        if str(row.id) == number:
            return row
    return abort(404)
