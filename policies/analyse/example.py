"""
A situation as a conversation to read and to paste into a test: turns if a few bring it about, else signals.

The turns are judged like any test case; they are shown only if every rule answers as it did on the signals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from packets.decision import Action, Decision
from policies.analyse.finding import Example
from policies.analyse.space import Situation
from policies.casebook import START, run_cases
from policies.decide import judge
from policies.detect.scan import scan
from policies.model import PolicySet
from policies.said import said_of
from policies.signals import EXPLICIT_REQUEST

_TURNS_CAN_SHOW = {"topic", "customer_asked_for", "unmatched", "bot_confidence", "task_failed", "bot_asked_for"}


def decided(situation: Situation, policy: PolicySet) -> Decision:
    return judge(situation.signals(), policy, now=START)


def example_of(situation: Situation | None, policy: PolicySet) -> Example | None:
    """The example, proved by judging it as a test case; None for a situation that rests on an assumption."""
    if situation is None or not situation.is_real:
        return None
    decision, given = decided(situation, policy), situation.given
    turns = _turns(given, policy) if given.keys() <= _TURNS_CAN_SHOW else []
    if turns and _agrees(_judged({"turns": turns}, policy), decision):
        return Example(given, told(decision), tuple(turns))
    return Example(given, told(decision)) if _agrees(_judged({"given": given}, policy), decision) else None


def told(decision: Decision) -> str:
    """One line: the outcome and the rules behind it."""
    if decision.action is Action.CONTINUE:
        return "nothing" if not decision.because else f"nothing, with {', '.join(decision.because)}"
    mode = f", {decision.mode.value}" if decision.mode else ""
    return (
        f"{decision.action.value}{mode} → {decision.route}, {decision.tier}, because of {', '.join(decision.because)}"
    )


def _agrees(shown: Decision | None, decision: Decision) -> bool:
    return shown is not None and [r.fired for r in shown.rules] == [r.fired for r in decision.rules]


def _judged(case: Mapping[str, Any], policy: PolicySet) -> Decision | None:
    text = json.dumps({"cases": [{"name": "example", **case, "expect": "nothing"}]})
    results, _ = run_cases("example", text, policy)
    return results[0].decision if results else None


def _turns(given: Mapping[str, Any], policy: PolicySet) -> list[dict[str, Any]]:
    """The vendor's side first, then the customer's turns, the newest of them with the words that count."""
    turns: list[dict[str, Any]] = [{"handoff": "policy"}] if "bot_asked_for" in given else []
    tasks = given.get("task_failed", {})
    turns += [{"bot": "That did not work.", "failed": task} for task, times in tasks.items() for _ in range(times)]
    wanted = given.get("topic", [])
    labels = {*([wanted] if isinstance(wanted, str) else wanted)}
    labels |= {EXPLICIT_REQUEST} if "customer_asked_for" in given else set()
    words = [_words(label, policy) for label in sorted(labels)]
    if None in words:
        return []
    return turns + _customer(given.get("unmatched", 0), given.get("bot_confidence", []), words)


def _customer(unmatched: int, sure: Sequence[float | None], words: Sequence[str | None]) -> list[dict[str, Any]]:
    number = max(unmatched, len(sure), 1)
    turns: list[dict[str, Any]] = [{"customer": "…"} for _ in range(number)]
    for back in range(1, number + 1):
        if back <= unmatched:
            turns[-back]["unmatched"] = True
        if back <= len(sure) and sure[-back] is not None:
            turns[-back]["confidence"] = sure[-back]
    if words:
        turns[-1]["customer"] = " ".join(f"{str(said).rstrip('.!?')}." for said in words)
    return turns


def _words(label: str, policy: PolicySet) -> str | None:
    """What a customer says of this kind and of no other: an example of the packs' own."""
    for pack in policy.packs.values():
        for text in said_of(label, pack.language, policy):
            if {found.label for found in scan(pack, text) if not found.guard} == {label}:
                return text
    return None
