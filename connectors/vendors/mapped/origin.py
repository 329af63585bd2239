"""
Where a mapped value stands in a foreign call: a JSON pointer (RFC 6901), a header, or nowhere because it is fixed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packets.schemas.fields import storable

HEADER = "header:"
_PLACE = re.compile(r"0|[1-9][0-9]{0,5}")
_ESCAPED = re.compile(r"~(?![01])")


@dataclass(frozen=True, slots=True)
class Origin:
    """`written` is how the mapping file spells it; exactly one of the others is used."""

    written: str
    steps: tuple[str, ...] | None = None
    header: str | None = None
    fixed: Any = None

    def look(self, body: Any, headers: Mapping[str, str]) -> Any:
        """What stands there; None if nothing does."""
        if self.header is not None:
            told = headers.get(self.header)
            return None if told is None else storable(told)
        if self.steps is None:
            return self.fixed
        for step in self.steps:
            body = _below(body, step)
        return body


@dataclass(frozen=True, slots=True)
class Value:
    """One mapped value: the first of its origins where something stands. `line` is that of the mapping file."""

    origins: tuple[Origin, ...]
    line: int

    @property
    def written(self) -> str:
        return " or ".join(origin.written for origin in self.origins)

    def find(self, body: Any, headers: Mapping[str, str]) -> tuple[Any, str | None]:
        """The value, and which origin gave it. Null and the empty string count as nothing."""
        for origin in self.origins:
            found = origin.look(body, headers)
            if found is not None and found != "":
                return found, origin.written
        return None, None


@dataclass(frozen=True, slots=True)
class Group:
    """An object of the canonical event: its mapped parts by name."""

    parts: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Each:
    """A list: where it stands, and what is read of each of its items; the pointers there begin at the item."""

    where: Value
    item: Group


Rule = Value | Group | Each


def origin_of(written: Any) -> Origin:
    """Raises ValueError, saying what may be written."""
    if isinstance(written, Mapping):
        if list(written) != ["always"] or not isinstance(written["always"], str | int | float | bool):
            raise ValueError("a fixed value is written {always: value}, with a text, a number, true or false")
        return Origin(f"always {written['always']}", fixed=written["always"])
    if not isinstance(written, str):
        raise ValueError("expected a JSON pointer such as /user/id, header:<name>, {always: value}, or a list of them")
    if written.startswith(HEADER) and written.removeprefix(HEADER).strip():
        return Origin(written, header=written.removeprefix(HEADER).strip().lower())
    if written and not written.startswith("/"):
        raise ValueError(f"a JSON pointer begins with a slash: write /{written.replace('.', '/')}")
    if _ESCAPED.search(written):
        raise ValueError("in a JSON pointer ~ is written ~0 and a slash within a name ~1")
    return Origin(written or '""', steps=tuple(_unescaped(step) for step in written.split("/")[1:]))


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _below(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and _PLACE.fullmatch(step) and int(step) < len(value):
        return value[int(step)]
    return None
