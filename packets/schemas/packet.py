"""
The packet as JSON: the shape stored, handed to other programs and hashed. Loading is strict: a key nobody knows is an
error with its place, for a packet is ours and a surprise in it is a bug.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from packets.conversation import Fact, Provenance
from packets.decision import Evidence, Mode
from packets.event import Attachment, Author, Entity, Intent, Nlu, Role, Sentiment, Turn, Visibility
from packets.handoff import READ_VERSIONS, Attempt, FiredRule, Packet, Reason, Recommended
from packets.schemas.fields import Amount, Anything, Flag, Free, Text, When, Whole, storable
from packets.transcript import Transcript


class _Time(When):
    """Written as RFC 3339 in UTC with microseconds, so that one moment has one spelling."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Pair(fields.List[Any]):
    """[start, end], a tuple within."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Whole(), validate=validate.Length(equal=2), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(value, attr, data, **kwargs))


class _Made(Schema):
    """Loads into `made`, one of our dataclasses; every field of it must be there."""

    made: type[Any]

    class Meta:
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return self.made(**{**data, **lists})


def _text(**kwargs: Any) -> Text:
    return Text(required=True, blank=True, **kwargs)


def _maybe_text() -> Text:
    return _text(allow_none=True)


def _one(schema: type[Schema], **kwargs: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, **kwargs)


def _many(schema: type[Schema]) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True)


class IntentSchema(_Made):
    made = Intent
    name = _text()
    id = _maybe_text()
    confidence = Amount(0, 1, required=True, allow_none=True)


class EntitySchema(_Made):
    made = Entity
    name = _text()
    value = Anything(required=True, allow_none=True)
    confidence = Amount(0, 1, required=True, allow_none=True)


class NluSchema(_Made):
    made = Nlu
    intent = _one(IntentSchema, allow_none=True)
    entities = _many(EntitySchema)
    is_fallback = Flag(required=True)
    fallback_count = Whole(required=True, allow_none=True)
    intent_is_current = Flag(required=True)


class SentimentSchema(_Made):
    made = Sentiment
    label = _text()
    score = Amount(-1, 1, required=True, allow_none=True)
    magnitude = Amount(0, required=True, allow_none=True)
    scope = _text()
    source = _text()


class AuthorSchema(_Made):
    made = Author
    id = _maybe_text()
    name = _maybe_text()
    email = _maybe_text()


class AttachmentSchema(_Made):
    made = Attachment
    url = _maybe_text()
    name = _maybe_text()
    mime_type = _maybe_text()
    size = Whole(required=True, allow_none=True)


class TurnSchema(_Made):
    made = Turn
    role = fields.Enum(Role, by_value=True, required=True)
    text = _text()
    position = Whole(required=True)
    message_id = _maybe_text()
    occurred_at = _Time(required=True, allow_none=True)
    visibility = fields.Enum(Visibility, by_value=True, required=True)
    content_type = _text()
    nlu = _one(NluSchema, allow_none=True)
    sentiment = _one(SentimentSchema, allow_none=True)
    author = _one(AuthorSchema, allow_none=True)
    attachments = _many(AttachmentSchema)
    offset_ms = Whole(required=True, allow_none=True)
    interrupted = Flag(required=True)


class TranscriptSchema(_Made):
    made = Transcript
    turns = _many(TurnSchema)
    completeness = fields.String(required=True, validate=validate.OneOf(["full", "partial", "none"]))
    summary = _maybe_text()


class FactSchema(_Made):
    made = Fact
    name = _text()
    value = _text()
    provenance = fields.Enum(Provenance, by_value=True, required=True)
    turn = Whole(required=True, allow_none=True)


class AttemptSchema(_Made):
    made = Attempt
    what = _text()
    ok = Flag(required=True)
    detail = _maybe_text()
    times = Whole(required=True)


class EvidenceSchema(_Made):
    made = Evidence
    said = _text()
    turn = Whole(required=True, allow_none=True)
    text = _maybe_text()
    span = _Pair(required=True, allow_none=True)
    detector = _maybe_text()


class FiredRuleSchema(_Made):
    made = FiredRule
    rule = _text()
    why = _text()
    evidence = _many(EvidenceSchema)
    locked = Flag(required=True)


class ReasonSchema(_Made):
    made = Reason
    headline = _text()
    rules = _many(FiredRuleSchema)
    policy_revision = _text()


class RecommendedSchema(_Made):
    made = Recommended
    action = _text()
    playbook = _maybe_text()
    identity_check = Flag(required=True)


class PacketSchema(_Made):
    """Load gives a Packet, dump gives its JSON value. ValidationError names every place that is wrong."""

    made = Packet
    version = fields.String(required=True, validate=validate.OneOf(READ_VERSIONS))
    packet_id = _text()
    handoff_id = _text()
    conversation_id = _text()
    source = _text()
    vendor_conversation_id = _text()
    channel = _text()
    created_at = _Time(required=True)
    mode = fields.Enum(Mode, by_value=True, required=True)
    route = _text()
    tier = _text()
    respond_by = _Time(required=True)
    subject = _text()
    transcript = _one(TranscriptSchema)
    facts = _many(FactSchema)
    missing = fields.List(_text(), required=True)
    confirmed = fields.List(_text(), required=True)
    tried = _many(AttemptSchema)
    reason = _one(ReasonSchema)
    recommended = _one(RecommendedSchema)
    customer_name = _maybe_text()
    customer_email = _maybe_text()
    customer_phone = _maybe_text()
    language = _maybe_text()
    url = _maybe_text()
    bot = _maybe_text()
    completeness = Amount(0, 1, required=True)
    redacted = fields.Dict(keys=fields.String(), values=Whole(), required=True)
    extra = Free(required=True)
    announcement = Text(blank=True, load_default="")  # the one field that packets of version 1 lack


_SCHEMA = PacketSchema()


def dump_packet(packet: Packet) -> dict[str, Any]:
    """The packet's JSON value."""
    dumped: dict[str, Any] = _SCHEMA.dump(packet)
    return dumped


def load_packet(value: Mapping[str, Any]) -> Packet:
    """The packet from its JSON value; raises marshmallow.ValidationError with the place of everything wrong."""
    packet: Packet = _SCHEMA.load(value)
    return packet


def canonical_json(packet: Packet) -> bytes:
    """The one spelling of a packet: sorted keys, no blanks, UTF-8. Equal packets give equal bytes, on any machine."""
    text = json.dumps(dump_packet(packet), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return storable(text).encode()


def content_hash(packet: Packet) -> str:
    """SHA-256 over `canonical_json`, in hexadecimal."""
    return hashlib.sha256(canonical_json(packet)).hexdigest()
