"""
How many handoffs a second one `baton work delivery` process carries to their tickets, for each helpdesk, whose sandbox
answers at once; and what a job costs that finds nothing to do.

    python -m benchmarks.worker [--handoffs 40] [--kind zendesk]

The helpdesk's own time is missing here on purpose: what is measured is ours. Exit 1: a handoff did not arrive.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

from benchmarks.installation import (
    answers,
    database,
    processes,
    sandbox_environment,
    settings_of,
    start,
    workspace,
    write_config,
)
from benchmarks.turns import SOURCE, asks_for_a_person, signed_headers
from connectors.ports import Webhook
from connectors.registry import HELPDESKS
from gateway.db.tables import attempts, deliveries, handoffs, work
from gateway.intake.receive import receive
from gateway.jobs.queues import DELIVERY
from gateway.supervise.processes import Child, Supervisor
from gateway.supervise.redis_server import redis_command, redis_url
from gateway.supervise.up import free_port
from gateway.wiring import Env

PATIENCE = 120.0  # seconds until everything must be done
EMPTY_JOBS = 40


class NotDone(Exception):
    """Something was not done in time. str() says what."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--handoffs", type=int, default=40, help="for each helpdesk (default: %(default)s)")
    parser.add_argument("--kind", choices=sorted(HELPDESKS), action="append", help="only this one; may be repeated")
    chosen = parser.parse_args()
    print(f"One worker process, {chosen.handoffs} handoffs waiting; each is a ticket and its SLA")
    print(f"{'':14}{'tickets/s':>11}{'ms a handoff':>14}{'jobs':>7}{'empty job ms':>14}")
    try:
        for kind in chosen.kind or sorted(HELPDESKS):
            with workspace() as folder, processes() as supervisor:
                _one_helpdesk(kind, folder, supervisor, chosen.handoffs)
    except NotDone as error:
        print(f"The benchmark means nothing: {error}", file=sys.stderr)
        return 1
    return 0


def _one_helpdesk(kind: str, folder: Path, supervisor: Supervisor, number: int) -> None:
    with database("sqlite", folder) as url:
        config = write_config(folder, url, kind)
        port = free_port("127.0.0.1")
        sandbox = f"http://127.0.0.1:{port}"
        settings = settings_of(config, sandbox)
        redis = Redis.from_url(redis_url(settings))
        supervisor.start(
            Child("redis", redis_command(settings.var), folder / "redis.log", ready=partial(_pings, redis))
        )
        arguments = ["connectors.sandbox", "--kind", kind, "--port", str(port)]
        start(supervisor, "sandbox", arguments, folder, {}, partial(answers, sandbox))
        env = Env(settings, redis_url=redis_url(settings))
        environment = {"BATON_CONFIG": str(config), **sandbox_environment(sandbox)}
        for place in range(number):
            _ask_for_a_person(env, f"c-{place}")
        # The relay tops the queue up; the worker starts last and finds everything waiting.
        start(supervisor, "relay", ["gateway.cli", "relay"], folder, environment)
        start(supervisor, "worker", ["gateway.cli", "work", DELIVERY], folder, environment)
        _wait(f"{number} tickets with their SLA", lambda: _finished(env) == number)
        took, jobs = _carrying_time(env)
        empty = _empty_job_seconds(env, redis)
        print(f"{kind:14}{number / took:11.1f}{took / number * 1e3:14.0f}{jobs / number:7.1f}{empty * 1e3:14.1f}")
        env.close()


def _ask_for_a_person(env: Env, conversation: str) -> None:
    body = asks_for_a_person(conversation)
    webhook = Webhook(signed_headers(conversation, body), body, datetime.now(UTC))
    decision = receive(env, env.settings.sources[SOURCE], webhook).body["decision"]
    if decision["action"] != "escalate":
        raise NotDone(f"{conversation} asked for a person and was answered {decision['action']}")


def _finished(env: Env) -> int:
    with env.reading() as tx:
        done = select(func.count()).select_from(handoffs).join(deliveries, deliveries.c.handoff_id == handoffs.c.id)
        done = done.where(deliveries.c.state == "done", handoffs.c.sla_assigned_at.is_not(None))
        return int(tx.connection.execute(done).scalar_one())


def _carrying_time(env: Env) -> tuple[float, int]:
    """Seconds from the first step at the helpdesk to the last SLA written; how many times jobs took work in hand."""
    with env.reading() as tx:
        first = tx.connection.execute(select(func.min(attempts.c.at))).scalar_one()
        last = tx.connection.execute(select(func.max(handoffs.c.sla_assigned_at))).scalar_one()
        jobs = tx.connection.execute(select(func.sum(work.c.fence)).where(work.c.queue == DELIVERY)).scalar_one()
    return (last - first).total_seconds(), int(jobs)


def _empty_job_seconds(env: Env, redis: Redis) -> float:
    """The time of one job whose row is done already: taking the bell, forking, looking, and nothing else."""
    (worker,) = redis.smembers("rq:workers")
    _wait("the worker to be idle", lambda: env.bell.is_empty(DELIVERY) and redis.hget(worker, "state") == b"idle")
    before = _jobs_done(redis, worker)
    with env.reading() as tx:
        row = tx.connection.execute(select(work.c.id, work.c.kind).where(work.c.done_at.is_not(None)).limit(1)).one()
    began = time.perf_counter()
    for number in range(EMPTY_JOBS):
        env.bell.ring(row.id, row.kind, fence=1000 + number)
    _wait("the empty jobs", lambda: _jobs_done(redis, worker) - before == EMPTY_JOBS, every=0.005)
    return (time.perf_counter() - began) / EMPTY_JOBS


def _jobs_done(redis: Redis, worker: Any) -> int:
    return int(redis.hget(worker, "successful_job_count") or 0)


def _wait(what: str, seen: Callable[[], bool], every: float = 0.1) -> None:
    deadline = time.monotonic() + PATIENCE
    while not seen():
        if time.monotonic() > deadline:
            raise NotDone(f"not there after {PATIENCE:g} s: {what}")
        time.sleep(every)


def _pings(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except (RedisError, OSError):
        return False


if __name__ == "__main__":
    raise SystemExit(main())
