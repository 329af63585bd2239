"""One bell for all timers that are due: each fires once, one that fails holds up no other, claims are respected."""

from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from gateway.db.tables import sla_effects, work
from gateway.db.work import Work
from gateway.jobs import environment, timers
from gateway.jobs.relay import Relay


@pytest.fixture
def desk_of_three(bench):
    """Three handoffs whose answers are all overdue, and nothing else is to be done."""
    for number in range(3):
        bench.say("human please", f"c-{number}")
    bench.work()
    bench.clock.forward(hours=30)
    environment.use(bench.env)
    return bench


def missed(bench):
    with bench.env.reading() as tx:
        statement = select(func.count()).where(sla_effects.c.effect == "breached")
        return tx.connection.execute(statement).scalar_one()


def due_timers(bench):
    with bench.env.reading() as tx:
        return tx.clocks.due_timers(bench.clock.now, 100)


def test_the_bell_of_one_timer_fires_all_that_are_due(desk_of_three):
    before = due_timers(desk_of_three)

    timers.fire(before[0].work_id)

    assert len(before) >= 3
    assert due_timers(desk_of_three) == []
    assert missed(desk_of_three) == 3


def test_a_bell_that_rings_again_finds_nothing_to_record(desk_of_three):
    timers.fire("any")

    timers.fire("any")

    assert missed(desk_of_three) == 3


def test_a_timer_that_fails_keeps_its_claim_and_holds_up_no_other(desk_of_three, monkeypatch):
    victim = due_timers(desk_of_three)[0]
    whole = timers.refold_locked

    def broken(tx, handoff, now):
        if handoff.id == victim.handoff_id:
            raise ZeroDivisionError
        whole(tx, handoff, now)

    monkeypatch.setattr(timers, "refold_locked", broken)
    with pytest.raises(ZeroDivisionError):
        timers.fire("any")

    assert missed(desk_of_three) == 2
    assert due_timers(desk_of_three) == []
    monkeypatch.undo()
    desk_of_three.clock.forward(seconds=timers.LEASE.total_seconds() + 1)
    timers.fire("any")
    assert missed(desk_of_three) == 3


def test_a_timer_in_somebody_elses_hands_is_left_to_them(desk_of_three):
    held = due_timers(desk_of_three)[0]
    with desk_of_three.env.transaction() as tx:
        claim = tx.work.claim(held.work_id, desk_of_three.clock.now, timedelta(minutes=5))

    timers.fire(held.work_id)

    with desk_of_three.env.reading() as tx:
        row = tx.connection.execute(select(work).where(work.c.id == held.work_id)).one()
    assert (row.fence, row.claimed_until, row.done_at) == (claim.fence, claim.until, None)


def test_a_database_that_is_away_leaves_every_timer_due(desk_of_three, monkeypatch):
    before = due_timers(desk_of_three)

    def away(*_):
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(timers, "refold_locked", away)
    with pytest.raises(OperationalError):
        timers.fire("any")

    assert due_timers(desk_of_three) == before


def test_a_timer_whose_clock_is_gone_is_done_with(bench):
    with bench.env.transaction() as tx:
        tx.later(Work("sla_timer", "clk_gone", bench.clock.now))

    timers_fired = bench.work()

    assert timers_fired == ["sla_timer"]
    assert due_timers(bench) == []


def test_the_relay_hangs_one_bell_for_all_timers_and_one_for_each_other_work(bench, redis_url):
    with bench.env.transaction() as tx:
        for number in range(5):
            tx.wait(Work("sla_timer", f"clk_{number}", bench.clock.now))
            tx.wait(Work("sla_facts", f"hof_{number}", bench.clock.now))

    rung = Relay(bench.env).tick()

    assert rung == 6
    assert Redis.from_url(redis_url).llen("rq:queue:clock") == 6
