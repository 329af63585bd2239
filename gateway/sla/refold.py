"""
Folding a handoff's clocks anew after anything that may have moved them: a fact, a timer, a change of its tier.

The facts are the truth. What the fold gives is kept in the clock's row for lists and timers; what it calls for is
recorded once, told in the log, and begins its ladder. Any order and any number of repeats end in the same place.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from gateway.sla.facts import StoredFact, one_status_a_second
from gateway.sla.store import NOT_STARTED, OPEN, TIMER, ClockRow
from policies.sla.clock import Clock, Cycle
from policies.sla.effects import Effect, ToRecord, cause_of_breach, is_final, pending_effects
from policies.sla.preview import Recorded
from policies.sla.tiers import CALLBACK, FIRST_HUMAN_RESPONSE

if TYPE_CHECKING:
    from gateway.wiring import Transaction

log = logging.getLogger(__name__)

_LOGGED = {
    Effect.WARNED: logging.WARNING,
    Effect.BREACHED: logging.WARNING,
    Effect.RETRACTED: logging.WARNING,
    Effect.PAUSE_TOO_LONG: logging.WARNING,
}


def recorded_clocks(tx: Transaction, handoff_id: str) -> list[tuple[ClockRow, Recorded]]:
    """Every clock of a handoff with all that its fold needs."""
    rows = tx.clocks.of_handoff(handoff_id)
    facts = one_status_a_second(tx.facts.of_handoff(handoff_id)) if rows else []
    named = {stored.fact.terms for stored in facts if stored.fact.terms}
    terms = tx.terms.read({row.terms_key for row in rows} | named)
    made = []
    for row in rows:
        book = {key: found for (key, metric), found in terms.items() if metric == row.metric}
        seen = tuple(stored.fact for stored in facts if _concerns(stored, row.metric, book.keys()))
        made.append((row, Recorded(row.id, book[row.terms_key], seen, book)))
    return made


def _concerns(stored: StoredFact, metric: str, known: Container[str]) -> bool:
    """A tier that promises nothing for this metric leaves its clock as it is."""
    if stored.metric not in (None, metric):
        return False
    return stored.fact.terms is None or stored.fact.terms in known


def refold(tx: Transaction, handoff_id: str, now: datetime) -> None:
    """
    The caller holds no work row that a timer may hold: the handoff is locked before those, here as everywhere.
    """
    handoff = tx.handoffs.lock(handoff_id)
    if handoff is not None:
        refold_locked(tx, handoff, now)


def refold_locked(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """The same for a handoff that this transaction has locked already."""
    for row, recorded in recorded_clocks(tx, handoff.id):
        clock = recorded.fold(now)
        after = _row_of(row, clock)
        if _is_frozen(row, after, now):
            continue
        if after != row:
            tx.clocks.folded(after)
        if clock.cycles or row.cycle:
            _take_effect(tx, handoff, row, recorded, clock, now)
        if after.next_at is not None:
            tx.later(Work(TIMER, row.id, after.next_at))
        if row.metric == FIRST_HUMAN_RESPONSE and clock.current is not None:
            _keep_promise(tx, handoff, clock.current, now)


def _row_of(row: ClockRow, clock: Clock) -> ClockRow:
    cycle = clock.current
    if cycle is None:
        return replace(row, state=NOT_STARTED, cycle=0, started_at=None, due_at=None, next_at=None, stopped_at=None)
    return replace(
        row,
        tier=cycle.terms.tier,
        state=cycle.state.value,
        cycle=cycle.number,
        started_at=cycle.started_at,
        target_seconds=cycle.target_seconds,
        due_at=cycle.due_at,
        next_at=cycle.next_at,
        stopped_at=cycle.stopped_at,
    )


def _is_frozen(before: ClockRow, after: ClockRow, now: datetime) -> bool:
    """What was reported stands once the time for corrections is over; the late fact is kept all the same."""
    if before.stopped_at is None or (before.state, before.stopped_at) == (after.state, after.stopped_at):
        return False
    if after.cycle > before.cycle or after.state in OPEN or not is_final(before.stopped_at, now):
        return False
    log.warning("clock_is_final", extra={"clock": before.id, "handoff": before.handoff_id, "metric": before.metric})
    return True


def _take_effect(
    tx: Transaction, handoff: Handoff, row: ClockRow, recorded: Recorded, clock: Clock, now: datetime
) -> None:
    known = [effect.key for effect in tx.clocks.effects_of(row.id)]
    for effect in pending_effects(clock, known, now=now):
        if effect.key.effect is Effect.BREACHED:
            effect = _with_cause(effect, recorded, clock.cycles, now)
        if not tx.clocks.record(row.id, effect, now):
            continue
        late = round((now - effect.at).total_seconds(), 3)
        extra = {"clock": row.id, "handoff": handoff.id, "metric": row.metric, "late_seconds": late}
        level = _LOGGED.get(effect.key.effect, logging.INFO)
        log.log(level, f"clock_{effect.key.effect.value}", extra=extra)
        _tell(tx, handoff, clock, effect, now)
        if row.metric == CALLBACK and effect.key.effect is Effect.BREACHED:
            tx.callback_missed(handoff, now)


def _tell(tx: Transaction, handoff: Handoff, clock: Clock, effect: ToRecord, now: datetime) -> None:
    """A warning goes to the ladder's channels; a breach begins the ladder, which is then climbed (gateway/notify)."""
    if not effect.tell:
        return
    if effect.ladder is not None:
        tx.climb(handoff.id, effect.ladder, now)
        log.warning("ladder_begun", extra={"handoff": handoff.id, "ladder": effect.ladder})
    elif effect.key.effect is Effect.WARNED:
        cycle = next(cycle for cycle in clock.cycles if cycle.number == effect.key.cycle)
        if cycle.terms.target.ladder is not None:
            tx.warn_of_ladder(handoff.id, cycle.terms.target.ladder, effect.key.name, now)


def _with_cause(effect: ToRecord, recorded: Recorded, cycles: Sequence[Cycle], now: datetime) -> ToRecord:
    cycle = next(cycle for cycle in cycles if cycle.number == effect.key.cycle)
    if cycle.version != effect.key.version:
        return effect
    cause = cause_of_breach(recorded.terms, recorded.facts, cycle, now=now, book=recorded.book)
    return replace(effect, cause=cause or effect.cause)


def _keep_promise(tx: Transaction, handoff: Handoff, cycle: Cycle, now: datetime) -> None:
    """The time a person must have answered by is the response clock's, on the handoff and on its ticket."""
    if cycle.stopped_at is not None or cycle.due_at is None or cycle.due_at == handoff.respond_by:
        return
    tx.handoffs.change(handoff.id, respond_by=cycle.due_at, sla_assigned_at=None)
    tx.later(Work("assign_sla", handoff.id, now, lane=handoff.helpdesk))
