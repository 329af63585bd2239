"""
Work rows: every to-do of the gateway, due now or in a month. The row is the promise; RQ only rings the bell.

A row is written in the transaction that causes it, claimed with a lease and a fence by whoever does it, and stays
until it is done, so that running a job twice, late, or after a crash is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, null, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway.db.rows import WaitingRows
from gateway.db.tables import work
from gateway.ids import new_id


@dataclass(frozen=True, slots=True)
class Work:
    """
    One to-do: `kind` names the job (jobs/queues.py), `subject_id` what it is about, `lane` the helpdesk it talks to.
    """

    kind: str
    subject_id: str
    due_at: datetime
    slot: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """
    The right to work on one row until `until`; void for writing once another claim has raised the fence. tries: 1 the
    first time, one more after each try that failed.
    """

    work_id: str
    kind: str
    subject_id: str
    slot: str
    due_at: datetime
    fence: int
    tries: int
    until: datetime


class LostClaim(Exception):
    """Another worker has taken the row over; whatever this one was about to write must not be written."""


def insert_or(connection: Connection, table: Any) -> Any:
    """`INSERT` that knows ON CONFLICT, in the dialect of the connection."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)


def _or_open_again(insert: Any, where: ColumnElement[bool] | None = None) -> Any:
    new = insert.excluded
    again = {"due_at": new.due_at, "done_at": None, "rung_at": None, "lane": new.lane,
             "tries": case((work.c.done_at.is_(None), work.c.tries), else_=0)}  # fmt: skip
    return insert.on_conflict_do_update(index_elements=["kind", "subject_id", "slot"], set_=again, where=where)


_LATER: dict[str, Any] = {}  # one statement a dialect: rows of one statement are written together


def _later(connection: Connection) -> Any:
    name = connection.dialect.name
    if name not in _LATER:
        _LATER[name] = _or_open_again(insert_or(connection, work))
    return _LATER[name]


def _new_row(item: Work, queue: str) -> dict[str, Any]:
    return {
        "id": new_id("wrk"), "kind": item.kind, "subject_id": item.subject_id, "slot": item.slot, "queue": queue,
        "lane": item.lane, "due_at": item.due_at, "fence": 0, "tries": 0,
    }  # fmt: skip


# Made once: what every job asks for is dearer to build than to run.
_MINE = work.c.id == bindparam("row")
_NOW = bindparam("now", type_=work.c.due_at.type)
_HOLDER_DIED = work.c.claimed_until.is_not(None)
_CLAIM = (
    update(work)
    .where(
        _MINE,
        work.c.done_at.is_(None),
        work.c.due_at <= _NOW,
        or_(work.c.claimed_until.is_(None), work.c.claimed_until < _NOW),
    )
    .values(
        fence=work.c.fence + 1,
        tries=work.c.tries + case((_HOLDER_DIED, 0), else_=1),
        claimed_until=bindparam("until"),
    )
    .returning(work)
)
_FENCE = select(work.c.fence).where(_MINE).with_for_update()
_AS_CLAIMED = work.c.due_at == bindparam("due")
_FINISH = (
    update(work)
    .where(_MINE, work.c.fence == bindparam("row_fence"))
    .values(
        done_at=case((_AS_CLAIMED, _NOW), else_=work.c.done_at),
        last_error=case((_AS_CLAIMED, null()), else_=work.c.last_error),
        claimed_until=None,
    )
)


class WorkStore:
    """SQL over the work table, inside one transaction."""

    def __init__(self, connection: Connection, rows: WaitingRows) -> None:
        self._db = connection
        self._rows = rows

    def later(self, item: Work, queue: str) -> str:
        """
        Write a row, or open the existing one of the same kind, subject and slot again, due at `item.due_at`.

        A row in somebody's hand keeps its claim; `finish` sees the newer due time and leaves it open.
        returns: the row's id.
        """
        return str(self._db.execute(_later(self._db).returning(work.c.id), _new_row(item, queue)).scalar_one())

    def wait(self, item: Work, queue: str) -> None:
        """The same, written with the transaction's other rows: for timers, for which nobody rings yet."""
        self._rows.add(_later(self._db), _new_row(item, queue))

    def unless_waiting(self, item: Work, queue: str, now: datetime) -> None:
        """
        The same, but a row that is already waiting for its time keeps it: what comes often is done together. One whose
        holder has died waits, too: put off each time, it would never be due while things keep coming.
        """
        not_waiting = or_(work.c.done_at.is_not(None), work.c.claimed_until >= now)
        self._db.execute(_or_open_again(insert_or(self._db, work), not_waiting), _new_row(item, queue))

    def once(self, item: Work, queue: str) -> None:
        """Write a row that comes back by itself; one that is there stays as it is, unless it was done for good."""
        done = work.c.done_at.is_not(None)
        self._db.execute(_or_open_again(insert_or(self._db, work), done), _new_row(item, queue))

    def claim(self, work_id: str, now: datetime, lease: timedelta) -> Claim | None:
        """
        Take the row if it is due, not done and nobody holds it. None: nothing to do, and that is fine.

        Who takes over from a holder that died goes on with its try: only tries that failed make the waits longer.
        """
        row = self._db.execute(_CLAIM, {"row": work_id, "now": now, "until": now + lease}).one_or_none()
        if row is None:
            return None
        return Claim(row.id, row.kind, row.subject_id, row.slot, row.due_at, row.fence, row.tries, row.claimed_until)

    def put_off(self, work_id: str, now: datetime, due_at: datetime) -> None:
        """A row that nobody holds waits longer; no claim was made and no try is counted."""
        self._db.execute(
            update(work)
            .where(
                work.c.id == work_id,
                work.c.done_at.is_(None),
                work.c.due_at <= now,
                or_(work.c.claimed_until.is_(None), work.c.claimed_until < now),
            )
            .values(due_at=due_at, rung_at=None)
        )

    def hold(self, claim: Claim) -> None:
        """Lock the row and check that the claim is still ours. Raises LostClaim."""
        if self._db.execute(_FENCE, {"row": claim.work_id}).scalar_one_or_none() != claim.fence:
            raise LostClaim(claim.work_id)

    def renew(self, claim: Claim, until: datetime) -> Claim:
        """Hold the row longer. Raises LostClaim."""
        self.hold(claim)
        self._db.execute(
            update(work).where(work.c.id == claim.work_id, work.c.fence == claim.fence).values(claimed_until=until)
        )
        return replace(claim, until=until)

    def finish(self, claim: Claim, now: datetime) -> None:
        """Done, unless `later` asked for another round meanwhile. Raises LostClaim."""
        values = {"row": claim.work_id, "row_fence": claim.fence, "due": claim.due_at, "now": now}
        if self._db.execute(_FINISH, values).rowcount != 1:
            raise LostClaim(claim.work_id)

    def again(self, claim: Claim, due_at: datetime, error: str | None = None) -> None:
        """Not done: try again at `due_at`. Raises LostClaim."""
        self.hold(claim)
        self._db.execute(
            update(work)
            .where(work.c.id == claim.work_id, work.c.fence == claim.fence)
            .values(due_at=due_at, claimed_until=None, rung_at=None, last_error=error)
        )

    def waiting(
        self, queue: str, now: datetime, rung_before: datetime, most: int, only: ColumnElement[bool] | None = None
    ) -> list[tuple[str, str, int]]:
        """
        (id, kind, fence) of due rows nobody holds and nobody rang for since `rung_before`, oldest first.

        only: a condition on the row, if only some are wanted.
        """
        statement = (
            select(work.c.id, work.c.kind, work.c.fence)
            .where(
                work.c.queue == queue,
                true() if only is None else only,
                work.c.done_at.is_(None),
                work.c.due_at <= now,
                or_(work.c.claimed_until.is_(None), work.c.claimed_until < now),
                or_(work.c.rung_at.is_(None), work.c.rung_at < rung_before),
            )
            .order_by(work.c.due_at)
            .limit(most)
        )
        return [(row.id, row.kind, row.fence) for row in self._db.execute(statement)]

    def rang(self, work_ids: list[str], now: datetime) -> None:
        """Rows somebody is writing are left out: he answers, or they are rung again. Nobody waits for anybody."""
        free = select(work.c.id).where(work.c.id.in_(work_ids)).with_for_update(skip_locked=True)
        self._db.execute(update(work).where(work.c.id.in_(free)).values(rung_at=now))

    def oldest_due(self, now: datetime) -> datetime | None:
        """Due time of the longest-waiting row that nobody holds."""
        statement = (
            select(work.c.due_at)
            .where(
                and_(work.c.done_at.is_(None), work.c.due_at <= now),
                or_(work.c.claimed_until.is_(None), work.c.claimed_until < now),
            )
            .order_by(work.c.due_at)
            .limit(1)
        )
        return self._db.execute(statement).scalar_one_or_none()
