"""Job: nobody has accepted a warm handoff in time. Our own rows only; what the vendor hears is work of its own."""

from __future__ import annotations

import logging

from gateway.db.work import LostClaim
from gateway.handoffs.waiting import nobody_came
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.status.apply import lock_handoff

log = logging.getLogger(__name__)


def end_wait(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.transaction() as tx:
            # The conversation before the work row, as where people accept: or two could wait for each other.
            handoff = lock_handoff(tx, taken.subject_id)
            tx.work.hold(taken)
            if handoff is None:
                raise LookupError(f"work {taken.work_id} names handoff {taken.subject_id}, which is not there")
            now = env.now()
            policy = env.policy.at_revision(handoff.policy_revision)
            if nobody_came(tx, handoff, policy, now):
                log.info("nobody_accepted", extra={"handoff": handoff.id, "source": handoff.source})
            tx.work.finish(taken, now)
    except LostClaim:
        return
