"""
One call of Twilio, read: the Event it is. What kind it is has been found before (inbound.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import MalformedWebhook
from connectors.ports import VendorAccount, Webhook
from connectors.reading import flat, key, number, text
from connectors.vendors.twilio.wire import (
    handoff_data,
    heard,
    is_voice,
    message_id,
    phone,
    spoken_to,
    spoken_turns,
    told_at,
    told_turns,
    written_turn,
)
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

SPOKEN = frozenset({"SpeechResult", "Digits"})
WRITTEN = frozenset({"SmsStatus", "Body"})
# The calls whose answer is carried out on a line that is still open.
WAITING = SPOKEN | {"HandoffData", "handoffData", "SessionStatus"}
_REASONS = frozenset(
    {"customer_request", "bot_failure", "low_confidence", "negative_sentiment", "rule", "out_of_scope", "policy"}
)
_TOLD_ELSEWHERE = frozenset({"reasonCode", "reason", "summary"})
_PLACE = ("FromCity", "FromState", "FromZip", "FromCountry")  # where the number is registered, not where they are


def event_of(
    told: Mapping[str, Any], name: str, kind: EventKind, event_id: str, webhook: Webhook, account: VendorAccount
) -> Event:
    """name: the parameter that told the kind. Raises MalformedWebhook."""
    customer, ours = _sides(told, name)
    conversation = _conversation(told, customer, ours)
    when = told_at(told.get("Timestamp"))
    voice = is_voice(told)
    data, words = handoff_data(told)
    turns, warnings = told_turns(data)
    if name in SPOKEN:
        turns = spoken_turns(told, event_id)
    elif name in WRITTEN:
        turns = (written_turn(told, message_id(told) or event_id, spoken_to(customer)[0]),)
    asked = kind is EventKind.HANDOFF_REQUESTED
    return Event(
        event_id=event_id,
        kind=kind,
        source=account.name,
        conversation=conversation,
        occurred_at=when or webhook.received_at,
        occurred_at_estimated=when is None,
        received_at=webhook.received_at,
        sequence=_sequence(told),
        turns=turns,
        transcript=("full" if turns else "none") if asked else None,
        customer=_customer(told, customer),
        handoff=_asked(data, words) if asked else None,
        bot_outcome=_outcome(told, name, kind, data),
        call=_call(told) if voice else None,
        context=_context(told, data),
        # With an interface to call, messages go out as work, which is repeated until it is done; an answer is not.
        reply_expected=name in WAITING if voice else name in WRITTEN and account.base_url is None,
        warnings=("message_undelivered",) if name == "MessageStatus" else warnings,
        refs=_refs(told, customer, ours),
    )


def _is_outbound(told: Mapping[str, Any]) -> bool:
    return (text(told.get("Direction")) or "").startswith("outbound")


def _sides(told: Mapping[str, Any], name: str) -> tuple[str | None, str | None]:
    """The customer's address and ours. Ours sends in outbound calls and in the fate of a message we sent."""
    sender, receiver = key(told.get("From")), key(told.get("To"))
    return (receiver, sender) if name == "MessageStatus" or _is_outbound(told) else (sender, receiver)


def _sequence(told: Mapping[str, Any]) -> int | None:
    found = number(told.get("SequenceNumber"))
    return int(found) if found is not None and 0 <= found < 1e9 else None


def _conversation(told: Mapping[str, Any], customer: str | None, ours: str | None) -> ConversationInfo:
    """A call is its first leg's; messages between two numbers are one conversation, as on the customer's phone."""
    call_sid = key(told.get("ParentCallSid")) or key(told.get("CallSid"))
    conversation_id = call_sid or (key(f"{customer}|{ours}") if customer and ours else None)
    if conversation_id is None:
        raise MalformedWebhook("the call has neither CallSid nor both of From and To")
    channel = spoken_to(customer)[1]
    return ConversationInfo(
        vendor_conversation_id=conversation_id,
        channel=Channel.VOICE if is_voice(told) else channel or Channel.SMS,
        channel_raw=(customer or "").partition(":")[0] if channel else None,
        session_id=key(told.get("SessionId")),
    )


def _customer(told: Mapping[str, Any], address: str | None) -> Customer | None:
    who, _ = spoken_to(address)
    if who is None:
        return None
    return Customer(
        vendor_user_id=key(told.get("WaId")) or who,
        name=text(told.get("ProfileName")) or text(told.get("CallerName")),
        phone=phone(who),
    )


def _asked(data: Mapping[str, Any], words: str | None) -> HandoffAsked:
    code = (text(data.get("reasonCode")) or "").lower().replace("-", "_")
    return HandoffAsked(
        reason_code=code if code in _REASONS else "other",
        reason_text=text(data.get("reason"), 1000) or (words or "")[:1000] or None,
        requested_by="bot",
        agent_note=words if words and len(words) > 1000 else None,
        vendor_metadata={"reasonCode": found} if (found := text(data.get("reasonCode"))) else {},
    )


def _outcome(told: Mapping[str, Any], name: str, kind: EventKind, data: Mapping[str, Any]) -> BotOutcome | None:
    """A relay that broke leaves a caller on the line; one that ended has said what it wanted."""
    relay = text(told.get("SessionStatus")) if name == "SessionStatus" else None
    error = text(told.get("ErrorCode")) if relay else None
    ended = relay or (text(told.get("CallStatus")) if kind is EventKind.CONVERSATION_ENDED else None)
    summary = text(data.get("summary"))
    if not (ended or summary):
        return None
    failed = relay == "failed" or error is not None
    return BotOutcome(
        failure_reason=f"ConversationRelay failed ({error or 'no code told'})" if failed else None,
        ended_reason=ended,
        summary=summary,
    )


def _call(told: Mapping[str, Any]) -> dict[str, Any]:
    seconds = number(told.get("CallDuration"))
    way = (text(told.get("Direction")) or "").partition("-")[0]  # outbound-api, outbound-dial
    found = {
        "direction": way if way in ("inbound", "outbound") else None,
        "from": text(told.get("From")),
        "to": text(told.get("To")),
        "duration_ms": round(seconds * 1000) if seconds is not None and 0 <= seconds < 1e6 else None,
        "recording_url": text(told.get("RecordingUrl")),
        "transfer": {"status": status} if (status := text(told.get("DialCallStatus"))) else None,
        "provider_call_id": key(told.get("CallSid")),
    }
    return {name: value for name, value in found.items() if value is not None}


def _context(told: Mapping[str, Any], data: Mapping[str, Any]) -> Context | None:
    place = {name: found for name in _PLACE if (found := text(told.get(name)))}
    variables = flat(data, without=_TOLD_ELSEWHERE)
    analysis = {**place, **heard(told)}
    return Context(variables=variables, analysis=analysis) if variables or analysis else None


def _refs(told: Mapping[str, Any], customer: str | None, ours: str | None) -> dict[str, str]:
    """What the client needs: the call, or both numbers as Twilio writes them."""
    call_sid = key(told.get("ParentCallSid")) or key(told.get("CallSid"))
    if call_sid:
        return {"call_sid": call_sid}
    return {"customer": customer, "number": ours} if customer and ours else {}
