"""What is allowed in the SLA's files and yet worth a second look. Told beside the problems, never instead of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from policies.sla.calendar import DAY, WEEKDAYS, Calendar, clock_time
from policies.sla.roster import Team
from policies.sla.tiers import Tier

_NIGHT_ENDS = 4 * 60  # clocks are changed between midnight and four, wherever they are changed


def uncertain_edges(calendar: Calendar) -> list[str]:
    """Edges of windows that may fall into an hour the clocks leave out or have twice."""
    if not _clocks_change(calendar.zone):
        return []
    return [
        f"{WEEKDAYS[day]} {clock_time(edge)} may fall into the hour in which the clocks change in {calendar.zone}"
        for day, windows in enumerate(calendar.weekly)
        for window in windows
        for edge in window
        if 0 < edge % DAY < _NIGHT_ENDS
    ]


def tiers_without_ladder(tiers: Mapping[str, Tier]) -> Iterator[tuple[str, str]]:
    """(tier, metric) of the targets that nobody is told of when they are missed."""
    for tier in tiers.values():
        yield from ((tier.name, target.metric) for target in tier.targets.values() if target.ladder is None)


def destinations_without_roster(destinations: Iterable[str], rosters: Mapping[str, Team]) -> list[str]:
    """Destinations of routes whose handoffs have no people to ask; empty while there are no rosters at all."""
    return sorted(set(destinations) - set(rosters)) if rosters else []


def _clocks_change(zone: str) -> bool:
    info = ZoneInfo(zone)
    offsets = {datetime(year, month, 1, 12, tzinfo=info).utcoffset() for year in (2026, 2027) for month in range(1, 13)}
    return len(offsets) > 1
