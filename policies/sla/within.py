"""
How long a target gives: `15m`, `2bd`, `1 calendar day`, or a deadline such as the next working day by 16:00.

Each kind says at a clock's start what it amounts to: seconds of open time, or an instant that nothing moves.
Working days are those of the first calendar, by its wall clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from policies.sla.calendar import DAY, Calendar, clock_time
from policies.sla.hours import LOOK_AHEAD, Hours
from policies.sla.units import BadDuration, parse_duration, show_duration
from policies.sla.wall import at_wall, local

_DAYS = re.compile(r"(\d+)\s*(bd|calendar days?)")
MOST_DAYS = 260  # working days that surely lie within the look-ahead of an ordinary calendar
_LOOK_AHEAD_DAYS = LOOK_AHEAD // 86400


@dataclass(frozen=True, slots=True)
class Limit:
    """What a target amounts to for one start. seconds: of open time. due: an instant that pauses do not move."""

    seconds: int
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Seconds:
    seconds: int

    def limit(self, hours: Hours, start: int) -> Limit | None:
        return Limit(self.seconds)

    def __str__(self) -> str:
        return show_duration(timedelta(seconds=self.seconds))


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Full working days: begun at the start of one, it ends with the last one's close; else at the same wall clock."""

    days: int

    def limit(self, hours: Hours, start: int) -> Limit | None:
        calendar = hours.calendars[0]
        opening = Hours((calendar,)).next_open(start)
        if opening is None:
            return None
        day = _day_of(calendar, opening)
        works = calendar.is_working_day(day)
        at_start = works and opening == at_wall(calendar.zone, day, calendar.begins_on(day)[0][0])
        last = _working_day(calendar, day, self.days if works and not at_start else self.days - 1)
        if last is None:
            return None
        first_open, close = calendar.begins_on(last)[0][0], calendar.begins_on(last)[-1][1]
        minute = close if at_start else min(close, max(first_open, _minutes_after(calendar, day, opening)))
        due = at_wall(calendar.zone, last, minute)
        if not at_start and minute < close:
            due += opening % 60  # seconds are kept; edges of windows have none
        return Limit(hours.elapsed(start, due))

    def __str__(self) -> str:
        return f"{self.days}bd"


@dataclass(frozen=True, slots=True)
class CalendarDays:
    """The same wall clock so many days later; when that is outside hours, the next opening."""

    days: int

    def limit(self, hours: Hours, start: int) -> Limit | None:
        began = local(start, hours.zone)
        minutes = began.hour * 60 + began.minute
        wanted = at_wall(hours.zone, began.date() + timedelta(days=self.days), minutes) + began.second
        return _fixed(hours, start, wanted)

    def __str__(self) -> str:
        return f"{self.days} calendar day" + ("s" if self.days > 1 else "")


@dataclass(frozen=True, slots=True)
class Deadline:
    """`business_days` working days on, at a wall clock time. Begun after the cut-off, or on a day off, a day later."""

    business_days: int
    at: int  # minutes after midnight
    cutoff: int | None = None

    def limit(self, hours: Hours, start: int) -> Limit | None:
        calendar = hours.calendars[0]
        began = local(start, calendar.zone)
        first, minute = began.date(), began.hour * 60 + began.minute
        late = self.cutoff is not None and minute >= self.cutoff
        if late and calendar.is_working_day(first):
            first += timedelta(days=1)
        last = _working_day(calendar, first, self.business_days)
        return None if last is None else _fixed(hours, start, at_wall(calendar.zone, last, self.at))

    def __str__(self) -> str:
        days = f"{self.business_days} working day{'' if self.business_days == 1 else 's'} on"
        before = f" if before {clock_time(self.cutoff)}" if self.cutoff is not None else ""
        return f"{days} by {clock_time(self.at)}{before}"


Within = Seconds | BusinessDays | CalendarDays | Deadline


def parse_within(text: object) -> Within:
    """A target's time as written. Raises BadDuration with what was expected; a bare day can mean three things."""
    if isinstance(text, str) and (found := _DAYS.fullmatch(text.strip())):
        days = int(found[1])
        if not 1 <= days <= MOST_DAYS:
            raise BadDuration(f"'{text}' is out of range: from 1 to {MOST_DAYS} days")
        return BusinessDays(days) if found[2] == "bd" else CalendarDays(days)
    return Seconds(int(parse_duration(text).total_seconds()))


def due_by_date(hours: Hours, start: int, wanted: int | None) -> int | None:
    """
    When a date set from outside is due: outside hours at the next opening; none, or one already past, a second after
    the start. source: ServiceNowDocs c_SLADuration ("due date" relative duration), read 2026-11-21.
    """
    if wanted is None or wanted <= start:
        return start + 1
    return wanted if hours.elapsed(wanted - 1, wanted) else hours.next_open(wanted)


def _fixed(hours: Hours, start: int, wanted: int) -> Limit | None:
    due = due_by_date(hours, start, wanted)
    return None if due is None else Limit(hours.elapsed(start, due), due)


def _day_of(calendar: Calendar, at: int) -> date:
    """The date on which the shift that is open at `at` began."""
    today = local(at, calendar.zone).date()
    yesterday = today - timedelta(days=1)
    night = any(
        at_wall(calendar.zone, yesterday, opening) <= at < at_wall(calendar.zone, yesterday, close)
        for opening, close in calendar.begins_on(yesterday)
        if close > DAY
    )
    return yesterday if night and calendar.is_working_day(yesterday) else today


def _minutes_after(calendar: Calendar, day: date, at: int) -> int:
    """The wall clock at `at`, in minutes after midnight of `day`."""
    now = local(at, calendar.zone)
    return (now.date() - day).days * DAY + now.hour * 60 + now.minute


def _working_day(calendar: Calendar, first: date, after: int) -> date | None:
    """The working day `after` working days after the first one on or after `first`."""
    working = (day for day in _days_from(first) if calendar.is_working_day(day))
    return next((day for i, day in enumerate(working) if i == after), None)


def _days_from(first: date) -> Iterator[date]:
    return (first + timedelta(days=i) for i in range(_LOOK_AHEAD_DAYS))
