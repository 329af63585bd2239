"""
The canonical vendor: how any chatbot without an adapter of its own, and our own tests, speak to us.

Standard Webhooks headers; body `{type, timestamp, data}` with the event types and objects of docs/vendors.md,
published as JSON Schema under /schemas/.
"""

from __future__ import annotations

from collections.abc import Sequence

from marshmallow import ValidationError

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import Verified, Webhook
from connectors.signing import standard_webhooks_key, verify_standard_webhook
from packets.event import Event, EventKind
from packets.schemas.canonical import UnknownEventType, kind_of, parse_event
from packets.schemas.fields import pointers

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
        # The sender's own id of the event, where it gives one, is in `data`; else the call's id is the event's.
        webhook_id = webhook.headers.get("webhook-id") or webhook.headers["svix-id"]
        try:
            if kind_of(envelope) in UNUSED:
                return ()
            return (parse_event(envelope, source=source, event_id=webhook_id, received_at=webhook.received_at),)
        except UnknownEventType as error:
            raise UnsupportedEvent(error.kind) from None
        except ValidationError as error:
            raise MalformedWebhook("the event does not fit its schema", pointers(error)) from None
