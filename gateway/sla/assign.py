"""Starting a handoff's clocks, and what an update of its ticket must say."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from gateway.handoffs.store import Handoff
from gateway.policy import PolicyHolder
from gateway.sla.refold import refold
from gateway.sla.zones import customer_zone
from packets.draft import Priority, TicketUpdate
from packets.render.fields import time_text
from policies.model import PolicySet
from policies.sla.tiers import Tier

if TYPE_CHECKING:
    from gateway.wiring import Transaction


def policy_of_tier(tx: Transaction, handoff: Handoff, policies: PolicyHolder) -> PolicySet:
    """The revision that gave the handoff its tier: a later one may have another tier of that name, or none."""
    revisions = [revision for wish, revision in tx.wishes.of_handoff(handoff.id) if wish.tier == handoff.tier]
    return policies.at_revision(revisions[-1] if revisions else handoff.policy_revision)


def start_clocks(tx: Transaction, handoff: Handoff, policy: PolicySet, tier: Tier, now: datetime) -> None:
    """
    A clock for every target of the tier, from the moment of the promise, with its timer. Harmless to repeat.

    Clocks run whether or not the helpdesk has its ticket yet: our own delays count against us.
    """
    there = {clock.metric for clock in tx.clocks.of_handoff(handoff.id)}
    missing = [metric for metric in tier.targets if metric not in there]
    if missing:
        key = tx.terms.keep(policy, tier, handoff.route, customer_zone(tx, handoff, [tier]))
        tx.clocks.add(handoff.id, missing, key, tier.name)
    refold(tx, handoff.id, now)


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
