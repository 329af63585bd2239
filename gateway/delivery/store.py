"""SQL for deliveries. Every write after a claim goes through the claim's fence (WorkStore.hold) first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, not_, select, update

from gateway.db.tables import attempts, deliveries
from gateway.ids import new_id
from packets.codec import from_json, to_json
from packets.draft import TicketDraft, TicketRef


class DeliveryState(StrEnum):
    PENDING = "pending"  # no ticket yet, as far as we know (see `unsure`)
    OPENED = "opened"  # the ticket exists; note or attachment may be missing
    DONE = "done"
    DEAD = "dead"  # needs a person; everything to replay it is kept


YET_TO_OPEN = (DeliveryState.PENDING, DeliveryState.DEAD)  # a delivery that reopens has not done it yet


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    handoff_id: str
    helpdesk: str
    state: DeliveryState
    unsure: bool
    generation: int
    draft: TicketDraft
    body: bytes | None
    tries: int
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    ticket: TicketRef | None
    created_at: datetime  # no ticket of ours is older than this
    last_error: str | None = None
    revived_at: datetime | None = None
    reopens: bool = False  # `ticket` is an earlier handoff's, solved: it is opened again and this packet put on it

    @property
    def key(self) -> str:
        """What the helpdesk knows this delivery by: stands on the ticket, never changes."""
        return self.id

    @property
    def reached(self) -> TicketRef | None:
        """The ticket this packet is on. An earlier handoff's that is yet to be opened again is not that."""
        return None if self.reopens and self.state in YET_TO_OPEN else self.ticket

    @property
    def idempotency_key(self) -> str:
        """The same for every send within one key's life; a new generation only after a look-up found nothing."""
        return self.id if self.generation == 1 else f"{self.id}-{self.generation}"


class DeliveryStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(
        self,
        delivery_id: str,
        handoff_id: str,
        helpdesk: str,
        draft: TicketDraft,
        now: datetime,
        reopens: TicketRef | None = None,
    ) -> None:
        """reopens: the ticket of an earlier handoff that is to be used again."""
        self._db.execute(
            insert(deliveries),
            {
                "id": delivery_id, "handoff_id": handoff_id, "helpdesk": helpdesk, "state": DeliveryState.PENDING.value,
                "unsure": False, "generation": 1, "draft": to_json(draft), "tries": 0, "created_at": now,
                "updated_at": now, "reopens": reopens is not None, **_columns(reopens),
            },
        )  # fmt: skip

    def get(self, delivery_id: str) -> Delivery | None:
        row = self._db.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
        return _read(row) if row else None

    def of_handoff(self, handoff_id: str) -> Delivery | None:
        row = self._db.execute(select(deliveries).where(deliveries.c.handoff_id == handoff_id)).one_or_none()
        return _read(row) if row else None

    def by_ticket(self, helpdesk: str, ticket_id: str) -> Delivery | None:
        """The newest delivery on this ticket: one that was opened again belongs to the handoff that did it."""
        row = self._db.execute(
            select(deliveries)
            .where(
                deliveries.c.helpdesk == helpdesk,
                deliveries.c.ticket_id == ticket_id,
                not_(and_(deliveries.c.reopens, deliveries.c.state.in_([state.value for state in YET_TO_OPEN]))),
            )
            .order_by(deliveries.c.created_at.desc())
        ).first()
        return _read(row) if row else None

    def change(self, delivery_id: str, now: datetime, **values: Any) -> None:
        """Set columns of one delivery, by their names in gateway.db.tables."""
        self._db.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(updated_at=now, **values))

    def opened(self, delivery_id: str, ticket: TicketRef, now: datetime) -> None:
        self.change(
            delivery_id, now, state=DeliveryState.OPENED.value, unsure=False, last_error=None, **_columns(ticket)
        )

    def on_its_own(self, delivery_id: str, now: datetime) -> None:
        """The earlier ticket cannot be used again: this delivery opens one itself."""
        self.change(delivery_id, now, reopens=False, **_columns(None))

    def add_attempt(
        self, delivery_id: str, at: datetime, step: str, outcome: str, detail: str | None, took_ms: int
    ) -> None:
        """`detail` is an error's own words: they hold no secret and no customer text (connectors/errors.py)."""
        values = {"delivery_id": delivery_id, "at": at, "step": step, "outcome": outcome, "took_ms": took_ms}
        self._db.execute(insert(attempts), values | {"id": new_id("att"), "detail": detail[:500] if detail else None})

    def attempts_of(self, delivery_id: str) -> list[tuple[datetime, str, str, str | None, int]]:
        """(at, step, outcome, detail, took_ms), oldest first."""
        statement = select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.at)
        return [(r.at, r.step, r.outcome, r.detail, r.took_ms) for r in self._db.execute(statement)]


def _columns(ticket: TicketRef | None) -> dict[str, str | None]:
    if ticket is None:
        return {"ticket_id": None, "ticket_number": None, "ticket_url": None}
    return {"ticket_id": ticket.ticket_id, "ticket_number": ticket.number, "ticket_url": ticket.url}


def _read(row: Row[Any]) -> Delivery:
    ticket = TicketRef(row.ticket_id, row.ticket_url or "", row.ticket_number) if row.ticket_id else None
    return Delivery(
        row.id, row.handoff_id, row.helpdesk, DeliveryState(row.state), row.unsure, row.generation,
        from_json(TicketDraft, row.draft), row.body, row.tries, row.first_sent_at, row.last_sent_at, ticket,
        row.created_at, row.last_error, row.revived_at, row.reopens,
    )  # fmt: skip
