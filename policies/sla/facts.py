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
    CALLBACK_CANCELLED = "callback_cancelled"  # nobody needs to call any more
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
    """
    A fact with the second that counts, and the status it says the ticket has from then on. skewed: it claimed a later
    second than it can have had.
    """

    at: int
    fact: Fact
    kind: Kind
    status: str | None
    skewed: bool = False


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
    told = 0
    first: dict[tuple[str, str], tuple[int, Fact]] = {}  # with the second each was received
    for fact in facts:
        received = seconds_of(fact.received_at)
        if received > latest:
            continue
        told += 1
        name = fact.source, fact.external_id
        known = first.get(name)
        if known is None or _is_earlier(received, fact, *known):
            first[name] = received, fact
    happened = [(_happened(fact, received), received) for received, fact in first.values()]
    happened.sort(key=_fold_order)
    return Arranged(tuple(h for h, _ in happened), told - len(first))


def _is_earlier(received: int, fact: Fact, known_received: int, known: Fact) -> bool:
    """Which of two tellings of one fact counts: the first to arrive; any other difference only keeps the order out."""
    if (received, fact.seq) != (known_received, known.seq):
        return (received, fact.seq) < (known_received, known.seq)
    return fact != known and repr(fact) < repr(known)


def _happened(fact: Fact, received: int) -> Happened:
    occurred = received if fact.occurred_at is None else seconds_of(fact.occurred_at)
    skewed = occurred > received + SKEW_ALLOWED
    return Happened(received if skewed else occurred, fact, fact.kind, _status(fact), skewed)


def _status(fact: Fact) -> str | None:
    if fact.kind in _TELL_STATUS:
        return fact.status
    return _MEANS_STATUS.get(fact.kind)


def _fold_order(told: tuple[Happened, int]) -> tuple[int, int, int, int, str, str]:
    happened, received = told
    fact = happened.fact
    return happened.at, _precedence(fact), fact.seq, received, fact.source, fact.external_id


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
_TELL_STATUS = {Kind.STATUS, Kind.CREATED}
_MEANS_STATUS = {Kind.SOLVED: SOLVED, Kind.REOPENED: OPEN}
_STARTS = {Kind.HANDOFF_PROMISED, Kind.CREATED, Kind.CUSTOMER_MESSAGE, Kind.CALLBACK_BOOKED}
