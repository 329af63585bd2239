"""
Job: a handoff was made of part of a conversation, and its vendor can be asked for all of it. What comes is one event
of the log, once for a handoff; the ticket learns of it as late news.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import datetime

from connectors.errors import ConnectorError
from gateway.clock import took_ms
from gateway.conversations.store import ConversationRow
from gateway.db.work import Claim, LostClaim, Work
from gateway.ids import new_id
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.failing import put_off
from gateway.jobs.tell_vendor import GIVE_UP_AFTER
from gateway.vendors.calling import Callee, callee_of
from gateway.wiring import Env, Transaction
from packets.conversation import fold
from packets.event import ConversationInfo, Event, EventKind, Turn
from packets.transcript import FULL

log = logging.getLogger(__name__)
STEP = "pull"  # how attempts name it


def pull_transcript(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        with env.reading() as tx:
            due = callee_of(env, tx, taken.subject_id)
        if due is None:
            with env.transaction() as tx:
                tx.work.finish(taken, env.now())
            return
        began = time.monotonic()
        try:
            turns = due.client.turns(due.row.state.vendor_conversation_id, due.row.state.refs)
        except ConnectorError as error:
            _put_off(env, taken, due, error, began)
            return
        _keep(env, taken, due, turns, began)
    except LostClaim:
        return


def _keep(env: Env, taken: Claim, due: Callee, turns: tuple[Turn, ...], began: float) -> None:
    now, handoff = env.now(), due.handoff
    with env.transaction() as tx:
        # The conversation before the work row, as turns do it: the other way round two could wait for each other.
        row = tx.conversations.lock_by_id(handoff.conversation_id)
        tx.work.hold(taken)
        event = pulled(row, handoff.id, turns, now)
        if turns and not tx.intake.has_event(event.source, event.event_id):
            _append(tx, row, event, taken.work_id, now)
            tx.unless_waiting(Work("tell_news", handoff.id, now, lane=handoff.helpdesk), now)
        tx.deliveries.add_attempt(due.delivery.id, now, STEP, "done", None, took_ms(began))
        tx.work.finish(taken, now)
    log.info("transcript_pulled", extra=_ids(due) | {"count": len(turns)})


def pulled(row: ConversationRow, handoff_id: str, turns: tuple[Turn, ...], now: datetime) -> Event:
    """What was fetched for a handoff, as an event; the same handoff makes the same event id."""
    return Event(
        event_id=f"pull-{handoff_id}",
        kind=EventKind.CONVERSATION_UPDATED,
        source=row.state.source,
        conversation=ConversationInfo(row.state.vendor_conversation_id),
        occurred_at=now,
        received_at=now,
        turns=turns,
        transcript=FULL,
    )


def _append(tx: Transaction, row: ConversationRow, event: Event, work_id: str, now: datetime) -> None:
    """Not judged: these are old words, and people have the conversation already."""
    row = replace(row, state=fold(row.state, event), events=row.events + 1)
    tx.intake.add_event(new_id("evt"), row.id, row.events, work_id, event)
    tx.conversations.save(row, now)


def _put_off(env: Env, taken: Claim, due: Callee, error: ConnectorError, began: float) -> None:
    now = env.now()
    with env.transaction() as tx:
        tx.work.hold(taken)
        tx.deliveries.add_attempt(due.delivery.id, now, STEP, type(error).__name__, str(error), took_ms(began))
        again = put_off(tx, taken, error, now, until=due.handoff.promised_at + GIVE_UP_AFTER)
    extra = _ids(due) | {"error": type(error).__name__, "final": not again}
    log.warning("transcript_not_pulled", extra=extra)


def _ids(due: Callee) -> dict[str, object]:
    return {"handoff": due.handoff.id, "source": due.handoff.source}
