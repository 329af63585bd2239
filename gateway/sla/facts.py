"""
The facts that move clocks: SQL for them, and what each piece of news amounts to. Append-only; told again, a fact is
the same fact.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from gateway.db.rows import WaitingRows
from gateway.db.tables import sla_facts
from gateway.db.work import insert_or
from gateway.handoffs.store import Handoff
from gateway.ids import new_id
from packets.draft import ChangeKind, StatusChange, TicketState, TicketStatus
from packets.event import Event, EventKind, Role, Visibility
from policies.sla.facts import DONE, Fact, Kind

OURS = "baton"
_SAID = ("status", "reason", "terms", "mode")


@dataclass(frozen=True, slots=True)
class StoredFact:
    """metric: the only clock that sees it; None: all of the handoff's."""

    fact: Fact
    metric: str | None = None


class FactStore:
    def __init__(self, connection: Connection, rows: WaitingRows) -> None:
        self._db = connection
        self._rows = rows

    def add(self, handoff_id: str, fact: Fact, metric: str | None = None) -> bool:
        """False: it was told before."""
        statement = _insert(self._db).returning(sla_facts.c.id)
        return self._db.execute(statement, _row(handoff_id, fact, metric)).scalar_one_or_none() is not None

    def add_later(self, handoff_id: str, fact: Fact) -> None:
        """The same, written with the transaction's other rows: for facts nobody reads in this transaction."""
        self._rows.add(_insert(self._db), _row(handoff_id, fact, None))

    def of_handoff(self, handoff_id: str) -> list[StoredFact]:
        rows = self._db.execute(_OF_HANDOFF, {"handoff": handoff_id})
        return [StoredFact(_read(row), row.metric) for row in rows]


_OF_HANDOFF = select(sla_facts).where(sla_facts.c.handoff_id == bindparam("handoff"))
_INSERTS: dict[str, Any] = {}  # one statement a dialect: rows of one statement are written together


def _insert(connection: Connection) -> Any:
    name = connection.dialect.name
    if name not in _INSERTS:
        unique = ["handoff_id", "source", "external_id"]
        _INSERTS[name] = insert_or(connection, sla_facts).on_conflict_do_nothing(index_elements=unique)
    return _INSERTS[name]


def _row(handoff_id: str, fact: Fact, metric: str | None) -> dict[str, Any]:
    said = {name: value for name in _SAID if (value := getattr(fact, name)) is not None}
    if fact.at is not None:
        said["at"] = fact.at.isoformat()
    return {
        "id": new_id("fct"), "handoff_id": handoff_id, "source": fact.source, "external_id": fact.external_id[:255],
        "kind": fact.kind.value, "occurred_at": fact.occurred_at, "received_at": fact.received_at, "seq": fact.seq,
        "metric": metric, "said": json.dumps(said),
    }  # fmt: skip


def _read(row: Row[Any]) -> Fact:
    said = json.loads(row.said)
    at = said.pop("at", None)
    return Fact(
        row.source, row.external_id, Kind(row.kind), row.occurred_at, row.received_at, row.seq,
        at=datetime.fromisoformat(at) if at else None, **said,
    )  # fmt: skip


def one_status_a_second(facts: Iterable[StoredFact]) -> list[StoredFact]:
    """
    Clocks count whole seconds, and a ticket opened and solved within one would read as solved and opened again: of
    the statuses that one source tells for one second, the last counts.
    """
    kept: dict[object, StoredFact] = {}
    for stored in sorted(facts, key=_told_order):
        fact = stored.fact
        at = fact.occurred_at or fact.received_at
        is_status = fact.kind is Kind.STATUS
        name = (fact.source, at.replace(microsecond=0)) if is_status else (fact.source, fact.external_id, "")
        kept[name] = stored
    return list(kept.values())


def _told_order(stored: StoredFact) -> tuple[datetime, datetime, bool]:
    fact = stored.fact
    return fact.occurred_at or fact.received_at, fact.received_at, fact.status in DONE


def promised(handoff_id: str, at: datetime) -> Fact:
    return Fact(OURS, f"{handoff_id}:promised", Kind.HANDOFF_PROMISED, at, at)


def created(packet_id: str, at: datetime, status: TicketStatus, now: datetime) -> Fact:
    """The ticket is there since `at`; what becomes of its status is told by its helpdesk."""
    return Fact(OURS, f"{packet_id}:created", Kind.CREATED, at, now, status=status.value)


def fact_of_change(helpdesk: str, change: StatusChange, now: datetime) -> Fact | None:
    """What a helpdesk told; None: nothing a clock looks at. A person's priority is weighed first (tiering.py)."""
    at, name = change.occurred_at, change.change_id
    match change.kind:
        case ChangeKind.HUMAN_REPLIED:
            return Fact(helpdesk, name, Kind.HUMAN_MESSAGE, at, now)
        case ChangeKind.ASSIGNED if change.assignee:
            return Fact(helpdesk, name, Kind.ASSIGNED, at, now)
        case ChangeKind.STATUS_CHANGED if change.status is not None:
            return Fact(helpdesk, name, Kind.STATUS, at, now, status=change.status.value)
    return None


def facts_of_state(handoff: Handoff, state: TicketState, known: Iterable[Fact], now: datetime) -> Iterator[Fact]:
    """
    What a ticket as it was read tells beyond what is known. A status that has not changed is no news: the customer may
    have answered since, and people do not wait for them any more.
    """
    at, helpdesk = state.updated_at or now, handoff.helpdesk
    replied = state.first_human_reply_at
    first = min((f.occurred_at for f in known if f.kind is Kind.HUMAN_MESSAGE and f.occurred_at), default=None)
    if replied is not None and (first is None or replied < first):
        yield Fact(helpdesk, f"read:replied:{replied.isoformat()}", Kind.HUMAN_MESSAGE, replied, now)
    if state.assignee and state.assignee != handoff.assignee:
        yield Fact(helpdesk, f"read:assigned:{at.isoformat()}", Kind.ASSIGNED, at, now)
    if state.status.value != handoff.ticket_status:
        since = state.solved_at if state.solved_at is not None and state.status in DONE else at
        name = f"read:{state.status.value}:{since.isoformat()}"
        yield Fact(helpdesk, name, Kind.STATUS, since, now, status=state.status.value)


def facts_of_event(event: Event, now: datetime) -> Iterator[Fact]:
    """What was said in a conversation that people have: by its customer, by a person, by a bot."""
    for seq, turn in enumerate(event.turns):
        at, name = turn.occurred_at or event.occurred_at, f"{event.event_id}:{seq}"
        kind = Kind.INTERNAL_NOTE if turn.visibility is Visibility.INTERNAL else _SAID_BY.get(turn.role)
        if kind is not None:
            yield Fact(event.source, turn.message_id or name, kind, at, now, seq)
    if (kind := _TOLD_BY.get(event.kind)) is not None:
        yield Fact(event.source, event.event_id, kind, event.occurred_at, now)


_SAID_BY = {Role.CUSTOMER: Kind.CUSTOMER_MESSAGE, Role.AGENT: Kind.HUMAN_MESSAGE, Role.BOT: Kind.BOT_MESSAGE}
_TOLD_BY = {EventKind.AGENT_ASSIGNED: Kind.ASSIGNED, EventKind.CALL_TRANSFERRED: Kind.CALL_CONNECTED}
