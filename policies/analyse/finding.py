"""What the analyser says: like a Problem, with its weight and a conversation that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """error: the policy does not do what it says. warning: somebody should look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Example:
    """
    A case that shows the finding, ready to be pasted into a `.test.yml`. decides: what the policy makes of it.

    turns is empty when the signals cannot be brought about by a few turns; `given` always says it all.
    """

    given: Mapping[str, Any]
    decides: str
    turns: tuple[Mapping[str, Any], ...] = ()

    def as_case(self) -> dict[str, Any]:
        return {"turns": [dict(t) for t in self.turns]} if self.turns else {"given": dict(self.given)}

    def lines(self) -> Iterator[str]:
        """As it would stand in a test file."""
        yield "for example:"
        if not self.turns:
            yield f"  given: {_flow(self.given)}"
        yield from (f"  - {_flow(turn)}" for turn in self.turns)
        yield f"  → {self.decides}"


def _flow(values: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()) + "}"


@dataclass(frozen=True, slots=True)
class Finding:
    """kind: a stable name for programs. rules: those it is about, the one to mend first."""

    kind: str
    severity: Severity
    file: str
    line: int
    text: str
    suggestion: str | None = None
    rules: tuple[str, ...] = ()
    example: Example | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        weight = "warning: " if self.severity is Severity.WARNING else ""
        more = [self.suggestion] if self.suggestion else []
        more += self.example.lines() if self.example else []
        return "\n    ".join([f"{place}: {weight}{self.text}", *more])

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        example = {**self.example.as_case(), "decides": self.example.decides} if self.example else None
        return {
            "kind": self.kind,
            "severity": self.severity.value,
            "file": self.file,
            "line": self.line,
            "text": self.text,
            "suggestion": self.suggestion,
            "rules": list(self.rules),
            "example": example,
        }
