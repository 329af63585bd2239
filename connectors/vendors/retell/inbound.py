"""
Retell AI's webhooks, `{"event", "call" | "chat"}`. At Retell "agent" is the AI; the person is `transfer_target`.

source: RetellAI/retell-python-sdk@a14e5119 (lib/webhook_auth.py, types/phone_call_response.py) and
docs.retellai.com/features/webhook-overview and /features/secure-webhook, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flag, flat, key, mapping, moment, number, text
from connectors.signing import fresh, hmac_hex, matching_signature
from connectors.vendors.retell.transcript import spoken, tool_calls, turns
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

# What Retell calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "call_started": EventKind.CONVERSATION_STARTED,
    "call_ended": EventKind.CONVERSATION_ENDED,
    "call_analyzed": EventKind.CONVERSATION_ANALYZED,
    "transcript_updated": EventKind.CONVERSATION_UPDATED,
    "transfer_started": EventKind.CALL_TRANSFER_STARTED,
    "transfer_bridged": EventKind.CALL_TRANSFERRED,
    "transfer_cancelled": EventKind.CALL_TRANSFER_FAILED,
    "transfer_ended": None,  # the bridged call is over: people had it
    "chat_started": EventKind.CONVERSATION_STARTED,
    "chat_ended": EventKind.CONVERSATION_ENDED,
    "chat_analyzed": EventKind.CONVERSATION_ANALYZED,
}
# A call that ended like this was not ended by the caller being served.
FAILED = re.compile(r"error_.*|inactivity|max_duration_reached|concurrency_limit_reached|no_valid_payment")
SIGNATURE = re.compile(r"v=([0-9]{1,15}),d=([0-9a-f]{64})")


class Retell:
    """The adapter. The webhook key is the Retell API key that carries the webhook badge."""

    name = "retell"
    options: Mapping[str, str] = {
        "failed_calls": "yes: a call that failed technically, and got no transfer, is handed off (default no)"
    }
    capabilities = VendorCapabilities()

    def check(self, account: VendorAccount) -> None:
        if account.options.get("failed_calls", "no") not in ("yes", "no", "true", "false"):
            raise ValueError("option failed_calls is yes or no")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        found = SIGNATURE.fullmatch(webhook.headers.get("x-retell-signature", ""))
        if found is None:
            raise SignatureRejected
        stamp, digest = found.groups()
        fresh(stamp, webhook.received_at, milliseconds=True)
        number_ = matching_signature([digest], account.secrets, lambda s: hmac_hex(s, webhook.body + stamp.encode()))
        body = json_body(webhook.body)
        return Verified(_event_id(mapping(body)), number_)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        name = text(body.get("event"))
        if name is None:
            raise MalformedWebhook("the body must be a JSON object with `event` and `call` or `chat`")
        if name not in KINDS:
            raise UnsupportedEvent(name[:100])
        kind = KINDS[name]
        if kind is None:
            return ()
        call = mapping(body.get("call")) or mapping(body.get("chat"))
        conversation_id = key(call.get("call_id")) or key(call.get("chat_id"))
        if conversation_id is None:
            raise MalformedWebhook("the call has no call_id (or the chat no chat_id)")
        return (_event(body, kind, call, conversation_id, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # Retell reads nothing but the status

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        stamp = str(int(webhook.received_at.timestamp() * 1000))
        digest = hmac_hex(account.secrets[0], webhook.body + stamp.encode())
        return replace(webhook, headers={**webhook.headers, "x-retell-signature": f"v={stamp},d={digest}"})


def _event_id(body: Mapping[str, Any]) -> str:
    """Retell gives none. One event of a kind a call, but `transcript_updated` comes with every turn."""
    call = mapping(body.get("call")) or mapping(body.get("chat"))
    count = len(spoken(call)) if body.get("event") == "transcript_updated" else 0
    return derived_id("retell", call.get("call_id") or call.get("chat_id"), body.get("event"), count)


def _event(
    body: Mapping[str, Any], kind: EventKind, call: Mapping[str, Any], conversation_id: str, webhook: Webhook,
    account: VendorAccount,
) -> Event:  # fmt: skip
    started, ended = moment(call.get("start_timestamp")), moment(call.get("end_timestamp"))
    failed = kind is EventKind.CONVERSATION_ENDED and _failed(call)
    asked = None
    if failed and account.options.get("failed_calls") in ("yes", "true"):
        kind = EventKind.HANDOFF_REQUESTED
        reason = text(call.get("disconnection_reason")) or "failed"
        asked = HandoffAsked(reason_code="bot_failure", reason_text=reason, requested_by="rule")
    said = turns(call, started)
    return Event(
        event_id=_event_id(body),
        kind=kind,
        source=account.name,
        conversation=_conversation(call, conversation_id, started, ended),
        occurred_at=_when(kind, started, ended) or webhook.received_at,
        occurred_at_estimated=_when(kind, started, ended) is None,
        sequence=len(said) if body.get("event") == "transcript_updated" else None,
        received_at=webhook.received_at,
        turns=said,
        transcript="full" if said else None,
        customer=_customer(call),
        bot_id=key(call.get("agent_id")),
        bot_version=text(call.get("agent_version")),
        handoff=asked,
        bot_outcome=_outcome(call),
        call=_call(call, kind),
        context=Context(
            variables=flat(call.get("retell_llm_dynamic_variables"), without=frozenset({"prompt"})),
            slots=flat(call.get("collected_dynamic_variables")),
            custom_attributes=flat(call.get("metadata")),
            analysis=_analysis(call),
            tool_calls=tool_calls(call),
        ),
    )


def _when(kind: EventKind, started: datetime | None, ended: datetime | None) -> datetime | None:
    """The body has no time of the event; the two it has belong to the start and the end of the call."""
    if kind is EventKind.CONVERSATION_STARTED:
        return started
    over = (EventKind.CONVERSATION_ENDED, EventKind.CONVERSATION_ANALYZED, EventKind.HANDOFF_REQUESTED)
    return ended if kind in over else None


def _failed(call: Mapping[str, Any]) -> bool:
    reason = text(call.get("disconnection_reason")) or ""
    gave_up = reason == "agent_hangup" and at(call, "call_analysis", "call_successful") is False
    return bool(FAILED.fullmatch(reason)) or gave_up or call.get("call_status") in ("error", "not_connected")


def _conversation(
    call: Mapping[str, Any], conversation_id: str, started: datetime | None, ended: datetime | None
) -> ConversationInfo:
    raw = text(call.get("call_type")) or text(call.get("chat_type"))
    is_call = "chat_id" not in call
    return ConversationInfo(
        vendor_conversation_id=conversation_id,
        channel=Channel.VOICE if is_call else Channel.WEB_CHAT,
        channel_raw=raw,
        url=text(call.get("public_log_url")),
        started_at=started,
        ended_at=ended,
    )


def _customer(call: Mapping[str, Any]) -> Customer:
    """The number that is not ours; names and addresses are the owner's own variables and stay facts."""
    outbound = call.get("direction") == "outbound"
    phone = text(call.get("to_number" if outbound else "from_number"))
    return Customer(vendor_user_id=phone, phone=phone if phone and phone.startswith("+") else None)


def _outcome(call: Mapping[str, Any]) -> BotOutcome:
    analysis = mapping(call.get("call_analysis")) or mapping(call.get("chat_analysis"))
    reason = text(call.get("disconnection_reason"))
    return BotOutcome(
        resolved=flag(analysis.get("call_successful")),
        failure_reason=reason if _failed(call) else None,
        ended_reason=reason,
        summary=text(analysis.get("call_summary")) or text(analysis.get("chat_summary")),
    )


def _analysis(call: Mapping[str, Any]) -> dict[str, Any]:
    analysis = mapping(call.get("call_analysis")) or mapping(call.get("chat_analysis"))
    found = flat(analysis.get("custom_analysis_data"))
    label = (text(analysis.get("user_sentiment")) or "").lower()  # Retell writes "Negative"
    if label in ("negative", "positive", "neutral"):
        found["sentiment"] = {"label": label}
    return found


def _call(call: Mapping[str, Any], kind: EventKind) -> dict[str, Any] | None:
    if "chat_id" in call:
        return None
    transfer = {
        "destination": text(at(call, "transfer_destination", "number")) or text(call.get("transfer_destination"))
    }
    found = {
        "direction": text(call.get("direction")),
        "from": text(call.get("from_number")),
        "to": text(call.get("to_number")),
        "duration_ms": number(call.get("duration_ms")),
        "recording_url": text(call.get("recording_url")),
        "voicemail": flag(at(call, "call_analysis", "in_voicemail")),
        "transfer": transfer if transfer["destination"] else None,
    }
    return {name: value for name, value in found.items() if value is not None}
