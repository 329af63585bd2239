"""Signs of life of processes that nobody calls, kept in the database so that any gateway can show them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from gateway.db.tables import heartbeats
from gateway.db.work import insert_or

EVERY = timedelta(seconds=5)


def beat(connection: Connection, name: str, now: datetime, oldest_due: datetime | None) -> None:
    lag = max(0.0, (now - oldest_due).total_seconds()) if oldest_due else 0.0
    statement = insert_or(connection, heartbeats).values(name=name, at=now, lag_seconds=lag)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now, "lag_seconds": lag}))


def last_beat(connection: Connection, name: str) -> tuple[datetime, float] | None:
    row = connection.execute(select(heartbeats).where(heartbeats.c.name == name)).one_or_none()
    return (row.at, row.lag_seconds) if row else None
