"""
What Zendesk's webhooks tell us. Pure.

An event-subscribed webhook says exactly what happened. A trigger's webhook has a body its admin wrote, so it is only a
hint, and the gateway reads the ticket. Both are signed the same way.
source: developer.zendesk.com/documentation/webhooks/verifying and …/event-types/ticket-events, read 2026-11-21.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.helpdesks.zendesk.answers import moment, status
from connectors.helpdesks.zendesk.wire import PRIORITIES
from connectors.ports import Verified, Webhook
from packets.draft import ChangeKind, StatusChange

# What Zendesk calls it → what we call it. None: we know it and need nothing from it.
KINDS = {
    "comment_added": ChangeKind.HUMAN_REPLIED,
    "status_changed": ChangeKind.STATUS_CHANGED,
    "agent_assignment_changed": ChangeKind.ASSIGNED,
    "priority_changed": ChangeKind.PRIORITY_CHANGED,
    "csat_received": ChangeKind.RATED,
    "soft_deleted": ChangeKind.STATUS_CHANGED,
    "permanently_deleted": ChangeKind.STATUS_CHANGED,
    "marked_as_spam": ChangeKind.STATUS_CHANGED,
    # Reading the ticket tells what came of it.
    "merged": ChangeKind.HINT,
    "undeleted": ChangeKind.HINT,
    "custom_status_changed": ChangeKind.HINT,
    "created": None,
    "comment_made_private": None,
    "comment_redacted": None,
    "group_assignment_changed": None,
    "custom_field_changed": None,
    "tags_changed": None,
    "external_id_changed": None,
    "requester_changed": None,
    "csat_requested": None,
    "sla_policy_changed": None,
    "next_sla_breach_changed": None,
    "schedule_changed": None,
    "ola_policy_changed": None,
}
GONE = frozenset({"soft_deleted", "permanently_deleted", "marked_as_spam"})  # by then the ticket answers 404
PREFIX = "zen:event-type:"
TICKET_PREFIX = PREFIX + "ticket."

# Signs "Test webhook" before a webhook is saved. It is printed in the documentation, so it proves nothing.
TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105
TOLERANCE = timedelta(seconds=300)
LONGEST_ID = 100
NOBODY = (None, "", "0")


class ZendeskInbound:
    """Reads Zendesk's webhooks; see connectors.ports.HelpdeskInbound."""

    name = "zendesk"

    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> Verified:
        """
        base64(HMAC-SHA256(secret as it is, timestamp + raw body)). The timestamp is that of the attempt, not of the
        event, which may be minutes older when it is delivered again.
        """
        timestamp = webhook.headers.get("x-zendesk-webhook-signature-timestamp", "")
        offered = webhook.headers.get("x-zendesk-webhook-signature", "").encode("utf-8", "surrogatepass")
        signed_at = moment(timestamp)
        if signed_at is None or abs(webhook.received_at - signed_at) > TOLERANCE:
            raise SignatureRejected
        message = timestamp.encode("utf-8", "surrogatepass") + webhook.body
        # Every secret is computed, whichever matches: the time taken tells nothing.
        matches = [hmac.compare_digest(_signature(s, message), offered) and _may_sign(s) for s in secrets]
        if True not in matches:
            raise SignatureRejected
        return Verified(_dedupe_key(webhook), matches.index(True))

    def parse(self, webhook: Webhook, own_user_ids: frozenset[str] = frozenset()) -> tuple[StatusChange, ...]:
        """Raises MalformedWebhook. What our own service user did is left out: its echo would answer itself."""
        body = json_body(webhook.body)
        if not isinstance(body, dict):
            raise MalformedWebhook("not a Zendesk webhook", (("", "expected an object"),))
        kind = body.get("type")
        if not (isinstance(kind, str) and kind.startswith(PREFIX)):
            return (_hint(webhook, body),)
        change = KINDS.get(kind.removeprefix(TICKET_PREFIX)) if kind.startswith(TICKET_PREFIX) else None
        if change is None:
            return ()
        detail = _object(body, "detail")
        if str(detail.get("actor_id")) in own_user_ids:
            return ()
        if change is ChangeKind.HUMAN_REPLIED and not _is_human_reply(_object(body, "event"), own_user_ids):
            return ()
        return (_event_change(body, detail, change, webhook.received_at),)


def _event_change(
    body: Mapping[str, Any], detail: Mapping[str, Any], kind: ChangeKind, received_at: datetime
) -> StatusChange:
    """`detail` is the ticket when the webhook was sent, `event.current` the value this event brought."""
    ticket_id, change_id = _ticket_id(detail.get("id")), _text(body.get("id"))
    if ticket_id is None or change_id is None:
        raise MalformedWebhook("not a ticket event", (("/detail/id", "expected a number"), ("/id", "expected an id")))
    event = body.get("event")
    current = event.get("current") if isinstance(event, dict) else None
    is_gone = str(body.get("type")).removeprefix(TICKET_PREFIX) in GONE
    status_word = "deleted" if is_gone else (current if kind is ChangeKind.STATUS_CHANGED else detail.get("status"))
    priority_word = current if kind is ChangeKind.PRIORITY_CHANGED else detail.get("priority")
    return StatusChange(
        change_id=change_id,
        ticket_id=ticket_id,
        kind=kind,
        occurred_at=moment(body.get("time")) or received_at.astimezone(UTC),
        status=status(status_word) if isinstance(status_word, str) and status_word else None,
        priority=PRIORITIES.get(priority_word.lower()) if isinstance(priority_word, str) else None,
        assignee=_text(detail.get("assignee_id")),
        packet_id=_packet_id(detail),
        rating=current.lower() if kind is ChangeKind.RATED and isinstance(current, str) and _text(current) else None,
    )


def _is_human_reply(event: Mapping[str, Any], own_user_ids: frozenset[str]) -> bool:
    """Public, by staff, and not by our own service user, who is staff to Zendesk."""
    comment = _object(event, "comment", at="/event")
    author = _object(comment, "author", at="/event/comment")
    is_ours = str(author.get("id")) in own_user_ids
    return comment.get("is_public") is True and author.get("is_staff") is True and not is_ours


def _hint(webhook: Webhook, body: Mapping[str, Any]) -> StatusChange:
    """A trigger's body as the README's template has it: {"ticket_id": "{{ticket.id}}", "external_id": …}."""
    nested = body.get("ticket")
    told = nested if isinstance(nested, dict) else body
    ticket_id = _ticket_id(told.get("ticket_id", told.get("id")))
    if ticket_id is None:
        raise MalformedWebhook("names no ticket", (("/ticket_id", "expected the ticket's number"),))
    return StatusChange(
        change_id=_dedupe_key(webhook),
        ticket_id=ticket_id,
        kind=ChangeKind.HINT,
        occurred_at=webhook.received_at.astimezone(UTC),
        packet_id=_packet_id(told),
    )


def _packet_id(told: Mapping[str, Any]) -> str | None:
    """Ours stands there from the ticket's first moment on, so "" is a ticket of somebody else's."""
    return _text(told["external_id"]) or "" if "external_id" in told else None


def _dedupe_key(webhook: Webhook) -> str:
    """
    An event's own id, because it is signed. A trigger's body has none: then the invocation id, the same on every
    attempt; and without that header, body and time of signing.
    """
    try:
        body = json_body(webhook.body)
    except MalformedWebhook:
        body = None
    if isinstance(body, dict) and str(body.get("type")).startswith(PREFIX) and (event_id := _text(body.get("id"))):
        return event_id
    invocation = _text(webhook.headers.get("x-zendesk-webhook-invocation-id"))
    signed_at = webhook.headers.get("x-zendesk-webhook-signature-timestamp", "").encode("utf-8", "surrogatepass")
    return invocation or "zd-" + hashlib.sha256(signed_at + webhook.body).hexdigest()[:40]


def _signature(secret: str, message: bytes) -> bytes:
    return base64.b64encode(hmac.new(secret.encode("utf-8", "surrogatepass"), message, hashlib.sha256).digest())


def _may_sign(secret: str) -> bool:
    return bool(secret) and secret != TEST_SECRET


def _object(body: Mapping[str, Any], name: str, at: str = "") -> Mapping[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise MalformedWebhook("not a ticket event", ((f"{at}/{name}", "expected an object"),))
    return value


def _ticket_id(value: object) -> str | None:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdecimal() and len(text) <= 20 else None


def _text(value: object) -> str | None:
    """An id as text; Zendesk writes a missing one as "", "0" or null."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value in NOBODY:
        return None
    text = str(value)
    return text if text.isprintable() and text.strip() and len(text) <= LONGEST_ID else None
