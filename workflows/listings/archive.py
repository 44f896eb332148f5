"""What the sources say, loaded once when an office is made: measures and program texts."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from huigong.database import writes
from huigong.models import Measure, Organization, Program
from huigong.pinyin import sort_key
from huigong.workflows import audit
from huigong.workflows.listings.deeds import publish, save_program


def _content(name: str) -> dict[str, Any]:
    return tomllib.loads((files("huigong") / "site/content" / name).read_text("utf-8"))


@writes
def load_archive(*, city: Organization, at: datetime) -> list[Measure]:
    """Load the 24 measures of 2022-08-25 as an archive of `city`; those already there stay."""
    paper = _content("measures-2022.toml")
    there = {
        measure.number
        for measure in Measure.select().where(
            Measure.organization == city, Measure.document == paper["document"]
        )
    }
    loaded = [
        _measure(paper, measure, city, at)
        for measure in paper["measure"]
        if measure["number"] not in there
    ]
    if loaded:
        audit.record("load archive", by=None, at=at, organization=city, detail=f"{len(loaded)}")
    return loaded


def _measure(
    paper: dict[str, Any], measure: dict[str, Any], city: Organization, at: datetime
) -> Measure:
    return Measure.create(
        organization=city,
        name=measure["title"],
        pinyin=sort_key(measure["title"]),
        summary=measure["summary"],
        updated_on=at.date(),
        document=paper["document"],
        document_on=paper["document_on"],
        section=paper["sections"][measure["section"] - 1],
        number=measure["number"],
        sums="；".join(measure.get("sums", [])),
        departments="、".join(measure["departments"]),
    )


@writes
def load_programs(*, cities: Mapping[str, Organization], at: datetime) -> list[Program]:
    """Load and publish the program texts of those cities, by slug; those already there stay."""
    loaded = []
    for text in _content("programs.toml")["program"]:
        city = cities.get(text["city"])
        if city is None or _has_program(city, text["slug"]):
            continue
        program = save_program(organization=city, facts=text, by=None, at=at)
        publish(program, by=None, at=at)
        loaded.append(program)
    return loaded


def _has_program(city: Organization, slug: str) -> bool:
    return Program.select().where(Program.organization == city, Program.slug == slug).exists()
