"""Job: put one packet into its helpdesk, once."""

from __future__ import annotations

from gateway.db.work import LostClaim
from gateway.delivery.send import carry
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current


def deliver(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:  # another worker has it, or it is done
        return
    try:
        carry(env, taken)
    except LostClaim:
        return  # overtaken after a pause; whoever took over finds everything in the rows
