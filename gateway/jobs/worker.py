"""
`baton work`: one RQ worker process for one queue. RQ forks a child for each job, so a job that hangs, leaks or
crashes takes nothing with it; everything a job needs is imported before the fork.
"""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import Worker

from gateway.jobs import assign_sla, deliver, judge_late, read_ticket, silences, timers
from gateway.jobs.bell import queue
from gateway.jobs.environment import current, use
from gateway.jobs.safe_job import SafeJob
from gateway.supervise.processes import die_with_parent
from gateway.wiring import Env

# Imported before the fork, or every job pays for it.
PRELOADED = (assign_sla, deliver, judge_late, read_ticket, silences, timers)


class HandoffWorker(Worker):
    """
    RQ's forking worker, whose child dies with its parent instead of working on as an orphan. A changed policy is read
    here, before the fork, so that not every child reads it for itself.
    """

    def execute_job(self, job: Job, queue: Queue) -> None:
        current().policy.refresh()
        super().execute_job(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> Any:
        parent = os.getppid()
        die_with_parent()
        if os.getppid() != parent:  # it died before we asked; what an orphan writes would be refused anyway
            os._exit(1)
        return super().main_work_horse(job, queue)


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
    worker = HandoffWorker(
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
    worker.work(burst=burst, with_scheduler=False, logging_level="WARNING")
