"""
What is to be recorded and told because of a clock, given what was recorded before. Pure; every timer and sweep asks it.

Nothing fires twice: an effect is known by its key, and the keys of those recorded are handed in. A breach that a late
fact takes away is retracted by an effect of its own; should it then be missed after all, that is another breach.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.sla.clock import Clock, Cycle, State
from policies.sla.facts import Fact
from policies.sla.fold import fold
from policies.sla.terms import EMPTY_BOOK, Book, Terms
from policies.sla.wall import seconds_of

CORRECTION_WINDOW = 7 * 24 * 3600  # seconds after a stop in which a late fact still changes what is reported


class Effect(StrEnum):
    WARNED = "warned"
    SKIPPED = "skipped"  # a warning that something later overtook
    BREACHED = "breached"
    RETRACTED = "retracted"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"
    PAUSE_TOO_LONG = "pause_too_long"


@dataclass(frozen=True, slots=True)
class Key:
    """Identity of an effect within one clock. name: of a warning; which breach of a version, when one was retracted."""

    effect: Effect
    cycle: int
    version: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class ToRecord:
    """One effect. at: its own time (a breach's, not when it was noticed). tell: somebody must hear of it."""

    key: Key
    at: datetime
    tell: bool = False
    cause: str = ""
    ladder: str | None = None


def pending_effects(clock: Clock, recorded: Collection[Key], *, now: datetime) -> tuple[ToRecord, ...]:
    """What the clock says and the record does not, oldest cycle first. Recorded with all of them, it says nothing."""
    return tuple(effect for cycle in clock.cycles for effect in _of_cycle(cycle, set(recorded), now))


def is_final(stopped_at: datetime | None, now: datetime, correction_window: int = CORRECTION_WINDOW) -> bool:
    """Whether what is reported of a cycle stopped then stands; a correction is then a person's decision."""
    return stopped_at is not None and seconds_of(now) > seconds_of(stopped_at) + correction_window


def cause_of_breach(
    terms: Terms, facts: Iterable[Fact], cycle: Cycle, *, now: datetime, book: Book = EMPTY_BOOK
) -> str:
    """`late_fact` when the breach is only known by what arrived after it was due; else what the fold says."""
    if cycle.breach is None:
        return ""
    due = cycle.breach.due_at
    in_time = [fact for fact in facts if fact.received_at <= due]
    before = fold(terms, in_time, now=now, book=book).cycles
    same = next((other for other in before if other.number == cycle.number), None)
    known = same is not None and same.breach is not None and same.breach.due_at == due
    return cycle.breach.cause if known or cycle.breach.cause != "elapsed" else "late_fact"


def _of_cycle(cycle: Cycle, recorded: set[Key], now: datetime) -> Iterable[ToRecord]:
    yield from _breaches(cycle, recorded, now)
    yield from _warnings(cycle, recorded, cycle.breach is not None)
    if cycle.pause_ends_at is not None and cycle.pause_ends_at <= now:
        key = Key(Effect.PAUSE_TOO_LONG, cycle.number, cycle.version, cycle.pause_ends_at.isoformat())
        if key not in recorded:
            yield ToRecord(key, cycle.pause_ends_at, tell=True)
    if cycle.stopped_at is not None and cycle.state in _OUTCOMES:
        # A reopened ticket stops again: the time is part of what makes it another stop.
        key = Key(_OUTCOMES[cycle.state], cycle.number, cycle.version, cycle.stopped_at.isoformat())
        if key not in recorded:
            yield ToRecord(key, cycle.stopped_at)


def _breaches(cycle: Cycle, recorded: set[Key], now: datetime) -> Iterable[ToRecord]:
    """Breaches nobody was told of, and those that were told and are none."""
    target, missed = cycle.terms.target, {breach.version: breach for breach in cycle.breaches}
    for version in sorted({*missed, *(k.version for k in recorded if k.cycle == cycle.number)}):
        told = _count(recorded, Effect.BREACHED, cycle.number, version)
        is_told = told > _count(recorded, Effect.RETRACTED, cycle.number, version)
        breach = missed.get(version)
        if breach is None and is_told:
            yield ToRecord(Key(Effect.RETRACTED, cycle.number, version, _nth(told)), now, tell=True)
        elif breach is not None and not is_told:
            mute = breach.cause == "policy_change" and not target.ladder_on_policy_change
            key = Key(Effect.BREACHED, cycle.number, version, _nth(told + 1))
            ladder = None if mute or cycle.stopped_at or version != cycle.version else target.ladder
            yield ToRecord(key, breach.breached_at, not mute, breach.cause, ladder)


def _count(recorded: set[Key], effect: Effect, cycle: int, version: int) -> int:
    return sum((key.effect, key.cycle, key.version) == (effect, cycle, version) for key in recorded)


def _nth(number: int) -> str:
    return "" if number == 1 else str(number)


_OUTCOMES = {State.MET: Effect.MET, State.MISSED: Effect.MISSED, State.CANCELLED: Effect.CANCELLED}


def _warnings(cycle: Cycle, recorded: set[Key], missed: bool) -> Iterable[ToRecord]:
    """Of warnings whose time came unrecorded only the highest is told; none once it is missed or stopped."""
    fresh = [
        t
        for t in cycle.thresholds
        if t.passed
        and not recorded & {Key(e, cycle.number, cycle.version, t.name) for e in (Effect.WARNED, Effect.SKIPPED)}
    ]
    over = missed or cycle.stopped_at is not None
    for i, threshold in enumerate(fresh):
        told = i == len(fresh) - 1 and not threshold.skipped and not over
        effect = Effect.WARNED if told else Effect.SKIPPED
        if threshold.at is not None:
            yield ToRecord(Key(effect, cycle.number, cycle.version, threshold.name), threshold.at, told)
