"""
Intercom's workspace webhooks, `{"type": "notification_event", "topic", "data": {"item"}}`. What stands in `item`
depends on the API version of the app: both shapes are read.

source: developers.intercom.com/docs/webhooks/webhook-notifications, intercom/Intercom-OpenAPI@88896257 (2.16), captures
of API 1.x (hull/hull-connectors@710a4a79), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.body import json_body
from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import NoticeKind, VendorAccount, VendorAnswer, VendorCapabilities, Verified, Webhook
from connectors.reading import at, derived_id, flat, key, mapping, moment, number, rows, text
from connectors.signing import hmac_hex, matching_signature
from connectors.vendors.intercom.wire import first_message, parts_of, role_of, turn_of_first, turn_of_part
from packets.event import (
    BotOutcome,
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    Role,
    Turn,
)

# What Intercom calls it → what we call it. None: we know it and need nothing from it.
KINDS: Mapping[str, EventKind | None] = {
    "conversation.user.created": EventKind.MESSAGE_CREATED,
    "conversation.user.replied": EventKind.MESSAGE_CREATED,
    "conversation.operator.replied": EventKind.MESSAGE_CREATED,  # Fin or a workflow; and see _kind
    "conversation.admin.replied": EventKind.MESSAGE_CREATED,
    "conversation.admin.noted": EventKind.MESSAGE_CREATED,
    "conversation.admin.single.created": EventKind.MESSAGE_CREATED,
    "conversation.admin.single.reply": EventKind.MESSAGE_CREATED,
    "conversation.admin.assigned": EventKind.CONVERSATION_UPDATED,  # and see _assigned
    "conversation.admin.opened": EventKind.CONVERSATION_UPDATED,
    "conversation.admin.snoozed": EventKind.CONVERSATION_UPDATED,
    "conversation.admin.unsnoozed": EventKind.CONVERSATION_UPDATED,
    "conversation.admin.closed": EventKind.CONVERSATION_ENDED,
    "conversation.rating.added": EventKind.CONVERSATION_RATED,
    "conversation.rating.changed": EventKind.CONVERSATION_RATED,
    "conversation.priority.updated": EventKind.CONVERSATION_UPDATED,
    "conversation.contact.attached": None,
    "conversation.contact.detached": None,
    "conversation.read": None,
    "conversation.deleted": None,
    "conversation_part.tag.created": None,
    "ping": None,
}
UNUSED = ("contact.", "company.", "ticket.", "call.", "admin.", "visitor.", "user.", "event.", "job.", "content_stat.")
FIRST_MESSAGE = frozenset({"conversation.user.created", "conversation.admin.single.created"})
CHANNELS: Mapping[str, Channel] = {
    "conversation": Channel.WEB_CHAT,
    "messenger": Channel.WEB_CHAT,  # Intercom's own Messenger, not Meta's
    "email": Channel.EMAIL,
    "facebook": Channel.MESSENGER,
    "instagram": Channel.INSTAGRAM,
    "whatsapp": Channel.WHATSAPP,
    "sms": Channel.SMS,
    "phone_call": Channel.VOICE,
    "phone_switch": Channel.VOICE,
    "api": Channel.API,
}
# Fin's word for how it ended → why people are needed. Others need nobody.
GIVEN_UP: Mapping[str, str] = {
    "escalated": "other",
    "procedure_handoff": "rule",
    "negative_feedback": "bot_failure",
}
# Where Fin's giving up shows; in what comes later its state only stands there still.
ASKING = frozenset({"conversation.operator.replied", "conversation.admin.replied", "conversation.admin.assigned"})


class Intercom:
    """The adapter. The secret is the client secret of the Intercom app."""

    name = "intercom"
    options: Mapping[str, str] = {
        "admin_id": "the Intercom teammate we call back as; what it writes counts as the bot's",
        "team_id": "the team a conversation is assigned to on a handoff (default: it is not assigned)",
        "when_done": "close or unassign: what gives a conversation back to Fin (default close)",
    }
    capabilities = VendorCapabilities(
        # Not that people are still asked: a teammate's words in the conversation may stop Fin, who is to stay.
        tells=frozenset(NoticeKind) - {NoticeKind.WAITING},
        repeatable=frozenset({NoticeKind.CONTROL_RETURNED}),
        connects_later=frozenset(),
        pulls=True,
    )

    def check(self, account: VendorAccount) -> None:
        if account.options.get("when_done", "close") not in ("close", "unassign"):
            raise ValueError("option when_done is close or unassign")

    def verify(self, webhook: Webhook, account: VendorAccount) -> Verified:
        offered = webhook.headers.get("x-hub-signature", "").removeprefix("sha1=")
        number_ = matching_signature([offered], account.secrets, lambda s: hmac_hex(s, webhook.body, "sha1"))
        return Verified(_event_id(mapping(json_body(webhook.body))), number_)

    def parse(self, webhook: Webhook, account: VendorAccount) -> tuple[Event, ...]:
        body = mapping(json_body(webhook.body))
        topic = text(body.get("topic"))
        if topic is None:
            raise MalformedWebhook('the body must be {"type": "notification_event", "topic", "data"}')
        if topic not in KINDS and not topic.startswith(UNUSED):
            raise UnsupportedEvent(topic[:100])
        if KINDS.get(topic) is None:
            return ()
        item = mapping(at(body, "data", "item"))
        if key(item.get("id")) is None:
            raise MalformedWebhook("data.item has no id: no conversation is named")
        return (_event(body, topic, item, webhook, account),)

    def answer(self, webhook: Webhook, account: VendorAccount, told: Mapping[str, Any]) -> VendorAnswer:
        return VendorAnswer()  # Intercom wants exactly 200 and reads nothing

    def stored(self, webhook: Webhook) -> bytes:
        return webhook.body

    def sign(self, webhook: Webhook, account: VendorAccount) -> Webhook:
        signature = "sha1=" + hmac_hex(account.secrets[0], webhook.body, "sha1")
        return replace(webhook, headers={**webhook.headers, "x-hub-signature": signature})


def _event_id(body: Mapping[str, Any]) -> str:
    """The notification's own, the same on every try; a ping has none."""
    item = mapping(at(body, "data", "item"))
    newest = [key(part.get("id")) for part in parts_of(item)]
    when = text(body.get("created_at"))
    return key(body.get("id")) or derived_id("intercom", body.get("topic"), key(item.get("id")), newest, when)


def _event(
    body: Mapping[str, Any], topic: str, item: Mapping[str, Any], webhook: Webhook, account: VendorAccount
) -> Event:
    kind = _kind(topic, item, account)
    told_at = _when(body, item)
    said = _turns(topic, item, account)
    return Event(
        event_id=_event_id(body),
        kind=kind,
        source=account.name,
        conversation=_conversation(item),
        occurred_at=told_at or webhook.received_at,
        occurred_at_estimated=told_at is None,
        received_at=webhook.received_at,
        turns=said,
        customer=_customer(item),
        handoff=_asked(topic, item) if kind is EventKind.HANDOFF_REQUESTED else None,
        bot_outcome=_outcome(item),
        context=Context(custom_attributes=flat(item.get("custom_attributes"))),
        warnings=("role_ambiguous",) if any(turn.role is Role.SYSTEM for turn in said) else (),
    )


def _when(body: Mapping[str, Any], item: Mapping[str, Any]) -> Any:
    """Of the newest part, because notifications come in any order and are sent later than what they tell."""
    parts = parts_of(item)
    return (moment(parts[-1].get("created_at")) if parts else None) or moment(body.get("created_at"))


def _turns(topic: str, item: Mapping[str, Any], account: VendorAccount) -> tuple[Turn, ...]:
    """The first message comes with every webhook; it is taken once, with the topic it belongs to."""
    ours = account.options.get("admin_id")
    first = turn_of_first(item, ours) if topic in FIRST_MESSAGE else None
    found = [first, *(turn_of_part(part, ours) for part in parts_of(item))]
    return tuple(turn for turn in found if turn is not None)


def _kind(topic: str, item: Mapping[str, Any], account: VendorAccount) -> EventKind:
    kind = KINDS[topic] or EventKind.CONVERSATION_UPDATED
    newest = mapping(parts_of(item)[-1] if parts_of(item) else None)
    author, ours = mapping(newest.get("author")), account.options.get("admin_id")
    if author.get("type") == "admin" and ours and key(author.get("id")) == ours:
        # Our own assigning and closing come back to us.
        return EventKind.CONVERSATION_UPDATED if kind is EventKind.CONVERSATION_ENDED else kind
    by_bot = role_of(author) is Role.BOT
    # The state stays on the conversation for good: only what the bot does, and nobody has yet, is a request.
    if by_bot and topic in ASKING and _state(item) in GIVEN_UP and _assignee(item) is None:
        return EventKind.HANDOFF_REQUESTED
    return _assigned(item, newest, by_bot=by_bot) if topic == "conversation.admin.assigned" else kind


def _assigned(item: Mapping[str, Any], part: Mapping[str, Any], *, by_bot: bool) -> EventKind:
    """A bot that assigns wants people; an admin that assigns to a person is people."""
    to = mapping(part.get("assigned_to"))
    target = _id(to.get("id")) or (None if part else _assignee(item))
    if target is None or to.get("type") == "nobody_admin":
        return EventKind.CONVERSATION_UPDATED
    if by_bot:
        return EventKind.HANDOFF_REQUESTED
    return EventKind.CONVERSATION_UPDATED if to.get("type") == "team" else EventKind.AGENT_ASSIGNED


def _id(value: Any) -> str | None:
    """0 means nobody."""
    found = key(value)
    return None if found == "0" else found


def _assignee(item: Mapping[str, Any]) -> str | None:
    """The person who has the conversation."""
    old = mapping(item.get("assignee"))
    return _id(item.get("admin_assignee_id")) or (_id(old.get("id")) if old.get("type") == "admin" else None)


def _state(item: Mapping[str, Any]) -> str | None:
    return text(at(item, "ai_agent", "resolution_state"))


def _asked(topic: str, item: Mapping[str, Any]) -> HandoffAsked:
    state, team = _state(item), _id(item.get("team_assignee_id"))
    return HandoffAsked(
        reason_code=GIVEN_UP.get(state or "", "other"),
        reason_text=state,
        requested_by="bot",
        target={"group_id": team} if team else {},
        vendor_metadata={"topic": topic},
    )


def _conversation(item: Mapping[str, Any]) -> ConversationInfo:
    raw = text(at(item, "channel", "current")) or text(at(item, "source", "type"))
    priority = text(item.get("priority"))
    is_closed = item.get("state") == "closed"
    return ConversationInfo(
        vendor_conversation_id=key(item.get("id")) or "",
        channel=CHANNELS.get(raw, Channel.OTHER) if raw else None,
        channel_raw=raw,
        status="closed" if is_closed else "human" if _assignee(item) else None,
        subject=text(item.get("title")) or text(first_message(item).get("subject")),
        url=text(at(item, "links", "conversation_web")),
        started_at=moment(item.get("created_at")),
        tags=tuple(name for tag in rows(at(item, "tags", "tags")) if (name := text(tag.get("name")))),
        priority={"priority": "high", "not_priority": None, "none": None}.get(priority or "", priority),
    )


def _customer(item: Mapping[str, Any]) -> Customer | None:
    """The user of API 1.x; in 2.x the customer who wrote, and the contact for the account's own id."""
    old, contact = mapping(item.get("user")), mapping(at(item, "contacts", "contacts", 0))
    writers = [mapping(said.get("author")) for said in (*parts_of(item)[::-1], first_message(item))]
    wrote = next((author for author in writers if role_of(author) is Role.CUSTOMER), mapping(None))
    found = Customer(
        vendor_user_id=key(old.get("id")) or key(wrote.get("id")) or key(contact.get("id")),
        external_id=key(old.get("user_id")) or key(contact.get("external_id")),
        name=text(old.get("name")) or text(wrote.get("name")),
        email=text(old.get("email")) or text(wrote.get("email")),
    )
    return found if found != Customer() else None


def _outcome(item: Mapping[str, Any]) -> BotOutcome | None:
    """
    Fin's outcome and rating; a rating of a teammate is not the bot's. That Fin gave up counts where Fin acts: later the
    state only stands there still, and would be another failure with every word of the customer.
    """
    agent, rating = mapping(item.get("ai_agent")), mapping(item.get("conversation_rating"))
    of_bot = at(rating, "teammate", "type") != "admin"
    state, newest = _state(item), mapping(parts_of(item)[-1] if parts_of(item) else None)
    by_bot = role_of(mapping(newest.get("author"))) is Role.BOT
    found = BotOutcome(
        resolved=False if state in GIVEN_UP and by_bot else True if state == "confirmed_resolution" else None,
        resolution_state=state,
        rating=number(agent.get("rating")) or (number(rating.get("rating")) if of_bot else None),
        rating_comment=text(agent.get("rating_remark")) or (text(rating.get("remark")) if of_bot else None),
    )
    return found if found != BotOutcome() else None
