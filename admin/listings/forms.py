"""The form of an entry: what a row or a browser says, as text, ready to show and to read."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import abort, g
from werkzeug.datastructures import MultiDict

from huigong.access import holds, paths
from huigong.models import Departure, Level, Listing, Organization, Role, Route, Stop
from huigong.workflows.listings.deeds import MOST_ROWS
from huigong.workflows.listings.kinds import Kind

ROWS = {"stops": ("name", "note"), "departures": ("on", "meets", "seats")}
Rows = dict[str, list[dict[str, str]]]


def text_of(value: Any) -> str:
    """A value as the form's text."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def facts_of(kind: Kind, row: Listing | None) -> dict[str, str]:
    """What the row says, by field; empty for a new one."""
    return {field.name: text_of(getattr(row, field.name, "")) for field in kind.fields}


def typed_facts(kind: Kind, form: Mapping[str, str]) -> dict[str, str]:
    return {field.name: form.get(field.name, "") for field in kind.fields}


def rows_of(row: Listing | None) -> Rows:
    """A route's stops and departures, or one empty row of each to begin with."""
    if not isinstance(row, Route):
        return {word: [dict.fromkeys(names, "")] for word, names in ROWS.items()}
    kept: dict[str, Any] = {
        "stops": Stop.select().where(Stop.route == row).order_by(Stop.number),
        "departures": Departure.select().where(Departure.route == row).order_by(Departure.on),
    }
    return {
        word: [{name: text_of(getattr(one, name)) for name in ROWS[word]} for one in kept[word]]
        for word in ROWS
    }


def typed_rows(form: "MultiDict[str, str]") -> Rows:
    """The rows as typed, in the order of their numbers: `stops-2-name`."""
    rows: Rows = {}
    for word, names in ROWS.items():
        numbers = sorted(
            int(key.split("-")[1])
            for key in form
            if key.startswith(f"{word}-") and key.endswith(f"-{names[0]}") and _is_number(key)
        )[:MOST_ROWS]
        rows[word] = [
            {name: form.get(f"{word}-{number}-{name}", "") for name in names} for number in numbers
        ]
    return rows


def _is_number(key: str) -> bool:
    parts = key.split("-")
    return len(parts) == 3 and parts[1].isascii() and parts[1].isdecimal() and len(parts[1]) < 4


def with_rows_changed(rows: Rows, then: str) -> Rows:
    """The rows after `add-stops` or `drop-departures-1`."""
    verb, _, rest = then.partition("-")
    word, _, number = rest.partition("-")
    if word not in ROWS:
        return rows
    kept = list(rows[word])
    if verb == "add" and len(kept) < MOST_ROWS:
        kept.append(dict.fromkeys(ROWS[word], ""))
    if verb == "drop" and number.isascii() and number.isdecimal() and int(number) < len(kept):
        del kept[int(number)]
    return {**rows, word: kept}


def offices() -> list[Organization]:
    """The city and county unions whose entries the signed-in user edits."""
    inside = Organization.id == -1
    for path in paths(Role.EDITOR):
        inside = inside | Organization.within(path)
    return list(
        Organization.select()
        .where(inside, Organization.level << [Level.CITY, Level.COUNTY])
        .where(Organization.closed_on.is_null())
        .order_by(Organization.path)
    )


def office_of(form: Mapping[str, str]) -> Organization:
    """The union a new entry belongs to: the one chosen, else the user's first. 404 for others."""
    mine = offices()
    asked = form.get("organization", "")
    chosen = [office for office in mine if str(office.id) == asked] if asked else mine[:1]
    if not chosen:
        abort(404)
    return chosen[0]


def is_mine(row: Listing) -> bool:
    """Whether the user edits the row; what a level above publishes is only read."""
    return bool(g.user) and holds(Role.EDITOR, at=row.organization)
