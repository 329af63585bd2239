"""A database whose clocks were simple rows, brought up to date."""

from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import column, select, table

from gateway.db.engine import Database
from gateway.db.migrate import alembic_config
from gateway.db.tables import UtcTime, work
from gateway.sla.refold import refold
from gateway.wiring import Transaction

START = datetime(2026, 3, 6, 9, tzinfo=UTC)


@pytest.fixture
def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    yield found
    found.close()


def migrated(connection, database, revision):
    config = alembic_config(str(database.url))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def put(connection, name, **values):
    columns = (column(n, UtcTime() if isinstance(v, datetime) else None) for n, v in values.items())
    connection.execute(table(name, *columns).insert().values(values))


def an_old_clock(connection, number, outcome, stopped_at):
    put(connection, "handoffs", id=f"hof_{number}", conversation_id="cnv_1", number=number, event_id="evt_1",
        source="shop", helpdesk="desk", status="waiting", mode="warm", route="general", tier="short", because="",
        policy_revision="abc", promised_at=START, respond_by=START + timedelta(hours=1), told_up_to=1)  # fmt: skip
    put(connection, "clocks", id=f"clk_{number}", handoff_id=f"hof_{number}", metric="first_human_response",
        tier="short", started_at=START, target_seconds=3600, due_at=START + timedelta(hours=1),
        stopped_at=stopped_at, outcome=outcome)  # fmt: skip


def test_clocks_from_before_keep_their_due_times_and_outcomes(database):
    with database.begin() as connection:
        migrated(connection, database, "0004")
        put(connection, "conversations", id="cnv_1", source="shop", vendor_conversation_id="c-1", state="{}", events=1,
            handoffs=2, created_at=START, updated_at=START)  # fmt: skip
        an_old_clock(connection, 1, None, None)
        an_old_clock(connection, 2, "met", START + timedelta(minutes=10))

        migrated(connection, database, "head")

        waiting = connection.execute(select(work.c.subject_id).where(work.c.kind == "sla_timer")).scalars().all()
        tx = Transaction(connection)
        for handoff_id in ("hof_1", "hof_2"):
            refold(tx, handoff_id, START + timedelta(minutes=20))
        (running,), (met,) = tx.clocks.of_handoff("hof_1"), tx.clocks.of_handoff("hof_2")

    assert (running.state, running.due_at) == ("running", START + timedelta(hours=1))
    assert (met.state, met.stopped_at) == ("met", START + timedelta(minutes=10))
    assert waiting == ["clk_1"]
