"""
What the facts say about one handoff over time: what it waited for, and the stretches each metric measures.

Which seconds of a stretch count is `fold.py`; here is only when a clock starts, and what ends it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from policies.sla.facts import CANCELLED, DONE, OPEN, Happened, Kind
from policies.sla.tiers import (
    CALLBACK,
    FIRST_HUMAN_RESPONSE,
    NEXT_RESPONSE,
    PICKUP,
    SOLVED_PAUSE,
    WAITING_ON_CUSTOMER,
)
from policies.sla.wall import seconds_of

Reasons = frozenset[str]
NOTHING: Reasons = frozenset()


class Ended(StrEnum):
    """What ended a stretch."""

    FULFILLED = "fulfilled"
    CLOSED = "cancelled_by_close"  # closed without an answer: neither met nor missed
    CANCELLED = "cancelled"
    MERGED = "merged"
    REPLACED = "replaced"  # a callback booked anew
    RESTARTED = "restarted"  # by a change of priority


@dataclass(frozen=True, slots=True)
class Stretch:
    """One cycle of a metric: from `start` until `stop`. stop None: it goes on. fixed_due: by an appointment."""

    start: int
    stop: int | None = None
    ended: Ended | None = None
    fixed_due: int | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """What was waited for, as steps: from starts[i] on, for all of reasons[i]."""

    starts: tuple[int, ...]
    reasons: tuple[Reasons, ...]

    def at(self, second: int) -> Reasons:
        i = bisect_right(self.starts, second) - 1
        return self.reasons[i] if i >= 0 else NOTHING

    def changes_in(self, a: int, b: int | None) -> tuple[int, ...]:
        """The instants strictly between a and b at which it changes."""
        low = bisect_right(self.starts, a)
        return self.starts[low:] if b is None else self.starts[low : bisect_left(self.starts, b)]


def waits(facts: Sequence[Happened], integrity: bool) -> Waits:
    """
    integrity: a customer's message ends a wait for the customer at its own time, though the status was left as it was.
    """
    status, told = OPEN, set[str]()
    steps: dict[int, Reasons] = {}
    for happened in _by_status(facts):
        kind, fact = happened.kind, happened.fact
        if happened.status is not None:
            status = happened.status
        elif kind is Kind.PAUSED and fact.reason:
            told.add(fact.reason)
        elif kind is Kind.RESUMED:
            told.difference_update({fact.reason} if fact.reason else set(told))
        elif kind is Kind.CUSTOMER_MESSAGE and integrity:
            told.discard(WAITING_ON_CUSTOMER)
            status = OPEN if status == WAITING_ON_CUSTOMER else status
        else:
            continue
        steps[happened.at] = frozenset((*told, SOLVED_PAUSE if status in DONE else status))
    return Waits(tuple(steps), tuple(steps.values()))


def stretches(
    metric: str,
    facts: Sequence[Happened],
    *,
    counts_from: str,
    notes_count: bool,
    reopen_mode: str,
    reopen_until: Callable[[int], int | None],
) -> list[Stretch]:
    """
    The cycles of a metric, oldest first; none: it has not started.

    reopen_until: for a time of solving, until when a reopening goes on with the same cycle; None: for ever.
    """
    course = _Course(facts, notes_count)
    ended = _end_of_all(facts)
    if metric == CALLBACK:
        found = _bookings(facts)
    elif metric == NEXT_RESPONSE:
        found = list(course.unanswered())
    elif metric in ("periodic_update", "pausable_update"):
        found = list(course.updates())
    else:
        start = course.start("created" if metric in _FROM_CREATION else counts_from)
        if start is None:
            return []
        if metric in (PICKUP, FIRST_HUMAN_RESPONSE):
            found = [course.answer(start, metric == PICKUP)]
        else:
            found = list(course.solving(start, reopen_mode, reopen_until))
    return [_cut(stretch, ended) for stretch in found if ended is None or stretch.start <= ended[0]]


_FROM_CREATION = {"requester_wait", "agent_work", "total_resolution"}
_ANSWERS = {Kind.HUMAN_MESSAGE, Kind.CALL_CONNECTED, Kind.CALLBACK_DONE}


class _Course:
    def __init__(self, facts: Sequence[Happened], notes_count: bool) -> None:
        self.facts = facts
        self.answers = _ANSWERS | {Kind.INTERNAL_NOTE} if notes_count else _ANSWERS
        self.solved = _solved(facts)

    def start(self, counts_from: str) -> int | None:
        promised = next((h.at for h in self.facts if h.kind is Kind.HANDOFF_PROMISED), None)
        created = next((h.at for h in self.facts if h.kind is Kind.CREATED), None)
        return created if counts_from == "created" and created is not None else promised

    def answer(self, start: int, pickup: bool) -> Stretch:
        """One cycle, ever. Solved without an answer it ends so, unless it is opened again."""
        if pickup:
            # Who owned it already when the promise was made has picked it up.
            owned = next((h.at for h in self.facts if h.kind is Kind.ASSIGNED), None)
            stop = None if owned is None else max(start, owned)
        else:
            stop = next((h.at for h in self.facts if h.at >= start and h.kind in self.answers), None)
        if stop is not None:
            return Stretch(start, stop, Ended.FULFILLED)
        last = self.solved[-1] if self.solved else None
        if last is not None and last[1] is None:
            return Stretch(start, max(start, last[0]), Ended.CLOSED)
        return Stretch(start)

    def unanswered(self) -> Iterator[Stretch]:
        """A cycle for each run of customer messages after the first answer, from the oldest of the run."""
        promised, answered, waiting = self.start("promise"), False, None
        for h in self.facts:
            if h.kind in self.answers and promised is not None and h.at >= promised:
                answered = True
                if waiting is not None:
                    yield Stretch(waiting, h.at, Ended.FULFILLED)
                    waiting = None
            elif h.kind is Kind.CUSTOMER_MESSAGE and answered and waiting is None:
                waiting = h.at
            elif waiting is not None and h.status in DONE:
                yield Stretch(waiting, h.at, Ended.CLOSED)
                waiting = None
        if waiting is not None:
            yield Stretch(waiting)

    def updates(self) -> Iterator[Stretch]:
        """From each public message of a person to the next one, until solved."""
        promised, since = self.start("promise"), None
        messages = sorted({h.at for h in self.facts if h.kind in self.answers and h.at >= (promised or 0)})
        for since, following in zip(messages, [*messages[1:], None], strict=True):
            if self._is_solved(since):
                continue
            closed = next((a for a, _ in self.solved if a > since and (following is None or a < following)), None)
            if closed is not None:
                yield Stretch(since, closed, Ended.CLOSED)
            else:
                yield Stretch(since, following, Ended.FULFILLED if following is not None else None)

    def solving(self, start: int, mode: str, until: Callable[[int], int | None]) -> Iterator[Stretch]:
        """From the start until solved; opened again, it goes on or begins anew."""
        for solved, reopened in self.solved:
            if reopened is not None and reopened <= start:
                continue
            stop = max(start, solved)
            latest = until(stop)
            goes_on = reopened is not None and mode == "continue" and (latest is None or reopened <= latest)
            if goes_on:
                continue
            yield Stretch(start, stop, Ended.FULFILLED)
            if reopened is None or mode == "ignore":
                return
            start = reopened
        yield Stretch(start)

    def _is_solved(self, at: int) -> bool:
        return any(a <= at and (b is None or at < b) for a, b in self.solved)


def _bookings(facts: Sequence[Happened]) -> list[Stretch]:
    """
    One cycle for each booked window, due at its end; a later booking replaces an open one, and one that was cancelled
    is neither met nor missed.
    """
    found: list[Stretch] = []
    for h in facts:
        still_open = bool(found) and found[-1].stop is None
        if h.kind is Kind.CALLBACK_BOOKED and h.fact.at is not None:
            if still_open:
                found[-1] = Stretch(found[-1].start, h.at, Ended.REPLACED, found[-1].fixed_due)
            found.append(Stretch(h.at, fixed_due=seconds_of(h.fact.at)))
        elif still_open and h.kind in (Kind.CALLBACK_DONE, Kind.CALL_CONNECTED):
            found[-1] = Stretch(found[-1].start, h.at, Ended.FULFILLED, found[-1].fixed_due)
        elif still_open and h.kind is Kind.CALLBACK_CANCELLED:
            found[-1] = Stretch(found[-1].start, h.at, Ended.CLOSED, found[-1].fixed_due)
    return found


def _solved(facts: Sequence[Happened]) -> list[tuple[int, int | None]]:
    """When it was solved, as [from, until) stretches; the last one may be open."""
    found: list[tuple[int, int | None]] = []
    for h in _by_status(facts):
        is_solved = bool(found) and found[-1][1] is None
        if h.status in DONE and not is_solved:
            found.append((h.at, None))
        elif h.status is not None and h.status not in DONE and is_solved:
            found[-1] = (found[-1][0], h.at)
    return [(a, b) for a, b in found if a != b]


def _by_status(facts: Sequence[Happened]) -> Sequence[Happened]:
    """The first status of a ticket comes before what else is told of the same second."""
    if not any(h.kind is Kind.CREATED and before.at == h.at for before, h in pairwise(facts)):
        return facts  # as nearly always
    return sorted(facts, key=lambda h: 2 * h.at + (h.kind is not Kind.CREATED))


def _end_of_all(facts: Sequence[Happened]) -> tuple[int, Ended] | None:
    for h in facts:
        if h.kind is Kind.CANCELLED or h.status == CANCELLED:
            return h.at, Ended.CANCELLED
        if h.kind is Kind.MERGED:
            return h.at, Ended.MERGED
    return None


def _cut(stretch: Stretch, ended: tuple[int, Ended] | None) -> Stretch:
    if ended is None or (stretch.stop is not None and stretch.stop <= ended[0]):
        return stretch
    return Stretch(stretch.start, ended[0], ended[1], stretch.fixed_due)
