"""What the customer wants, held against what the bot can do (`capabilities.yml`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.capability import LEVELS, Capability, Level
from policies.params import Known, Param, Wrong, count, one_of
from policies.registry import Seen, condition, seen
from policies.signals import Signals


@dataclass(frozen=True, slots=True)
class _Asked:
    """The argument: a level, and how many attempts the bot has at it."""

    level: Level
    attempts: int = 0

    def __str__(self) -> str:
        return self.level.value + (f", tried {self.attempts} times" if self.attempts else "")


def _level() -> Param:
    """`never`, or `{level: moderate, attempts: 2}`."""

    def read(value: Any, known: Known) -> _Asked:
        if not known.capabilities:
            raise Wrong("there is no capabilities.yml, so nothing is known of what the bot can do", "write one")
        told = value if isinstance(value, Mapping) else {"level": value}
        if set(told) - {"level", "attempts"} or "level" not in told:
            raise Wrong(f"expected a level and perhaps attempts, not '{value}'", "{level: moderate, attempts: 2}")
        level = one_of(*LEVELS).read(told["level"], known)
        return _Asked(Level(level), count().read(told["attempts"], known) if "attempts" in told else 0)

    return Param(read, "never, moderate or high, or {level: moderate, attempts: 2}")


def _given(signals: Signals, value: Any) -> Signals:
    told = tuple(_one(told) for told in (value if isinstance(value, list) else [value]))
    return replace(signals, capabilities=(*signals.capabilities, *told))


def _one(value: Any) -> Capability:
    told = value if isinstance(value, Mapping) else {"level": value}
    return Capability(Level(told["level"]), "given", int(told.get("attempts", 0)))


@condition("capability is {value}", _level(), given=_given)
def capability(signals: Signals, asked: _Asked) -> Seen:
    """
    The customer's new words are about something the bot does at this level, by the capability map of its source.
    `never`: at once. With `attempts` it holds when the customer comes again after the bot has had so many goes at it,
    counted in customer turns with that scenario's intents. What the map does not name has no level.

        capability: {level: moderate, attempts: 2}
    """
    told = signals.capabilities
    held = any(c.level is asked.level and c.attempts >= asked.attempts for c in told)
    return seen(held, lambda: {c.scenario: c.level.value for c in told}, lambda: _listed(told) or "not in the map")


def _listed(told: Iterable[Capability]) -> str:
    return ", ".join(
        f"{c.scenario}: {c.level.value}" + f", tried {c.attempts}× before" * bool(c.attempts) for c in told
    )
