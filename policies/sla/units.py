"""
Durations as people write them in policies and configuration: `90s`, `15m`, `4h`, `1h30m`. Always with a unit.
"""

from __future__ import annotations

import re
from datetime import timedelta

_SHAPE = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_LONGEST_SECONDS = 10 * 366 * 24 * 3600
_DAYS = re.compile(r"(\d+)\s*(bd|d|days?|calendar days?)")


class BadDuration(ValueError):
    """Not a duration; the message says what was expected."""


def parse_duration(text: object) -> timedelta:
    """`15m`, `4h`, `90s`, `1h30m`. Raises BadDuration (a ValueError) that says what was expected."""
    written = str(text).strip()
    if found := _DAYS.fullmatch(written):
        raise BadDuration(_about_days(written, int(found[1]), found[2]))
    found = _SHAPE.fullmatch(written) if isinstance(text, str) else None
    if not written or found is None:
        raise BadDuration(f"'{written}' is not a duration: write a number and a unit, such as 90s, 15m, 4h or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    if hours * 3600 + minutes * 60 + seconds > _LONGEST_SECONDS:
        raise BadDuration(f"'{written[:40]}' is longer than ten years")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def show_duration(duration: timedelta) -> str:
    """The shortest way to write it, whole seconds: 90 minutes → 1h30m."""
    seconds = int(duration.total_seconds())
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


def _about_days(written: str, days: int, unit: str) -> str:
    hours = f"{days * 24}h"
    if unit == "bd" or unit.startswith("calendar"):
        return f"'{written}' needs a calendar, and there is none here: write {hours}"
    # Freshdesk is changing in 2026 what a day on a business calendar means (facts on SLA, decision 6): never guess.
    return (
        f"'{written}' can mean three things: {hours} (hours on the clock), {days}bd (working days) "
        f"or '{days} calendar day{'s' if days > 1 else ''}'; write the one you mean"
    )
