"""
Clocks against an oracle that knows nothing of intervals: it looks at the wall clock on every tick, and counts.

Random calendars (nights, lunch, holidays, changed dates, unions), zones whose clocks change, pauses, late and repeated
facts. 10,000 cases: 250 calendars, 40 clocks on each; ticks of a second up to a quarter of an hour.
"""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policies.sla.calendar import CALENDAR_DAY, SHIFT, Calendar
from policies.sla.clock import State
from policies.sla.facts import Fact, Kind
from policies.sla.fold import fold
from policies.sla.hours import INTERSECTION, UNION, Hours
from policies.sla.terms import Terms
from policies.sla.tiers import Target
from policies.sla.within import Seconds

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "Pacific/Auckland",
         "America/St_Johns", "Asia/Hong_Kong"]  # fmt: skip
# Weeks around changes of the clocks in those zones, and one without.
STARTS = [
    "2026-03-05",
    "2026-03-26",
    "2026-04-02",
    "2026-09-24",
    "2026-10-01",
    "2026-10-22",
    "2026-10-29",
    "2027-06-03",
]
CUSTOMER, THIRD = "waiting_on_customer", "waiting_on_third_party"
CALENDARS, CLOCKS_EACH, SHARDS = 250, 40, 5
NO_DUE = (State.PAUSED, State.UNSCHEDULABLE)


# Random worlds


def random_windows(rng):
    """Edges on half hours from 04:00 on: within the hours of a change of the clocks there are two readings."""
    edges = sorted(rng.sample(range(8, 48), rng.choice([2, 2, 2, 4])))
    windows = [(a * 30, b * 30) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    if rng.random() < 0.25:
        windows[-1] = (windows[-1][0], 1440 + rng.choice([8, 10, 12]) * 30)  # into the next morning
    return tuple(windows)


def random_calendar(rng, first):
    days = [first + timedelta(days=i) for i in range(-1, 16)]
    weekly = tuple(random_windows(rng) if rng.random() < 0.75 else () for _ in range(7))
    if rng.random() < 0.1:
        weekly = (((0, 1440),),) * 7
    holidays = dict.fromkeys(rng.sample(days, rng.choice([0, 1, 1, 3])), "holiday")
    dates = {
        day: random_windows(rng) if rng.random() < 0.6 else () for day in rng.sample(days, rng.choice([0, 0, 1, 2]))
    }
    return Calendar("random", rng.choice(ZONES), weekly, holidays, dates, rng.choice([CALENDAR_DAY, SHIFT]))


# The oracle


def is_open(calendar, second):
    """By the wall clock alone: some window of today, or of last night, is about this minute."""
    wall = datetime.fromtimestamp(second, ZoneInfo(calendar.zone))
    today, minute = wall.date(), wall.hour * 60 + wall.minute
    if any(a <= minute < b for a, b in begins(calendar, today, evening=False)):
        return True
    special = today in calendar.dates or today in calendar.holidays
    if calendar.scope == CALENDAR_DAY and special:
        return False
    return any(minute + 1440 < b for a, b in begins(calendar, today - timedelta(days=1), evening=True))


def begins(calendar, day, evening):
    if day in calendar.dates:
        return calendar.dates[day]
    # A holiday from midnight to midnight leaves what its night would have had after the next midnight.
    if day in calendar.holidays and not (evening and calendar.scope == CALENDAR_DAY):
        return ()
    return calendar.weekly[day.weekday()]


def open_ticks(calendars, how, origin, tick, n):
    joined = any if how == UNION else all
    return [joined(is_open(c, origin + i * tick) for c in calendars) for i in range(n)]


def walked(ticks, facts, now, pause_on, integrity, target):
    """(elapsed, due, stopped) in ticks, by looking at every tick from the promise on."""
    known = {}
    for fact in sorted(facts, key=lambda f: (f["received"], f["seq"])):
        if fact["received"] <= now:
            known.setdefault(fact["id"], fact)
    ordered = sorted(known.values(), key=lambda f: (f["at"], RANK[f["kind"]], f["seq"]))
    start = next(f["at"] for f in ordered if f["kind"] == "handoff_promised")
    status, elapsed, due = "open", 0, None
    stopped = solved_at(ordered, start)
    end = now if stopped is None else stopped
    todo = list(ordered)
    for t in range(start, len(ticks)):
        while todo and todo[0]["at"] <= t and (t < end or stopped is None):
            status = after(status, todo.pop(0), integrity)
        counts = ticks[t] and status not in pause_on
        if t < end:
            elapsed += counts
        if t >= end and status in pause_on and due is None:
            return elapsed, None, stopped
        if counts and due is None:
            target -= 1
            if target == 0:
                due = t + 1
        if t >= end:
            todo = []  # from now on it stays as it is
            if due is not None:
                break
    return elapsed, due, stopped


RANK = {"solved": 0, "pause": 3, "open": 4, "handoff_promised": 5, "customer_message": 5, "bot_message": 6}


def solved_at(ordered, start):
    return next((f["at"] for f in ordered if f["kind"] == "solved" and f["at"] >= start), None)


def after(status, fact, integrity):
    if fact["kind"] == "pause":
        return fact["status"]
    if fact["kind"] == "open" or (fact["kind"] == "customer_message" and integrity and status == CUSTOMER):
        return "open"
    return status


# The same story for both


def random_facts(rng, span):
    start = rng.randrange(span // 3)
    facts = [{"kind": "handoff_promised", "at": start}]
    for _ in range(rng.randrange(9)):
        kind = rng.choice(["pause", "pause", "open", "open", "customer_message", "bot_message"])
        facts.append({"kind": kind, "at": rng.randrange(start, span), "status": rng.choice([CUSTOMER, THIRD])})
    if rng.random() < 0.4:
        facts.append({"kind": "solved", "at": max(f["at"] for f in facts) + 1 + rng.randrange(span // 8)})
    for seq, fact in enumerate(facts):
        late = 0 if seq == 0 or rng.random() < 0.7 else rng.randrange(span // 2)
        fact |= {"id": f"f{seq}", "seq": seq, "received": fact["at"] + late}
    again = [dict(f, received=f["received"] + rng.randrange(5)) for f in facts if rng.random() < 0.3]
    facts += again
    rng.shuffle(facts)
    return start, facts


def as_fact(fact, instant):
    kind = {"pause": Kind.STATUS, "open": Kind.STATUS}.get(fact["kind"]) or Kind(fact["kind"])
    status = {"pause": fact.get("status"), "open": "open"}.get(fact["kind"])
    return Fact("desk", fact["id"], kind, instant(fact["at"]), instant(fact["received"]), fact["seq"], status)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_clocks_are_what_counting_every_tick_says(shard):
    wrong = []
    for number in range(shard, CALENDARS, SHARDS):
        wrong += differences(random.Random(number), number)

    assert wrong == []


def differences(rng, number):
    first = date.fromisoformat(rng.choice(STARTS))
    calendars = tuple(random_calendar(rng, first) for _ in range(rng.choice([1, 1, 1, 2])))
    how = rng.choice([UNION, UNION, INTERSECTION])
    hours = Hours(calendars, how)
    tick = rng.choice([1, 60, 300, 900])  # every edge of a window lies on a tick
    n = min(1300, 14 * 86_400 // tick)
    origin = int(datetime.combine(first, datetime.min.time(), UTC).timestamp())
    if tick < 900:  # fine ticks see a few hours only: where something opens or closes
        edges = [edge for window in hours.windows(origin, origin + 10 * 86_400) for edge in window]
        origin = (rng.choice(edges) if edges else origin) - rng.randrange(n // 2) * tick
    elif rng.random() < 0.5:
        origin += rng.randrange(86_400 // 900) * 900
    ticks = open_ticks(calendars, how, origin, tick, n)
    for case in range(CLOCKS_EACH):
        told = difference(rng, hours, ticks, origin, tick, n)
        if told:
            yield number, case, told


def difference(rng, hours, ticks, origin, tick, n):
    def instant(i):
        return datetime.fromtimestamp(origin + i * tick, UTC)

    span = n // 3
    start, facts = random_facts(rng, span)
    pause_on = frozenset(rng.choice([(), (CUSTOMER,), (CUSTOMER, THIRD)]))
    integrity, target = rng.random() < 0.7, rng.randrange(1, span)
    now = rng.randrange(start, 2 * span)
    seconds = target * tick
    terms = Terms(
        "t", Target("total_resolution", Seconds(seconds), pause_on=pause_on), hours, pause_integrity=integrity
    )
    cycle = fold(terms, [as_fact(f, instant) for f in facts], now=instant(now)).current

    elapsed, due, stopped = walked(ticks, facts, now, pause_on, integrity, target)
    expected = (elapsed * tick, None if stopped is None else instant(stopped))
    found = (cycle.elapsed_seconds, cycle.stopped_at)
    if found != expected:
        return "elapsed, stopped", found, expected
    beyond = cycle.due_at is not None and cycle.due_at > instant(n)  # further than the walk went
    found_due = None if beyond else cycle.due_at
    if found_due != (None if due is None else instant(due)):
        return "due", cycle.due_at, due, cycle.state
    missed = due is not None and due < (now if stopped is None else stopped)
    if missed != (cycle.breach is not None):
        return "breach", cycle.breach, due
    return None


def test_measuring_is_additive_and_adding_undoes_measuring():
    rng = random.Random(7)
    for _ in range(300):
        hours = Hours((random_calendar(rng, date(2026, 10, 22)),))
        a, b, c = sorted(rng.randrange(1_792_000_000, 1_795_000_000) for _ in range(3))

        assert hours.elapsed(a, b) + hours.elapsed(b, c) == hours.elapsed(a, c)
        seconds = hours.elapsed(a, c)
        if seconds:
            t = hours.add(a, seconds)
            assert t is not None
            assert t <= c
            assert hours.elapsed(a, t) == seconds
            assert hours.elapsed(a, t - 1) == seconds - 1


@pytest.mark.parametrize("zone", ["America/Santiago", "Asia/Beirut", "America/Sao_Paulo", "Asia/Gaza"])
def test_where_the_clocks_change_at_midnight_open_hours_agree_with_the_walk_over_days(zone, make_week):
    calendar = make_week(zone, "08:00-12:00 13:00-24:00", sun="09:00-17:00")
    origin = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    hours, step = Hours((calendar,)), 1800

    opened = [hours.elapsed(t, t + step) == step for t in range(origin, origin + 366 * 86_400, step)]

    assert opened == open_ticks((calendar,), UNION, origin, step, 366 * 48)
