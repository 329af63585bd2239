"""
Signs of life, kept in the database so that any process can see them: of relays, which nobody calls, and of the sources
that have a heartbeat.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from gateway.db.tables import heartbeats
from gateway.db.work import insert_or

EVERY = timedelta(seconds=5)
SOURCE_EVERY = timedelta(seconds=10)  # the sign of life of a source is at most so much older than its last call
WORKER_SILENT_AFTER = timedelta(seconds=120)  # an idle worker shows itself every 45 s
_FORGOTTEN_AFTER = timedelta(days=1)


def beat(connection: Connection, name: str, now: datetime, oldest_due: datetime | None) -> None:
    lag = max(0.0, (now - oldest_due).total_seconds()) if oldest_due else 0.0
    statement = insert_or(connection, heartbeats).values(name=name, at=now, lag_seconds=lag)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now, "lag_seconds": lag}))


def last_beat(connection: Connection, name: str) -> tuple[datetime, float] | None:
    row = connection.execute(select(heartbeats).where(heartbeats.c.name == name)).one_or_none()
    return (row.at, row.lag_seconds) if row else None


def source_heard_at(connection: Connection, source: str) -> datetime | None:
    """The latest time at which the source may have called last. None: it never did."""
    found = last_beat(connection, _name(source))
    return found[0] + SOURCE_EVERY if found else None


class SourceBeats:
    """One per process: writes a source's sign of life now and then, and not with every call."""

    def __init__(self) -> None:
        self._written: dict[str, datetime] = {}

    def heard(self, connection: Connection, sources: Iterable[str], now: datetime) -> None:
        due = [s for s in sorted(set(sources)) if s not in self._written or now - self._written[s] >= SOURCE_EVERY]
        for source in due:  # in one order everywhere, or two transactions could wait for each other
            beat(connection, _name(source), now, None)
            self._written[source] = now


def _name(source: str) -> str:
    return f"source:{source}"[:100]


def worker_name(queue: str, host: str, pid: int) -> str:
    return f"worker:{queue}:{host[:50]}:{pid}"


def workers_alive(connection: Connection, queue: str, now: datetime) -> int:
    """Workers of one queue that showed themselves lately; one that was killed counts for two minutes more."""
    statement = select(func.count()).where(
        heartbeats.c.name.startswith(f"worker:{queue}:", autoescape=True), heartbeats.c.at > now - WORKER_SILENT_AFTER
    )
    return int(connection.execute(statement).scalar_one())


def gone(connection: Connection, name: str, now: datetime) -> None:
    """A worker has ended; those that could not say so are forgotten with it after a day."""
    old = heartbeats.c.name.startswith("worker:") & (heartbeats.c.at < now - _FORGOTTEN_AFTER)
    connection.execute(delete(heartbeats).where((heartbeats.c.name == name) | old))
