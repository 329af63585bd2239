"""The one place that reads the machine's clock. Everything pure is handed `now`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def took_ms(began: float) -> int:
    """Whole milliseconds since `began`, which time.monotonic() told."""
    return round((time.monotonic() - began) * 1000)
