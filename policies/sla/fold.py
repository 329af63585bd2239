"""
One SLA clock as a pure function of recorded facts: fold(terms, facts, now). Nothing is accumulated anywhere.

elapsed = |running ∩ open hours| in whole seconds; met if and only if the stopping fact is at or before due. The
stretches a metric measures are `course.py`, the slices of one `slices.py`, what changes of terms do is `terms.py`, what
is to be told is `effects.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from policies.sla.clock import Breach, Clock, Cycle, Slice, State, Threshold
from policies.sla.course import Ended, Stretch, Waits, stretches, waits
from policies.sla.facts import Fact, Happened, arrange
from policies.sla.slices import counted, reach, with_longest_pause
from policies.sla.terms import EMPTY_BOOK, Book, Plan, Terms, changes_among, plan_cycle
from policies.sla.tiers import CALLBACK, NEXT_RESPONSE, SOLVED_PAUSE, Warn
from policies.sla.wall import instant, seconds_of
from policies.sla.within import Limit, due_by_date

# Metrics that a solved ticket ends or does not touch; for the others, what was solved and reopened did not run.
_NOT_PAUSED_BY_SOLVED = {NEXT_RESPONSE, "periodic_update", "pausable_update", CALLBACK}


def fold(terms: Terms, facts: Iterable[Fact], *, now: datetime, book: Book = EMPTY_BOOK) -> Clock:
    """
    The clock of `terms` as known at `now`: only facts received by then count.

    book: the terms that facts about changes speak of, by their key. Raises UnknownTerms when one is missing.
    """
    arranged = arrange(facts, now)
    happened = arranged.facts
    waited = waits(happened, terms.pause_integrity)
    changes = changes_among(happened)
    cycles: list[Cycle] = []
    for stretch in _stretches(terms, happened):
        cycles += _cycles(terms, changes, book, stretch, waited, seconds_of(now), len(cycles) + 1)
    return Clock(terms.target.metric, tuple(cycles), arranged.duplicates, arranged.skewed)


def _stretches(terms: Terms, facts: Sequence[Happened]) -> list[Stretch]:
    def reopen_until(solved: int) -> int | None:
        limit = terms.reopen.window.limit(terms.hours, solved)
        return None if limit is None else limit.due or terms.hours.add(solved, limit.seconds)

    target = terms.target
    return stretches(
        target.metric,
        facts,
        counts_from=target.counts_from,
        notes_count=target.notes_count,
        reopen_mode=terms.reopen.mode,
        reopen_until=reopen_until,
    )


def _cycles(
    terms: Terms, changes: Sequence[Happened], book: Book, stretch: Stretch, waited: Waits, now: int, number: int
) -> list[Cycle]:
    """One cycle, or several when changes of priority restarted it."""
    made: list[Cycle] = []
    while True:
        planned = plan_cycle(terms, changes, book, stretch.start, stretch.stop)
        at = planned.restarted_at
        this = stretch if at is None else Stretch(stretch.start, at, Ended.RESTARTED, stretch.fixed_due)
        made.append(_Measure(this, planned.plans, waited, now).cycle(number + len(made)))
        if at is None:
            return made
        stretch = Stretch(at, stretch.stop, stretch.ended, stretch.fixed_due)


@dataclass(frozen=True, slots=True)
class _Line:
    """One plan of a cycle laid along time. counts: of each slice but the last. due None: paused, or never."""

    plan: Plan
    slices: tuple[Slice, ...]
    counts: tuple[int, ...]
    limit: Limit | None
    due: int | None


class _Measure:
    """One cycle measured as of `now`."""

    def __init__(self, stretch: Stretch, plans: Sequence[Plan], waited: Waits, now: int) -> None:
        self.stretch, self.waited, self.now = stretch, waited, now
        self.end = now if stretch.stop is None else stretch.stop
        self.lines = [self._line(plan) for plan in plans]

    def cycle(self, number: int) -> Cycle:
        line, stretch = self.lines[-1], self.stretch
        terms, last = line.plan.terms, line.slices[-1]
        breaches = self._breaches()
        state = self._state(breaches)
        running = state in (State.RUNNING, State.BREACHED)
        thresholds = self._thresholds()
        elapsed = sum(line.counts) + counted(last, self.end)
        paused = stretch.stop is None and bool(last.paused_by)
        remaining = (line.limit.seconds if line.limit else 0) - elapsed
        resumed = terms.hours.add(self.now, remaining) if paused and line.limit and remaining > 0 else None
        ending = self._pause_ends(line)
        return Cycle(
            number=number,
            started_at=instant(stretch.start),
            state=State.PAUSED if paused and state is State.RUNNING else state,
            terms=terms,
            version=line.plan.version,
            target_seconds=line.limit.seconds if line.limit else None,
            elapsed_seconds=elapsed,
            due_at=_instant(line.due),
            due_if_resumed_now=_instant(resumed) if line.due is None else None,
            open_now=terms.hours.is_open(self.now),
            stopped_at=_instant(stretch.stop),
            ended=stretch.ended,
            paused_by=tuple(sorted(last.paused_by)) if paused else (),
            breaches=breaches,
            overdue_seconds=self._overdue(breaches, elapsed),
            thresholds=thresholds,
            pause_ends_at=_instant(ending),
            next_at=_instant(self._next(running and not paused, breaches, thresholds, ending)),
            slices=line.slices,
        )

    def _line(self, plan: Plan) -> _Line:
        slices = self._slices(plan)
        hours, start = plan.terms.hours, self.stretch.start
        limit = plan.terms.target.within.limit(hours, start)
        fixed = self.stretch.fixed_due
        if plan.manual is not None:
            fixed = due_by_date(hours, plan.segments[0][0], plan.manual)
        if fixed is not None:
            limit = Limit(hours.elapsed(start, fixed), fixed)
        counts = tuple(counted(piece) for piece in slices[:-1])
        due = None if limit is None else limit.due if limit.due is not None else reach(slices, counts, limit.seconds)
        return _Line(plan, slices, counts, limit, due)

    def _slices(self, plan: Plan) -> tuple[Slice, ...]:
        """The cycle cut wherever its terms or its waiting change. The last one is open while nothing stopped it."""
        start, stop = self.stretch.start, self.stretch.stop
        froms = dict(plan.segments)
        inside = (at for at in froms if at > start and (stop is None or at < stop))
        cuts = sorted({start, *inside, *self.waited.changes_in(start, stop)})
        terms = plan.segments[0][1]
        made: list[Slice] = []
        for a, b in pairwise([*cuts, stop]):
            assert a is not None  # noqa: S101 - only the last cut can be open
            terms = froms.get(a, terms)
            made.append(Slice(a, b, terms.hours, self._paused_by(terms, a)))
        made = with_longest_pause(made, terms)
        # What lies ahead (the end of a longest pause, a fact of a machine whose clock is fast) is not known yet.
        return tuple(p for p in made if stop is not None or p.start <= max(start, self.now))

    def _paused_by(self, terms: Terms, at: int) -> frozenset[str]:
        pauses = terms.target.pause_on
        if terms.target.metric not in _NOT_PAUSED_BY_SOLVED:
            pauses = pauses | {SOLVED_PAUSE}
        return self.waited.at(at) & pauses

    def _state(self, breaches: tuple[Breach, ...]) -> State:
        line, stretch = self.lines[-1], self.stretch
        missed = any(breach.version == line.plan.version for breach in breaches)
        if stretch.stop is None:
            if missed:
                return State.BREACHED
            unknown = line.limit is None or (line.due is None and not line.slices[-1].paused_by)
            return State.UNSCHEDULABLE if unknown else State.RUNNING
        if stretch.ended in (Ended.REPLACED, Ended.RESTARTED, Ended.MERGED, Ended.CANCELLED):
            return State.MISSED if missed else State.CANCELLED
        if missed:
            return State.MISSED
        return State.CANCELLED if stretch.ended is Ended.CLOSED else State.MET

    def _breaches(self) -> tuple[Breach, ...]:
        """A breach for each version of the target that was missed while it held."""
        found: dict[int, Breach] = {}
        until = [line.plan.known_from for line in self.lines[1:]] + [self.end]
        for line, end in zip(self.lines, until, strict=True):
            version, due, known = line.plan.version, line.due, line.plan.known_from
            if due is None or due >= end:
                found.pop(version, None)  # the same target, by a calendar that was mended: it was not missed
                continue
            earlier = found.get(version)
            late = due < known and earlier is None
            at = instant(known) if late else earlier.breached_at if earlier else instant(due)
            cause = line.plan.cause if late else earlier.cause if earlier else "elapsed"
            found[version] = Breach(version, instant(due), at, cause)
        return tuple(found.values())

    def _overdue(self, breaches: tuple[Breach, ...], elapsed: int) -> int:
        """Open seconds after due, no longer growing once it has stopped."""
        line = self.lines[-1]
        if line.due is None or line.limit is None or not any(b.version == line.plan.version for b in breaches):
            return 0
        if line.limit.due is not None:
            return line.plan.terms.hours.elapsed(line.due, self.end)
        return elapsed - line.limit.seconds

    def _thresholds(self) -> tuple[Threshold, ...]:
        """The warnings of the newest plan. After a change only the highest already past is told, or the breach."""
        line = self.lines[-1]
        if line.limit is None:
            return ()
        before = self.lines[-2] if len(self.lines) > 1 else None
        if before is not None and before.plan.version != line.plan.version:
            told: set[str] = set()
        else:
            told = {warn.name for warn, at in _warnings(before) if at is not None and at <= line.plan.known_from}
        found = _warnings(line)
        changed = line.plan.known_from
        fresh = [
            warn
            for warn, at in found
            if line.plan.cause != "elapsed" and at is not None and at <= changed and warn.name not in told
        ]
        missed = line.due is not None and line.due < changed
        skipped = fresh if missed else fresh[:-1]
        return tuple(
            Threshold(warn.name, _instant(at), at is not None and at <= self.end, warn in skipped) for warn, at in found
        )

    def _pause_ends(self, line: _Line) -> int | None:
        """When the longest allowed pause is over, if it is in one."""
        longest, last = line.plan.terms.target.max_pause, line.slices[-1]
        if longest is None or self.stretch.stop is not None or not last.paused_by or SOLVED_PAUSE in last.paused_by:
            return None
        began = last.start
        for piece in reversed(line.slices):
            if not piece.paused_by:
                break
            began = piece.start
        return line.plan.terms.hours.add(began, longest.seconds)

    def _next(
        self, running: bool, breaches: tuple[Breach, ...], thresholds: tuple[Threshold, ...], pause_ends: int | None
    ) -> int | None:
        """The next instant at which looking again is worth it: a warning, the second after due, the end of a pause."""
        if self.stretch.stop is not None:
            return None
        line = self.lines[-1]
        instants = [pause_ends]
        if running or (line.limit is not None and line.limit.due is not None):
            instants += [seconds_of(t.at) for t in thresholds if t.at is not None]
            instants.append(None if line.due is None else line.due + 1)
        return min((at for at in instants if at is not None and at > self.now), default=None)


def _warnings(line: _Line | None) -> list[tuple[Warn, int | None]]:
    """Each warning that lies inside the target, with its instant (None: not reached while paused), lowest first."""
    if line is None or line.limit is None:
        return []
    seconds = line.limit.seconds
    inside = [(warn.elapsed(seconds), warn) for warn in line.plan.terms.target.warn]
    inside.sort(key=lambda pair: pair[0])
    return [(warn, reach(line.slices, line.counts, after)) for after, warn in inside if 0 < after < seconds]


def _instant(second: int | None) -> datetime | None:
    return None if second is None else instant(second)
