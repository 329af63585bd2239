"""
An installation as `baton up` runs it, real processes and a private Redis, with short waits and a rough hand that kills
its processes by their pids.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from connectors.sandbox.accounts import KINDS
from gateway.jobs.queues import helpdesk_lease
from gateway.settings import STARTER_POLICY
from gateway.supervise.processes import Child
from gateway.supervise.redis_server import redis_url
from gateway.supervise.up import Plan, Up
from gateway.torture.bench import SECRET

# What must be waited for in the world may be short here: sandboxes carry nothing out later than they were asked.
TIMEOUT, LOOKUP_AFTER = timedelta(seconds=4), timedelta(seconds=8)
LEASE = helpdesk_lease([TIMEOUT])
UP_AFTER = 2.0  # seconds a process has to come up before it may be killed again


@dataclass
class Running:
    """One running installation and the ways to hurt it."""

    up: Up
    database: str

    def sandbox(self, kind: str) -> str:
        return self.up.addresses.sandboxes[kind]

    def names(self, prefix: str) -> list[str]:
        return [child.name for child in self.up.supervisor.children if child.name.startswith(prefix)]

    def is_up(self, name: str) -> bool:
        """Running, answering if it can be asked, and not only just started."""
        child = self.child(name)
        alive = child.process is not None and child.process.poll() is None
        return alive and time.monotonic() - child.started_at > UP_AFTER and child.ready()

    def kill(self, name: str) -> bool:
        """kill -9 a process and all below it. It is restarted at once: this is no crash loop of its own making."""
        child = self.child(name)
        child.failures = 0
        if child.pid is not None:
            _kill([child.pid, *descendants(child.pid)])
        return True

    def child(self, name: str) -> Child:
        return next(child for child in self.up.supervisor.children if child.name == name)

    def kill_one_below(self, name: str) -> bool:
        """kill -9 only a process below: the child of a worker in mid job, one process of a gateway. False: none."""
        child = self.child(name)
        below = descendants(child.pid) if child.pid is not None else []
        _kill(below[:1])
        return bool(below)

    def wipe_redis(self) -> None:
        """Empty it, if it is there."""
        try:
            Redis.from_url(redis_url(self.up.settings), socket_timeout=2).flushall()
        except (RedisError, OSError):
            return

    def cut_database(self) -> bool:
        """End every connection of PostgreSQL to our database. False: there are none, it is SQLite."""
        if not self.database.startswith("postgresql"):
            return False
        engine = create_engine(self.database)
        try:
            with engine.begin() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
        except SQLAlchemyError:
            return False
        finally:
            engine.dispose()
        return True


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def descendants(pid: int) -> list[int]:
    """Every process below this one, nearest first (Linux)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):  # ended while we looked
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    below = list(parents.get(pid, []))
    return below + [deeper for child in below for deeper in descendants(child)]


@contextmanager
def running(database: str, folder: Path, plan: Plan, more: str = "") -> Iterator[Running]:
    """
    Start what `plan` says; end it by pid. more: lines for its baton.yml. Raises DidNotStart, FileNotFoundError (no
    redis-server).
    """
    before = dict(os.environ)
    path = folder / "baton.yml"
    path.write_text(_config(database, folder / "var") + more, "utf-8")
    os.environ["BATON_LOG_LEVEL"] = "WARNING"
    up = Up(replace(plan, config=path, port=0))
    watcher = threading.Thread(target=up.supervisor.watch, name="torture-supervisor", daemon=True)
    try:
        up.start()
        watcher.start()
        yield Running(up, database)
    finally:
        up.supervisor.stopping.set()
        if watcher.is_alive():
            watcher.join()  # or it would restart what `stop` ends
        up.stop()
        _restore(before)


def _restore(before: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


def _config(database: str, var: Path) -> str:
    waits = f"timeout: {TIMEOUT.seconds}s, lookup_after: {LOOKUP_AFTER.seconds}s"
    desks = "".join(f"  {kind}: {{kind: {kind}, base_url: sandbox, {waits}}}\n" for kind in KINDS)
    sources = "".join(f"  {k}-bot: {{vendor: canonical, secrets: [{SECRET}], helpdesk: {k}}}\n" for k in KINDS)
    return (
        f"policies: {STARTER_POLICY}\ndatabase: '{database}'\nvar: {var}\n"
        f"sources:\n{sources}helpdesks:\n{desks}"
    )  # fmt: skip
