"""
What a card says of a handoff. Pure, and made of names, ids and the policy's own texts alone: neither the conversation
nor the packet is at hand here, so that nothing a customer has written can come into a chat.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connectors.ports import Card, Press
from gateway.handoffs.store import Handoff
from gateway.notify.model import Message, Purpose, Run, standing
from policies.model import PolicySet

_ON_THE_LINE = "{route}: a customer stays with the bot until somebody accepts"  # a warm handoff that waits
_HEADLINES = {
    Purpose.WARNING: "{route}: soon due, and nobody has it",
    Purpose.STEP: "{route}: overdue, and nobody has come",
    Purpose.ASK: "{route}: can you take this one?",
    Purpose.MANAGER: "{route}: overdue, find somebody",
    Purpose.FALLBACK: "{route}: overdue, and nobody could be reached",
    Purpose.REMINDER: "{route}: call the customer back soon",
    Purpose.TAKEN: "{route}: somebody has come",
}


def card_of(
    message: Message,
    handoff: Handoff,
    run: Run | None,
    policy: PolicySet,
    *,
    ticket_url: str | None,
    links: Mapping[Press, str],
    call_at: datetime | None = None,
) -> Card:
    """policy: at the handoff's revision. links: for chats without signed buttons. call_at: of a reminder."""
    route = policy.route(handoff.route)
    now, by = standing(handoff, run)
    why, do_next = _reason(handoff, policy)
    waits = handoff.awaits_accept and message.purpose is not Purpose.TAKEN
    return Card(
        id=message.id,
        handoff_id=handoff.id,
        headline=(_ON_THE_LINE if waits else _HEADLINES[message.purpose]).format(route=route.label),
        route=route.label,
        tier=handoff.tier,
        due_at=call_at or (handoff.accept_by if waits else None) or handoff.respond_by,
        why=why,
        do_next=do_next,
        asked=message.asked,
        task=message.purpose is Purpose.MANAGER,
        ticket_url=ticket_url,
        links=links,
        standing=now,
        by=by,
    )


def _reason(handoff: Handoff, policy: PolicySet) -> tuple[str, str]:
    """The rule's own why, and its playbook's first thing to do."""
    rule = next((rule for rule in policy.rules if rule.id in handoff.because[:1]), None)
    playbook = (rule and rule.then.playbook) or policy.default_playbook or ""
    do_next = (rule and rule.then.recommend) or policy.playbooks.get(playbook, "")
    return rule.why if rule else "", do_next
