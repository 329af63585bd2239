"""
What the policy made of a conversation at one moment, with everything needed to explain it a year later.

Made by `policies.decide`, stored by the gateway, quoted in the packet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What the bot is told to do, weakest first."""

    CONTINUE = "continue"
    OFFER = "offer"
    REVIEW = "review"
    ESCALATE = "escalate"
    END = "end"


class Mode(StrEnum):
    """How an escalation reaches people."""

    WARM = "warm"
    COLD = "cold"
    CALLBACK = "callback"


class Seniority(StrEnum):
    """How experienced the person must be, least first."""

    REGULAR = "regular"
    SENIOR = "senior"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    Why a condition held (or what it saw when it did not): words or numbers, and the turn they came from.

    span: start and end in that turn's own text, when `text` is the customer's words.
    """

    said: str  # for people: "0.52, 0.41", "“speak to a human”"
    turn: int | None = None  # Turn.position
    text: str | None = None  # the customer's own words, exactly
    span: tuple[int, int] | None = None
    detector: str | None = None  # id of the phrase rule or vendor signal behind it


@dataclass(frozen=True, slots=True)
class TraceNode:
    """One condition as it was judged: `all`, `any`, `not`, or a named condition with its evidence."""

    condition: str
    held: bool
    evidence: tuple[Evidence, ...] = ()
    children: tuple[TraceNode, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule as it was judged on this turn."""

    rule: str
    fired: bool
    locked: bool
    where: str  # file:line
    why: str
    action: Action
    trace: TraceNode


@dataclass(frozen=True, slots=True)
class Decision:
    """
    The outcome of judging every rule. `because` are the rules that fired, strongest first; the first decided.

    route, tier, playbook, say: names in the policy (routes.yml, tiers.yml, scripts.yml).
    recommended: the first thing the person should do, in words.
    collect: names of facts nobody has given yet, for the bot to ask meanwhile; no handoff waits for them.
    remember: what is to be kept of this customer for good, whatever the outcome.
    """

    action: Action
    at: datetime
    policy_revision: str
    mode: Mode | None = None
    because: tuple[str, ...] = ()
    route: str | None = None
    tier: str | None = None
    playbook: str | None = None
    identity_check: bool = False
    say: str | None = None
    customer_message: str | None = None
    recommended: str | None = None
    rules: tuple[RuleTrace, ...] = ()
    seniority: Seniority | None = None
    collect: tuple[str, ...] = ()
    remember: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  # the signal values looked at, for the audit

    @property
    def fired(self) -> tuple[RuleTrace, ...]:
        """The traces of the rules that fired, in the order of `because`."""
        by_id = {rule.rule: rule for rule in self.rules}
        return tuple(by_id[rule_id] for rule_id in self.because)
