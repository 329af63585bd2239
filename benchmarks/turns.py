"""
Ordinary turns, as a web shop's bot would send them: canonical events, signed, over many short conversations. Every text
differs (order numbers, times), so that nothing is fast only because it was seen before; none is a reason for a handoff.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from zlib import crc32

from connectors.signing import sign_standard_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of a gateway that lives for a minute
SOURCE = "shop"

# What the customer says, the intent the bot sees in it, what the bot answers.
TALK = (
    ("Hi, when will order {n} arrive? I ordered it last week.", "order_status",
     "Order {n} left our warehouse on Monday and should be with you in two days."),
    ("And is parcel {n} the one with the green rain jacket in it?", "order_status",
     "Yes, parcel {n} holds the jacket in size L and the matching hat."),
    ("Great, thank you. My neighbour in flat {n} can take it.", "thank_you",
     "I have noted flat {n} for the driver. Is there anything else I can do?"),
    ("Yes, where do I find invoice {n} for it?", "invoice",
     "Under “My orders”. Invoice {n} opens with the small printer sign on the right."),
    ("Found it, thanks, number {n}. Have a nice day.", "goodbye",
     "You are welcome, and enjoy the jacket. Your reference is {n}."),
)  # fmt: skip
TURNS_EACH = 2 * len(TALK)  # turns of one conversation: customer, bot, customer, …


def turn(conversation: str, place: int) -> bytes:
    """The body of turn `place` (from 0) of a conversation."""
    said, intent, answered = TALK[place // 2 % len(TALK)]
    by_customer, number = place % 2 == 0, 100_000 + crc32(f"{conversation}-{place}".encode()) % 900_000
    understood: dict[str, object] = {
        "intent": {"name": intent, "confidence": 0.91},
        "entities": [{"name": "order_number", "value": str(number)}],
        "is_fallback": False,
    }
    text = (said if by_customer else answered).format(n=number)
    return _body(conversation, place, text, understood if by_customer else None)


def asks_for_a_person(conversation: str) -> bytes:
    """The body of a first turn that leads to a handoff."""
    return _body(conversation, 0, "Hi, order 471100 never came. I want to speak to a person please.", {})


def _body(conversation: str, place: int, text: str, nlu: dict[str, object] | None) -> bytes:
    """nlu None: the bot says it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    data: dict[str, object] = {
        "conversation": {"id": conversation, "channel": "web_chat", "language": "en", "started_at": now},
        "customer": {
            "vendor_user_id": f"u-{conversation}",
            "name": "Ana Ruiz",
            "email": f"{conversation}@example.com",
            "attributes": {"tier": "silver"},
        },
        "message": {
            "id": f"{conversation}-m{place}",
            "role": "bot" if nlu is None else "customer",
            "text": text,
            "occurred_at": now,
        },
        "reply_expected": "decision",
    }
    if nlu:
        data["nlu"] = nlu
    return json.dumps({"type": "message.created", "timestamp": now, "data": data}, ensure_ascii=False).encode()


def signed_headers(webhook_id: str, body: bytes) -> dict[str, str]:
    """What the canonical vendor sends beside a body; good for five minutes."""
    timestamp = int(time.time())
    return {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign_standard_webhook(SECRET, webhook_id, timestamp, body),
    }


def http_request(webhook_id: str, body: bytes) -> bytes:
    """One whole call as it goes over the wire, ready before the clock starts."""
    lines = [f"POST /v1/in/{SOURCE} HTTP/1.1", "host: 127.0.0.1", "user-agent: benchmark"]
    lines += [f"{name}: {value}" for name, value in signed_headers(webhook_id, body).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
