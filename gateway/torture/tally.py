"""What a run of `baton torture` came to: the counts, and what is wrong in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.torture.whole import Verdict

FINDINGS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be. kind: lost, doubled or incomplete. where: the case."""

    kind: str
    where: str
    what: str


@dataclass(slots=True)
class Tally:
    """
    accepted: handoffs answered 2xx. attempts: calls to helpdesks in their behalf. cases: runs, cuts or kills.
    settled_seconds: from the last disturbance until nothing was left to do, where that is real time.
    """

    mode: str
    seed: int
    cases: int = 0
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    incomplete: int = 0
    attempts: int = 0
    settled_seconds: float | None = None
    took_seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def take(self, where: str, verdict: Verdict) -> None:
        """Count what is wrong with one handoff; one handoff counts once in each column."""
        self.lost += bool(verdict.lost)
        self.doubled += bool(verdict.doubled)
        self.incomplete += bool(verdict.incomplete)
        for kind in ("lost", "doubled", "incomplete"):
            self._find(kind, where, getattr(verdict, kind))

    def _find(self, kind: str, where: str, whats: Iterable[str]) -> None:
        self.findings += [Finding(kind, where, what) for what in whats if len(self.findings) < FINDINGS_KEPT]

    @property
    def is_clean(self) -> bool:
        """Something was accepted, and nothing was lost, doubled or incomplete."""
        return bool(self.accepted) and not (self.lost or self.doubled or self.incomplete)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"clean": self.is_clean}

    def lines(self) -> Iterable[str]:
        """For people: one row of numbers, then what is wrong."""
        settled = "" if self.settled_seconds is None else f"   settled in {self.settled_seconds:.1f} s"
        counts = "   ".join(
            f"{name} {getattr(self, name)}"
            for name in ("cases", "accepted", "lost", "doubled", "incomplete", "attempts")
        )
        yield f"{self.mode}   {counts}{settled}   ({self.took_seconds:.0f} s, seed {self.seed})"
        for name, value in self.notes.items():
            yield f"  {name}: {value}"
        for finding in self.findings:
            yield f"  {finding.kind.upper()}  {finding.where}: {finding.what}"
