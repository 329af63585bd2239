"""
Vapi's server messages, `{"message": {"type", …}}`. Five types want an answer in the body; the others are news.

source: VapiAI/docs@eabfa530 (openapi.json ServerMessage*, server-url/events.mdx) and captures of 2024 in
vapi4k/vapi4k@81b77422, read 2026-11-21.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flat, key, mapping, moment, rows, text
from connectors.vendors.vapi.access import check_form, key_number, signed
from connectors.vendors.vapi.destination import WHISPER, destination_of
from connectors.vendors.vapi.transcript import name_and_arguments, tool_calls, turns
from packets.event import (
    BotOutcome,
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
)

# What Vapi calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "transcript": None,  # pieces of turns; conversation-update has the turns, and both would count them twice
    'transcript[transcriptType="final"]': None,
    "conversation-update": EventKind.CONVERSATION_UPDATED,
    "transfer-destination-request": EventKind.HANDOFF_REQUESTED,
    "handoff-destination-request": EventKind.HANDOFF_REQUESTED,
    "tool-calls": EventKind.CONVERSATION_UPDATED,
    "transfer-update": EventKind.CALL_TRANSFERRED,
    "end-of-call-report": EventKind.CONVERSATION_ENDED,
    "status-update": EventKind.CONVERSATION_UPDATED,  # and see _kind
    "assistant-request": None,
    "knowledge-base-request": None,
    "speech-update": None,
    "model-output": None,
    "user-interrupted": None,
    "voice-input": None,
    "language-change-detected": EventKind.CONVERSATION_UPDATED,
    "language-changed": EventKind.CONVERSATION_UPDATED,
    "hang": None,
    "phone-call-control": None,
    "chat.created": EventKind.CONVERSATION_UPDATED,
    "chat.deleted": None,
    "session.created": None,
    "session.updated": None,
    "session.deleted": None,
    "call.deleted": None,
    "call.delete.failed": None,
    "assistant.started": None,
}
STATUS = {"in-progress": EventKind.CONVERSATION_STARTED, "forwarding": EventKind.CALL_TRANSFER_STARTED}
ASKS_WHERE_TO = ("transfer-destination-request", "handoff-destination-request")
# Of Vapi's 627 reasons those that mean: the caller was not served.
FAILED = re.compile(
    r"(call\.in-progress\.error-|pipeline-error-|call\.start\.error-|assistant-request-|silence-timed-out"
    r"|exceeded-max-duration|customer-ended-call-before-warm-transfer|call\.forwarding\.(operator-busy|no-answer)).*"
)
TRANSFER_FAILED = re.compile(r"customer-ended-call-before-warm-transfer|call\.forwarding\..*")
_SECRETS = frozenset({"secret", "apiKey", "serverUrlSecret", "authToken", "credentials", "token"})
_PROMPTS = frozenset({"model", "assistant", "squad", "assistantOverrides"})  # configuration: prompts, tools, secrets


class Vapi:
    """The adapter."""

    name = "vapi"
    options: Mapping[str, str] = {
        "signature": "secret (X-Vapi-Secret, the default), bearer, hmac, hmac_body or standard (Standard Webhooks)",
        "handoff_tool": "name of the assistant's tool that asks for a person (default transferCall)",
        "destination": "phone number or sip: address the caller is put through to on a handoff",
        "whisper": "yes: whoever picks up a warm handoff hears its announcement first (Twilio calls; default no)",
    }
    capabilities = VendorCapabilities(
        decides=True,
        tells=frozenset({NoticeKind.WAITING, NoticeKind.HANDED_OFF, NoticeKind.CONTROL_RETURNED}),
        repeatable=frozenset({NoticeKind.CONTROL_RETURNED}),
        connects_later=frozenset({"destination"}),
    )

    def check(self, account: VendorAccount) -> None:
        check_form(account)
        if account.options.get("whisper", "no") not in WHISPER:
            raise ValueError("option whisper is yes or no")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        number = key_number(webhook, account)
        message = mapping(mapping(json_body(webhook.body)).get("message"))
        return Verified(_event_id(message), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        message = mapping(mapping(json_body(webhook.body)).get("message"))
        name = text(message.get("type"))
        if name is None:
            raise MalformedWebhook('the body must be {"message": {"type": …}}')
        if name not in KINDS:
            raise UnsupportedEvent(name[:100])
        if KINDS[name] is None:
            return ()
        conversation_id = _conversation_id(message)
        if conversation_id is None:
            raise MalformedWebhook("the message has no call.id, chat.id or session.id")
        return (_event(message, name, conversation_id, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        message = mapping(mapping(json_body(webhook.body)).get("message"))
        return VendorAnswer(json.dumps(_answer(message, account, mapping(told.get("decision")))).encode())

    def stored(self, webhook: Webhook) -> bytes:
        """Vapi repeats its configuration in every call: prompts, and the secrets of tools and assistants."""
        try:
            body = json_body(webhook.body)
        except MalformedWebhook:
            return webhook.body
        return json.dumps(_scrubbed(body), ensure_ascii=False, separators=(",", ":")).encode()

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return signed(webhook, account)


def _conversation_id(message: Mapping[str, Any]) -> str | None:
    return key(at(message, "call", "id")) or key(at(message, "session", "id")) or key(
        at(message, "chat", "sessionId")
    ) or key(at(message, "chat", "id"))  # fmt: skip


def _event_id(message: Mapping[str, Any]) -> str:
    """Vapi gives none, and recording addresses differ on each try: made of what stays the same."""
    said = [(turn.role.value, turn.text) for turn in turns(message)]
    calls = [key(call.get("id")) for call in rows(message.get("toolCallList")) or rows(message.get("toolCalls"))]
    what = (message.get("role"), text(message.get("transcript")), text(message.get("status")), calls)
    return derived_id(
        "vapi", _conversation_id(message), message.get("type"), text(message.get("timestamp")), *what, said
    )


def _kind(message: Mapping[str, Any], name: str, account: VendorAccount) -> EventKind:
    if name == "status-update":
        return STATUS.get(text(message.get("status")) or "", EventKind.CONVERSATION_UPDATED)
    if name == "tool-calls" and _handoff_call(message, account) is not None:
        return EventKind.HANDOFF_REQUESTED
    reason = text(message.get("endedReason")) or ""
    if name == "end-of-call-report" and TRANSFER_FAILED.fullmatch(reason):
        return EventKind.CALL_TRANSFER_FAILED
    return KINDS[name] or EventKind.CONVERSATION_UPDATED


def _handoff_call(message: Mapping[str, Any], account: VendorAccount) -> Mapping[str, Any] | None:
    wanted = account.options.get("handoff_tool", "transferCall")
    calls = rows(message.get("toolCallList")) or rows(message.get("toolCalls"))
    return next((call for call in calls if name_and_arguments(call)[0] == wanted), None)


def _event(
    message: Mapping[str, Any], name: str, conversation_id: str, webhook: Webhook, account: VendorAccount
) -> Event:
    call = mapping(message.get("call"))
    told_at = moment(message.get("timestamp")) or (
        moment(message.get("endedAt")) if name == "end-of-call-report" else None
    )
    kind = _kind(message, name, account)
    said = turns(message)
    reason = text(message.get("endedReason"))
    return Event(
        event_id=_event_id(message),
        kind=kind,
        source=account.name,
        conversation=_conversation(message, call, conversation_id),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=said,
        transcript="full" if said else None,
        customer=_customer(message, call),
        bot_id=key(call.get("assistantId")),
        handoff=_asked(message, name, account) if kind is EventKind.HANDOFF_REQUESTED else None,
        bot_outcome=_outcome(message, reason) if name == "end-of-call-report" else None,
        call=_call(message, call),
        context=Context(
            variables=flat(at(message, "artifact", "variableValues"))
            or flat(at(call, "assistantOverrides", "variableValues")),
            analysis=flat(at(message, "analysis", "structuredData")),
            tool_calls=tool_calls(message),
        ),
        reply_expected=name in (*ASKS_WHERE_TO, "tool-calls"),
        refs=_refs(call, name),
    )


def _refs(call: Mapping[str, Any], name: str) -> dict[str, str]:
    """What a notice later needs: where to speak into the call, and whether our answer has put it through already."""
    control = text(at(call, "monitor", "controlUrl"))
    asked = {"asked": name} if name in ASKS_WHERE_TO else {}
    return {**({"control_url": control} if control else {}), **asked}


def _conversation(message: Mapping[str, Any], call: Mapping[str, Any], conversation_id: str) -> ConversationInfo:
    raw = text(call.get("type"))
    return ConversationInfo(
        vendor_conversation_id=conversation_id,
        channel=Channel.VOICE if call else Channel.WEB_CHAT,
        channel_raw=raw,
        language=text(message.get("language")),
        started_at=moment(message.get("startedAt")) or moment(call.get("createdAt")),
        ended_at=moment(message.get("endedAt")),
    )


def _customer(message: Mapping[str, Any], call: Mapping[str, Any]) -> Customer:
    who = mapping(message.get("customer")) or mapping(call.get("customer"))
    phone = text(who.get("number"))
    return Customer(
        vendor_user_id=key(who.get("externalId")) or phone,
        external_id=key(who.get("externalId")),
        name=text(who.get("name")),
        email=text(who.get("email")),
        phone=phone,
    )


def _asked(message: Mapping[str, Any], name: str, account: VendorAccount) -> HandoffAsked:
    call = _handoff_call(message, account)
    arguments = name_and_arguments(call)[1] if call else mapping(message.get("parameters"))
    reason = text(arguments.get("reason")) or text(arguments.get("summary"))
    return HandoffAsked(
        reason_code="other",
        reason_text=reason,
        requested_by="bot",
        target=flat(arguments),
        vendor_metadata={"type": name},
    )


def _outcome(message: Mapping[str, Any], reason: str | None) -> BotOutcome:
    success = text(at(message, "analysis", "successEvaluation"))  # a string: "true", "false" or a rubric's word
    return BotOutcome(
        resolved={"true": True, "false": False}.get((success or "").lower()),
        resolution_state=success,
        failure_reason=reason if reason and FAILED.fullmatch(reason) else None,
        ended_reason=reason,
        summary=text(at(message, "analysis", "summary")) or text(message.get("summary")),
    )


def _call(message: Mapping[str, Any], call: Mapping[str, Any]) -> dict[str, Any] | None:
    destination = at(message, "destination", "number") or at(message, "destination", "sipUri")
    recording = at(message, "artifact", "recordingUrl") or message.get("recordingUrl")
    found = {
        "direction": {"inboundPhoneCall": "inbound", "outboundPhoneCall": "outbound"}.get(text(call.get("type")) or ""),
        "provider_call_id": text(call.get("phoneCallProviderId")),
        "recording_url": text(recording) or text(at(message, "artifact", "recording", "stereoUrl")),
        "transfer": {"destination": text(destination)} if text(destination) else None,
    }
    return {name: value for name, value in found.items() if value is not None} or None


def _answer(message: Mapping[str, Any], account: VendorAccount, decision: Mapping[str, Any]) -> dict[str, Any]:
    words = text(decision.get("customer_message"))
    escalates = decision.get("action") == "escalate"
    match message.get("type"):
        case "tool-calls":
            told = words or _stays(decision) or ("A person takes over." if escalates else "No person is needed; go on.")
            calls = rows(message.get("toolCallList")) or rows(message.get("toolCalls"))
            return {"results": [{"toolCallId": key(call.get("id")) or "", "result": told} for call in calls]}
        case asked if asked in ASKS_WHERE_TO and (stays := _stays(decision)):
            return {"error": words or stays}  # no transfer is made, and the assistant goes on
        case asked if asked in ASKS_WHERE_TO:
            announced = text(decision.get("announcement")) if decision.get("transfer") == "warm" else None
            return _destination(account, words, announced if asked == "transfer-destination-request" else None)
    return {}


def _stays(decision: Mapping[str, Any]) -> str | None:
    """Why the caller is not put through by this answer, though people have the conversation."""
    if decision.get("wait_until"):
        return "A colleague is being asked to join. Stay with the caller; do not say that anybody is there yet."
    return "Nobody is put through now. A person calls back." if decision.get("transfer") == "callback" else None


def _destination(account: VendorAccount, words: str | None, announcement: str | None) -> dict[str, Any]:
    where = destination_of(account.options, announcement)
    if where is None:
        return {"error": "no destination is configured; a person will call back"}
    return {"destination": {**where, **({"message": words} if words else {})}}


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: "[removed]" if name in _SECRETS or name in _PROMPTS else _scrubbed(inner)
            for name, inner in value.items()
            if not (name == "message" and value.get("role") == "system")
        }
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value
