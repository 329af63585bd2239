"""
Jobs: something about SLA clocks may be due, or a handoff has new facts. Both are only hints: the handoff's clocks are
folded anew, and what has become of them is recorded once, whoever fires how often.

One bell fires every timer whose time has come (docs/decisions/0043-one-bell-fires-all-timers.md).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError

from gateway.db.work import LostClaim
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.queues import JOBS
from gateway.sla.refold import refold, refold_locked
from gateway.sla.store import TIMER, DueTimer
from gateway.wiring import Env, Transaction

log = logging.getLogger(__name__)
chance = random.Random()  # noqa: S311 - only so that two workers do not begin with the same timer
AT_ONCE = 64  # timers looked up in one go
# On SQLite the commit is the dearer half, and one transaction writes at a time anyway. On PostgreSQL two transactions
# that lock several handoffs each could wait for each other.
ON_SQLITE = 16
LONGEST_SECONDS = 5.0  # well within the job's time limit; what is left is rung for again
LEASE = 2 * JOBS[TIMER].timeout


def fire(_work_id: str) -> None:
    """
    Every timer that is due, the one that was rung for among them. One that fails keeps its claim, is tried again when
    the lease ends, and holds up no other; its error is the job's.
    """
    env: Env = current()
    failed = [error for timers in _due(env) for error in _fire_all(env, timers)]
    if failed:
        raise failed[0]


def _due(env: Env) -> Iterator[list[DueTimer]]:
    """Each once, in lots, oldest first as far as several workers allow, until none is due or the time is up."""
    ends = time.monotonic() + LONGEST_SECONDS
    lot = ON_SQLITE if env.database.is_sqlite else 1
    seen: set[str] = set()
    while True:
        with env.reading() as tx:
            fresh = [timer for timer in tx.clocks.due_timers(env.now(), AT_ONCE) if timer.work_id not in seen]
        if not fresh:
            return
        chance.shuffle(fresh)
        for begin in range(0, len(fresh), lot):
            if time.monotonic() > ends:
                return
            seen.update(timer.work_id for timer in fresh[begin : begin + lot])
            yield fresh[begin : begin + lot]


def _fire_all(env: Env, timers: Sequence[DueTimer]) -> list[Exception]:
    """One transaction for all of them; if that fails, one for each, and what the ones that fail by themselves say."""
    try:
        with env.transaction() as tx:
            for timer in timers:
                _fire(tx, timer, env.now())
    except (OperationalError, JobTimeoutException):  # nothing is wrong with these timers
        raise
    except Exception as error:
        if len(timers) > 1:
            return [error for timer in timers for error in _fire_all(env, [timer])]
        log.error("timer_failed", extra={"work": timers[0].work_id, "error": type(error).__name__})
        claim(env, timers[0].work_id)
        return [error]
    return []


def _fire(tx: Transaction, timer: DueTimer, now: datetime) -> None:
    """Claimed, folded and finished in one transaction: whoever dies in it leaves nothing, and no lease to wait for."""
    # The handoff before the work row, as whoever brings a fact does it.
    handoff = tx.handoffs.lock(timer.handoff_id) if timer.handoff_id else None
    taken = tx.work.claim(timer.work_id, now, LEASE)
    if taken is None:  # another worker was quicker, or a fact has moved it
        return
    if handoff is not None:
        refold_locked(tx, handoff, now)
    tx.work.finish(taken, now)  # stays open if the fold has set the next time


def take_facts(work_id: str) -> None:
    """Of one handoff whose conversation went on."""
    env: Env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.transaction() as tx:
            # The handoff is locked before the work row, as whoever brings a fact does it.
            refold(tx, taken.subject_id, env.now())
            tx.work.finish(taken, env.now())
    except LostClaim:
        return
