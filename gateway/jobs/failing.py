"""What follows when a call that may safely be repeated has failed: another try, or none."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from gateway.db.work import Claim
from gateway.jobs.queues import backoff

if TYPE_CHECKING:
    from gateway.wiring import Transaction


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


def put_off(
    tx: Transaction, taken: Claim, error: ConnectorError, now: datetime, *, until: datetime | None = None
) -> bool:
    """
    Open the row again for its next try, or close it. until: a try after that would help nobody any more.
    returns: whether it is tried again. Raises LostClaim.
    """
    due_at = due_after(error, taken.tries, now, random.random())  # noqa: S311
    if due_at is None or (until is not None and due_at > until):
        tx.work.finish(taken, now)
        return False
    tx.work.again(taken, due_at, str(error))
    return True
