"""
Jobs: something about an SLA clock may be due, or a handoff has new facts. Both are only hints: the handoff's clocks are
folded anew, and what has become of them is recorded once, whoever fires how often.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.db.work import Claim, LostClaim
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.sla.refold import refold
from gateway.wiring import Env, Transaction


def fire(work_id: str) -> None:
    """Of one clock."""
    _fold(work_id, _handoff_of_clock)


def take_facts(work_id: str) -> None:
    """Of one handoff whose conversation went on."""
    _fold(work_id, lambda _, taken: taken.subject_id)


def _handoff_of_clock(tx: Transaction, taken: Claim) -> str | None:
    clock = tx.clocks.get(taken.subject_id)
    return clock.handoff_id if clock else None


def _fold(work_id: str, handoff_of: Callable[[Transaction, Claim], str | None]) -> None:
    env: Env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.transaction() as tx:
            handoff_id = handoff_of(tx, taken)
            if handoff_id is not None:
                # The handoff is locked before the work row, as whoever brings a fact does it.
                refold(tx, handoff_id, env.now())
            tx.work.finish(taken, env.now())  # stays open if the fold has set the next time
    except LostClaim:
        return
