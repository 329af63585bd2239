"""
Opening a handoff: packet, ticket draft, delivery and work rows, all in the transaction of the turn that caused it.
The customer may be promised a person as soon as that transaction has committed, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.conversations.store import ConversationRow
from gateway.db.work import Work
from gateway.handoffs.store import Handoff, HandoffStatus
from gateway.ids import new_id
from packets.assemble import assemble
from packets.conversation import handed_off
from packets.decision import Decision, Mode
from packets.event import Event
from packets.redact.packet import redact_packet
from packets.redact.profile import PROFILES
from packets.render.ticket import ticket_draft
from packets.transcript import transcript
from policies.model import PolicySet
from policies.sla.plan import respond_by

if TYPE_CHECKING:  # wiring knows every room; a room knows wiring only as a type
    from gateway.wiring import Transaction


def open_handoff(
    tx: Transaction,
    row: ConversationRow,
    decision: Decision,
    policy: PolicySet,
    *,
    events: Sequence[Event],
    event_row_id: str,
    helpdesk: str,
    redact: str,
    now: datetime,
) -> tuple[ConversationRow, Handoff]:
    """
    Write everything a handoff needs and return the conversation as it then stands (not yet saved).

    events: the whole log of the conversation, the newest included.
    """
    tier, route = policy.tier(decision.tier), policy.route(decision.route)
    handoff = Handoff(
        id=new_id("hof"),
        conversation_id=row.id,
        number=row.handoffs + 1,
        event_id=event_row_id,
        source=row.state.source,
        helpdesk=helpdesk,
        status=HandoffStatus.WAITING,
        mode=(decision.mode or Mode.WARM).value,
        route=route.name,
        tier=tier.name,
        because=decision.because,
        policy_revision=decision.policy_revision,
        promised_at=now,
        respond_by=respond_by(tier, now),
    )
    packet = assemble(
        packet_id=new_id("pkt"),
        handoff_id=handoff.id,
        conversation_id=row.id,
        conversation=row.state,
        transcript=transcript(events),
        decision=replace(decision, route=route.name, tier=tier.name),
        wants=route.wants,
        respond_by=handoff.respond_by,
        now=now,
    )
    packet = redact_packet(packet, PROFILES[redact])
    tx.handoffs.add(handoff)
    tx.handoffs.add_packet(packet)
    draft = ticket_draft(packet, priority=tier.priority, else_groups=route.else_groups)
    tx.deliveries.add(packet.packet_id, handoff.id, helpdesk, draft, now)
    tx.later(Work("deliver", packet.packet_id, now))
    tx.later(Work("assign_sla", handoff.id, now))
    tx.tell_vendor(handoff, now)
    row = replace(row, state=handed_off(row.state), handoffs=handoff.number, open_handoff_id=handoff.id)
    return row, handoff
