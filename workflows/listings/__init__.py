"""Public listings: programs, measures, routes, attractions, stations and notices.

`kinds` says what an entry of each kind consists of, for deeds, forms and workbooks alike;
`checks` reads what was typed; `deeds` save and publish; `archive` loads what the sources say.
"""

from huigong.workflows.listings.archive import load_archive, load_programs
from huigong.workflows.listings.deeds import (
    note_site_built,
    publish,
    save_attraction,
    save_notice,
    save_program,
    save_route,
    save_station,
    unpublish,
)
from huigong.workflows.listings.divisions import city_of, divisions_of
from huigong.workflows.listings.importing import import_stations, read_station_rows

__all__ = [
    "city_of",
    "divisions_of",
    "import_stations",
    "load_archive",
    "load_programs",
    "note_site_built",
    "publish",
    "read_station_rows",
    "save_attraction",
    "save_notice",
    "save_program",
    "save_route",
    "save_station",
    "unpublish",
]
