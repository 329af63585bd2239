"""
The one table of jobs: which function does a kind of work, on which queue, how long it may take, how retries space out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

DELIVERY = "delivery"  # talks to helpdesks; may be slow
CLOCK = "clock"  # our own rows only; always quick
QUEUES = (DELIVERY, CLOCK)

# How deep the relay fills a queue. A deeper one only buries fresh work under bells for rows already done.
HIGH_WATER = 24
RING_AGAIN_AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class JobKind:
    """
    function: dotted name, and the only ones a worker will run.
    timeout: RQ stops the job then. lease: nobody else takes the row before; always longer than timeout.
    """

    function: str
    queue: str
    timeout: timedelta
    lease: timedelta


def _kind(function: str, queue: str, timeout: int) -> JobKind:
    return JobKind(f"gateway.jobs.{function}", queue, timedelta(seconds=timeout), timedelta(seconds=timeout + 15))


JOBS: Mapping[str, JobKind] = {
    "deliver": _kind("deliver.deliver", DELIVERY, 150),
    "assign_sla": _kind("assign_sla.assign_sla", DELIVERY, 90),
    "read_ticket": _kind("read_ticket.read_ticket", DELIVERY, 90),
    "judge_late": _kind("judge_late.judge_late", CLOCK, 20),
    "sla_warn": _kind("timers.fire", CLOCK, 20),
    "sla_breach": _kind("timers.fire", CLOCK, 20),
}

ALLOWED_FUNCTIONS = frozenset(kind.function for kind in JOBS.values())


def backoff(tries: int, jitter: float) -> timedelta:
    """
    Wait before try number `tries` + 1: 2 s doubling to 15 min, with full jitter (`jitter` in 0..1), never under 1 s.
    """
    ceiling = min(900.0, 2.0 * 2 ** min(tries - 1, 20)) if tries > 0 else 2.0
    return timedelta(seconds=max(1.0, ceiling * jitter))
