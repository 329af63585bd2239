"""
SQL for earlier contacts and for what is remembered of customers. Every look-up goes by the hash of an identifier, and
reads a bounded number of rows however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select

from gateway.customers.contact import Contact, from_text
from gateway.db.rows import WaitingRows
from gateway.db.tables import contacts, conversations, lifted, remembered, remembered_keys
from gateway.db.work import insert_or
from gateway.ids import new_id
from policies.history import Contact as Earlier

MOST_EARLIER = 20  # contacts of one key that are looked at, the newest

_REMEMBERED = (
    select(remembered_keys.c.customer_key, remembered.c.id, remembered.c.what)
    .join(remembered, remembered.c.id == remembered_keys.c.remembered_id)
    .outerjoin(lifted, lifted.c.remembered_id == remembered.c.id)
    .where(remembered_keys.c.customer_key.in_(bindparam("keys", expanding=True)), lifted.c.remembered_id.is_(None))
)
_EARLIER = (
    select(contacts.c.at, contacts.c.conversation_id, conversations.c.contact)
    .join(conversations, conversations.c.id == contacts.c.conversation_id)
    .where(contacts.c.customer_key == bindparam("key"), contacts.c.at < bindparam("before"))
    .order_by(contacts.c.at.desc())
    .limit(MOST_EARLIER)
)
_LISTED = select(
    remembered, lifted.c.at.label("lifted_at"), lifted.c.by, lifted.c.reason,
    select(func.count()).where(remembered_keys.c.remembered_id == remembered.c.id).scalar_subquery().label("keys"),
).outerjoin(lifted, lifted.c.remembered_id == remembered.c.id)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remembered:
    """One thing remembered of one customer. keys: how many identifiers it is known by."""

    id: str
    what: str
    at: datetime
    conversation_id: str
    source: str
    rules: tuple[str, ...]
    keys: int
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    reason: str | None = None


class CustomerStore:
    """`look_up` first, for all customers of the transaction at once; `remembered` then answers from memory."""

    def __init__(self, connection: Connection, rows: WaitingRows) -> None:
        self._db = connection
        self._rows = rows
        self._found: dict[str, dict[str, str]] = {}  # key → id → what

    def look_up(self, keys: Iterable[str]) -> None:
        wanted = sorted(set(keys) - self._found.keys())
        if not wanted:
            return
        self._found |= {key: {} for key in wanted}
        for row in self._db.execute(_REMEMBERED, {"keys": wanted}):
            self._found[row.customer_key][row.id] = row.what

    def remembered(self, keys: Sequence[str]) -> frozenset[str]:
        """What holds for the customer of these keys."""
        self.look_up(keys)
        return frozenset(what for key in keys for what in self._found[key].values())

    def remember(
        self, what: str, keys: Sequence[str], now: datetime, *, conversation_id: str, source: str, rules: Iterable[str]
    ) -> None:
        """For good, under every key. What is remembered already is only tied to keys that are new."""
        if what not in self.remembered(keys):
            row_id = new_id("rem")
            self._db.execute(
                insert(remembered),
                {"id": row_id, "what": what, "at": now, "conversation_id": conversation_id, "source": source,
                 "rules": ",".join(rules)},
            )  # fmt: skip
            self._found[keys[0]][row_id] = what
            self._tie(row_id, what, keys[:1], now)
        self.tie(keys, now)

    def tie(self, keys: Sequence[str], now: datetime) -> None:
        """What is remembered under one of these keys holds under all: they are one customer's."""
        for row_id, what in {k: v for key in keys for k, v in self._found[key].items()}.items():
            self._tie(row_id, what, [key for key in keys if row_id not in self._found[key]], now)

    def _tie(self, row_id: str, what: str, keys: Sequence[str], now: datetime) -> None:
        if keys:
            rows = [{"customer_key": key, "remembered_id": row_id, "at": now} for key in keys]
            self._db.execute(insert_or(self._db, remembered_keys).on_conflict_do_nothing(), rows)
        for key in keys:
            self._found[key][row_id] = what

    def earlier(self, keys: Iterable[str], before: datetime) -> list[Earlier]:
        """The contacts of this customer that began before then, newest first, each once."""
        self._rows.flush()
        found = {
            (row.conversation_id, row.at): row.contact
            for key in keys
            for row in self._db.execute(_EARLIER, {"key": key, "before": before})
        }
        newest = sorted(found.items(), key=lambda pair: pair[0][1], reverse=True)[:MOST_EARLIER]
        told = [(at, from_text(text)) for (_, at), text in newest]
        return [Earlier(at, contact.issues_at(at)) for at, contact in told if contact is not None]

    def add_contact(self, contact: Contact, conversation_id: str) -> None:
        """Under every key of its customer. What it is about stands in the conversation's row."""
        for key in contact.keys:
            self._rows.add(
                _add(self._db), {"customer_key": key, "at": contact.since, "conversation_id": conversation_id}
            )

    def page(self, most: int, *, keys: Sequence[str] | None = None, all_of_them: bool = False) -> list[Remembered]:
        """Newest first. keys: only of this customer. all_of_them: also what was lifted."""
        statement = _LISTED.order_by(remembered.c.at.desc(), remembered.c.id.desc()).limit(most)
        if keys is not None:
            mine = select(remembered_keys.c.remembered_id).where(remembered_keys.c.customer_key.in_(keys))
            statement = statement.where(remembered.c.id.in_(mine))
        if not all_of_them:
            statement = statement.where(lifted.c.remembered_id.is_(None))
        return self._listed(statement)

    def get(self, remembered_id: str) -> Remembered | None:
        return next(iter(self._listed(_LISTED.where(remembered.c.id == remembered_id))), None)

    def lift(self, remembered_id: str, now: datetime, *, by: str, reason: str) -> bool:
        """False: somebody has lifted it before; their word stays."""
        values = {"remembered_id": remembered_id, "at": now, "by": by, "reason": reason}
        statement = insert_or(self._db, lifted).values(values).on_conflict_do_nothing()
        return self._db.execute(statement.returning(lifted.c.by)).one_or_none() is not None

    def _listed(self, statement: Select[Any]) -> list[Remembered]:
        return [_read(row) for row in self._db.execute(statement)]


_ADD: dict[str, Any] = {}  # one statement a dialect: rows of one statement are written together


def _add(connection: Connection) -> Any:
    name = connection.dialect.name
    if name not in _ADD:
        _ADD[name] = insert_or(connection, contacts).on_conflict_do_nothing()
    return _ADD[name]


def _read(row: Row[Any]) -> Remembered:
    return Remembered(
        row.id, row.what, row.at, row.conversation_id, row.source, tuple(filter(None, row.rules.split(","))),
        int(row.keys), row.lifted_at, row.by, row.reason,
    )  # fmt: skip
