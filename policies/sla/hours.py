"""
Open hours of one or several calendars as a set of UTC seconds: how long was it open, and when has it been open so long?

Everything a clock computes goes through `elapsed` and `add`; both are two bisects in a sorted array with prefix sums.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any

from policies.sla.calendar import Calendar, Spans, always_open, windows_between

UNION, INTERSECTION = "union", "intersection"
LOOK_AHEAD = 400 * 24 * 3600  # seconds; a calendar shut for longer answers nothing, and no date is invented
_BLOCK = 60 * 24 * 3600  # open windows are computed and kept for two or more blocks of this length


@dataclass(frozen=True, slots=True)
class Hours:
    """When a clock counts. `how` joins several calendars: the sun is followed (union), or all must be there."""

    calendars: tuple[Calendar, ...]
    how: str = UNION
    _hash: int = field(init=False, repr=False, compare=False)  # asked for with every look at the open windows

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.calendars, self.how)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def zone(self) -> str:
        """Whose wall clock working days and deadlines are told by: the first calendar's."""
        return self.calendars[0].zone

    @property
    def version(self) -> str:
        """Names and versions of the calendars, for records and people."""
        joint = " + " if self.how == UNION else " & "
        return joint.join(f"{calendar.name}@{calendar.version}" for calendar in self.calendars)

    def elapsed(self, a: int, b: int) -> int:
        """Open seconds in [a, b); 0 when b is not after a."""
        if b <= a:
            return 0
        windows = self._around(a, b)
        return windows.upto(b) - windows.upto(a)

    def add(self, a: int, seconds: int) -> int | None:
        """The first instant t with elapsed(a, t) = seconds > 0; None: not within the look-ahead."""
        for ahead in (0, LOOK_AHEAD):  # most answers lie near, and near windows are cheap to come by
            windows = self._around(a, a + ahead)
            reached = windows.instant_of(windows.upto(a) + seconds)
            if reached is not None:
                return reached if reached <= a + LOOK_AHEAD else None
        return None

    def is_open(self, at: int) -> bool:
        windows = self._around(at, at + 1)
        i = bisect_right(windows.starts, at) - 1
        return i >= 0 and at < windows.ends[i]

    def next_open(self, at: int) -> int | None:
        """`at` if it is open then, else the next opening."""
        for ahead in (0, LOOK_AHEAD):
            windows = self._around(at, at + ahead)
            i = bisect_right(windows.ends, at)
            if i < len(windows.starts):
                return max(at, windows.starts[i]) if windows.starts[i] <= at + LOOK_AHEAD else None
        return None

    def windows(self, a: int, b: int) -> Spans:
        """The open windows within [a, b)."""
        windows = self._around(a, b)
        found = zip(windows.starts, windows.ends, strict=True)
        return tuple((max(a, start), min(b, end)) for start, end in found if start < b and end > a)

    def to_json(self) -> dict[str, Any]:
        return {"how": self.how, "calendars": [calendar.to_json() for calendar in self.calendars]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Hours:
        return cls(tuple(map(Calendar.from_json, stored["calendars"])), stored["how"])

    def _around(self, a: int, b: int) -> _OpenSet:
        first = a // _BLOCK
        # Always the block and the next one, so that measuring and adding share what was computed.
        last = max(b // _BLOCK, first + 1)
        return _open_set(self, first * _BLOCK, (last + 1) * _BLOCK)


ALWAYS = Hours((always_open(),))


@dataclass(frozen=True, slots=True)
class _OpenSet:
    """Sorted windows; sums[i] = open seconds before the i-th one."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    sums: tuple[int, ...]

    def upto(self, at: int) -> int:
        """Open seconds before `at`."""
        i = bisect_right(self.starts, at) - 1
        return self.sums[i] + min(at, self.ends[i]) - self.starts[i] if i >= 0 else 0

    def instant_of(self, seconds: int) -> int | None:
        """The first instant with so many open seconds before it. At a window's end: that end, not the next opening."""
        i = bisect_left(self.sums, seconds) - 1
        if i < 0 or i >= len(self.starts):
            return None
        return self.starts[i] + seconds - self.sums[i]


@lru_cache(maxsize=256)
def _open_set(hours: Hours, since: int, until: int) -> _OpenSet:
    parts = [windows_between(calendar, since, until) for calendar in hours.calendars]
    spans = _joined(parts, 1 if hours.how == UNION else len(parts))
    starts, ends = tuple(start for start, _ in spans), tuple(end for _, end in spans)
    sums = tuple(accumulate((end - start for start, end in spans), initial=0))
    return _OpenSet(starts, ends, sums)


def _joined(parts: Iterable[Spans], needed: int) -> list[tuple[int, int]]:
    """The stretches in which at least `needed` of the sets are open."""
    # At one instant openings come first: windows that touch are one.
    edges = sorted((at, -turn) for spans in parts for span in spans for at, turn in zip(span, (1, -1), strict=True))
    joined: list[tuple[int, int]] = []
    depth, opened = 0, 0
    for at, turn in edges:
        before, depth = depth, depth - turn
        if before < needed <= depth:
            opened = at
        elif depth < needed <= before and at > opened:
            joined.append((opened, at))
    return joined
