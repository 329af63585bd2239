"""What an SLA tier promises. Read from `tiers.yml` by `policies.load`; the arithmetic is in `plan.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packets.draft import Priority

FIRST_HUMAN_RESPONSE = "first_human_response"

# Metric → what stops its clock.
METRICS = {
    "pickup": "a person owns the ticket",
    FIRST_HUMAN_RESPONSE: "the first public message by a person",
    "next_response": "the next public message by a person",
    "resolution": "the ticket is solved",
    "total_resolution": "the ticket is solved; nothing pauses it",
}

SHORTEST_SECONDS = 15  # Zendesk's minimum
LONGEST_SECONDS = 1095 * 24 * 3600  # ServiceNow's maximum


@dataclass(frozen=True, slots=True)
class Target:
    """One promise of a tier. warn: fractions of the time at which people are warned, smallest first, each 0 < f < 1."""

    metric: str
    within_seconds: int
    warn: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Tier:
    """Every tier has a target for the first human response: that is what a customer is promised."""

    name: str
    priority: Priority
    targets: Mapping[str, Target]
    default: bool = False

    @property
    def first_response_seconds(self) -> int:
        return self.targets[FIRST_HUMAN_RESPONSE].within_seconds

    @property
    def strictness(self) -> tuple[int, int, str]:
        """Sorts the strictest first: the quickest answer, then the highest priority; the name only makes it total."""
        return self.first_response_seconds, list(Priority).index(self.priority), self.name
