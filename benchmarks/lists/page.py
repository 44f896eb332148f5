"""One page for one person in two offices, and what it took."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

MOST = 50.0  # milliseconds by the wall clock
TIMES_SMALL = 1.3
NOISE = 2.0  # milliseconds: less between two medians is the shared machine, not the page


@dataclass
class Page:
    """One page for one person, and the milliseconds it took in each office: the address in the
    small one, of somebody else's page where only that is as full, and in the large."""

    who: str
    endpoint: str
    label: str
    small: str
    large: str
    beside: str = ""  # whose page in the small office, where it is another's
    fuller: bool = False  # by far than any of its kind in the small office
    own: dict[str, list[float]] = field(default_factory=lambda: {"small": [], "large": []})
    wall: list[float] = field(default_factory=list)  # of the large one, queueing and all

    def forget(self) -> None:
        """Begin again: what was slow once may have been somebody else's work."""
        self.own = {"small": [], "large": []}
        self.wall = []

    @property
    def name(self) -> str:
        return f"{self.endpoint} ({self.who}; {self.label})"

    def p99(self) -> float:
        return _p99(self.own["large"])

    def medians(self) -> tuple[float, float]:
        return statistics.median(self.own["small"]), statistics.median(self.own["large"])

    def ratio(self) -> float:
        """How many times longer it takes at a million; 1 where the difference is noise, and where
        it has so many more rows or choices that they, and not the office's size, take the time."""
        small, large = self.medians()
        if self.fuller:
            return 1.0
        return large / small if large - small > NOISE else 1.0

    def missed(self) -> bool:
        return self.p99() > MOST or self.ratio() > TIMES_SMALL

    def is_hopeless(self) -> bool:
        """Whether it was so slow each time that asking it forty times more would tell nothing."""
        return min(self.own["large"]) > 4 * MOST

    def __str__(self) -> str:
        small, large = self.medians()
        figures = f"{self.p99():8.1f} p99 {f'({_p99(self.wall):.1f} by the clock)':>24}"
        figures += f" {small:7.1f} → {large:7.1f} ms {self.ratio():5.2f} ×"
        like = f"  beside {self.beside}" if self.beside else "  FULLER" if self.fuller else ""
        return f"{'MISS' if self.missed() else '    '}{figures}  {self.name}  {self.large}{like}"


def queued(process: int | str = "thread-self") -> float:
    """The milliseconds that this thread, or a process, was ready and waited for a core, as Linux
    counts them; 0 elsewhere."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e6
    except (OSError, IndexError):
        return 0.0


def _p99(times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[math.ceil(len(ordered) * 0.99) - 1]
