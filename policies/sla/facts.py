"""
What happened to a handoff, as SLA clocks see it: facts, each once, in the order they happened.

A fact comes late, twice, or from a machine whose clock is wrong. `arrange` makes of any such heap the same list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.sla.wall import seconds_of

SKEW_ALLOWED = 300  # seconds a fact may claim to lie after its own arrival

NEW, OPEN, SOLVED, CLOSED, CANCELLED = "new", "open", "solved", "closed", "cancelled"
DONE = frozenset({SOLVED, CLOSED})


class Kind(StrEnum):
    """Everything that can move a clock. What a bot says and what nobody but colleagues read are kept for the record."""

    HANDOFF_PROMISED = "handoff_promised"  # the customer was told that a person will come
    CREATED = "created"  # the ticket; `status` is its first
    ASSIGNED = "assigned"  # to a person
    STATUS = "status"
    PAUSED = "paused"  # for `reason`, besides what the status says
    RESUMED = "resumed"
    CUSTOMER_MESSAGE = "customer_message"
    HUMAN_MESSAGE = "human_message"  # public, by a person
    BOT_MESSAGE = "bot_message"
    INTERNAL_NOTE = "internal_note"
    CALL_CONNECTED = "call_connected"
    CALLBACK_BOOKED = "callback_booked"  # `at` is the end of the window
    CALLBACK_DONE = "callback_done"
    SOLVED = "solved"
    REOPENED = "reopened"
    CANCELLED = "cancelled"
    MERGED = "merged"
    PRIORITY = "priority"  # `terms`: those of the new tier
    QUEUE = "queue"  # `terms`: their hours count, nothing else of them
    POLICY_EDITED = "policy_edited"  # `terms` and `mode`
    CALENDAR_EDITED = "calendar_edited"  # `terms` (their hours) and `mode`
    MANUAL_DUE = "manual_due"  # `at`; without it the date set by hand is taken away
    ACK = "ack"


@dataclass(frozen=True, slots=True)
class Fact:
    """
    One thing that happened. (source, external_id) names it: told again, it is the same fact.

    occurred_at: by the clock of the system that told us; None when it did not say. seq: its order within one source.
    """

    source: str
    external_id: str
    kind: Kind
    occurred_at: datetime | None
    received_at: datetime
    seq: int = 0
    status: str | None = None
    reason: str | None = None
    terms: str | None = None
    mode: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """A fact with the second that counts. skewed: it claimed a later one than it can have had."""

    at: int
    fact: Fact
    skewed: bool = False

    @property
    def kind(self) -> Kind:
        return self.fact.kind


@dataclass(frozen=True, slots=True)
class Arranged:
    """Facts in fold order; how many were told again."""

    facts: tuple[Happened, ...]
    duplicates: int = 0

    @property
    def skewed(self) -> tuple[str, ...]:
        """External ids of the facts whose time was clamped."""
        return tuple(happened.fact.external_id for happened in self.facts if happened.skewed)


def arrange(facts: Iterable[Fact], now: datetime) -> Arranged:
    """The facts received by `now`, each once, in fold order, whatever order they came in."""
    latest = seconds_of(now)
    received = [fact for fact in facts if seconds_of(fact.received_at) <= latest]
    first: dict[tuple[str, str], Fact] = {}
    for fact in received:
        known = first.setdefault((fact.source, fact.external_id), fact)
        if known is not fact and _arrival(fact) < _arrival(known):
            first[fact.source, fact.external_id] = fact
    happened = sorted(map(_happened, first.values()), key=_fold_order)
    return Arranged(tuple(happened), len(received) - len(first))


def _arrival(fact: Fact) -> tuple[int, int, str]:
    return seconds_of(fact.received_at), fact.seq, repr(fact)


def _happened(fact: Fact) -> Happened:
    received = seconds_of(fact.received_at)
    if fact.occurred_at is None:
        return Happened(received, fact)
    occurred = seconds_of(fact.occurred_at)
    if occurred > received + SKEW_ALLOWED:
        return Happened(received, fact, skewed=True)
    return Happened(occurred, fact)


def _fold_order(happened: Happened) -> tuple[int, int, int, int, str, str]:
    fact = happened.fact
    return happened.at, _precedence(fact), fact.seq, seconds_of(fact.received_at), fact.source, fact.external_id


def _precedence(fact: Fact) -> int:
    """At one instant: stop, cancel, reset, pause, resume, start; what only changes terms comes last."""
    if fact.kind in _STOPS or (fact.kind is Kind.STATUS and fact.status in DONE):
        return 0
    if fact.kind in (Kind.CANCELLED, Kind.MERGED) or fact.status == CANCELLED:
        return 1
    if fact.kind is Kind.REOPENED:
        return 2
    if fact.kind is Kind.PAUSED or (fact.kind is Kind.STATUS and fact.status not in (NEW, OPEN)):
        return 3
    if fact.kind in (Kind.RESUMED, Kind.STATUS):
        return 4
    return 5 if fact.kind in _STARTS else 6


_STOPS = {
    Kind.ASSIGNED,
    Kind.HUMAN_MESSAGE,
    Kind.INTERNAL_NOTE,
    Kind.CALL_CONNECTED,
    Kind.CALLBACK_DONE,
    Kind.SOLVED,
}
_STARTS = {Kind.HANDOFF_PROMISED, Kind.CREATED, Kind.CUSTOMER_MESSAGE, Kind.CALLBACK_BOOKED}
