"""One row of the table that `make bench` prints, and how time is taken."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A measured figure: what, how much, and the most it may be; `met` is None for a mere
    comparison."""

    what: str
    figure: str
    limit: str = ""
    met: bool | None = None
    note: str = ""


def within(what: str, value: float, most: float, unit: str, note: str = "") -> Row:
    """A figure with a limit that must be met."""
    return Row(what, f"{value:.3g} {unit}", f"≤ {most:g} {unit}", value <= most, note)


def seconds(deed: Callable[[], Any], times: int = 1) -> float:
    """The least processor time of a deed over some times, in seconds. Processor time, because
    the machine may be shared."""
    return min(_taken(deed, time.process_time) for _ in range(times))


def elapsed(deed: Callable[[], Any]) -> float:
    """The time a deed takes by the wall clock, in seconds."""
    return _taken(deed, time.perf_counter)


def _taken(deed: Callable[[], Any], now: Callable[[], float]) -> float:
    gc.collect()
    start = now()
    deed()
    return now() - start
