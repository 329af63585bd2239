"""
LivePerson's notifications, `{"kind": "notification", "type", "body": {"changes": […]}}`: several changes a call, each
an event of its own.

source: developers.liveperson.com/webhooks-overview.html; the published test vectors of its sample application;
microsoft/BotBuilder-Samples@55d1f537 (LivePersonConnector/LivePersonController.cs), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, each_once, key, mapping, moment, number, rows, text
from connectors.signing import hmac_base64, matching_signature
from connectors.vendors.liveperson.changes import (
    bots_of,
    customer_id,
    has_person,
    message_id,
    originator,
    role_of,
    turn_of,
)
from packets.event import BotOutcome, ConversationInfo, Customer, Event, EventKind, HandoffAsked, Role

# Of the events within a message notification: what they are to us. None: known, and nothing is needed from it.
CONTENT: Mapping[str, EventKind | None] = {
    "ContentEvent": EventKind.MESSAGE_CREATED,
    "RichContentEvent": EventKind.MESSAGE_CREATED,
    "ChatStateEvent": None,
    "AcceptStatusEvent": None,
}
SIGNATURE, CLIENT, ACCOUNT = "x-liveperson-signature", "x-liveperson-client-id", "x-liveperson-account-id"
_PREFIX = "sha1="
_NO_SKILL = "-1"


class LivePerson:
    """The adapter. The secret is the app secret of the webhooks application."""

    name = "liveperson"
    options: Mapping[str, str] = {
        "bots": "ids of the agents that are bots, with commas; without it nobody can tell a bot from a person",
        "handoff_skills": "ids of the skills that people work; a conversation that comes to one of them is handed off",
        "account_id": "the account whose calls are taken; others are refused",
        "client_id": "the application whose calls are taken; others are refused",
    }
    capabilities = VendorCapabilities()

    def check(self, account: VendorAccount) -> None:
        """Nothing to check: a secret is any text, and ids are the account's own."""

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        """HMAC-SHA1 in base64, though `sha1=` looks like the hex of others. No time is signed."""
        offered = webhook.headers.get(SIGNATURE, "")
        if not offered.startswith(_PREFIX) or len(offered) > 200:
            raise SignatureRejected
        signed = offered.removeprefix(_PREFIX)
        place = matching_signature([signed], account.secrets, lambda s: hmac_base64(s, webhook.body, "sha1"))
        for header, option in ((CLIENT, "client_id"), (ACCOUNT, "account_id")):
            if account.options.get(option, webhook.headers.get(header)) != webhook.headers.get(header):
                raise SignatureRejected
        body = mapping(json_body(webhook.body))
        ids = [_event_id(change) for change in _changes(body)]
        return Verified(derived_id("liveperson", text(body.get("type")), ids), place)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        name = text(body.get("type"))
        if name is None:
            raise MalformedWebhook('the body must be {"kind": "notification", "type", "body": {"changes": […]}}')
        match ".".join(name.split(".")[:2]):
            case "ms.MessagingEventNotification":
                found = _messages(body, webhook.received_at, account)
            case "cqm.ExConversationChangeNotification":
                found = _states(body, webhook.received_at, account)
            case _:
                raise UnsupportedEvent(name[:100])
        return each_once(tuple(found))

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # only the status is read

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        added = {SIGNATURE: _PREFIX + hmac_base64(account.secrets[0], webhook.body, "sha1")}
        told = {CLIENT: account.options.get("client_id"), ACCOUNT: account.options.get("account_id")}
        return replace(webhook, headers={**webhook.headers, **{k: v for k, v in told.items() if v}, **added})


def _changes(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return rows(at(body, "body", "changes"))


def _event_id(change: Mapping[str, Any]) -> str:
    """LivePerson gives none: a message has its number, a state what it is and when it was last changed."""
    details = mapping(at(change, "result", "conversationDetails"))
    if details:
        taking_part = sorted(f"{row.get('role')}:{row.get('id')}" for row in rows(details.get("participants")))
        state = [
            text(details.get(name)) for name in ("state", "stage", "closeReason", "skillId", "metaDataLastUpdateTs")
        ]
        return derived_id("liveperson", _state_id(change), state, taking_part)
    said = message_id(change) or [text(change.get("serverTimestamp")), originator(change), at(change, "event")]
    return derived_id("liveperson", key(change.get("conversationId")), text(at(change, "event", "type")), said)


def _messages(body: Mapping[str, Any], received_at: datetime, account: VendorAccount) -> list[Event]:
    """What is unknown or damaged in one change does not hide the others; where nothing else is, it is told."""
    found: list[Event] = []
    wrong: list[Exception] = []
    for change in _changes(body):
        name = text(at(change, "event", "type")) or "an event without a type"
        kind, conversation_id = CONTENT.get(name), key(change.get("conversationId"))
        if name not in CONTENT:
            wrong.append(UnsupportedEvent(name[:100]))
        elif kind is not None and conversation_id is None:
            wrong.append(MalformedWebhook("a message has no conversationId"))
        elif kind is not None and conversation_id is not None:
            event = _message(change, kind, conversation_id, received_at, account)
            found += [event] if event else []
    if wrong and not found:
        raise wrong[0]
    return found


def _message(
    change: Mapping[str, Any], kind: EventKind, conversation_id: str, received_at: datetime, account: VendorAccount
) -> Event | None:
    who, told_at = originator(change), moment(change.get("serverTimestamp"))
    speaker = role_of(at(change, "originatorMetadata", "role"), who, bots_of(account))
    turn = turn_of(change, speaker)
    if turn is None:
        return None
    sequence = number(change.get("sequence"))
    return Event(
        event_id=_event_id(change),
        kind=kind,
        source=account.name,
        conversation=ConversationInfo(conversation_id, session_id=key(change.get("dialogId"))),
        occurred_at=told_at or received_at,
        occurred_at_estimated=told_at is None,
        received_at=received_at,
        sequence=int(sequence) if sequence is not None and 0 <= sequence < 2**53 else None,
        turns=(turn,),
        customer=Customer(vendor_user_id=who) if speaker.role is Role.CUSTOMER else None,
        bot_id=who if speaker.role is Role.BOT else None,
        warnings=("role_ambiguous",) if speaker.is_doubtful else (),
    )


def _states(body: Mapping[str, Any], received_at: datetime, account: VendorAccount) -> list[Event]:
    found: list[Event] = []
    nameless = False
    for change in _changes(body):
        details, conversation_id = mapping(at(change, "result", "conversationDetails")), _state_id(change)
        nameless = nameless or conversation_id is None
        # A DELETE says that it left our subscription: nothing happened to the conversation.
        if conversation_id is not None and details and text(change.get("type")) != "DELETE":
            found.append(_state(change, details, conversation_id, received_at, account))
    if nameless and not found:
        raise MalformedWebhook("a change has no result.convId")
    return found


def _state(
    change: Mapping[str, Any],
    details: Mapping[str, Any],
    conversation_id: str,
    received_at: datetime,
    account: VendorAccount,
) -> Event:
    kind = _state_kind(details, account)
    told_at = moment(details.get("metaDataLastUpdateTs")) or moment(details.get("startTs"))
    who, reason = customer_id(details), text(details.get("closeReason"))
    return Event(
        event_id=_event_id(change),
        kind=kind,
        source=account.name,
        conversation=_conversation(details, conversation_id),
        occurred_at=told_at or received_at,
        occurred_at_estimated=told_at is None,
        received_at=received_at,
        customer=Customer(vendor_user_id=who) if who else None,
        handoff=_asked(details) if kind is EventKind.HANDOFF_REQUESTED else None,
        bot_outcome=BotOutcome(ended_reason=reason) if reason else None,
    )


def _state_id(change: Mapping[str, Any]) -> str | None:
    return key(at(change, "result", "convId")) or key(at(change, "result", "conversationDetails", "convId"))


def _state_kind(details: Mapping[str, Any], account: VendorAccount) -> EventKind:
    """Closed counts first, then whoever holds it, then where it waits."""
    if text(details.get("state")) == "CLOSE" or text(details.get("stage")) == "CLOSE":
        return EventKind.CONVERSATION_ENDED
    if has_person(details, bots_of(account)):
        return EventKind.AGENT_ASSIGNED
    skills = {part.strip() for part in account.options.get("handoff_skills", "").split(",")} - {""}
    if text(details.get("skillId")) in skills:
        return EventKind.HANDOFF_REQUESTED
    return EventKind.CONVERSATION_UPDATED


def _asked(details: Mapping[str, Any]) -> HandoffAsked:
    return HandoffAsked(requested_by="bot", target={"skill": text(details.get("skillId"))})


def _conversation(details: Mapping[str, Any], conversation_id: str) -> ConversationInfo:
    skill = text(details.get("skillId"))
    return ConversationInfo(
        conversation_id,
        channel_raw=text(at(details, "dialogs", 0, "channelType")),
        status="closed" if text(details.get("state")) == "CLOSE" else None,
        started_at=moment(details.get("startTs")),
        ended_at=moment(details.get("endTs")),
        tags=(f"skill:{skill}",) if skill and skill != _NO_SKILL else (),
        priority=text(at(details, "ttr", "ttrType")),
    )
