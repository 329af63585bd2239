"""
Fin Agent API: you run the channel, Fin answers. Fin's own webhooks bring its words and its status; the customer's words
come only if your server posts what it sends to Fin (`/fin/start`, `/fin/reply`) here as well, signed the same way.

source: intercom/Intercom-OpenAPI@88896257 descriptions/2.16/api.intercom.io.yaml (fin_agent_*) and
developers.intercom.com/docs/guides/fin-agent-api/setup, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, each_once, flat, key, mapping, moment, rows, text
from connectors.signing import hmac_hex, matching_signature
from connectors.vendors.html import words
from packets.event import (
    Attachment,
    Author,
    BotOutcome,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    Role,
    Turn,
)

# What Fin calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "fin_replied": EventKind.MESSAGE_CREATED,
    "fin_status_updated": EventKind.CONVERSATION_UPDATED,  # and see STATUS
    "csat_requested": None,
    "fin_reply_chunk": None,  # pieces of a reply that comes whole
}
# `status` → our kind. What is not here is unknown.
STATUS: Mapping[str, EventKind | None] = {
    "escalated": EventKind.HANDOFF_REQUESTED,
    "resolved": EventKind.CONVERSATION_ENDED,
    "complete": EventKind.CONVERSATION_UPDATED,  # Fin's workflow is over, not the conversation
    "awaiting_user_reply": None,
    "thinking": None,
    "replying": None,
}
ROLES: Mapping[str, Role] = {"user": Role.CUSTOMER, "agent": Role.AGENT, "fin": Role.BOT}
# The beginning of `reason` → why people are needed, and who wants them.
REASONS: Mapping[str, tuple[str, str]] = {
    "Escalation requested by user": ("customer_request", "customer"),
    "Escalation rule": ("rule", "rule"),
    "Routed to team": ("rule", "rule"),
    "Conversation finished without resolution": ("bot_failure", "bot"),
}
HEADER = "x-fin-agent-api-webhook-signature"
_RULE = "Escalation rule: "


class Fin:
    """The adapter. The secret is the webhook secret of the Fin Agent API settings, not the app's client secret."""

    name = "fin"
    options: Mapping[str, str] = {}
    capabilities = VendorCapabilities(
        tells=frozenset(NoticeKind), repeatable=frozenset(NoticeKind), connects_later=frozenset()
    )

    def check(self, account: VendorAccount) -> None:
        """Every secret will do."""

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        offered = webhook.headers.get(HEADER, "").removeprefix("sha256=")
        number = matching_signature([offered], account.secrets, lambda secret: hmac_hex(secret, webhook.body))
        return Verified(_event_id(mapping(json_body(webhook.body))), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        name = text(body.get("event_name"))
        if name is None and "message" not in body:
            raise MalformedWebhook("the body must be an event with event_name, or what was sent to Fin, with message")
        if name is not None and name not in KINDS:
            raise UnsupportedEvent(name[:100])
        status = text(body.get("status"))
        if name == "fin_status_updated" and status not in STATUS:
            raise UnsupportedEvent(f"fin_status_updated {status or ''}"[:100].strip())
        kind = STATUS[status or ""] if name == "fin_status_updated" else KINDS[name] if name else None
        if name is not None and kind is None:
            return ()
        if key(body.get("conversation_id")) is None:
            raise MalformedWebhook("there is no conversation_id")
        if kind is None:
            if text(at(body, "message", "body")) is None:
                raise MalformedWebhook("what was sent to Fin has no message.body")
            return each_once(_sent_to_fin(body, webhook, account))
        return (_by_fin(body, kind, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # Fin reads only the status

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        signature = "sha256=" + hmac_hex(account.secrets[0], webhook.body)
        return replace(webhook, headers={**webhook.headers, HEADER: signature})


def _event_id(body: Mapping[str, Any]) -> str:
    """Fin gives none. Of two replies within a millisecond the messages differ."""
    message = mapping(body.get("message"))
    what = (body.get("event_name"), text(body.get("status")), text(body.get("created_at_ms")))
    return derived_id("fin", key(body.get("conversation_id")), *what, _message_id(message, body) if message else None)


def _message_id(message: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Only Fin's messages may have an id. Fin tells ours apart by author and time; its own may share a time."""
    author, when = text(message.get("author")), text(message.get("timestamp_ms")) or text(message.get("timestamp"))
    said = text(message.get("body")) if author == "fin" or when is None else None
    return key(message.get("id")) or derived_id("fin", key(body.get("conversation_id")), author, when, said)


def _event(body: Mapping[str, Any], kind: EventKind, when: datetime | None, webhook: Webhook, source: str) -> Event:
    user = mapping(body.get("user"))
    user_id = key(body.get("user_id")) or key(user.get("id"))
    return Event(
        event_id=_event_id(body),
        kind=kind,
        source=source,
        conversation=ConversationInfo(vendor_conversation_id=key(body.get("conversation_id")) or ""),
        occurred_at=when or webhook.received_at,
        occurred_at_estimated=when is None,
        received_at=webhook.received_at,
        customer=Customer(
            vendor_user_id=user_id,
            name=text(user.get("name")),
            email=text(user.get("email")),
            attributes=flat(user.get("attributes")),
        ),
    )


def _by_fin(body: Mapping[str, Any], kind: EventKind, webhook: Webhook, account: VendorAccount) -> Event:
    # Named _ms, and an ISO 8601 string.
    event = _event(body, kind, moment(body.get("created_at_ms")), webhook, account.name)
    if kind is EventKind.MESSAGE_CREATED:
        turn = _turn(mapping(body.get("message")), body, Role.BOT)
        return replace(event, turns=(turn,) if turn else ())
    status, reason = text(body.get("status")), text(body.get("reason"))
    asked = _asked(reason)
    return replace(
        event,
        handoff=asked if kind is EventKind.HANDOFF_REQUESTED else None,
        bot_outcome=BotOutcome(
            resolved={"resolved": True, "escalated": False}.get(status or ""),
            resolution_state=status,
            # That the customer, or a rule of theirs, wants people is no failure of the bot.
            failure_reason=reason if asked.reason_code == "bot_failure" else None,
        ),
    )


def _asked(reason: str | None) -> HandoffAsked:
    code, by = next((found for begin, found in REASONS.items() if (reason or "").startswith(begin)), ("other", "bot"))
    rule = reason.removeprefix(_RULE) if reason and reason.startswith(_RULE) else None
    return HandoffAsked(reason_code=code, reason_text=reason, requested_by=by, rule_id=rule)


def _sent_to_fin(body: Mapping[str, Any], webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
    """The history before Fin, if there is one, and the message. After what people said, Fin is given control."""
    message, metadata = mapping(body.get("message")), mapping(body.get("conversation_metadata"))
    past = tuple(turn for row in rows(metadata.get("history")) if (turn := _past_turn(row, body)))
    now = _turn(message, body, ROLES.get(text(message.get("author")) or "", Role.CUSTOMER))
    by_people = any(turn.role is Role.AGENT for turn in past)
    kind = EventKind.CONTROL_RETURNED if by_people else EventKind.MESSAGE_CREATED
    event = replace(
        _event(body, kind, moment(message.get("timestamp")), webhook, account.name),
        turns=(replace(now, attachments=_attachments(body)),) if now else (),
        context=Context(custom_attributes=flat(metadata.get("attributes"))),
    )
    if not past:
        return (event,)
    history = replace(event, event_id=derived_id("fin", "history", event.event_id), kind=EventKind.CONVERSATION_STARTED)
    return (replace(history, turns=past, context=None), event)


def _past_turn(message: Mapping[str, Any], body: Mapping[str, Any]) -> Turn | None:
    """Fin's own earlier words are left out: they came as `fin_replied`, under another id."""
    role = ROLES.get(text(message.get("author")) or "", Role.CUSTOMER)
    return _turn(message, body, role) if role is not Role.BOT else None


def _turn(message: Mapping[str, Any], body: Mapping[str, Any], role: Role) -> Turn | None:
    said = text(message.get("body"))
    if said is None:
        return None
    user_id = key(body.get("user_id")) or key(at(body, "user", "id"))
    return Turn(
        role,
        words(said),
        message_id=_message_id(message, body),
        occurred_at=moment(message.get("timestamp_ms")) or moment(message.get("timestamp")),
        author=Author(id=user_id) if role is Role.CUSTOMER else None,
    )


def _attachments(body: Mapping[str, Any]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(text(row.get("url")), name=text(row.get("name")), mime_type=text(row.get("content_type")))
        for row in rows(body.get("attachments"))
    )
