"""
A calendar: when people work, in one time zone. Weekly windows, holidays, and dates with hours of their own.

Pure data plus the translation into open windows in UTC seconds; adding and measuring is `hours.py`. The expression for
the library is rendered from a calendar and cut at midnight first, so that neither the library's overnight rules nor its
own table of holidays ever decide (docs/decisions/0029-open-hours-are-sets.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State

Window = tuple[int, int]  # minutes after local midnight; a close above 1440 is on the next day
Spans = tuple[tuple[int, int], ...]  # half-open, in epoch seconds, sorted, apart

DAY = 24 * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDAR_DAY, SHIFT = "calendar_day", "shift"
ALL_DAY: tuple[Window, ...] = ((0, DAY),)
VERSION_LENGTH = 12
_UTC = ZoneInfo("UTC")  # the library takes nothing but ZoneInfo


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """
    One version of one calendar. Two of the same version are the same calendar.

    weekly: windows by weekday, Monday first. holidays: date → name, closed. dates: date → its own windows (none =
    closed); they come before holidays, holidays before the week. scope: a holiday closes its `calendar_day` from
    midnight to midnight, or the `shift`s that begin on it.
    """

    name: str
    zone: str
    weekly: tuple[tuple[Window, ...], ...]
    holidays: Mapping[date, str] = field(default_factory=dict)
    dates: Mapping[date, tuple[Window, ...]] = field(default_factory=dict)
    scope: str = CALENDAR_DAY
    version: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", _version(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and other.version == self.version

    def __hash__(self) -> int:
        return hash(self.version)

    def to_json(self) -> dict[str, Any]:
        """Everything a stored clock needs, holidays by date: a newer table of holidays moves no running clock."""
        return {
            "name": self.name,
            "zone": self.zone,
            "weekly": [list(map(list, windows)) for windows in self.weekly],
            "holidays": {day.isoformat(): name for day, name in sorted(self.holidays.items())},
            "dates": {day.isoformat(): list(map(list, windows)) for day, windows in sorted(self.dates.items())},
            "scope": self.scope,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Calendar:
        return cls(
            name=stored["name"],
            zone=stored["zone"],
            weekly=tuple(_windows(windows) for windows in stored["weekly"]),
            holidays={date.fromisoformat(day): name for day, name in stored["holidays"].items()},
            dates={date.fromisoformat(day): _windows(windows) for day, windows in stored["dates"].items()},
            scope=stored["scope"],
        )

    def begins_on(self, day: date) -> tuple[Window, ...]:
        """The windows that begin on a local date and are worked."""
        if day in self.dates:
            return self.dates[day]
        if day in self.holidays and self.scope == SHIFT:
            return ()
        return self.weekly[day.weekday()]

    def open_on(self, day: date) -> list[Window]:
        """What is open between midnight and midnight of a local date, last night's tail included."""
        tail = [(0, close - DAY) for _, close in self.begins_on(day - timedelta(days=1)) if close > DAY]
        if self.scope == CALENDAR_DAY and day in self.dates:
            tail = []
        elif self.scope == CALENDAR_DAY and day in self.holidays:
            return []
        return _merged(tail + [(opening, min(close, DAY)) for opening, close in self.begins_on(day)])

    def is_working_day(self, day: date) -> bool:
        """Whether a shift begins on it."""
        if day in self.holidays and day not in self.dates:
            return False
        return bool(self.begins_on(day))


def always_open(name: str = "always", zone: str = "UTC") -> Calendar:
    return Calendar(name, zone, (ALL_DAY,) * 7)


@lru_cache(maxsize=256)
def windows_between(calendar: Calendar, since: int, until: int) -> Spans:
    """The open windows in UTC seconds, cut to [since, until)."""
    hours = OpeningHours(
        expression(calendar, since, until), timezone=ZoneInfo(calendar.zone), auto_country=False, auto_timezone=False
    )
    start, end = (datetime.fromtimestamp(second, _UTC) for second in (since, until))
    found = [
        (int(opening.timestamp()), int(close.timestamp()))
        for opening, close, state, _ in hours.intervals(start, end)
        if state == State.OPEN
    ]
    return tuple(_merged(found))


def expression(calendar: Calendar, since: int, until: int) -> str:
    """The calendar as an OpenStreetMap expression that is right for the dates from `since` to `until`."""
    # Any week without an exception shows what a plain week is like; this one never has any.
    plain = Calendar(calendar.name, calendar.zone, calendar.weekly)
    monday = date(1900, 1, 1)
    weekly = [
        f"{name} {_times(windows)}"
        for i, name in enumerate(("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"))
        if (windows := plain.open_on(monday + timedelta(days=i)))
    ]
    special = [
        f"{day:%Y %b %d} {_times(calendar.open_on(day)) or 'off'}" for day in _exceptions(calendar, since, until)
    ]
    return "; ".join([", ".join(weekly) or "Mo-Su off", *special])


def _exceptions(calendar: Calendar, since: int, until: int) -> Iterator[date]:
    """The dates whose hours may differ from their weekday's, the day after a changed night included."""
    first, last = (datetime.fromtimestamp(second, UTC).date() for second in (since, until))
    around = timedelta(days=2)
    named = {*calendar.holidays, *calendar.dates}
    days = named | {day + timedelta(days=1) for day in named}
    return (day for day in sorted(days) if first - around <= day <= last + around)


def _times(windows: list[Window]) -> str:
    return ",".join(f"{clock_time(opening)}-{clock_time(close)}" for opening, close in windows)


def clock_time(minutes: int) -> str:
    """540 → 09:00; the next day's hours wrap, except that a day may end at 24:00."""
    minutes = minutes if minutes <= DAY else minutes - DAY
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted; touching and overlapping ones made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _windows(stored: Any) -> tuple[Window, ...]:
    return tuple((opening, close) for opening, close in stored)


def _version(calendar: Calendar) -> str:
    text = json.dumps(calendar.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_LENGTH]
