"""What a payer writes beside a transfer so that its money is recognized: unit code and month.

Pure: `DW00012 202501`, which banks' remark fields hold whole, some without the space.
"""

import re
from typing import Final

from huigong.models import Due, Organization, Roster

# Digits that go on as a year and a month are where the code ends: DW00012202501.
UNIT_CODE: Final = re.compile(r"DW0*(\d{1,9}?)(?=20\d\d(?:0[1-9]|1[0-2])(?!\d)|(?!\d))")
_WITH_YEAR: Final = re.compile(r"(?<!\d)(20\d\d)\s*[-年./]?\s*(1[0-2]|0[1-9]|[1-9](?=月))(?!\d)月?")
_ALONE: Final = re.compile(r"(?<!\d)(1[0-2]|0?[1-9])\s*月")


def unit_code(organization: Organization) -> str:
    """The short code that an organization writes on its transfers: DW and its number."""
    return f"DW{organization.id:05d}"


def remark_for(roster: Roster, payer: Organization) -> str:
    """What to write on a transfer for a roster: the payer's code and the month cover starts."""
    return f"{unit_code(payer)} {roster.cover_from:%Y%m}"


def remark_of(due: Due) -> str:
    """What to write on the transfer for a due; a giver has no code, and writes the roster's
    number."""
    if due.carrier == "gift":
        return str(due.roster.number)
    return remark_for(due.roster, due.payer)


def months_in(text: str) -> set[tuple[int | None, int]]:
    """The months a remark names, with the year where it gives one."""
    found: set[tuple[int | None, int]] = {
        (int(year), int(month)) for year, month in _WITH_YEAR.findall(text)
    }
    rest = _WITH_YEAR.sub(" ", text)
    return found | {(None, int(month)) for month in _ALONE.findall(rest)}
