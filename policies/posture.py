"""
One switch for how early the bot steps aside: `posture: conservative | balanced` in posture.yml.

A soft threshold may be written for both, `times: {conservative: 2, balanced: 3}`; the posture says which one holds.
Locked rules have no posture: nothing moves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from policies.problems import Problem, did_you_mean
from policies.yamlfile import Path, YamlFile

POSTURE = "posture.yml"


class Posture(StrEnum):
    """conservative: rather a handoff too many. balanced: the bot gets one more try."""

    CONSERVATIVE = "conservative"
    BALANCED = "balanced"


NAMES = tuple(p.value for p in Posture)


def moved_by(file: YamlFile) -> list[Path]:
    """Where in the conditions of a rule file a value is written for each posture."""
    return list(_moved(file.value.get("when"), ("when",))) if isinstance(file.value, Mapping) else []


def under(file: YamlFile, posture: Posture) -> YamlFile:
    """The rule file with the values of one posture, as if nothing else stood there; lines stay as they are."""
    return replace(file, value={**file.value, "when": _chosen(file.value.get("when"), posture)})


def wrong_values(file: YamlFile, locked: bool, posture: Posture | None) -> list[Problem]:
    """What is wrong with the values a rule file writes for each posture."""
    problems: list[Problem] = []
    for place in moved_by(file):
        value = _at(file.value, place)
        missing = [name for name in NAMES if name not in value]
        unknown = [name for name in value if name not in NAMES]
        if unknown:
            text = f"unknown posture '{unknown[0]}'"
            problems.append(file.problem((*place, unknown[0]), text, did_you_mean(unknown[0], NAMES)))
        elif missing:
            text = f"there is no value for posture '{missing[0]}'"
            problems.append(file.problem(place, text, f"write {{{', '.join(f'{name}: …' for name in NAMES)}}}"))
        elif locked:
            text = "a locked rule has no posture: nothing moves it"
            problems.append(file.problem(place, text, "write one value, or move the rule out of locked/"))
        elif posture is None:
            text = f"a value for each posture, and {POSTURE} is missing"
            problems.append(file.problem(place, text, f"write {POSTURE}: posture: {' or '.join(NAMES)}"))
    return problems


def _moved(value: Any, path: Path) -> list[Path]:
    if isinstance(value, Mapping):
        if set(NAMES) & value.keys():
            return [path]
        return [place for key, inner in value.items() for place in _moved(inner, (*path, key))]
    if isinstance(value, list):
        return [place for i, inner in enumerate(value) for place in _moved(inner, (*path, i))]
    return []


def _chosen(value: Any, posture: Posture) -> Any:
    if isinstance(value, Mapping):
        if set(NAMES) & value.keys():
            return value[posture.value]
        return {key: _chosen(inner, posture) for key, inner in value.items()}
    return [_chosen(inner, posture) for inner in value] if isinstance(value, list) else value


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value
