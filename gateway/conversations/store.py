"""
SQL for conversations. `lock` makes two turns of one conversation wait for each other; the store remembers what it
locked until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select, update

from gateway.customers.contact import Contact, from_text, to_text
from gateway.db.rows import WaitingRows, by_source
from gateway.db.tables import conversations
from gateway.db.work import insert_or
from gateway.ids import new_id
from packets.codec import from_json, to_json
from packets.conversation import Conversation

_BY_VENDOR_ID = select(conversations).where(
    conversations.c.source == bindparam("source"),
    conversations.c.vendor_conversation_id == bindparam("vendor_id"),
)
_LOCK = (
    select(conversations)
    .where(
        conversations.c.source == bindparam("source"),
        conversations.c.vendor_conversation_id.in_(bindparam("vendor_ids", expanding=True)),
    )
    .order_by(conversations.c.vendor_conversation_id)
    .with_for_update()
)
_SAVE = (
    update(conversations)
    .where(conversations.c.id == bindparam("row_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "state",
                "events",
                "handoffs",
                "open_handoff_id",
                "contact",
                "look_at",
                "updated_at",
            )
        }
    )
)

Key = tuple[str, str]  # source, the vendor's conversation id


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """
    The state, how many events are in it, and the handoff that is open, if one is. contact: what is known of the
    customer from before. look_at: when its open timer is due.
    """

    id: str
    state: Conversation
    events: int = 0
    handoffs: int = 0
    open_handoff_id: str | None = None
    contact: Contact | None = None
    look_at: datetime | None = None


class ConversationStore:
    def __init__(self, connection: Connection, rows: WaitingRows) -> None:
        self._db = connection
        self._rows = rows
        self._held: dict[Key, ConversationRow] = {}

    def lock(self, keys: Iterable[Key], now: datetime) -> None:
        """Lock all these conversations, made if they are new: nobody else may touch them until the transaction ends."""
        # In one order everywhere, so that two transactions with the same conversations cannot wait for each other for
        # ever.
        wanted = sorted(set(keys) - self._held.keys())
        self._lock_existing(wanted)
        new = [key for key in wanted if key not in self._held]
        if new:
            self._create(new, now)
            self._lock_existing(new)

    def held(self, key: Key) -> ConversationRow:
        """A conversation that is locked, as this transaction last saved it."""
        return self._held[key]

    def _lock_existing(self, keys: list[Key]) -> None:
        for source, ids in by_source(keys).items():
            for row in self._db.execute(_LOCK, {"source": source, "vendor_ids": ids}):
                self._held[source, row.vendor_conversation_id] = _read(row)

    def lock_by_id(self, conversation_id: str) -> ConversationRow:
        self._rows.flush()
        statement = select(conversations).where(conversations.c.id == conversation_id).with_for_update()
        return _read(self._db.execute(statement).one())

    def get(self, conversation_id: str) -> ConversationRow | None:
        self._rows.flush()
        row = self._db.execute(select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
        return _read(row) if row else None

    def find(self, source: str, vendor_conversation_id: str) -> ConversationRow | None:
        self._rows.flush()
        row = self._db.execute(_BY_VENDOR_ID, {"source": source, "vendor_id": vendor_conversation_id}).one_or_none()
        return _read(row) if row else None

    def save(self, row: ConversationRow, now: datetime) -> None:
        self._held[row.state.source, row.state.vendor_conversation_id] = row
        self._rows.add(
            _SAVE,
            {
                "row_id": row.id,
                "state": to_json(replace(row.state, new_turns=())),  # only the decision just made needed those
                "events": row.events,
                "handoffs": row.handoffs,
                "open_handoff_id": row.open_handoff_id,
                "contact": to_text(row.contact),
                "look_at": row.look_at,
                "updated_at": now,
            },
        )

    def _create(self, keys: list[Key], now: datetime) -> None:
        rows = [
            {"id": new_id("cnv"), "source": source, "vendor_conversation_id": vendor_id,
             "state": to_json(Conversation(source, vendor_id)), "events": 0, "handoffs": 0,
             "created_at": now, "updated_at": now}
            for source, vendor_id in keys
        ]  # fmt: skip
        self._db.execute(insert_or(self._db, conversations).on_conflict_do_nothing(), rows)


def _read(row: Row[tuple[object, ...]]) -> ConversationRow:
    return ConversationRow(
        row.id, from_json(Conversation, row.state), row.events, row.handoffs, row.open_handoff_id,
        from_text(row.contact), row.look_at,
    )  # fmt: skip
