"""
The one turn a Lex V2 event is about. Two hooks of one utterance must be one turn, and Lex gives no id for it
(`originatingRequestId` is of the session): the first hook's answer leaves a mark in the session, the second brings it.

source: https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html, aws/aws-lambda-dotnet@83149216 (test
events), read 2026-11-21.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from connectors.reading import at, rows, share, text
from packets.event import Entity, Intent, Nlu, Role, Sentiment, Turn

TURN_MARK = "baton_turn"  # a session attribute
FALLBACK_INTENTS = frozenset({"FallbackIntent", "AMAZON.FallbackIntent"})
SENTIMENTS = frozenset({"negative", "neutral", "positive", "mixed"})


def customer_turn(event: Mapping[str, Any], webhook_id: str) -> Turn | None:
    """None: nobody said anything (the first call of a session, silence)."""
    words = text(event.get("inputTranscript"))
    if words is None:
        return None
    return Turn(
        Role.CUSTOMER,
        words,
        message_id=turn_id(event, webhook_id),
        content_type="choice" if event.get("inputMode") == "DTMF" else "text",
        nlu=_nlu(event),
        sentiment=_sentiment(at(event, "interpretations", 0, "sentimentResponse")),
    )


def turn_id(event: Mapping[str, Any], webhook_id: str) -> str:
    """A fulfillment hook belongs to the dialog hook before it, if both are about the same words."""
    said = hashlib.sha256((text(event.get("inputTranscript")) or "").encode("utf-8", "replace")).hexdigest()[:12]
    mark = text(at(event, "sessionState", "sessionAttributes", TURN_MARK), 200)
    if event.get("invocationSource") == "FulfillmentCodeHook" and mark and mark.endswith(f".{said}"):
        return mark
    return f"{webhook_id[:180]}.{said}"


def slots(event: Mapping[str, Any]) -> dict[str, str]:
    """Filled ones of the intent at work; a list's values are joined."""
    found = {}
    told = at(event, "sessionState", "intent", "slots") or at(event, "interpretations", 0, "intent", "slots")
    for name, slot in told.items() if isinstance(told, Mapping) else ():
        listed = [_value(row) for row in rows(at(slot, "values"))]
        value = ", ".join(one for one in listed if one) or _value(slot)
        if value is not None and text(name):
            found[name] = value
    return found


def _value(slot: Any) -> str | None:
    return text(at(slot, "value", "interpretedValue")) or text(at(slot, "value", "originalValue"))


def _nlu(event: Mapping[str, Any]) -> Nlu | None:
    best = at(event, "interpretations", 0)
    name = text(at(best, "intent", "name"), 200)
    if name is None:
        return None
    told = at(best, "nluConfidence")
    confidence = share(told) if share(told) is not None else share(at(told, "score"))  # two spellings
    entities = tuple(Entity(slot, value) for slot, value in slots(event).items())
    is_fallback = name in FALLBACK_INTENTS
    return Nlu(Intent(name, confidence=None if is_fallback else confidence), entities, is_fallback=is_fallback)


def _sentiment(told: Any) -> Sentiment | None:
    label = (text(at(told, "sentiment")) or "").lower()
    positive, negative = (share(at(told, "sentimentScore", side)) for side in ("positive", "negative"))
    score = round(positive - negative, 6) if positive is not None and negative is not None else None
    if label not in SENTIMENTS and score is None:
        return None
    return Sentiment(label if label in SENTIMENTS else "unknown", score)
