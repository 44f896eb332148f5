"""What a page of the public site is, and what every page says of itself."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from huigong.models import Organization

_FIXED_LINE = re.compile(r"0\d{2,3}-?\d{7,8}|400-?\d{3}-?\d{4}|1\d{4}")


class Standing(NamedTuple):
    """What every page says of itself: region, year, whether in force, updated when, source."""

    region: str
    year: str
    force: str
    updated_on: date | None
    source: str


@dataclass(frozen=True)
class Page:
    """An address, a template and its data; `trail` are the pages above, (address, words)."""

    url: str
    template: str
    title: str
    description: str
    standing: Standing
    trail: tuple[tuple[str, str], ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    city: "City | None" = None


@dataclass(frozen=True)
class City:
    """A city as the public reads it: its name, address and what it has to show."""

    organization: Organization
    sections: tuple[tuple[str, str], ...]  # (address, words)

    @property
    def name(self) -> str:
        return region_of(self.organization)

    @property
    def url(self) -> str:
        return f"/{self.organization.slug}/"

    @property
    def phone(self) -> str:
        return public_phone(self.organization.contact_phone)


def region_of(organization: Organization) -> str:
    """郑州市总工会 → 郑州市."""
    return organization.name.removesuffix("总工会") or organization.name


def public_phone(phone: str) -> str:
    """A fixed line as it may be published; empty for a mobile, which is a person's."""
    return phone if _FIXED_LINE.fullmatch(phone.strip()) else ""


def standing_of(city: City, rows: list[Any], source: str = "") -> Standing:
    """The standing of a list: as new as its newest row."""
    newest = max((row.updated_on for row in rows), default=None)
    return Standing(
        region=city.name,
        year=f"{newest.year}年" if newest else "—",
        force="当前展示" if rows else "尚无内容",
        updated_on=newest,
        source=source or f"{city.organization.name}发布",
    )


def trail_to(city: City, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("/", "首页"), (city.url, city.name), *more)
