"""Whose wall clock a tier of `zone_from: customer` goes by: the customer's, as known when the first clock started."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.handoffs.store import Handoff
from gateway.sla.refold import recorded_clocks
from policies.sla.tiers import Tier
from policies.sla.zones import zone_of_customer

if TYPE_CHECKING:
    from gateway.wiring import Transaction


def customer_zone(tx: Transaction, handoff: Handoff, tiers: Iterable[Tier]) -> str | None:
    """
    The zone that a clock of the handoff is pinned to, else what its conversation tells. None: nobody knows, or none of
    these tiers asks for it.
    """
    if not any(tier.zone_from == "customer" for tier in tiers):
        return None
    for _, recorded in recorded_clocks(tx, handoff.id):
        if recorded.terms.zone_source == "customer":
            return recorded.terms.hours.zone
    conversation = tx.conversations.get(handoff.conversation_id)
    return zone_of_customer(conversation.state.customer.attributes) if conversation else None
