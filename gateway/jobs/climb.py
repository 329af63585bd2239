"""Job: a step of a ladder may be due. Our own rows only; what is to be sent becomes work of its own."""

from __future__ import annotations

import logging

from gateway.db.work import Claim, LostClaim
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.notify.step import Chats, Scene, advance
from gateway.status.apply import lock_handoff
from gateway.wiring import Env, Transaction
from policies.sla.roster import Wanted

log = logging.getLogger(__name__)


def climb(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.transaction() as tx:
            _climb(env, tx, taken)
    except LostClaim:
        return


def _climb(env: Env, tx: Transaction, taken: Claim) -> None:
    # The conversation before the work row, as where buttons are pressed: or two transactions could wait for each other.
    handoff = lock_handoff(tx, taken.subject_id)
    tx.work.hold(taken)
    now = env.now()
    if handoff is None:
        raise LookupError(f"work {taken.work_id} names handoff {taken.subject_id}, which is not there")
    chats = Chats({name: env.notifier(name).capabilities for name in env.settings.notifiers})
    decision = tx.intake.decision(handoff.event_id)
    wanted = Wanted(seniority=decision.seniority if decision else None)
    coming = []
    for run in tx.notify.open_runs(handoff.id, taken.slot):
        policy = env.policy.at_revision(run.policy_revision)
        scene = Scene(chats, policy, env.policy.current.rosters, wanted, tx.notify.load())
        next_at = advance(tx, handoff, run, scene, now)
        log.info("ladder_climbed", extra={"handoff": handoff.id, "rule": run.ladder, "due_at": next_at})
        if next_at is not None:
            coming.append(next_at)
    if coming:
        tx.work.again(taken, min(coming))
    else:
        tx.work.finish(taken, now)
