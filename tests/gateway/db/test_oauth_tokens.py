"""Access tokens shared by all processes: one renews, the others wait and take what it stored; on both databases."""

import multiprocessing
import threading
from datetime import timedelta

import pytest
import requests

from connectors.errors import Unavailable
from connectors.oauth import ClientCredentials, Token
from connectors.ports import StoredToken
from gateway.clock import utc_now
from gateway.db.engine import Database
from gateway.db.migrate import upgrade
from gateway.db.oauth_tokens import DatabaseTokens

PAIR = StoredToken("access-1", 2_000_000_000.0, "refresh-1")


class Clock:
    def __init__(self):
        self.now = utc_now()

    def __call__(self):
        return self.now


class Issuer:
    """Gives out t1, t2, …; every pair it gives makes the one before useless, as a rotating refresh does."""

    def __init__(self):
        self.given = 0
        self.lock = threading.Lock()

    def __call__(self, *_refresh):
        with self.lock:
            self.given += 1
            return Token(f"t{self.given}", 600.0, f"r{self.given}")


def bearer(auth):
    return auth(requests.Request("GET", "http://desk.example/").prepare()).headers["Authorization"]


@pytest.fixture
def database(database_url):
    upgrade(database_url)
    found = Database(database_url)
    yield found
    found.close()


def test_what_was_saved_under_the_lease_is_loaded_by_others(database):
    one, other = DatabaseTokens(database), DatabaseTokens(database)
    lease = one.lease("desk", 20)

    saved = one.save("desk", PAIR, lease)

    assert saved
    assert other.load("desk") == PAIR
    assert other.load("another") is None


def test_only_one_has_the_lease_until_it_is_given_back(database):
    store = DatabaseTokens(database)
    first = store.lease("desk", 20)

    second = store.lease("desk", 20)
    store.give_back("desk", first)
    third = store.lease("desk", 20)

    assert (second, first == third) == (None, False)
    assert third is not None


def test_whoever_overslept_its_lease_saves_nothing(database):
    clock = Clock()
    store = DatabaseTokens(database, clock)
    old = store.lease("desk", 20)
    clock.now += timedelta(seconds=21)
    new = store.lease("desk", 20)

    late = store.save("desk", StoredToken("late", 1.0), old)
    store.give_back("desk", old)  # somebody else's by now

    assert not late
    assert store.save("desk", PAIR, new)
    assert store.load("desk") == PAIR


def test_many_workers_that_need_a_token_at_once_fetch_one(database):
    issuer, told = Issuer(), []
    workers = [ClientCredentials(issuer, store=DatabaseTokens(database), name="desk") for _ in range(6)]

    threads = [threading.Thread(target=lambda auth=auth: told.append(bearer(auth))) for auth in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert told == ["Bearer t1"] * 6
    assert issuer.given == 1


def test_a_forked_job_uses_the_token_that_is_stored(database, database_url):
    bearer(ClientCredentials(Issuer(), store=DatabaseTokens(database), name="desk"))
    here, there = multiprocessing.Pipe()

    def job():
        def never():
            raise AssertionError("a forked job fetched a token of its own")

        there.send(bearer(ClientCredentials(never, store=DatabaseTokens(Database(database_url)), name="desk")))

    child = multiprocessing.get_context("fork").Process(target=job)
    child.start()
    told = here.recv() if here.poll(20) else None
    child.join(timeout=20)

    assert told == "Bearer t1"


def test_a_database_without_the_table_is_unavailable_and_quotes_nothing(tmp_path):
    store = DatabaseTokens(Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}"))

    with pytest.raises(Unavailable, match="keeps the access tokens") as raised:
        store.save("desk", PAIR, "lease")

    assert "access-1" not in str(raised.value)
    assert raised.value.__context__ is None or "access-1" not in str(raised.value.__context__)
