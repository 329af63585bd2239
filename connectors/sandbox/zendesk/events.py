"""
Zendesk's event webhooks: which events one change makes, their bodies, the signature, and when one is sent again.
source: Zendesk, "Ticket events" and "Verifying webhooks", a recorded delivery of 2023, read 2026-11-21.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.sandbox.desk import WebhookCall
from connectors.sandbox.zendesk import shapes
from connectors.sandbox.zendesk.account import Ticket

PREFIX: Final = "zen:event-type:ticket."
WEBHOOK_ID: Final = "01SANDBOXWEBHOOK0000000000"
# Field changed → (event, whether its values are written in capitals).
CHANGES: Final = {
    "status": ("status_changed", True),
    "priority": ("priority_changed", True),
    "assignee_id": ("agent_assignment_changed", False),
    "group_id": ("group_assignment_changed", False),
    "tags": ("tags_changed", False),
    "external_id": ("external_id_changed", False),
}

Event = tuple[str, dict[str, Any]]


def calls_of(
    ticket: Ticket, audit: Mapping[str, Any], users: Mapping[int, Mapping[str, Any]], now: datetime, *, created: bool
) -> list[WebhookCall]:
    """The webhooks of one audit. Several events of one action share the sequence id."""
    events = list(_events(audit, users, created))
    sequence = uuid.uuid4().hex
    return [
        _call(ticket, kind, event, audit["author_id"], now, {"id": sequence, "position": position})
        for position, (kind, event) in enumerate(events, start=1)
    ]


def rated(ticket: Ticket, now: datetime, score: str, before: Mapping[str, Any] | None) -> WebhookCall:
    """The customer's rating. The event's name is known from connector sources only, its inside is unverified."""
    event = {"current": score.upper(), "previous": before["score"].upper() if before else None}
    return _call(ticket, "csat_received", event, ticket.values["requester_id"], now, {"id": uuid.uuid4().hex})


def _events(audit: Mapping[str, Any], users: Mapping[int, Mapping[str, Any]], created: bool) -> Iterator[Event]:
    if created:
        yield "created", {}
    for event in audit["events"]:
        if event["type"] == "Comment":
            yield "comment_added", {"comment": _comment(event, users)}
        elif event["type"] == "Change" and event["field_name"] in CHANGES:
            kind, capitals = CHANGES[event["field_name"]]
            values = {"current": event["value"], "previous": event["previous_value"]}
            yield kind, {key: _capitals(value) if capitals else value for key, value in values.items()}


def _comment(event: Mapping[str, Any], users: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    author = users[event["author_id"]]
    return {
        "id": str(event["id"]),
        "body": event["body"],
        "is_public": event["public"],
        "author": {"id": str(author["id"]), "is_staff": author["role"] != "end-user", "name": author["name"]},
    }


def _call(
    ticket: Ticket, kind: str, event: Mapping[str, Any], actor_id: int, now: datetime, sequence: Mapping[str, Any]
) -> WebhookCall:
    ticket_id = str(ticket.values["id"])
    envelope = {
        "account_id": shapes.ACCOUNT_ID,
        "detail": _detail(ticket, actor_id),
        "event": {**event, "meta": {"sequence": dict(sequence)}},
        "id": str(uuid.uuid4()),
        "subject": f"zen:ticket:{ticket_id}",
        "time": now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
        "type": PREFIX + kind,
        "zendesk_event_version": "2022-11-06",
    }
    # Recorded: three blanks, sorted keys, a newline at the end.
    body = json.dumps(envelope, indent=3, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    return WebhookCall(PREFIX + kind, ticket_id, body, _headers())


def trigger_call(ticket: Ticket, body: bytes) -> WebhookCall:
    """What a trigger sends: a body somebody wrote."""
    return WebhookCall("conditional_ticket_events", str(ticket.values["id"]), body, _headers())


def _headers() -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Zendesk Webhook",
        "X-Zendesk-Account-Id": str(shapes.ACCOUNT_ID),
        "X-Zendesk-Webhook-Id": WEBHOOK_ID,
        "X-Zendesk-Webhook-Invocation-Id": uuid.uuid4().hex.upper()[:26],  # the same on every attempt
    }


def _detail(ticket: Ticket, actor_id: int) -> dict[str, Any]:
    values = ticket.values
    return {
        "actor_id": str(actor_id),
        "assignee_id": _id(values["assignee_id"]),
        "brand_id": str(values["brand_id"]),
        "created_at": values["created_at"],
        "custom_status": str(values["custom_status_id"]),
        "description": values["description"],
        "external_id": values["external_id"],
        "form_id": str(values["ticket_form_id"]),
        "group_id": _id(values["group_id"]),
        "id": str(values["id"]),
        "is_public": values["is_public"],
        "organization_id": _id(values["organization_id"]),
        "priority": _capitals(values["priority"]),
        "requester_id": str(values["requester_id"]),
        "status": _capitals(values["status"]),
        "subject": values["subject"],
        "submitter_id": str(values["submitter_id"]),
        "tags": values["tags"],
        "type": _capitals(values["type"]),
        "updated_at": values["updated_at"],
        "via": {"channel": "web_service"},
    }


def _id(value: int | None) -> str:
    return str(value) if value else "0"  # a missing number is "0" (recorded for users)


def _capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """base64(HMAC-SHA256(secret as it is, timestamp + raw body)), nothing between the two."""
    return base64.b64encode(hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()).decode()


def signed(body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers of one attempt; the timestamp is the attempt's, not the event's."""
    timestamp = shapes.stamp(now)
    return {
        "X-Zendesk-Webhook-Signature": signature(secret, timestamp, body),
        "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
    }


def retry_in(attempts: int, status: int | None, retry_after: float | None) -> float | None:
    """Seconds to the next attempt after `attempts`; None = no more."""
    if status is None:
        return 1.0 if attempts < 5 else None
    if status == 409:
        return 1.0 if attempts < 3 else None
    if status in (429, 503) and retry_after is not None and retry_after < 60:
        return retry_after if attempts < 5 else None
    return None
