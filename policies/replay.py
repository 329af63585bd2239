"""
Judging a recorded conversation turn by turn: what a policy would have made of it, and when.

The recording goes on as it went whatever we decide, so that also what comes after the first escalation is known of each
rule. Nothing here knows where recordings come from (corpus.py) or adds them up (measure.py).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from packets.conversation import Conversation, fold
from packets.decision import Action, Decision, Evidence, TraceNode
from packets.event import Role, Turn
from policies.corpus import Gold, Recorded
from policies.decide import decide
from policies.history import NO_HISTORY, History
from policies.model import PolicySet
from policies.waiting import next_look

QUOTED = 200  # characters of the turn shown with an escalation


@dataclass(frozen=True, slots=True)
class Moment:
    """The conversation after one event. seconds: since its first event; None = the recording tells no times."""

    state: Conversation
    now: datetime
    seconds: float | None
    history: History = NO_HISTORY

    @property
    def turn(self) -> int:
        """The newest turn, counted from 1; 0 = nothing was said yet."""
        return self.state.turns


@dataclass(frozen=True, slots=True)
class Because:
    """One piece of what made a rule fire."""

    rule: str
    condition: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Escalation:
    """
    The first time a policy hands a conversation over. rules: all that fired, the one that decided first.
    said: the newest words of the customer by then.
    """

    turn: int
    seconds: float | None
    mode: str | None
    rules: tuple[str, ...]
    route: str | None
    tier: str | None
    because: tuple[Because, ...]
    said: str

    @property
    def reason(self) -> str:
        return self.rules[0]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What one policy makes of one conversation.

    rules: each rule that fired at any turn, with the first such turn; in the order of firing.
    right_seconds: when the gold window opens, if there is one and times were recorded.
    """

    conversation: str
    where: str
    turns: int
    gold: Gold
    first: Escalation | None
    rules: tuple[tuple[str, int], ...]
    right_seconds: float | None = None


def replay(recorded: Recorded, policy: PolicySet) -> Verdict:
    """Judge every prefix of a conversation."""
    (verdict,) = verdicts(recorded, (policy,))
    return verdict


def verdicts(recorded: Recorded, policies: Sequence[PolicySet]) -> tuple[Verdict, ...]:
    """What each of these policies makes of it; the conversation is folded once for all."""
    watches = [_Watch(policy) for policy in policies]
    window, right, turns = recorded.gold.window, None, 0
    for moment in moments(recorded):
        turns = moment.turn
        if window and right is None and turns >= window[0]:
            right = moment.seconds
        for watch in watches:
            watch.see(moment)
    return tuple(
        Verdict(recorded.id, recorded.where, turns, recorded.gold, w.first, tuple(w.rules.items()), right)
        for w in watches
    )


def moments(recorded: Recorded) -> Iterator[Moment]:
    """Every prefix, and at the end the silence after it if somebody watched that."""
    if not recorded.events:
        return
    state = Conversation(recorded.source, recorded.events[0].conversation.vendor_conversation_id)
    began = recorded.events[0].occurred_at
    for event in recorded.events:
        state = fold(state, event)
        seconds = (event.occurred_at - began).total_seconds() if recorded.timed else None
        yield Moment(state, event.received_at, seconds, recorded.history)
    until = recorded.observed_until
    if until is not None and until > recorded.events[-1].received_at:
        yield Moment(replace(state, new_turns=()), until, (until - began).total_seconds(), recorded.history)


class _Watch:
    """One policy looking at one conversation."""

    def __init__(self, policy: PolicySet) -> None:
        self.policy = policy
        self.first: Escalation | None = None
        self.rules: dict[str, int] = {}
        self.before: Moment | None = None

    def see(self, moment: Moment) -> None:
        """The silence before this moment, as the gateway's timers would have found it, and then the moment itself."""
        if self.before is not None and self.policy.waits:
            for silent in _silences(self.before, moment.now, self.policy):
                self._judge(silent)
        self._judge(moment)
        self.before = moment

    def _judge(self, moment: Moment) -> None:
        decision = decide(moment.state, self.policy, now=moment.now, history=moment.history, brief=True)
        for rule in decision.because:
            self.rules.setdefault(rule, moment.turn)
        if self.first is None and decision.action is Action.ESCALATE:
            self.first = _escalation(decision, moment)


def _silences(moment: Moment, until: datetime, policy: PolicySet) -> Iterator[Moment]:
    """When silence alone may have made a rule fire. A recording that tells no times has none."""
    if moment.seconds is None:
        return
    state, at = replace(moment.state, new_turns=()), moment.now
    while (due := next_look(state, policy, now=at, history=moment.history)) is not None and due < until:
        yield replace(moment, state=state, now=due, seconds=moment.seconds + (due - moment.now).total_seconds())
        at = due


def _escalation(decision: Decision, moment: Moment) -> Escalation:
    return Escalation(
        turn=moment.turn,
        seconds=moment.seconds,
        mode=decision.mode.value if decision.mode else None,
        rules=decision.because,
        route=decision.route,
        tier=decision.tier,
        because=tuple(b for rule in decision.fired for b in _held(rule.rule, rule.trace)),
        said=_quoted(moment.state.last_customer_turn),
    )


def _held(rule: str, node: TraceNode) -> Iterator[Because]:
    """The conditions that held, down to the leaves; what did not hold made nothing fire."""
    if not node.held:
        return
    for child in node.children:
        yield from _held(rule, child)
    for evidence in node.evidence:
        yield Because(rule, node.condition, evidence)


def _quoted(turn: Turn | None) -> str:
    if turn is None or turn.role is not Role.CUSTOMER:
        return ""
    return turn.text if len(turn.text) <= QUOTED else turn.text[: QUOTED - 1] + "…"


def golden_transfer(predicted: Collection[int], gold: Collection[int], *, tolerance: int, lateness: float) -> float:
    """
    Golden transfer within tolerance: 1 = exactly when it should be, less the further from the nearest right turn.

    lateness: in (-1, 1); above 0 a late handoff costs more than one as early.
    source: Liu et al., "Time to Transfer: Predicting and Evaluating Machine-Human Chatting Handoff", AAAI 2021.
    """
    if not predicted or not gold:
        return float(not predicted and not gold)
    spread = 2 * (tolerance + 1e-7) ** 2

    def near(p: int, q: int) -> float:
        weight = 1 / (1 - lateness * ((p > q) - (p < q)))
        return math.exp(-weight * (p - q) ** 2 / spread)

    return sum(max(near(p, q) for q in gold) for p in predicted) / len(predicted)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as `--json` prints it. Turns count from 1."""
    gold = verdict.gold
    window = list(gold.window) if gold.window else None
    return {
        "conversation": verdict.conversation,
        "where": verdict.where,
        "turns": verdict.turns,
        "gold": {
            "should_escalate": gold.should_escalate, "trigger": gold.trigger, "window": window, "outcome": gold.outcome,
        },
        "escalation": escalation_json(verdict.first),
        "rules": dict(verdict.rules),
    }  # fmt: skip


def escalation_json(first: Escalation | None) -> dict[str, Any] | None:
    if first is None:
        return None
    return {
        "turn": first.turn,
        "seconds": first.seconds,
        "mode": first.mode,
        "rules": list(first.rules),
        "route": first.route,
        "tier": first.tier,
        "said": first.said,
        "evidence": [
            {
                "rule": b.rule, "condition": b.condition, "said": b.evidence.said, "turn": b.evidence.turn,
                "text": b.evidence.text, "span": list(b.evidence.span) if b.evidence.span else None,
                "detector": b.evidence.detector,
            }
            for b in first.because
        ],
    }  # fmt: skip
