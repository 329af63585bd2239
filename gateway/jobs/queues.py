"""
The one table of jobs: which function does a kind of work, on which queue, how long it may take, how retries space out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

DELIVERY = "delivery"  # talks to helpdesks; may be slow
CLOCK = "clock"  # our own rows only; always quick
VENDOR = "vendor"  # calls vendors back; a slow one keeps no ticket waiting
NOTIFY = "notify"  # calls chats; a slow one keeps no ticket and no timer waiting
QUEUES = (DELIVERY, CLOCK, VENDOR, NOTIFY)

# How deep the relay fills a queue. A deeper one only buries fresh work under bells for rows already done.
HIGH_WATER = 24
RING_AGAIN_AFTER = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class JobKind:
    """
    function: dotted name, and the only ones a worker will run. timeout: RQ stops the job then.
    lease: nobody else takes the row before. None: it talks to a helpdesk, and `helpdesk_lease` says.
    together: one job does all rows of the kind that are due, and one bell at a time is enough for them.
    """

    function: str
    queue: str
    timeout: timedelta
    lease: timedelta | None = None
    together: bool = False


# One step of a delivery asks its helpdesk at most this often (read a journal, read files, write one, write the other).
CALLS_A_STEP = 4


def helpdesk_lease(timeouts: Iterable[timedelta]) -> timedelta:
    """
    How long a row is held while a helpdesk is asked: the longest one step may take, and a little. It is renewed at
    every step, so a crash costs one lease and not the sum of all steps.
    """
    return CALLS_A_STEP * max(timeouts, default=timedelta(seconds=30)) + timedelta(seconds=10)


_LONG = timedelta(seconds=300)
_SHORT = timedelta(seconds=20)
JOBS: Mapping[str, JobKind] = {
    "deliver": JobKind("gateway.jobs.deliver.deliver", DELIVERY, _LONG),
    "assign_sla": JobKind("gateway.jobs.assign_sla.assign_sla", DELIVERY, _LONG),
    "read_ticket": JobKind("gateway.jobs.read_ticket.read_ticket", DELIVERY, _LONG),
    "tell_vendor": JobKind(
        "gateway.jobs.tell_vendor.tell_vendor", VENDOR, timedelta(seconds=60), lease=timedelta(seconds=90)
    ),
    "pull_transcript": JobKind(
        "gateway.jobs.pull_transcript.pull_transcript", VENDOR, timedelta(seconds=60), lease=timedelta(seconds=90)
    ),
    "tell_news": JobKind("gateway.jobs.tell_news.tell_news", DELIVERY, _LONG),
    "look_again": JobKind("gateway.jobs.doubles.look_again", DELIVERY, _LONG),
    "mark_double": JobKind("gateway.jobs.doubles.mark_double", DELIVERY, _LONG),
    "poll": JobKind("gateway.jobs.poll.poll", DELIVERY, _LONG),
    "judge_late": JobKind("gateway.jobs.judge_late.judge_late", CLOCK, _SHORT, lease=2 * _SHORT),
    "judge_silent": JobKind("gateway.jobs.silences.judge_silent", CLOCK, _SHORT, lease=2 * _SHORT),
    "end_wait": JobKind("gateway.jobs.end_wait.end_wait", CLOCK, _SHORT, lease=2 * _SHORT),
    "sla_timer": JobKind("gateway.jobs.timers.fire", CLOCK, _SHORT, lease=2 * _SHORT, together=True),
    "sla_facts": JobKind("gateway.jobs.timers.take_facts", CLOCK, _SHORT, lease=2 * _SHORT),
    "climb": JobKind("gateway.jobs.climb.climb", CLOCK, _SHORT, lease=2 * _SHORT),
    "callback_timer": JobKind("gateway.jobs.callback_timer.callback_timer", CLOCK, _SHORT, lease=2 * _SHORT),
    "tell_callback": JobKind("gateway.jobs.tell_callback.tell_callback", DELIVERY, _LONG),
    "notify": JobKind("gateway.jobs.notify.notify", NOTIFY, timedelta(seconds=60), lease=timedelta(seconds=90)),
    "ticket_step": JobKind("gateway.jobs.ticket_step.ticket_step", DELIVERY, _LONG),
}

TOGETHER = tuple(name for name, kind in JOBS.items() if kind.together)

ALLOWED_FUNCTIONS = frozenset(kind.function for kind in JOBS.values())


def backoff(tries: int, jitter: float) -> timedelta:
    """
    Wait before try number `tries` + 1: 2 s doubling to 15 min, with full jitter (`jitter` in 0..1), never under 1 s.
    """
    ceiling = min(900.0, 2.0 * 2 ** min(tries - 1, 20)) if tries > 0 else 2.0
    return timedelta(seconds=max(1.0, ceiling * jitter))
