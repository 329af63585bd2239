"""
Job: one message to a chat, and later what its card says now. A chat keeps no key by which it knew a message again, so a
message that may have arrived is not sent twice; the ladder goes on anyway (decision 0036).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from connectors.errors import ConnectorError, Unauthorized, Unsure
from connectors.ports import Card, Notifier, Posted, Press
from gateway.callbacks.store import Standing as AppointmentState
from gateway.db.work import Claim, LostClaim, Work
from gateway.handoffs.store import Handoff
from gateway.jobs.claiming import claim
from gateway.jobs.environment import current
from gateway.jobs.failing import due_after
from gateway.notify.card import card_of
from gateway.notify.links import make_token
from gateway.notify.model import Message, MessageState, Purpose, Run, is_taken, standing
from gateway.wiring import Env, Transaction

log = logging.getLogger(__name__)
GIVE_UP_AFTER = timedelta(hours=1)  # the ladder has gone on by then, and a card that late only confuses
STAYS = frozenset({Purpose.REMINDER, Purpose.TAKEN, Purpose.ANSWER})  # said whether or not somebody has it


def notify(work_id: str) -> None:
    env = current()
    taken = claim(env, work_id)
    if taken is None:
        return
    try:
        _notify(env, taken)
    except LostClaim:
        return


def _notify(env: Env, taken: Claim) -> None:
    with env.transaction() as tx:
        tx.work.hold(taken)
        message = tx.notify.message(taken.subject_id)
        if message is None:
            raise LookupError(f"work {taken.work_id} names message {taken.subject_id}, which is not there")
        handoff = tx.handoffs.get(message.handoff_id)
        if handoff is None or message.notifier not in env.settings.notifiers:
            tx.notify.change_message(message.id, state=MessageState.DEAD.value, last_error="no such notifier any more")
            tx.work.finish(taken, env.now())
            return
        run = tx.notify.run(message.run_id)
        card = _card(env, tx, message, handoff, run) if message.purpose is not Purpose.ANSWER else None
        send = _begin(env, tx, message, handoff, run)
    shows = _shows(handoff, run)
    client = env.notifier(message.notifier)
    try:
        posted = _say(client, message, card, send=send, shows=shows)
    except ConnectorError as error:
        _failed(env, taken, message, error, sending=send)
        return
    with env.transaction() as tx:
        tx.work.hold(taken)
        if send:
            sent = {"state": MessageState.SENT.value, "sent_at": env.now(), "shows": shows}
            where = {"channel": posted.channel, "message_ref": posted.message_id} if posted else {}
            tx.notify.change_message(message.id, **sent, **where)
        elif posted is not None:
            tx.notify.change_message(message.id, shows=shows)
        tx.work.finish(taken, env.now())  # not done, if somebody took it while the card was on its way
    if send:
        log.info("chat_told", extra={"handoff": message.handoff_id, "kind": message.purpose.value})


def _begin(env: Env, tx: Transaction, message: Message, handoff: Handoff, run: Run | None) -> bool:
    """Whether it is to be sent now; that is written down before it leaves."""
    if message.state is MessageState.SENDING:  # whoever had it before us died: it may have arrived
        tx.notify.change_message(message.id, state=MessageState.PERHAPS.value)
    if message.state is not MessageState.PENDING:
        return False
    appointment = tx.appointments.get(message.appointment_id) if message.appointment_id else None
    is_over = appointment is not None and appointment.state is not AppointmentState.BOOKED
    if is_over or (message.purpose not in STAYS and is_taken(handoff, run)):
        tx.notify.change_message(message.id, state=MessageState.DROPPED.value)
        return False
    tx.notify.change_message(message.id, state=MessageState.SENDING.value, tries=message.tries + 1)
    return True


def _say(client: Notifier, message: Message, card: Card | None, *, send: bool, shows: str) -> Posted | None:
    """Send it, or bring its card up to date. Returns where it stands; None: nowhere that can be changed."""
    if card is None:
        if send and message.posted is not None:
            client.reply(message.posted.message_id, message.text or "")
        return message.posted
    if send:
        return client.post(card, to=message.target)
    stands = message.posted is not None and message.state in (MessageState.SENT, MessageState.PERHAPS)
    if stands and message.posted and client.capabilities.updates and shows != message.shows:
        client.update(card, message.posted)
        return message.posted
    return None


def _shows(handoff: Handoff, run: Run | None) -> str:
    now, by = standing(handoff, run)
    waits = "until accepted" if handoff.awaits_accept else ""
    return " ".join(filter(None, (now.value, by, waits)))[:255]


def _card(env: Env, tx: Transaction, message: Message, handoff: Handoff, run: Run | None) -> Card:
    delivery = tx.deliveries.of_handoff(handoff.id)
    ticket = delivery.reached if delivery else None
    policy = env.policy.at_revision(handoff.policy_revision)
    links = _links(env, message)
    appointment = tx.appointments.get(message.appointment_id) if message.appointment_id else None
    return card_of(
        message, handoff, run, policy, ticket_url=ticket.url if ticket else None, links=links,
        call_at=appointment.starts_at if appointment else None,
    )  # fmt: skip


def _links(env: Env, message: Message) -> Mapping[Press, str]:
    account = env.settings.notifiers[message.notifier].account
    if not env.notifier(message.notifier).capabilities.links or not account.link_secret:
        return {}
    base = f"{account.public_url}/v1/notify/{message.notifier}/links"
    secret = account.link_secret
    return {press: f"{base}/{make_token(secret, message.id, press, message.created_at)}" for press in Press}


def _failed(env: Env, taken: Claim, message: Message, error: ConnectorError, *, sending: bool) -> None:
    now = env.now()
    # A chat that takes our token no more takes it no more in five minutes: the ladder must not wait for that.
    denied = isinstance(error, Unauthorized)
    due_at = None if denied else due_after(error, taken.tries, now, random.random())  # noqa: S311
    late = due_at is not None and due_at - message.created_at > GIVE_UP_AFTER
    with env.transaction() as tx:
        tx.work.hold(taken)
        state = MessageState.PENDING if sending else message.state
        if sending and isinstance(error, Unsure):
            state, due_at = MessageState.PERHAPS, None
        elif sending and (due_at is None or late):
            state, due_at = MessageState.DEAD, None
        tx.notify.change_message(message.id, state=state.value, last_error=str(error))
        if state is MessageState.DEAD:
            _go_on(env, tx, replace(message, state=state))
        if due_at is None or late:
            tx.work.finish(taken, now)
        else:
            tx.work.again(taken, due_at, str(error))
    extra = {"handoff": message.handoff_id, "kind": message.purpose.value, "error": type(error).__name__}
    log.warning("chat_not_told", extra=extra | {"state": state.value, "tries": taken.tries})


def _go_on(env: Env, tx: Transaction, message: Message) -> None:
    """A step none of whose messages arrived has reached nobody: the next one is not waited for."""
    run = tx.notify.run(message.run_id)
    if run is not None and tx.notify.unreached(run.id, message.turn, message.step):
        tx.later(Work("climb", message.handoff_id, env.now(), slot=run.ladder))
