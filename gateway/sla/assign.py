"""Starting a handoff's clocks and their timers; what an update of its ticket must say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff
from packets.draft import Priority, TicketUpdate
from packets.render.fields import time_text
from policies.sla.plan import plan_clocks
from policies.sla.tiers import Tier

if TYPE_CHECKING:
    from gateway.wiring import Transaction


def start_clocks(tx: Transaction, handoff: Handoff, tier: Tier) -> None:
    """
    Start every clock of the tier at the moment of the promise, and write its timers as work. Harmless to repeat.

    Clocks run whether or not the helpdesk has its ticket yet: our own delays count against us.
    """
    running = {clock.metric for clock in tx.clocks.of_handoff(handoff.id)}
    for plan in plan_clocks(tier, handoff.promised_at):
        if plan.metric in running:
            continue
        clock = tx.clocks.start(handoff.id, tier.name, handoff.promised_at, plan)
        for warn_at in plan.warn_at:
            tx.later(Work("sla_warn", clock.id, warn_at, slot=warn_at.strftime("%Y%m%dT%H%M%S")))
        tx.later(Work("sla_breach", clock.id, plan.due_at))


def ticket_update(handoff: Handoff, tier: Tier) -> TicketUpdate:
    """Priority, tier and respond-by as they must stand on the ticket; a priority that a person set stays as it is."""
    return TicketUpdate(
        priority=_most_urgent(handoff, tier) if handoff.priority_is_ours else None,
        tags=(f"baton_tier_{tier.name}",),
        fields={"tier": tier.name, "respond_by": time_text(handoff.respond_by)},
    )


def _most_urgent(handoff: Handoff, tier: Tier) -> Priority:
    """A tier that was raised may have a lower priority than the one before: nothing is ever lowered."""
    wanted = {tier.priority.value, *(handoff.our_priorities or "").split(",")}
    return next(priority for priority in Priority if priority.value in wanted)
