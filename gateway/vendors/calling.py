"""Whom to call back about one handoff, and what is known of it: what every job begins with that speaks to a vendor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.ports import VendorClient
from gateway.conversations.store import ConversationRow
from gateway.delivery.store import Delivery
from gateway.handoffs.store import Handoff

if TYPE_CHECKING:
    from gateway.wiring import Env, Transaction


@dataclass(frozen=True, slots=True)
class Callee:
    client: VendorClient
    handoff: Handoff
    row: ConversationRow
    delivery: Delivery


def callee_of(env: Env, tx: Transaction, handoff_id: str) -> Callee | None:
    """None: its source is gone, or its vendor is not called back any more."""
    handoff = tx.handoffs.get(handoff_id)
    client = env.vendor_client(handoff.source) if handoff else None
    if handoff is None or client is None:
        return None
    row, delivery = tx.conversations.get(handoff.conversation_id), tx.deliveries.of_handoff(handoff.id)
    if row is None or delivery is None:
        raise LookupError(f"handoff {handoff.id} has no conversation or no delivery")
    return Callee(client, handoff, row, delivery)
