"""
The event log as a corpus: every conversation with all its events, page by page, for replaying a policy over it.

Each page is read in a transaction of its own, so that a long replay holds nothing open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, func, select, true

from gateway.db.engine import Database
from gateway.db.tables import conversations, events
from policies.corpus import Logged

PAGE = 100  # conversations
_CONVERSATIONS = select(conversations.c.id, conversations.c.source, conversations.c.vendor_conversation_id)


def count_logged(database: Database, since: datetime | None = None) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(conversations).where(_in(since))).scalar_one())


def logged(database: Database, since: datetime | None = None, *, page: int = PAGE) -> Iterator[Logged]:
    """Oldest conversation first. since: only those that something happened in from then on."""
    last = ""
    while True:
        with database.reading() as connection:
            found = _page(connection, last, since, page)
        if not found:
            return
        yield from found
        last = found[-1].conversation_id


def logged_one(database: Database, conversation_id: str) -> Logged | None:
    """One conversation, or None if there is none of that id."""
    with database.reading() as connection:
        return next(iter(_with_events(connection, _CONVERSATIONS.where(conversations.c.id == conversation_id))), None)


def _page(connection: Connection, after: str, since: datetime | None, page: int) -> list[Logged]:
    statement = _CONVERSATIONS.where(conversations.c.id > after, _in(since))
    return _with_events(connection, statement.order_by(conversations.c.id).limit(page))


def _with_events(connection: Connection, chosen: Select[tuple[str, str, str]]) -> list[Logged]:
    rows = connection.execute(chosen).all()
    texts: dict[str, list[str]] = {row.id: [] for row in rows}
    wanted = select(events.c.conversation_id, events.c.event).where(events.c.conversation_id.in_(texts))
    for conversation_id, text in connection.execute(wanted.order_by(events.c.conversation_id, events.c.position)):
        texts[conversation_id].append(text)
    return [Logged(row.id, row.source, row.vendor_conversation_id, tuple(texts[row.id])) for row in rows]


def _in(since: datetime | None) -> ColumnElement[bool]:
    return true() if since is None else conversations.c.updated_at >= since
