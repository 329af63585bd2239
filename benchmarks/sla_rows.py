"""
What SLA clocks cost in the database: the relay's look past pending timers, starting a handoff's clocks, folding them
after a fact. On a SQLite file of its own. Medians.

    python -m benchmarks.sla_rows

Absolute numbers belong to the machine; compare the ratios within one run.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from benchmarks.sla import microseconds
from gateway.db.engine import Database
from gateway.db.migrate import upgrade
from gateway.db.tables import conversations, work
from gateway.handoffs.store import Handoff, HandoffStatus
from gateway.jobs.queues import CLOCK, HIGH_WATER, TOGETHER
from gateway.jobs.timers import LOOKED_AT
from gateway.settings import STARTER_POLICY
from gateway.sla.assign import start_clocks
from gateway.sla.facts import promised
from gateway.sla.refold import refold
from gateway.wiring import Transaction
from policies.load import load_policy
from policies.sla.facts import Fact, Kind

START = datetime(2027, 6, 4, 20, 0, tzinfo=UTC)
PENDING = 200_000
POLICY = load_policy(STARTER_POLICY)
HANDOFF = Handoff(
    "hof_1", "cnv_1", 1, "evt_1", "shop", "desk", HandoffStatus.WAITING, "warm", "general", "short", (),
    POLICY.revision, START, START + timedelta(hours=1),
)  # fmt: skip


def look(database: Database) -> object:
    """What the relay asks of the queue of timers at every tick."""
    with database.reading() as connection:
        rows = Transaction(connection).work
        timers = [rows.waiting(CLOCK, START, START, 1, work.c.kind == kind) for kind in TOGETHER]
        return timers, rows.waiting(CLOCK, START, START, HIGH_WATER, work.c.kind.not_in(TOGETHER))


def due(database: Database) -> object:
    """What the job that fires timers asks."""
    with database.reading() as connection:
        return Transaction(connection).clocks.due_timers(START, LOOKED_AT)


def fill(database: Database, rows: int) -> None:
    with database.begin() as connection:
        connection.execute(work.insert(), [
            {"id": f"wrk_{i}", "kind": "sla_timer", "subject_id": f"clk_{i}", "slot": "", "queue": "clock", "lane": "",
             "due_at": START + timedelta(seconds=i + 1), "fence": 0, "tries": 0}
            for i in range(rows)
        ])  # fmt: skip


def begin(database: Database, number: int) -> Handoff:
    """A handoff with its clocks and their timers, in one transaction, as `assign_sla` does it."""
    handoff = replace(HANDOFF, id=f"hof_{number}", number=number)
    with database.begin() as connection:
        tx = Transaction(connection)
        tx.handoffs.add(handoff)
        tx.facts.add(handoff.id, promised(handoff.id, START))
        start_clocks(tx, handoff, POLICY, POLICY.tier("short"), START)
    return handoff


def tell(database: Database, handoff: Handoff, number: int) -> None:
    at = START + timedelta(seconds=number)
    with database.begin() as connection:
        tx = Transaction(connection)
        tx.facts.add(handoff.id, Fact("desk", f"f{number}", Kind.CUSTOMER_MESSAGE, at, at))
        refold(tx, handoff.id, at)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        upgrade(url)
        database, numbers = Database(url), count(1)
        with database.begin() as connection:
            connection.execute(conversations.insert(), {
                "id": "cnv_1", "source": "shop", "vendor_conversation_id": "c-1", "state": "{}", "events": 0,
                "handoffs": 0, "created_at": START, "updated_at": START,
            })  # fmt: skip
        rows = {"relay's look, no timers": microseconds(lambda: look(database))}
        fill(database, PENDING)
        rows[f"relay's look past {PENDING:,} timers"] = microseconds(lambda: look(database))
        rows[f"due timers among {PENDING:,}"] = microseconds(lambda: due(database))
        rows["a handoff's four clocks started"] = microseconds(lambda: begin(database, next(numbers)), 100)
        handoff = begin(database, next(numbers))
        rows["a fact kept and four clocks folded"] = microseconds(lambda: tell(database, handoff, next(numbers)), 30)
        database.close()
    for name, cost in rows.items():
        print(f"{name:<40}{cost:>10.1f} µs median")


if __name__ == "__main__":
    main()
