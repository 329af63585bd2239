"""
Reading what a foreign system sent, without trusting its shape: every function takes any JSON value and gives the thing
asked for, or None / nothing. Adapters stay short, and no null, number for a string or missing key raises.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from packets.event import Event

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 1e11  # as seconds that would be the year 5138
_NOTHING: Mapping[str, Any] = {}


def at(value: Any, *path: str | int) -> Any:
    """What stands at a path of keys and list places; None if the way breaks off."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
    return value


def text(value: Any, most: int | None = None) -> str | None:
    """A string that says something, or a number as a string (ids drift between both). Blank, bool, other: None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        value = int(value) if value.is_integer() else value
    written = value.strip() if isinstance(value, str) else _digits(value)
    return (written[:most] if most else written) or None


def _digits(value: float) -> str:
    return str(value) if abs(value) < 1e300 else ""  # an integer of thousands of digits is nobody's id


def key(value: Any) -> str | None:
    """An id: `text`, printable and at most 200 characters, or None."""
    found = text(value)
    return found if found and len(found) <= 200 and found.isprintable() else None


def number(value: Any) -> float | None:
    """A finite number; digits in a string count. None for bool and everything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def share(value: Any) -> float | None:
    """A number from 0 to 1 (a confidence); outside of it: None, because we do not know its scale."""
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _NOTHING


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, in order; what is no object is left out."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """The strings of a list."""
    return tuple(found for item in value if (found := text(item))) if isinstance(value, list) else ()


def moment(value: Any) -> datetime | None:
    """ISO 8601 (naive is UTC, any number of fractional digits), or Unix time in seconds or milliseconds."""
    seconds = number(value)
    try:
        if seconds is not None:
            found = datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= _MILLISECONDS_FROM else seconds, UTC)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
        else:
            return None
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if _EARLIEST <= found <= _LATEST else None


def after(start: datetime | None, seconds: Any) -> datetime | None:
    """A moment told as seconds from a start."""
    passed = number(seconds)
    return start + timedelta(seconds=passed) if start and passed is not None and 0 <= passed < 1e7 else None


def flat(value: Any, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The plain values of an object: what can become facts. Nested ones and empty strings are left out."""
    return {
        name: found
        for name, found in mapping(value).items()
        if name not in without and isinstance(found, str | int | float | bool) and found != "" and text(name)
    }


def derived_id(*parts: object) -> str:
    """An event id where the vendor gives none: the same for the same natural key, whatever else the body holds."""
    joined = json.dumps(parts, default=str, ensure_ascii=True)
    return "drv_" + hashlib.sha256(joined.encode()).hexdigest()[:32]


def each_once(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Events with an id of their own each: of two with the same id in one call the first counts."""
    return tuple({event.event_id: event for event in reversed(events)}.values())[::-1]
