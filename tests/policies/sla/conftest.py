"""The calendars of the oracle tables, and short ways to write times, facts and terms. June 2027 unless said."""

from datetime import date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from policies.sla.calendar import SHIFT, Calendar
from policies.sla.facts import Fact, Kind
from policies.sla.fold import fold
from policies.sla.hours import Hours
from policies.sla.terms import Terms
from policies.sla.tiers import PAUSED_BY_DEFAULT, RESOLUTION, Reopen, Target
from policies.sla.wall import instant, seconds_of
from policies.sla.within import parse_within


def windows(text):
    """`09:00-12:30 13:30-17:30`, a close before the opening on the next day."""
    found = []
    for part in text.split():
        opening, close = (int(t[:2]) * 60 + int(t[3:]) for t in part.split("-"))
        found.append((opening, close if close > opening else close + 1440))
    return tuple(found)


def week(zone, every="", **days):
    return Calendar("test", zone, tuple(windows(days.get(day, every)) for day in DAYS))


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
CHRISTMAS = {date(2026, 12, 25): "Christmas", date(2026, 12, 26): "Second day", date(2027, 1, 1): "New Year"}


def changed(calendar, **changes):
    stored = {name: getattr(calendar, name) for name in ("name", "zone", "weekly", "holidays", "dates", "scope")}
    return Calendar(**(stored | changes))


def calendars():
    weekend = {"sat": "", "sun": ""}
    ny = week(NEW_YORK, "09:00-17:00", **weekend)
    ber = changed(week(BERLIN, "08:00-18:00", **weekend), holidays=CHRISTMAS)
    night = week(NEW_YORK, "22:00-06:00")
    utc = week("UTC", "09:00-17:00", tue="10:00-16:00", thu="10:00-16:00", sat="11:00-14:30", sun="")
    made = {
        "NY": ny,
        "BER": ber,
        "LON": week("Europe/London", "09:00-12:30 13:30-17:30", **weekend),
        "NIGHT": night,
        "NY24": week(NEW_YORK, "00:00-24:00"),
        "UTC24": week("UTC", "00:00-24:00"),
        "KATHMANDU": week("Asia/Kathmandu", "09:00-17:00", **weekend),
        "NEVER": week("UTC"),
        "NY closed on 7 June": changed(ny, dates={date(2027, 6, 7): ()}),
        "NY holiday on 7 June": changed(ny, holidays={date(2027, 6, 7): "Founders' day"}),
        "TWO SHORT": week(NEW_YORK, "09:00-09:30 12:00-12:15"),
        "BER short 24 December": changed(ber, dates={date(2026, 12, 24): windows("08:00-13:00")}),
        "NIGHT calendar_day": changed(night, holidays={date(2026, 12, 25): "Christmas"}),
        "NIGHT shift": changed(night, holidays={date(2026, 12, 25): "Christmas"}, scope=SHIFT),
        "LORD HOWE": week("Australia/Lord_Howe", "00:00-08:00"),
        "FRI NIGHT": week(NEW_YORK, fri="20:00-04:00", sat="10:00-12:00"),
        "UTC 9-17": week("UTC", "09:00-17:00", **weekend),
        "UTC 8-17": week("UTC", "08:00-17:00", **weekend),
        "UTC 8-18": week("UTC", "08:00-18:00", **weekend),
        "UTC 8-16": week("UTC", "08:00-16:00", **weekend),
        "UTC daily 9-21": week("UTC", "09:00-21:00"),
        "UTC daily 9-13": week("UTC", "09:00-13:00"),
        "BIZ": utc,
        "CHICAGO": week("America/Chicago", "07:00-21:00"),
        "LOS ANGELES": week("America/Los_Angeles", "08:00-17:30", **weekend),
        "TUESDAY": week("UTC", tue="09:00-17:00"),
    }
    return {name: Hours((calendar,)) for name, calendar in made.items()} | {"NY or BER": Hours((ny, ber))}


@pytest.fixture(scope="session")
def hours():
    """Name → the open hours of the oracle tables."""
    return calendars()


@pytest.fixture(scope="session")
def make_week():
    return week


@pytest.fixture(scope="session")
def with_changes():
    """A calendar with other holidays, dates, scope or zone."""
    return changed


DATES = {"Fri": 4, "Sat": 5, "Sun": 6, "Mon": 7, "Tue": 8, "Wed": 9, "Thu": 10}


class Story:
    """Facts of one ticket in one zone. `at` reads `Mon 10:00` (7 June 2027), `28 10:00` or a whole date."""

    def __init__(self, hours, zone=NEW_YORK):
        self.hours, self.zone, self.facts, self.book = hours, zone, [], {}

    def at(self, text, zone=None):
        info = ZoneInfo(zone or self.zone)
        if text[:4].isdigit():
            return datetime.fromisoformat(text).replace(tzinfo=info)
        day, time = text.split()
        number = int(day) if day.isdigit() else DATES[day]
        return datetime.fromisoformat(f"2027-06-{number:02}T{time}").replace(tzinfo=info)

    def add(self, kind, at, received=None, zone=None, external_id=None, **more):
        occurred = None if at is None else self.at(at, zone)
        if "until" in more:
            more["at"] = self.at(more.pop("until"))
        self.facts.append(
            Fact("desk", external_id or f"f{len(self.facts)}", Kind(kind), occurred,
                 occurred if received is None else self.at(received, zone), len(self.facts), **more)
        )  # fmt: skip
        return self

    def terms(
        self, within, hours="NY", metric=RESOLUTION, reopen=None, tier="t", policy="p1", tier_more=None, **target
    ):
        pauses = target.pop("pause_on", PAUSED_BY_DEFAULT.get(metric, frozenset()))
        return Terms(
            tier, Target(metric, parse_within(within), pause_on=frozenset(pauses), **target), self.hours[hours], policy,
            reopen=reopen or Reopen(), **(tier_more or {}),
        )  # fmt: skip

    def clock(self, terms, now):
        return fold(terms, self.facts, now=now if isinstance(now, datetime) else self.at(now), book=self.book)

    def cycle(self, terms, now):
        return self.clock(terms, now).current


@pytest.fixture
def story(hours):
    return lambda zone=NEW_YORK: Story(hours, zone)


@pytest.fixture(scope="session")
def times():
    return SimpleNamespace(
        seconds=lambda text, zone="UTC": seconds_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))),
        utc=lambda text: datetime.fromisoformat(text).astimezone(ZoneInfo("UTC")),
        instant=instant,
    )
