"""The configuration file as it is read: where each value stands, and every problem found, with its line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.settings.shape import did_you_mean, known_keys
from policies.sla.units import parse_duration


class Page:
    """
    One file. Problems are collected instead of stopping at the first. A place is the keys that lead to a value.

    tree: what YAML made of it; it knows its lines.
    """

    def __init__(self, path: Path, environ: Mapping[str, str], tree: Any) -> None:
        self.path = path
        self.environ = environ
        self.tree = tree
        self.problems: list[str] = []

    def duration(self, place: tuple[Any, ...], text: str | None) -> timedelta | None:
        try:
            return None if text is None else parse_duration(text)
        except ValueError as error:
            self.problem(place, str(error))
            return None

    def beside(self, text: str) -> Path:
        """A path of the file; relative ones are relative to it."""
        return (self.path.parent / text).resolve()

    def resolved(self, value: Any, place: tuple[Any, ...] = ()) -> Any:
        """The same value with every `env:NAME` read."""
        if isinstance(value, Mapping):
            return {str(k): self.resolved(v, (*place, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self.resolved(v, (*place, i)) for i, v in enumerate(value)]
        if isinstance(value, str) and value.startswith("env:"):
            name = value.removeprefix("env:")
            if not self.environ.get(name) and place not in (("database",), ("redis",)):
                self.problem(place, f"the environment has no {name}")
                return "unset"
            return self.environ.get(name, "")
        return value

    def problem(self, place: tuple[Any, ...], text: str) -> None:
        line = _line_of(self.tree, place)
        if text == "Unknown field.":
            text = f"unknown key {place[-1]!r}" + did_you_mean(str(place[-1]), known_keys(place))
        where = ".".join(str(p) for p in place)
        self.problems.append(f"{self.path}:{line}: {where}: {text}")


def _line_of(tree: Any, place: tuple[Any, ...]) -> int:
    line = 1
    node: Any = tree
    for part in place:
        try:
            line = node.lc.data[part][0] + 1
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line
