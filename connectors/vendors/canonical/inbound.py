"""
The canonical vendor: how any chatbot without an adapter of its own, and our own tests, speak to us.

Standard Webhooks headers; body `{type, timestamp, data}` with the event types and objects of docs/vendors.md,
published as JSON Schema under /schemas/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import Verified, Webhook
from connectors.signing import standard_webhooks_key, verify_standard_webhook
from packets.event import Event, EventKind
from packets.schemas.canonical import parse_event

KINDS = frozenset(EventKind)
UNUSED = frozenset({EventKind.ENDPOINT_PING})  # known, and nothing needed from it


class Canonical:
    """The adapter. `webhook-id` is the dedupe key: the specification keeps it the same over re-deliveries."""

    name = "canonical"

    def check_secret(self, secret: str) -> None:
        standard_webhooks_key(secret)

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> Verified:
        webhook_id, number = verify_standard_webhook(webhook.headers, webhook.body, secrets, webhook.received_at)
        if len(webhook_id) > 255 or not webhook_id.isprintable():
            raise MalformedWebhook("the webhook-id header is longer than 255 characters or not printable")
        return Verified(webhook_id, number)

    def parse(self, webhook: Webhook, source: str) -> tuple[Event, ...]:
        envelope = json_body(webhook.body)
        if not isinstance(envelope, dict):
            raise MalformedWebhook("the body must be a JSON object {type, timestamp, data}")
        kind = envelope.get("type")
        if isinstance(kind, str) and kind not in KINDS:
            raise UnsupportedEvent(kind[:100])
        if kind in UNUSED:
            return ()
        event_id = webhook.headers.get("webhook-id") or webhook.headers["svix-id"]
        try:
            return (parse_event(envelope, source=source, event_id=event_id, received_at=webhook.received_at),)
        except ValidationError as error:
            problems = tuple(_problems(error.messages_dict))
            raise MalformedWebhook("the event does not fit its schema", problems) from None


def _problems(messages: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """marshmallow's nested messages as (JSON pointer, text)."""
    for key, value in messages.items():
        here = path if key == "_schema" else f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, Mapping):
            yield from _problems(value, here)
        else:
            yield here, " ".join(str(text) for text in value)
