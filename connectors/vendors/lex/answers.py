"""
What Lex V2 and Connect do next: Lex closes the intent or goes on by itself, Connect gets a flat map of strings to
branch on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connectors.reading import at, mapping, text

_TOLD = ("handoff_id", "transfer", "route", "tier", "respond_by", "announcement")


def lex_answer(
    event: Mapping[str, Any], decision: Mapping[str, Any], mark: Mapping[str, str], *, handoff_intents: Collection[str]
) -> dict[str, Any]:
    """
    People have it: `Close`, and the flow that called the bot branches on `baton_handoff_id`. Otherwise `Delegate`: Lex
    goes on as without us. Whoever is to be called back hears the words and gets no id to branch on: flows put callers
    into a queue by it. mark: a session attribute for the next hook.
    """
    decision = _without_queue(decision)
    state = mapping(event.get("sessionState"))
    words = text(decision.get("customer_message"))
    called_back = decision.get("transfer") == "callback"
    handed_off = text(decision.get("handoff_id")) is not None or (called_back and words is not None)
    attributes = {**_strings(state.get("sessionAttributes")), **mark}
    attributes |= {f"baton_{name}": value for name in _TOLD if (value := text(decision.get(name)))}
    if words and not handed_off:
        attributes["baton_message"] = words  # an offer: the bot's own prompts may show it
    if "handoff_id" not in decision:
        attributes.pop("baton_handoff_id", None)  # people are done, or call back
    next_state: dict[str, Any] = {
        "sessionAttributes": attributes,
        "dialogAction": {"type": "Close" if handed_off else "Delegate"},
        "intent": _intent(state, event, handed_off=handed_off, handoff_intents=handoff_intents),
    }
    if isinstance(state.get("activeContexts"), list):
        next_state["activeContexts"] = state["activeContexts"]
    said = [{"contentType": "PlainText", "content": words}] if words and handed_off else []
    return {"sessionState": next_state, **({"messages": said} if said else {})}


def connect_answer(decision: Mapping[str, Any]) -> dict[str, str]:
    """Strings only, one level: whatever else makes the block fail."""
    decision = _without_queue(decision)
    names = ("action", *_TOLD, "customer_message")
    return {name: told for name in names if (told := text(decision.get(name)))}


def _without_queue(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    called_back = decision.get("transfer") == "callback"
    return {name: told for name, told in decision.items() if not (called_back and name == "handoff_id")}


def _intent(
    state: Mapping[str, Any], event: Mapping[str, Any], *, handed_off: bool, handoff_intents: Collection[str]
) -> dict[str, Any]:
    """The intent at work, as it came. Closed: done if it was the wish for a person, else not done."""
    intent = dict(mapping(state.get("intent")) or mapping(at(event, "interpretations", 0, "intent")))
    intent.setdefault("name", "FallbackIntent")
    if handed_off:
        intent["state"] = "Fulfilled" if intent["name"] in tuple(handoff_intents) else "Failed"
    return intent


def _strings(value: Any) -> dict[str, str]:
    return {name: told for name, told in mapping(value).items() if isinstance(told, str)}
