"""
What a vendor's webhook says, normalised: one Event, with the Turns it brings.

Adapters in `connectors/vendors/` make these; `conversation.fold` folds them. Names follow the canonical
events (docs/vendors.md). Unknown is None or absent, never "" or 0: an absent confidence is not a low one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """The canonical event types."""

    CONVERSATION_STARTED = "conversation.started"
    CONVERSATION_UPDATED = "conversation.updated"
    MESSAGE_CREATED = "message.created"
    MESSAGE_UPDATED = "message.updated"
    HANDOFF_REQUESTED = "handoff.requested"
    HANDOFF_CANCELLED = "handoff.cancelled"
    AGENT_ASSIGNED = "agent.assigned"
    CONTROL_RETURNED = "control.returned"
    CONVERSATION_ENDED = "conversation.ended"
    CALL_TRANSFER_STARTED = "call.transfer_started"
    CALL_TRANSFERRED = "call.transferred"
    CALL_TRANSFER_FAILED = "call.transfer_failed"
    CONVERSATION_ANALYZED = "conversation.analyzed"
    CONVERSATION_RATED = "conversation.rated"
    CALLBACK_REQUESTED = "callback.requested"
    CALLBACK_CONFIRMED = "callback.confirmed"
    ENDPOINT_PING = "endpoint.ping"


class Role(StrEnum):
    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"
    TOOL = "tool"


class Visibility(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"


class Channel(StrEnum):
    WEB_CHAT = "web_chat"
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    LINE = "line"
    TELEGRAM = "telegram"
    VOICE = "voice"
    TEAMS = "teams"
    API = "api"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Intent:
    name: str
    id: str | None = None
    confidence: float | None = None  # 0..1, the bot's confidence in its own answer; None = unknown


@dataclass(frozen=True, slots=True)
class Entity:
    name: str
    value: Any = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Nlu:
    """What the bot understood of one customer turn."""

    intent: Intent | None = None
    entities: tuple[Entity, ...] = ()
    is_fallback: bool = False  # the bot matched nothing
    fallback_count: int | None = None
    intent_is_current: bool = True  # False: the last intent that matched, not this turn's (Dialogflow)


@dataclass(frozen=True, slots=True)
class Sentiment:
    label: str = "unknown"  # negative, neutral, positive, mixed, unknown
    score: float | None = None  # -1..1
    magnitude: float | None = None
    scope: str = "turn"  # turn, conversation
    source: str = "vendor"  # vendor, gateway


@dataclass(frozen=True, slots=True)
class Author:
    id: str | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    url: str | None = None
    name: str | None = None
    mime_type: str | None = None
    size: int | None = None  # bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said. `position` counts from 1 within the conversation; 0 until folded."""

    role: Role
    text: str = ""
    position: int = 0
    message_id: str | None = None
    occurred_at: datetime | None = None
    visibility: Visibility = Visibility.PUBLIC
    content_type: str = "text"
    nlu: Nlu | None = None
    sentiment: Sentiment | None = None
    author: Author | None = None
    attachments: tuple[Attachment, ...] = ()
    offset_ms: int | None = None  # voice: from the start of the call
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    vendor_user_id: str | None = None
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None  # E.164 where the vendor gives it so
    authenticated: bool | None = None  # None = the vendor does not say
    locale: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)  # vip, tier, lifetime_value, ...


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """What an event says about its conversation."""

    vendor_conversation_id: str
    channel: Channel | None = None
    channel_raw: str | None = None
    session_id: str | None = None
    language: str | None = None  # BCP 47
    language_confidence: float | None = None
    status: str | None = None  # bot, pending_human, human, closed
    subject: str | None = None
    url: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tags: tuple[str, ...] = ()
    priority: str | None = None
    control_owner: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One look-up or action the bot tried. `task` groups repeats of the same thing."""

    name: str
    ok: bool
    id: str | None = None
    task: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    result: Any = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandoffAsked:
    """The vendor says: hand this over."""

    reason_code: str = "other"  # customer_request, bot_failure, low_confidence, ... (docs/vendors.md)
    reason_text: str | None = None
    requested_by: str | None = None  # customer, bot, rule, human
    rule_id: str | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    agent_note: str | None = None
    vendor_metadata: Mapping[str, Any] = field(default_factory=dict)
    callback: bool = False  # the customer wants to be called

    @property
    def is_recommendation(self) -> bool:
        """The bot itself thinks a person would be better; whatever else asks for one (or nobody says) is settled."""
        return self.requested_by == "bot"


@dataclass(frozen=True, slots=True)
class CallbackAsked:
    """
    A call the customer wants, or has agreed to. starts_at None: whenever somebody can. zone: the customer's, IANA.
    id: the vendor's own of this appointment.
    """

    starts_at: datetime | None = None
    zone: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class BotOutcome:
    resolved: bool | None = None
    resolution_state: str | None = None
    failure_reason: str | None = None
    ended_reason: str | None = None
    rating: float | None = None
    rating_comment: str | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    slots: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    custom_attributes: Mapping[str, Any] = field(default_factory=dict)
    analysis: Mapping[str, Any] = field(default_factory=dict)
    page_url: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """
    One thing that happened at a vendor.

    turns: what was said; one for message.created, the whole transcript for a one-shot handoff.
    transcript: how much of the conversation a one-shot event carries: full, partial or none.
    refs: what the vendor's interface needs to find this conversation again (an account id, a service address).
    """

    event_id: str  # unique per source
    kind: EventKind
    source: str  # our name of the configured vendor account
    conversation: ConversationInfo
    occurred_at: datetime
    received_at: datetime
    occurred_at_estimated: bool = False
    sequence: int | None = None
    turns: tuple[Turn, ...] = ()
    transcript: str | None = None
    customer: Customer | None = None
    bot_id: str | None = None
    bot_version: str | None = None
    handoff: HandoffAsked | None = None
    callback: CallbackAsked | None = None
    bot_outcome: BotOutcome | None = None
    call: Mapping[str, Any] | None = None
    context: Context | None = None
    reply_expected: bool = False
    warnings: tuple[str, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict)
