"""A scratch office the size of a province: 演示 people, units, rosters, money and claims.

Everything follows from a row's number, so that an office of 10,000 members and one of 1,000,000
have the same shape. Tables are filled without their indexes, which are made afterwards.
"""

from benchmarks.province.books import fill_books, fill_caches
from benchmarks.province.claims import fill_claims
from benchmarks.province.cover import fill_cover, fill_editions
from benchmarks.province.filling import bare_tables
from benchmarks.province.gifts import fill_gifts
from benchmarks.province.money import fill_money
from benchmarks.province.operator import fill_operator
from benchmarks.province.people import RARE_NAME, fill_organizations, fill_people
from benchmarks.province.rest import fill_rest
from benchmarks.province.shape import TODAY, Shape

__all__ = ["RARE_NAME", "TODAY", "fill"]


def fill(members: int) -> None:
    """Fill an empty, migrated office; a minute or two for a million members."""
    shape = Shape(members)
    with bare_tables():
        fill_organizations(shape)
        fill_people(shape)
        fill_editions(shape)
        fill_cover(shape)
        fill_money(shape)
        fill_gifts(shape)
        fill_claims(shape)
        fill_operator(shape)
        fill_books(shape)
        fill_rest(shape)
    fill_caches()
