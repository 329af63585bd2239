"""`baton torture timers`: that it says so when a timer is lost, doubled, early or late, and one short seeded run."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert

from gateway.db.engine import Database
from gateway.db.migrate import upgrade
from gateway.db.tables import chat_messages, ladder_runs
from gateway.settings import STARTER_POLICY
from gateway.torture.timer_rows import Laid, drawn, judged, lay, recorded, told_wrongly
from gateway.torture.timers import AIM_SECONDS, TimersTally, Wanted, _Outages, torture_timers
from gateway.wiring import Transaction
from policies.load import load_policy
from policies.sla.effects import Effect

SEED = 20261121
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
ONE = Laid(1, Effect.BREACHED, NOW, None)
TELLING = Laid(2, Effect.BREACHED, NOW, "standard")


def kinds(found):
    return [finding.kind for _, finding in judged([ONE], found)]


def test_an_effect_recorded_once_at_its_time_is_as_promised():
    assert kinds({ONE.clock_id: [(Effect.BREACHED, NOW)]}) == []


def test_an_effect_that_is_missing_twice_there_or_early_is_found():
    second = timedelta(seconds=1)

    assert kinds({}) == ["lost"]
    assert kinds({ONE.clock_id: [(Effect.SKIPPED, NOW)]}) == ["lost"]
    assert kinds({ONE.clock_id: [(Effect.BREACHED, NOW)] * 2}) == ["doubled"]
    assert kinds({ONE.clock_id: [(Effect.BREACHED, NOW - second)]}) == ["early"]


def test_lateness_counts_only_while_somebody_could_fire():
    outages = _Outages(shown=None, stretches=[(100.0, 110.0), (120.0, 121.0)])

    assert outages.within(90.0, 130.0) == 11.0
    assert outages.within(105.0, 108.0) == 3.0
    assert outages.within(111.0, 119.0) == 0.0


def test_a_run_is_clean_only_if_all_fired_once_and_soon():
    tally = TimersTally(SEED, timers=2, fired=2, late_up_p99=AIM_SECONDS / 2)
    assert tally.is_clean

    assert not TimersTally(SEED, timers=2, fired=2, late_up_p99=AIM_SECONDS).is_clean
    assert not TimersTally(SEED, timers=2, fired=1, late_up_p99=0.1).is_clean
    assert not TimersTally(SEED, timers=2, fired=2, late_up_p99=0.1, doubled=1).is_clean
    assert not TimersTally(SEED).is_clean


def test_the_timers_laid_are_those_the_gateway_would_have_written(tmp_path):
    url = f"sqlite:///{tmp_path / 'baton.sqlite3'}"
    upgrade(url)
    database = Database(url)
    laid = drawn(6, NOW + timedelta(seconds=60), 10, random.Random(SEED))

    lay(database, laid, load_policy(STARTER_POLICY), NOW)

    with database.reading() as connection:
        tx = Transaction(connection)
        due = tx.clocks.due_timers(NOW + timedelta(seconds=70), 100)
        assert tx.clocks.due_timers(NOW + timedelta(seconds=59), 100) == []
        assert {timer.handoff_id for timer in due} == {one.handoff_id for one in laid}
        assert {one.effect for one in laid} == {Effect.WARNED, Effect.BREACHED}
        assert recorded(connection) == {}
    database.close()


def test_a_climb_or_a_message_too_many_or_too_few_is_found(tmp_path):
    url = f"sqlite:///{tmp_path / 'baton.sqlite3'}"
    upgrade(url)
    database = Database(url)
    lay(database, [TELLING], load_policy(STARTER_POLICY), NOW - timedelta(seconds=10))

    def found(*chat):
        with database.reading() as connection:
            return [finding.kind for finding in told_wrongly([TELLING], connection, chat)]

    nothing_followed = found()
    with database.begin() as connection:
        _climbed(connection)
    card = {"body": {"blocks": [{"type": "actions", "block_id": "baton_msg_1"}]}}
    as_promised, twice, never = found(card), found(card, card), found()
    with database.begin() as connection:
        connection.execute(delete(chat_messages))
    database_lost_it = found()

    assert nothing_followed == ["lost", "lost"]
    assert (as_promised, twice, never) == ([], ["doubled"], ["lost"])
    assert database_lost_it == ["lost"]
    database.close()


def _climbed(connection):
    connection.execute(insert(ladder_runs), {
        "id": "lad_1", "handoff_id": TELLING.handoff_id, "ladder": "standard", "begun_at": NOW,
        "begun_status": "waiting", "policy_revision": "",
    })  # fmt: skip
    connection.execute(insert(chat_messages), {
        "id": "msg_1", "handoff_id": TELLING.handoff_id, "run_id": "lad_1", "key": "k", "notifier": "team-chat",
        "target": "", "purpose": "step", "turn": 0, "step": 0, "asked": "[]", "state": "sent", "shows": "", "tries": 1,
        "created_at": NOW,
    })  # fmt: skip


@pytest.mark.journey
def test_a_few_hundred_timers_under_fire_each_fire_once_and_none_early(tmp_path):
    tally = TimersTally(SEED)

    torture_timers(f"sqlite:///{tmp_path / 'baton.sqlite3'}", tmp_path, Wanted(300, 10, 3, 1), tally)

    # How soon is measured by the command on a quiet machine, not asserted here.
    assert tally.findings == []
    assert (tally.fired, tally.lost, tally.doubled, tally.early) == (300, 0, 0, 0)
