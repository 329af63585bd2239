"""Writers of one SQLite file from several processes: whoever waits gets in soon after the other is done."""

import sqlite3
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from gateway.db import engine
from gateway.db.engine import Database


@pytest.fixture
def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with found.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    yield found
    found.close()


@pytest.fixture
def other(database):
    """A writer that does not know our queue, as another process."""
    connection = sqlite3.connect(database.url.database, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


def test_a_writer_waits_its_turn_without_the_patience_of_sqlite(monkeypatch, database, other):
    monkeypatch.setattr(engine, "_BUSY_MS", 1)  # by itself SQLite would give up at once
    impatient = Database(str(database.url))
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO t VALUES (1)")

    threading.Timer(0.1, lambda: other.execute("COMMIT")).start()
    with impatient.begin() as connection:
        seen = connection.execute(text("SELECT n FROM t")).scalars().all()
    impatient.close()

    assert seen == [1]


def test_a_writer_that_never_gets_in_is_told_so(database, other, monkeypatch):
    monkeypatch.setattr(engine, "_LOOKS", 3)
    monkeypatch.setattr(engine, "_BUSY_MS", 20)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(OperationalError, match="locked"), database.begin():
        pass


def test_after_waiting_sqlite_is_as_patient_as_before(database):
    with database.begin() as connection:
        assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() == engine._BUSY_MS


def test_a_database_that_cannot_be_reached_is_away_and_a_connection_that_was_cut_is_worth_another_try():
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OperationalError) as away, nowhere.begin():
        pass
    cut = OperationalError("SELECT 1", {}, Exception("server closed the connection"), connection_invalidated=True)

    assert engine.is_away(away.value)
    assert not engine.is_away(cut)
    assert not engine.is_away(ValueError())


def test_an_error_of_the_database_does_not_quote_what_was_written(database_url):
    found = Database(database_url)

    with pytest.raises(SQLAlchemyError) as caught, found.begin() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": "my card is 4111"})
    found.close()

    assert "4111" not in str(caught.value)
