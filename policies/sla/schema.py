"""The shapes of calendars.yml, ladders.yml and rosters.yml. What they mean together is checked in `read.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from packets.decision import Seniority
from policies.schema import Duration, known, name_of, one_or_more, some_text
from policies.sla.calendar import CALENDAR_DAY, DAY, SHIFT, WEEKDAYS, Window
from policies.sla.ics import is_bare_address
from policies.sla.ladder import BUSINESS, CALENDAR, MOST_ASKED, MOST_REPEATS
from policies.sla.units import parse_duration

_WINDOW = re.compile(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)")


class Zone(fields.Str):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        try:
            ZoneInfo(str(value))
        except (KeyError, ValueError, OSError):
            raise ValidationError(f"unknown zone '{value}': write an IANA name such as Europe/Berlin") from None
        return str(value)


class WindowText(fields.Field[Window]):
    """`09:00-17:00`; a close before the opening is on the next day; `24:00` ends a day."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Window:
        found = _WINDOW.fullmatch(str(value))
        opening, close = (int(found[i]) * 60 + int(found[i + 1]) for i in (1, 3)) if found else (DAY, 0)
        if found is None or opening >= DAY or close > DAY:
            raise ValidationError(f"'{value}' is not a window: write 09:00-17:00, or 22:00-06:00 for a night")
        if opening == close:
            raise ValidationError(f"'{value}' opens and closes at once: a whole day is 00:00-24:00, a closed one is []")
        return opening, close if close > opening else close + DAY


class Day(fields.Field[date]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> date:
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise ValidationError(f"'{value}' is not a date: write it like 2026-12-24") from None


class Span(fields.Field[int]):
    """`0m`, `30m`, `1h` → seconds, nought included."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        try:
            return int(parse_duration(value).total_seconds())
        except ValueError as error:
            raise ValidationError(str(error)) from error


def _windows(**options: Any) -> fields.List[Any]:
    return fields.List(WindowText(), validate=_apart, **options)


def _apart(windows: list[Window]) -> None:
    ordered = sorted(windows)
    for (_, close), (opening, _) in pairwise(ordered):
        if opening < close:
            raise ValidationError("two windows of one day overlap: write them as one")


def weekdays_of(key: str) -> tuple[int, ...]:
    """`mon-fri`, `sat`, `daily` → numbers, Monday 0. Raises ValidationError."""
    if key == "daily":
        return tuple(range(7))
    first, _, last = key.partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        raise ValidationError(f"'{key}' is not a weekday: write mon, mon-fri or daily")
    a, b = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return tuple(range(a, b + 1)) if a <= b else (*range(a, 7), *range(b + 1))


def _weekdays(key: str) -> None:
    weekdays_of(key)


class HolidaysSchema(Schema):
    """A country's holidays, or one day of your own: `{date: 2026-05-04, name: Founders' day}`."""

    country = fields.Str()
    subdivision = fields.Str()
    observed = fields.Bool()
    except_ = fields.List(Day(), data_key="except")
    date = Day()
    name = fields.Str(validate=some_text)

    @validates_schema
    def one_of_both(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("country" in data) == ("date" in data):
            raise ValidationError("expected either country (a country's holidays) or date (one day of your own)")


class CalendarSchema(Schema):
    zone = Zone(required=True)
    weekly = fields.Dict(keys=fields.Str(validate=_weekdays), values=_windows(), required=True, validate=one_or_more)
    holidays = fields.List(fields.Nested(HolidaysSchema))
    dates = fields.Dict(keys=Day(), values=_windows())
    holiday_scope = fields.Str(validate=known(CALENDAR_DAY, SHIFT))

    @validates_schema
    def opens_at_all(self, data: Mapping[str, Any], **_: Any) -> None:
        weekly = data.get("weekly", {})
        if weekly and not any(weekly.values()):
            raise ValidationError("is never open: give at least one weekday a window such as 09:00-17:00", "weekly")
        days = [day for key in weekly for day in weekdays_of(key)]
        if twice := {WEEKDAYS[day] for day in days if days.count(day) > 1}:
            told = ", ".join(day for day in WEEKDAYS if day in twice)
            raise ValidationError(f"{told} is written twice: every weekday stands in one line only", "weekly")


class CalendarsSchema(Schema):
    """`calendars.yml`."""

    calendars = fields.Dict(
        keys=fields.Str(validate=name_of), values=fields.Nested(CalendarSchema), required=True, validate=one_or_more
    )


class AskSchema(Schema):
    team = fields.Str()
    up_to = fields.Int(strict=True, validate=validate.Range(1, MOST_ASKED, error="expected 1 to 5 people"))
    seniority = fields.Str(validate=known(*(s.value for s in Seniority)))
    skills = fields.List(fields.Str(validate=some_text))


class StepSchema(Schema):
    after = Span()
    in_ = fields.Str(data_key="in", validate=known(BUSINESS, CALENDAR))
    notify = fields.List(fields.Str(validate=some_text), validate=one_or_more)
    ask = fields.Nested(AskSchema)
    reassign = fields.Str()
    tag_manager = fields.Raw()
    when = fields.Str(validate=validate.Equal("call_missed", error="expected call_missed, not '{input}'"))
    only_when_open = fields.Bool()

    @validates_schema
    def does_something(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data.keys() & {"notify", "ask", "reassign", "tag_manager"}:
            raise ValidationError("does nothing: give it notify, ask, reassign or tag_manager")
        if not isinstance(data.get("tag_manager", True), str) and data.get("tag_manager", True) is not True:
            raise ValidationError("expected true (the handoff's own team) or the name of a team", "tag_manager")


class LadderSchema(Schema):
    steps = fields.List(fields.Nested(StepSchema), required=True, validate=one_or_more)
    warn = fields.List(fields.Str(validate=some_text))
    repeat = fields.Int(strict=True, validate=validate.Range(0, MOST_REPEATS, error="expected 0 to 5 repeats"))
    repeat_after = Duration()
    fallback = fields.Str(validate=some_text)


class LaddersSchema(Schema):
    """`ladders.yml`."""

    ladders = fields.Dict(
        keys=fields.Str(validate=name_of), values=fields.Nested(LadderSchema), required=True, validate=one_or_more
    )


class MemberSchema(Schema):
    reach = fields.Str(required=True, validate=some_text)
    seniority = fields.Str(validate=known(*(s.value for s in Seniority)))
    skills = fields.List(fields.Str(validate=some_text))
    capacity = fields.Int(strict=True, validate=validate.Range(1, error="expected 1 or more"))
    calendar = fields.Raw()


class ClockTimes(fields.Field[tuple[int, int]]):
    """`09:00-20:00` within one day."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> tuple[int, int]:
        opening, close = WindowText().deserialize(value)
        if close > DAY:
            raise ValidationError(f"'{value}' goes past midnight: nobody is called at night")
        return opening, close


def _bare_address(text: str) -> None:
    if not is_bare_address(text):
        raise ValidationError(f"'{text}' is no bare e-mail address: write support@example.com, without a name")


class CallbacksSchema(Schema):
    slot = Duration()
    capacity = fields.Int(strict=True, validate=validate.Range(1, error="expected 1 or more"))
    lead = Span()
    civil_hours = ClockTimes()
    organizer = fields.Str(validate=_bare_address)


class RosterSchema(Schema):
    calendar = fields.Raw()
    manager = fields.Str()
    members = fields.Dict(
        keys=fields.Str(validate=some_text), values=fields.Nested(MemberSchema), required=True, validate=one_or_more
    )
    callbacks = fields.Nested(CallbacksSchema)


class RostersSchema(Schema):
    """`rosters.yml`: team → its people. A team bears the name of a route's destination."""

    rosters = fields.Dict(
        keys=fields.Str(validate=name_of), values=fields.Nested(RosterSchema), required=True, validate=one_or_more
    )
