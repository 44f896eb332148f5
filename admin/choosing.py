"""Which unit a form is about, where somebody may see thousands of them."""

from typing import Any, NamedTuple

from flask import request

from huigong.access import visible
from huigong.database import containing
from huigong.models import Level, Organization

MOST_LISTED = 500


class Choice(NamedTuple):
    """The units to choose from, the part of a name that was sought, and whether there are more."""

    units: list[Organization]
    part: str
    more: bool

    @property
    def options(self) -> list[tuple[int, str]]:
        return [(unit.id, unit.name) for unit in self.units]


def units_in_sight(chosen: str) -> Choice:
    """The open units that the signed-in user sees, by name, as many as a list can show; `?find=`
    narrows them, and the chosen one stays among them."""
    part = request.args.get("find", "").strip()[:50]
    units: Any = visible(Organization).where(
        Organization.level == Level.UNIT, Organization.closed_on.is_null()
    )
    named = units.where(containing(Organization.name, part)) if part else units
    found = list(named.order_by(Organization.pinyin, Organization.name).limit(MOST_LISTED + 1))
    listed = found[:MOST_LISTED]
    if chosen.isdecimal() and int(chosen[:9]) not in {unit.id for unit in listed}:
        listed.extend(units.where(Organization.id == int(chosen[:9])))
    return Choice(listed, part, len(found) > MOST_LISTED)
