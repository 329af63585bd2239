"""
The database connection: PostgreSQL, or SQLite as durable as it gets (WAL, FULL, one writer at a time).

`begin()` starts a writing transaction at once (BEGIN IMMEDIATE on SQLite), so two turns of one conversation queue up
instead of failing half-way. `reading()` never blocks a writer.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

_BUSY_MS = 10_000
_LOOK_AGAIN, _LOOKS = 0.0005, 1000  # seconds between two looks for the writer's lock, and how many


class Database:
    """One engine. Safe in threads; after a fork the child drops its parent's connections by itself."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url) if self.is_sqlite else _postgres(url)
        # SQLite's busy handler is unfair; threads of one process queue here and only processes meet there.
        self._writers = threading.Lock()
        os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._writers = threading.Lock()
        self.engine.dispose(close=False)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, rolled back on any exception."""
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._writers, self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection:
            yield connection.execution_options(baton_reads=True)
            connection.rollback()

    def close(self) -> None:
        self.engine.dispose()


def is_away(error: Exception) -> bool:
    """
    Whether a second try at once would only wait as long again: no connection to be had, or SQLite's lock not within its
    patience. A connection that was cut is not that, nor anything PostgreSQL has an error code for.
    """
    if not isinstance(error, OperationalError) or error.connection_invalidated:
        return False
    return getattr(error.orig, "sqlstate", None) is None


def _sqlite(url: str) -> Engine:
    connect_args = {"timeout": _BUSY_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, connect_args=connect_args, pool_size=16, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("baton_reads")
        if reads:
            connection.exec_driver_sql("BEGIN")
        elif not _begin_soon(connection.connection.cursor()):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _begin_soon(cursor: Any) -> bool:
    """
    Begin writing as soon as another process is done. SQLite's own waiting sleeps ever longer between two looks, up to
    0.1 s, and under load leaves the database idle while everybody sleeps. False: give in and let SQLite wait.
    """
    try:
        cursor.execute("PRAGMA busy_timeout=0")
        for _ in range(_LOOKS):
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return True
            except sqlite3.OperationalError:  # somebody writes; whatever else it may be, the caller's try will tell
                time.sleep(_LOOK_AGAIN)
        return False
    finally:
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        cursor.close()


def _postgres(url: str) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,  # errors go to logs and consoles, values are what customers wrote
        pool_pre_ping=True,
        pool_size=16,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=30000 -c lock_timeout=8000",
        },
    )
