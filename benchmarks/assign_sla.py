"""
How many handoffs a second the job `assign_sla` starts the clocks of and writes the SLA on the ticket of: the body of
the job, in this process, against a real database and a sandbox helpdesk behind real HTTP. Beside it the bare call to
the helpdesk, which is part of it and no work of ours. Part of `python -m benchmarks.sla`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from benchmarks.installation import (
    DATABASES,
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
from gateway.db.tables import handoffs, work
from gateway.intake.receive import receive
from gateway.jobs import environment
from gateway.jobs.assign_sla import assign_sla
from gateway.jobs.bell import Bell, bell_redis
from gateway.jobs.deliver import deliver
from gateway.sla.assign import ticket_update
from gateway.supervise.up import free_port
from gateway.wiring import Env

HANDOFFS = 40
_NO_REDIS = "unix:///nonexistent/redis.sock"


class _Mute(Bell):
    """Nothing is rung for: this process does the work itself."""

    def try_ring(self, work_id: str, kind: str, fence: int = 0) -> bool:
        return False


def measured(kinds: tuple[str, ...] = DATABASES) -> Iterator[tuple[str, float, float]]:
    """(database, handoffs a second, bare calls a second). PostgreSQL only where its wheel is installed."""
    for kind in kinds:
        try:
            with workspace() as folder, database(kind, folder) as url:
                yield kind, *_of_one(folder, url)
        except ImportError:
            continue


def _of_one(folder: Path, url: str) -> tuple[float, float]:
    port = free_port("127.0.0.1")
    sandbox = f"http://127.0.0.1:{port}"
    config = write_config(folder, url)
    with processes() as supervisor:
        arguments = ["connectors.sandbox", "--kind", "zendesk", "--port", str(port)]
        start(supervisor, "sandbox", arguments, folder, sandbox_environment(sandbox), partial(answers, sandbox))
        env = Env(settings_of(config, sandbox), redis_url=_NO_REDIS, bell=_Mute(bell_redis(_NO_REDIS)))
        environment.use(env)
        _deliver(env)
        waiting = _waiting(env, "assign_sla")
        began = time.perf_counter()
        for work_id in waiting:
            assign_sla(work_id)
        took = time.perf_counter() - began
        _check(env)
        bare = _bare(env)
        env.close()
        return len(waiting) / took, bare


def _deliver(env: Env) -> None:
    """Handoffs whose tickets are there, and which nobody has started the clocks of."""
    for number in range(HANDOFFS):
        body = asks_for_a_person(f"c-{number}")
        webhook = Webhook(signed_headers(f"c-{number}", body), body, datetime.now(UTC))
        receive(env, env.settings.sources[SOURCE], webhook)
    for work_id in _waiting(env, "deliver"):
        deliver(work_id)


def _waiting(env: Env, kind: str) -> list[str]:
    with env.reading() as tx:
        rows = tx.connection.execute(select(work.c.id).where(work.c.kind == kind, work.c.done_at.is_(None)))
        return list(rows.scalars())


def _check(env: Env) -> None:
    """What was not done would look fast."""
    with env.reading() as tx:
        missing = tx.connection.execute(select(handoffs.c.id).where(handoffs.c.sla_assigned_at.is_(None))).all()
    if missing:
        raise RuntimeError(f"{len(missing)} of {HANDOFFS} handoffs have no SLA: the figure would mean nothing")


def _bare(env: Env) -> float:
    with env.reading() as tx:
        handoff = tx.handoffs.get(tx.connection.execute(select(handoffs.c.id).limit(1)).scalar_one())
        delivery = tx.deliveries.of_handoff(handoff.id) if handoff else None
    if handoff is None or delivery is None or delivery.reached is None:
        raise RuntimeError("a handoff has no ticket")
    update = ticket_update(handoff, env.policy.current.tier(handoff.tier))
    began = time.perf_counter()
    for _ in range(HANDOFFS):
        env.helpdesk(delivery.helpdesk).update_ticket(delivery.reached, update)
    return HANDOFFS / (time.perf_counter() - began)
