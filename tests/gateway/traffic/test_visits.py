"""Workers that talk to one helpdesk account share its budget, through the database, with a real sandbox behind it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from connectors.errors import Unauthorized
from gateway.db.heartbeat import beat, worker_name, workers_alive
from gateway.db.tables import work
from gateway.db.work import Work
from gateway.traffic.visit import limits_of

CREATE = "/api/v2/tickets*"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


def escalate(bench, number):
    return bench.say("I want a human", f"c-{number}")["decision"]["handoff_id"]


def deliveries(bench, handoffs):
    with bench.env.reading() as tx:
        return [tx.deliveries.of_handoff(handoff) for handoff in handoffs]


def settle(bench, minutes):
    for _ in range(minutes * 6):
        bench.work(rounds=60)
        bench.clock.forward(seconds=10)


def test_one_429_holds_back_every_other_delivery_of_the_account(bench):
    bench.sandbox.faults.add("429", method="POST", path=CREATE, times=1, retry_after=60)
    handoffs = [escalate(bench, n) for n in range(5)]

    bench.work()
    during = deliveries(bench, handoffs)
    bench.clock.forward(seconds=30)
    bench.work()
    still = deliveries(bench, handoffs)
    settle(bench, minutes=3)

    assert sum(d.tries for d in during) == 1  # the one that met it; the others have not tried
    assert [d.tries for d in still] == [d.tries for d in during]
    assert [d.state for d in deliveries(bench, handoffs)] == ["done"] * 5
    assert len(bench.tickets()) == 5


def test_a_ticket_that_has_had_its_updates_waits_alone(bench):
    first = escalate(bench, 1)
    bench.work()
    bench.sandbox.state.settings.limits["per-ticket-updates"] = 1
    bench.say("And my name is Kim", "c-1")
    settle(bench, minutes=1)
    bench.say("And I live in Bern", "c-1")
    settle(bench, minutes=1)

    second = escalate(bench, 2)
    bench.work()

    with bench.env.reading() as tx:
        held_back = [outcome for _, _, outcome, *_ in tx.deliveries.attempts_of(tx.deliveries.of_handoff(first).id)]
    assert "Throttled" in held_back
    assert [d.state for d in deliveries(bench, [second])] == ["done"]


def test_a_ticket_we_may_not_touch_any_more_stands_in_nobodys_way(bench, monkeypatch):
    first = escalate(bench, 1)
    bench.work()

    def out_of_reach(ticket_id):
        raise Unauthorized("Zendesk", "not this one", whole_account=False)

    monkeypatch.setattr(bench.env.helpdesk("desk"), "read_ticket", out_of_reach)
    with bench.env.transaction() as tx:
        tx.later(Work("read_ticket", first, bench.clock.now, lane="desk"))
    bench.work()

    second = escalate(bench, 2)
    bench.work()

    assert [d.state for d in deliveries(bench, [second])] == ["done"]


def test_a_step_that_takes_longer_than_its_lease_sends_nothing_more(bench, monkeypatch):
    handoff_id = escalate(bench, 1)
    bench.work()
    (ticket,) = bench.tickets()
    desk, real = bench.env.helpdesk("desk"), bench.env.helpdesk("desk").update_ticket

    def slow(ref, update):
        """Reading the ticket took so long that somebody else may have its work row by now."""
        bench.clock.forward(seconds=bench.env.helpdesk_lease.total_seconds())
        real(ref, update)

    monkeypatch.setattr(desk, "update_ticket", slow)
    with bench.env.transaction() as tx:
        tx.handoffs.change(handoff_id, told_up_to=0)
        tx.later(Work("tell_news", handoff_id, bench.clock.now, lane="desk"))
    bench.one_round()
    monkeypatch.undo()
    overtaken = bench.tickets()[0]["private_notes"]
    settle(bench, minutes=5)

    assert overtaken == ticket["private_notes"]
    assert len(bench.tickets()[0]["private_notes"]) == len(ticket["private_notes"]) + 1


def test_while_the_breaker_is_open_no_attempt_is_counted_and_afterwards_all_goes_on(bench):
    bench.sandbox.faults.add("503", method="*", path="*", times=None)
    handoffs = [escalate(bench, n) for n in range(14)]
    bench.work(rounds=60)
    with bench.env.reading() as tx:
        opened = tx.traffic.get("desk").open_until

    before = sum(d.tries for d in deliveries(bench, handoffs))
    settle(bench, minutes=10)
    after_outage = deliveries(bench, handoffs)
    bench.sandbox.faults.clear()
    settle(bench, minutes=30)

    assert opened is not None
    assert sum(d.tries for d in after_outage) - before <= 20  # one probe each half minute
    assert [d.state for d in deliveries(bench, handoffs)] == ["done"] * 14
    assert len(bench.tickets()) == 14


def test_nobody_is_given_up_while_nobody_gets_through(bench):
    bench.sandbox.faults.add("503", method="*", path="*", times=None)
    handoffs = [escalate(bench, n) for n in range(11)]
    bench.work(rounds=60)

    bench.clock.forward(hours=100)
    bench.work()
    probed = deliveries(bench, handoffs)
    bench.sandbox.faults.clear()
    settle(bench, minutes=20)

    assert {d.state for d in probed} == {"pending"}
    assert [d.state for d in deliveries(bench, handoffs)] == ["done"] * 11


def test_no_more_visits_at_once_than_the_account_bears(bench):
    """Places are the rows in somebody's hands; a dead worker's is free again with its lease."""
    handoffs = [escalate(bench, n) for n in range(3)]
    bench.env.settings.helpdesks["desk"] = replace(bench.env.settings.helpdesks["desk"], at_once=1)
    until = bench.clock.now + timedelta(seconds=20)
    with bench.env.transaction() as tx:
        mine = deliveries(bench, handoffs)[0].id
        tx.connection.execute(update(work).where(work.c.subject_id == mine).values(claimed_until=until))

    bench.one_round()
    held = deliveries(bench, handoffs)
    settle(bench, minutes=2)

    assert [d.state for d in held] == ["pending"] * 3
    assert [d.state for d in deliveries(bench, handoffs)] == ["done"] * 3


def test_a_work_row_that_has_to_wait_for_its_helpdesk_has_not_been_tried(bench):
    handoff = escalate(bench, 1)
    bench.sandbox.faults.add("429", method="POST", path=CREATE, times=1, retry_after=60)
    bench.work()
    bench.clock.forward(seconds=1)
    escalate(bench, 2)

    bench.work()

    with bench.env.reading() as tx:
        rows = tx.connection.execute(work.select().where(work.c.kind == "deliver").order_by(work.c.id)).all()
    assert [row.tries for row in rows] == [1, 0]
    assert deliveries(bench, [handoff])[0].tries == 1


def test_workers_that_show_themselves_decide_how_many_one_helpdesk_may_hold(bench):
    desk = bench.env.settings.helpdesks["desk"]
    bench.env.settings.helpdesks["other"] = replace(desk, account=replace(desk.account, name="other"))
    with bench.env.transaction() as tx:
        alone = limits_of(bench.env, tx, "desk").at_once
        for pid in range(3):
            beat(tx.connection, worker_name("delivery", "host", pid), bench.clock.now, None)
        shared = limits_of(bench.env, tx, "desk").at_once
        bench.clock.forward(minutes=3)
        silent = workers_alive(tx.connection, "delivery", bench.clock.now)

    assert (alone, shared, silent) == (4, 2, 0)
