"""Writing what chats are to be told, inside the transaction that causes it. Jobs send it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.ids import new_id
from gateway.notify.model import Message, MessageState, Purpose
from policies.sla.ladder import Did, Rung

if TYPE_CHECKING:
    from gateway.wiring import Transaction

_THERE = (MessageState.SENT, MessageState.PERHAPS, MessageState.SENDING)


def warn(
    tx: Transaction, chats: Mapping[str, bool], handoff_id: str, channels: Iterable[str], threshold: str, now: datetime
) -> None:
    for channel in channels:
        notifier, _, target = channel.partition(":")
        if notifier in chats:
            _add(tx, handoff_id, f"{handoff_id}.warn.{threshold}.{channel}", notifier, target, Purpose.WARNING, now)


def remind(
    tx: Transaction, chats: Mapping[str, bool], handoff_id: str, appointment_id: str, channels: Iterable[str],
    now: datetime,
) -> None:  # fmt: skip
    """The key begins with the appointment, by which whoever sends it looks whether it still stands."""
    for channel in channels:
        notifier, _, target = channel.partition(":")
        if notifier in chats:
            _add(tx, handoff_id, f"{appointment_id}.reminder.{channel}", notifier, target, Purpose.REMINDER, now)


def follow(tx: Transaction, chats: Mapping[str, bool], handoff_id: str, now: datetime) -> None:
    """
    Ladders look whether they are over. Cards that can be changed say how things stand; where they cannot, one more
    message tells it.
    """
    there = [m for m in tx.notify.messages_of(handoff_id) if m.purpose is not Purpose.ANSWER and m.state in _THERE]
    for message in there:
        if chats.get(message.notifier):
            tx.later(Work("notify", message.id, now))
    cards = [m for m in there if m.purpose is not Purpose.TAKEN]
    told = {(m.notifier, m.target): m for m in cards if chats.get(m.notifier) is False}
    handoff = tx.handoffs.get(handoff_id)
    for (notifier, target), message in told.items():
        if handoff is not None and handoff.accepted_by:
            key = f"{message.id}.taken.{handoff.accepted_by}"
            _add(tx, handoff_id, key, notifier, target, Purpose.TAKEN, now)
    # After the messages: a message that came to nothing asks for its ladder, in this order too.
    for run in tx.notify.open_runs(handoff_id):
        tx.later(Work("climb", handoff_id, now, slot=run.ladder))


def call_missed(tx: Transaction, handoff_id: str, now: datetime) -> None:
    for run in tx.notify.open_runs(handoff_id):
        tx.notify.add_rung(run.id, Rung(Did.CALL_MISSED, now))
        tx.later(Work("climb", handoff_id, now, slot=run.ladder))


def _add(
    tx: Transaction, handoff_id: str, key: str, notifier: str, target: str, purpose: Purpose, now: datetime
) -> None:
    message = Message(new_id("msg"), handoff_id, None, key[:255], notifier, target, purpose, now)
    if tx.notify.add_message(message):
        tx.later(Work("notify", message.id, now))
