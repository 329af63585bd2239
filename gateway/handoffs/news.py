"""
What goes on after a handoff, until people are done: the same ticket learns of it, once, and a stricter tier is taken
over. Never a second ticket, and nothing is ever lowered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from gateway.sla.facts import facts_of_event
from gateway.sla.tiering import raise_tier
from packets.decision import Action, Decision
from packets.event import Event, EventKind
from policies.model import PolicySet
from policies.sla.choose import TierWish
from policies.sla.facts import Kind

if TYPE_CHECKING:
    from gateway.conversations.store import ConversationRow
    from gateway.wiring import Transaction

TOGETHER_AFTER = timedelta(seconds=20)  # turns that follow each other quickly become one note


def goes_on(
    tx: Transaction, row: ConversationRow, handoff: Handoff | None, event: Event, decision: Decision,
    policy: PolicySet, wishes: Sequence[TierWish], now: datetime,
) -> None:  # fmt: skip
    """
    An event of a conversation that people have already.

    handoff: the open one. A call is often analysed after people are done with it: that still goes to their ticket.
    """
    if handoff is None and row.handoffs and event.kind is EventKind.CONVERSATION_ANALYZED:
        handoff = tx.handoffs.last_of(row.id)
    if handoff is None:
        return
    if event.turns or event.bot_outcome or event.context or event.customer:
        tx.unless_waiting(Work("tell_news", handoff.id, now + TOGETHER_AFTER, lane=handoff.helpdesk), now)
    facts = list(facts_of_event(event, now))
    for fact in facts:
        tx.facts.add_later(handoff.id, fact)
        if fact.kind in (Kind.HUMAN_MESSAGE, Kind.CALL_CONNECTED):
            by_call = fact.kind is Kind.CALL_CONNECTED
            tx.callback_kept(handoff, fact.occurred_at or now, now, by_call=by_call)
    if decision.action is Action.ESCALATE:
        raise_tier(tx, handoff, policy, wishes, now)
    if any(fact.kind is not Kind.BOT_MESSAGE for fact in facts):  # what a bot says moves no clock
        tx.unless_waiting(Work("sla_facts", handoff.id, now), now)


def tell_what_came_meanwhile(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """Its ticket is there only now: what was said since the packet was made is still to be told."""
    row = tx.conversations.get(handoff.conversation_id)
    if row is not None and row.events > handoff.told_up_to:
        tx.later(Work("tell_news", handoff.id, now, lane=handoff.helpdesk))
