"""
What a tier promises at the moment of the promise: when each clock is due and when it warns, if nothing pauses it.

The clock starts when the customer was promised a person, not when a helpdesk answered: our lateness is inside it. How a
clock stands once things have happened is `fold.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.sla.hours import ALWAYS, Hours
from policies.sla.tiers import CALLBACK, FIRST_HUMAN_RESPONSE, Target, Tier
from policies.sla.wall import instant, seconds_of
from policies.sla.within import Limit


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """One clock: due at `due_at`, met if stopped at or before it; `warn_at` in order, all before `due_at`."""

    metric: str
    target_seconds: int
    due_at: datetime
    warn_at: tuple[datetime, ...]


def respond_by(tier: Tier, started_at: datetime) -> datetime:
    """When a person must have answered at the latest. `started_at` must be aware."""
    return _plan(tier.targets[FIRST_HUMAN_RESPONSE], tier.hours, seconds_of(started_at)).due_at


def plan_clocks(tier: Tier, started_at: datetime) -> tuple[ClockPlan, ...]:
    """A clock for each target of the tier that a promise starts, soonest due first."""
    start = seconds_of(started_at)
    targets = (target for target in tier.targets.values() if target.metric != CALLBACK)  # begins when one is booked
    return tuple(sorted((_plan(target, tier.hours, start) for target in targets), key=lambda p: (p.due_at, p.metric)))


def _plan(target: Target, hours: Hours, start: int) -> ClockPlan:
    limit = target.within.limit(hours, start)
    due = _due(limit, hours, start)
    if limit is None or due is None:
        # No hours within the look-ahead: loading refuses such calendars, joined ones may come to it. The customer was
        # promised a person all the same, so the promise is told as if somebody were always there.
        return _plan(target, ALWAYS, start)
    after = sorted({warn.elapsed(limit.seconds) for warn in target.warn})
    warnings = (hours.add(start, seconds) for seconds in after if 0 < seconds < limit.seconds)
    return ClockPlan(
        metric=target.metric,
        target_seconds=limit.seconds,
        due_at=instant(due),
        warn_at=tuple(instant(at) for at in warnings if at is not None and at < due),
    )


def _due(limit: Limit | None, hours: Hours, start: int) -> int | None:
    if limit is None:
        return None
    return hours.add(start, limit.seconds) if limit.due is None else limit.due
