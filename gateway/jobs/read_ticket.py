"""Job: read a handoff's ticket again and act on what people did there (unsigned webhooks are only hints)."""

from __future__ import annotations

import logging
import random

from connectors.errors import ConnectorError
from gateway.db.work import Claim, LostClaim
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.failing import due_after
from gateway.status.apply import apply_state
from gateway.wiring import Env

log = logging.getLogger(__name__)


def read_ticket(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        _read(env, taken)
    except LostClaim:
        return


def _read(env: Env, taken: Claim) -> None:
    with env.reading() as tx:
        delivery = tx.deliveries.of_handoff(taken.subject_id)
    if delivery is None or delivery.ticket is None or delivery.helpdesk not in env.settings.helpdesks:
        with env.transaction() as tx:
            tx.work.finish(taken, env.now())  # the delivery asks again once there is a ticket
        return
    try:
        state = env.helpdesk(delivery.helpdesk).read_ticket(delivery.ticket.ticket_id)
    except ConnectorError as error:
        log.warning("ticket_not_read", extra={"packet": delivery.id, "error": type(error).__name__})
        with env.transaction() as tx:
            due_at = due_after(error, taken.tries, env.now(), random.random())  # noqa: S311
            if due_at is None:
                tx.work.finish(taken, env.now())
            else:
                tx.work.again(taken, due_at, str(error))
        return
    with env.transaction() as tx:
        tx.work.hold(taken)
        handoff = tx.handoffs.lock(delivery.handoff_id)
        if handoff is not None:
            apply_state(tx, handoff, state, env.now())
        tx.status.match(delivery.helpdesk, delivery.ticket.ticket_id, delivery.handoff_id)
        tx.work.finish(taken, env.now())
