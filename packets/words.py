"""
Small turns of phrase that subject, summary and note share, so that one thing is called the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

_TIMES = {1: "once", 2: "twice"}
_LABEL_ENDINGS = ("_id", "_number", "_no", "_nr")


def plain(name: str) -> str:
    """An identifier as words: "refund-dispute", "order.status" and "orderStatus" → "refund dispute", …"""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[_\-./:]+", " ", spaced).split()).lower()


def sentence(text: str) -> str:
    """The first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def label(fact: str) -> str:
    """A fact's name as people say it: "order_id" → "order"."""
    name = re.sub(r"[\s\-.]+", "_", fact.strip().lower())
    for ending in _LABEL_ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    return plain(name)


def times(count: int) -> str:
    return _TIMES.get(count, f"{count} times")


def listed(words: Iterable[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c" """
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def lasting(time: timedelta) -> str:
    """A span of time in its two largest units: "30 min", "1 h 5 min", "2 d 3 h"."""
    minutes = max(0, round(time.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (left, "min")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(shown) or "0 min"
