"""
`baton work`: one RQ worker process for one queue. Where jobs call other systems RQ forks a child for each, so that one
that hangs, leaks or crashes takes nothing with it; everything a job needs is imported before the fork. Jobs of the
clock queue touch our own rows only and run in the worker itself: a fork would cost ten times what they do.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from datetime import datetime, timedelta
from typing import Any

from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.utils import import_attribute
from rq.worker import BaseWorker, SimpleWorker, Worker
from sqlalchemy.exc import SQLAlchemyError

from gateway.db.heartbeat import beat, gone, worker_name, workers_alive
from gateway.jobs.bell import queue
from gateway.jobs.environment import use
from gateway.jobs.queues import ALLOWED_FUNCTIONS, CLOCK, DELIVERY
from gateway.jobs.safe_job import SafeJob
from gateway.supervise.processes import die_with_parent
from gateway.wiring import Env

log = logging.getLogger(__name__)
SHOW_EVERY = timedelta(seconds=10)


class _ShownWorker(BaseWorker):
    """
    What all our workers do: read a changed policy before each job, so that not every child reads it for itself; show
    themselves in the database: how many there are decides how many of them one helpdesk may hold (gateway/traffic/).
    """

    env: Env
    beat_name: str
    _beaten_at: datetime | None = None

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.env.policy.refresh()
        super().execute_job(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        super().heartbeat(timeout, pipeline)
        now = self.env.now()
        if os.getpid() != self.pid or (self._beaten_at and now - self._beaten_at < SHOW_EVERY):
            return
        self._beaten_at = now
        try:
            with self.env.transaction() as tx:
                beat(tx.connection, self.beat_name, now, None)
            # No connection may be open while RQ forks: SQLite's locks and a PostgreSQL socket are not to be shared.
            self.env.database.close()
        except SQLAlchemyError as error:
            log.warning("worker_not_shown", extra={"error": type(error).__name__})

    def register_death(self) -> None:
        super().register_death()  # type: ignore[no-untyped-call]
        try:
            with self.env.transaction() as tx:
                gone(tx.connection, self.beat_name, self.env.now())
        except SQLAlchemyError as error:
            log.warning("worker_not_shown", extra={"error": type(error).__name__})


class HandoffWorker(_ShownWorker, Worker):
    """RQ's forking worker, whose child dies with its parent instead of working on as an orphan."""

    def main_work_horse(self, job: Job, queue: Queue) -> Any:
        parent = os.getppid()
        die_with_parent()
        if os.getppid() != parent:  # it died before we asked; what an orphan writes would be refused anyway
            os._exit(1)
        return super().main_work_horse(job, queue)


class ClockWorker(_ShownWorker, SimpleWorker):
    """RQ's worker that does not fork (docs/decisions/0044-the-clock-worker-does-not-fork.md)."""


def warm(env: Env) -> None:
    """
    Make before the fork what every job needs and no child may share a socket of: its modules, helpdesk clients (each
    call has a connection of its own), the statements SQLAlchemy has compiled, the policy. A child then begins at once.
    """
    for function in ALLOWED_FUNCTIONS:
        import_attribute(function)
    for name in env.settings.helpdesks:
        env.helpdesk(name)
    try:
        with env.reading() as tx:
            tx.deliveries.get("pkt_none")
            tx.handoffs.get("hof_none")
            tx.clocks.of_handoff("hof_none")
            tx.traffic.get("")
            workers_alive(tx.connection, DELIVERY, env.now())
    except SQLAlchemyError as error:
        log.warning("worker_not_warm", extra={"error": type(error).__name__})
    env.database.close()


def run_worker(env: Env, queue_name: str, *, burst: bool = False) -> None:
    """
    Work until told to stop. One queue per process: with two, RQ takes jobs with a command that can lose them.
    RQ's own retries, scheduler and callbacks are not used; the intervals make it notice a dead colleague soon.
    """
    use(env)
    # Each job looks at the policy anyway: a SIGHUP meant for all our processes must not end this one.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    connection = Redis.from_url(env.redis_url)
    kind = ClockWorker if queue_name == CLOCK else HandoffWorker
    worker = kind(
        [queue(queue_name, connection)],
        connection=connection,
        serializer=JSONSerializer,
        job_class=SafeJob,
        worker_ttl=60,
        maintenance_interval=30,
        job_monitoring_interval=5,
        default_result_ttl=5,
        log_job_description=False,
    )
    worker.env = env
    worker.beat_name = worker_name(queue_name, socket.gethostname(), os.getpid())
    warm(env)
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")
