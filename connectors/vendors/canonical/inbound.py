"""
The canonical vendor: how any chatbot without an adapter of its own, and our own tests, speak to us.

Standard Webhooks headers; body `{type, timestamp, data}` with the event types and objects of docs/vendors.md,
published as JSON Schema under /schemas/.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.signing import sign_standard_webhook, standard_webhooks_key, verify_standard_webhook
from packets.event import Event, EventKind
from packets.schemas.canonical import UnknownEventType, kind_of, parse_event
from packets.schemas.fields import pointers

UNUSED = frozenset({EventKind.ENDPOINT_PING})  # known, and nothing needed from it


class Canonical:
    """The adapter. `webhook-id` is the dedupe key: the specification keeps it the same over re-deliveries."""

    name = "canonical"
    options: Mapping[str, str] = {}
    capabilities = VendorCapabilities(
        decides=True,
        tells=frozenset(NoticeKind),
        repeatable=frozenset(NoticeKind),
        connects_later=frozenset(),
    )

    def check(self, account: VendorAccount) -> None:
        for secret in account.secrets:
            standard_webhooks_key(secret)

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        webhook_id, number = verify_standard_webhook(
            webhook.headers, webhook.body, account.secrets, webhook.received_at
        )
        if len(webhook_id) > 255 or not webhook_id.isprintable():
            raise MalformedWebhook("the webhook-id header is longer than 255 characters or not printable")
        return Verified(webhook_id, number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        envelope = json_body(webhook.body)
        if not isinstance(envelope, dict):
            raise MalformedWebhook("the body must be a JSON object {type, timestamp, data}")
        # The sender's own id of the event, where it gives one, is in `data`; else the call's id is the event's.
        webhook_id = webhook.headers.get("webhook-id") or webhook.headers["svix-id"]
        try:
            if kind_of(envelope) in UNUSED:
                return ()
            return (parse_event(envelope, source=account.name, event_id=webhook_id, received_at=webhook.received_at),)
        except UnknownEventType as error:
            raise UnsupportedEvent(error.kind) from None
        except ValidationError as error:
            raise MalformedWebhook("the event does not fit its schema", pointers(error)) from None

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer(json.dumps(told, separators=(",", ":")).encode())

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        webhook_id = webhook.headers.get("webhook-id") or f"msg_{secrets.token_hex(12)}"
        now = int(webhook.received_at.timestamp())
        signature = sign_standard_webhook(account.secrets[0], webhook_id, now, webhook.body)
        told = {"webhook-id": webhook_id, "webhook-timestamp": str(now), "webhook-signature": signature}
        return replace(webhook, headers={**webhook.headers, **told})
