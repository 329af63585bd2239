"""
Job: one note on the ticket for one version of an appointment and what became of it. Its key is the version and its
state, so that a repeated try finds the note that is there.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from connectors.errors import ConnectorError
from gateway.callbacks.invitation import note_text
from gateway.callbacks.store import Appointment
from gateway.clock import took_ms
from gateway.delivery.store import Delivery, DeliveryState
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env, Transaction
from packets.draft import TicketUpdate
from packets.redact.profile import PROFILES
from packets.redact.redactor import Redactor

log = logging.getLogger(__name__)
LOOK_AGAIN = timedelta(seconds=30)  # while there is no ticket yet
TAG = "baton_callback"


def tell_callback(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _tell(env, visit)


def _tell(env: Env, visit: Visit) -> None:
    taken = visit.claim
    with env.transaction() as tx:
        tx.work.hold(taken)
        appointment = tx.appointments.get(taken.subject_id)
        delivery = tx.deliveries.of_handoff(appointment.handoff_id) if appointment else None
        # What it has become since is told by a note of its own.
        is_old = appointment is None or appointment.state.value != taken.slot
        if is_old or delivery is None or not visit.helpdesk or delivery.state is DeliveryState.DEAD:
            tx.work.finish(taken, env.now())
            return
        if delivery.reached is None:
            tx.work.again(taken, env.now() + LOOK_AGAIN)
            return
        update = _update(env, tx, appointment) if appointment else None
    if update is None:
        return
    began = time.monotonic()
    try:
        env.helpdesk(delivery.helpdesk).update_ticket(delivery.reached, update)
    except ConnectorError as error:
        visit.failed(error)
        _put_off(env, visit, delivery, error, began)
        return
    visit.answered()
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(delivery.id, env.now(), "callback", "done", None, took_ms(began))
        tx.work.finish(taken, env.now())
    log.info("callback_told", extra={"handoff": delivery.handoff_id, "state": taken.slot})


def _update(env: Env, tx: Transaction, appointment: Appointment) -> TicketUpdate | None:
    handoff = tx.handoffs.get(appointment.handoff_id)
    row = tx.conversations.get(handoff.conversation_id) if handoff else None
    if handoff is None or row is None:
        return None
    team = env.policy.current.rosters.get(appointment.team)
    zone = team.hours.zone if team else appointment.zone
    redactor = Redactor(PROFILES[env.settings.helpdesks[handoff.helpdesk].redact])
    phone = redactor.maybe(row.state.customer.phone)
    key = f"{appointment.id}-{appointment.state.value}"
    return TicketUpdate(tags=(TAG,), note=note_text(appointment, handoff, zone, phone), note_key=key)


def _put_off(env: Env, visit: Visit, delivery: Delivery, error: ConnectorError, began: float) -> None:
    taken = visit.claim
    with env.transaction() as tx:
        tx.work.hold(taken)
        kind = type(error).__name__
        tx.deliveries.add_attempt(delivery.id, env.now(), "callback", kind, str(error), took_ms(began))
        put_off(tx, taken, error, env.now())
    log.warning("callback_not_told", extra={"handoff": delivery.handoff_id, "error": kind, "tries": taken.tries})
