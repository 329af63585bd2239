"""
What each bot can do: scenarios as high (stays with the bot), moderate (after some attempts) or never (at once).

`capabilities.yml` says it; a scenario is known by the vendor's intents, or by a topic in the customer's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from packets.conversation import Conversation
from packets.course import understood_intent
from packets.event import Turn
from policies.detect.pack import intent_key
from policies.problems import Problem, did_you_mean
from policies.yamlfile import Path, YamlFile


class Level(StrEnum):
    """How well the bot does a thing, worst last."""

    HIGH = "high"
    MODERATE = "moderate"
    NEVER = "never"


LEVELS = tuple(level.value for level in Level)


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    level: Level
    intents: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capability:
    """A scenario the customer's new words are about. attempts: how often the bot has had a go at it before."""

    level: Level
    scenario: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """default: of every source without words of its own. sources: name → all its scenarios."""

    default: tuple[Scenario, ...] = ()
    sources: Mapping[str, tuple[Scenario, ...]] = field(default_factory=dict)

    def of(self, source: str) -> tuple[Scenario, ...]:
        return self.sources.get(source, self.default)


NO_CAPABILITIES = Capabilities()


def asked_of_the_bot(
    conversation: Conversation, new: Iterable[Turn], labels: Iterable[str], capabilities: Capabilities
) -> tuple[Capability, ...]:
    """The scenarios the newest customer turns are about. None is known: the map does not name what they want."""
    scenarios = capabilities.of(conversation.source)
    if not scenarios:
        return ()
    intents = {name for turn in new if (name := understood_intent(turn))}
    heard = frozenset(labels)
    counts = conversation.course.intents
    return tuple(
        Capability(s.level, s.name, max(0, sum(counts.get(name, 0) for name in s.intents) - 1))
        for s in scenarios
        if s.intents & intents or s.topics & heard
    )


def read_capabilities(
    file: YamlFile, data: Mapping[str, Any], topics: frozenset[str]
) -> tuple[Capabilities, list[Problem]]:
    """The map of a file of the right shape, and what is wrong with its names."""
    problems: list[Problem] = []
    default = _scenarios(file, ("default",), data["default"], topics, problems)
    sources = {
        name: _scenarios(file, ("sources", name), levels, topics, problems)
        for name, levels in data.get("sources", {}).items()
    }
    whole = {name: _over(default, own) for name, own in sources.items()}
    return Capabilities(default, whole), problems


def _over(default: tuple[Scenario, ...], own: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    """A source's own word on a scenario, and on an intent, wins; all else is as for everybody."""
    names, taken = {s.name for s in own}, frozenset().union(*(s.intents for s in own))
    kept = (Scenario(s.name, s.level, s.intents - taken, s.topics) for s in default if s.name not in names)
    return (*own, *kept)


def _scenarios(
    file: YamlFile, at: Path, levels: Mapping[str, Any], topics: frozenset[str], problems: list[Problem]
) -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    places: dict[str, str] = {}
    for level, scenarios in levels.items():
        for name, spec in scenarios.items():
            here = (*at, level, name)
            intents = frozenset(intent_key(i) for i in spec.get("intents", ()))
            for key in (name, *sorted(intents)):
                what = "scenario" if key == name else "intent"
                problems += _twice(file, here, f"{what} '{key}'", places)
            problems += [
                file.problem((*here, "topics"), f"unknown topic '{t}'", did_you_mean(t, topics))
                for t in spec.get("topics", ())
                if t not in topics
            ]
            if not intents and not spec.get("topics"):
                problems.append(file.problem(here, f"scenario '{name}' can never be recognised", "give it intents"))
            found.append(Scenario(name, Level(level), intents, frozenset(spec.get("topics", ()))))
    return tuple(found)


def _twice(file: YamlFile, here: Path, what: str, places: dict[str, str]) -> list[Problem]:
    """A thing that is in two places at once would be both done and never done by the bot."""
    place = ".".join(map(str, here[-2:]))
    first = places.setdefault(what, place)
    return [] if first == place else [file.problem(here, f"{what} stands twice", f"it is in {first} already")]
