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
from gateway.handoffs.waiting import begin_wait, with_wait
from gateway.ids import new_id
from gateway.sla.facts import promised
from gateway.sla.terms import respond_by
from packets.assemble import assemble
from packets.conversation import handed_off
from packets.decision import Decision, Mode
from packets.event import Event
from packets.redact.packet import redact_packet
from packets.redact.profile import PROFILES
from packets.render.ticket import ticket_draft
from packets.transcript import FULL, transcript
from policies.after_solved import AfterSolved
from policies.model import PolicySet
from policies.sla.choose import TierWish, choose_tier
from policies.sla.zones import zone_of_customer

if TYPE_CHECKING:  # wiring knows every room; a room knows wiring only as a type
    from gateway.delivery.store import Delivery
    from gateway.wiring import Transaction


def open_handoff(
    tx: Transaction,
    row: ConversationRow,
    decision: Decision,
    policy: PolicySet,
    *,
    events: Sequence[Event],
    event_row_id: str,
    wishes: Sequence[TierWish],
    nobody_is_free: bool = False,
    helpdesk: str,
    redact: str,
    now: datetime,
) -> tuple[ConversationRow, Handoff]:
    """
    Write everything a handoff needs and return the conversation as it then stands (not yet saved).

    events: the whole log of the conversation, the newest included. wishes: what asks for which tier.
    nobody_is_free: the customer is offered a call instead of being kept waiting for an accept.
    """
    tier, route = policy.tier(choose_tier(policy.tiers, wishes).tier), policy.route(decision.route)
    before = _before(tx, row, policy, helpdesk, now)
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
        respond_by=respond_by(policy, tier, route.name, zone_of_customer(row.state.customer.attributes), now),
        our_priorities=tier.priority.value,
        told_up_to=row.events,
        follows=before.handoff_id if before else None,
    )
    handoff = with_wait(
        handoff, policy, row.state, possible=tx.connects_later(row.state.source), nobody_is_free=nobody_is_free, now=now
    )
    whole = transcript(events)
    packet = assemble(
        packet_id=new_id("pkt"),
        handoff_id=handoff.id,
        conversation_id=row.id,
        conversation=row.state,
        transcript=whole,
        decision=replace(decision, route=route.name, tier=tier.name, mode=Mode(handoff.mode)),
        wants=route.wants,
        respond_by=handoff.respond_by,
        now=now,
    )
    packet = redact_packet(packet, PROFILES[redact])
    handoff = replace(handoff, announcement=packet.announcement)
    tx.handoffs.add(handoff)
    tx.handoffs.add_packet(packet)
    tx.wishes.add(handoff.id, wishes, policy.revision)
    tx.facts.add_later(handoff.id, promised(handoff.id, now))
    draft = ticket_draft(packet, priority=tier.priority, else_groups=route.else_groups)
    draft = replace(draft, follows=before.ticket) if before else draft
    again = before.ticket if before and policy.after_solved.do is AfterSolved.REOPEN else None
    tx.deliveries.add(packet.packet_id, handoff.id, helpdesk, draft, now, reopens=again)
    if again:  # what is still to come of the handoff before must not pass for news of this one
        tx.handoffs.heard_nothing_before(handoff.id, now)
    tx.later(Work("deliver", packet.packet_id, now, lane=helpdesk))
    tx.later(Work("assign_sla", handoff.id, now, lane=helpdesk))
    tx.tell_vendor(handoff, now)
    begin_wait(tx, handoff, policy, now)
    if whole.completeness != FULL:
        tx.pull_transcript(handoff, now)
    row = replace(row, state=handed_off(row.state), handoffs=handoff.number, open_handoff_id=handoff.id)
    return row, handoff


def _before(tx: Transaction, row: ConversationRow, policy: PolicySet, helpdesk: str, now: datetime) -> Delivery | None:
    """The delivery whose ticket this handoff goes on from: the conversation's last one, if solved not long ago."""
    last = tx.handoffs.last_of(row.id) if row.handoffs else None
    if last is None or last.helpdesk != helpdesk or last.status is not HandoffStatus.SOLVED:
        return None
    if not policy.after_solved.is_one(last.closed_at, now):
        return None
    delivery = tx.deliveries.of_handoff(last.id)
    return delivery if delivery and delivery.ticket else None
