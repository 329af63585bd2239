"""
What an account's automation rule "Trigger webhook" sends us. Pure.

Freshdesk signs nothing: the call proves itself by a secret header, and its content is only a hint. Whatever it says,
we answer "something happened to this ticket", and the gateway reads the ticket.
source: "Using Webhooks in automation rules" (support.freshdesk.com/support/solutions/articles/132589), read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook
from connectors.helpdesks.bearer import matching_token
from connectors.helpdesks.freshdesk.wire import moment
from connectors.ports import Verified, Webhook
from packets.draft import ChangeKind, StatusChange

# Ours, from the README's template: {"ticket_id", "event", "status", "updated_at"}; and Freshdesk's own "simple" form.
SIMPLE = "freshdesk_webhook"
LONGEST_ID = 20


class FreshdeskInbound:
    """Reads Freshdesk's webhooks; see connectors.ports.HelpdeskInbound."""

    name = "freshdesk"

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> Verified:
        """Raises SignatureRejected."""
        return Verified(_dedupe_key(webhook), matching_token(webhook.headers, secrets))

    def parse(self, webhook: Webhook, own_user_ids: frozenset[str] = frozenset()) -> tuple[StatusChange, ...]:
        """One hint with the ticket's id. Raises MalformedWebhook."""
        told = _told(webhook.body)
        ticket_id = _ticket_id(told)
        if ticket_id is None:
            raise MalformedWebhook("no ticket in it", (("/ticket_id", "expected the ticket's number"),))
        return (
            StatusChange(
                change_id=_dedupe_key(webhook),
                ticket_id=ticket_id,
                kind=ChangeKind.HINT,
                occurred_at=moment(told.get("updated_at")) or webhook.received_at.astimezone(UTC),
            ),
        )


def _told(raw: bytes) -> dict[str, Any]:
    body = json_body(raw)
    told = body.get(SIMPLE, body) if isinstance(body, dict) else None
    if not isinstance(told, dict):
        raise MalformedWebhook("not the webhook of our template", (("", "expected an object with a ticket_id"),))
    return told


def _ticket_id(told: Mapping[str, Any]) -> str | None:
    value = told.get("ticket_id")
    text = "" if isinstance(value, bool | float) else str(value if value is not None else "").strip()
    return text if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else None


def _dedupe_key(webhook: Webhook) -> str:
    """
    Freshdesk gives a delivery no id. Ticket, event, status and `updated_at` name one; a body without a time (the simple
    form) says the same words each time the same thing happens again, so the second it came counts too: a hint read
    twice costs one GET, a hint thrown away costs a wrong clock.
    """
    try:
        told = _told(webhook.body)
    except MalformedWebhook:
        told = {}
    said_at = told.get("updated_at")
    # An unfilled placeholder is not a time.
    if _ticket_id(told) and isinstance(said_at, str) and said_at.strip() and "{{" not in said_at:
        parts = [str(told.get(name)) for name in ("ticket_id", "event", "status", "updated_at")]
        material = json.dumps(parts).encode()
    else:
        material = webhook.body + webhook.received_at.astimezone(UTC).isoformat(timespec="seconds").encode()
    return "fd-" + hashlib.sha256(material).hexdigest()[:40]
