"""Texts that tell patterns with `*` and `?` apart: one for each set of patterns that one text can match at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

MOST_STATES = 3_000  # of the search; a policy has a handful of patterns
_TOKEN = re.compile(r"\[!?\]?[^\]]*\]|.", re.S)

State = tuple[frozenset[int], ...]  # for each pattern, how far it may have been read


def telling_texts(patterns: Sequence[str]) -> list[str]:
    """
    Shortest first; none for "matches nothing". Walks the patterns side by side, letter by letter: a letter of the
    patterns, or one that stands in none of them.
    """
    tokens = [_TOKEN.findall(pattern) for pattern in patterns]
    letters = sorted({c for pattern in patterns for c in pattern if c not in "*?[]!"} | {"x", "0"})
    start = tuple(_skipped({0}, some) for some in tokens)
    ways: dict[State, str] = {start: ""}
    waiting = [start]
    found: dict[frozenset[int], str] = {}
    for state in waiting:
        for letter in letters:
            after = tuple(_read(places, some, letter) for places, some in zip(state, tokens, strict=True))
            matched = frozenset(i for i, some in enumerate(tokens) if len(some) in after[i])
            if matched:
                found.setdefault(matched, ways[state] + letter)
            if any(after) and after not in ways and len(ways) < MOST_STATES:
                ways[after] = ways[state] + letter
                waiting.append(after)
    return list(found.values())


def _read(places: frozenset[int], tokens: Sequence[str], letter: str) -> frozenset[int]:
    after = {place for place in places if place < len(tokens) and tokens[place] == "*"}
    after |= {place + 1 for place in places if place < len(tokens) and tokens[place] != "*"
              and fnmatchcase(letter, tokens[place])}  # fmt: skip
    return _skipped(after, tokens)


def _skipped(places: set[int], tokens: Sequence[str]) -> frozenset[int]:
    """With what comes after each star as well: it may stand for nothing."""
    found = set(places)
    for place in sorted(places):
        while place < len(tokens) and tokens[place] == "*":
            place += 1
            found.add(place)
    return frozenset(found)
