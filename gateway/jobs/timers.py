"""Job: an SLA timer's time has come. The timer is only a hint: the clock is looked at again before anything is said."""

from __future__ import annotations

import logging
from datetime import datetime

from gateway.db.work import Claim, LostClaim
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.sla.store import ClockRow
from gateway.wiring import Transaction

log = logging.getLogger(__name__)


def fire(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.transaction() as tx:
            tx.work.hold(taken)
            clock = tx.clocks.get(taken.subject_id)
            if clock is not None and _still_matters(clock, taken):
                _record(tx, clock, taken, env.now())
            tx.work.finish(taken, env.now())
    except LostClaim:
        return


def _still_matters(clock: ClockRow, taken: Claim) -> bool:
    """A clock that stopped in time warns of nothing; one that stopped late has still missed its target."""
    return clock.is_running or (clock.stopped_at is not None and clock.stopped_at > taken.due_at)


def _record(tx: Transaction, clock: ClockRow, taken: Claim, now: datetime) -> None:
    kind, threshold = ("breached", "due") if taken.kind == "sla_breach" else ("warned", taken.slot)
    if tx.clocks.add_fact(clock, kind, threshold, taken.due_at, now):
        late = round((now - taken.due_at).total_seconds(), 3)
        log.warning(
            f"clock_{kind}",
            extra={"clock": clock.id, "handoff": clock.handoff_id, "metric": clock.metric, "late_seconds": late},
        )
