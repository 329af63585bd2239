"""Work rows: claimed once, fenced, never forgotten; on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import create_engine

from gateway.db.engine import Database
from gateway.db.migrate import upgrade
from gateway.db.rows import WaitingRows
from gateway.db.tables import metadata
from gateway.db.work import LostClaim, Work, WorkStore

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)
LONG_AGO = NOW - timedelta(days=1)


@pytest.fixture
def database(database_url):
    upgrade(database_url)
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def store(database):
    with database.begin() as connection:
        yield WorkStore(connection, WaitingRows(connection))


def test_a_row_that_is_due_can_be_claimed_by_one_only(store):
    work_id = store.later(Work("deliver", "pkt_1", NOW), "delivery")

    first, second = store.claim(work_id, NOW, LEASE), store.claim(work_id, NOW, LEASE)

    assert first is not None
    assert (first.fence, first.tries) == (1, 1)
    assert second is None


def test_nothing_is_claimed_before_its_time(store):
    work_id = store.later(Work("sla_timer", "clk_1", NOW + timedelta(seconds=1)), "clock")

    assert store.claim(work_id, NOW, LEASE) is None
    assert store.waiting("clock", NOW, NOW, 10) == []
    assert store.claim(work_id, NOW + timedelta(seconds=1), LEASE) is not None


def test_a_lease_that_ran_out_lets_another_in_and_shuts_the_first_out(store):
    work_id = store.later(Work("deliver", "pkt_1", NOW), "delivery")
    first = store.claim(work_id, NOW, LEASE)

    second = store.claim(work_id, NOW + LEASE + timedelta(seconds=1), LEASE)

    assert second is not None
    assert second.fence == 2
    for late_write in (
        lambda: store.finish(first, NOW),
        lambda: store.again(first, NOW),
        lambda: store.renew(first, NOW),
        lambda: store.hold(first),
    ):
        with pytest.raises(LostClaim):
            late_write()


def test_only_tries_that_failed_are_counted_not_those_whose_worker_died(store):
    work_id = store.later(Work("deliver", "pkt_1", NOW), "delivery")
    store.claim(work_id, NOW, LEASE)

    after_death = store.claim(work_id, NOW + 2 * LEASE, LEASE)
    store.again(after_death, NOW + 2 * LEASE, "Zendesk: 503")
    after_failure = store.claim(work_id, NOW + 2 * LEASE, LEASE)

    assert (after_death.tries, after_failure.tries) == (1, 2)


def test_a_renewed_lease_keeps_others_out(store):
    work_id = store.later(Work("deliver", "pkt_1", NOW), "delivery")
    claim = store.claim(work_id, NOW, LEASE)

    store.renew(claim, NOW + 3 * LEASE)

    assert store.claim(work_id, NOW + 2 * LEASE, LEASE) is None


def test_done_is_done_until_somebody_asks_again(store):
    work_id = store.later(Work("assign_sla", "hof_1", NOW), "delivery")
    store.finish(store.claim(work_id, NOW, LEASE), NOW)
    assert store.claim(work_id, NOW + LEASE * 2, LEASE) is None

    again = store.later(Work("assign_sla", "hof_1", NOW + LEASE), "delivery")

    assert again == work_id
    assert store.claim(work_id, NOW + LEASE, LEASE) is not None


def test_what_is_asked_for_while_the_row_is_in_hand_is_not_lost(store):
    work_id = store.later(Work("assign_sla", "hof_1", NOW), "delivery")
    claim = store.claim(work_id, NOW, LEASE)

    store.later(Work("assign_sla", "hof_1", NOW + timedelta(milliseconds=5)), "delivery")
    store.finish(claim, NOW + timedelta(milliseconds=9))

    assert store.claim(work_id, NOW + timedelta(seconds=1), LEASE) is not None


def test_a_row_whose_holder_died_is_not_put_off_by_what_keeps_coming(store):
    work_id = store.later(Work("tell_news", "hof_1", NOW), "delivery")
    store.claim(work_id, NOW, LEASE)
    after = NOW + LEASE + timedelta(seconds=1)

    store.unless_waiting(Work("tell_news", "hof_1", after + LEASE), "delivery", after)

    assert store.claim(work_id, after, LEASE) is not None


def test_a_bell_is_written_down_without_waiting_for_whoever_holds_a_row(database_url, database):
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    with database.begin() as connection:
        first, second = (WorkStore(connection, WaitingRows(connection)).later(Work("deliver", name, NOW), "delivery")
                         for name in ("pkt_1", "pkt_2"))  # fmt: skip
    with database.begin() as holder:
        WorkStore(holder, WaitingRows(holder)).claim(first, NOW, LEASE)
        with database.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
            WorkStore(connection, WaitingRows(connection)).rang([first, second], NOW)
        with database.begin() as connection:
            waiting = WorkStore(connection, WaitingRows(connection)).waiting("delivery", NOW, NOW, 10)

    assert [work_id for work_id, *_ in waiting] == [first]


def test_the_relay_sees_the_oldest_first_and_not_what_was_just_rung(store):
    ids = [store.later(Work("deliver", f"pkt_{n}", NOW - timedelta(seconds=n)), "delivery") for n in range(3)]
    store.later(Work("sla_timer", "clk_1", LONG_AGO), "clock")

    waiting = [work_id for work_id, _, _ in store.waiting("delivery", NOW, NOW, 10)]
    store.rang(waiting[:1], NOW)

    assert waiting == list(reversed(ids))
    assert [w for w, _, _ in store.waiting("delivery", NOW, NOW - timedelta(seconds=1), 10)] == waiting[1:]
    assert store.oldest_due(NOW) == LONG_AGO


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(database):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_upgrading_twice_changes_nothing(database_url):
    upgrade(database_url)
    upgrade(database_url)


def test_a_naive_time_is_refused_before_it_is_stored(store):
    with pytest.raises(Exception, match="naive time"):
        store.later(Work("deliver", "pkt_1", datetime(2026, 3, 6, 9, 0)), "delivery")  # noqa: DTZ001


def test_sqlite_is_as_durable_as_it_gets(tmp_path):
    url = f"sqlite:///{tmp_path / 'b.sqlite3'}"
    upgrade(url)
    database = Database(url)

    with database.begin() as connection:
        found = {p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")}

    database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2}


class Rows(RuleBasedStateMachine):
    """Any order of asking, claiming, losing, finishing: never two holders, never a due row that nobody can take."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        metadata.create_all(self.engine)
        self.connection = self.engine.connect()
        self.store = WorkStore(self.connection, WaitingRows(self.connection))
        self.now = NOW
        self.work_id = self.store.later(Work("deliver", "pkt_1", NOW), "delivery")
        self.asked_at = NOW
        self.claims = []
        self.open = True

    @rule(seconds=st.integers(0, 40))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def somebody_asks(self):
        self.now += timedelta(milliseconds=1)
        self.store.later(Work("deliver", "pkt_1", self.now), "delivery")
        self.open = True
        self.asked_at = self.now

    @rule()
    def a_worker_claims(self):
        holder = self.claims[-1] if self.claims else None
        held = holder is not None and holder[1] and holder[0].until >= self.now
        claim = self.store.claim(self.work_id, self.now, LEASE)
        assert (claim is not None) == (self.open and not held and self.due_at() <= self.now)
        if claim:
            self.claims.append([claim, True])

    def due_at(self):
        from sqlalchemy import select

        from gateway.db.tables import work

        return self.connection.execute(select(work.c.due_at)).scalar_one()

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def a_worker_finishes(self, data):
        entry = data.draw(st.sampled_from(self.claims))
        claim = entry[0]
        newest = claim.fence == self.claims[-1][0].fence
        if not newest:
            with pytest.raises(LostClaim):
                self.store.finish(claim, self.now)
            return
        self.store.finish(claim, self.now)
        if self.asked_at == claim.due_at:
            self.open = False
        entry[1] = False

    @invariant()
    def the_fence_never_goes_back(self):
        fences = [claim.fence for claim, _ in self.claims]
        assert fences == sorted(set(fences))

    def teardown(self):
        self.connection.close()
        self.engine.dispose()


Rows.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestRows = Rows.TestCase


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["pkt", "hof"]))
def test_ids_sort_by_time_and_fit_every_helpdesk(name):
    from gateway.ids import new_id

    ids = [new_id(name) for _ in range(20)]

    assert len(set(ids)) == 20
    assert all(set(i) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") and len(i) == 30 for i in ids)
    assert [i[:14] for i in ids] == sorted(i[:14] for i in ids)
