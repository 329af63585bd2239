"""
Job: tell a handoff's ticket what was said since its packet was made, as one more private note. What a note covers is
written down before it is sent, so that a repeated try is the same note under the same key, and is added once.
"""

from __future__ import annotations

import logging
import time

from connectors.errors import ConnectorError
from gateway.clock import took_ms
from gateway.db.work import Work
from gateway.delivery.store import Delivery, DeliveryState
from gateway.handoffs.store import Handoff
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.traffic.visit import Visit, visiting
from gateway.wiring import Env
from packets.draft import TicketUpdate
from packets.event import Event
from packets.redact.profile import PROFILES
from packets.render.news import news_note, news_of

log = logging.getLogger(__name__)


def tell_news(work_id: str) -> None:
    env = current()
    with visiting(env, work_id) as visit:
        if visit is not None:
            _tell(env, visit)


def _tell(env: Env, visit: Visit) -> None:
    taken = visit.claim
    with env.transaction() as tx:
        tx.work.hold(taken)
        handoff = tx.handoffs.lock(taken.subject_id)
        delivery = tx.deliveries.of_handoff(taken.subject_id)
        if handoff is None or delivery is None:
            raise LookupError(f"work {taken.work_id} names handoff {taken.subject_id}, which is not there")
        events = tx.intake.events_of(handoff.conversation_id)
        up_to = handoff.telling_up_to or len(events)
        ready = delivery.state is DeliveryState.DONE and delivery.ticket is not None and visit.helpdesk
        if not ready or up_to <= handoff.told_up_to:
            tx.work.finish(taken, env.now())  # no ticket yet: its delivery asks for this again
            return
        tx.handoffs.change(handoff.id, telling_up_to=up_to)
    update = _update(env, handoff, events, up_to)
    began = time.monotonic()
    try:
        if update is not None and delivery.ticket is not None:
            env.helpdesk(delivery.helpdesk).update_ticket(delivery.ticket, update)
            visit.answered()
    except ConnectorError as error:
        visit.failed(error)
        _put_off(env, visit, handoff, delivery, up_to, error, began)
        return
    with env.transaction() as tx:
        tx.work.hold(taken)
        if update is not None:
            tx.deliveries.add_attempt(delivery.id, env.now(), "news", "done", None, took_ms(began))
        tx.handoffs.change(handoff.id, told_up_to=up_to, telling_up_to=None)
        if len(events) > up_to:
            tx.work.again(taken, env.now())
        else:
            tx.work.finish(taken, env.now())
    log.info("news_told", extra={"handoff": handoff.id, "count": up_to - handoff.told_up_to})


def _update(env: Env, handoff: Handoff, events: list[Event], up_to: int) -> TicketUpdate | None:
    """None: events that nobody needs to be told of."""
    profile = PROFILES[env.settings.helpdesks[handoff.helpdesk].redact]
    news = news_of(events[: handoff.told_up_to], events[handoff.told_up_to : up_to], profile)
    if not news:
        return None
    note = news_note(news, conversation_id=handoff.conversation_id, handoff_id=handoff.id)
    return TicketUpdate(note=note, note_key=f"{handoff.id}-{up_to}")


def _put_off(
    env: Env, visit: Visit, handoff: Handoff, delivery: Delivery, up_to: int, error: ConnectorError, began: float
) -> None:
    """A ticket that takes no more notes (closed for good, deleted) is left in peace."""
    taken, look_after = visit.claim, env.helpdesk(delivery.helpdesk).capabilities.lookup_after
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(delivery.id, env.now(), "news", type(error).__name__, str(error), took_ms(began))
        if not put_off(tx, taken, error, env.now(), look_after=look_after):
            tx.handoffs.change(handoff.id, told_up_to=up_to, telling_up_to=None)
            row = tx.conversations.get(handoff.conversation_id)
            if row is not None and row.events > up_to:  # what came since is another note
                tx.later(Work("tell_news", handoff.id, env.now(), lane=handoff.helpdesk))
    log.warning("news_not_told", extra={"handoff": handoff.id, "error": type(error).__name__, "tries": taken.tries})
