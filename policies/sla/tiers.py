"""What an SLA tier promises. Read from `tiers.yml` by `read.py`; the arithmetic is in `fold.py` and `plan.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from packets.draft import Priority
from policies.sla.hours import ALWAYS, Hours
from policies.sla.units import show_duration
from policies.sla.within import BusinessDays, CalendarDays, Seconds, Within

PICKUP = "pickup"
FIRST_HUMAN_RESPONSE = "first_human_response"
NEXT_RESPONSE = "next_response"
RESOLUTION = "resolution"
CALLBACK = "callback"

# Metric → what stops its clock. Nothing a bot says stops any of them.
METRICS = {
    PICKUP: "a person owns the ticket",
    FIRST_HUMAN_RESPONSE: "the first public message by a person, or a call",
    NEXT_RESPONSE: "the next public message by a person",
    "periodic_update": "the next public message by a person",
    "pausable_update": "the next public message by a person; waiting for the customer does not count",
    "requester_wait": "the ticket is solved; waiting for the customer does not count",
    "agent_work": "the ticket is solved; only new and open count",
    RESOLUTION: "the ticket is solved",
    "total_resolution": "the ticket is solved; nothing pauses it",
    CALLBACK: "the call is made; due at the end of the booked window",
}

WAITING_ON_CUSTOMER = "waiting_on_customer"
WAITING_ON_THIRD_PARTY = "waiting_on_third_party"
SCHEDULED_CALLBACK = "scheduled_callback"
SOLVED_PAUSE = "solved"  # a clock that goes on after a reopening did not run while its ticket was solved
PAUSES = (WAITING_ON_CUSTOMER, WAITING_ON_THIRD_PARTY, SCHEDULED_CALLBACK)
PAUSED_BY_DEFAULT: Mapping[str, frozenset[str]] = {
    "pausable_update": frozenset({WAITING_ON_CUSTOMER}),
    "requester_wait": frozenset({WAITING_ON_CUSTOMER}),
    "agent_work": frozenset({WAITING_ON_CUSTOMER, WAITING_ON_THIRD_PARTY}),
    RESOLUTION: frozenset({WAITING_ON_CUSTOMER}),
}

SHORTEST_SECONDS = 15  # Zendesk's minimum
LONGEST_SECONDS = 1095 * 24 * 3600  # ServiceNow's maximum
_DAY_SECONDS = 24 * 3600
FIVE_WORKING_DAYS = BusinessDays(5)


class Change(StrEnum):
    """What a change of terms does to a clock that runs."""

    IGNORE = "ignore"
    FROM_NOW = "from_now"  # what has elapsed is kept
    RECOMPUTE = "recompute"  # as if it had always been so
    RESTART = "restart"  # a new cycle


# The words of the files → what they do, the default first.
ON_PRIORITY_CHANGE = {"carry": Change.FROM_NOW, "restart": Change.RESTART, "keep_first": Change.IGNORE}
ON_QUEUE_CHANGE = {"per_interval": Change.FROM_NOW, "last_wins": Change.RECOMPUTE, "first_wins": Change.IGNORE}
ON_POLICY_EDIT = {
    "new_only": Change.IGNORE,
    "open_from_now": Change.FROM_NOW,
    "open_recompute": Change.RECOMPUTE,
}
ON_CALENDAR_EDIT = {
    "open_recompute": Change.RECOMPUTE,
    "new_only": Change.IGNORE,
    "open_from_now": Change.FROM_NOW,
}
REOPEN_MODES = ("continue", "new_cycle", "ignore")
ON_MAX_PAUSE = ("resume", "propose_closing")
COUNTS_FROM = ("promise", "created")


@dataclass(frozen=True, slots=True)
class Warn:
    """When to warn: at a part of the target (`share`), or so many open seconds before it is due (`before`)."""

    share: Fraction | None = None
    before: int = 0

    @property
    def name(self) -> str:
        if self.share is None:
            return f"before {show_duration(timedelta(seconds=self.before))}"
        return f"{100 * self.share.numerator / self.share.denominator:g}%"

    def elapsed(self, target: int) -> int:
        """After how many seconds of a target; 0 or less: longer before than the target is."""
        if self.share is None:
            return target - self.before
        # Rounded up, in whole numbers: fractions multiply ten times slower.
        return -(-self.share.numerator * target // self.share.denominator)


def warn_at(share: float) -> Warn:
    # As a fraction of the number as written: 0.55 of 100 s is 55 s, while ceil(0.55 * 100) is 56.
    return Warn(Fraction(str(share)))


@dataclass(frozen=True, slots=True)
class Target:
    """
    One promise of a tier.

    pause_on: statuses and reasons during which it does not run. ladder: who is told when it is missed.
    max_pause: open time after which a pause ends by itself, or is told about. notes_count: internal notes are answers.
    """

    metric: str
    within: Within
    warn: tuple[Warn, ...] = ()
    pause_on: frozenset[str] = frozenset()
    ladder: str | None = None
    max_pause: Seconds | None = None
    on_max_pause: str = "resume"
    notes_count: bool = False
    counts_from: str = "promise"
    ladder_on_policy_change: bool = True

    @property
    def nominal_seconds(self) -> int:
        """To compare targets by: a day is a day, whatever the calendar."""
        if isinstance(self.within, Seconds):
            return self.within.seconds
        if isinstance(self.within, BusinessDays | CalendarDays):
            return self.within.days * _DAY_SECONDS
        return (self.within.business_days + 1) * _DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Reopen:
    """A reopened ticket continues its clock when it was solved within the window, else begins a new cycle."""

    mode: str = "continue"
    window: Within = FIVE_WORKING_DAYS


USUAL_REOPEN = Reopen()


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """Whose handoffs get a tier though no rule names it: any topic, any route, or all of one set of attributes."""

    topics: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    customers: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    """Every tier has a target for the first human response: that is what a customer is promised."""

    name: str
    priority: Priority
    targets: Mapping[str, Target]
    default: bool = False
    hours: Hours = ALWAYS
    zone_from: str = "calendar"
    on_priority_change: str = "carry"
    on_queue_change: str = "per_interval"
    reopen: Reopen = USUAL_REOPEN
    pause_integrity: bool = True
    applies_to: AppliesTo = field(default_factory=AppliesTo)

    @property
    def first_response_seconds(self) -> int:
        return self.targets[FIRST_HUMAN_RESPONSE].nominal_seconds

    @property
    def strictness(self) -> tuple[int, int, str]:
        """Sorts the strictest first: the quickest answer, then the highest priority; the name only makes it total."""
        return self.first_response_seconds, list(Priority).index(self.priority), self.name
