"""Job: start a handoff's clocks, then write priority, tier and respond-by on its ticket."""

from __future__ import annotations

import logging
import random
import time

from connectors.errors import ConnectorError
from gateway.db.work import Claim, LostClaim
from gateway.delivery.store import Delivery
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.failing import due_after
from gateway.sla.assign import start_clocks, ticket_update
from gateway.wiring import Env

log = logging.getLogger(__name__)


def assign_sla(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        _assign(env, taken)
    except LostClaim:
        return


def _assign(env: Env, taken: Claim) -> None:
    with env.transaction() as tx:
        tx.work.hold(taken)
        handoff = tx.handoffs.get(taken.subject_id)
        if handoff is None:
            raise LookupError(f"work {taken.work_id} names handoff {taken.subject_id}, which is not there")
        tier = env.policy.at_revision(handoff.policy_revision).tier(handoff.tier)
        start_clocks(tx, handoff, tier)
        delivery = tx.deliveries.of_handoff(handoff.id)
        unknown = delivery is None or delivery.helpdesk not in env.settings.helpdesks
        if delivery is None or delivery.ticket is None or unknown or handoff.sla_assigned_at is not None:
            tx.work.finish(taken, env.now())  # no ticket yet: its delivery opens this work again
            return
    began = time.monotonic()
    try:
        env.helpdesk(delivery.helpdesk).update_ticket(delivery.ticket, ticket_update(handoff, tier))
    except ConnectorError as error:
        _put_off(env, taken, delivery, error, began)
        return
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.handoffs.sla_assigned(handoff.id, env.now())
        tx.deliveries.add_attempt(delivery.id, env.now(), "update", "done", None, _took_ms(began))
        tx.work.finish(taken, env.now())
    log.info("sla_assigned", extra={"handoff": handoff.id, "tier": handoff.tier})


def _put_off(env: Env, taken: Claim, delivery: Delivery, error: ConnectorError, began: float) -> None:
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(delivery.id, env.now(), "update", type(error).__name__, str(error), _took_ms(began))
        due_at = due_after(error, taken.tries, env.now(), random.random())  # noqa: S311
        if due_at is None:
            tx.deliveries.change(delivery.id, env.now(), last_error=str(error))
            tx.work.finish(taken, env.now())
        else:
            tx.work.again(taken, due_at, str(error))
    log.warning("sla_put_off", extra={"packet": delivery.id, "error": type(error).__name__, "tries": taken.tries})


def _took_ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
