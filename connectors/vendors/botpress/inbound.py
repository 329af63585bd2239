"""
What a Botpress HITL integration passes on: the actions `startHitl` and `stopHitl`, `{type, input}`, as Botpress calls
it with, and single messages, `{type, data}`.

source: botpress/botpress@4f4a05a0 interfaces/hitl/interface.definition.ts and plugins/hitl, read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flag, flat, key, mapping, moment, rows, text
from connectors.standing_key import OPTIONS, check_standing_key, key_number, with_standing_key
from connectors.vendors.botpress.messages import has_unknown_sources, history, single
from packets.event import Context, ConversationInfo, Customer, Event, EventKind, HandoffAsked

# What Botpress calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "startHitl": EventKind.HANDOFF_REQUESTED,
    "stopHitl": EventKind.HANDOFF_CANCELLED,
    "message_created": EventKind.MESSAGE_CREATED,
    "createUser": None,  # the integration keeps its users itself
    "ping": None,
}


class Botpress:
    """The adapter."""

    name = "botpress"
    options: Mapping[str, str] = OPTIONS
    capabilities = VendorCapabilities(
        decides=True,
        tells=frozenset(NoticeKind),
        repeatable=frozenset({NoticeKind.HUMAN_JOINED, NoticeKind.CONTROL_RETURNED}),
        connects_later=frozenset(),
    )

    def check(self, account: VendorAccount) -> None:
        check_standing_key(account)

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        number = key_number(webhook, account)
        return Verified(_event_id(mapping(json_body(webhook.body))), number)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        call = mapping(json_body(webhook.body))
        name = text(call.get("type"))
        if name is None:
            raise MalformedWebhook('the body must be {"type": "startHitl", "conversationId": …, "input": {…}}')
        if name not in KINDS:
            raise UnsupportedEvent(name[:100])
        kind = KINDS[name]
        if kind is None:
            return ()
        conversation_id = _conversation_id(call)
        if conversation_id is None:
            raise MalformedWebhook(f"{name} has no conversationId")
        return (_event(call, kind, conversation_id, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        """
        The output of `startHitl`, `{conversationId}`; to a message the decision, for the bot's own code. The words for
        the customer are not in it where the call back says them.
        """
        call = mapping(json_body(webhook.body))
        if call.get("type") != "message_created":
            conversation_id = _conversation_id(call)
            return VendorAnswer(json.dumps({"conversationId": conversation_id} if conversation_id else {}).encode())
        without = "customer_message" if account.base_url else None
        decision = {name: value for name, value in mapping(told.get("decision")).items() if name != without}
        return VendorAnswer(json.dumps({**told, "decision": decision}, ensure_ascii=False).encode())

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return with_standing_key(webhook, account)


def _conversation_id(call: Mapping[str, Any]) -> str | None:
    return key(call.get("conversationId")) or key(at(call, "input", "conversationId")) or key(
        at(call, "data", "conversationId")
    )  # fmt: skip


def _event_id(call: Mapping[str, Any]) -> str:
    """Only messages have an id. An action is told apart by what it was called with, a session by its conversation."""
    started = mapping(call.get("input"))
    said = [turn.text for turn in history(started)]
    what = [key(at(call, "data", "id")), key(started.get("userId")), text(started.get("title")), said]
    return derived_id("botpress", text(call.get("type")), _conversation_id(call), *what)


def _event(
    call: Mapping[str, Any], kind: EventKind, conversation_id: str, webhook: Webhook, account: VendorAccount
) -> Event:
    started, data = mapping(call.get("input")), mapping(call.get("data"))
    told_at = moment(data.get("createdAt"))
    asks = kind is EventKind.HANDOFF_REQUESTED
    message = single(data) if kind is EventKind.MESSAGE_CREATED else None
    said = history(started) if asks else (message,) if message else ()
    return Event(
        event_id=_event_id(call),
        kind=kind,
        source=account.name,
        conversation=ConversationInfo(
            vendor_conversation_id=conversation_id,
            subject=text(started.get("title"), 500),
            priority=text(started.get("priority"), 50) or text(at(started, "hitlSession", "priority"), 50),
        ),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=said,
        transcript="full" if asks and said else None,
        customer=_customer(started, data),
        handoff=_asked(started) if asks else None,
        context=Context(custom_attributes=flat(started.get("hitlSession"))),
        reply_expected=asks,
        warnings=_warnings(started, data, kind),
        refs={"user_id": user} if (user := key(started.get("userId"))) else {},
    )


def _customer(started: Mapping[str, Any], data: Mapping[str, Any]) -> Customer | None:
    user = key(started.get("userId")) or (None if flag(data.get("isBot")) else key(data.get("userId")))
    name, email = text(started.get("userName"), 200), text(started.get("userEmail"), 320)
    customer = Customer(vendor_user_id=user, name=name, email=email)
    return customer if customer != Customer() else None


def _asked(started: Mapping[str, Any]) -> HandoffAsked:
    return HandoffAsked(
        reason_text=text(started.get("description")) or text(started.get("title")),
        requested_by="bot",
        agent_note=text(started.get("description")),
        vendor_metadata=flat(started.get("hitlSession")),
    )


def _warnings(started: Mapping[str, Any], data: Mapping[str, Any], kind: EventKind) -> tuple[str, ...]:
    if kind is EventKind.MESSAGE_CREATED:
        return () if flag(data.get("isBot")) is not None else ("role_ambiguous",)
    if has_unknown_sources(started):
        return ("role_ambiguous",)
    empty = kind is EventKind.HANDOFF_REQUESTED and not rows(started.get("messageHistory"))
    return ("no_history",) if empty else ()
