"""
Two policies over one corpus: which conversations would go otherwise, how, at which turn and on which words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies.measure import Tally
from policies.model import PolicySet
from policies.replay import Escalation, Verdict, escalation_json


class Change(StrEnum):
    """How a conversation goes otherwise, gravest first. One may go otherwise in several ways."""

    NO_LONGER = "no_longer_escalated"
    NEWLY = "newly_escalated"
    LATER = "later"
    EARLIER = "earlier"
    REASON = "other_reason"
    MODE = "other_mode"
    ROUTE = "other_route"
    TIER = "other_tier"


_COMPARED: tuple[tuple[Change, Callable[[Escalation], object]], ...] = (
    (Change.REASON, lambda e: e.rules),
    (Change.MODE, lambda e: e.mode),
    (Change.ROUTE, lambda e: e.route),
    (Change.TIER, lambda e: e.tier),
)


def changes(old: Verdict, new: Verdict) -> tuple[Change, ...]:
    """What differs between two verdicts on one conversation; nothing = it goes the same."""
    a, b = old.first, new.first
    if a is None or b is None:
        return () if a is b else (Change.NO_LONGER if b is None else Change.NEWLY,)
    when = [Change.LATER] if b.turn > a.turn else [Change.EARLIER] if b.turn < a.turn else []
    return (*when, *(change for change, of in _COMPARED if of(a) != of(b)))


@dataclass(frozen=True, slots=True)
class Changed:
    """One conversation that goes otherwise."""

    old: Verdict
    new: Verdict
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        what = ", ".join(change.value.replace("_", " ") for change in self.changes)
        sides = [("-", self.old.first), ("+", self.new.first)]
        return "\n".join([f"{self.old.conversation}: {what}", *(f"  {sign} {_side(e)}" for sign, e in sides)])

    def as_json(self) -> dict[str, Any]:
        return {
            "conversation": self.old.conversation,
            "where": self.old.where,
            "changes": [change.value for change in self.changes],
            "old": escalation_json(self.old.first),
            "new": escalation_json(self.new.first),
        }


class Difference:
    """Two policies over as much of the corpus as has been added. Keeps counts only."""

    def __init__(self, old: PolicySet, new: PolicySet) -> None:
        self.old, self.new = Tally(old), Tally(new)
        self.counts: Counter[Change] = Counter()
        self.changed = 0

    def add(self, old: Verdict, new: Verdict) -> Changed | None:
        self.old.add(old)
        self.new.add(new)
        found = changes(old, new)
        if not found:
            return None
        self.changed += 1
        self.counts.update(found)
        return Changed(old, new, found)

    def summary(self) -> dict[str, Any]:
        return {
            "conversations": self.old.conversations,
            "changed": self.changed,
            "counts": {change.value: self.counts[change] for change in Change},
            "old": self.old.summary(),
            "new": self.new.summary(),
        }


def escalation_line(first: Escalation) -> str:
    """Turn, reason, where to, and the words or numbers behind it, in one line."""
    mode = f" {first.mode}" if first.mode else ""
    seen = "; ".join(dict.fromkeys(" ".join(b.evidence.said.split()) for b in first.because))
    return f"turn {first.turn}: {', '.join(first.rules)}{mode} → {first.route}, {first.tier}   {seen}".rstrip()


def _side(first: Escalation | None) -> str:
    return "not escalated" if first is None else escalation_line(first)
