"""
Local dates and wall clock times of a zone, as epoch seconds and back.

A wall clock time that a change of the clocks leaves out is the instant of the change; one that comes twice is the
second. The open windows of a calendar follow the same reading.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo

_MIDNIGHT = datetime.min.time()


def seconds_of(moment: datetime) -> int:
    """Whole epoch seconds, parts of a second dropped. A time without a zone is refused: nobody knows when it is."""
    if moment.tzinfo is None:
        raise ValueError("a clock needs times with a time zone")
    return floor(moment.timestamp())


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def local(seconds: int, zone: str) -> datetime:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone))


@lru_cache(maxsize=4096)
def at_wall(zone: str, day: date, minutes: int) -> int:
    """The instant of so many minutes after midnight on a local date, by the wall clock; above 1440 is the next day."""
    naive = datetime.combine(day, _MIDNIGHT) + timedelta(minutes=minutes)
    info = ZoneInfo(zone)
    first, second = (int(naive.replace(tzinfo=info, fold=fold).timestamp()) for fold in (0, 1))
    return second if second >= first else _change_between(info, second, first)


def _change_between(info: ZoneInfo, low: int, high: int) -> int:
    """The instant at which the clocks go forward. `low` lies before it, `high` at or after it."""
    old = datetime.fromtimestamp(low, info).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, info).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high
