"""
Job: choose a handoff's tier anew if a person has set a priority, start its clocks, then write priority, tier and
respond-by on its ticket.
"""

from __future__ import annotations

import logging
import time

from connectors.errors import ConnectorError
from gateway.clock import took_ms
from gateway.delivery.store import Delivery
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.sla.assign import policy_of_tier, start_clocks, ticket_update
from gateway.sla.tiering import person_decides
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env

log = logging.getLogger(__name__)


def assign_sla(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _assign(env, visit)


def _assign(env: Env, visit: Visit) -> None:
    taken = visit.claim
    with env.transaction() as tx:
        handoff = tx.handoffs.lock(taken.subject_id)  # before the work row, as whoever brings a fact does it
        tx.work.hold(taken)
        if handoff is None:
            raise LookupError(f"work {taken.work_id} names handoff {taken.subject_id}, which is not there")
        policy = policy_of_tier(tx, handoff, env.policy)
        start_clocks(tx, handoff, policy, policy.tier(handoff.tier), env.now())
        handoff = person_decides(tx, handoff, env.policy.current, env.now())
        tier = policy_of_tier(tx, handoff, env.policy).tier(handoff.tier)
        delivery = tx.deliveries.of_handoff(handoff.id)
        ticket = delivery.reached if delivery else None
        if delivery is None or ticket is None or not visit.helpdesk or handoff.sla_assigned_at is not None:
            tx.work.finish(taken, env.now())  # no ticket yet: its delivery opens this work again
            return
    began = time.monotonic()
    try:
        env.helpdesk(delivery.helpdesk).update_ticket(ticket, ticket_update(handoff, tier))
    except ConnectorError as error:
        visit.failed(error)
        _put_off(env, visit, delivery, error, began)
        return
    visit.answered()
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.handoffs.sla_assigned(handoff.id, handoff.tier, env.now())
        tx.deliveries.add_attempt(delivery.id, env.now(), "update", "done", None, took_ms(began))
        tx.work.finish(taken, env.now())
    log.info("sla_assigned", extra={"handoff": handoff.id, "tier": handoff.tier})


def _put_off(env: Env, visit: Visit, delivery: Delivery, error: ConnectorError, began: float) -> None:
    taken = visit.claim
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(delivery.id, env.now(), "update", type(error).__name__, str(error), took_ms(began))
        if not put_off(tx, taken, error, env.now()):
            tx.deliveries.change(delivery.id, env.now(), last_error=str(error))
    log.warning("sla_put_off", extra={"packet": delivery.id, "error": type(error).__name__, "tries": taken.tries})
