"""Public content: the same six screens for every kind of entry, stations by workbook, the site."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint

from huigong.access import allow
from huigong.admin.listings import building, entries, workbooks
from huigong.models import Role
from huigong.workflows.listings.kinds import KINDS, STATIONS, Kind

listings = Blueprint("listings", __name__, url_prefix="/admin/listings")


def _add(address: str, view: Callable[..., Any], *, method: str = "GET", **rule: Any) -> None:
    listings.add_url_rule(
        address,
        view.__name__,
        allow(Role.EDITOR, **rule)(view),
        methods=[method],
    )


def _of(kind: Kind, view: Callable[..., Any]) -> Callable[..., Any]:
    """A view for one kind, an endpoint of its own with its own rule: `stations_edit`."""

    @wraps(view)
    def of_kind(**arguments: Any) -> Any:
        return view(kind, **arguments)

    of_kind.__name__ = f"{kind.word}_{view.__name__}"
    return of_kind


_add("/", entries.index, menu=(70, "公众内容"))
_add("/site", building.site)
_add("/site", building.build_site, method="POST")
for _kind in KINDS:
    _one, _all = f"/{_kind.word}/<int:id>", f"/{_kind.word}/"
    for _address, _view, _method in (
        (_all, entries.table, "GET"),
        (f"{_all}new", entries.new, "GET"),
        (f"{_all}new", entries.make, "POST"),
        (f"{_all}export", workbooks.export, "GET"),
        (_one, entries.edit, "GET"),
        (_one, entries.change, "POST"),
        (f"{_one}/publication", entries.publication, "GET"),
        (f"{_one}/publication", entries.set_publication, "POST"),
    ):
        _add(_address, _of(_kind, _view), method=_method, on=_kind.model)
_add("/stations/import", workbooks.stations_file, on=STATIONS.model)
_add("/stations/import", workbooks.import_stations, method="POST", on=STATIONS.model)
_add("/stations/template", workbooks.stations_template)
