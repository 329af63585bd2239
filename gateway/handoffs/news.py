"""
What goes on after a handoff, until people are done: the same ticket learns of it, once, and a stricter tier is taken
over. Never a second ticket, and nothing is ever lowered.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from packets.decision import Action, Decision
from packets.event import Event, EventKind
from policies.model import PolicySet
from policies.sla.plan import plan_clocks, respond_by
from policies.sla.tiers import Tier

if TYPE_CHECKING:
    from gateway.conversations.store import ConversationRow
    from gateway.wiring import Transaction

TOGETHER_AFTER = timedelta(seconds=20)  # turns that follow each other quickly become one note


def goes_on(
    tx: Transaction, row: ConversationRow, handoff: Handoff | None, event: Event, decision: Decision,
    policy: PolicySet, now: datetime,
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
        tx.unless_waiting(Work("tell_news", handoff.id, now + TOGETHER_AFTER, lane=handoff.helpdesk))
    if decision.action is Action.ESCALATE:
        raise_tier(tx, handoff, policy, policy.tier(decision.tier), now)


def tell_what_came_meanwhile(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """Its ticket is there only now: what was said since the packet was made is still to be told."""
    row = tx.conversations.get(handoff.conversation_id)
    if row is not None and row.events > handoff.told_up_to:
        tx.later(Work("tell_news", handoff.id, now, lane=handoff.helpdesk))


def raise_tier(tx: Transaction, handoff: Handoff, policy: PolicySet, tier: Tier, now: datetime) -> None:
    """
    A second escalation with a stricter tier: running clocks get its targets from now on if that is sooner than what
    was promised, and the ticket gets its tier and priority.
    """
    if tier.strictness >= policy.tier(handoff.tier).strictness:
        return
    # Work rows before what their jobs lock after them, so that nobody waits for each other for ever.
    tx.later(Work("assign_sla", handoff.id, now, lane=handoff.helpdesk))
    for plan in plan_clocks(tier, now):
        for clock in tx.clocks.of_handoff(handoff.id):
            if clock.metric == plan.metric and clock.is_running and plan.due_at < clock.due_at:
                for warn_at in plan.warn_at:
                    tx.later(Work("sla_warn", clock.id, warn_at, slot=warn_at.strftime("%Y%m%dT%H%M%S")))
                tx.later(Work("sla_breach", clock.id, plan.due_at))
                tx.clocks.tighten(clock, tier.name, plan.due_at)
    ours = [name for name in (handoff.our_priorities or "").split(",") if name]
    tx.handoffs.change(
        handoff.id,
        tier=tier.name,
        respond_by=min(handoff.respond_by, respond_by(tier, now)),
        our_priorities=",".join(dict.fromkeys([*ours, tier.priority.value])),
        sla_assigned_at=None,
    )
