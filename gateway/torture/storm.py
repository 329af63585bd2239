"""
`baton torture storm`: a whole installation under load and under fire. Processes are killed, Redis is emptied, database
connections are cut, helpdesks fail in all their ways; then all of it stops, and everything that was accepted must come
to stand at its helpdesk, once and whole.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.sandbox.accounts import KINDS
from gateway.db.engine import Database
from gateway.db.tables import attempts, deliveries, handoffs, work
from gateway.settings import STARTER_POLICY
from gateway.supervise.up import Plan
from gateway.torture.bench import WATCHED
from gateway.torture.running import LEASE, Running, running
from gateway.torture.tally import Tally
from gateway.torture.vendors import Accepted, Vendors
from gateway.torture.whole import Promise, Ticket, Verdict, judge_promise, strangers
from policies.load import load_policy
from policies.model import PolicySet

log = logging.getLogger(__name__)

# How a helpdesk fails here. Not 401 and 403: those stop an account until somebody mends it, which is another story.
WRITE_FAULTS = ("429", "500", "503", "409", "html_200", "cancelled_before", "cut_before", "slow", "cut_after",
                "hang_after", "500_after", "409_after", "cancelled_after")  # fmt: skip
READ_FAULTS = ("429", "500", "503", "html_200", "cut_before", "cut_after", "slow")
WRITES_FAIL, READS_FAIL = 0.30, 0.10
PLAN = Plan(Path(), delivery_workers=3, relays=2, gateway_processes=2, patience=120)
HANGS_SECONDS = 6.0  # longer than the time-out
SETTLES_WITHIN = LEASE.total_seconds() + 30
WAIT_AT_MOST = 600.0


@dataclass(frozen=True, slots=True)
class Weather:
    """minutes, rate: of the load. kill_every: seconds between two kills, on average."""

    minutes: float
    rate: float
    kill_every: float = 1.0


@dataclass
class _Killer:
    """
    Draws a victim by lot, again and again, until the minutes are over. Only what is up again may be hit again: a
    machine on which a process needs ten seconds to start would otherwise never have one.
    """

    system: Running
    chance: random.Random
    every: float
    seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    kills: Counter[str] = field(default_factory=Counter)
    last_at: float = 0.0

    def run(self) -> None:
        ends = time.monotonic() + self.seconds
        while not self.stop.wait(self.chance.uniform(0.4, 1.6) * self.every) and time.monotonic() < ends:
            name = self.chance.choice(tuple(self._ways()))
            if self._ways()[name]():
                self.kills[name] += 1
                self.last_at = time.monotonic()

    def _ways(self) -> dict[str, Callable[[], bool]]:
        return {
            "gateway": lambda: self._kill("gateway-"),
            "gateway process": lambda: self._below("gateway-"),
            "relay": lambda: self._kill("relay-"),
            "worker": lambda: self._kill("worker-"),
            "worker's child": lambda: self._below("worker-"),
            "redis": lambda: self._kill("redis"),
            "redis wiped": self._wipe,
            "database connections": self.system.cut_database,
        }

    def _kill(self, prefix: str) -> bool:
        name = self.chance.choice(self.system.names(prefix))
        return self.system.is_up(name) and self.system.kill(name)

    def _below(self, prefix: str) -> bool:
        name = self.chance.choice(self.system.names(prefix))
        return self.system.is_up(name) and self.system.kill_one_below(name)

    def _wipe(self) -> bool:
        self.system.wipe_redis()
        return self._kill("redis")


def storm(
    database: str,
    folder: Path,
    weather: Weather,
    tally: Tally,
    told: Callable[[str], None] = lambda line: None,
) -> None:
    """Run one storm into `tally`. Raises DidNotStart, FileNotFoundError."""
    chance = random.Random(tally.seed)  # noqa: S311
    with running(database, folder, PLAN) as system:
        watch = _Watch(database)
        vendors = Vendors(system.up.addresses.gateways, KINDS, random.Random(chance.random()), watch.is_crowded)  # noqa: S311
        vendors.one_for_each()
        watch.wait_until_settled()  # only now do all processes work: what follows is done under fire, not after it
        seconds = weather.minutes * 60
        killer = _Killer(system, random.Random(chance.random()), weather.kill_every, seconds)  # noqa: S311
        with _failing(system, random.Random(chance.random()), seconds), _in_background(killer):  # noqa: S311
            reached = vendors.run(weather.rate, seconds)
        told(f"{len(vendors.accepted)} accepted, {killer.kills.total()} kills; waiting for the last")
        ended = killer.last_at or time.monotonic()
        settled = watch.wait_until_settled()
        tally.settled_seconds = round(max(0.0, settled - ended), 1) if settled else None
        _count(system, watch, vendors.accepted, tally)
        tally.cases += killer.kills.total()
        tally.notes |= {
            "rate": f"{reached:.1f} handoffs/s reached of {weather.rate:g} wanted, {vendors.held_back} held back",
            "kills": ", ".join(f"{name} {count}" for name, count in sorted(killer.kills.items())),
            "failing": f"{WRITES_FAIL:.0%} of writes, {READS_FAIL:.0%} of reads: {_failures(system)}",
            "settled in time": f"{'yes' if settled and settled - ended <= SETTLES_WITHIN else 'NO'} "
            f"(lease + 30 s = {SETTLES_WITHIN:.0f} s after the last kill)",
            "never answered": vendors.never_answered,
        }
        watch.close()


@contextmanager
def _in_background(killer: _Killer) -> Iterator[None]:
    thread = threading.Thread(target=killer.run, name="torture-killer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        killer.stop.set()
        thread.join()


@contextmanager
def _failing(system: Running, chance: random.Random, seconds: float) -> Iterator[None]:
    """For so long the helpdesks fail: which of the next calls do, and how, is drawn anew every two seconds."""
    stop, ends = threading.Event(), time.monotonic() + seconds

    def keep_failing() -> None:
        while not stop.is_set() and time.monotonic() < ends:
            for kind in KINDS:
                _set_faults(system.sandbox(kind), [*_drawn(chance, WRITE_FAULTS, WRITES_FAIL, _WRITING),
                                                   *_drawn(chance, READ_FAULTS, READS_FAIL, ("GET",))])  # fmt: skip
            stop.wait(2.0)
        for kind in KINDS:
            _set_faults(system.sandbox(kind), [])

    thread = threading.Thread(target=keep_failing, name="torture-faults", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _failures(system: Running) -> str:
    """How many calls the helpdesks really spoilt, of those they remember."""
    calls = [
        call for kind in KINDS for call in requests.get(f"{system.sandbox(kind)}/_sandbox/calls", timeout=60).json()
    ]
    return f"{sum(call['fault'] is not None for call in calls)} of {len(calls)} calls failed"


_WRITING = ("POST", "PUT", "PATCH")


def _drawn(
    chance: random.Random, kinds: Sequence[str], share: float, methods: Sequence[str]
) -> Iterator[dict[str, object]]:
    for method in methods:
        for nth in range(1, 60):
            if chance.random() < share:
                kind = chance.choice(kinds)
                seconds = HANGS_SECONDS if kind == "hang_after" else 0.5
                yield {"kind": kind, "method": method, "path": "*", "nth": nth, "seconds": seconds, "retry_after": 1}


def _set_faults(sandbox: str, faults: list[dict[str, object]]) -> None:
    requests.delete(f"{sandbox}/_sandbox/faults", timeout=20).raise_for_status()
    if faults:
        requests.post(f"{sandbox}/_sandbox/faults", json=faults, timeout=20).raise_for_status()


@dataclass(frozen=True, slots=True)
class _Row:
    """What our own rows say of one handoff."""

    key: str
    state: str
    tier: str
    has_sla: bool


class _Watch:
    """Looks into the database beside the installation: how much is open, what each handoff came to."""

    MOST_OPEN = 60  # handoffs under way at which no new conversation begins
    LOOK_EVERY = 0.5

    def __init__(self, database: str) -> None:
        self._database = Database(database)
        self._looked_at, self._open = 0.0, 0

    def is_crowded(self) -> bool:
        if time.monotonic() - self._looked_at > self.LOOK_EVERY:
            found = self._still_open()
            self._open = self._open if found is None else found
            self._looked_at = time.monotonic()
        return self._open >= self.MOST_OPEN

    def _still_open(self) -> int | None:
        """Work that leads to a whole ticket and is not done; None: the database did not answer."""
        statement = select(func.count()).select_from(work).where(work.c.done_at.is_(None), work.c.kind.in_(WATCHED))
        try:
            with self._database.reading() as connection:
                return int(connection.execute(statement).scalar_one())
        except SQLAlchemyError:  # a connection that was cut
            return None

    def wait_until_settled(self) -> float | None:
        """The moment at which nothing was left to do; None: something still is."""
        deadline = time.monotonic() + WAIT_AT_MOST
        while time.monotonic() < deadline:
            if self._still_open() == 0:
                return time.monotonic()
            time.sleep(self.LOOK_EVERY)
        return None

    def rows(self) -> dict[str, _Row]:
        """By handoff id."""
        statement = select(
            handoffs.c.id, deliveries.c.id.label("key"), deliveries.c.state, handoffs.c.tier, handoffs.c.sla_assigned_at
        ).join(deliveries, deliveries.c.handoff_id == handoffs.c.id)
        with self._database.reading() as connection:
            found = connection.execute(statement).all()
        return {row.id: _Row(row.key, row.state, row.tier, row.sla_assigned_at is not None) for row in found}

    def handed_off_twice(self) -> list[tuple[str, int]]:
        """Nobody closes a handoff here, so a conversation has one."""
        count = func.count()
        statement = select(handoffs.c.conversation_id, count).group_by(handoffs.c.conversation_id).having(count > 1)
        with self._database.reading() as connection:
            return [(row[0], row[1]) for row in connection.execute(statement)]

    def attempts(self) -> int:
        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(attempts)).scalar_one())

    def close(self) -> None:
        self._database.close()


def _count(system: Running, watch: _Watch, accepted: Sequence[Accepted], tally: Tally) -> None:
    policy, rows = load_policy(STARTER_POLICY), watch.rows()
    tally.accepted += len(accepted)
    tally.attempts += watch.attempts()
    for kind in KINDS:
        tickets = requests.get(f"{system.sandbox(kind)}/_sandbox/tickets", timeout=120).json()
        by_key = _by_key(tickets)
        for one in (one for one in accepted if one.kind == kind):
            row = rows.get(one.handoff_id or "")
            mine = by_key.get(row.key, []) if row else []
            tally.take(f"{kind} {one.conversation} {one.handoff_id}", _judged(one, row, policy, mine))
        known = {row.key for row in rows.values()}
        for number in strangers([], [ticket for ticket in tickets if ticket["key"] not in known]):
            tally.take(f"{kind} {number}", Verdict(doubled=("a ticket nobody was promised",)))
    for conversation, count in watch.handed_off_twice():
        tally.take(conversation, Verdict(doubled=(f"{count} handoffs of one conversation",)))


def _judged(one: Accepted, row: _Row | None, policy: PolicySet, tickets: Sequence[Ticket]) -> Verdict:
    if row is None:
        return Verdict(lost=("accepted, and there is no handoff",))
    tier = policy.tier(row.tier)
    promise = Promise(str(one.handoff_id), row.key, tier.name, tier.priority.value, one.said)
    found = judge_promise(promise, tickets)
    lost = () if row.state == "done" else (f"the delivery is {row.state}",)
    incomplete = () if row.has_sla else ("no SLA",)
    return Verdict((*found.lost, *lost), found.doubled, (*found.incomplete, *incomplete))


def _by_key(tickets: Sequence[Ticket]) -> dict[str, list[Ticket]]:
    found: dict[str, list[Ticket]] = {}
    for ticket in tickets:
        found.setdefault(str(ticket["key"]), []).append(ticket)
    return found
