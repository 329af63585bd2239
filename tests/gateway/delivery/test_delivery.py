"""Deliveries into real sandbox helpdesks, with what can go wrong on the way. One handoff, one ticket, each time."""

import pytest

from gateway.cli.handoffs import revive
from gateway.db.tables import deliveries
from gateway.delivery.attempt import FEWEST_TRIES

CREATE = {
    "zendesk": "/api/v2/tickets*",
    "freshdesk": "/api/v2/tickets",
    "servicenow": "/api/now/*table/incident",
}


@pytest.fixture(params=["zendesk", "freshdesk", "servicenow"])
def desk_kind(request):
    return request.param


@pytest.fixture
def database_url(tmp_path):
    """What is tried here does not depend on the kind of database; tests/journeys goes through both."""
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


def delivery_of(bench, handoff_id):
    with bench.env.reading() as tx:
        return tx.deliveries.of_handoff(handoff_id)


def escalate(bench):
    return bench.say("My order A-1001 never came. I want to speak to a human")["decision"]["handoff_id"]


def settle(bench, minutes=30):
    """Work, let time pass to whatever is put off, work again, until nothing is due for a while."""
    for _ in range(minutes * 2):
        bench.work()
        bench.clock.forward(seconds=30)


def test_a_handoff_becomes_one_whole_ticket_with_priority_from_its_first_second(bench):
    handoff_id = escalate(bench)

    done = bench.work()

    (ticket,) = bench.tickets()
    delivery = delivery_of(bench, handoff_id)
    assert done.count("deliver") == 1
    assert delivery.state == "done"
    assert delivery.ticket.ticket_id == str(ticket["id"])
    assert ticket["key"] == delivery.key
    assert ticket["fields"]["tier"] == "short"
    assert ticket["fields"]["respond_by"].startswith("2026-03-06T10:00:00")
    note = "\n".join(ticket["private_notes"])
    assert "speak to a human" in note
    assert "explicit-request" in note
    assert not any("explicit-request" in text for text in ticket["public_texts"])


def test_doing_the_work_again_changes_nothing(bench):
    escalate(bench)
    bench.work()
    before = bench.tickets()

    with bench.env.transaction() as tx:
        tx.connection.execute(__import__("sqlalchemy").text("UPDATE work SET done_at = NULL, claimed_until = NULL"))
    bench.work()

    after = bench.tickets()
    assert len(after) == len(before) == 1
    assert after[0]["private_notes"] == before[0]["private_notes"]


@pytest.mark.parametrize("fault", ["cut_after", "500_after", "hang_after"])
def test_work_done_but_never_answered_is_found_again_and_not_done_twice(bench, desk_kind, fault):
    options = {"seconds": 3} if fault == "hang_after" else {}
    bench.sandbox.faults.add(fault, method="POST", path=CREATE[desk_kind], times=1, **options)
    handoff_id = escalate(bench)

    settle(bench, minutes=10)

    assert len(bench.tickets()) == 1
    assert delivery_of(bench, handoff_id).state == "done"


@pytest.mark.parametrize("fault", ["cut_before", "503", "500", "429", "html_200"])
def test_work_not_done_is_done_later_and_once(bench, desk_kind, fault):
    bench.sandbox.faults.add(fault, method="POST", path=CREATE[desk_kind], times=2)
    handoff_id = escalate(bench)

    settle(bench, minutes=20)

    assert len(bench.tickets()) == 1
    assert delivery_of(bench, handoff_id).state == "done"


def test_a_worker_killed_while_the_helpdesk_answers_leaves_a_row_that_another_one_finishes(
    bench, desk_kind, monkeypatch
):
    class Killed(BaseException):
        """Like kill -9: nothing after it runs."""

    handoff_id = escalate(bench)
    helpdesk = bench.env.helpdesk("desk")
    really = helpdesk.open_ticket

    def open_and_die(body, *, key):
        really(body, key=key)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(helpdesk, "open_ticket", open_and_die)
        with pytest.raises(Killed):
            bench.work()
    unsure = delivery_of(bench, handoff_id)
    bench.clock.forward(minutes=4)  # its lease runs out
    settle(bench, minutes=10)

    assert unsure.unsure
    assert unsure.ticket is None
    assert len(bench.tickets()) == 1
    assert delivery_of(bench, handoff_id).state == "done"


def test_a_worker_that_was_overtaken_writes_nothing(bench, monkeypatch):
    handoff_id = escalate(bench)
    helpdesk = bench.env.helpdesk("desk")
    really = helpdesk.open_ticket

    def open_after_a_long_pause(body, *, key):
        monkeypatch.undo()
        bench.clock.forward(minutes=4)
        settle(bench, minutes=6)  # meanwhile another worker has taken over and finished
        return really(body, key=key)

    monkeypatch.setattr(helpdesk, "open_ticket", open_after_a_long_pause)
    bench.work()

    attempts = [
        step for _, step, outcome, _, _ in attempts_of(bench, handoff_id) if (step, outcome) == ("open", "done")
    ]
    assert len(attempts) == 1


def attempts_of(bench, handoff_id):
    with bench.env.reading() as tx:
        return tx.deliveries.attempts_of(tx.deliveries.of_handoff(handoff_id).id)


def test_a_lasting_refusal_is_a_dead_letter_that_retry_brings_back(bench, desk_kind, monkeypatch):
    from connectors.errors import Refused

    handoff_id = escalate(bench)
    helpdesk = bench.env.helpdesk("desk")

    def refuse(body, *, key):
        raise Refused("Desk", "validation failed", field_errors=("priority: invalid_value",))

    with monkeypatch.context() as patched:
        patched.setattr(helpdesk, "open_ticket", refuse)
        bench.work()
    dead = delivery_of(bench, handoff_id)
    revive(bench.env, handoff_id)
    bench.work()

    assert dead.state == "dead"
    assert "priority: invalid_value" in dead.last_error
    assert len(bench.tickets()) == 1
    assert delivery_of(bench, handoff_id).state == "done"


def test_a_dead_letter_whose_ticket_was_made_after_all_is_found_and_not_doubled(bench, desk_kind):
    bench.sandbox.faults.add("cut_after", method="POST", path=CREATE[desk_kind], times=1)
    handoff_id = escalate(bench)
    bench.work()
    bench.sandbox.faults.add("503", method="*", path="*", times=None)
    with bench.env.transaction() as tx:
        tx.deliveries.change(delivery_of(bench, handoff_id).id, bench.clock.now, tries=FEWEST_TRIES)
    bench.clock.forward(hours=73)
    bench.work()
    dead = delivery_of(bench, handoff_id)

    bench.sandbox.faults.clear()
    revive(bench.env, handoff_id)
    settle(bench, minutes=10)

    assert dead.state == "dead"
    assert dead.unsure
    assert len(bench.tickets()) == 1
    assert delivery_of(bench, handoff_id).state == "done"


def test_a_helpdesk_taken_out_of_the_configuration_makes_a_dead_letter_that_says_so(bench):
    handoff_id = escalate(bench)
    kept = dict(bench.env.settings.helpdesks)

    bench.env.settings.helpdesks.clear()
    bench.work()
    dead = delivery_of(bench, handoff_id)
    bench.env.settings.helpdesks.update(kept)
    revive(bench.env, handoff_id)
    bench.work()

    assert dead.state == "dead"
    assert "no helpdesk 'desk'" in dead.last_error
    assert delivery_of(bench, handoff_id).state == "done"
    assert len(bench.tickets()) == 1


def test_clocks_run_while_the_helpdesk_is_away(bench, desk_kind):
    bench.sandbox.faults.add("503", method="POST", path=CREATE[desk_kind], times=None)
    handoff_id = escalate(bench)

    bench.work()

    with bench.env.reading() as tx:
        clocks = tx.clocks.of_handoff(handoff_id)
    assert clocks[0].metric == "first_human_response"
    assert clocks[0].started_at == bench.clock.now
    assert bench.count(deliveries) == 1
