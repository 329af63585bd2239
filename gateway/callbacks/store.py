"""SQL for appointments. Each version is a row; one handoff has at most one that is booked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gateway.db.tables import appointments, callback_teams
from gateway.db.work import insert_or


class Standing(StrEnum):
    BOOKED = "booked"
    REPLACED = "replaced"  # by a later version
    KEPT = "kept"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Appointment:
    """One version of the call that one customer was promised. zone: the customer's, as far as anybody has said."""

    id: str
    handoff_id: str
    sequence: int
    team: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    state: Standing
    booked_at: datetime
    confirmed_at: datetime | None = None
    reminded_at: datetime | None = None
    settled_at: datetime | None = None


class AppointmentStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def hold_book(self, team: str, now: datetime) -> None:
        """
        Until the transaction ends nobody else books a call of this team: what is free when it is looked at is free when
        it is booked. One team a transaction, after the conversation: in that order nobody waits for ever.
        """
        statement = insert_or(self._db, callback_teams).values(team=team, booking_at=now)
        again = {"booking_at": statement.excluded.booking_at}
        self._db.execute(statement.on_conflict_do_update(index_elements=["team"], set_=again))

    def booked_starts(self, team: str, since: datetime, until: datetime, *, but: str | None = None) -> list[datetime]:
        """When the team's booked calls between these times begin. but: the id of one that is about to be replaced."""
        statement = select(appointments.c.starts_at).where(
            appointments.c.team == team,
            appointments.c.starts_at > since,
            appointments.c.starts_at < until,
            appointments.c.state == Standing.BOOKED.value,
            appointments.c.id != (but or ""),
        )
        return list(self._db.execute(statement).scalars())

    def add(self, appointment: Appointment) -> None:
        values = {field.name: getattr(appointment, field.name) for field in fields(Appointment)}
        self._db.execute(insert(appointments), values | {"state": appointment.state.value})

    def get(self, appointment_id: str) -> Appointment | None:
        row = self._db.execute(select(appointments).where(appointments.c.id == appointment_id)).one_or_none()
        return _read(row) if row else None

    def last(self, handoff_id: str) -> Appointment | None:
        """The newest version, whatever has become of it."""
        found = self.of_handoff(handoff_id)
        return found[-1] if found else None

    def of_handoff(self, handoff_id: str) -> list[Appointment]:
        """Oldest version first."""
        statement = select(appointments).where(appointments.c.handoff_id == handoff_id)
        return [_read(row) for row in self._db.execute(statement.order_by(appointments.c.sequence))]

    def change(self, appointment_id: str, **values: Any) -> None:
        """Set columns of one version, by their names in gateway.db.tables."""
        self._db.execute(update(appointments).where(appointments.c.id == appointment_id).values(values))

    def page(self, states: Collection[Standing], most: int, since: datetime | None = None) -> list[Appointment]:
        """Soonest first. since: only those that end after it."""
        statement = select(appointments).where(appointments.c.state.in_([state.value for state in states]))
        if since is not None:
            statement = statement.where(appointments.c.ends_at >= since)
        return [_read(row) for row in self._db.execute(statement.order_by(appointments.c.starts_at).limit(most))]


def _read(row: Row[Any]) -> Appointment:
    return Appointment(
        row.id, row.handoff_id, row.sequence, row.team, row.starts_at, row.ends_at, row.zone, Standing(row.state),
        row.booked_at, row.confirmed_at, row.reminded_at, row.settled_at,
    )  # fmt: skip


def as_json(appointment: Appointment) -> dict[str, Any]:
    """As the API and `--json` show it."""
    settled = appointment.settled_at
    return {
        "id": appointment.id,
        "handoff_id": appointment.handoff_id,
        "team": appointment.team,
        "starts_at": appointment.starts_at.isoformat(),
        "ends_at": appointment.ends_at.isoformat(),
        "zone": appointment.zone,
        "sequence": appointment.sequence,
        "state": appointment.state.value,
        "booked_at": appointment.booked_at.isoformat(),
        "confirmed": appointment.confirmed_at is not None,
        "settled_at": settled.isoformat() if settled else None,
        "late": appointment.state is Standing.KEPT and settled is not None and settled > appointment.ends_at,
    }
