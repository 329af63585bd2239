"""
Bot Framework activities: one by itself, or an object with `activities`, which is what Direct Line answers when it is
polled. The handoff of Copilot Studio is the event `handoff.initiate`, with the transcript as an attachment.

source: https://learn.microsoft.com/microsoft-copilot-studio/configure-generic-handoff,
microsoft/Agents@7ddb1c52 specs/activity/protocol-activity.md, microsoft/PowerVirtualAgentsSamples@721d286e
ConnectToEngagementHub/activities.json, read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, each_once, key, rows, text
from connectors.signing import sign_standard_webhook
from connectors.vendors.microsoft.access import STANDARD, check_form, form_of, key_number, listed
from connectors.vendors.microsoft.events import SECRETS, event_of
from connectors.vendors.microsoft.keys import KeySets
from packets.event import Event, EventKind

# The type of an activity → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "message": EventKind.MESSAGE_CREATED,
    "messageUpdate": EventKind.MESSAGE_UPDATED,
    "messageDelete": None,
    "messageReaction": None,
    "conversationUpdate": EventKind.CONVERSATION_STARTED,
    "endOfConversation": EventKind.CONVERSATION_ENDED,
    "handoff": None,  # an inner affair of the framework; the request is the event handoff.initiate
    "typing": None,
    "trace": None,
    "invoke": None,
    "invokeResponse": None,
    "installationUpdate": None,
    "contactRelationUpdate": None,
    "deleteUserData": None,
    "suggestion": None,
    "command": None,
    "commandResult": None,
    "delay": None,
}
# The same for `event` activities, by name; option handoff_event names more.
HANDOFF = "handoff.initiate"
EVENTS: Mapping[str, EventKind | None] = {
    HANDOFF: EventKind.HANDOFF_REQUESTED,
    "handoff.status": EventKind.CONVERSATION_UPDATED,  # and see STATES
    "tokens/response": None,
    "tokens/request": None,
    "ContinueConversation": None,
}
STATES: Mapping[str, EventKind] = {
    "accepted": EventKind.AGENT_ASSIGNED,
    "completed": EventKind.CONTROL_RETURNED,
    "failed": EventKind.CALL_TRANSFER_FAILED,
}
_OTHERS_UNKNOWN = "unknown_activity"


class Microsoft:
    """The adapter. keys: where Microsoft's public keys come from; only calls with a token ask for them."""

    name = "microsoft"
    options: Mapping[str, str] = {
        "signature": "standard (your own relay signs, Standard Webhooks; the default) or jwt (Microsoft's token)",
        "handoff_event": "further names of events that ask for a person, separated by commas (GenesysHandoff)",
        "bot_ids": "ids of the bot itself where activities carry no role, separated by commas (28:… in Teams)",
        "tenant": "with jwt: the Entra tenant whose copilots may call us",
        "callers": "with tenant: their app ids, separated by commas",
        "service_hosts": "further hosts the bot's serviceUrl may have, separated by commas",
        "login_url": "where tokens for calling back are got (default https://login.microsoftonline.com)",
    }
    capabilities = VendorCapabilities(
        decides=True,
        tells=frozenset(NoticeKind),
        repeatable=frozenset({NoticeKind.HUMAN_JOINED, NoticeKind.CONTROL_RETURNED}),
        connects_later=frozenset(),
    )

    def __init__(self, keys: KeySets | None = None) -> None:
        self._keys = keys or KeySets()

    def check(self, account: VendorAccount) -> None:
        check_form(account)

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        webhook_id, number = key_number(webhook, account, self._keys)
        if webhook_id is None:
            ids = [_event_id(row) for row in _activities(webhook)[0]]
            return Verified(derived_id("microsoft", ids), number)
        if len(webhook_id) > 255 or not webhook_id.isprintable():
            raise MalformedWebhook("the webhook-id header is longer than 255 characters or not printable")
        return Verified(webhook_id, number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        activities, alone = _activities(webhook)
        found: list[Event] = []
        unknown: list[str] = []
        for activity in activities:
            try:
                event = _event(activity, webhook, account)
            except UnsupportedEvent as error:
                unknown.append(error.kind)
                continue
            if event is not None:
                found.append(event)
        if unknown and (alone or not found):
            raise UnsupportedEvent(unknown[0])
        if unknown:
            found[-1] = replace(found[-1], warnings=(*found[-1].warnings, _OTHERS_UNKNOWN))
        return each_once(tuple(found))

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        """A relay is yours and can read the decision; Microsoft takes replies as calls of their own only."""
        if form_of(account) == STANDARD:
            return VendorAnswer(json.dumps(told, separators=(",", ":")).encode())
        return VendorAnswer()

    def stored(self, webhook: Webhook) -> bytes:
        """Sign-in events carry the customer's own tokens."""
        if b"oken" not in webhook.body:
            return webhook.body
        try:
            body = json_body(webhook.body)
        except MalformedWebhook:
            return webhook.body
        return json.dumps(_scrubbed(body), ensure_ascii=False, separators=(",", ":")).encode()

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        """As a relay signs. Raises ValueError for jwt: those tokens only Microsoft can make."""
        if form_of(account) != STANDARD:
            raise ValueError("only Microsoft can sign for a source with signature: jwt; send to one with standard")
        webhook_id = webhook.headers.get("webhook-id") or derived_id(webhook.body.decode("utf-8", "replace"))
        now = int(webhook.received_at.timestamp())
        signature = sign_standard_webhook(account.secrets[0], webhook_id, now, webhook.body)
        told = {"webhook-id": webhook_id, "webhook-timestamp": str(now), "webhook-signature": signature}
        return replace(webhook, headers={**webhook.headers, **told})


def _activities(webhook: Webhook) -> tuple[list[Mapping[str, Any]], bool]:
    """The activities of a call, and whether it is one by itself. Raises MalformedWebhook."""
    body = json_body(webhook.body)
    if isinstance(body, dict) and isinstance(body.get("activities"), list):
        return rows(body["activities"]), False
    if not isinstance(body, dict) or text(body.get("type")) is None:
        raise MalformedWebhook("the body must be an activity with a type, or an object with activities")
    return [body], True


def _event(activity: Mapping[str, Any], webhook: Webhook, account: VendorAccount) -> Event | None:
    kind = _kind(activity, account)
    if kind is None:
        return None
    return event_of(activity, kind, _event_id(activity), webhook, account)


def _kind(activity: Mapping[str, Any], account: VendorAccount) -> EventKind | None:
    kind = text(activity.get("type")) or ""
    if kind == "event":
        name = text(activity.get("name")) or ""
        if name in listed(account.options.get("handoff_event")):
            return EventKind.HANDOFF_REQUESTED
        if name not in EVENTS:
            raise UnsupportedEvent(f"event {name[:100]}")
        if name == "handoff.status":
            return STATES.get(text(at(activity, "value", "state")) or "", EventKind.CONVERSATION_UPDATED)
        return EVENTS[name]
    if kind not in KINDS:
        raise UnsupportedEvent(kind[:100])
    if kind == "conversationUpdate" and not rows(activity.get("membersAdded")):
        return EventKind.CONVERSATION_UPDATED
    return KINDS[kind]


def _event_id(activity: Mapping[str, Any]) -> str:
    """Ids are unique within a conversation; an edit has its message's id and a later time."""
    conversation, kind = key(at(activity, "conversation", "id")), text(activity.get("type"))
    activity_id = key(activity.get("id"))
    when = text(activity.get("timestamp"))
    if activity_id and kind != "messageUpdate":
        return derived_id("microsoft", conversation, activity_id)
    state = text(at(activity, "value", "state"))
    what = (text(activity.get("name")), key(at(activity, "from", "id")), text(activity.get("text")), state)
    return derived_id("microsoft", conversation, activity_id, kind, when, what)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: "[removed]" if name.lower() in SECRETS and isinstance(inner, str) else _scrubbed(inner)
            for name, inner in value.items()
        }
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value
