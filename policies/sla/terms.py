"""
What one clock was promised, pinned when it starts, and how later changes of it bear on a clock that runs.

A change makes a new *plan* of the same cycle: its terms by stretch, since when it is known, and whether the target is
another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.sla.facts import Happened, Kind
from policies.sla.hours import Hours
from policies.sla.tiers import (
    ON_CALENDAR_EDIT,
    ON_POLICY_EDIT,
    ON_PRIORITY_CHANGE,
    ON_QUEUE_CHANGE,
    USUAL_REOPEN,
    Change,
    Reopen,
    Target,
    Tier,
)
from policies.sla.wall import seconds_of


class UnknownTerms(Exception):
    """A fact names terms that were not given: the clock cannot be told."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The snapshot a clock runs by. policy: revision. zone_source: whose zone the calendar was read in."""

    tier: str
    target: Target
    hours: Hours
    policy: str = ""
    on_priority_change: str = "carry"
    on_queue_change: str = "per_interval"
    reopen: Reopen = USUAL_REOPEN
    pause_integrity: bool = True
    zone_source: str = "calendar"


Book = Mapping[str, Terms]  # the terms facts speak of, by the key they carry
EMPTY_BOOK: Book = {}


def terms_of(
    tier: Tier, metric: str, policy: str, *, queue_zone: str | None = None, customer_zone: str | None = None
) -> Terms:
    """The terms of a clock that starts now. A zone the tier wants but nobody knows falls back to the calendar's."""
    hours, source = tier.hours, tier.zone_from
    zone = {"queue": queue_zone, "customer": customer_zone}.get(tier.zone_from)
    if zone is not None:
        hours = replace(hours, calendars=tuple(replace(calendar, zone=zone) for calendar in hours.calendars))
    elif tier.zone_from != "calendar":
        source = f"calendar ({tier.zone_from} unknown)"
    return Terms(
        tier=tier.name,
        target=tier.targets[metric],
        hours=hours,
        policy=policy,
        on_priority_change=tier.on_priority_change,
        on_queue_change=tier.on_queue_change,
        reopen=tier.reopen,
        pause_integrity=tier.pause_integrity,
        zone_source=source,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How one cycle is measured, as known since `known_from`. segments: (from, terms), the first from the cycle's start.

    version: of the target; identity of a breach is (clock, cycle, version). manual: a due time set by hand.
    """

    segments: tuple[tuple[int, Terms], ...]
    known_from: int
    version: int = 1
    cause: str = "elapsed"
    manual: int | None = None

    @property
    def terms(self) -> Terms:
        return self.segments[-1][1]


@dataclass(frozen=True, slots=True)
class Planned:
    """One cycle from `start`; its plans, oldest first. restarted_at: a change ended it and begins the next one."""

    start: int
    plans: tuple[Plan, ...] = field(default=())
    restarted_at: int | None = None


def changes_among(facts: Sequence[Happened]) -> list[Happened]:
    """The facts that may change terms."""
    return [h for h in facts if h.kind in _CAUSES]


def plan_cycle(base: Terms, changes: Sequence[Happened], book: Book, start: int, stop: int | None) -> Planned:
    """The plans of the cycle that starts at `start`. What changes after its stop does not touch it."""
    current = base
    for h in changes:
        if h.at <= start:  # a clock that starts takes what holds then
            current = _changed(current, h, book)
    plans = [Plan(((start, current),), start)]
    for h in changes:
        if h.at <= start or (stop is not None and h.at >= stop):
            continue
        change = _mode(plans[-1].terms, h)
        if change is Change.RESTART:
            return Planned(start, tuple(plans), h.at)
        if (plan := _next(plans[-1], h, change, book)) is not None:
            # Recomputed means: as if it had always been so. What an earlier target missed is no longer missed.
            plans = [plan] if change is Change.RECOMPUTE and plan.version > plans[-1].version else [*plans, plan]
    return Planned(start, tuple(plans))


_CAUSES = {
    Kind.PRIORITY: "policy_change",
    Kind.POLICY_EDITED: "policy_change",
    Kind.QUEUE: "calendar_change",
    Kind.CALENDAR_EDITED: "calendar_change",
    Kind.MANUAL_DUE: "manual",
}


def _next(plan: Plan, h: Happened, change: Change, book: Book) -> Plan | None:
    """The plan after a change; None: nothing is another."""
    version = plan.version
    if h.kind is Kind.MANUAL_DUE:
        manual = None if h.fact.at is None else seconds_of(h.fact.at)
        return Plan(plan.segments, h.at, version + 1, "manual", manual)
    terms = _changed(plan.terms, h, book)
    if change is Change.IGNORE or (terms.target, terms.hours) == (plan.terms.target, plan.terms.hours):
        return None
    start = plan.segments[0][0]
    segments = ((start, terms),) if change is Change.RECOMPUTE else (*plan.segments, (h.at, terms))
    version += terms.target != plan.terms.target
    return Plan(segments, h.at, version, _CAUSES[h.kind], plan.manual)


def _mode(current: Terms, h: Happened) -> Change:
    if h.kind is Kind.PRIORITY:
        return ON_PRIORITY_CHANGE[h.fact.mode or current.on_priority_change]
    if h.kind is Kind.QUEUE:
        return ON_QUEUE_CHANGE[h.fact.mode or current.on_queue_change]
    if h.kind is Kind.POLICY_EDITED:
        return ON_POLICY_EDIT[h.fact.mode or "new_only"]
    return ON_CALENDAR_EDIT[h.fact.mode or "open_recompute"]


def _changed(current: Terms, h: Happened, book: Book) -> Terms:
    """The terms after a change, as a clock that starts then would take them."""
    if h.kind is Kind.MANUAL_DUE:
        return current
    try:
        new = book[h.fact.terms or ""]
    except KeyError:
        raise UnknownTerms(
            f"fact {h.fact.external_id} names terms '{h.fact.terms}', which are not in the book"
        ) from None
    if h.kind in (Kind.QUEUE, Kind.CALENDAR_EDITED):
        return replace(current, hours=new.hours)
    return new
