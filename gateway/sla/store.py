"""SQL for clocks and what was recorded because of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from gateway.db.tables import clocks, handoffs, sla_effects, work
from gateway.db.work import insert_or
from gateway.ids import new_id
from gateway.jobs.queues import JOBS
from policies.sla.clock import State
from policies.sla.effects import Effect, Key, ToRecord

NOT_STARTED = "not_started"
TIMER = "sla_timer"  # the kind of work that looks at a clock when something about it is due; one row a clock
ENDED = frozenset({State.MET, State.MISSED, State.CANCELLED})
OPEN = frozenset(state.value for state in State if state not in ENDED)


@dataclass(frozen=True, slots=True)
class ClockRow:
    """
    One SLA target of one handoff as it was folded last. state: of its newest cycle, or `not_started`.

    due_at None: paused, or not started. terms_key: with its metric, the terms it started with (sla_terms).
    """

    id: str
    handoff_id: str
    metric: str
    terms_key: str
    tier: str
    state: str
    cycle: int = 0
    started_at: datetime | None = None
    target_seconds: int | None = None
    due_at: datetime | None = None
    next_at: datetime | None = None
    stopped_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        return self.state in OPEN

    @property
    def outcome(self) -> str | None:
        """met, missed or cancelled; None while nothing has ended it."""
        return self.state if self.state in ENDED else None


@dataclass(frozen=True, slots=True)
class RecordedEffect:
    """One thing that was recorded because of a clock, once."""

    key: Key
    at: datetime
    noticed_at: datetime
    cause: str
    ladder: str | None


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A work row whose time has come, and the handoff whose clocks it folds; None: the clock is not there any more."""

    work_id: str
    handoff_id: str | None


# Made once: a timer's statements are dearer to build than to run.
_FOLDED = ("tier", "state", "cycle", "started_at", "target_seconds", "due_at", "next_at", "stopped_at")
_KEEP = update(clocks).where(clocks.c.id == bindparam("row")).values({name: bindparam(name) for name in _FOLDED})
_OF_HANDOFF = select(clocks).where(clocks.c.handoff_id == bindparam("handoff"))
_EFFECTS = (
    select(sla_effects)
    .where(sla_effects.c.clock_id == bindparam("clock"))
    .order_by(sla_effects.c.at, sla_effects.c.noticed_at)
)
_RECORDS: dict[str, Any] = {}  # by dialect


def _record(connection: Connection) -> Any:
    name = connection.dialect.name
    if name not in _RECORDS:
        unique = ["clock_id", "effect", "cycle", "version", "name"]
        insert = insert_or(connection, sla_effects).on_conflict_do_nothing(index_elements=unique)
        _RECORDS[name] = insert.returning(sla_effects.c.id)
    return _RECORDS[name]


class ClockStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, handoff_id: str, metrics: Iterable[str], terms_key: str, tier: str) -> None:
        """A clock of each metric that has none."""
        rows = [
            {
                "id": new_id("clk"), "handoff_id": handoff_id, "metric": metric, "terms_key": terms_key, "tier": tier,
                "state": NOT_STARTED, "cycle": 0,
            }
            for metric in metrics
        ]  # fmt: skip
        statement = insert_or(self._db, clocks).on_conflict_do_nothing(index_elements=["handoff_id", "metric"])
        self._db.execute(statement, rows)

    def get(self, clock_id: str) -> ClockRow | None:
        row = self._db.execute(select(clocks).where(clocks.c.id == clock_id)).one_or_none()
        return _read(row) if row else None

    def of_handoff(self, handoff_id: str) -> list[ClockRow]:
        """Soonest due first, those without a due time last."""
        found = [_read(row) for row in self._db.execute(_OF_HANDOFF, {"handoff": handoff_id})]
        return sorted(found, key=lambda c: (c.due_at is None, c.due_at, c.metric) if c.due_at else (True, c.metric))

    def folded(self, clock: ClockRow) -> None:
        """Keep what folding gave."""
        self._db.execute(_KEEP, {name: getattr(clock, name) for name in _FOLDED} | {"row": clock.id})

    def record(self, clock_id: str, effect: ToRecord, now: datetime) -> bool:
        """Record an effect, once. False: it was recorded before."""
        key = effect.key
        done = self._db.execute(_record(self._db), {
            "id": new_id("eff"), "clock_id": clock_id, "effect": key.effect.value, "cycle": key.cycle,
            "version": key.version, "name": key.name, "at": effect.at, "noticed_at": now, "cause": effect.cause,
            "ladder": effect.ladder,
        })  # fmt: skip
        return done.scalar_one_or_none() is not None

    def effects_of(self, clock_id: str) -> list[RecordedEffect]:
        """In the order they happened."""
        rows = self._db.execute(_EFFECTS, {"clock": clock_id})
        return [
            RecordedEffect(Key(Effect(r.effect), r.cycle, r.version, r.name), r.at, r.noticed_at, r.cause, r.ladder)
            for r in rows
        ]

    def due_timers(self, now: datetime, most: int) -> list[DueTimer]:
        """Timers whose time has come and that nobody holds, oldest first."""
        statement = (
            select(work.c.id, clocks.c.handoff_id)
            .join_from(work, clocks, clocks.c.id == work.c.subject_id, isouter=True)
            .where(
                work.c.queue == JOBS[TIMER].queue,  # for the index
                work.c.kind == TIMER,
                work.c.done_at.is_(None),
                work.c.due_at <= now,
                or_(work.c.claimed_until.is_(None), work.c.claimed_until < now),
            )
            .order_by(work.c.due_at)
            .limit(most)
        )
        return [DueTimer(row.id, row.handoff_id) for row in self._db.execute(statement)]

    def running_after(self, handoff_id: str, most: int) -> list[str]:
        """Ids of handoffs that have a clock that runs, in order, from the one after `handoff_id` on."""
        statement = select(clocks.c.handoff_id).distinct().where(clocks.c.state.in_(OPEN))
        statement = statement.where(clocks.c.handoff_id > handoff_id).order_by(clocks.c.handoff_id).limit(most)
        return list(self._db.execute(statement).scalars())

    def since(self, promised_after: datetime) -> Iterable[str]:
        """Ids of the handoffs that have a clock that runs, or were promised since then."""
        running = select(clocks.c.handoff_id).where(clocks.c.state.in_(OPEN))
        recent = select(handoffs.c.id).where(handoffs.c.promised_at >= promised_after)
        return self._db.execute(running.union(recent)).scalars().all()


def _read(row: Row[Any]) -> ClockRow:
    return ClockRow(
        row.id, row.handoff_id, row.metric, row.terms_key, row.tier, row.state, row.cycle, row.started_at,
        row.target_seconds, row.due_at, row.next_at, row.stopped_at,
    )  # fmt: skip
