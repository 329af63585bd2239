"""What becomes of a conversation that comes back to people after its handoff was solved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class AfterSolved(StrEnum):
    REOPEN = "reopen"  # the ticket it had
    FOLLOW_UP = "follow_up"  # a new ticket that names the one before


@dataclass(frozen=True, slots=True)
class Comeback:
    """`after_solved` of routes.yml. within: later than this after it was solved, it is a new matter altogether."""

    do: AfterSolved = AfterSolved.FOLLOW_UP
    within: timedelta = timedelta(hours=72)

    def is_one(self, closed_at: datetime | None, now: datetime) -> bool:
        """Whether an escalation now goes on from a handoff that was closed then."""
        return closed_at is not None and now - closed_at <= self.within
