"""
Counting calls in fixed windows, for the rate headers every answer carries, and for the limits a test switches on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.sandbox.clock import SandboxClock


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in so many seconds."""

    total: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Count:
    """One limit after a call was counted. exceeded: only where the limit is enforced."""

    total: int
    remaining: int
    resets_in: int
    exceeded: bool


class Limits:
    """The limits of one account. Used under the desk's lock."""

    def __init__(self, known: Mapping[str, Limit], enforced: Mapping[str, int], clock: SandboxClock) -> None:
        self._known = known
        self._enforced = enforced  # the live settings, so that a test may change them
        self._clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._flushed: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, name: str, subject: str = "", *, cost: int = 1, late: float = 0.0) -> Count:
        """
        Count one call against limit `name` (for `subject`, where it holds per ticket). cost: how many calls it counts
        as. late: seconds by which what was used is known late.
        """
        limit = self._known[name]
        now = self._clock.now().timestamp()
        started, used = self._windows.get((name, subject), (now, 0))
        if now - started >= limit.window_seconds:
            started, used = now, 0
        used += cost
        self._windows[name, subject] = (started, used)
        known = self._known_to_be_used(name, subject, used, now, late)
        total = self._enforced.get(name, limit.total)
        resets_in = max(1, int(started + limit.window_seconds - now))
        # Counted, not enforced: the header must not show an account that is used up.
        left = max(total - used, 0 if name in self._enforced else 1)
        return Count(total, left, resets_in, name in self._enforced and known > total)

    def _known_to_be_used(self, name: str, subject: str, used: int, now: float, late: float) -> int:
        """The count as it was last flushed; every call flushes where nothing is late."""
        flushed, known = self._flushed.get((name, subject), (now, 0))
        if now - flushed >= late:
            flushed, known = now, used
        self._flushed[name, subject] = (flushed, known)
        return known
