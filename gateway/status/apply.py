"""What a change at the helpdesk does to the handoff: claimed, answered, solved, reopened; clocks stop with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff, HandoffStatus
from packets.conversation import Holder, handed_back
from packets.draft import ChangeKind, StatusChange, TicketState, TicketStatus

if TYPE_CHECKING:
    from gateway.wiring import Transaction

RESPONSE = "first_human_response"
FINAL = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED, TicketStatus.CANCELLED})


def receive_change(tx: Transaction, helpdesk: str, change: StatusChange, now: datetime) -> bool:
    """
    Store one change and act on it, once. A change for a ticket we do not know yet is kept and looked at when we do.

    returns: False if it had come before.
    """
    delivery = tx.deliveries.by_ticket(helpdesk, change.ticket_id)
    if delivery is None and change.packet_id:
        known = tx.deliveries.get(change.packet_id)
        delivery = known if known and known.helpdesk == helpdesk else None
    if not tx.status.add(helpdesk, change, delivery.handoff_id if delivery else None, now):
        return False
    if delivery is None:
        return True
    if change.kind is ChangeKind.HINT:
        tx.later(Work("read_ticket", delivery.handoff_id, now))
        return True
    handoff = tx.handoffs.lock(delivery.handoff_id)
    if handoff is not None:
        apply_change(tx, handoff, change, now)
    return True


def apply_change(tx: Transaction, handoff: Handoff, change: StatusChange, now: datetime) -> None:
    """Act on one change of a ticket of ours. Order and repeats do not matter: earlier times win, states advance."""
    match change.kind:
        case ChangeKind.HUMAN_REPLIED:
            human_replied(tx, handoff, change.occurred_at, now)
        case ChangeKind.ASSIGNED if change.assignee and handoff.status is HandoffStatus.WAITING:
            claimed(tx, handoff, now)
        case ChangeKind.STATUS_CHANGED if change.status in FINAL:
            solved(tx, handoff, change.occurred_at, now)
        case ChangeKind.STATUS_CHANGED if handoff.status is HandoffStatus.SOLVED and change.status is not None:
            if handoff.closed_at is None or change.occurred_at > handoff.closed_at:
                reopened(tx, handoff, now)


def apply_state(tx: Transaction, handoff: Handoff, state: TicketState, now: datetime) -> None:
    """Act on a ticket as it was read: what webhooks that were lost or cannot be trusted would have told."""
    if state.first_human_reply_at is not None:
        human_replied(tx, handoff, state.first_human_reply_at, now)
        handoff = tx.handoffs.get(handoff.id) or handoff
    if state.status in FINAL:
        solved(tx, handoff, state.solved_at or state.updated_at or now, now)
    elif handoff.status is HandoffStatus.SOLVED:
        reopened(tx, handoff, now)
    elif state.assignee and handoff.status is HandoffStatus.WAITING:
        claimed(tx, handoff, now)


def claimed(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    tx.handoffs.set_status(handoff.id, HandoffStatus.CLAIMED)
    tx.tell_vendor(handoff, now)


def human_replied(tx: Transaction, handoff: Handoff, at: datetime, now: datetime) -> None:
    for clock in tx.clocks.of_handoff(handoff.id):
        if clock.metric == RESPONSE:
            tx.clocks.stop(clock, at, "met" if at <= clock.due_at else "missed")
    if handoff.status in (HandoffStatus.WAITING, HandoffStatus.CLAIMED):
        tx.handoffs.set_status(handoff.id, HandoffStatus.ANSWERED)
        tx.tell_vendor(handoff, now)
    _hold_by(tx, handoff, Holder.HUMAN, now)


def solved(tx: Transaction, handoff: Handoff, at: datetime, now: datetime) -> None:
    """Close the handoff: the bot may speak again, and a later escalation is a new handoff."""
    for clock in tx.clocks.of_handoff(handoff.id):
        if not clock.is_running:
            continue
        if clock.metric == RESPONSE:
            tx.clocks.stop(clock, at, "cancelled")  # closed without an answer: neither met nor missed
        else:
            tx.clocks.stop(clock, at, "met" if at <= clock.due_at else "missed")
    tx.handoffs.set_status(handoff.id, HandoffStatus.SOLVED, closed_at=at)
    tx.tell_vendor(handoff, now)
    row = tx.conversations.lock_by_id(handoff.conversation_id)
    if row.open_handoff_id == handoff.id:
        tx.conversations.save(replace(row, state=handed_back(row.state), open_handoff_id=None), now)


def reopened(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """People took it up again. If the conversation has gone to a newer handoff meanwhile, that one keeps it."""
    tx.handoffs.set_status(handoff.id, HandoffStatus.CLAIMED)
    tx.tell_vendor(handoff, now)
    row = tx.conversations.lock_by_id(handoff.conversation_id)
    if row.open_handoff_id is None:
        state = replace(row.state, holder=Holder.HUMAN)
        tx.conversations.save(replace(row, state=state, open_handoff_id=handoff.id), now)


def _hold_by(tx: Transaction, handoff: Handoff, holder: Holder, now: datetime) -> None:
    row = tx.conversations.lock_by_id(handoff.conversation_id)
    if row.open_handoff_id == handoff.id and row.state.holder is not holder:
        tx.conversations.save(replace(row, state=replace(row.state, holder=holder)), now)
