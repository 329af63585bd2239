"""
Dialogflow CX's standard webhooks: one call is one turn of the customer, and the answer is part of the bot's own.

source: googleapis/googleapis@f8291d2b, google/cloud/dialogflow/cx/v3/{webhook,response_message}.proto; captured
requests in yaq-cc/ezcx@ac68d48a; both read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook
from connectors.ports import VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flat, key, mapping, rows, text
from connectors.standing_key import OPTIONS, check_standing_key, key_number, with_standing_key
from connectors.vendors.collected import collected_customer
from connectors.vendors.dialogflow.turns import customer_turn, queued_turns
from packets.event import Channel, Context, ConversationInfo, Event, EventKind, HandoffAsked

# Requests have no kinds: each is a turn. With these webhook tags the agent's designer asks for a person.
HANDOFF_TAGS = "handoff"
HANDOFF_PARAMETER = "baton_handoff_id"  # of the session: set while people have the conversation


class Dialogflow:
    """The adapter."""

    name = "dialogflow"
    options: Mapping[str, str] = {
        **OPTIONS,
        "handoff_tags": "webhook tags that ask for a person, separated by commas (default handoff)",
        "fallback_tags": "webhook tags of no-match handlers, separated by commas (default none)",
        "intent": "current: the webhook stands on intent routes only, so the intent told is this turn's (default last)",
    }
    capabilities = VendorCapabilities(decides=True)

    def check(self, account: VendorAccount) -> None:
        check_standing_key(account)
        if account.options.get("intent", "last") not in ("current", "last"):
            raise ValueError("option intent is current or last")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        number = key_number(webhook, account)
        return Verified(_event_id(mapping(json_body(webhook.body)), webhook), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        request = mapping(json_body(webhook.body))
        session = _session(request)
        if session is None:
            raise MalformedWebhook("the body must be a Dialogflow CX WebhookRequest with sessionInfo.session")
        asked = _asked(request, account)
        said = (customer_turn(request, account), *queued_turns(request))
        return (
            Event(
                event_id=_event_id(request, webhook),
                kind=EventKind.HANDOFF_REQUESTED if asked else EventKind.MESSAGE_CREATED,
                source=account.name,
                conversation=_conversation(request, session),
                occurred_at=webhook.received_at,
                occurred_at_estimated=True,  # no request tells a time
                received_at=webhook.received_at,
                turns=tuple(turn for turn in said if turn is not None),
                transcript="partial",  # what the bot says after this call is never told
                customer=collected_customer(at(request, "sessionInfo", "parameters"), phone=_caller(request)),
                bot_id=_bot(request),
                handoff=asked,
                context=_context(request),
                reply_expected=True,
            ),
        )

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        parameters = mapping(at(json_body(webhook.body), "sessionInfo", "parameters"))
        answer = _answer(mapping(told.get("decision")), parameters)
        return VendorAnswer(json.dumps(answer, ensure_ascii=False).encode())

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return with_standing_key(webhook, account)


def _session(request: Mapping[str, Any]) -> str | None:
    """The last segment: an environment's name may stand between agent and session."""
    name = text(at(request, "sessionInfo", "session"))
    return key(name.rpartition("/")[2]) if name else None


def _event_id(request: Mapping[str, Any], webhook: Webhook) -> str:
    """One turn may call several webhooks, with one response id but different tags."""
    response_id = key(request.get("detectIntentResponseId"))
    what = [at(request, "fulfillmentInfo", "tag"), at(request, "pageInfo", "currentPage")]
    if response_id is None:  # Dialogflow repeats nothing by itself, so the same bytes are the same turn
        what.append(webhook.body.decode("utf-8", "replace"))
    return derived_id("dialogflow", _session(request), response_id, *what)


def _tags(account: VendorAccount, option: str, default: str) -> set[str]:
    return {tag.strip() for tag in account.options.get(option, default).split(",")} - {""}


def _asked(request: Mapping[str, Any], account: VendorAccount) -> HandoffAsked | None:
    """A page may ask by its webhook's tag, or by a handoff it has queued itself."""
    tag = text(at(request, "fulfillmentInfo", "tag"))
    queued = [m.get("liveAgentHandoff") for m in rows(request.get("messages")) if "liveAgentHandoff" in m]
    if tag not in _tags(account, "handoff_tags", HANDOFF_TAGS) and not queued:
        return None
    metadata = flat(at(queued[-1], "metadata")) if queued else {}
    page = text(at(request, "pageInfo", "displayName"), 200)
    told = {"tag": tag, "page": page, **metadata}
    return HandoffAsked(
        reason_text=text(metadata.get("reason")),
        requested_by="bot",
        target=metadata,
        vendor_metadata={name: value for name, value in told.items() if value is not None},
    )


def _conversation(request: Mapping[str, Any], session: str) -> ConversationInfo:
    resolved = text(at(request, "languageInfo", "resolvedLanguageCode"), 35)
    spoken = _caller(request) or text(request.get("transcript")) or text(request.get("dtmfDigits"))
    return ConversationInfo(
        vendor_conversation_id=session,
        channel=Channel.VOICE if spoken or mapping(at(request, "payload", "telephony")) else None,
        channel_raw=text(at(request, "payload", "source"), 200),
        language=resolved or text(request.get("languageCode"), 35),
    )


def _caller(request: Mapping[str, Any]) -> str | None:
    """`callerId` is in captured telephony requests and in no documentation."""
    return key(at(request, "payload", "telephony", "caller_id")) or key(request.get("callerId"))


def _bot(request: Mapping[str, Any]) -> str | None:
    """projects/…/agents/<id>/…"""
    parts = (text(at(request, "sessionInfo", "session")) or "").split("/")
    return key(dict(zip(parts[::2], parts[1::2], strict=False)).get("agents"))


def _context(request: Mapping[str, Any]) -> Context:
    form = {
        name: row.get("value")
        for row in rows(at(request, "pageInfo", "formInfo", "parameterInfo"))
        if (name := text(row.get("displayName"), 200)) and row.get("state") == "FILLED"
    }
    ours = frozenset({HANDOFF_PARAMETER})
    return Context(
        slots=flat({**mapping(at(request, "sessionInfo", "parameters")), **form}, without=ours),
        custom_attributes=flat(request.get("payload")),
    )


def _answer(decision: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """
    While people have the conversation the bot's own messages are replaced and the channel is told again. Dialogflow
    itself only notes the handoff: the channel's integration acts on it. Whoever is to be called back keeps the bot.
    """
    words, handoff_id = text(decision.get("customer_message")), text(decision.get("handoff_id"))
    messages: list[dict[str, Any]] = [{"text": {"text": [words]}}] if words else []
    if handoff_id is None:
        # Null takes a parameter out of the session: people are done.
        over = {"sessionInfo": {"parameters": {HANDOFF_PARAMETER: None}}} if HANDOFF_PARAMETER in parameters else {}
        return {**over, **({"fulfillmentResponse": _response(messages, "APPEND")} if messages else {})}
    known = {"sessionInfo": {"parameters": {HANDOFF_PARAMETER: handoff_id}}}
    if decision.get("transfer") == "callback":
        return {**known, **({"fulfillmentResponse": _response(messages, "APPEND")} if messages else {})}
    names = ("handoff_id", "transfer", "route", "tier", "respond_by", "announcement")
    messages.append({"liveAgentHandoff": {"metadata": {name: decision[name] for name in names if decision.get(name)}}})
    return {"fulfillmentResponse": _response(messages, "REPLACE"), **known}


def _response(messages: list[dict[str, Any]], behavior: str) -> dict[str, Any]:
    return {"messages": messages, "mergeBehavior": behavior}
