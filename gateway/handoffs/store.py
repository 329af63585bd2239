"""SQL for handoffs and their packets."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update

from gateway.db.tables import deliveries, handoffs, packets
from packets.draft import TicketStatus
from packets.handoff import Packet
from packets.schemas.packet import canonical_json, content_hash, load_packet


class HandoffStatus(StrEnum):
    WAITING = "waiting"  # for a person
    CLAIMED = "claimed"
    ANSWERED = "answered"
    SOLVED = "solved"


class WaitEnd(StrEnum):
    """Why a warm handoff waits no more for somebody's accept."""

    ACCEPTED = "accepted"
    NOBODY = "nobody"  # accepted in time
    IMPOSSIBLE = "impossible"  # it never waited: its vendor could not be told later to put the customer through


@dataclass(frozen=True, slots=True)
class Handoff:
    """One conversation going to people."""

    id: str
    conversation_id: str
    number: int
    event_id: str
    source: str
    helpdesk: str
    status: HandoffStatus
    mode: str
    route: str
    tier: str
    because: tuple[str, ...]
    policy_revision: str
    promised_at: datetime
    respond_by: datetime
    sla_assigned_at: datetime | None = None
    closed_at: datetime | None = None
    follows: str | None = None  # the handoff before, if it was solved not long ago
    ticket_status: str | None = None  # packets.draft.TicketStatus, as last heard
    assignee: str | None = None
    rating: str | None = None
    our_priorities: str | None = None
    priority_by_person_at: datetime | None = None
    told_up_to: int = 0  # position in the conversation's log up to which the ticket knows it
    telling_up_to: int | None = None  # the same of a note that is on its way
    accepted_by: str | None = None  # who took it in a chat
    accepted_at: datetime | None = None
    announcement: str | None = None  # one line for whoever takes it; redacted, as the packet is
    accept_by: datetime | None = None  # until then the bot keeps the customer and waits for somebody's accept
    wait_ended: WaitEnd | None = None
    wait_ended_at: datetime | None = None

    @property
    def priority_is_ours(self) -> bool:
        return self.priority_by_person_at is None

    @property
    def awaits_accept(self) -> bool:
        """The bot keeps the customer, and nobody is to be put through yet."""
        waits = self.accept_by is not None and self.wait_ended is None
        return waits and self.status is HandoffStatus.WAITING


@dataclass(frozen=True, slots=True)
class HandoffView:
    """A handoff with where its ticket stands, for lists and the API."""

    handoff: Handoff
    delivery_state: str
    ticket_id: str | None
    ticket_number: str | None
    ticket_url: str | None
    tries: int
    last_error: str | None


_OF_OTHERS = (TicketStatus.WAITING_ON_CUSTOMER.value, TicketStatus.WAITING_ON_THIRD_PARTY.value)
_TOLD_AT = {"ticket_status": "ticket_status_at", "assignee": "assigned_at", "rating": "rated_at"}
_VIEW = select(
    handoffs, deliveries.c.state, deliveries.c.ticket_id, deliveries.c.ticket_number, deliveries.c.ticket_url,
    deliveries.c.tries, deliveries.c.last_error,
).join(deliveries, deliveries.c.handoff_id == handoffs.c.id)  # fmt: skip


_LOCK = select(handoffs).where(handoffs.c.id == bindparam("handoff")).with_for_update()


class HandoffStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, handoff: Handoff) -> None:
        values = {name: getattr(handoff, name) for name in Handoff.__slots__}
        ended = handoff.wait_ended.value if handoff.wait_ended else None
        values |= {"status": handoff.status.value, "because": ",".join(handoff.because), "wait_ended": ended}
        self._db.execute(insert(handoffs), values)

    def add_packet(self, packet: Packet) -> None:
        self._db.execute(
            insert(packets),
            {
                "id": packet.packet_id,
                "handoff_id": packet.handoff_id,
                "created_at": packet.created_at,
                "packet": canonical_json(packet).decode(),
                "content_hash": content_hash(packet),
            },
        )

    def get(self, handoff_id: str) -> Handoff | None:
        row = self._db.execute(select(handoffs).where(handoffs.c.id == handoff_id)).one_or_none()
        return _read(row) if row else None

    def lock(self, handoff_id: str) -> Handoff | None:
        row = self._db.execute(_LOCK, {"handoff": handoff_id}).one_or_none()
        return _read(row) if row else None

    def packet_of(self, handoff_id: str) -> Packet | None:
        text = self._db.execute(select(packets.c.packet).where(packets.c.handoff_id == handoff_id)).scalar_one_or_none()
        return load_packet(json.loads(text)) if text else None

    def set_status(self, handoff_id: str, status: HandoffStatus, closed_at: datetime | None = None) -> None:
        values: dict[str, Any] = {"status": status.value, "closed_at": closed_at}
        self._db.execute(update(handoffs).where(handoffs.c.id == handoff_id).values(values))

    def end_wait(self, handoff_id: str, how: WaitEnd, now: datetime, **values: Any) -> bool:
        """
        A warm handoff waits no more. False: it did not wait, or somebody else has ended that, and nothing was changed.

        values: further columns that change with it.
        """
        waits = (handoffs.c.accept_by.is_not(None), handoffs.c.wait_ended.is_(None))
        statement = update(handoffs).where(handoffs.c.id == handoff_id, *waits)
        changed = statement.values(wait_ended=how.value, wait_ended_at=now, **values).returning(handoffs.c.id)
        return self._db.execute(changed).scalar_one_or_none() is not None

    def sla_assigned(self, handoff_id: str, tier: str, now: datetime) -> None:
        """`tier` stands on the ticket; one that was raised meanwhile does not yet."""
        is_it = (handoffs.c.id == handoff_id) & (handoffs.c.tier == tier)
        self._db.execute(update(handoffs).where(is_it).values(sla_assigned_at=now))

    def change(self, handoff_id: str, **values: Any) -> None:
        """Set columns of one handoff, by their names in gateway.db.tables."""
        self._db.execute(update(handoffs).where(handoffs.c.id == handoff_id).values(values))

    def heard(self, handoff_id: str, what: str, value: str | None, at: datetime) -> bool:
        """
        Keep what people did on the ticket. False: something newer is known already, and nothing was changed.

        what: ticket_status, assignee or rating.
        """
        told_at = handoffs.c[_TOLD_AT[what]]
        statement = (
            update(handoffs)
            .where(handoffs.c.id == handoff_id, or_(told_at.is_(None), told_at <= at))
            .values({what: value, told_at.name: at})
            .returning(handoffs.c.id)
        )
        return self._db.execute(statement).scalar_one_or_none() is not None

    def heard_nothing_before(self, handoff_id: str, at: datetime) -> None:
        """What people did before `at` is not about this handoff, though its ticket is older."""
        self.change(handoff_id, **dict.fromkeys(_TOLD_AT.values(), at))

    def was_seen(self, handoff_id: str, changed_at: datetime) -> bool:
        """Whether the poll has looked at its ticket as of `changed_at` or later."""
        seen_at = self._db.execute(select(handoffs.c.ticket_seen_at).where(handoffs.c.id == handoff_id)).scalar_one()
        return seen_at is not None and seen_at >= changed_at

    def busy(self, routes: Collection[str]) -> Mapping[str | None, int]:
        """
        How many open handoffs of these routes wait for people, by who took them in a chat; None: nobody did. Those
        whose ticket waits for somebody else are not counted.
        """
        waiting = or_(handoffs.c.ticket_status.is_(None), handoffs.c.ticket_status.not_in(_OF_OTHERS))
        statement = (
            select(handoffs.c.accepted_by, func.count())
            .where(handoffs.c.route.in_(list(routes)), handoffs.c.closed_at.is_(None), waiting)
            .group_by(handoffs.c.accepted_by)
        )
        return {row[0]: row[1] for row in self._db.execute(statement)}

    def last_of(self, conversation_id: str) -> Handoff | None:
        """The conversation's newest handoff."""
        statement = select(handoffs).where(handoffs.c.conversation_id == conversation_id)
        row = self._db.execute(statement.order_by(handoffs.c.number.desc()).limit(1)).one_or_none()
        return _read(row) if row else None

    def view(self, handoff_id: str) -> HandoffView | None:
        row = self._db.execute(_VIEW.where(handoffs.c.id == handoff_id)).one_or_none()
        return _read_view(row) if row else None

    def page(
        self,
        most: int,
        before: tuple[datetime, str] | None = None,
        *,
        state: str | None = None,
        conversation_id: str | None = None,
    ) -> list[HandoffView]:
        """Newest first; `before` is (promised_at, id) of the last one of the page before."""
        statement = _VIEW.order_by(handoffs.c.promised_at.desc(), handoffs.c.id.desc()).limit(most)
        if before:
            at, last_id = before
            statement = statement.where(
                or_(handoffs.c.promised_at < at, and_(handoffs.c.promised_at == at, handoffs.c.id < last_id))
            )
        if state:
            statement = statement.where(deliveries.c.state == state)
        if conversation_id:
            statement = statement.where(handoffs.c.conversation_id == conversation_id)
        return [_read_view(row) for row in self._db.execute(statement)]


def _read(row: Row[Any]) -> Handoff:
    return Handoff(
        row.id, row.conversation_id, row.number, row.event_id, row.source, row.helpdesk, HandoffStatus(row.status),
        row.mode, row.route, row.tier, tuple(filter(None, row.because.split(","))), row.policy_revision,
        row.promised_at, row.respond_by, row.sla_assigned_at, row.closed_at, row.follows, row.ticket_status,
        row.assignee, row.rating, row.our_priorities, row.priority_by_person_at, row.told_up_to, row.telling_up_to,
        row.accepted_by, row.accepted_at, row.announcement, row.accept_by,
        WaitEnd(row.wait_ended) if row.wait_ended else None, row.wait_ended_at,
    )  # fmt: skip


def _read_view(row: Row[Any]) -> HandoffView:
    return HandoffView(
        _read(row), row.state, row.ticket_id, row.ticket_number, row.ticket_url, row.tries, row.last_error
    )


def as_json(view: HandoffView) -> Mapping[str, Any]:
    """A handoff as the API and `--json` show it. Ids, names and times; the packet is a call of its own."""
    handoff = view.handoff
    return {
        "id": handoff.id,
        "conversation_id": handoff.conversation_id,
        "number": handoff.number,
        "source": handoff.source,
        "helpdesk": handoff.helpdesk,
        "status": handoff.status.value,
        "mode": handoff.mode,
        "route": handoff.route,
        "tier": handoff.tier,
        "rules": list(handoff.because),
        "policy_revision": handoff.policy_revision,
        "promised_at": handoff.promised_at.isoformat(),
        "respond_by": handoff.respond_by.isoformat(),
        "sla_assigned_at": handoff.sla_assigned_at.isoformat() if handoff.sla_assigned_at else None,
        "closed_at": handoff.closed_at.isoformat() if handoff.closed_at else None,
        "follows": handoff.follows,
        "ticket_status": handoff.ticket_status,
        "assignee": handoff.assignee,
        "accepted_by": handoff.accepted_by,
        "accepted_at": handoff.accepted_at.isoformat() if handoff.accepted_at else None,
        "announcement": handoff.announcement,
        "wait": {
            "accept_by": handoff.accept_by.isoformat() if handoff.accept_by else None,
            "ended": handoff.wait_ended.value if handoff.wait_ended else None,
            "ended_at": handoff.wait_ended_at.isoformat() if handoff.wait_ended_at else None,
        }
        if handoff.accept_by or handoff.wait_ended
        else None,
        "rating": handoff.rating,
        "priority_set_by": "us" if handoff.priority_is_ours else "person",
        "delivery": {"state": view.delivery_state, "tries": view.tries, "last_error": view.last_error},
        "ticket": {"id": view.ticket_id, "number": view.ticket_number, "url": view.ticket_url}
        if view.ticket_id
        else None,
    }
