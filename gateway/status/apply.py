"""
What a change at the helpdesk does to the handoff: claimed, answered, waiting, solved, reopened, rated, its priority
taken out of our hands. What clocks look at becomes a fact, and they are folded anew. Any order and any number of
repeats end in the same place.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff, HandoffStatus
from gateway.handoffs.waiting import somebody_came
from gateway.sla.facts import fact_of_change, facts_of_state
from gateway.sla.refold import refold
from packets.conversation import handed_back, taken_over
from packets.draft import ChangeKind, Priority, StatusChange, TicketState, TicketStatus

if TYPE_CHECKING:
    from gateway.wiring import Transaction

FINAL = frozenset({TicketStatus.SOLVED, TicketStatus.CLOSED, TicketStatus.CANCELLED})


def receive_change(tx: Transaction, helpdesk: str, change: StatusChange, now: datetime) -> bool:
    """
    Store one change and act on it, once. A change for a ticket that may be ours, and that we do not know yet, is kept
    and looked at when we do.

    returns: False if it had come before.
    """
    delivery = tx.deliveries.by_ticket(helpdesk, change.ticket_id)
    if delivery is None and change.packet_id is not None:
        known = tx.deliveries.get(change.packet_id)
        if known is None or known.helpdesk != helpdesk:
            return True  # a ticket of somebody else's: an account tells of all of them
        # Once its ticket's number is known, another ticket that carries the same packet id (opened twice, or copied
        # from the first by its helpdesk) is not the handoff's.
        delivery = known if known.reached is None else None
    if not tx.status.add(helpdesk, change, delivery.handoff_id if delivery else None, now):
        return False
    if delivery is None:
        return True
    if change.kind is ChangeKind.HINT:
        tx.later(Work("read_ticket", delivery.handoff_id, now, lane=helpdesk))
        return True
    handoff = lock_handoff(tx, delivery.handoff_id)
    if handoff is not None:
        apply_change(tx, handoff, change, now)
    return True


def lock_handoff(tx: Transaction, handoff_id: str) -> Handoff | None:
    """Its conversation first, as in intake: in another order two transactions could wait for each other for ever."""
    handoff = tx.handoffs.get(handoff_id)
    if handoff is None:
        return None
    tx.conversations.lock_by_id(handoff.conversation_id)
    return tx.handoffs.lock(handoff_id)


def apply_change(tx: Transaction, handoff: Handoff, change: StatusChange, now: datetime) -> None:
    """Act on one change of a ticket of ours: earlier times win for what stops clocks, newer news for what it is now."""
    at = change.occurred_at
    fact = fact_of_change(handoff.helpdesk, change, now)
    if fact is not None and not _is_of_the_one_before(handoff, at):
        tx.facts.add(handoff.id, fact)
    match change.kind:
        case ChangeKind.HUMAN_REPLIED:
            human_replied(tx, handoff, at, now)
        case ChangeKind.ASSIGNED:
            assigned(tx, handoff, change.assignee, at, now)
        case ChangeKind.STATUS_CHANGED if change.status is not None:
            status_changed(tx, handoff, change.status, at, now)
        case ChangeKind.PRIORITY_CHANGED if change.priority is not None:
            priority_is(tx, handoff, change.priority, at, now)
        case ChangeKind.RATED if change.rating is not None:
            tx.handoffs.heard(handoff.id, "rating", str(change.rating), at)
    if fact is not None:
        refold(tx, handoff.id, now)


def apply_state(tx: Transaction, handoff: Handoff, state: TicketState, now: datetime) -> None:
    """Act on a ticket as it was read: what webhooks that were lost or cannot be trusted would have told."""
    at = state.updated_at or now
    for fact in facts_of_state(handoff, state, [stored.fact for stored in tx.facts.of_handoff(handoff.id)], now):
        if not _is_of_the_one_before(handoff, fact.occurred_at or now):
            tx.facts.add(handoff.id, fact)
    if state.first_human_reply_at is not None:
        human_replied(tx, handoff, state.first_human_reply_at, now)
        handoff = tx.handoffs.get(handoff.id) or handoff
    assigned(tx, handoff, state.assignee, at, now)
    handoff = tx.handoffs.get(handoff.id) or handoff
    if state.priority is not None:
        priority_is(tx, handoff, state.priority, at, now)
    if state.rating is not None:
        tx.handoffs.heard(handoff.id, "rating", state.rating.value, at)
    solved_at = state.solved_at if state.status in FINAL else None
    status_changed(tx, handoff, state.status, at, now, solved_at=solved_at)
    refold(tx, handoff.id, now)


def apply_unmatched(tx: Transaction, handoff: Handoff, ticket_id: str, now: datetime) -> None:
    """What was told of its ticket before we knew that it is ours. What it is now has been read already."""
    for change, received_at in tx.status.match(handoff.helpdesk, ticket_id, handoff.id):
        fact = fact_of_change(handoff.helpdesk, change, received_at)
        if fact is not None and not _is_of_the_one_before(handoff, change.occurred_at):
            tx.facts.add(handoff.id, fact)
    refold(tx, handoff.id, now)


def _is_of_the_one_before(handoff: Handoff, at: datetime) -> bool:
    """On a ticket that was opened again: people did it for the handoff before."""
    return handoff.follows is not None and at < handoff.promised_at


def status_changed(
    tx: Transaction,
    handoff: Handoff,
    status: TicketStatus,
    at: datetime,
    now: datetime,
    *,
    solved_at: datetime | None = None,
) -> None:
    """solved_at: when it was really solved, where that is known to be before `at`."""
    if not tx.handoffs.heard(handoff.id, "ticket_status", status.value, at):
        return  # something newer is known: an old "solved" does not close what was opened again
    if status in FINAL and handoff.status is HandoffStatus.SOLVED:
        if solved_at is not None:  # "closed" days after "solved" is not when people were done
            tx.handoffs.set_status(handoff.id, HandoffStatus.SOLVED, closed_at=solved_at)
    elif status in FINAL:
        solved(tx, handoff, solved_at or at, now)
    elif handoff.status is HandoffStatus.SOLVED:
        reopened(tx, handoff, now)


def assigned(tx: Transaction, handoff: Handoff, assignee: str | None, at: datetime, now: datetime) -> None:
    """Somebody has it, somebody else has it, or nobody any more: then it waits for a person again."""
    if not tx.handoffs.heard(handoff.id, "assignee", assignee, at):
        return
    if assignee and handoff.status is HandoffStatus.WAITING:
        tx.handoffs.set_status(handoff.id, HandoffStatus.CLAIMED)
        somebody_came(tx, handoff, now)
        tx.tell_vendor(handoff, now)
        tx.tell_chats(handoff.id, now)
    elif not assignee and handoff.status is HandoffStatus.CLAIMED and not _was_taken_in_a_chat(handoff):
        tx.handoffs.set_status(handoff.id, HandoffStatus.WAITING)
        tx.handoffs.change(handoff.id, accepted_by=None, accepted_at=None)
        tx.tell_chats(handoff.id, now)


def _was_taken_in_a_chat(handoff: Handoff) -> bool:
    """Then a ticket that has had no owner yet, and has none, is no news: who took it is on the way there."""
    return handoff.accepted_by is not None and handoff.assignee is None


def priority_is(tx: Transaction, handoff: Handoff, priority: Priority, at: datetime, now: datetime) -> None:
    """
    A priority that we never wanted was set by a person (or by a rule of theirs): from now on we leave it alone, and
    the tier follows theirs. One of ours is our own echo, whoever is said to have sent it.
    """
    ours = handoff.our_priorities
    if ours is None or (handoff.priority_is_ours and priority.value in ours.split(",")):
        return
    if tx.wishes.person_set(handoff.id, priority, at):
        tx.later(Work("assign_sla", handoff.id, now, lane=handoff.helpdesk))
    if handoff.priority_is_ours:
        tx.handoffs.change(handoff.id, priority_by_person_at=at)


def human_replied(tx: Transaction, handoff: Handoff, at: datetime, now: datetime) -> None:
    if _is_of_the_one_before(handoff, at):
        return
    if handoff.status in (HandoffStatus.WAITING, HandoffStatus.CLAIMED):
        tx.handoffs.set_status(handoff.id, HandoffStatus.ANSWERED)
        somebody_came(tx, handoff, now)
        tx.tell_vendor(handoff, now)
        tx.tell_chats(handoff.id, now)
    tx.callback_kept(handoff, at, now)
    row = tx.conversations.lock_by_id(handoff.conversation_id)
    if row.open_handoff_id == handoff.id:
        tx.conversations.save(replace(row, state=taken_over(row.state, at)), now)


def solved(tx: Transaction, handoff: Handoff, at: datetime, now: datetime) -> None:
    """
    Close the handoff: the bot may speak again, and a later escalation is a new handoff. Helpdesks close by themselves
    what was solved days ago: people were done then.
    """
    if handoff.status is HandoffStatus.SOLVED and handoff.closed_at is not None and handoff.closed_at <= at:
        return
    tx.handoffs.set_status(handoff.id, HandoffStatus.SOLVED, closed_at=at)
    tx.cancel_callback(handoff, at, now)
    somebody_came(tx, handoff, now)
    tx.tell_vendor(handoff, now)
    tx.tell_chats(handoff.id, now)
    row = tx.conversations.lock_by_id(handoff.conversation_id)
    if row.open_handoff_id == handoff.id:
        tx.conversations.save(replace(row, state=handed_back(row.state), open_handoff_id=None), now)


def reopened(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """People took it up again. If the conversation has gone to a newer handoff meanwhile, that one keeps it."""
    tx.handoffs.set_status(handoff.id, HandoffStatus.CLAIMED)
    tx.tell_vendor(handoff, now)
    tx.tell_chats(handoff.id, now)
    row = tx.conversations.lock_by_id(handoff.conversation_id)
    if row.open_handoff_id is None:
        state = taken_over(row.state, now, again=True)
        tx.conversations.save(replace(row, state=state, open_handoff_id=handoff.id), now)
