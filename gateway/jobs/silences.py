"""
Job: nothing has come in a conversation for as long as some rule waits for. The timer is only a hint: the conversation
is judged as it is now, and the timer sets itself to the next silence that matters.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from gateway.db.work import LostClaim
from gateway.intake.judge import judge_silence
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.queues import backoff

log = logging.getLogger(__name__)


def judge_silent(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    env.policy.refresh()
    try:
        with env.transaction() as tx:
            now = env.now()
            # The conversation before the work row, as turns do it: the other way round two could wait for each other.
            row = tx.conversations.lock_by_id(taken.subject_id)
            tx.work.hold(taken)
            if row.open_handoff_id or row.state.source not in env.settings.sources:
                tx.conversations.save(replace(row, look_at=None), now)
                tx.work.finish(taken, now)
                return
            judged, look = judge_silence(env, tx, row, now)
            if judged is None:
                tx.work.again(taken, now + backoff(taken.tries, 1.0), "the policy could not decide")
                return
            tx.conversations.save(replace(judged.row, look_at=look), now)
            if look is None:
                tx.work.finish(taken, now)
            else:
                tx.work.again(taken, look)
    except LostClaim:
        return
    if judged.decision.because:
        log.info(
            "silence_judged",
            extra={"source": row.state.source, "conversation": row.id, "action": judged.decision.action.value,
                   "rules": ",".join(judged.decision.because)},
        )  # fmt: skip
