"""
What a changed tier or calendar would do, before it is published: to the clocks that run, and to what was reached.

Both fold the same facts once more with one fact added, or with other terms; nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from policies.sla.clock import Clock, Cycle, State
from policies.sla.facts import Fact, Kind
from policies.sla.fold import fold
from policies.sla.terms import Book, Terms

_PREVIEWED = "previewed"  # the key of the new terms in the book of one preview


@dataclass(frozen=True, slots=True)
class Recorded:
    """One clock as it is stored: what it started with, what happened, and the terms that changes of it name."""

    clock_id: str
    terms: Terms
    facts: tuple[Fact, ...]
    book: Book = field(default_factory=dict)

    def fold(self, now: datetime) -> Clock:
        return fold(self.terms, self.facts, now=now, book=self.book)


@dataclass(frozen=True, slots=True)
class Moved:
    """An open clock that a change would move. becomes_missed / no_longer_missed: right now, by the change alone."""

    clock_id: str
    due_before: datetime | None
    due_after: datetime | None
    becomes_missed: bool = False
    no_longer_missed: bool = False


@dataclass(frozen=True, slots=True)
class Attainment:
    """met / (met + missed) over what was due or stopped in a window. The others are shown beside it, never counted."""

    met: int = 0
    missed: int = 0
    beside: int = 0  # running and not yet due, paused, cancelled, unschedulable

    @property
    def n(self) -> int:
        return self.met + self.missed

    @property
    def share(self) -> float | None:
        return self.met / self.n if self.n else None


def preview_open(
    clocks: Iterable[Recorded], new: Terms, *, mode: str, now: datetime, kind: Kind = Kind.POLICY_EDITED
) -> tuple[Moved, ...]:
    """
    The running clocks among these that publishing `new` with this mode at `now` would move.

    kind: POLICY_EDITED, or CALENDAR_EDITED (then only the hours of `new` count).
    """
    moved = (_moved(recorded, new, mode, now, kind) for recorded in clocks)
    return tuple(change for change in moved if change is not None)


def preview_past(
    clocks: Sequence[Recorded], new: Terms, *, since: datetime, until: datetime, now: datetime
) -> tuple[Attainment, Attainment]:
    """What was reached in [since, until), and what would have been had these terms always held."""
    before = [recorded.fold(now) for recorded in clocks]
    after = [fold(new, _without_changes(recorded.facts), now=now) for recorded in clocks]
    return attainment(before, since=since, until=until, now=now), attainment(after, since=since, until=until, now=now)


def attainment(clocks: Iterable[Clock], *, since: datetime, until: datetime, now: datetime) -> Attainment:
    """Over the cycles whose due instant or stop lies in [since, until). Past due and still open is missed."""
    met = missed = beside = 0
    for cycle in (cycle for clock in clocks for cycle in clock.cycles):
        ends = [at for at in (cycle.due_at, cycle.stopped_at) if at is not None]
        if ends and not any(since <= at < until for at in ends):
            continue
        met += cycle.state is State.MET
        missed += cycle.state in (State.MISSED, State.BREACHED)
        beside += cycle.state not in (State.MET, State.MISSED, State.BREACHED)
    return Attainment(met, missed, beside)


def _moved(recorded: Recorded, new: Terms, mode: str, now: datetime, kind: Kind) -> Moved | None:
    before = recorded.fold(now).current
    if before is None or before.stopped_at is not None:
        return None
    fact = Fact("preview", _PREVIEWED, kind, now, now, terms=_PREVIEWED, mode=mode)
    book = {**recorded.book, _PREVIEWED: replace(new, target=replace(new.target, metric=recorded.terms.target.metric))}
    after = fold(recorded.terms, (*recorded.facts, fact), now=now, book=book).current
    if after is None or (_due(after), _is_missed(after)) == (_due(before), _is_missed(before)):
        return None
    return Moved(
        clock_id=recorded.clock_id,
        due_before=_due(before),
        due_after=_due(after),
        becomes_missed=_is_missed(after) and not _is_missed(before),
        no_longer_missed=_is_missed(before) and not _is_missed(after),
    )


def _due(cycle: Cycle) -> datetime | None:
    """While it is paused, when it would be due if it were resumed now."""
    return cycle.due_at or cycle.due_if_resumed_now


def _is_missed(cycle: Cycle) -> bool:
    return cycle.breach is not None


def _without_changes(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.terms is None]
