"""
Our own values as JSON and back, for rows only we write and read (event log, fold state, decisions, drafts).

The outer borders (webhooks, the packet others read, policy files) are guarded by marshmallow in `schemas/`; in here
we wrote the data ourselves, so speed counts and a wrong shape is a bug, not bad input.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_type_hints

from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from packets.conversation import Conversation, Fact
from packets.decision import Decision, Evidence, RuleTrace, TraceNode
from packets.draft import DraftAttachment, Requester, StatusChange, TicketDraft, TicketRef
from packets.event import (
    Attachment,
    Author,
    BotOutcome,
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

T = TypeVar("T")

_STORED = (
    Attachment, Author, Intent, Entity, Nlu, Sentiment, Turn, Customer, ConversationInfo, ToolCall, HandoffAsked,
    BotOutcome, Context, Event, Fact, Conversation, Evidence, TraceNode, RuleTrace, Decision, DraftAttachment,
    Requester, TicketDraft, TicketRef, StatusChange,
)  # fmt: skip


@cache
def _converter() -> Converter:
    converter = Converter(prefer_attrib_converters=False, omit_if_default=True)
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


def to_json(value: Any) -> str:
    """One of our dataclasses as compact JSON; defaults are left out."""
    return json.dumps(_converter().unstructure(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_json(shape: type[T], text: str | bytes) -> T:
    """The dataclass that `to_json` wrote."""
    return _converter().structure(json.loads(text), shape)
