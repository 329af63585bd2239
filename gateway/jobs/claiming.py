"""Taking a work row of ours alone into this worker's hands. Rows that talk to a helpdesk: gateway/traffic/visit.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from gateway.db.tables import work
from gateway.db.work import Claim
from gateway.jobs.queues import JOBS

if TYPE_CHECKING:
    from gateway.wiring import Env


def claim(env: Env, work_id: str) -> Claim | None:
    """The claim, or None: not due, done, or in somebody else's hands."""
    with env.transaction() as tx:
        kind = tx.connection.execute(select(work.c.kind).where(work.c.id == work_id)).scalar_one_or_none()
        if kind is None:
            return None
        return tx.work.claim(work_id, env.now(), JOBS[kind].lease or env.helpdesk_lease)
