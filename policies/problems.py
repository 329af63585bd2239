"""
What is wrong with a policy folder, said so that the person who wrote it can mend it: file, line, what, what to do.

Nothing here quotes customers; policies hold none of their words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `line` counts from 1; 0 = the whole file."""

    file: str
    line: int
    text: str
    suggestion: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.text}" + (f"\n    {self.suggestion}" if self.suggestion else "")


class PolicyErrors(Exception):
    """A policy folder that cannot be used, with every problem of every file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line)))
        super().__init__("\n".join(map(str, self.problems)))


def below(folder: str, problems: Iterable[Problem]) -> list[Problem]:
    """The same problems with file names as the caller sees them."""
    return [replace(p, file=f"{folder}/{p.file}") for p in problems]


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """A suggestion for a misspelt name, or the list of names while it is short."""
    names = sorted(known)
    close = get_close_matches(str(word), names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else None
