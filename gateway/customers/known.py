"""What a decision may know beside the conversation (`policies/history.py`), looked up in the turn's own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.conversations.store import ConversationRow
from gateway.customers.contact import known_as, next_contact
from gateway.customers.keys import conversation_key, keys_of
from packets.decision import Decision
from packets.event import Event
from policies.history import History
from policies.model import PolicySet

if TYPE_CHECKING:
    from gateway.wiring import Transaction

BEFORE, REMEMBERED = "repeat_contact", "remembered"  # the conditions that need a look-up


def look_up(tx: Transaction, events: Iterable[Event], policy: PolicySet) -> None:
    """Once for all events of a transaction, whose conversations are locked: what is remembered of their customers."""
    if REMEMBERED not in policy.uses:
        return
    keys: set[str] = set()
    for event in events:
        place = event.source, event.conversation.vendor_conversation_id
        keys |= {*_all_keys(tx.conversations.held(place))}
        keys |= {*keys_of(event.customer, event.source)} if event.customer else set()
    tx.customers.look_up(keys)


def history_of(
    tx: Transaction,
    row: ConversationRow,
    policy: PolicySet,
    *,
    heartbeat: timedelta | None,
    source_heard_at: datetime | None,
) -> tuple[ConversationRow, History]:
    """The row with its contact as it is after the newest event, and what there is to know."""
    remembered = tx.customers.remembered(_all_keys(row)) if REMEMBERED in policy.uses else frozenset[str]()
    history = History(
        remembered=remembered,
        heartbeat=heartbeat,
        source_heard_at=source_heard_at,
        tells_bot=heartbeat is not None,  # docs/operations.md: only a source that tells both sides gets one
    )
    contact = next_contact(row.contact, row.state) if BEFORE in policy.uses else row.contact
    if contact is None:
        return row, history
    keys = keys_of(row.state.customer, row.state.source)
    if BEFORE in policy.uses and keys != contact.keys:
        contact = known_as(contact, keys, tx.customers.earlier(keys, contact.since))
    history = replace(history, earlier=contact.earlier, issues=contact.issues, first_turn=contact.first_turn)
    return replace(row, contact=contact), history


def keep(
    tx: Transaction,
    before: ConversationRow,
    row: ConversationRow,
    decision: Decision,
    history: History,
    issues: tuple[str, ...],
    now: datetime,
) -> ConversationRow:
    """Write what this decision has added: what the contact is about, and what a rule wants remembered."""
    keys = _all_keys(row)
    for what in decision.remember:
        tx.customers.remember(what, keys, now, conversation_id=row.id, source=row.state.source, rules=decision.because)
    if history.remembered and not decision.remember:
        tx.customers.tie(keys, now)
    if row.contact is None:
        return row
    if before.contact is None or (before.contact.since, before.contact.keys) != (row.contact.since, row.contact.keys):
        tx.customers.add_contact(row.contact, row.id)
    return replace(row, contact=replace(row.contact, issues=issues))


def _all_keys(row: ConversationRow) -> tuple[str, ...]:
    state = row.state
    return (*keys_of(state.customer, state.source), conversation_key(state.source, state.vendor_conversation_id))
