"""What follows when a call that may safely be repeated has failed: another try, or none."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unsure
from gateway.db.work import Claim
from gateway.jobs.queues import backoff

if TYPE_CHECKING:
    from gateway.wiring import Transaction


AT_ONCE = timedelta()
OUT_OF_REACH_WAIT = timedelta(hours=1)  # of one ticket: nobody mends that within minutes


def due_after(
    error: ConnectorError, tries: int, now: datetime, jitter: float, *, look_after: timedelta = AT_ONCE
) -> datetime | None:
    """
    The time of the next try; None: repeating will not help.

    look_after: what may still be on its way is looked for only then, where a second try looks before it writes.
    """
    match error:
        case Unsure():
            return now + max(backoff(tries, jitter), look_after)
        case Throttled():
            return now + timedelta(seconds=error.retry_after)
        case Unauthorized():
            return now + (timedelta(minutes=5) if error.whole_account else OUT_OF_REACH_WAIT)
        case Refused():
            return None
    return now + backoff(tries, jitter)


def put_off(
    tx: Transaction,
    taken: Claim,
    error: ConnectorError,
    now: datetime,
    *,
    until: datetime | None = None,
    look_after: timedelta = AT_ONCE,
) -> bool:
    """
    Open the row again for its next try, or close it. until: a try after that would help nobody any more. look_after:
    see due_after. returns: whether it is tried again. Raises LostClaim.
    """
    due_at = due_after(error, taken.tries, now, random.random(), look_after=look_after)  # noqa: S311
    if due_at is None or (until is not None and due_at > until):
        tx.work.finish(taken, now)
        return False
    tx.work.again(taken, due_at, str(error))
    return True
