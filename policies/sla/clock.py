"""What a fold says of one clock. Plain values: nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.sla.course import Ended
from policies.sla.hours import Hours
from policies.sla.terms import Terms


class State(StrEnum):
    """How a cycle stands. A closed calendar is not `paused`: see `open_now`."""

    RUNNING = "running"
    PAUSED = "paused"
    BREACHED = "breached"  # past due, and still nobody
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"  # neither met nor missed
    UNSCHEDULABLE = "unschedulable"  # its calendar has no hours within the look-ahead


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch under the same terms and the same waiting, in epoch seconds. end None: it goes on."""

    start: int
    end: int | None
    hours: Hours
    paused_by: frozenset[str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Breach:
    """One missed version of a target. breached_at: due, or the change that put due into the past."""

    version: int
    due_at: datetime
    breached_at: datetime
    cause: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A warning. at None: not reached while paused. passed: its time has come. skipped: a change overtook it."""

    name: str
    at: datetime | None
    passed: bool
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Cycle:
    """
    One run of a clock, as known now.

    due_at: None while paused; then due_if_resumed_now says what resuming would mean. For a stopped cycle, when it
    would have been due. next_at: when to look again; None: only a fact can change anything.
    """

    number: int
    started_at: datetime
    state: State
    terms: Terms
    version: int
    target_seconds: int | None
    elapsed_seconds: int
    due_at: datetime | None
    due_if_resumed_now: datetime | None
    open_now: bool
    stopped_at: datetime | None
    ended: Ended | None
    paused_by: tuple[str, ...]
    breaches: tuple[Breach, ...]
    overdue_seconds: int
    thresholds: tuple[Threshold, ...]
    pause_ends_at: datetime | None
    next_at: datetime | None
    slices: tuple[Slice, ...]

    @property
    def remaining_seconds(self) -> int | None:
        """May be negative."""
        return None if self.target_seconds is None else self.target_seconds - self.elapsed_seconds

    @property
    def breach(self) -> Breach | None:
        """Of the target that holds."""
        return next((breach for breach in self.breaches if breach.version == self.version), None)


@dataclass(frozen=True, slots=True)
class Clock:
    """One metric of one handoff: its cycles, oldest first; none: not started."""

    metric: str
    cycles: tuple[Cycle, ...]
    duplicates: int = 0
    skewed: tuple[str, ...] = ()

    @property
    def current(self) -> Cycle | None:
        return self.cycles[-1] if self.cycles else None
