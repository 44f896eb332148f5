"""Schemes with two editions a city, rosters, what waits in them, and enrollments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from benchmarks.province.filling import insert
from benchmarks.province.people import name_of
from benchmarks.province.shape import CITY_IDS, NOW, Shape
from huigong import models
from huigong.models import Edition, Organization, Scheme
from huigong.plans import plan_hash
from huigong.workflows import schemes

_CODE = "zhengzhou-hospital-2023"
_EVENTS = {"draft": ("uploaded",), "submitted": ("uploaded", "submitted")}
_FAULTY_OF = 50  # rows of which one is faulty, and one waits for a proof of age
_FAULTS = {
    "faulty": '[["身份证号", "校验码不对"]]', "unproven": '[["年龄", "已满61周岁，需要超龄证明"]]',
}  # fmt: skip
_FACTS = json.dumps({"membership": "member", "insurance": "employee", "employment": "contract"})


def fill_editions(shape: Shape) -> None:
    """A scheme of each city, with an edition for either year."""
    text = dict(schemes.shipped())[_CODE]
    first = schemes.load_edition(
        text, file=f"{_CODE}.toml", organization=Organization.get_by_id(2), at=NOW
    )
    plan, id = first.plan, first.id
    shape.editions[2] = [id]
    scheme_id = first.scheme_id
    for city in CITY_IDS:
        if city > 2:
            scheme = Scheme.create(organization=city, slug=f"s{city}", name=f"演示{city}惠工保")
            scheme_id = scheme.id
            shape.editions[city] = []
        for year in (2023, 2024):
            if (city, year) == (2, 2023):
                continue
            made_plan = {**plan, "id": f"demo-{city}-{year}"}
            made = Edition.create(
                organization=city, scheme=scheme_id, code=f"demo-{city}-{year}",
                name=f"演示{city}惠工保 {year}", plan=made_plan,
                plan_hash=plan_hash(made_plan), enrolled_from=date(year, 7, 1),
                enrolled_to=date(year, 12, 31), stage="published", drafted_on=date(year, 6, 1),
            )  # fmt: skip
            shape.editions[city].append(made.id)
    shape.scheme_of = {e.id: e.scheme_id for e in Edition.select(Edition.id, Edition.scheme)}


def fill_cover(shape: Shape) -> None:
    """Rosters with what happened to them, their people covered or waiting."""

    def rosters() -> Iterator[tuple[Any, ...]]:
        for id, unit, edition, starts, stage, people in shape.rosters:
            made = datetime.combine(starts.replace(day=1), time(9)) - timedelta(days=id % 28)
            judge = 2 if stage == "approved" else None
            faulty = 0 if judge else -(-people // _FAULTY_OF)
            sent = judge or (shape.first_unit + unit if stage == "submitted" else None)
            yield (id, shape.first_unit + unit, edition, f"MC{starts.year}-{id:06d}", starts,
                   "unit", stage, f"f{id}", "名册.xlsx", shape.first_unit + unit, made, people,
                   faulty, _digest(people, faulty), "[]", "[]", people * 7500,
                   shape.first_unit + unit if sent else None, judge)  # fmt: skip

    insert(models.Roster, "id organization edition number "
           "cover_from rest_by stage file file_name "
           "made_by made_at people faulty digest unread split total submitted_by "
           "approved_by", rosters())  # fmt: skip
    events = (
        (id, kind, shape.first_unit + unit, NOW, starts)
        for id, unit, _, starts, stage, _ in shape.rosters
        for kind in _EVENTS.get(stage, ("uploaded", "submitted", stage))
    )
    insert(models.RosterEvent, "roster kind by at on", events)
    insert(models.Enrollment, "organization member edition "
           "roster certificate cover_from cover_to "
           "renewal facts fee", _enrollments(shape))  # fmt: skip
    insert(models.RosterRow, "ref roster number name "
           "id_index facts kind faults warnings", _roster_rows(shape))  # fmt: skip


def _digest(people: int, faulty: int) -> str:
    """What a reading said of its rows."""
    said = [["身份证号", faulty, ["第3行 身份证号：校验码不对"]]] if faulty else []
    kinds = {"new": people - faulty, "faulty": faulty}
    groups = [[{**json.loads(_FACTS), "age": 44}, people - faulty]]
    return json.dumps(
        {"kinds": kinds, "warned": (people + 98) // 100, "faults": said, "groups": groups}
    )


def _enrollments(shape: Shape) -> Iterator[tuple[Any, ...]]:
    taken = dict.fromkeys(range(shape.units), 0)
    for id, unit, edition, starts, stage, people in shape.rosters:
        if stage != "approved":
            continue
        ends = starts.replace(year=starts.year + 1) - timedelta(days=1)
        place, later = shape.first_unit + unit, starts.year == 2024
        for at in range(people):
            member = shape.starts[unit] + (taken[unit] + at) % shape.sizes[unit] + 1
            yield (place, member, edition, id, f"{id:06d}{at:07d}", starts, ends, later,
                   _FACTS, 7500)  # fmt: skip
        taken[unit] += people


def _roster_rows(shape: Shape) -> Iterator[tuple[Any, ...]]:
    given = {"sex": "male", "born_on": "1980-01-01", "age": 44, "bank": "示例银行"}
    facts = json.dumps({**given, **json.loads(_FACTS)})
    for id, _, _, _, stage, people in shape.rosters:
        if stage in ("approved", "withdrawn"):
            continue
        for at in range(people):
            kind = {0: "faulty", 3: "unproven"}.get(
                at % _FAULTY_OF, ("new", "renewed", "renewed")[at % 3]
            )
            faults = _FAULTS.get(kind, "[]")
            warned = '["同名"]' if at % 100 == 1 else "[]"
            yield (f"{id:012x}{at:020x}", id, at + 3, name_of(at, shape.dice), f"{id}-{at}", facts,
                   kind, faults, warned)  # fmt: skip
