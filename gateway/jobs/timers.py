"""
Jobs: something about SLA clocks may be due, or a handoff has new facts. Both are only hints: the handoff's clocks are
folded anew, and what has become of them is recorded once, whoever fires how often.

One bell fires every timer whose time has come (docs/decisions/0043-one-bell-fires-all-timers.md).
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Container
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
# On SQLite the commit is the dearer half, and one transaction writes at a time anyway. On PostgreSQL two transactions
# that lock several handoffs each could wait for each other.
ON_SQLITE = 16
LOOKED_AT = 64  # of the oldest, from which one is drawn where workers fire side by side
LONGEST_SECONDS = 5.0  # well within the job's time limit; what is left is rung for again
LEASE = 2 * JOBS[TIMER].timeout


def fire(_work_id: str) -> None:
    """
    Every timer that is due, the one that was rung for among them. One that fails keeps its claim, is tried again when
    the lease ends, and holds up no other; its error is the job's.
    """
    env: Env = current()
    failed: dict[str, Exception] = {}
    ends = time.monotonic() + LONGEST_SECONDS
    while _fire_some(env, failed) and time.monotonic() < ends:
        pass
    if failed:
        raise next(iter(failed.values()))


def _fire_some(env: Env, failed: dict[str, Exception]) -> bool:
    """One transaction's worth of what is due; if that fails, each by itself. False: no more was due."""
    some: list[DueTimer] = []
    try:
        with env.transaction() as tx:
            some = _drawn(tx, env, failed)
            for timer in some:
                _fire(tx, timer, env.now())
    except _NOT_THEIRS:
        raise
    except Exception:
        if not some:
            raise
        for timer in some:  # one of them: which, and why, is told when it fails alone
            _fire_alone(env, timer, failed)
    return bool(some)


def _drawn(tx: Transaction, env: Env, failed: Container[str]) -> list[DueTimer]:
    """The oldest, where one transaction writes at a time; else one of them, so that workers take different ones."""
    found = [timer for timer in tx.clocks.due_timers(env.now(), LOOKED_AT) if timer.work_id not in failed]
    return found[:ON_SQLITE] if env.database.is_sqlite else chance.sample(found, min(1, len(found)))


def _fire_alone(env: Env, timer: DueTimer, failed: dict[str, Exception]) -> None:
    try:
        with env.transaction() as tx:
            _fire(tx, timer, env.now())
    except _NOT_THEIRS:
        raise
    except Exception as error:
        log.error("timer_failed", extra={"work": timer.work_id, "error": type(error).__name__})
        claim(env, timer.work_id)
        failed[timer.work_id] = error


# The database is away, or the job's time is up: nothing is wrong with the timers.
_NOT_THEIRS = (OperationalError, JobTimeoutException)


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
