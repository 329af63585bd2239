"""The answer to a vendor: the decision in the words of our HTTP interface (design: outer interfaces)."""

from __future__ import annotations

from typing import Any

from gateway.callbacks.offer import Told
from gateway.handoffs.store import Handoff
from packets.decision import Action, Decision
from packets.render.fields import time_text


def decision_answer(
    decision: Decision, handoff: Handoff | None, *, is_new: bool, callback: Told | None = None
) -> dict[str, Any]:
    """
    The `decision` object. `handoff_id` stands in it whenever people hold the conversation, also on later turns;
    with an escalation `customer_message` only when this very decision opened the handoff (is_new): it is committed by
    the time the bot reads it, and nobody is promised the same person twice. `collect`, what to ask meanwhile, and the
    announcement likewise. `wait_until`: the bot keeps the customer; whoever asks again meanwhile is told so again.
    callback: times at which the customer can be called, or what came of an event about a call; with words of its own.
    """
    answer: dict[str, Any] = {"action": decision.action.value, "rules": list(decision.because)}
    if handoff is not None:
        answer |= {"handoff_id": handoff.id, "transfer": handoff.mode}
        if handoff.accept_by and handoff.awaits_accept:
            answer["wait_until"] = time_text(handoff.accept_by)
    if decision.action is Action.ESCALATE and handoff is not None:
        answer |= {
            "route": handoff.route,
            "tier": handoff.tier,
            "respond_by": time_text(handoff.respond_by),
        }
        if decision.collect and is_new:
            answer["collect"] = list(decision.collect)
        if handoff.announcement and is_new:
            answer["announcement"] = handoff.announcement
    if decision.customer_message and (is_new or decision.action is not Action.ESCALATE):
        answer["customer_message"] = decision.customer_message
    if callback is not None:
        answer["callback"] = dict(callback.body)
        if callback.message:
            answer["customer_message"] = callback.message
    return answer
