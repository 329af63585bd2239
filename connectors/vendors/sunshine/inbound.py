"""
Zendesk messaging's webhooks (Sunshine Conversations v2): one call carries several events, each stands for itself.

source: zendesk/sunshine-conversations-python@1bfa05bf docs (Webhook, ConversationMessageEvent, Switchboard*), read
2026-11-21. The call proves only that it knows the webhook's secret: neither body nor time is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, each_once, flag, flat, key, mapping, moment, rows, text
from connectors.signing import matching_signature
from connectors.vendors.sunshine.wire import CHANNELS, OUR_MARK, is_ambiguous, role_of, turn_of
from packets.event import (
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    Role,
    Turn,
)

# What Zendesk calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "conversation:message": EventKind.MESSAGE_CREATED,
    "conversation:postback": EventKind.MESSAGE_CREATED,  # a button was pressed
    "conversation:create": EventKind.CONVERSATION_STARTED,
    "conversation:referral": EventKind.CONVERSATION_UPDATED,
    "switchboard:passControl": EventKind.CONVERSATION_UPDATED,  # and see _switched
    "switchboard:offerControl": EventKind.CONVERSATION_UPDATED,  # and see _switched
    "switchboard:acceptControl": EventKind.CONVERSATION_UPDATED,
    "switchboard:releaseControl": EventKind.CONTROL_RETURNED,
    "switchboard:passControl:failure": EventKind.CONVERSATION_UPDATED,  # with a warning
    "switchboard:offerControl:failure": EventKind.CONVERSATION_UPDATED,
    "switchboard:acceptControl:failure": None,
    "switchboard:releaseControl:failure": None,
    "conversation:read": None,
    "conversation:typing": None,
    "conversation:join": None,
    "conversation:leave": None,
    "conversation:remove": None,
    "conversation:message:delivery:channel": None,
    "conversation:message:delivery:user": None,
    "conversation:message:delivery:failure": None,
    "client:add": None,
    "client:remove": None,
    "client:update": None,
    "user:merge": None,
    "user:update": None,
    "user:remove": None,
}
AGENT_WORKSPACE = "zd:agentWorkspace"
_REQUESTER = "dataCapture.systemField.requester."
_SYSTEM_FIELD, _TICKET_FIELD = "dataCapture.systemField.", "dataCapture.ticketField."


class Sunshine:
    """The adapter."""

    name = "sunshine"
    options: Mapping[str, str] = {
        "agents": "switchboard integration (id or name) that people answer in (default zd-agentWorkspace)",
        "bot": "switchboard integration (id or name) that gets control back (default: control is released)",
    }
    capabilities = VendorCapabilities(
        tells=frozenset({NoticeKind.WAITING, NoticeKind.HANDED_OFF, NoticeKind.CONTROL_RETURNED}),
        repeatable=frozenset({NoticeKind.CONTROL_RETURNED}),  # a message may not be said twice
        connects_later=frozenset(),
        pulls=True,
    )

    def check(self, account: VendorAccount) -> None:
        """Every secret and option will do."""

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        offered = webhook.headers.get("x-api-key", "")
        number = matching_signature([offered], account.secrets, lambda secret: secret)
        body = mapping(json_body(webhook.body))
        ids = [_event_id(event) for event in rows(body.get("events"))]
        return Verified(derived_id("sunshine", at(body, "webhook", "id"), ids or body), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        if "events" not in body and (trigger := text(body.get("trigger"))):
            raise UnsupportedEvent(f"{trigger[:80]} of webhook version v1.1; make one of version v2")
        if not isinstance(body.get("events"), list):
            raise MalformedWebhook('the body must be {"app", "webhook", "events": […]}')
        events = rows(body["events"])
        unknown = [name for event in events if (name := text(event.get("type")) or "") not in KINDS]
        wanted = [event for event in events if KINDS.get(text(event.get("type")) or "") is not None]
        if unknown and not wanted:
            raise UnsupportedEvent(unknown[0][:100] or "an event without a type")
        found = tuple(_event(event, body, webhook, account) for event in wanted if _conversation_id(event))
        if wanted and not found:
            raise MalformedWebhook("no event has a payload.conversation.id")
        if unknown:
            found = (replace(found[0], warnings=(*found[0].warnings, "unknown_event_type")), *found[1:])
        return each_once(found)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # only the status is read

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return replace(webhook, headers={**webhook.headers, "x-api-key": account.secrets[0]})


def _event_id(event: Mapping[str, Any]) -> str:
    """Zendesk's own, the same on every try."""
    return key(event.get("id")) or derived_id("sunshine", event)


def _conversation_id(event: Mapping[str, Any]) -> str | None:
    return key(at(event, "payload", "conversation", "id"))


def _event(event: Mapping[str, Any], body: Mapping[str, Any], webhook: Webhook, account: VendorAccount) -> Event:
    name, payload = text(event.get("type")) or "", mapping(event.get("payload"))
    told_at = moment(event.get("createdAt"))
    kind = _switched(name, payload, account)
    message = mapping(payload.get("message"))
    turn = _pressed(payload, _event_id(event)) if name == "conversation:postback" else turn_of(message)
    metadata = {**flat(at(payload, "conversation", "metadata")), **flat(payload.get("metadata"))}
    return Event(
        event_id=_event_id(event),
        kind=kind,
        source=account.name,
        conversation=_conversation(payload, metadata, account),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=(turn,) if turn else (),
        customer=_customer(payload, metadata),
        handoff=_asked(payload, metadata) if kind is EventKind.HANDOFF_REQUESTED else None,
        context=Context(slots=_slots(metadata)) if metadata else None,
        warnings=_warnings(name, message),
        refs={"app_id": app_id} if (app_id := key(at(body, "app", "id"))) else {},
    )


def _switched(name: str, payload: Mapping[str, Any], account: VendorAccount) -> EventKind:
    """Control that goes to people is a request for them; control that goes to another integration is the bot's."""
    kind = KINDS[name] or EventKind.CONVERSATION_UPDATED
    if name not in ("switchboard:passControl", "switchboard:offerControl"):
        return kind
    if at(payload, "metadata", OUR_MARK) is not None:
        return kind  # our own doing comes back to us
    which = "activeSwitchboardIntegration" if name == "switchboard:passControl" else "pendingSwitchboardIntegration"
    target = mapping(at(payload, "conversation", which))
    if _is_people(target, account):
        return EventKind.HANDOFF_REQUESTED
    return EventKind.CONTROL_RETURNED if target and name == "switchboard:passControl" else kind


def _is_people(integration: Mapping[str, Any], account: VendorAccount) -> bool:
    configured = account.options.get("agents")
    named = configured is not None and configured in (integration.get("id"), integration.get("name"))
    return named or integration.get("integrationType") == AGENT_WORKSPACE


def _pressed(payload: Mapping[str, Any], event_id: str) -> Turn | None:
    """A postback has no message: what the button stands for is what the customer said."""
    words = text(at(payload, "postback", "payload"))
    return Turn(Role.CUSTOMER, words, message_id=event_id, content_type="choice") if words else None


def _conversation(payload: Mapping[str, Any], metadata: Mapping[str, Any], account: VendorAccount) -> ConversationInfo:
    conversation = mapping(payload.get("conversation"))
    active = mapping(conversation.get("activeSwitchboardIntegration"))
    message = mapping(payload.get("message"))
    raw = text(at(message, "source", "type")) or text(at(payload, "source", "type"))
    by_customer = "postback" in payload or role_of(message) is Role.CUSTOMER
    return ConversationInfo(
        vendor_conversation_id=key(conversation.get("id")) or "",
        channel=CHANNELS.get(raw, Channel.OTHER) if raw and by_customer else None,
        channel_raw=raw,
        status=("human" if _is_people(active, account) else "bot") if active else None,
        control_owner=text(active.get("name")),
        tags=tuple(filter(None, (text(tag) for tag in str(metadata.get(_SYSTEM_FIELD + "tags", "")).split(",")))),
        priority=text(metadata.get(_SYSTEM_FIELD + "priority")),
    )


def _customer(payload: Mapping[str, Any], metadata: Mapping[str, Any]) -> Customer | None:
    message = mapping(payload.get("message"))
    by_customer = role_of(message) is Role.CUSTOMER
    author = mapping(message.get("author")) if by_customer else {}
    user = mapping(author.get("user")) or mapping(payload.get("user"))
    profile, client = mapping(user.get("profile")), mapping(at(message, "source", "client") if by_customer else None)
    given = " ".join(filter(None, (text(profile.get("givenName")), text(profile.get("surname")))))
    number = text(client.get("externalId")) if client.get("type") == "whatsapp" else None
    found = Customer(
        vendor_user_id=key(author.get("userId")) or key(user.get("id")),
        external_id=key(user.get("externalId")),
        name=text(metadata.get(_REQUESTER + "name")) or given or text(author.get("displayName")),
        email=text(metadata.get(_REQUESTER + "email")) or text(profile.get("email")),
        phone="+" + number.removeprefix("+") if number and number.removeprefix("+").isdigit() else None,
        authenticated=flag(user.get("authenticated")),
        locale=text(profile.get("locale")) or text(at(client, "raw", "language")),
    )
    return found if found != Customer() else None


def _asked(payload: Mapping[str, Any], metadata: Mapping[str, Any]) -> HandoffAsked:
    conversation = mapping(payload.get("conversation"))
    target = mapping(conversation.get("pendingSwitchboardIntegration")) or mapping(
        conversation.get("activeSwitchboardIntegration")
    )
    group = text(metadata.get(_SYSTEM_FIELD + "group_id"))
    return HandoffAsked(
        reason_text=text(payload.get("reason")),
        requested_by="bot",
        target={
            **({"queue": name} if (name := text(target.get("name"))) else {}),
            **({"group_id": group} if group else {}),
        },
    )


def _slots(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the bot collected for the ticket, under names people can read."""
    found = {}
    for name, value in metadata.items():
        if name.startswith(_TICKET_FIELD):
            found["ticket_field_" + name.removeprefix(_TICKET_FIELD)] = value
        elif not name.startswith((_SYSTEM_FIELD, OUR_MARK, "first_message_id")):
            found[name] = value
    return found


def _warnings(name: str, message: Mapping[str, Any]) -> tuple[str, ...]:
    if name.endswith(":failure"):
        return ("switchboard_failed",)
    return ("role_ambiguous",) if is_ambiguous(message) else ()
