"""SQL for clocks and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from gateway.db.tables import clock_facts, clocks
from gateway.db.work import insert_or
from gateway.ids import new_id
from policies.sla.plan import ClockPlan


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One SLA target of one handoff. outcome None: it runs."""

    id: str
    handoff_id: str
    metric: str
    tier: str
    started_at: datetime
    target_seconds: int
    due_at: datetime
    stopped_at: datetime | None = None
    outcome: str | None = None

    @property
    def is_running(self) -> bool:
        return self.outcome is None


class ClockStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def start(self, handoff_id: str, tier: str, started_at: datetime, plan: ClockPlan) -> ClockRow:
        """Start one clock; a second call finds the first one's."""
        self._db.execute(
            insert_or(self._db, clocks)
            .values(
                id=new_id("clk"), handoff_id=handoff_id, metric=plan.metric, tier=tier, started_at=started_at,
                target_seconds=plan.target_seconds, due_at=plan.due_at,
            )
            .on_conflict_do_nothing(index_elements=["handoff_id", "metric"])
        )  # fmt: skip
        statement = select(clocks).where(clocks.c.handoff_id == handoff_id, clocks.c.metric == plan.metric)
        return _read(self._db.execute(statement).one())

    def get(self, clock_id: str) -> ClockRow | None:
        row = self._db.execute(select(clocks).where(clocks.c.id == clock_id).with_for_update()).one_or_none()
        return _read(row) if row else None

    def of_handoff(self, handoff_id: str) -> list[ClockRow]:
        statement = select(clocks).where(clocks.c.handoff_id == handoff_id).order_by(clocks.c.due_at, clocks.c.metric)
        return [_read(row) for row in self._db.execute(statement)]

    def stop(self, clock: ClockRow, at: datetime, outcome: str) -> None:
        """Stop a clock. An earlier stop that is learned of later wins: it is when it really happened."""
        self._db.execute(
            update(clocks)
            .where(clocks.c.id == clock.id, (clocks.c.stopped_at.is_(None)) | (clocks.c.stopped_at > at))
            .values(stopped_at=at, outcome=outcome)
        )

    def tighten(self, clock: ClockRow, tier: str, due_at: datetime) -> None:
        """A running clock gets a sooner due time. One that has stopped meanwhile stays as it is."""
        seconds = int((due_at - clock.started_at).total_seconds())
        self._db.execute(
            update(clocks)
            .where(clocks.c.id == clock.id, clocks.c.outcome.is_(None), clocks.c.due_at > due_at)
            .values(tier=tier, target_seconds=seconds, due_at=due_at)
        )

    def add_fact(self, clock: ClockRow, kind: str, threshold: str, due_at: datetime, noticed_at: datetime) -> bool:
        """Record a warning or a breach, once. False: it was recorded before."""
        done = self._db.execute(
            insert_or(self._db, clock_facts)
            .values(
                id=new_id("fct"), clock_id=clock.id, kind=kind, threshold=threshold, due_at=due_at,
                noticed_at=noticed_at,
            )
            .on_conflict_do_nothing(index_elements=["clock_id", "kind", "threshold"])
            .returning(clock_facts.c.id)
        )  # fmt: skip
        return done.scalar_one_or_none() is not None

    def facts_of(self, clock_id: str) -> list[tuple[str, str, datetime, datetime]]:
        """(kind, threshold, due_at, noticed_at), in order."""
        statement = select(clock_facts).where(clock_facts.c.clock_id == clock_id).order_by(clock_facts.c.due_at)
        return [(r.kind, r.threshold, r.due_at, r.noticed_at) for r in self._db.execute(statement)]


def _read(row: Row[Any]) -> ClockRow:
    return ClockRow(
        row.id, row.handoff_id, row.metric, row.tier, row.started_at, row.target_seconds, row.due_at, row.stopped_at,
        row.outcome,
    )  # fmt: skip
