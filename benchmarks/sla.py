"""
What SLA clocks cost: one due computation, folding clocks of few and many facts, and what hangs on a fold (medians); and
how many handoffs a second `assign_sla` gets their clocks and their ticket its SLA.

    python -m benchmarks.sla

Absolute numbers belong to the machine; compare the ratios within one run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from benchmarks.assign_sla import measured
from policies.sla.calendar import Calendar, windows_between
from policies.sla.effects import pending_effects
from policies.sla.explain import explain
from policies.sla.facts import Fact, Kind
from policies.sla.fold import fold
from policies.sla.holidays import country_holidays
from policies.sla.hours import ALWAYS, Hours, _open_set
from policies.sla.terms import Terms
from policies.sla.tiers import PAUSED_BY_DEFAULT, Target, warn_at
from policies.sla.wall import seconds_of
from policies.sla.within import Seconds

START = datetime(2027, 6, 4, 20, 0, tzinfo=UTC)
ROUNDS = 300
OFFICE = Calendar(
    "office",
    "America/New_York",
    (((540, 750), (810, 1020)),) * 5 + ((), ()),
    country_holidays("US", None, True),
    {date(2027, 12, 24): ((540, 780),)},
)


def microseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def history(count: int) -> list[Fact]:
    """A lively ticket: every half hour something happens; some facts come late, some twice."""
    kinds = [(Kind.STATUS, "waiting_on_customer"), (Kind.CUSTOMER_MESSAGE, None), (Kind.STATUS, "open"),
             (Kind.HUMAN_MESSAGE, None)]  # fmt: skip
    facts = [Fact("baton", "promise", Kind.HANDOFF_PROMISED, START, START)]
    for i in range(1, count):
        kind, status = kinds[i % 4]
        at = START + timedelta(minutes=30 * i)
        facts.append(Fact("desk", f"f{i - i % 10 // 9}", kind, at, at + timedelta(minutes=i % 7), i, status))
    return facts


def cold(hours: Hours) -> int | None:
    _open_set.cache_clear()
    windows_between.cache_clear()
    return hours.add(seconds_of(START), 14_400)


def main() -> None:
    office = Hours((OFFICE,))
    a, b = seconds_of(START), seconds_of(START) + 40 * 3600
    few, many = history(10), history(200)
    now = many[-1].occurred_at or START

    def terms(metric: str, hours: Hours) -> Terms:
        target = Target(
            metric, Seconds(144_000), (warn_at(0.5), warn_at(0.8)), PAUSED_BY_DEFAULT.get(metric, frozenset())
        )
        return Terms("t", target, hours)

    resolution, always = terms("resolution", office), terms("resolution", ALWAYS)
    clock = fold(resolution, many, now=now)
    rows = {
        "due: open time added, calendar known": microseconds(lambda: office.add(a, 14_400)),
        "elapsed over 40 h, calendar known": microseconds(lambda: office.elapsed(a, b)),
        "due, calendar seen for the first time": microseconds(lambda: cold(office), 30),
        "fold of 10 facts": microseconds(lambda: fold(resolution, few, now=now)),
        "fold of 200 facts": microseconds(lambda: fold(resolution, many, now=now)),
        "fold of 200 facts, always open": microseconds(lambda: fold(always, many, now=now)),
        "fold of 200 facts, next_response": microseconds(
            lambda: fold(terms("next_response", office), many, now=now), 50
        ),
        "effects of a folded clock": microseconds(lambda: pending_effects(clock, (), now=now)),
        "explanation of a folded clock": microseconds(lambda: [explain(c, now=now) for c in clock.cycles]),
    }
    for name, cost in rows.items():
        print(f"{name:<40}{cost:>10.1f} µs median")
    for database, jobs, bare in measured():
        rate = f"assign_sla, {database}"
        print(f"{rate:<40}{jobs:>10.1f} a second, {jobs / bare:.2f} of the bare helpdesk call ({bare:.1f} a second)")


if __name__ == "__main__":
    main()
