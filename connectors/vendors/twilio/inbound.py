"""
Twilio's webhooks: messages, what a caller said, how a call and its dialling went, and a voice bot that asks for a
person (ConversationRelay's HandoffData). They name no type: what a call is shows in the parameters it brings.

source: https://www.twilio.com/docs/messaging/guides/webhook-request, /docs/voice/twiml (gather, dial,
connect/conversationrelay), read 2026-11-21; samples of triggerdotdev/trigger.dev@b082e444.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import derived_id, key, mapping, moment, text
from connectors.vendors.twilio import twiml
from connectors.vendors.twilio.access import key_number, signed
from connectors.vendors.twilio.events import SPOKEN, WAITING, WRITTEN, event_of
from connectors.vendors.twilio.wire import is_voice, message_id, parameters
from packets.event import Event, EventKind

# The parameter that tells what a call is, in the order they are looked for → what we call it. None: nothing needed.
KINDS: Mapping[str, EventKind | None] = {
    "HandoffData": EventKind.HANDOFF_REQUESTED,
    "handoffData": EventKind.HANDOFF_REQUESTED,
    "DialCallStatus": EventKind.CALL_TRANSFERRED,  # and see DIALLED
    "RecordingStatus": EventKind.CONVERSATION_UPDATED,
    "SpeechResult": EventKind.MESSAGE_CREATED,
    "Digits": EventKind.MESSAGE_CREATED,
    "UnstableSpeechResult": None,  # guesses while somebody still speaks
    "StableSpeechResult": None,
    "SessionStatus": EventKind.CONVERSATION_UPDATED,  # ConversationRelay ended without asking for anybody
    "MessageStatus": None,  # our words on their way; see UNDELIVERED
    "SmsStatus": EventKind.MESSAGE_CREATED,
    "Body": EventKind.MESSAGE_CREATED,
    "CallStatus": EventKind.CONVERSATION_UPDATED,  # and see CALLS
}
CALLS: Mapping[str, EventKind] = {
    "queued": EventKind.CONVERSATION_STARTED,
    "initiated": EventKind.CONVERSATION_STARTED,
    "ringing": EventKind.CONVERSATION_STARTED,
    "completed": EventKind.CONVERSATION_ENDED,
    "busy": EventKind.CONVERSATION_ENDED,
    "failed": EventKind.CONVERSATION_ENDED,
    "no-answer": EventKind.CONVERSATION_ENDED,
    "canceled": EventKind.CONVERSATION_ENDED,
}
DIALLED = frozenset({"completed", "answered"})  # somebody was reached; every other word: nobody was
UNDELIVERED = frozenset({"undelivered", "failed"})
HELD_LONGER = 15  # seconds: the call that puts somebody through, or says that nobody comes, needs a moment
SENT = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "delivered", "read", "canceled"})
_SIDS = ("CallSid", "SessionId", "DialCallSid", "RecordingSid")


class Twilio:
    """The adapter."""

    name = "twilio"
    options: Mapping[str, str] = {
        "destination": "where a caller is put through to: a number, sip:… or queue:<name>",
        "bot_url": "the bot's own TwiML address: where a call goes on when no person is needed",
        "say_language": "language of spoken messages, as Twilio's <Say> names it (en-GB)",
    }
    capabilities = VendorCapabilities(
        decides=True,
        tells=frozenset({NoticeKind.WAITING, NoticeKind.HANDED_OFF}),
        connects_later=frozenset({"destination", "bot_url"}),
    )

    def check(self, account: VendorAccount) -> None:
        where = account.options.get("destination", "+")
        if not where.startswith(("+", "sip:", "queue:")):
            raise ValueError("option destination is a number like +15550100009, sip:… or queue:<name>")
        if not account.options.get("bot_url", "https://").startswith(("https://", "http://")):
            raise ValueError("option bot_url is a web address")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        number_ = key_number(webhook, account)
        told = parameters(webhook)
        return Verified(
            derived_id("twilio", webhook.headers.get("i-twilio-idempotency-token"), _natural(told)), number_
        )

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        told = parameters(webhook)
        name = _name(told)
        if name is None:
            raise _unknown(told)
        kind = _kind(told, name)
        if kind is None:
            return ()
        return (event_of(told, name, kind, _event_id(told, name, webhook), webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer(_answer(webhook, account, mapping(told.get("decision"))), "text/xml; charset=utf-8")

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return signed(webhook, account)


def _name(told: Mapping[str, Any]) -> str | None:
    """Which of KINDS a call is. A parameter without a value says nothing, except that an empty message is one."""
    name = next((name for name in KINDS if told.get(name) not in (None, "")), None)
    if name == "SmsStatus" and text(told.get("SmsStatus")) not in ("received", "receiving"):
        return "MessageStatus"  # older callbacks carry only this name
    if name is None and key(told.get("MessageSid")) and "Body" in told:
        return "Body"
    return name


def _kind(told: Mapping[str, Any], name: str) -> EventKind | None:
    if name == "DialCallStatus":
        reached = text(told.get(name)) in DIALLED
        return EventKind.CALL_TRANSFERRED if reached else EventKind.CALL_TRANSFER_FAILED
    if name == "CallStatus":
        if key(told.get("ParentCallSid")):
            return None  # the leg to whoever was dialled; DialCallStatus tells how that went
        return CALLS.get(text(told.get(name)) or "", EventKind.CONVERSATION_UPDATED)
    if name == "MessageStatus":
        status = text(told.get(name)) or text(told.get("SmsStatus")) or ""
        if status not in SENT | UNDELIVERED:
            raise UnsupportedEvent(f"MessageStatus {status[:40]}")
        return EventKind.CONVERSATION_UPDATED if status in UNDELIVERED else None
    return KINDS[name]


def _unknown(told: Mapping[str, Any]) -> UnsupportedEvent | MalformedWebhook:
    named = text(told.get("EventType")) or text(told.get("type"))
    if named or "AccountSid" in told:
        return UnsupportedEvent((named or "parameters of no known call")[:100])
    return MalformedWebhook("neither a call, a message nor any other webhook of Twilio")


def _natural(told: Mapping[str, Any]) -> tuple[object, ...]:
    """What makes one call of Twilio different from every other one, whatever else it brings."""
    name = _name(told)
    what = (text(told.get("SequenceNumber")), text(told.get("CallStatus")), text(told.get("MessageStatus")))
    said = text(told.get(name)) if name else None
    sids = [message_id(told), *(key(told.get(sid)) for sid in _SIDS)]
    return (name, said, sids, what, text(told.get("Confidence")))


def _event_id(told: Mapping[str, Any], name: str, webhook: Webhook) -> str:
    """A caller who says "yes" twice has said two things: only Twilio's own token of the call tells them apart."""
    token = webhook.headers.get("i-twilio-idempotency-token") if name in SPOKEN else None
    return derived_id("twilio", token, _natural(told))


def _answer(webhook: Webhook, account: VendorAccount, decision: Mapping[str, Any]) -> bytes:
    told = parameters(webhook)
    name, words = _name(told), text(decision.get("customer_message"))
    if is_voice(told):
        if name in WAITING and (until := moment(decision.get("wait_until"))):
            seconds = (until - webhook.received_at).total_seconds()
            return twiml.holding(words, account.options, round(max(seconds, 0)) + HELD_LONGER)
        if name in WAITING and decision.get("action") == "escalate" and decision.get("transfer") != "callback":
            return twiml.to_people(words, account.options, _action(webhook))
        if name in WAITING or (name == "DialCallStatus" and text(told.get(name)) not in DIALLED):
            return twiml.going_on(words, account.options)  # nobody was reached: the bot has the caller again
    elif words and name in WRITTEN and account.base_url is None:
        return twiml.message(words)
    return twiml.nothing()


def _action(webhook: Webhook) -> str:
    """Where Twilio is to say how the dialling ended: here. A digest of this call's body would be wrong for that one."""
    return webhook.url.partition("?")[0]
