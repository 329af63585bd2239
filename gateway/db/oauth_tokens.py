"""
The access tokens that gateways, workers and forked jobs share (connectors.ports.TokenStore), and the lease under which
one of them renews. Each step is a short transaction of its own: none is open while a system is asked for a token.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import Unavailable
from connectors.ports import StoredToken
from gateway.clock import Clock, utc_now
from gateway.db.engine import Database
from gateway.db.tables import oauth_tokens
from gateway.db.work import insert_or

T = TypeVar("T")


class DatabaseTokens:
    """A TokenStore over the table `oauth_tokens`. A database that is away is Unavailable to the connector."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._now = clock

    def load(self, name: str) -> StoredToken | None:
        wanted = select(oauth_tokens).where(oauth_tokens.c.name == name)
        row = _run(self._database.reading, lambda connection: connection.execute(wanted).one_or_none())
        if row is None or row.access_token is None:
            return None
        return StoredToken(row.access_token, row.ends_at.timestamp(), row.refresh_token)

    def lease(self, name: str, seconds: float) -> str | None:
        now, mine = self._now(), uuid.uuid4().hex
        free = or_(oauth_tokens.c.lease.is_(None), oauth_tokens.c.lease_until <= now)
        take = update(oauth_tokens).where(oauth_tokens.c.name == name, free)

        def taken(connection: Connection) -> int:
            connection.execute(insert_or(connection, oauth_tokens).values(name=name).on_conflict_do_nothing())
            until = now + timedelta(seconds=seconds)
            return connection.execute(take.values(lease=mine, lease_until=until)).rowcount

        return mine if _run(self._database.begin, taken) == 1 else None

    def save(self, name: str, token: StoredToken, lease: str) -> bool:
        ends_at = datetime.fromtimestamp(token.ends_at, UTC)
        pair = {"access_token": token.access, "refresh_token": token.refresh, "ends_at": ends_at}
        return self._as_holder(name, lease, pair)

    def give_back(self, name: str, lease: str) -> None:
        self._as_holder(name, lease, {})

    def _as_holder(self, name: str, lease: str, values: dict[str, Any]) -> bool:
        """Write as the holder of the lease, and end it. False: somebody else holds it by now."""
        held = update(oauth_tokens).where(oauth_tokens.c.name == name, oauth_tokens.c.lease == lease)
        done = held.values(**values, lease=None, lease_until=None)
        return _run(self._database.begin, lambda connection: connection.execute(done).rowcount) == 1


def _run(begin: Callable[[], AbstractContextManager[Connection]], what: Callable[[Connection], T]) -> T:
    """What SQLAlchemy says of a failure quotes the statement's values, tokens too: only the kind of it goes on."""
    try:
        with begin() as connection:
            return what(connection)
    except SQLAlchemyError as error:
        cause = type(error).__name__
    raise Unavailable("OAuth", f"the database that keeps the access tokens is not there ({cause})")
