"""The only clock and calendar: today, now, working days.

The clock can be fixed (`fix`) only by the composition of a demonstration office.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

import chinese_calendar

BEIJING = timezone(timedelta(hours=8))
_fixed: date | None = None


def fix(day: date | None) -> None:
    """Fix today's date; the time of day goes on. None lets the clock run."""
    global _fixed  # one process, one clock: that is what this module is
    _fixed = day


def is_fixed() -> bool:
    return _fixed is not None


def today() -> date:
    return now().date()


def now() -> datetime:
    """The moment in Beijing time, without a zone, whole seconds: what is stored and shown."""
    moment = datetime.now(UTC).astimezone(BEIJING).replace(tzinfo=None, microsecond=0)
    return datetime.combine(_fixed, moment.time()) if _fixed else moment


def real_now() -> datetime:
    """The true moment in Beijing, for limits that a fixed clock must not stretch (sessions, locks,
    links)."""
    return datetime.now(UTC).astimezone(BEIJING).replace(tzinfo=None, microsecond=0)


def is_working_day(day: date) -> bool:
    """Whether `day` is worked under the State Council's calendar, make-up days included.

    Raises NotImplementedError for years whose calendar is not published yet.
    """
    return bool(chinese_calendar.is_workday(day))


@lru_cache(5000)
def after_working_days(start: date, days: int) -> date:
    """The day that is `days` working days after `start`; `start` itself does not count.

    Raises NotImplementedError where the calendar does not reach.
    """
    day = start
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day
