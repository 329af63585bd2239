"""SQL for what only a person can put right (tickets that are too many), seen until somebody has mended it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from gateway.db.tables import problems
from gateway.db.work import insert_or
from gateway.ids import new_id
from packets.draft import TicketRef

DOUBLED = "doubled_ticket"


@dataclass(frozen=True, slots=True)
class Problem:
    """One ticket too many. detail: which ticket is the right one. marked_at: when it was said on the ticket itself."""

    id: str
    kind: str
    helpdesk: str
    handoff_id: str
    ticket: TicketRef
    detail: str
    found_at: datetime
    marked_at: datetime | None = None
    mended_at: datetime | None = None


class ProblemStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def doubled(self, helpdesk: str, handoff_id: str, extra: TicketRef, kept: TicketRef, now: datetime) -> str | None:
        """Raise it, once. None: it was raised before."""
        statement = (
            insert_or(self._db, problems)
            .values(
                id=new_id("prb"), kind=DOUBLED, helpdesk=helpdesk, handoff_id=handoff_id, ticket_id=extra.ticket_id,
                ticket_url=extra.url, detail=f"duplicate of {kept.number or kept.ticket_id}", found_at=now,
            )
            .on_conflict_do_nothing(index_elements=["kind", "helpdesk", "ticket_id"])
            .returning(problems.c.id)
        )  # fmt: skip
        return self._db.execute(statement).scalar_one_or_none()

    def get(self, problem_id: str) -> Problem | None:
        row = self._db.execute(select(problems).where(problems.c.id == problem_id)).one_or_none()
        return _read(row) if row else None

    def open_ones(self, most: int = 1000) -> list[Problem]:
        """Those nobody has mended, newest first."""
        statement = select(problems).where(problems.c.mended_at.is_(None)).order_by(problems.c.found_at.desc())
        return [_read(row) for row in self._db.execute(statement.limit(most))]

    def count_open(self) -> list[tuple[str, str, int]]:
        """(helpdesk, kind, how many)."""
        statement = (
            select(problems.c.helpdesk, problems.c.kind, func.count())
            .where(problems.c.mended_at.is_(None))
            .group_by(problems.c.helpdesk, problems.c.kind)
        )
        return [(row[0], row[1], row[2]) for row in self._db.execute(statement)]

    def marked(self, problem_id: str, now: datetime) -> None:
        self._db.execute(update(problems).where(problems.c.id == problem_id).values(marked_at=now))

    def mended(self, problem_id: str, now: datetime) -> bool:
        """False: there is no such open problem."""
        statement = (
            update(problems)
            .where(problems.c.id == problem_id, problems.c.mended_at.is_(None))
            .values(mended_at=now)
            .returning(problems.c.id)
        )
        return self._db.execute(statement).scalar_one_or_none() is not None


def _read(row: Row[Any]) -> Problem:
    ticket = TicketRef(row.ticket_id, row.ticket_url)
    return Problem(
        row.id, row.kind, row.helpdesk, row.handoff_id, ticket, row.detail or "", row.found_at, row.marked_at,
        row.mended_at,
    )  # fmt: skip
