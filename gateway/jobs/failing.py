"""When a call that may safely be repeated is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from gateway.jobs.queues import backoff


def due_after(error: ConnectorError, tries: int, now: datetime, jitter: float) -> datetime | None:
    """The time of the next try; None: repeating will not help."""
    match error:
        case Throttled():
            return now + timedelta(seconds=error.retry_after)
        case Unauthorized():
            return now + timedelta(minutes=5)
        case Refused():
            return None
    return now + backoff(tries, jitter)
