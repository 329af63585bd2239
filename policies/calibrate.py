"""
What a vendor's numbers are worth: tables that turn its own scale of confidence and sentiment into ours.

`calibration.yml`, by source. A table is rising; between its lines a value is read off straight, beyond its ends the end
holds. A source without a table is taken at its word. The stored conversation keeps what the vendor said.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from packets.conversation import Conversation
from packets.event import Turn
from policies.problems import Problem
from policies.yamlfile import YamlFile

RANGES = {"confidence": (0.0, 1.0), "sentiment": (-1.0, 1.0)}  # of ours


@dataclass(frozen=True, slots=True)
class Scale:
    """Theirs and ours, line by line, rising."""

    theirs: tuple[float, ...]
    ours: tuple[float, ...]

    def __call__(self, raw: float) -> float:
        place = bisect_right(self.theirs, raw)
        if place in (0, len(self.theirs)):
            return self.ours[min(place, len(self.ours) - 1)]
        low, high = self.theirs[place - 1], self.theirs[place]
        share = (raw - low) / (high - low)
        return self.ours[place - 1] + share * (self.ours[place] - self.ours[place - 1])


@dataclass(frozen=True, slots=True)
class Calibration:
    """sources: name of a source → `confidence` or `sentiment` → its scale."""

    sources: Mapping[str, Mapping[str, Scale]] = field(default_factory=dict)

    def __call__(self, conversation: Conversation) -> Conversation:
        """The conversation with its numbers on our scale."""
        scales = self.sources.get(conversation.source)
        if not scales:
            return conversation
        if "confidence" in scales:
            told = tuple(_on(scales["confidence"], value) for value in conversation.confidences)
            conversation = replace(conversation, confidences=told)
        if "sentiment" in scales:
            scale, course = scales["sentiment"], conversation.course
            moods = tuple(_on(scale, value) for value in course.moods)
            recent = tuple(_turn_on(scale, turn) for turn in conversation.recent)
            conversation = replace(conversation, course=replace(course, moods=moods), recent=recent)
        return conversation


NO_CALIBRATION = Calibration()


def _on(scale: Scale, value: float | None) -> float | None:
    return None if value is None else scale(value)


def _turn_on(scale: Scale, turn: Turn) -> Turn:
    if turn.sentiment is None or turn.sentiment.score is None:
        return turn
    return replace(turn, sentiment=replace(turn.sentiment, score=scale(turn.sentiment.score)))


def read_calibration(file: YamlFile, data: Mapping[str, Any]) -> tuple[Calibration, list[Problem]]:
    """The tables of a file of the right shape, and what is wrong with their numbers."""
    problems = [
        file.problem(("sources", source, kind), text, hint)
        for source, tables in data["sources"].items()
        for kind, table in tables.items()
        for text, hint in _wrong(kind, table)
    ]
    if problems:
        return NO_CALIBRATION, problems
    return Calibration({s: {k: _scale(t) for k, t in tables.items()} for s, tables in data["sources"].items()}), []


def _scale(table: Mapping[float, float]) -> Scale:
    theirs = tuple(sorted(table))
    return Scale(theirs, tuple(table[value] for value in theirs))


def _wrong(kind: str, table: Mapping[float, float]) -> Iterator[tuple[str, str | None]]:
    least, most = RANGES[kind]
    if len(table) < 2:
        yield f"'{kind}' needs at least two lines", "write {theirs: ours, theirs: ours}"
    ours = _scale(table).ours
    if any(not least <= value <= most for value in ours):
        yield f"'{kind}' must lead to values from {least:g} to {most:g}", None
    if list(ours) != sorted(ours):
        yield f"'{kind}' must rise: a higher value of theirs can never mean a lower one of ours", None
