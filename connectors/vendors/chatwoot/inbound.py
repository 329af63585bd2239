"""
Chatwoot's webhooks: of an agent bot, of an account, of an API channel. `message_*` has the message at the top, with its
conversation inside; `conversation_*` has the conversation at the top.

source: chatwoot/chatwoot app/listeners/webhook_listener.rb, agent_bot_listener.rb, app/models/message.rb,
app/presenters/conversations/event_data_presenter.rb, read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flat, key, mapping, moment, number, rows, text
from connectors.vendors.chatwoot.about import asked_of, conversation_of, customer_of, has_agent, rating_of
from connectors.vendors.chatwoot.access import FORMS, key_number, signed
from connectors.vendors.chatwoot.wire import is_ambiguous, role_of, submitted_turn, turn_of
from packets.event import (
    BotOutcome,
    Context,
    Event,
    EventKind,
    Role,
    Turn,
)

# What Chatwoot calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "message_created": EventKind.MESSAGE_CREATED,
    "message_updated": EventKind.MESSAGE_UPDATED,  # and see _message_kind
    "conversation_created": EventKind.CONVERSATION_STARTED,
    "conversation_status_changed": EventKind.CONVERSATION_UPDATED,  # and see _status_kind
    "conversation_updated": EventKind.CONVERSATION_UPDATED,  # and see _updated_kind
    "conversation_opened": EventKind.HANDOFF_REQUESTED,  # agent bots only: people have to act
    "conversation_resolved": EventKind.CONVERSATION_ENDED,
    "conversation_typing_on": None,
    "conversation_typing_off": None,
    "webwidget_triggered": None,
    "contact_created": None,
    "contact_updated": None,
    "inbox_created": None,
    "inbox_updated": None,
}
_SECRETS = frozenset({"pubsub_token"})  # listens in on a visitor's conversations


class Chatwoot:
    """The adapter. The secret is the webhook's, the agent bot's or the API channel's own."""

    name = "chatwoot"
    options: Mapping[str, str] = {
        "account_id": "number of the Chatwoot account (in its addresses: /app/accounts/<number>); required",
        "signature": "signed (default), or url: Chatwoot before 4.11.2, the secret is ?token=… of the address",
    }
    capabilities = VendorCapabilities(
        tells=frozenset(NoticeKind),
        repeatable=frozenset({NoticeKind.CONTROL_RETURNED}),
        connects_later=frozenset(),
        pulls=True,
    )

    def check(self, account: VendorAccount) -> None:
        if not account.options.get("account_id", "").isdigit():
            raise ValueError("needs the option account_id: the number in /app/accounts/<number>")
        if account.options.get("signature", "signed") not in FORMS:
            raise ValueError(f"option signature is one of {', '.join(FORMS)}")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        number_ = key_number(webhook, account)
        delivery = key(webhook.headers.get("x-chatwoot-delivery"))
        return Verified(derived_id("chatwoot", delivery, _event_id(mapping(json_body(webhook.body)))), number_)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        name = text(body.get("event"))
        if name is None:
            raise MalformedWebhook("the body has no event")
        if name not in KINDS:
            raise UnsupportedEvent(name[:100])
        if KINDS[name] is None or (name == "message_updated" and not _says_something_new(body)):
            return ()
        owner, ours = _account_id(body), account.options.get("account_id")
        if owner and ours and owner != ours:
            # Conversations are numbered per account: two accounts in one source would get mixed up.
            raise UnsupportedEvent(f"{name} of account {owner[:20]}; the source is for account {ours}")
        if _conversation_id(body, name) is None:
            raise MalformedWebhook("no conversation is named")
        return (_event(body, name, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # only the status is read

    def stored(self, webhook: Webhook) -> bytes:
        try:
            body = json_body(webhook.body)
        except MalformedWebhook:
            return webhook.body
        return json.dumps(_scrubbed(body), ensure_ascii=False, separators=(",", ":")).encode()

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        return signed(webhook, account)


def _is_message(name: str) -> bool:
    return name.startswith("message_")


def _inner(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The conversation, wherever it stands."""
    return mapping(body.get("conversation")) if _is_message(name) else body


def _conversation_id(body: Mapping[str, Any], name: str) -> str | None:
    return key(_inner(body, name).get("id"))


def _account_id(body: Mapping[str, Any]) -> str | None:
    """Conversation webhooks name their account only inside their last message."""
    return key(at(body, "account", "id")) or key(at(body, "messages", 0, "account_id"))


def _event_id(body: Mapping[str, Any]) -> str:
    """
    Chatwoot gives none, and one thing may come from an agent bot and from an account webhook. An update counts once
    for each content: every delivery receipt is an update, too.
    """
    name = text(body.get("event")) or ""
    conversation_id = _conversation_id(body, name)
    if _is_message(name):
        attributes = mapping(body.get("content_attributes"))
        changed = (body.get("content"), attributes.get("deleted"), attributes.get("submitted_values"))
        what = (changed, attributes.get("submitted_email")) if name == "message_updated" else ()
        return derived_id("chatwoot", name, conversation_id, key(body.get("id")), what)
    when = number(body.get("updated_at")) or number(body.get("timestamp"))
    return derived_id("chatwoot", name, conversation_id, when, body.get("changed_attributes"), body.get("status"))


def _event(body: Mapping[str, Any], name: str, webhook: Webhook, account: VendorAccount) -> Event:
    inner = _inner(body, name)
    changed = _changed(body)
    rating = rating_of(body) if name == "message_updated" else None
    kind = _kind(body, name, changed, rating)
    told_at = _when(body, name)
    said = _turns(body, kind, name)
    additional = mapping(inner.get("additional_attributes"))
    return Event(
        event_id=_event_id(body),
        kind=kind,
        source=account.name,
        conversation=conversation_of(inner, account),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=said,
        customer=customer_of(body, inner),
        handoff=asked_of(inner, name) if kind is EventKind.HANDOFF_REQUESTED else None,
        bot_outcome=rating if rating and not has_agent(inner) else None,
        context=Context(
            custom_attributes=flat(inner.get("custom_attributes")),
            page_url=text(additional.get("referer")),
        ),
        warnings=("role_ambiguous",) if _is_message(name) and said and is_ambiguous(body) else (),
    )


def _says_something_new(message: Mapping[str, Any]) -> bool:
    """Most updates are receipts (sent, delivered, read), which would count as a person speaking again."""
    changed = role_of(message) is Role.CUSTOMER or at(message, "content_attributes", "deleted") is True
    return changed or submitted_turn(message) is not None or rating_of(message) is not None


def _kind(
    body: Mapping[str, Any], name: str, changed: Mapping[str, tuple[Any, Any]], rating: BotOutcome | None
) -> EventKind:
    kind = KINDS[name] or EventKind.CONVERSATION_UPDATED
    if name == "message_updated":
        if rating:
            return EventKind.CONVERSATION_RATED
        return EventKind.MESSAGE_CREATED if submitted_turn(body) else kind
    if name == "conversation_status_changed":
        return _status_kind(*changed.get("status", (None, text(body.get("status")))))
    if name == "conversation_opened" and has_agent(body):
        return EventKind.AGENT_ASSIGNED
    is_new_agent = name == "conversation_updated" and changed.get("assignee_id", (None, None))[1] is not None
    return EventKind.AGENT_ASSIGNED if is_new_agent and has_agent(body) else kind


def _status_kind(before: Any, after: Any) -> EventKind:
    """`pending` is the bot's, `open` is people's."""
    if after == "open" and before == "pending":
        return EventKind.HANDOFF_REQUESTED
    if after == "pending":
        return EventKind.CONTROL_RETURNED
    return EventKind.CONVERSATION_ENDED if after == "resolved" else EventKind.CONVERSATION_UPDATED


def _changed(body: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """`[{"status": {"previous_value", "current_value"}}]` → status: (before, after)."""
    return {
        name: (mapping(values).get("previous_value"), mapping(values).get("current_value"))
        for row in rows(body.get("changed_attributes"))
        for name, values in row.items()
    }


def _turns(body: Mapping[str, Any], kind: EventKind, name: str) -> tuple[Turn, ...]:
    """A handoff brings the last message along, in case its own webhook got lost; its id tells that we have it."""
    if _is_message(name):
        updated = submitted_turn(body) if name == "message_updated" and kind is EventKind.MESSAGE_CREATED else None
        found = [] if kind is EventKind.CONVERSATION_RATED else [updated or turn_of(body)]
    else:
        found = [turn_of(row) for row in rows(body.get("messages"))] if kind is EventKind.HANDOFF_REQUESTED else []
    return tuple(turn for turn in found if turn is not None)


def _when(body: Mapping[str, Any], name: str) -> Any:
    """A message's own time; a conversation's last change. Times are ISO outside and seconds inside."""
    if name == "message_created":
        return moment(body.get("created_at"))
    if name == "message_updated":
        return None
    if name == "conversation_created":
        return moment(body.get("created_at")) or moment(body.get("timestamp"))
    return moment(body.get("updated_at")) or moment(body.get("timestamp"))


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: "[removed]" if name in _SECRETS and inner is not None else _scrubbed(inner)
            for name, inner in value.items()
        }
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value
