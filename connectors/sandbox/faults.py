"""
Faults a test asks for: which call they hit, how often, and of what kind. What a fault looks like on the wire is the
server's and the helpdesk's business; here is only the list and the matching.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Final

# Kind → was the work done? The name ends in _after where it was. Where a helpdesk has no such failure (a cancelled
# transaction is ServiceNow's, a 409 without a reason Zendesk's), it answers 500 instead.
FAULT_KINDS: Final[Mapping[str, bool]] = {
    "429": False,
    "500": False,
    "503": False,
    "401": False,
    "403": False,
    "409": False,
    "html_200": False,
    "cancelled_before": False,
    "cut_before": False,
    "slow": True,  # and answered, only late
    "cut_after": True,
    "hang_after": True,
    "500_after": True,
    "409_after": True,
    "cancelled_after": True,
}


class BadFault(ValueError):
    """A fault that could never happen: unknown kind or option, or a number that makes no sense."""


@dataclass(slots=True)
class Fault:
    """
    method, path: which calls; `*` stands for anything (path is a shell pattern, without the query).
    nth: the first of those calls that is hit, counted from 1. times: how many in a row; None = all from there on.
    retry_after: seconds told with a 429 or 503; None = the header is left out. body: json, text or html where the
        kind has a choice. seconds: for slow and hang_after.
    seen, hit: how many calls matched, and how many were spoilt.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    retry_after: float | None = 1.0
    body: str = "json"
    seconds: float = 1.0
    seen: int = 0
    hit: int = 0

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise BadFault(f"unknown fault kind {self.kind!r}; there are: {', '.join(FAULT_KINDS)}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise BadFault(f"nth and times count from 1, not {self.nth} and {self.times}")
        if self.body not in ("json", "text", "html"):
            raise BadFault(f"body is json, text or html, not {self.body!r}")

    def matches(self, method: str, path: str) -> bool:
        """Whether this is one of the calls meant (the count not regarded)."""
        return self.method in ("*", method) and fnmatchcase(path, self.path)

    def is_spent(self) -> bool:
        """Whether it has hit as often as it should."""
        return self.times is not None and self.hit >= self.times


# What a caller may choose; the rest is counted by us.
OPTIONS: Final = frozenset(f.name for f in fields(Fault)) - {"seen", "hit"}


class Faults:
    """The faults waiting to happen, in the order they were asked for. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, kind: str, **options: Any) -> Fault:
        """Ask for one fault; the options are the fields of `Fault`. Raises BadFault."""
        return self.add_all([{"kind": kind, **options}])[0]

    def add_all(self, wanted: Sequence[Mapping[str, Any]]) -> list[Fault]:
        """Ask for several at once, or for none if one of them is wrong (BadFault)."""
        faults = [_fault(options) for options in wanted]
        with self._lock:
            self._faults.extend(faults)
        return faults

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this call is to suffer, if any; counts the call. One call suffers one fault."""
        with self._lock:
            for fault in self._faults:
                if fault.is_spent() or not fault.matches(method, path):
                    continue
                fault.seen += 1
                if fault.seen >= fault.nth:
                    fault.hit += 1
                    return fault
        return None

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Every fault asked for, with how often it was seen and hit."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]


def _fault(options: Mapping[str, Any]) -> Fault:
    unknown = sorted(set(options) - OPTIONS)
    if unknown:
        raise BadFault(f"unknown fault option {unknown[0]!r}; there are: {', '.join(sorted(OPTIONS))}")
    try:
        return Fault(**{**options, "kind": str(options.get("kind"))})
    except TypeError as error:
        raise BadFault(f"a fault option has the wrong type: {error}") from error
