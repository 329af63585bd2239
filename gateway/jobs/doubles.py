"""
Jobs about tickets that are too many: look once more after a create request was sent twice, and mark what was found.
"""

from __future__ import annotations

import logging

from connectors.errors import ConnectorError
from gateway.db.work import Work
from gateway.delivery.doubles import marking, raise_doubles
from gateway.delivery.store import DeliveryState
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env, Transaction
from packets.draft import TicketRef

log = logging.getLogger(__name__)


def look_again(work_id: str) -> None:
    """A helpdesk may carry out a request long after we gave it up. If it made two tickets, the older one is kept."""
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _look(env, visit)


def mark_double(work_id: str) -> None:
    """Write on a ticket that it is one too many, and of which one."""
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _mark(env, visit)


def _look(env: Env, visit: Visit) -> None:
    taken = visit.claim
    with env.reading() as tx:
        delivery = tx.deliveries.get(taken.subject_id)
    if delivery is None or delivery.state is not DeliveryState.DONE or not visit.helpdesk:
        _finish(env, visit)
        return
    try:
        tickets = env.helpdesk(delivery.helpdesk).find_tickets(
            delivery.draft, key=delivery.key, since=delivery.created_at
        )
    except ConnectorError as error:
        _put_off(env, visit, error)
        return
    visit.answered()
    with env.transaction() as tx:
        tx.work.hold(taken)
        now = env.now()
        raise_doubles(tx, delivery, tickets, now)
        if len(tickets) > 1 and delivery.ticket is not None and tickets[0].ticket_id != delivery.ticket.ticket_id:
            tx.deliveries.opened(delivery.id, tickets[0], now)  # the older one; it is completed like any other
            _knows_only_its_packet(tx, delivery.handoff_id)
            tx.later(Work("deliver", delivery.id, now, lane=delivery.helpdesk))
        tx.work.finish(taken, now)


def _knows_only_its_packet(tx: Transaction, handoff_id: str) -> None:
    """What the other ticket had been told since: tier, priority and late news are to come to this one as well."""
    handoff = tx.handoffs.get(handoff_id)
    if handoff is None:
        return
    events = tx.intake.events_of(handoff.conversation_id)
    in_packet = sum(event.received_at <= handoff.promised_at for event in events)
    told = min(handoff.told_up_to, in_packet)
    tx.handoffs.change(handoff_id, sla_assigned_at=None, told_up_to=told, telling_up_to=None)


def _mark(env: Env, visit: Visit) -> None:
    taken = visit.claim
    with env.reading() as tx:
        problem = tx.problems.get(taken.subject_id)
    if problem is None or problem.marked_at is not None or problem.mended_at is not None or not visit.helpdesk:
        _finish(env, visit)
        return
    ticket = TicketRef(problem.ticket.ticket_id, problem.ticket.url)
    try:
        env.helpdesk(problem.helpdesk).update_ticket(ticket, marking(problem))
    except ConnectorError as error:
        _put_off(env, visit, error)
        return
    visit.answered()
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.problems.marked(problem.id, env.now())
        tx.work.finish(taken, env.now())


def _finish(env: Env, visit: Visit) -> None:
    with env.transaction() as tx:
        tx.work.finish(visit.claim, env.now())


def _put_off(env: Env, visit: Visit, error: ConnectorError) -> None:
    visit.failed(error)
    taken, look_after = visit.claim, env.helpdesk(visit.helpdesk).capabilities.lookup_after
    with env.transaction() as tx:
        # If for good, people see the problem all the same: it is stored.
        put_off(tx, taken, error, env.now(), look_after=look_after)
    log.warning("double_not_seen_to", extra={"work": taken.work_id, "kind": taken.kind, "error": type(error).__name__})
