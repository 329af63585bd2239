"""Job: read a handoff's ticket again and act on what people did there (unsigned webhooks are only hints)."""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.status.apply import apply_state, apply_unmatched, lock_handoff
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env

log = logging.getLogger(__name__)


def read_ticket(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _read(env, visit)


def _read(env: Env, visit: Visit) -> None:
    taken = visit.claim
    with env.reading() as tx:
        delivery = tx.deliveries.of_handoff(taken.subject_id)
    if delivery is None or delivery.reached is None or not visit.helpdesk:
        with env.transaction() as tx:
            tx.work.finish(taken, env.now())  # the delivery asks again once there is a ticket
        return
    try:
        state = env.helpdesk(delivery.helpdesk).read_ticket(delivery.reached.ticket_id)
    except ConnectorError as error:
        visit.failed(error)
        log.warning("ticket_not_read", extra={"packet": delivery.id, "error": type(error).__name__})
        with env.transaction() as tx:
            put_off(tx, taken, error, env.now())
        return
    visit.answered()
    with env.transaction() as tx:
        tx.work.hold(taken)
        handoff = lock_handoff(tx, delivery.handoff_id)
        if handoff is not None:
            apply_state(tx, handoff, state, env.now())
            apply_unmatched(tx, handoff, state.ref.ticket_id, env.now())
        tx.work.finish(taken, env.now())
