"""
Events of Amazon Lex V2 and of Amazon Connect's contact flows. Both call a Lambda function; a small forwarder there
(README) posts the event to us, signed as Standard Webhooks, and gives our answer back.

source: https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html and lambda-response-format.html;
aws/aws-lambda-dotnet@83149216, aws-powertools/powertools-lambda-python@fa1c29f2 (test events); read 2026-11-21.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, flat, key, mapping, text
from connectors.signing import sign_standard_webhook, standard_webhooks_key, verify_standard_webhook
from connectors.vendors.collected import collected_customer
from connectors.vendors.lex.answers import connect_answer, lex_answer
from connectors.vendors.lex.turns import TURN_MARK, customer_turn, slots, turn_id
from packets.event import Channel, Context, ConversationInfo, Customer, Event, EventKind, HandoffAsked

# How Lex is called, which is all it has of kinds. Both bring a turn of the customer.
KINDS: Mapping[str, EventKind] = {
    "DialogCodeHook": EventKind.MESSAGE_CREATED,
    "FulfillmentCodeHook": EventKind.MESSAGE_CREATED,
}
CONNECT = "ContactFlowEvent"
PLATFORMS: Mapping[str, Channel] = {
    "connect": Channel.VOICE,
    "connect chat": Channel.WEB_CHAT,
    "facebook": Channel.MESSENGER,
    "twilio": Channel.SMS,
}
CONNECT_CHANNELS: Mapping[str, Channel] = {"VOICE": Channel.VOICE, "CHAT": Channel.WEB_CHAT, "EMAIL": Channel.EMAIL}
DIRECTIONS: Mapping[str, str] = {"INBOUND": "inbound", "OUTBOUND": "outbound", "CALLBACK": "outbound"}
HANDOFF_INTENTS = "TalkToAgent, HumanHandoff"
_PLATFORM = "x-amz-lex:channels:platform"


class Lex:
    """The adapter."""

    name = "lex"
    options: Mapping[str, str] = {
        "handoff_intents": f"Lex intents that ask for a person, separated by commas (default {HANDOFF_INTENTS})",
    }
    capabilities = VendorCapabilities(decides=True)

    def check(self, account: VendorAccount) -> None:
        for secret in account.secrets:
            standard_webhooks_key(secret)

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        webhook_id, number = verify_standard_webhook(
            webhook.headers, webhook.body, account.secrets, webhook.received_at
        )
        if key(webhook_id) is None:
            raise MalformedWebhook("the webhook-id header is longer than 200 characters or not printable")
        return Verified(webhook_id, number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        event = mapping(json_body(webhook.body))
        if event.get("Name") == CONNECT:
            return (_contact(event, webhook, account),)
        source = text(event.get("invocationSource"))
        if source is None:
            raise MalformedWebhook("the body must be a Lex V2 event with invocationSource, or a Connect contact flow's")
        if source not in KINDS:
            raise UnsupportedEvent(source[:100])
        return (_utterance(event, KINDS[source], webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        event, decision = mapping(json_body(webhook.body)), mapping(told.get("decision"))
        if event.get("Name") == CONNECT:
            answer: Mapping[str, Any] = connect_answer(decision)
        else:
            mark = {TURN_MARK: turn_id(event, _webhook_id(webhook))}
            answer = lex_answer(event, decision, mark, handoff_intents=_handoff_intents(account))
        return VendorAnswer(json.dumps(answer, ensure_ascii=False).encode())

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        webhook_id = webhook.headers.get("webhook-id") or f"msg_{secrets.token_hex(12)}"
        now = int(webhook.received_at.timestamp())
        signature = sign_standard_webhook(account.secrets[0], webhook_id, now, webhook.body)
        told = {"webhook-id": webhook_id, "webhook-timestamp": str(now), "webhook-signature": signature}
        return replace(webhook, headers={**webhook.headers, **told})


def _webhook_id(webhook: Webhook) -> str:
    return webhook.headers.get("webhook-id") or webhook.headers.get("svix-id") or ""


def _handoff_intents(account: VendorAccount) -> set[str]:
    return {name.strip() for name in account.options.get("handoff_intents", HANDOFF_INTENTS).split(",")}


def _utterance(event: Mapping[str, Any], kind: EventKind, webhook: Webhook, account: VendorAccount) -> Event:
    session = key(event.get("sessionId"))
    if session is None:
        raise MalformedWebhook("the Lex event has no sessionId")
    intent = text(at(event, "sessionState", "intent", "name"), 200)
    asks = intent in _handoff_intents(account)
    turn = customer_turn(event, _webhook_id(webhook))
    attributes = {**flat(event.get("requestAttributes")), **flat(at(event, "sessionState", "sessionAttributes"))}
    filled = slots(event)
    return Event(
        event_id=_webhook_id(webhook),
        kind=EventKind.HANDOFF_REQUESTED if asks else kind,
        source=account.name,
        conversation=_conversation(event, session),
        occurred_at=webhook.received_at,
        occurred_at_estimated=True,  # an event tells no time
        received_at=webhook.received_at,
        turns=(turn,) if turn else (),
        transcript="partial",  # what the bot says is never told
        customer=collected_customer({**attributes, **filled}),
        bot_id=key(at(event, "bot", "id")),
        bot_version=key(at(event, "bot", "version")),
        handoff=HandoffAsked(requested_by="customer", vendor_metadata={"intent": intent}) if asks else None,
        context=Context(
            slots=filled,
            variables={name: value for name, value in attributes.items() if not name.startswith(("x-amz-", "baton_"))},
        ),
        reply_expected=True,
    )


def _conversation(event: Mapping[str, Any], session: str) -> ConversationInfo:
    platform = text(at(event, "requestAttributes", _PLATFORM), 200)
    spoken = event.get("inputMode") in ("Speech", "DTMF")
    locale = text(at(event, "bot", "localeId"), 35)
    return ConversationInfo(
        vendor_conversation_id=session,
        channel=PLATFORMS.get((platform or "").lower(), Channel.VOICE if spoken else None),
        channel_raw=platform,
        language=locale.replace("_", "-") if locale else None,
    )


def _contact(event: Mapping[str, Any], webhook: Webhook, account: VendorAccount) -> Event:
    """A contact flow asks for a person with the parameter `handoff`; any other call tells what is known."""
    contact, parameters = mapping(at(event, "Details", "ContactData")), mapping(at(event, "Details", "Parameters"))
    contact_id = key(contact.get("ContactId"))
    if contact_id is None:
        raise MalformedWebhook("the contact flow event has no Details.ContactData.ContactId")
    asks = (text(parameters.get("handoff")) or "false").lower() not in ("false", "no", "0")
    channel = text(contact.get("Channel"), 50)
    queue = text(at(contact, "Queue", "Name"), 200)
    return Event(
        event_id=_webhook_id(webhook),
        kind=EventKind.HANDOFF_REQUESTED if asks else EventKind.CONVERSATION_UPDATED,
        source=account.name,
        conversation=ConversationInfo(
            vendor_conversation_id=contact_id,
            channel=CONNECT_CHANNELS.get(channel or ""),
            channel_raw=channel,
            language=text(contact.get("LanguageCode"), 35),
        ),
        occurred_at=webhook.received_at,
        occurred_at_estimated=True,
        received_at=webhook.received_at,
        transcript="none" if asks else None,
        customer=_caller(contact),
        handoff=HandoffAsked(
            reason_text=text(parameters.get("reason")),
            requested_by="bot",
            target={"queue": queue} if queue else {},
        )
        if asks
        else None,
        call=_call(contact),
        context=Context(
            variables=flat(contact.get("Attributes")),
            custom_attributes=flat(parameters, without=frozenset({"handoff", "reason"})),
        ),
        reply_expected=True,
    )


def _caller(contact: Mapping[str, Any]) -> Customer | None:
    is_phone = at(contact, "CustomerEndpoint", "Type") == "TELEPHONE_NUMBER"
    phone = key(at(contact, "CustomerEndpoint", "Address")) if is_phone else None
    return collected_customer(contact.get("Attributes"), phone=phone)


def _call(contact: Mapping[str, Any]) -> dict[str, Any] | None:
    found = {
        "direction": DIRECTIONS.get(text(contact.get("InitiationMethod")) or ""),
        "provider_call_id": key(contact.get("InitialContactId")),
        "to": key(at(contact, "SystemEndpoint", "Address")),
    }
    return {name: value for name, value in found.items() if value is not None} or None
