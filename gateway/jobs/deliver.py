"""Job: put one packet into its helpdesk, once."""

from __future__ import annotations

from gateway.delivery.send import carry
from gateway.jobs.environment import current
from gateway.traffic.visit import visiting


def deliver(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:  # None: another worker has it, it is done, or its helpdesk cannot be asked now
            carry(env, visit)
