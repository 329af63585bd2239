"""
SQL for helpdesk accounts. The row is locked while somebody is let in, so all workers share one budget. Who is inside
is not counted here: that is the work rows of the helpdesk's lane that are in somebody's hands.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update

from gateway.db.tables import accounts, work
from gateway.db.work import insert_or
from gateway.traffic.admit import STUCK_AFTER, Account, Held, Limits, fresh

_COLUMNS = Account.__slots__


class TrafficStore:
    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, helpdesk: str) -> Account | None:
        row = self._db.execute(select(accounts).where(accounts.c.helpdesk == helpdesk)).one_or_none()
        return _read(row) if row else None

    def lock(self, helpdesk: str, limits: Limits, now: datetime) -> Account:
        """The account, made if it is new; nobody else may touch it until the transaction ends."""
        statement = select(accounts).where(accounts.c.helpdesk == helpdesk).with_for_update()
        row = self._db.execute(statement).one_or_none()
        if row is None:
            new = fresh(limits, now)
            self._db.execute(insert_or(self._db, accounts).values(helpdesk=helpdesk, **_values(new))
                             .on_conflict_do_nothing())  # fmt: skip
            row = self._db.execute(statement).one()
        return _read(row)

    def save(self, helpdesk: str, account: Account) -> None:
        self._db.execute(update(accounts).where(accounts.c.helpdesk == helpdesk).values(_values(account)))

    def held(self, lane: str, now: datetime, lease: timedelta) -> Held:
        """Who is inside: the rows of this lane in somebody's hands. A dead worker's place is free with its lease."""
        began_before = now + lease - STUCK_AFTER
        statement = select(
            func.count(), func.coalesce(func.sum(case((work.c.claimed_until < began_before, 1), else_=0)), 0)
        ).where(work.c.lane == lane, work.c.claimed_until >= now)
        count, stuck = self._db.execute(statement).one()
        return Held(count, stuck)

    def polled_up_to(self, helpdesk: str) -> datetime | None:
        statement = select(accounts.c.polled_up_to).where(accounts.c.helpdesk == helpdesk)
        return self._db.execute(statement).scalar_one_or_none()

    def polled(self, helpdesk: str, up_to: datetime) -> None:
        self._db.execute(update(accounts).where(accounts.c.helpdesk == helpdesk).values(polled_up_to=up_to))


def _values(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in _COLUMNS}


def _read(row: Row[Any]) -> Account:
    return Account(*(getattr(row, name) for name in _COLUMNS))
