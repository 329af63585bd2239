"""
Adding verdicts up: how often a policy escalates, how right and how timely that is, and what each rule has part in.

A Tally keeps counts, not conversations: its size does not grow with the corpus. Verdicts added in the same order give
the same summary to the last digit. `measured.py` shows a summary to people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from packets.decision import Action
from policies.model import PolicySet
from policies.replay import Verdict, golden_transfer

TOLERANCES = (1, 2, 3)
LATENESS = (0.0, 0.3)
NONE = "none"  # in the confusion table: no trigger in the gold, no escalation by the policy


@dataclass(slots=True)
class _RuleTally:
    action: Action
    locked: bool
    fired: int = 0
    decided: int = 0
    first_turns: Counter[int] = field(default_factory=Counter)
    labelled: int = 0
    right: int = 0
    only: int = 0
    only_right: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


class Tally:
    """What one policy makes of a corpus, as far as it has been added."""

    def __init__(self, policy: PolicySet) -> None:
        self.policy = policy
        self.conversations = self.turns = self.escalated = 0
        self.labelled = self.should = self.caught = self.needless = 0
        self.with_window = self.in_window = 0
        self.turns_late: Counter[int] = Counter()
        self.seconds_late: Counter[int] = Counter()
        self.golden = {(t, late): 0.0 for late in LATENESS for t in TOLERANCES}
        self.confusion: Counter[tuple[str, str]] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.rules = {rule.id: _RuleTally(rule.then.action, rule.locked) for rule in policy.rules}

    def add(self, verdict: Verdict) -> None:
        self.conversations += 1
        self.turns += verdict.turns
        self.escalated += verdict.first is not None
        if verdict.gold.outcome is not None:
            self.outcomes[verdict.gold.outcome] += 1
        if verdict.gold.should_escalate is not None:
            self._add_labelled(verdict, verdict.gold.should_escalate)
        self._add_rules(verdict)

    def _add_labelled(self, verdict: Verdict, should: bool) -> None:
        first, gold = verdict.first, verdict.gold
        self.labelled += 1
        self.should += should
        self.caught += should and first is not None
        self.needless += not should and first is not None
        self.confusion[gold.trigger or NONE, first.reason if first else NONE] += 1
        right = range(gold.window[0], gold.window[1] + 1) if gold.window else range(0)
        for tolerance, lateness in self.golden:
            score = golden_transfer([first.turn] if first else [], right, tolerance=tolerance, lateness=lateness)
            self.golden[tolerance, lateness] += score
        if first is None or not right:
            return
        self.with_window += 1
        self.in_window += first.turn in right
        self.turns_late[first.turn - right[0]] += 1
        if first.seconds is not None and verdict.right_seconds is not None:
            self.seconds_late[round(first.seconds - verdict.right_seconds)] += 1

    def _add_rules(self, verdict: Verdict) -> None:
        gold = verdict.gold
        escalating = [name for name, _ in verdict.rules if self.rules[name].action is Action.ESCALATE]
        for name, turn in verdict.rules:
            rule = self.rules[name]
            rule.fired += 1
            rule.decided += verdict.first is not None and verdict.first.reason == name
            rule.first_turns[turn] += 1
            rule.labelled += gold.should_escalate is not None
            rule.right += gold.should_escalate is True
            alone = escalating == [name]
            rule.only += alone
            rule.only_right += alone and gold.should_escalate is True
            if gold.outcome is not None:
                rule.outcomes[gold.outcome] += 1

    def summary(self) -> dict[str, Any]:
        """For `--json` and the report. What the corpus does not tell is None: no label, no precision."""
        return {
            "policy": self.policy.revision,
            "conversations": self.conversations,
            "turns": self.turns,
            "escalated": self.escalated,
            "escalated_per_100": per_100(self.escalated, self.conversations),
            "labelled": self._labelled() if self.labelled else None,
            "outcomes": {
                name: {"conversations": n, "share": share(n, self.outcomes.total())}
                for name, n in sorted(self.outcomes.items())
            },
            "rules": {name: self._rule(rule) for name, rule in self.rules.items()},
        }

    def _labelled(self) -> dict[str, Any]:
        return {
            "conversations": self.labelled,
            "should_escalate": self.should,
            **_scores(self.caught, self.caught + self.needless, self.should),
            "needless": self.needless,
            "needless_per_100": per_100(self.needless, self.labelled),
            "missed": self.should - self.caught,
            "missed_per_100": per_100(self.should - self.caught, self.labelled),
            "timing": {
                "conversations": self.with_window,
                "within_window": share(self.in_window, self.with_window),
                "turns_late": _spread(self.turns_late),
                "seconds_late": _spread(self.seconds_late),
            },
            "golden_transfer": [
                {"tolerance": t, "lateness": late, "score": round(total / self.labelled, 4)}
                for (t, late), total in self.golden.items()
            ],
            "confusion": [
                {"gold": gold, "rule": rule, "conversations": n} for (gold, rule), n in sorted(self.confusion.items())
            ],
        }

    def _rule(self, rule: _RuleTally) -> dict[str, Any]:
        known = self.labelled > 0
        return {
            "action": rule.action.value,
            "locked": rule.locked,
            "fired": rule.fired,
            "fired_per_100": per_100(rule.fired, self.conversations),
            "decided": rule.decided,
            "first_turn": quantile(rule.first_turns, 0.5),
            "only": rule.only,
            "only_right": rule.only_right if known else None,
            **(_scores(rule.right, rule.labelled, self.should) if known else {}),
            "outcomes": {name: self._lift(rule, name) for name in sorted(self.outcomes)},
        }

    def _lift(self, rule: _RuleTally, outcome: str) -> dict[str, Any]:
        """How much likelier an outcome is where the rule fires than in the whole corpus; 1 = the rule says nothing."""
        n, fired = rule.outcomes[outcome], rule.outcomes.total()
        usual = self.outcomes[outcome] / self.outcomes.total()
        return {
            "conversations": n,
            "share": share(n, fired),
            "lift": round(n / fired / usual, 2) if fired else None,
        }


def _scores(right: int, predicted: int, wanted: int) -> dict[str, Any]:
    precision, recall = share(right, predicted), share(right, wanted)
    return {
        "precision": precision,
        "precision_95": interval(right, predicted),
        "recall": recall,
        "recall_95": interval(right, wanted),
        "f1": round(2 * right / (predicted + wanted), 4) if predicted + wanted else None,
    }


def _spread(late: Counter[int]) -> dict[str, Any] | None:
    if not late:
        return None
    n = late.total()
    return {
        "median": quantile(late, 0.5),
        "p90": quantile(late, 0.9),
        "early": share(sum(c for by, c in late.items() if by < 0), n),
        "late": share(sum(c for by, c in late.items() if by > 0), n),
    }


def quantile(counts: Mapping[int, int], q: float) -> int | None:
    """The smallest value that at least this share of all values does not exceed."""
    total, below = sum(counts.values()), 0
    for value in sorted(counts):
        below += counts[value]
        if below >= q * total:
            return value
    return None


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def per_100(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def interval(part: int, whole: int) -> list[float] | None:
    """Wilson's 95% interval of a share: what is known from so few."""
    if not whole:
        return None
    z, p = 1.959964, part / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return [round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)]
