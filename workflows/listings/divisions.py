"""The county-level divisions of a city, in the order of their pinyin."""

import tomllib
from functools import cache
from importlib.resources import files

from huigong.models import Level, Organization
from huigong.pinyin import sort_key


@cache
def _listed() -> dict[str, list[str]]:
    text = (files("huigong") / "site/content/divisions.toml").read_text("utf-8")
    return {
        slug: [one["name"] for one in sorted(city["names"], key=lambda one: one["pinyin"])]
        for slug, city in tomllib.loads(text).items()
    }


def city_of(organization: Organization) -> Organization:
    """The city an organization lies in, itself included; a province stands for itself."""
    return organization.above(Level.CITY) or organization


def divisions_of(city: Organization) -> list[str]:
    """The divisions an entry of `city` may name: the listed ones, else its county unions'."""
    if city.slug in _listed():
        return _listed()[city.slug]
    counties = Organization.select().where(
        Organization.parent == city, Organization.level == Level.COUNTY
    )
    return sorted((county.name.removesuffix("总工会") for county in counties), key=sort_key)
