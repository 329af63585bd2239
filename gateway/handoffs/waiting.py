"""
A warm handoff that waits for somebody's accept (`warm` of its route): how it begins, and the two ways it ends. The
ending is one conditional UPDATE, so that an accept and the time that runs out have one outcome between them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.db.work import Work
from gateway.handoffs.store import Handoff, WaitEnd
from packets.conversation import Conversation, Holder
from packets.decision import Mode
from policies.model import PolicySet

if TYPE_CHECKING:
    from gateway.wiring import Transaction


def with_wait(
    handoff: Handoff,
    policy: PolicySet,
    conversation: Conversation,
    *,
    possible: bool,
    nobody_is_free: bool,
    now: datetime,
) -> Handoff:
    """
    The handoff as it opens. A conversation that has ended has nobody in it to wait. possible: its vendor can be told
    later to put the customer through; otherwise that is done at once, and the handoff says so. nobody_is_free: the wait
    is over before it has begun.
    """
    wait = policy.route(handoff.route).warm
    if wait is None or handoff.mode != Mode.WARM or conversation.course.ended:
        return handoff
    if nobody_is_free:
        return replace(handoff, mode=wait.otherwise.value, wait_ended=WaitEnd.NOBODY, wait_ended_at=now)
    if not possible:
        return replace(handoff, mode=Mode.COLD.value, wait_ended=WaitEnd.IMPOSSIBLE, wait_ended_at=now)
    return replace(handoff, accept_by=now + wait.within)


def begin_wait(tx: Transaction, handoff: Handoff, policy: PolicySet, now: datetime) -> None:
    """Ask people at once, and look again when the time is over."""
    wait = policy.route(handoff.route).warm
    if wait is None or handoff.accept_by is None:
        return
    tx.climb(handoff.id, wait.ladder, now)
    tx.later(Work("end_wait", handoff.id, handoff.accept_by))


def somebody_came(tx: Transaction, handoff: Handoff, now: datetime) -> None:
    """Whoever accepts, is assigned, answers or solves it: the customer may be put through."""
    if handoff.awaits_accept:
        tx.handoffs.end_wait(handoff.id, WaitEnd.ACCEPTED, now)


def nobody_came(tx: Transaction, handoff: Handoff, policy: PolicySet, now: datetime) -> bool:
    """
    The time is over: on to what the route says for that. The ladder goes on. False: it waits no more, or not yet; or
    somebody has come at the vendor's own side meanwhile, and nobody is to be put through on top of that.

    handoff: locked. policy: at its revision.
    """
    if not handoff.awaits_accept or (handoff.accept_by and handoff.accept_by > now):
        return False
    row = tx.conversations.get(handoff.conversation_id)
    if row is not None and row.state.holder is Holder.HUMAN:
        somebody_came(tx, handoff, now)
        return False
    wait = policy.route(handoff.route).warm
    mode = wait.otherwise if wait else Mode.COLD
    if not tx.handoffs.end_wait(handoff.id, WaitEnd.NOBODY, now, mode=mode.value):
        return False
    tx.tell_vendor(handoff, now)
    tx.tell_chats(handoff.id, now)
    return True


def words_for_now(
    handoff: Handoff, policy: PolicySet, conversation: Conversation, rules_words: str | None
) -> str | None:
    """
    What the customer is told about where the handoff stands: that a colleague is being asked, that nobody could come,
    or the rule's own words. policy: at the handoff's revision.
    """
    wait = policy.route(handoff.route).warm
    language = conversation.language or conversation.customer.locale
    if wait is not None and handoff.awaits_accept:
        return policy.script(wait.say, language)
    if wait is not None and handoff.wait_ended is WaitEnd.NOBODY and wait.else_say:
        return policy.script(wait.else_say, language)
    return rules_words
