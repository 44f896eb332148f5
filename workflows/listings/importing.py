"""Stations from a workbook: read outside, then all of them or none."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from huigong import sheets
from huigong.database import insert_rows, writes
from huigong.models import Organization, Station, User
from huigong.pinyin import sort_key
from huigong.refusals import Refused
from huigong.workflows import audit
from huigong.workflows.listings import checks
from huigong.workflows.listings.divisions import city_of, divisions_of
from huigong.workflows.listings.kinds import STATIONS

MOST_STATIONS = 2000
_MOST_ROWS = 5000  # titles, samples and blank rows among them: they are held all at once
SAMPLE = "（示例）"  # how the template's own line begins; it is never imported
_HEADER_WITHIN = 10  # rows: titles and notes may stand above


# What a column that the workbook lacks is in a new station.
_BLANK: dict[str, Any] = {
    field.name: None if field.form in ("day", "longitude", "latitude") else ""
    for field in STATIONS.fields
}


class StationRow(NamedTuple):
    """A row of the workbook: its number as Excel shows it, and its texts by field."""

    number: int
    facts: dict[str, str]


class Imported(NamedTuple):
    added: int
    changed: int
    unchanged: int


def read_station_rows(file: sheets.Source) -> list[StationRow]:
    """The stations of a workbook by the template's columns, in any order.

    Refuses a file that is no workbook, lacks a required column, is empty or over 2000 rows.
    """
    try:
        with sheets.read_rows(file, most=_MOST_ROWS) as rows:
            found = list(rows)
    except sheets.SheetRefused as refused:
        raise Refused("file", str(refused)) from refused
    places, header = _header(found)
    read = [
        StationRow(number, {name: _text(row[at]) for name, at in places.items()})
        for number, row in found
        if number > header
    ]
    read = [row for row in read if any(row.facts.values())]
    read = [row for row in read if not row.facts["name"].startswith(SAMPLE)]
    if not read:
        raise Refused("file", "表里没有站点，请在表头下面填写后再上传")
    if len(read) > MOST_STATIONS:
        raise Refused("file", f"一次最多导入{MOST_STATIONS}个站点，请分成几份")
    return read


def _header(found: Sequence[tuple[int, sheets.Row]]) -> tuple[dict[str, int], int]:
    """Where each field's column is, and the header's row number."""
    titles = {field.label: field.name for field in STATIONS.fields}
    for number, row in found[:_HEADER_WITHIN]:
        places = {
            titles[title]: at for at, cell in enumerate(row) if (title := _title(cell)) in titles
        }
        if "name" not in places:
            continue
        absent = [f.label for f in STATIONS.fields if f.required and f.name not in places]
        if absent:
            raise Refused("file", f"表头缺少：{'、'.join(absent)}。请用模板的表头")
        return places, number
    raise Refused("file", "没有找到表头（名称、类型、所在区县……），请用模板填写")


def _title(cell: Any) -> str:
    return "".join(str(cell).split()).rstrip("*")


def _text(cell: Any) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def import_stations(
    rows: Sequence[StationRow],
    *,
    organization: Organization,
    example: bool = False,
    by: User,
    at: datetime,
) -> Imported:
    """Add the stations of a workbook, or change those of the same name; all or none.

    Refuses with every fault of every row, each at `row-<number>`. The same workbook again
    changes nothing. New stations are unpublished. The rows are read before the write begins.
    """
    setting = checks.Setting(divisions_of(city_of(organization)), at.date())
    faults, read = _read_all(rows, setting)
    if faults:
        raise Refused.all(faults)
    shared = {"organization": organization.id, "example": example, "published": False}
    fresh = [
        {**_BLANK, **values, **shared, "pinyin": sort_key(values["name"]), "updated_on": at.date()}
        for values in read
    ]
    return _put(read, fresh, organization=organization, by=by, at=at)


def _read_all(
    rows: Sequence[StationRow], setting: checks.Setting
) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    faults: list[tuple[str, str]] = []
    read: list[dict[str, Any]] = []
    first_row: dict[str, int] = {}
    for number, facts in rows:
        values, wrong = checks.read(STATIONS, facts, setting)
        faults += [(f"row-{number}", f"第{number}行：{message}") for _, message in wrong]
        name = values.get("name", "")
        earlier = first_row.setdefault(name, number)
        if name and earlier != number:
            faults.append((f"row-{number}", f"第{number}行：名称与第{earlier}行相同"))
        read.append({key: value for key, value in values.items() if key in facts})
    return faults, read


@writes
def _put(
    read: list[dict[str, Any]],
    fresh: list[dict[str, Any]],
    *,
    organization: Organization,
    by: User,
    at: datetime,
) -> Imported:
    there = {s.name: s for s in Station.select().where(Station.organization == organization)}
    added = [row for row in fresh if row["name"] not in there]
    changed = [
        (there[values["name"]], values)
        for values in read
        if values["name"] in there and _differs(there[values["name"]], values)
    ]
    for station, values in changed:
        Station.update(**values, updated_on=at.date()).where(Station.id == station.id).execute()
    if added:
        columns = [Station._meta.fields[name].column_name for name in added[0]]
        insert_rows("station", columns, [tuple(row.values()) for row in added])
    if added or changed:
        detail = f"{len(added)} added, {len(changed)} changed"
        audit.record("import stations", by=by, at=at, organization=organization, detail=detail)
    return Imported(len(added), len(changed), len(read) - len(added) - len(changed))


def _differs(station: Station, values: dict[str, Any]) -> bool:
    return any(getattr(station, name) != value for name, value in values.items())
