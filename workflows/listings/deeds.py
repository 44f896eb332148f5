"""Saving and publishing public entries. A saved entry is seen once it is published and the site
is built again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from huigong.database import writes
from huigong.models import (
    Attraction,
    Base,
    Departure,
    Listing,
    Notice,
    Organization,
    Program,
    Route,
    Station,
    Stop,
    User,
)
from huigong.pinyin import sort_key
from huigong.prose import render
from huigong.refusals import Refused
from huigong.workflows import audit
from huigong.workflows.listings import checks
from huigong.workflows.listings.divisions import city_of, divisions_of
from huigong.workflows.listings.kinds import (
    ATTRACTIONS,
    NOTICES,
    PROGRAMS,
    ROUTES,
    STATIONS,
    Field,
    Kind,
)

CHANGES = (
    "save listing",
    "import stations",
    "publish listing",
    "unpublish listing",
    "publish edition",
)
SITE_BUILT = "build site"
MOST_ROWS = 60

Entry = TypeVar("Entry", bound=Listing)
Typed = Mapping[str, str]
Faults = list[tuple[str, str]]


@writes
def save_program(
    program: Program | None = None,
    *,
    organization: Organization,
    facts: Typed,
    example: bool = False,
    by: User | None,
    at: datetime,
) -> Program:
    """Save a program as typed, or change one; its Markdown is rendered now.

    Refuses, all at once, what a field cannot be read as, an address another program of the
    organization has, and anything like a person's number.
    """
    values, faults = _read(PROGRAMS, facts, organization, at)
    faults += _taken(Program, "slug", values.get("slug"), organization, program)
    row = _kept(Program, program, values, faults, organization, example, at)
    return _recorded(row, by, at)


@writes
def save_notice(
    notice: Notice | None = None,
    *,
    organization: Organization,
    facts: Typed,
    example: bool = False,
    by: User | None,
    at: datetime,
) -> Notice:
    """Save a notice, or change one; its Markdown is rendered now. Refuses as `save_program`."""
    values, faults = _read(NOTICES, facts, organization, at)
    row = _kept(Notice, notice, values, faults, organization, example, at)
    return _recorded(row, by, at)


@writes
def save_attraction(
    attraction: Attraction | None = None,
    *,
    organization: Organization,
    facts: Typed,
    example: bool = False,
    by: User | None,
    at: datetime,
) -> Attraction:
    """Save an attraction, or change one. Refuses faulty fields and a name already there."""
    values, faults = _read(ATTRACTIONS, facts, organization, at)
    faults += _taken(Attraction, "name", values.get("name"), organization, attraction)
    row = _kept(Attraction, attraction, values, faults, organization, example, at)
    return _recorded(row, by, at)


@writes
def save_station(
    station: Station | None = None,
    *,
    organization: Organization,
    facts: Typed,
    example: bool = False,
    by: User | None,
    at: datetime,
) -> Station:
    """Save a service station, or change one. Refuses faulty fields and a name already there."""
    values, faults = _read(STATIONS, facts, organization, at)
    faults += _taken(Station, "name", values.get("name"), organization, station)
    row = _kept(Station, station, values, faults, organization, example, at)
    return _recorded(row, by, at)


@writes
def save_route(
    route: Route | None = None,
    *,
    organization: Organization,
    facts: Typed,
    stops: Sequence[Typed],
    departures: Sequence[Typed] = (),
    example: bool = False,
    by: User | None,
    at: datetime,
) -> Route:
    """Save a route with its stops (name, note) and departures (on, meets, seats), or change one.

    Empty rows are left out. Refuses a route without a stop; faults of a row are at
    `stops-2-name`, counted from 0 as given.
    """
    values, faults = _read(ROUTES, facts, organization, at)
    faults += _taken(Route, "name", values.get("name"), organization, route)
    read_stops, read_departures = _stops(stops, faults), _departures(departures, faults)
    row = _kept(Route, route, values, faults, organization, example, at)
    for model, rows in ((Stop, read_stops), (Departure, read_departures)):
        model.delete().where(model.route == row).execute()
        for one in rows:
            model.create(route=row, **one)
    return _recorded(row, by, at)


@writes
def publish(listing: Listing, *, by: User | None, at: datetime) -> None:
    """Let the public see an entry from the next build of the site on. Raises Lost when it is."""
    listing.move("published", was=False, to=True)  # type: ignore[arg-type]  # a flag moves as a stage does
    audit.record("publish listing", by=by, at=at, on=listing, organization=listing.organization)


@writes
def unpublish(listing: Listing, *, by: User | None, at: datetime) -> None:
    """Take an entry off the site at its next build; it stays here. Raises Lost when it is off."""
    listing.move("published", was=True, to=False)  # type: ignore[arg-type]  # likewise
    audit.record("unpublish listing", by=by, at=at, on=listing, organization=listing.organization)


@writes
def note_site_built(*, organization: Organization, pages: int, by: User, at: datetime) -> None:
    """Remember that somebody at `organization` had the public site built."""
    detail = f"{pages} pages"
    audit.record(SITE_BUILT, by=by, at=at, organization=organization, detail=detail)


def _read(
    kind: Kind, facts: Typed, organization: Organization, at: datetime
) -> tuple[dict[str, Any], Faults]:
    setting = checks.Setting(divisions_of(city_of(organization)), at.date())
    return checks.read(kind, facts, setting)


def _taken(
    model: type[Listing], column: str, value: Any, organization: Organization, row: Base | None
) -> Faults:
    """A fault when another entry of the organization has the same value already."""
    same = model.select().where(
        model.organization == organization, getattr(model, column) == (value or "")
    )
    if row is not None:
        same = same.where(model._meta.primary_key != row.get_id())
    if not value or not same.exists():
        return []
    return [
        (column, f"“{value}”已经有了，请改用别的" if column == "slug" else f"“{value}”已经有了")
    ]


def _kept(
    model: type[Entry],
    row: Entry | None,
    values: dict[str, Any],
    faults: Faults,
    organization: Organization,
    example: bool,
    at: datetime,
) -> Entry:
    """Write the entry, a new one unpublished. Refuses when anything is wrong."""
    if faults:
        raise Refused.all(faults)
    values |= {"pinyin": sort_key(values["name"]), "updated_on": at.date()}
    if "body" in values:
        values["html"] = render(values["body"])
    if row is None:
        return model.create(organization=organization, example=example, published=False, **values)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def _recorded(row: Entry, by: User | None, at: datetime) -> Entry:
    audit.record("save listing", by=by, at=at, on=row, organization=row.organization)
    return row


_STOP = (Field("name", "站点名称", required=True, longest=60), Field("note", "说明", longest=120))
_DEPARTURE = (
    Field("on", "日期", "day", required=True),
    Field("meets", "集合地点和时间", required=True, longest=120),
    Field("seats", "座位数", longest=4),
)


def _stops(rows: Sequence[Typed], faults: Faults) -> list[dict[str, Any]]:
    read = _rows("stops", _STOP, rows, faults)
    if not read and not any(field.startswith("stops-") for field, _ in faults):
        faults.append(("stops-0-name", "请至少填写一个站点"))
    return [dict(row, number=number) for number, row in enumerate(read, 1)]


def _departures(rows: Sequence[Typed], faults: Faults) -> list[dict[str, Any]]:
    read = _rows("departures", _DEPARTURE, rows, faults)
    return sorted(read, key=lambda row: row["on"])


def _rows(
    word: str, fields: tuple[Field, ...], rows: Sequence[Typed], faults: Faults
) -> list[dict[str, Any]]:
    """The rows that say anything, read; faults are at `word-number-field`."""
    setting, read = checks.Setting([], date.max), []
    for number, row in enumerate(rows[:MOST_ROWS]):
        if not any(row.get(field.name, "").strip() for field in fields):
            continue
        wrong, values = len(faults), dict[str, Any]()
        for field in fields:
            try:
                values[field.name] = checks.read_field(field, row.get(field.name, ""), setting)
                if field.name == "seats":
                    values["seats"] = _seats(values["seats"])
            except checks.Wrong as fault:
                faults.append((f"{word}-{number}-{field.name}", f"第{number + 1}行{fault}"))
        if len(faults) == wrong:
            read.append(values)
    return read


def _seats(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1000:
        raise checks.Wrong("座位数应为 1–999 的整数，不限就留空")
    return int(text)
