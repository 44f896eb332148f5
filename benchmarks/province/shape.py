"""What follows from a row's number: who is where, and which rosters, dues and claims there are."""

from __future__ import annotations

import random
from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate

TODAY = date(2024, 12, 16)
NOW = datetime.fromisoformat("2024-12-16T09:00")
CITIES = (424, 250, 200, 126)  # of a thousand members
CITY_IDS = range(2, 2 + len(CITIES))
COUNTIES = 12  # a city
FIRST_UNIT = CITY_IDS.stop + len(CITIES) * COUNTIES
PEOPLE_A_UNIT = 200
BIG_UNIT = 30  # of a thousand members are at one unit of the first city
FEW = 120  # at the least of what an office has few of, so that a page of it is full
ROSTER_ROWS = 424  # for a thousand members: a whole city's roster, waiting to be submitted
FULL_BATCH = 200  # claims that a payout batch holds at most
_CLAIM_STAGES = ("filed", "reviewed", "returned", "approved", "refused", "paid")


class Shape:
    """An office of `members` members. A unit's place is its number from 0; its id follows that of
    the last county."""

    def __init__(self, members: int):
        self.members = members
        self.units = members // PEOPLE_A_UNIT
        self.dice = random.Random(members)  # noqa: S311 - made-up people, no secret
        self.first_unit = FIRST_UNIT
        self.unreceipted = 20 if self.units > 500 else 2  # of so many paid rosters one waits
        self.city_of: list[int] = []
        self.parents: list[int] = []
        for number in range(self.units):
            city = self.dice.choices(CITY_IDS, CITIES)[0] if number else CITY_IDS[0]
            self.city_of.append(city)
            own = number % 5 == 0
            self.parents.append(city if own else self.dice.choice(self.counties_of(city)))
        self.sizes = self._sizes()
        self.starts = [0, *accumulate(self.sizes)]
        self.editions: dict[int, list[int]] = {}  # of each city, by year; known once filled
        self.scheme_of: dict[int, int] = {}

    def counties_of(self, city: int) -> range:
        """The ids of a city's counties."""
        first = CITY_IDS.stop + (city - CITY_IDS[0]) * COUNTIES
        return range(first, first + COUNTIES)

    def _sizes(self) -> list[int]:
        """How many people each unit has: few have many."""
        weights = [self.dice.lognormvariate(0, 1) for _ in range(self.units)]
        weights[0] = 0
        big = self.members * BIG_UNIT // 1000
        scale = (self.members - big) / (sum(weights) or 1)
        sizes = [big, *(max(1, int(weight * scale)) for weight in weights[1:])]
        sizes[-1] = max(1, sizes[-1] + self.members - sum(sizes))
        return sizes

    @cached_property
    def rosters(self) -> list[tuple[int, int, int, date, str, int]]:
        """(id, unit's place, edition, first day, stage, people): two years of each unit, and its
        joiners; of the latest year's some are not approved yet."""
        found: list[tuple[int, int, int, date, str, int]] = []
        for year in range(2):
            for unit, size in enumerate(self.sizes):
                edition = self.editions[self.city_of[unit]][year]
                joiners = size // 10 if unit % 3 == 0 else 0
                starts = date(2023 + year, 8, 1)
                found.append((len(found) + 1, unit, edition, starts, "approved", size - joiners))
                if joiners:
                    starts = date(2023 + year, 9 + unit % 3, 1)
                    found.append((len(found) + 1, unit, edition, starts, "approved", joiners))
        for number in range(max(12, self.units // 25)):
            stage = ("submitted", "draft", "returned", "withdrawn")[number % 4]
            unit = number * 7 % self.units
            edition = self.editions[self.city_of[unit]][1]
            found.append((len(found) + 1, unit, edition, date(2025, 1, 1), stage, 5))
        whole = self.members * ROSTER_ROWS // 1000
        found.append((len(found) + 1, 0, self.editions[2][1], date(2025, 1, 1), "draft", whole))
        return found

    @cached_property
    def dues(self) -> list[tuple[int, int, int, str, int, date, bool]]:
        """(id, roster, unit's place, carrier, fen, by when, whether paid)."""
        found = []
        for id, unit, _, starts, stage, people in self.rosters:
            if stage == "approved":
                for carrier, fen in (("city", 3000), ("unit", 4500)):
                    paid = starts.year == 2023 or (id * 31 + (carrier == "city")) % 25 > 0
                    day = starts.replace(day=25 if carrier == "city" else 10)
                    found.append((len(found) + 1, id, unit, carrier, fen * people, day, paid))
        return found

    def payer(self, unit: int, carrier: str) -> int:
        """Who transfers a carrier's share: the unit pays what its people owe."""
        return self.city_of[unit] if carrier == "city" else self.first_unit + unit

    @cached_property
    def claims(self) -> list[tuple[int, int, int, int, str, date]]:
        """(id, member, unit's place, enrollment, stage, filed on): about three of a hundred; of a
        city's at least as many wait for payment as a page of them shows."""
        found, share = [], self.members * 6 // 100
        for n in range(1, share + 1):
            member = n * 7919 % self.members + 1
            open_one = n > share * 95 // 100
            stage = _CLAIM_STAGES[n % 4] if open_one else _CLAIM_STAGES[4 + (n % 12 > 0)]
            filed = date(2023, 9, 1) + timedelta(days=n * 470 // share)
            found.append((n, member, self.unit_of(member), n * 7919 % self.members + 1, stage,
                          filed))  # fmt: skip
        payable = sum(self.city_of[row[2]] == CITY_IDS[0] and row[4] == "approved" for row in found)
        for n in range(share + 1, share + 1 + max(0, FULL_BATCH - payable)):
            member = n % self.sizes[0] + 1
            found.append((n, member, 0, member, "approved", date(2024, 12, 13)))
        return found

    def unit_of(self, member: int) -> int:
        """The place of a member's unit."""
        return min(bisect_right(self.starts, member - 1) - 1, self.units - 1)
