"""SQL for what helpdesks told us. Append-only; the same call twice is stored once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from gateway.db.tables import status_changes
from gateway.db.work import insert_or
from gateway.ids import new_id
from packets.codec import from_json, to_json
from packets.draft import StatusChange


class StatusStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, helpdesk: str, change: StatusChange, handoff_id: str | None, received_at: datetime) -> bool:
        """Store one change. False: it was there already."""
        statement = (
            insert_or(self._db, status_changes)
            .values(
                id=new_id("sts"), helpdesk=helpdesk, change_id=change.change_id, ticket_id=change.ticket_id,
                handoff_id=handoff_id, kind=change.kind.value, change=to_json(change),
                occurred_at=change.occurred_at, received_at=received_at,
            )
            .on_conflict_do_nothing(index_elements=["helpdesk", "change_id"])
            .returning(status_changes.c.id)
        )  # fmt: skip
        return self._db.execute(statement).scalar_one_or_none() is not None

    def has_unmatched(self, helpdesk: str, ticket_id: str) -> bool:
        """Did anything come for this ticket before we knew that it is ours?"""
        statement = select(status_changes.c.id).where(
            status_changes.c.helpdesk == helpdesk,
            status_changes.c.ticket_id == ticket_id,
            status_changes.c.handoff_id.is_(None),
        )
        return self._db.execute(statement.limit(1)).scalar_one_or_none() is not None

    def match(self, helpdesk: str, ticket_id: str, handoff_id: str) -> list[tuple[StatusChange, datetime]]:
        """This ticket is that handoff's. returns: what had come for it before, and when."""
        rows = self._db.execute(
            update(status_changes)
            .where(
                status_changes.c.helpdesk == helpdesk,
                status_changes.c.ticket_id == ticket_id,
                status_changes.c.handoff_id.is_(None),
            )
            .values(handoff_id=handoff_id)
            .returning(status_changes.c.change, status_changes.c.received_at)
        )
        return [(from_json(StatusChange, row.change), row.received_at) for row in rows]
