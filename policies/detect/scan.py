"""
Looking for a pack's phrases in one text. Cheap for the usual text: nothing runs unless its words are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from policies.detect.normalise import BREAKS, Normal, normalise
from policies.detect.pack import Guard, Pack, Phrase

# However often a text repeats itself, a phrase is tried on it so many times, with so much text around it.
MOST_TRIES = 6
WINDOW = 240  # characters a guard sees on each side
LONGEST_KEPT = 4_000  # characters of a text whose result is remembered; nobody keeps megabytes of a customer's letters
MOST_WORK = 400_000  # characters of one text handed to patterns; the densest complaint of that length takes 280,000


@dataclass(frozen=True, slots=True)
class Found:
    """One phrase in the customer's own text. guard: why it does not count; None = it does. score: its rule's, 0-1."""

    label: str
    rule: str
    start: int
    end: int
    guard: str | None = None
    score: float = 0.9


@dataclass(slots=True)
class Effort:
    """What looking through one text has cost, in characters handed to patterns: a measure no busy machine changes."""

    spent: int = 0

    @property
    def exhausted(self) -> bool:
        return self.spent >= MOST_WORK


def scan(pack: Pack, text: str) -> tuple[Found, ...]:
    """
    What `pack` finds in `text`: for each label the first phrase that counts, else those that a guard held back.
    """
    return kept(pack, text) if len(text) <= LONGEST_KEPT else _found(pack, text)


def _found(pack: Pack, text: str) -> tuple[Found, ...]:
    return tuple(search(pack, normalise(text, pack.spelling)))


kept = lru_cache(maxsize=256)(_found)


def search(pack: Pack, normal: Normal, rule: str | None = None, effort: Effort | None = None) -> list[Found]:
    """
    `scan` without its memory; with `rule`, that rule alone. It stops when `effort` is exhausted: only a text made of
    hundreds of our own words comes so far, and wishes for a person are looked for first.
    """
    effort = effort or Effort()
    settled: set[str] = set()
    found: list[Found] = []
    for phrase in _candidates(pack, normal.words):
        if phrase.label in settled or not (phrase.enabled if rule is None else phrase.rule == rule):
            continue
        for hit in _tries(pack, phrase, normal, effort):
            hit = _like_the_first(hit, found)
            found.append(hit)
            if hit.guard is None:
                settled.add(phrase.label)
                break
    return [f for f in found if f.guard is None or f.label not in settled]


def _like_the_first(hit: Found, earlier: list[Found]) -> Found:
    """Part of words that did not count ("think I need an agent" in "I don't think …") does not count either."""
    for other in earlier:
        if other.guard and other.label == hit.label and other.start < hit.end and hit.start < other.end:
            return replace(hit, guard=hit.guard or other.guard)
    return hit


def _candidates(pack: Pack, words: frozenset[str]) -> list[Phrase]:
    waiting = pack.waiting
    numbers: set[int] = set()
    for word in words:
        if word in waiting:
            numbers.update(waiting[word])
    phrases = (pack.phrases[n] for n in sorted(numbers))
    return [p for p in phrases if not any(need.isdisjoint(words) for need in p.needs)]


def _tries(pack: Pack, phrase: Phrase, normal: Normal, effort: Effort) -> Iterator[Found]:
    at = 0
    for _ in range(MOST_TRIES):
        if effort.exhausted:
            return
        match = phrase.regex.search(normal.text, at)
        effort.spent += (match.end() if match else len(normal.text)) - at
        if match is None:
            return
        start, end = normal.original(match.start(), match.end() - 1)
        guard = _held_back(pack, phrase, normal.text, match)
        effort.spent += 2 * WINDOW * (1 + len(phrase.guards))
        yield Found(phrase.label, phrase.rule, start, end, guard, phrase.score)
        at = match.end() - 1  # its last blank may be the next one's first


def _held_back(pack: Pack, phrase: Phrase, text: str, match: re.Match[str]) -> str | None:
    """The first reason not to count this match."""
    if not phrase.guards and phrase.not_near is None:
        return None
    start, end = _clause(pack, text, match)
    around = text[start:end]
    if phrase.not_near and phrase.not_near.search(around):
        return "another_sense"
    before = text[start : match.start()]
    return next((g.name for g in phrase.guards if _holds(g, before, around, match[0])), None)


def _holds(guard: Guard, before: str, around: str, matched: str) -> bool:
    hit = (
        (guard.before is not None and guard.before.search(before))
        or (guard.around is not None and guard.around.search(around))
        or (guard.within is not None and guard.within.search(" " + matched))
    )
    return bool(hit) and not (guard.unless is not None and guard.unless.search(around))


def _clause(pack: Pack, text: str, match: re.Match[str]) -> tuple[int, int]:
    """The part of the sentence the match stands in, with the blank before its first word."""
    start = max(0, match.start() - WINDOW)
    for boundary in pack.clause_start.finditer(text, start, match.end()):
        if boundary.start() > match.start():
            break
        # A break ends the part before it; a starting word begins the new one.
        start = boundary.end() - 1 if boundary[0][0] in BREAKS else boundary.start() - 1
    after = pack.clause_start.search(text, match.end(), match.end() + WINDOW)
    return start, after.start() if after else min(len(text), match.end() + WINDOW)
