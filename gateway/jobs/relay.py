"""
The relay: rings for every work row whose time has come and that nobody took. It makes Redis disposable and is
what fires timers. Any number may run; doubled rings are harmless.
"""

from __future__ import annotations

import logging
import random
import threading
from datetime import datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy import and_

from gateway.db.heartbeat import EVERY, beat
from gateway.db.tables import work
from gateway.jobs.poll import plan_polls
from gateway.jobs.queues import DELIVERY, JOBS, QUEUES, RING_AGAIN_AFTER, TOGETHER
from gateway.traffic.admit import fresh, worth_ringing
from gateway.traffic.visit import limits_of
from gateway.wiring import Env, Transaction

log = logging.getLogger(__name__)
chance = random.Random()  # noqa: S311 - only so that no helpdesk is always served last
TICK = timedelta(milliseconds=250)
# A queue found empty has lost its bells (or answered them all): rows rung this long ago may be rung again.
RING_EMPTY_AFTER = timedelta(seconds=3)


class Relay:
    def __init__(self, env: Env) -> None:
        self._env = env
        self._beaten_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set. A tick that fails (database or Redis away) is logged and tried again."""
        while not stop.is_set():
            try:
                self.tick()
            except Exception as error:
                log.warning("relay_tick_failed", extra={"error": type(error).__name__})
                stop.wait(1.0)
            stop.wait(TICK.total_seconds())

    def tick(self) -> int:
        """Top every queue up to its high-water mark. Returns how many bells were rung."""
        rung = sum(self._top_up(name) for name in QUEUES)
        now = self._env.now()
        if self._beaten_at is None or now - self._beaten_at >= EVERY:
            with self._env.transaction() as tx:
                beat(tx.connection, "relay", now, tx.work.oldest_due(now))
            plan_polls(self._env)
            self._beaten_at = now
        return rung

    def _top_up(self, queue_name: str) -> int:
        env, now = self._env, self._env.now()
        try:
            room = env.bell.room(queue_name)
            patience = RING_EMPTY_AFTER if env.bell.is_empty(queue_name) else RING_AGAIN_AFTER
        except (RedisError, OSError) as error:
            log.warning("redis_away", extra={"queue": queue_name, "error": type(error).__name__})
            return 0
        if room == 0:
            return 0
        with env.reading() as tx:
            rows = self._due(tx, queue_name, now, now - patience, room)
        rung = [work_id for work_id, kind, fence in rows if env.bell.try_ring(work_id, kind, fence)]
        if rung:
            with env.transaction() as tx:
                tx.work.rang(rung, now)
        return len(rung)

    def _due(
        self, tx: Transaction, queue_name: str, now: datetime, rung_before: datetime, room: int
    ) -> list[tuple[str, str, int]]:
        """
        Each helpdesk's rows get their share of the queue, and no more than that helpdesk takes now: a long backlog of
        one that is down, paused or hanging stands in nobody's way. Of a kind that is done together the oldest is rung.
        """
        env, names = self._env, list(self._env.settings.helpdesks)
        rows: list[tuple[str, str, int]] = []
        for kind in (kind for kind in TOGETHER if JOBS[kind].queue == queue_name):
            rows += tx.work.waiting(queue_name, now, rung_before, 1, work.c.kind == kind)
        # While versions change, a newer one may have written work of a kind that only it can ring for.
        known = work.c.kind.in_(kind for kind in JOBS if kind not in TOGETHER)
        others = and_(work.c.lane.not_in(names), known)
        rows += tx.work.waiting(queue_name, now, rung_before, max(0, room - len(rows)), others)
        if queue_name != DELIVERY:
            return rows
        chance.shuffle(names)
        for left, name in zip(range(len(names), 0, -1), names, strict=True):
            share = -(-max(0, room - len(rows)) // left)
            limits = limits_of(env, tx, name)
            account = tx.traffic.get(name) or fresh(limits, now)
            held = tx.traffic.held(name, now, env.helpdesk_lease)
            most = min(share, worth_ringing(account, limits, held, now))
            if most > 0:
                rows += tx.work.waiting(queue_name, now, rung_before, most, known & (work.c.lane == name))
        return rows
