"""The beginning of an office: its province and cities, its schemes, its first administrator."""

from datetime import datetime
from typing import NamedTuple

from huigong.database import writes
from huigong.models import Edition, Level, Organization, Role, User
from huigong.refusals import Refused
from huigong.workflows import accounts, organizations, schemes


class Begun(NamedTuple):
    """A new office: its first administrator, the token of their one-time link, the editions that
    were loaded for its cities."""

    administrator: User
    link: str
    editions: list[Edition]


@writes
def begin(
    *,
    province: str,
    cities: dict[str, str],
    name: str,
    login: str,
    at: datetime,
    link_at: datetime,
) -> Begun:
    """Begin an office: a province, its cities by slug, the shipped schemes of those whose slug
    is known, and one administrator at the province. Refuses an office that has begun already.
    """
    if Organization.select().exists():
        raise Refused("province", "这个办公室已经初始化，不会再次建立")
    root = organizations.found(name=province, level=Level.PROVINCE, parent=None, by=None, at=at)
    founded = {
        slug: organizations.found(
            name=city, level=Level.CITY, parent=root, slug=slug, by=None, at=at
        )
        for slug, city in cities.items()
    }
    editions = schemes.load_shipped(cities=founded, at=at)
    first = accounts.open_account(
        name=name, login=login, organization=root, roles=[Role.ADMINISTRATOR], by=None, at=at
    )
    return Begun(first, accounts.make_link(first, by=None, at=link_at), editions)
