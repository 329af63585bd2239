"""SQL for conversations. `lock` makes two turns of one conversation wait for each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select, update

from gateway.db.tables import conversations
from gateway.db.work import insert_or
from gateway.ids import new_id
from packets.codec import from_json, to_json
from packets.conversation import Conversation

_BY_VENDOR_ID = select(conversations).where(
    conversations.c.source == bindparam("source"),
    conversations.c.vendor_conversation_id == bindparam("vendor_id"),
)
_LOCK_BY_VENDOR_ID = _BY_VENDOR_ID.with_for_update()
_SAVE = update(conversations).where(conversations.c.id == bindparam("row_id"))


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """The state, how many events are in it, and the handoff that is open, if one is."""

    id: str
    state: Conversation
    events: int = 0
    handoffs: int = 0
    open_handoff_id: str | None = None


class ConversationStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def lock(self, source: str, vendor_conversation_id: str, now: datetime) -> ConversationRow:
        """The conversation, made if it is new, and nobody else may touch it until this transaction ends."""
        key = {"source": source, "vendor_id": vendor_conversation_id}
        row = self._db.execute(_LOCK_BY_VENDOR_ID, key).one_or_none()
        if row is None:
            self._create(source, vendor_conversation_id, now)
            row = self._db.execute(_LOCK_BY_VENDOR_ID, key).one()
        return _read(row)

    def lock_by_id(self, conversation_id: str) -> ConversationRow:
        statement = select(conversations).where(conversations.c.id == conversation_id).with_for_update()
        return _read(self._db.execute(statement).one())

    def get(self, conversation_id: str) -> ConversationRow | None:
        row = self._db.execute(select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
        return _read(row) if row else None

    def find(self, source: str, vendor_conversation_id: str) -> ConversationRow | None:
        row = self._db.execute(_BY_VENDOR_ID, {"source": source, "vendor_id": vendor_conversation_id}).one_or_none()
        return _read(row) if row else None

    def save(self, row: ConversationRow, now: datetime) -> None:
        self._db.execute(
            _SAVE,
            {
                "row_id": row.id,
                "state": to_json(replace(row.state, new_turns=())),  # only the decision just made needed those
                "events": row.events,
                "handoffs": row.handoffs,
                "open_handoff_id": row.open_handoff_id,
                "updated_at": now,
            },
        )

    def _create(self, source: str, vendor_conversation_id: str, now: datetime) -> None:
        self._db.execute(
            insert_or(self._db, conversations)
            .values(
                id=new_id("cnv"), source=source, vendor_conversation_id=vendor_conversation_id,
                state=to_json(Conversation(source, vendor_conversation_id)), events=0, handoffs=0,
                created_at=now, updated_at=now,
            )
            .on_conflict_do_nothing()
        )  # fmt: skip


def _read(row: Row[tuple[object, ...]]) -> ConversationRow:
    return ConversationRow(row.id, from_json(Conversation, row.state), row.events, row.handoffs, row.open_handoff_id)
