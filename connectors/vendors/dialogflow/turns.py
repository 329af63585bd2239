"""
The one turn a Dialogflow CX request is about, and what the bot has queued to say to it. The request gives neither a
time nor a transcript.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.ports import VendorAccount
from connectors.reading import at, key, number, rows, share, text
from packets.event import Intent, Nlu, Role, Sentiment, Turn

NO_MATCH = "sys.no-match-"
NEGATIVE_INTENT = "/00000000-0000-0000-0000-000000000001"  # the agent's "this is none of mine" intent
_SURE = 0.25  # sentiment nearer to 0 than this is neutral


def customer_turn(request: Mapping[str, Any], account: VendorAccount) -> Turn | None:
    """None: nobody said anything (an event of the channel, silence)."""
    words, content_type = _said(request)
    if words is None:
        return None
    return Turn(
        Role.CUSTOMER,
        words,
        message_id=_turn_id(request),
        content_type=content_type,
        nlu=_nlu(request, account),
        sentiment=_sentiment(request),
    )


def queued_turns(request: Mapping[str, Any]) -> tuple[Turn, ...]:
    """What the page queued before it called us. A later call of the same turn tells it again, at the same place."""
    turn_id = _turn_id(request)
    found = []
    for place, message in enumerate(rows(request.get("messages")), start=1):
        said = at(message, "text", "text")
        words = "\n".join(line for line in said if isinstance(line, str)).strip() if isinstance(said, list) else ""
        if words:
            found.append(Turn(Role.BOT, words, message_id=f"{turn_id}.{place}" if turn_id else None))
    return tuple(found)


def _turn_id(request: Mapping[str, Any]) -> str | None:
    return key(request.get("detectIntentResponseId"))


def _said(request: Mapping[str, Any]) -> tuple[str | None, str]:
    """Exactly one of five stands in a request."""
    for name in ("text", "transcript"):
        if words := text(request.get(name)):
            return words, "text"
    if digits := text(request.get("dtmfDigits")):
        return digits, "choice"
    if text(request.get("triggerIntent")):  # a button: the intent's name is what was chosen
        return text(at(request, "intentInfo", "displayName")), "choice"
    event = text(request.get("triggerEvent"), 200) or ""
    return (f"[{event}]", "event") if event.startswith(NO_MATCH) else (None, "event")


def _nlu(request: Mapping[str, Any], account: VendorAccount) -> Nlu:
    intent = at(request, "intentInfo")
    name, matched = text(at(intent, "displayName")), text(at(intent, "lastMatchedIntent"))
    is_fallback = _is_fallback(request, matched or "", account)
    return Nlu(
        Intent(name, id=matched, confidence=share(at(intent, "confidence"))) if name else None,
        is_fallback=is_fallback,
        # The last intent that matched, perhaps turns ago; its confidence goes with it.
        intent_is_current=not is_fallback and account.options.get("intent") == "current",
    )


def _is_fallback(request: Mapping[str, Any], matched: str, account: VendorAccount) -> bool:
    event, tag = text(request.get("triggerEvent")) or "", text(at(request, "fulfillmentInfo", "tag"))
    tags = {name.strip() for name in account.options.get("fallback_tags", "").split(",")} - {""}
    return event.startswith(NO_MATCH) or matched.endswith(NEGATIVE_INTENT) or tag in tags


def _sentiment(request: Mapping[str, Any]) -> Sentiment | None:
    told = at(request, "sentimentAnalysisResult")
    score = number(at(told, "score"))
    if score is None or not -1 <= score <= 1:
        return None
    label = "positive" if score >= _SURE else "negative" if score <= -_SURE else "neutral"
    return Sentiment(label, score, magnitude=number(at(told, "magnitude")))
