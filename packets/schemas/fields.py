"""
marshmallow fields that take JSON at its word: a number is not a string, true is not 1, NaN is nothing at all.

marshmallow's own fields convert where they can ("yes" → True, 1 → "1"), which hides a vendor's mistake until a person
reads nonsense in a ticket. Messages name what was expected and never quote what came: it may be a customer's words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields

DEEPEST = 32  # levels of a free-form object; deeper is an attack or a mistake
LONGEST_ID = 255
LARGEST_INTEGER = 2**53 - 1  # what every JSON reader holds exactly

# PostgreSQL text and JSON take neither NUL nor half a character.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# RFC 3339, with a blank for the T (it allows that) and with the offset left out (many do that).
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)


def storable(text: str) -> str:
    """`text` with NUL and lone surrogates replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


class Text(fields.String):
    """A string. Empty counts as absent, since senders write "" for unknown; `blank=True` keeps it."""

    def __init__(self, *, blank: bool = False, **kwargs: Any) -> None:
        self.blank = blank
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if not value and not self.blank:
            if self.required:
                raise ValidationError("must not be empty")
            return None
        return _UNSTORABLE.sub("\ufffd", value)


class Id(Text):
    """A string that names something: not blank, not endless."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {
            **self.metadata,
            "maxLength": LONGEST_ID,
            **({"minLength": 1, "pattern": r"\S"} if self.required else {}),
        }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text is None or not text.strip():
            if self.required:
                raise ValidationError("must not be empty")
            return None
        if len(text) > LONGEST_ID:
            raise ValidationError(f"must be at most {LONGEST_ID} characters")
        return text


class Word(fields.String):
    """One of a fixed set of strings, in any case. With `otherwise`, an unknown word is read as that one."""

    def __init__(self, words: Sequence[str], *, otherwise: str | None = None, **kwargs: Any) -> None:
        self.words = {word: word for word in words}
        self.otherwise = otherwise
        super().__init__(**kwargs)
        listed: dict[str, Any] = {"enum": [*words, None] if self.allow_none else list(words)}
        if otherwise is not None:
            listed = {"examples": list(words)}
        self.metadata = {**self.metadata, **listed}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        word = self.words.get(value) or self.words.get(value.strip().lower())
        if word is None:
            if self.otherwise is None:
                raise ValidationError(f"must be one of: {', '.join(self.words)}")
            return self.otherwise
        return word


class Flag(fields.Boolean):
    """true or false, nothing that resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Whole(fields.Integer):
    """A whole number from 0 up. 3.0 is whole, as JSON Schema has it; true is not a number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metadata = {**self.metadata, "minimum": 0, "maximum": LARGEST_INTEGER}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        whole = (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
        if not whole or not 0 <= value <= LARGEST_INTEGER:
            raise ValidationError(f"must be a whole number from 0 to {LARGEST_INTEGER}")
        return int(value)


class Amount(fields.Float):
    """A finite number, within `least` and `most` where they are given."""

    def __init__(self, least: float | None = None, most: float | None = None, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**kwargs)
        bounds = {"minimum": least, "maximum": most}
        self.metadata = {**self.metadata, **{name: bound for name, bound in bounds.items() if bound is not None}}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        number = _finite(value)
        below = self.least is not None and number < self.least
        if below or (self.most is not None and number > self.most):
            least, most = self.least, self.most
            raise ValidationError(
                f"must be from {least:g} to {most:g}" if most is not None else f"must be {least:g} up"
            )
        return number


class When(fields.DateTime):
    """An RFC 3339 time, made aware UTC. One without an offset is read as UTC."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValidationError('must be an RFC 3339 time such as "2026-03-06T15:50:00Z"')
        try:
            time = datetime.fromisoformat(value.upper())
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("is no time that exists") from None


class Free(fields.Dict):
    """A free-form object: any JSON inside, made storable; NaN, infinities and bottomless nesting refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError("must be an object")
        return clean(value)


class Anything(fields.Raw):
    """Any JSON value, made storable as in Free."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return clean(value)


def clean(value: Any, depth: int = 1) -> Any:
    """A copy of a JSON value with storable strings. ValidationError names the place of what cannot be kept."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if depth > DEEPEST:
        raise ValidationError(f"is nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        return _cleaned(((storable(str(key)), item) for key, item in value.items()), depth, dict)
    if isinstance(value, list | tuple):
        return _cleaned(enumerate(value), depth, lambda pairs: [item for _, item in pairs])
    raise ValidationError("is no JSON value")


def _cleaned(pairs: Any, depth: int, build: Callable[[list[tuple[Any, Any]]], Any]) -> Any:
    kept: list[tuple[Any, Any]] = []
    for place, item in pairs:
        try:
            kept.append((place, clean(item, depth + 1)))
        except ValidationError as problem:
            raise ValidationError({place: problem.messages}) from None
    return build(kept)


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValidationError("must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValidationError("must be a finite number")
    return number


def pointers(problem: ValidationError) -> tuple[tuple[str, str], ...]:
    """Every problem as (JSON pointer, what is wrong there), for `errors` of a problem+json answer."""
    return tuple(_walk(problem.messages, ""))


def _walk(messages: Any, at: str) -> list[tuple[str, str]]:
    if isinstance(messages, Mapping):
        # marshmallow files what concerns a whole object under _schema.
        below = [(at if key == "_schema" else f"{at}/{_escaped(key)}", inner) for key, inner in messages.items()]
        return [found for place, inner in below for found in _walk(inner, place)]
    if isinstance(messages, list | tuple):
        return [found for inner in messages for found in _walk(inner, at)]
    return [(at, str(messages))]


def _escaped(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
