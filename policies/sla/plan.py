"""
When a tier's clocks are due and when to warn. Pure; whole seconds, UTC, wall clock.

The clock starts when the customer was promised a person, not when a helpdesk answered: our lateness is inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil

from policies.sla.tiers import Target, Tier


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """One clock: due at `due_at`, met if stopped at or before it; `warn_at` in order, all before `due_at`."""

    metric: str
    target_seconds: int
    due_at: datetime
    warn_at: tuple[datetime, ...]


def respond_by(tier: Tier, started_at: datetime) -> datetime:
    """When a person must have answered at the latest. `started_at` must be aware."""
    return _whole_seconds(started_at) + timedelta(seconds=tier.first_response_seconds)


def plan_clocks(tier: Tier, started_at: datetime) -> tuple[ClockPlan, ...]:
    """A clock for each target of the tier, soonest due first."""
    start = _whole_seconds(started_at)
    return tuple(sorted((_plan(target, start) for target in tier.targets.values()), key=lambda p: (p.due_at, p.metric)))


def _plan(target: Target, start: datetime) -> ClockPlan:
    seconds = target.within_seconds
    # As a fraction of the number as written: 0.55 of 100 s is 55 s, while ceil(0.55 * 100) is 56.
    warnings = sorted({ceil(Fraction(str(share)) * seconds) for share in target.warn})
    return ClockPlan(
        metric=target.metric,
        target_seconds=seconds,
        due_at=start + timedelta(seconds=seconds),
        warn_at=tuple(start + timedelta(seconds=after) for after in warnings if after < seconds),
    )


def _whole_seconds(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a clock needs a start with a time zone")
    return moment.astimezone(UTC).replace(microsecond=0)
