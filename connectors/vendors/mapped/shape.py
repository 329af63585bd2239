"""
What a mapping may fill: the `data` of a canonical event, read from its schema, so that there is one vocabulary
(docs/vendors.md). Each place knows how to take what a foreign system wrote there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields

from connectors.reading import flag, moment, number, text, texts
from packets.schemas.canonical import DataSchema
from packets.schemas.fields import Amount, Anything, Flag, Free, Id, Text, When, Whole, Word


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. `take` gives it as the canonical event wants it; raises ValueError, saying what was expected."""

    wants: str
    take: Callable[[Any], Any]
    free: bool = False  # an object of any keys: may be mapped whole, or key by key


@dataclass(frozen=True, slots=True)
class Object:
    parts: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Rows:
    item: Object


Place = Leaf | Object | Rows


def _flag(value: Any) -> bool | None:
    """Many write true and false as words."""
    return flag(value) if not isinstance(value, str) else {"true": True, "false": False}.get(value.strip().lower())


def _whole(value: Any) -> int | None:
    found = number(value)
    return int(found) if found is not None and found.is_integer() else None


def _moment(value: Any) -> str | None:
    found = moment(value)
    return found.isoformat() if found else None


def _object(value: Any) -> Any:
    return value if isinstance(value, Mapping) else None


# What a field of the schema is called in an error, and how a foreign value is brought into its form.
_TAKES: tuple[tuple[type[fields.Field[Any]], str, Callable[[Any], Any]], ...] = (
    (Id, "an id (text or number)", text),
    (Text, "text", text),
    (Word, "one word", text),
    (Flag, "true or false", _flag),
    (Whole, "a whole number", _whole),
    (Amount, "a number", number),
    (When, "a time (ISO 8601, or Unix seconds or milliseconds)", _moment),
    (Free, "an object", _object),
    (Anything, "any value", lambda value: value),
    (fields.List, "a list of texts", lambda value: list(texts(value)) or None),
)


def _leaf(schema_field: fields.Field[Any]) -> Leaf:
    wants, bring = next((wants, bring) for kind, wants, bring in _TAKES if isinstance(schema_field, kind))

    def take(value: Any) -> Any:
        brought = bring(value)
        if brought is None:
            raise ValueError(f"expected {wants}")
        try:
            schema_field.deserialize(brought)
        except ValidationError as error:
            raise ValueError(_words(error.messages)) from None
        return brought

    return Leaf(wants, take, free=isinstance(schema_field, Free))


def _words(messages: Any) -> str:
    while isinstance(messages, Mapping | list):
        messages = next(iter(messages.values() if isinstance(messages, Mapping) else messages))
    return str(messages)


def _place(schema_field: fields.Field[Any]) -> Place:
    if isinstance(schema_field, fields.Nested):
        return _shape(schema_field.schema)
    if isinstance(schema_field, fields.List) and isinstance(schema_field.inner, fields.Nested):
        return Rows(_shape(schema_field.inner.schema))
    return _leaf(schema_field)


def _shape(schema: Schema) -> Object:
    return Object({name: _place(found) for name, found in schema.fields.items()})


FREE_PART = _leaf(Anything(allow_none=True))  # one key of a free object
DATA = _shape(DataSchema())
