"""
The types a condition's arguments can have. Each reads one YAML value or raises Wrong with what it expected.

Numbers carry units wherever two readings are possible: `for: 2 turns`, `after: 20m`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from policies.detect.pack import intent_key
from policies.problems import did_you_mean
from policies.sla.units import parse_duration


class Wrong(ValueError):
    """A value that does not fit."""

    def __init__(self, text: str, suggestion: str | None = None) -> None:
        self.text = text
        self.suggestion = suggestion
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Known:
    """The names that exist in the policy being read, for arguments that point at them."""

    topics: frozenset[str] = frozenset()
    capabilities: bool = True  # there is a capabilities.yml


@dataclass(frozen=True, slots=True)
class Param:
    """One argument: how to read it, and its value when left out (`...` = it must be given)."""

    read: Callable[[Any, Known], Any]
    expects: str
    default: Any = ...

    def otherwise(self, default: Any) -> Param:
        return Param(self.read, self.expects, default)


def count(least: int = 1) -> Param:
    """A whole number."""

    def read(value: Any, known: Known) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Wrong(f"expected a whole number, {least} or more, not '{value}'")
        return value

    return Param(read, f"a whole number, {least} or more")


def share() -> Param:
    """A number from 0 to 1, as confidences are."""

    def read(value: Any, known: Known) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise Wrong(f"expected a number from 0 to 1, not '{value}'", _as_share(value))
        return float(value)

    return Param(read, "a number from 0 to 1")


def number(least: float = -math.inf, most: float = math.inf) -> Param:
    """A number within bounds; sentiment is -1 to 1."""
    expects = "a number" if least == -math.inf else f"a number from {least:g} to {most:g}"

    def read(value: Any, known: Known) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise Wrong(f"expected {expects}, not '{value}'")
        return float(value)

    return Param(read, expects)


def some_text() -> Param:
    """A name or a text; a number is taken as it is written."""

    def read(value: Any, known: Known) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
            raise Wrong(f"expected a text, not '{value}'")
        return str(value).strip()

    return Param(read, "a text")


def one_value() -> Param:
    """true, false, a number or a text: what a fact or an attribute can be."""

    def read(value: Any, known: Known) -> bool | int | float | str:
        if not isinstance(value, bool | int | float | str) or value == "":
            raise Wrong(f"expected true, false, a number or a text, not '{value}'")
        return value

    return Param(read, "true, false, a number or a text")


def a_duration() -> Param:
    """`10m`, `1h30m`."""

    def read(value: Any, known: Known) -> timedelta:
        try:
            return parse_duration(value)
        except ValueError as error:
            raise Wrong(str(error)) from error

    return Param(read, "a duration, such as 10m")


def turns(least: int = 1, most: int = 12) -> Param:
    """`2 turns`: so many customer turns, the newest ones; the state keeps no more than `most`."""

    def read(value: Any, known: Known) -> int:
        found = re.fullmatch(r"(\d+) turns?", str(value).strip())
        if found is None or int(found[1]) < least:
            number = re.match(r"\d+", str(value).strip())
            raise Wrong(f"expected a number of turns, not '{value}'", f"write '{number[0] if number else 2} turns'")
        if int(found[1]) > most:
            raise Wrong(f"'{value}' can never hold: no more than the newest {most} turns are kept")
        return int(found[1])

    return Param(read, "a number of turns, such as '2 turns'")


def yes_no() -> Param:
    def read(value: Any, known: Known) -> bool:
        if not isinstance(value, bool):
            raise Wrong(f"expected true or false, not '{value}'")
        return value

    return Param(read, "true or false")


def intents() -> Param:
    """Names of a vendor's intents; order_status, Order Status and order-status are one."""

    def read(value: Any, known: Known) -> frozenset[str]:
        names = value if isinstance(value, list) else [value]
        return frozenset(intent_key(some_text().read(name, known)) for name in names)

    return Param(read, "a list of intents")


def only_true() -> Param:
    """For what either happened or is not known: its absence is said with `not:`."""

    def read(value: Any, known: Known) -> bool:
        if value is not True:
            raise Wrong(f"can only be true, not '{value}'", "for the opposite put the condition under not:")
        return True

    return Param(read, "true")


def one_of(*words: str) -> Param:
    def read(value: Any, known: Known) -> str:
        if value not in words:
            raise Wrong(f"expected {' or '.join(words)}, not '{value}'", did_you_mean(value, words))
        return str(value)

    return Param(read, " or ".join(words))


def known_topic() -> Param:
    """A topic that some phrase pack can recognise."""

    def read(value: Any, known: Known) -> str:
        if value not in known.topics:
            raise Wrong(f"unknown topic '{value}': no phrase pack recognises it", did_you_mean(value, known.topics))
        return str(value)

    return Param(read, "a topic of the phrase packs")


def _as_share(value: Any) -> str | None:
    if isinstance(value, int | float) and 1 < value <= 100:
        return f"did you mean {value / 100:g}?"
    return None
