"""
The canonical event body, `{type, timestamp, data}`: how a vendor without an adapter of its own, and our own tests,
speak to us. Read docs/vendors.md for the words; `published/canonical-event-1.json` is these schemas as JSON Schema.

Keys nobody knows are left out, wrong types are errors with their place, null and "" mean "not known". A new word in an
open list (channel, sentiment label, reason code) is read as "other" and noted as a warning: no customer is turned away
for it. `build.py` makes the Event from what was loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from packets.event import Channel, Event, EventKind, Role, Visibility
from packets.schemas.build import REASON_CODES, REQUESTERS, build_event
from packets.schemas.fields import Amount, Anything, Flag, Free, Id, Text, When, Whole, Word, storable

KINDS = {kind.value: kind for kind in EventKind}
SENTIMENT_LABELS = ("negative", "neutral", "positive", "mixed", "unknown")


class UnknownEventType(ValidationError):
    """A well-formed body of a type we do not know (`kind`): to be counted and answered 200, not refused."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__({"type": ["is no event type we know"]})


class _Lenient(Schema):
    """
    Looks first only at the keys that are there: a turn fills a fifth of what an event may hold, and marshmallow's own
    `load` visits every field. It takes over, and words the errors, as soon as anything is wrong.

    No field here has a `load_default` or validators of its own; `check` is the one check of a whole object.
    """

    class Meta:
        unknown = EXCLUDE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._required = frozenset(name for name, field in self.load_fields.items() if field.required)

    def load(self, data: Any, **options: Any) -> Any:
        if isinstance(data, Mapping) and self._required <= data.keys():
            try:
                loaded = {
                    name: self._value(field, value, name, data)
                    for name, value in data.items()
                    if (field := self.load_fields.get(name)) is not None
                }
                self.check(loaded)
                return loaded
            except ValidationError:
                pass  # to be found again, with everything else that is wrong
        return super().load(data, **options)

    @staticmethod
    def _value(field: fields.Field[Any], value: Any, name: str, data: Mapping[str, Any]) -> Any:
        return field.deserialize(value, name, data) if value is None else field._deserialize(value, name, data)

    @validates_schema(skip_on_field_errors=True)
    def _check(self, loaded: dict[str, Any], **_: Any) -> None:
        self.check(loaded)

    def check(self, loaded: dict[str, Any]) -> None:
        """What no single field can know. Raises ValidationError."""


def _maybe(schema: type[Schema]) -> fields.Nested:
    return fields.Nested(schema, allow_none=True)


def _list_of(schema: type[Schema]) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), allow_none=True)


class IntentSchema(_Lenient):
    name = Text(allow_none=True)
    id = Id(allow_none=True)
    confidence = Amount(0, 1, allow_none=True)


class EntitySchema(_Lenient):
    name = Text(required=True)
    value = Anything(allow_none=True)
    confidence = Amount(0, 1, allow_none=True)


class NluSchema(_Lenient):
    intent = _maybe(IntentSchema)
    entities = _list_of(EntitySchema)
    is_fallback = Flag(allow_none=True)
    fallback_count = Whole(allow_none=True)
    intent_is_current = Flag(allow_none=True)


class SentimentSchema(_Lenient):
    label = Word(SENTIMENT_LABELS, otherwise="unknown", allow_none=True)
    score = Amount(-1, 1, allow_none=True)
    magnitude = Amount(0, allow_none=True)
    scope = Word(("turn", "conversation"), otherwise="turn", allow_none=True)
    source = Word(("vendor", "gateway"), otherwise="vendor", allow_none=True)


class AuthorSchema(_Lenient):
    id = Id(allow_none=True)
    name = Text(allow_none=True)
    email = Text(allow_none=True)


class AttachmentSchema(_Lenient):
    url = Text(allow_none=True)
    name = Text(allow_none=True)
    mime_type = Text(allow_none=True)
    size = Whole(allow_none=True)


class MessageSchema(_Lenient):
    id = Id(allow_none=True)
    role = Word([role.value for role in Role], required=True)
    author = _maybe(AuthorSchema)
    text = Text(blank=True, allow_none=True)
    text_html = Text(allow_none=True)
    content_type = Text(allow_none=True)
    attachments = _list_of(AttachmentSchema)
    occurred_at = When(allow_none=True)
    offset_ms = Whole(allow_none=True)
    visibility = Word([visibility.value for visibility in Visibility], allow_none=True)
    interrupted = Flag(allow_none=True)
    nlu = _maybe(NluSchema)
    sentiment = _maybe(SentimentSchema)


class ConversationSchema(_Lenient):
    id = Id(required=True)
    session_id = Id(allow_none=True)
    channel = Text(allow_none=True, metadata={"examples": [channel.value for channel in Channel]})
    channel_raw = Text(allow_none=True)
    language = Text(allow_none=True, metadata={"description": "BCP 47"})
    language_confidence = Amount(0, 1, allow_none=True)
    status = Text(allow_none=True, metadata={"examples": ["bot", "pending_human", "human", "closed"]})
    subject = Text(allow_none=True)
    url = Text(allow_none=True)
    started_at = When(allow_none=True)
    ended_at = When(allow_none=True)
    tags = fields.List(Text(allow_none=True), allow_none=True)
    priority = Text(allow_none=True)
    control_owner = Text(allow_none=True)


class CustomerSchema(_Lenient):
    vendor_user_id = Id(allow_none=True)
    external_id = Id(allow_none=True)
    name = Text(allow_none=True)
    email = Text(allow_none=True)
    phone = Text(allow_none=True, metadata={"description": "E.164"})
    authenticated = Flag(allow_none=True)
    locale = Text(allow_none=True)
    attributes = Free(allow_none=True, metadata={"description": "vip, tier, lifetime_value and whatever else is known"})


class HandoffSchema(_Lenient):
    reason_code = Text(allow_none=True, metadata={"examples": list(REASON_CODES)})
    reason_text = Text(allow_none=True)
    requested_by = Text(allow_none=True, metadata={"examples": list(REQUESTERS)})
    rule_id = Text(allow_none=True)
    target = Free(allow_none=True)
    agent_note = Text(allow_none=True)
    vendor_metadata = Free(allow_none=True)


class CallbackSchema(_Lenient):
    id = Id(allow_none=True)
    starts_at = When(allow_none=True)
    zone = Text(allow_none=True, metadata={"description": "IANA name of the customer's time zone"})
    phone = Text(allow_none=True, metadata={"description": "E.164"})


class BotOutcomeSchema(_Lenient):
    resolved = Anything(allow_none=True, metadata={"enum": [True, False, "unknown", None]})
    resolution_state = Text(allow_none=True)
    failure_reason = Text(allow_none=True)
    ended_reason = Text(allow_none=True)
    rating = Amount(allow_none=True)
    rating_comment = Text(allow_none=True)
    summary = Text(allow_none=True)

    def check(self, loaded: dict[str, Any]) -> None:
        resolved = loaded.get("resolved")
        if resolved is not None and not isinstance(resolved, bool) and resolved != "unknown":
            raise ValidationError('must be true, false or "unknown"', "resolved")


class ToolCallSchema(_Lenient):
    id = Id(allow_none=True)
    name = Text(required=True)
    task = Text(allow_none=True)
    arguments = Free(allow_none=True)
    ok = Flag(required=True)
    error = Text(allow_none=True)
    result = Anything(allow_none=True)
    started_at = When(allow_none=True)
    ended_at = When(allow_none=True)


class ContextSchema(_Lenient):
    slots = Free(allow_none=True)
    variables = Free(allow_none=True)
    custom_attributes = Free(allow_none=True)
    analysis = Free(
        allow_none=True,
        metadata={"description": "free; voice features are voice {loudness, loudness_db, tone_score, raised_voice}"},
    )
    page_url = Text(allow_none=True)
    tool_calls = _list_of(ToolCallSchema)


class BotSourceSchema(_Lenient):
    bot_id = Id(allow_none=True)
    bot_version = Text(allow_none=True)


class DataSchema(_Lenient):
    event_id = Id(allow_none=True)
    source = _maybe(BotSourceSchema)
    occurred_at = When(allow_none=True)
    occurred_at_estimated = Flag(allow_none=True)
    sequence = Whole(allow_none=True)
    conversation = fields.Nested(ConversationSchema, required=True)
    customer = _maybe(CustomerSchema)
    message = _maybe(MessageSchema)
    messages = _list_of(MessageSchema)
    transcript_completeness = Word(("full", "partial", "none"), allow_none=True)
    nlu = _maybe(NluSchema)
    sentiment = _maybe(SentimentSchema)
    bot_outcome = _maybe(BotOutcomeSchema)
    handoff = _maybe(HandoffSchema)
    callback = _maybe(CallbackSchema)
    call = Free(allow_none=True)
    context = _maybe(ContextSchema)
    reply_expected = Word(("none", "decision"), allow_none=True)
    warnings = fields.List(Text(allow_none=True), allow_none=True)


class CanonicalEventSchema(_Lenient):
    """The whole body."""

    type = Word(list(KINDS), required=True)
    timestamp = When(allow_none=True)
    data = fields.Nested(DataSchema, required=True)

    def check(self, loaded: dict[str, Any]) -> None:
        """A message says something, and who confirms a call says which."""
        kind, message = loaded["type"], loaded["data"].get("message")
        if kind == EventKind.CALLBACK_CONFIRMED and not (loaded["data"].get("callback") or {}).get("starts_at"):
            raise ValidationError({"data": {"callback": {"starts_at": [f"is required for {kind}"]}}})
        if kind not in (EventKind.MESSAGE_CREATED, EventKind.MESSAGE_UPDATED):
            return
        if message is None:
            raise ValidationError({"data": {"message": [f"is required for {kind}"]}})
        empty = not (message.get("text") or message.get("text_html") or message.get("attachments"))
        if empty and kind == EventKind.MESSAGE_CREATED:
            raise ValidationError({"data": {"message": {"text": ["a message has text or at least one attachment"]}}})


_SCHEMA = CanonicalEventSchema()  # building a schema takes longer than loading with it


def kind_of(envelope: object) -> EventKind:
    """
    The kind of event this body claims to be; look here first, for a ping holds no conversation.
    raises: UnknownEventType, ValidationError when it is no object with a `type`.
    """
    if not isinstance(envelope, Mapping):
        raise ValidationError("the body must be an object {type, timestamp, data}")
    kind = envelope.get("type")
    if not isinstance(kind, str) or not kind:
        raise ValidationError({"type": ["is required and must be a string"]})
    if kind not in KINDS:
        raise UnknownEventType(storable(kind)[:100])
    return KINDS[kind]


def load_canonical(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The body with its known keys only, every value checked and converted. ValidationError lists all problems."""
    kind_of(envelope)
    loaded: dict[str, Any] = _SCHEMA.load(envelope)
    return loaded


def parse_event(envelope: Mapping[str, Any], *, source: str, event_id: str, received_at: datetime) -> Event:
    """
    The Event of one canonical body. `endpoint.ping` is no event: ask `kind_of` first.

    source: our name of the vendor account. event_id: unique within it (the webhook-id).
    raises: UnknownEventType; ValidationError with the place of everything wrong (`fields.pointers` lists them).
    """
    return build_event(load_canonical(envelope), source=source, event_id=event_id, received_at=received_at)
