"""
One visit of a worker to a helpdesk: a work row of its lane is claimed together with a place in the account's budget,
and what was seen goes back into the account at the end. A visit that dies gives its place back with its lease.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized
from connectors.http import requests_sent, within
from gateway.db.heartbeat import workers_alive
from gateway.db.tables import work
from gateway.db.work import Claim, LostClaim
from gateway.jobs.queues import DELIVERY
from gateway.traffic.admit import Limits, Seen, admit, after, fair_share, may_go_on

if TYPE_CHECKING:
    from gateway.wiring import Env, Transaction

MARGIN = timedelta(seconds=5)  # of a lease, to write down what came of a call
SPREAD_SECONDS = 0.5  # those who wait for the same moment come back a little apart


@dataclass
class Visit:
    """claim: the row in our hands. helpdesk: whose lane it is in; "" if none that is configured any more."""

    claim: Claim
    helpdesk: str
    probing: bool = False
    seen: Seen = field(default_factory=Seen)

    def answered(self) -> None:
        self.seen = replace(self.seen, answered=self.seen.answered + 1)

    def failed(self, error: Exception) -> None:
        """
        Whose fault it was: a refusal is an answer, and so is that this one ticket has had enough, or is out of our
        reach; an error that is not a connector's is a bug of ours.
        """
        match error:
            case Throttled(whole_account=False):
                self.answered()
            case Throttled():
                self.seen = replace(self.seen, retry_after=error.retry_after)
            case Unauthorized(whole_account=True):
                self.seen = replace(self.seen, denied=True)
            case Refused():
                self.answered()
            case ConnectorError():
                self.seen = replace(self.seen, failed=self.seen.failed + 1)

    def may_go_on(self, tx: Transaction, now: datetime) -> bool:
        account = tx.traffic.get(self.helpdesk)
        return account is None or may_go_on(account, now, probing=self.probing)


@contextmanager
def visiting(env: Env, work_id: str) -> Iterator[Visit | None]:
    """
    The visit, or None: the row is done, in other hands, or its helpdesk cannot be asked now (the row then waits, and no
    attempt was made). Nothing is sent once the claim has run out. A claim lost on the way ends the visit quietly:
    whoever took over finds everything in the rows.
    """
    visit = _enter(env, work_id)
    sent_before = requests_sent()
    try:
        with within(lambda: visit.claim.until - env.now() - MARGIN) if visit else nullcontext():
            yield visit
    except LostClaim:
        pass
    except Exception:
        if visit is not None:
            _leave(env, visit, requests_sent() - sent_before)
        raise
    if visit is not None:
        _leave(env, visit, requests_sent() - sent_before)


def limits_of(env: Env, tx: Transaction, helpdesk: str) -> Limits:
    """The account's limits; at once no more than leaves a worker for each of the other helpdesks."""
    limits = env.limits(helpdesk)
    alive = workers_alive(tx.connection, DELIVERY, env.now())
    return replace(limits, at_once=fair_share(limits.at_once, alive, len(env.settings.helpdesks)))


def _enter(env: Env, work_id: str) -> Visit | None:
    with env.transaction() as tx:
        now = env.now()
        lane = tx.connection.execute(select(work.c.lane).where(work.c.id == work_id)).scalar_one_or_none()
        if lane is None:
            return None
        if lane not in env.settings.helpdesks:
            claim = tx.work.claim(work_id, now, env.helpdesk_lease)
            return Visit(claim, "") if claim else None
        limits = limits_of(env, tx, lane)
        account = tx.traffic.lock(lane, limits, now)
        entry = admit(account, limits, tx.traffic.held(lane, now, env.helpdesk_lease), now, env.helpdesk_lease)
        if entry.wait_until is not None:
            apart = timedelta(seconds=random.uniform(0, SPREAD_SECONDS))  # noqa: S311
            tx.work.put_off(work_id, now, entry.wait_until + apart)
            return None
        claim = tx.work.claim(work_id, now, env.helpdesk_lease)
        if claim is None:
            return None
        tx.traffic.save(lane, entry.account)
        return Visit(claim, lane, entry.probing)


def _leave(env: Env, visit: Visit, calls: int) -> None:
    if not visit.helpdesk:
        return
    seen = replace(visit.seen, calls=calls, probing=visit.probing)
    limits = env.limits(visit.helpdesk)
    with env.transaction() as tx:
        account = tx.traffic.lock(visit.helpdesk, limits, env.now())
        tx.traffic.save(visit.helpdesk, after(account, limits, seen, env.now()))
