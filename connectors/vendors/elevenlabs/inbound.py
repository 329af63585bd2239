"""
ElevenLabs agents' webhooks, `{"type", "event_timestamp", "data"}`: all of them come after the call.

source: elevenlabs/elevenlabs-python@54e58995 (src/elevenlabs/webhooks_custom.py),
elevenlabs/elevenlabs-docs@3557f0b1 (post-call-webhook.mdx, the schema of a conversation), read 2026-11-21.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import after, at, derived_id, flat, key, mapping, moment, number, text
from connectors.signing import fresh, hmac_hex, matching_signature
from connectors.vendors.elevenlabs.transcript import tool_calls, turns
from packets.event import (
    BotOutcome,
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    ToolCall,
)

# What ElevenLabs calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "post_call_transcription": EventKind.CONVERSATION_ENDED,  # and see _kind
    "post_call_audio": None,
    "call_initiation_failure": EventKind.CONVERSATION_ENDED,
}
RESOLVED = {"success": True, "failure": False}  # analysis.call_successful; "unknown" is neither
TRANSFERS = frozenset({"transfer_to_number", "transfer_to_human"})
TOLERANCE = timedelta(minutes=30)  # theirs; into the future their library looks at nothing, we do
HEADER = "elevenlabs-signature"
_TIME = re.compile(r"[0-9]{1,15}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
SECRET_PREFIX = "secret__"  # noqa: S105  (dynamic variables of this name are their way to pass secrets to tools)
_SYSTEM_PREFIX = "system__"


class ElevenLabs:
    """The adapter. The secret is the webhook's own (`wsec_…`)."""

    name = "elevenlabs"
    options: Mapping[str, str] = {
        "handoff_tool": "name of the agent's tool that asks for a person (default handoff)",
        "failed_calls": "yes: a call that could not start, or that the analysis calls a failure, is handed off",
    }
    capabilities = VendorCapabilities()

    def check(self, account: VendorAccount) -> None:
        if account.options.get("failed_calls", "no") not in ("yes", "no", "true", "false"):
            raise ValueError("option failed_calls is yes or no")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        stamp, digests = _told(webhook.headers.get(HEADER, ""))
        fresh(stamp, webhook.received_at, tolerance=TOLERANCE)
        message = stamp.encode() + b"." + webhook.body
        number_ = matching_signature(digests, account.secrets, lambda secret: hmac_hex(secret, message))
        return Verified(_event_id(mapping(json_body(webhook.body))), number_)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        name = text(body.get("type"))
        if name is None:
            raise MalformedWebhook("the body must be a JSON object with `type` and `data`")
        if name not in KINDS:
            raise UnsupportedEvent(name[:100])
        if KINDS[name] is None:
            return ()
        data = mapping(body.get("data"))
        conversation_id = key(data.get("conversation_id"))
        if conversation_id is None:
            raise MalformedWebhook("the data has no conversation_id")
        return (_event(body, name, data, conversation_id, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # only the status is read, and it must be 200

    def stored(self, webhook: Webhook) -> bytes:
        """Without the recording (it may be megabytes) and without the variables that are secrets."""
        try:
            body = json_body(webhook.body)
        except MalformedWebhook:
            return webhook.body
        kept = _scrubbed(body)
        return webhook.body if kept == body else json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        stamp = str(int(webhook.received_at.timestamp()))
        digest = hmac_hex(account.secrets[0], stamp.encode() + b"." + webhook.body)
        return replace(webhook, headers={**webhook.headers, HEADER: f"t={stamp},v0={digest}"})


def _told(header: str) -> tuple[str, list[str]]:
    """Time and signatures of `t=…,v0=…`; several v0 while a secret is rotated. Raises SignatureRejected."""
    if len(header) > 4096:
        raise SignatureRejected
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t" and _TIME.fullmatch(value)]
    digests = [value for name, _, value in parts if name == "v0" and _DIGEST.fullmatch(value)]
    if len(stamps) != 1 or not digests:
        raise SignatureRejected
    return stamps[0], digests


def _event_id(body: Mapping[str, Any]) -> str:
    """ElevenLabs gives none; each kind comes once a conversation."""
    return derived_id("elevenlabs", key(at(body, "data", "conversation_id")), text(body.get("type")))


def _event(
    body: Mapping[str, Any],
    name: str,
    data: Mapping[str, Any],
    conversation_id: str,
    webhook: Webhook,
    account: VendorAccount,
) -> Event:
    told_at = moment(body.get("event_timestamp"))
    started = moment(at(data, "metadata", "start_time_unix_secs"))
    said, tried = turns(data, started), tool_calls(data)
    kind, asked = _kind(name, data, tried, account)
    return Event(
        event_id=_event_id(body),
        kind=kind,
        source=account.name,
        conversation=_conversation(data, conversation_id),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=said,
        transcript="full" if said else "none",
        customer=_customer(data),
        bot_id=key(data.get("agent_id")),
        bot_version=text(data.get("version_id")),
        handoff=asked,
        bot_outcome=_outcome(data),
        call=_call(data, tried),
        context=_context(data, tried),
    )


def _kind(
    name: str, data: Mapping[str, Any], tried: tuple[ToolCall, ...], account: VendorAccount
) -> tuple[EventKind, HandoffAsked | None]:
    """A call in which the agent asked for a person, or tried to put the caller through, is more than ended."""
    wanted = account.options.get("handoff_tool", "handoff")
    call = next((call for call in tried if call.name == wanted), None)
    if call is not None:
        reason = text(call.arguments.get("reason")) or text(call.arguments.get("summary"))
        return EventKind.HANDOFF_REQUESTED, HandoffAsked(
            reason_text=reason, requested_by="bot", target=flat(call.arguments)
        )
    transfers = [call for call in tried if call.name in TRANSFERS]
    if transfers:
        return (EventKind.CALL_TRANSFERRED if transfers[-1].ok else EventKind.CALL_TRANSFER_FAILED), None
    failed = _failure(name, data)
    if failed and account.options.get("failed_calls") in ("yes", "true"):
        return EventKind.HANDOFF_REQUESTED, HandoffAsked("bot_failure", failed, requested_by="rule")
    return EventKind.CONVERSATION_ENDED, None


def _failure(name: str, data: Mapping[str, Any]) -> str | None:
    if name == "call_initiation_failure":
        return text(data.get("failure_reason")) or "the call could not start"
    return "the analysis calls it a failure" if at(data, "analysis", "call_successful") == "failure" else None


def _conversation(data: Mapping[str, Any], conversation_id: str) -> ConversationInfo:
    started = moment(at(data, "metadata", "start_time_unix_secs"))
    override = at(data, "conversation_initiation_client_data", "conversation_config_override")
    is_text = at(override, "conversation", "text_only") is True
    return ConversationInfo(
        vendor_conversation_id=conversation_id,
        channel=Channel.WEB_CHAT if is_text else Channel.VOICE,
        channel_raw=text(at(data, "metadata", "phone_call", "type")) or text(at(data, "metadata", "type")),
        language=text(at(data, "metadata", "main_language")) or text(at(override, "agent", "language")),
        started_at=started,
        ended_at=after(started, at(data, "metadata", "call_duration_secs")),
    )


def _customer(data: Mapping[str, Any]) -> Customer:
    """Names are the owner's own variables and stay facts. A call that never started names the number it called."""
    phone = text(at(data, "metadata", "phone_call", "external_number")) or text(at(data, "metadata", "body", "Called"))
    return Customer(
        vendor_user_id=key(data.get("user_id")) or phone, phone=phone if phone and phone.startswith("+") else None
    )


def _outcome(data: Mapping[str, Any]) -> BotOutcome:
    success = text(at(data, "analysis", "call_successful"))
    return BotOutcome(
        resolved=RESOLVED.get((success or "").lower()),
        resolution_state=success,
        failure_reason=text(data.get("failure_reason")) or text(at(data, "metadata", "error", "reason")),
        ended_reason=text(at(data, "metadata", "termination_reason")),
        summary=text(at(data, "analysis", "transcript_summary")),
    )


def _call(data: Mapping[str, Any], tried: tuple[ToolCall, ...]) -> dict[str, Any] | None:
    phone = mapping(at(data, "metadata", "phone_call"))
    seconds = number(at(data, "metadata", "call_duration_secs"))
    transfer = next((call for call in reversed(tried) if call.name in TRANSFERS), None)
    number_called = text(transfer.arguments.get("transfer_number")) if transfer else None
    found = {
        "direction": text(phone.get("direction")),
        "provider_call_id": text(phone.get("call_sid")) or text(at(data, "metadata", "body", "CallSid")),
        "duration_ms": round(seconds * 1000) if seconds is not None and 0 <= seconds < 1e7 else None,
        "transfer": {"destination": number_called} if number_called else None,
    }
    return {name: value for name, value in found.items() if value is not None} or None


def _context(data: Mapping[str, Any], tried: tuple[ToolCall, ...]) -> Context:
    variables = flat(at(data, "conversation_initiation_client_data", "dynamic_variables"))
    collected = mapping(at(data, "analysis", "data_collection_results"))
    judged = mapping(at(data, "analysis", "evaluation_criteria_results"))
    return Context(
        slots=flat({name: at(result, "value") for name, result in collected.items()}),
        variables={n: v for n, v in variables.items() if not n.startswith((SECRET_PREFIX, _SYSTEM_PREFIX))},
        analysis=flat({name: at(result, "result") for name, result in judged.items()}),
        tool_calls=tried,
    )


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: "[removed]" if name == "full_audio" or name.startswith(SECRET_PREFIX) else _scrubbed(inner)
            for name, inner in value.items()
        }
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value
