"""
Our own values as JSON and back, for rows only we write and read (event log, fold state, decisions, drafts).

The outer borders (webhooks, the packet others read, policy files) are guarded by marshmallow in `schemas/`; in here
we wrote the data ourselves, so speed counts and a wrong shape is a bug, not bad input.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from packets.conversation import Conversation, Fact, TalkedOver
from packets.course import Course, Saying, Uttered, Voice
from packets.decision import Decision, Evidence, RuleTrace, TraceNode
from packets.draft import DraftAttachment, Requester, StatusChange, TicketDraft, TicketRef
from packets.event import (
    Attachment,
    Author,
    BotOutcome,
    CallbackAsked,
    Context,
    ConversationInfo,
    Customer,
    Entity,
    Event,
    HandoffAsked,
    Intent,
    Nlu,
    Sentiment,
    ToolCall,
    Turn,
)
from packets.lease import Lease

T = TypeVar("T")

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)
_AS_IN_JSON = (str, int, float, bool)  # and float | None, which needs no look either

_STORED = (
    Attachment, Author, Intent, Entity, Nlu, Sentiment, Turn, Customer, ConversationInfo, ToolCall, HandoffAsked,
    CallbackAsked, BotOutcome, Context, Event, Fact, Voice, Saying, Uttered, Course, Lease, TalkedOver, Conversation,
    Evidence, TraceNode, RuleTrace, Decision, DraftAttachment, Requester, TicketDraft, TicketRef, StatusChange,
)  # fmt: skip


@cache
def _converter() -> Converter:
    converter = Converter(prefer_attrib_converters=False, omit_if_default=True, detailed_validation=False)
    # cattrs finds out anew at every value what is inside an optional or a tuple; this finds it out once.
    converter.register_structure_hook_factory(_is_optional, _read_optional)
    converter.register_unstructure_hook_factory(_is_optional, _write_optional)
    converter.register_structure_hook_factory(_is_row, _read_row)
    converter.register_unstructure_hook_factory(_is_row, _write_row)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_structure_hook(tuple[int, int] | None, lambda pair, _: tuple(pair) if pair else None)
    for shape in _STORED:  # inner shapes first, so that the outer ones are compiled against them
        get_type_hints(shape)
        converter.register_unstructure_hook(
            shape, make_dict_unstructure_fn(shape, converter, _cattrs_omit_if_default=True)
        )
        converter.register_structure_hook(shape, make_dict_structure_fn(shape, converter))
    return converter


def _is_optional(shape: Any) -> bool:
    return len(get_args(shape)) == 2 and NoneType in get_args(shape) and get_origin(shape) in (Union, UnionType)


def _is_row(shape: Any) -> bool:
    return get_origin(shape) is tuple and get_args(shape)[1:] == (Ellipsis,)


def _inner(shape: Any) -> Any:
    return next(part for part in get_args(shape) if part not in (NoneType, Ellipsis))


def _read_optional(shape: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    inner = _inner(shape)
    if inner in _AS_IN_JSON:
        return lambda value, _: value
    read = converter.get_structure_hook(inner)
    return lambda value, _: None if value is None else read(value, inner)


def _write_optional(shape: Any, converter: Converter) -> Callable[[Any], Any]:
    write = converter.get_unstructure_hook(_inner(shape))
    return write if _inner(shape) in _AS_IN_JSON else lambda value: None if value is None else write(value)


def _read_row(shape: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    inner = _inner(shape)
    if inner in _AS_IN_JSON:
        return lambda values, _: tuple(values)
    read = converter.get_structure_hook(inner)
    return lambda values, _: tuple([read(value, inner) for value in values])


def _write_row(shape: Any, converter: Converter) -> Callable[[Any], Any]:
    inner = _inner(shape)
    write = converter.get_unstructure_hook(inner)
    return list if inner in _AS_IN_JSON else lambda values: [write(value) for value in values]


def to_json(value: Any) -> str:
    """One of our dataclasses as compact JSON; defaults are left out."""
    return _ENCODER.encode(_converter().unstructure(value))


def from_json(shape: type[T], text: str | bytes) -> T:
    """The dataclass that `to_json` wrote."""
    return _converter().structure(json.loads(text), shape)
