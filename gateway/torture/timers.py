"""
`baton torture timers`: thousands of SLA timers come due while the processes that fire them are killed and Redis is
emptied. Afterwards each must have had its effect once, not before its time, and soon: 99 of 100 within two seconds,
the time not counted in which there was nobody to fire them.

Nobody is there while no relay is up, or no clock worker, or Redis does not answer. A process is up once it has shown
itself in the database since it was started (gateway/db/heartbeat.py): then it rings, or takes jobs. A second one of its
kind covers for one that is down. An emptied Redis, and timers in the hands of who was killed, are no excuse.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select

from gateway.db.engine import Database
from gateway.db.heartbeat import last_beat, worker_name
from gateway.db.tables import work
from gateway.jobs.queues import CLOCK
from gateway.settings import SANDBOX_CHAT, STARTER_POLICY
from gateway.sla.store import TIMER
from gateway.supervise.redis_server import redis_url
from gateway.supervise.up import Plan
from gateway.torture.running import Running, running
from gateway.torture.tally import FINDINGS_KEPT, Finding
from gateway.torture.timer_rows import CHAT, Laid, drawn, judged, lay, recorded, told_wrongly
from policies.load import load_policy

PLAN = Plan(Path(), gateway_processes=1, delivery_workers=1, relays=2, clock_workers=2, patience=120)
NOTIFIERS = f"notifiers:\n  {CHAT}: {{kind: slack, base_url: sandbox}}\n"
AIM_SECONDS = 2.0  # 99 of 100 timers are late by less, while up
LAID_A_SECOND = 200  # rows of so many clocks are written within a second, on a busy machine
WAIT_AT_MOST = 120.0
LOOK_EVERY = 0.1
_LAST_OF_ALL = ("climb", "notify")
_RELAY, _CLOCK = "relay-", "worker-clock-"
_VICTIMS = (("relay", _RELAY), ("clock worker", _CLOCK), ("clock worker", _CLOCK), ("chat worker", "worker-notify"))


class TooSlow(Exception):
    """The machine was not able to make the rows before the first of them was due."""


@dataclass(frozen=True, slots=True)
class Wanted:
    timers: int
    seconds: float
    kills: int
    wipes: int


@dataclass(slots=True)
class TimersTally:
    """What a run came to. Lateness in seconds, by the time at which it was recorded; late_up_…: while up."""

    seed: int
    mode: str = "timers"
    timers: int = 0
    fired: int = 0
    lost: int = 0
    doubled: int = 0
    early: int = 0
    late_up_p50: float | None = None
    late_up_p99: float | None = None
    late_up_most: float | None = None
    late_p99: float | None = None
    late_most: float | None = None
    down_seconds: float = 0.0
    took_seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    def find(self, finding: Finding) -> None:
        setattr(self, finding.kind, getattr(self, finding.kind) + 1)
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(finding)

    @property
    def is_clean(self) -> bool:
        """All fired, once, none early, and soon."""
        soon = self.late_up_p99 is not None and self.late_up_p99 < AIM_SECONDS
        return soon and self.fired == self.timers > 0 and not (self.lost or self.doubled or self.early)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"clean": self.is_clean}

    def lines(self) -> Iterator[str]:
        counts = "   ".join(f"{name} {getattr(self, name)}" for name in ("timers", "fired", "lost", "doubled", "early"))
        yield f"{self.mode}   {counts}   ({self.took_seconds:.0f} s, seed {self.seed})"
        late = (self.late_up_p50, self.late_up_p99, self.late_up_most)
        if None not in late:
            yield "  late while up: p50 {:.2f} s, p99 {:.2f} s, most {:.2f} s".format(*late)
            yield f"  late in all: p99 {self.late_p99:.2f} s, most {self.late_most:.2f} s"
            yield f"  down {self.down_seconds:.1f} s"
            if not (self.late_up_p99 is not None and self.late_up_p99 < AIM_SECONDS):
                yield f"  MISSED  p99 while up is to be under {AIM_SECONDS:g} s"
        yield from (f"  {name}: {value}" for name, value in self.notes.items())
        yield from (f"  {finding.kind.upper()}  {finding.where}: {finding.what}" for finding in self.findings)


def torture_timers(
    database: str, folder: Path, wanted: Wanted, tally: TimersTally, told: Callable[[str], None] = lambda line: None
) -> None:
    """Run once, into `tally`. Raises DidNotStart, FileNotFoundError, TooSlow."""
    chance = random.Random(tally.seed)  # noqa: S311
    with running(database, folder, PLAN, NOTIFIERS) as system:
        look = Database(database)
        _until_up(system, look)
        laid = _laid(look, wanted, chance)
        first, last = min(one.at for one in laid), max(one.at for one in laid)
        told(f"{len(laid)} timers laid, the first is due at {first:%H:%M:%S}")
        with _watched(_Shown(system, look)) as outages:
            kills = _disturb(_Shown(system, look), wanted, first, random.Random(chance.random()))  # noqa: S311
            _wait_until(last)
            told("the last is due; waiting until all have fired")
            _settle(look)
        _count(system, look, laid, outages, tally)
        tally.notes |= {
            "kills": ", ".join(f"{name} {count}" for name, count in sorted(kills.items())) or "none",
            "a second": f"{len(laid) / wanted.seconds:.0f} timers due",
        }
        look.close()


class _Shown:
    """Which processes have shown themselves since they were started."""

    def __init__(self, system: Running, look: Database) -> None:
        self.system = system
        self._look = look
        self._redis = Redis.from_url(redis_url(system.up.settings), socket_timeout=1)

    def can_fire(self) -> bool:
        try:
            self._redis.ping()
        except (RedisError, OSError):
            return False
        return all(any(map(self.is_up, self.system.names(prefix))) for prefix in (_RELAY, _CLOCK))

    def is_up(self, name: str) -> bool:
        child = self.system.child(name)
        if child.process is None or child.process.poll() is not None:
            return False
        if not name.startswith((_RELAY, _CLOCK)):
            return self.system.is_up(name)
        # Relays share one sign: a second one's may pass for the first's, which then counts as up too soon, never late.
        sign = "relay" if name.startswith(_RELAY) else worker_name(CLOCK, socket.gethostname(), child.process.pid)
        with self._look.reading() as connection:
            beat = last_beat(connection, sign)
        running_for = time.monotonic() - child.started_at
        return beat is not None and (datetime.now(UTC) - beat[0]).total_seconds() < running_for


def _until_up(system: Running, look: Database) -> None:
    deadline, shown = time.monotonic() + PLAN.patience, _Shown(system, look)
    while not shown.can_fire():
        if time.monotonic() > deadline:
            raise TooSlow(f"no relay and clock worker within {PLAN.patience:g} s")
        time.sleep(LOOK_EVERY)


def _laid(look: Database, wanted: Wanted, chance: random.Random) -> list[Laid]:
    policy = load_policy(STARTER_POLICY)
    now = datetime.now(UTC).replace(microsecond=0)
    first = now + timedelta(seconds=8 + wanted.timers // LAID_A_SECOND)
    laid = drawn(wanted.timers, first, wanted.seconds, chance)
    lay(look, laid, policy, now)
    if datetime.now(UTC) > first:
        raise TooSlow(f"writing {wanted.timers} clocks took until after the first was due: fewer --timers, please")
    return laid


def _disturb(shown: _Shown, wanted: Wanted, first: datetime, chance: random.Random) -> Counter[str]:
    """So many kills and wipes, at times and of victims drawn by lot."""
    whats = ["kill"] * wanted.kills + ["wipe"] * wanted.wipes
    chance.shuffle(whats)
    times = sorted(chance.uniform(0.02, 0.97) * wanted.seconds for _ in whats)
    done: Counter[str] = Counter()
    for what, after in zip(whats, times, strict=True):
        _wait_until(first + timedelta(seconds=after))
        if what == "wipe":
            shown.system.wipe_redis()
            done["redis wiped"] += 1
        else:
            done[_kill(shown, chance)] += 1
    return done


def _kill(shown: _Shown, chance: random.Random) -> str:
    """kill -9 somebody who is up: a relay, a clock worker, or the one that writes to the chat, with its child."""
    while True:
        what, prefix = chance.choice(_VICTIMS)
        name = chance.choice(shown.system.names(prefix))
        if shown.is_up(name) and shown.system.kill(name):
            return what
        time.sleep(LOOK_EVERY)


@dataclass
class _Outages:
    """Stretches in which nobody could fire a timer, as epoch seconds."""

    shown: _Shown
    stop: threading.Event = field(default_factory=threading.Event)
    stretches: list[tuple[float, float]] = field(default_factory=list)

    def run(self) -> None:
        since = None
        while not self.stop.wait(LOOK_EVERY):
            now = time.time()
            if self.shown.can_fire():
                if since is not None:
                    self.stretches.append((since, now))
                since = None
            elif since is None:
                since = now
        if since is not None:
            self.stretches.append((since, time.time()))

    def within(self, a: float, b: float) -> float:
        """Seconds of [a, b) in which nobody was there."""
        return sum(max(0.0, min(b, end) - max(a, start)) for start, end in self.stretches)


@contextmanager
def _watched(shown: _Shown) -> Iterator[_Outages]:
    outages = _Outages(shown)
    thread = threading.Thread(target=outages.run, name="torture-outages", daemon=True)
    thread.start()
    try:
        yield outages
    finally:
        outages.stop.set()
        thread.join()


def _wait_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))


def _settle(look: Database) -> None:
    """Until no timer is left that is due, nor what followed from one; if nothing gets less, the counts will tell."""
    least, deadline = None, time.monotonic() + WAIT_AT_MOST
    while (left := _open_work(look)) and time.monotonic() < deadline:
        if least is None or left < least:
            least, deadline = left, time.monotonic() + WAIT_AT_MOST
        time.sleep(0.2)


def _open_work(look: Database) -> int:
    due = (work.c.kind.in_((TIMER, *_LAST_OF_ALL)), work.c.done_at.is_(None), work.c.due_at <= datetime.now(UTC))
    with look.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(work).where(*due)).scalar_one())


def _count(system: Running, look: Database, laid: Sequence[Laid], outages: _Outages, tally: TimersTally) -> None:
    answer = requests.get(f"{system.up.addresses.sandboxes[SANDBOX_CHAT + CHAT]}/_sandbox/messages", timeout=60)
    with look.reading() as connection:
        found = recorded(connection)
        wrong = [finding for _, finding in judged(laid, found)]
        wrong += told_wrongly(laid, connection, answer.json())
    for finding in wrong:
        tally.find(finding)
    tally.timers += len(laid)
    late, late_up = [], []
    for one in laid:
        noticed = next((at for effect, at in found.get(one.clock_id, ()) if effect is one.effect), None)
        if noticed is not None:
            late.append((noticed - one.at).total_seconds())
            late_up.append(late[-1] - outages.within(one.at.timestamp(), noticed.timestamp()))
    tally.fired += len(late)
    tally.down_seconds = round(sum(end - start for start, end in outages.stretches), 1)
    if late:
        late.sort(), late_up.sort()
        tally.late_p99, tally.late_most = _part(late, 0.99), _part(late, 1)
        tally.late_up_p50, tally.late_up_p99, tally.late_up_most = (_part(late_up, part) for part in (0.5, 0.99, 1))


def _part(ordered: Sequence[float], part: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3)
