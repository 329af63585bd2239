"""Two tickets for one handoff, however they came about: the older is kept, the other marked and shown to people."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from gateway.cli import handoffs as command
from gateway.db.tables import problems
from gateway.db.work import Work

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
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


def settle(bench, minutes=10):
    for _ in range(minutes * 2):
        bench.work()
        bench.clock.forward(seconds=30)


def doubled(bench, desk_kind):
    """A handoff whose create request was carried out twice, as by a helpdesk that is late."""
    bench.sandbox.faults.add("cut_after", method="POST", path=CREATE[desk_kind], times=1)
    handoff_id = bench.say("I want a human")["decision"]["handoff_id"]
    bench.one_round()
    with bench.env.reading() as tx:
        delivery = tx.deliveries.of_handoff(handoff_id)
    bench.clock.forward(seconds=5)
    bench.env.helpdesk("desk").open_ticket(delivery.body, key=f"{delivery.key}-late")
    return handoff_id


def test_the_older_ticket_is_kept_and_the_other_one_says_what_it_is(bench, desk_kind):
    handoff_id = doubled(bench, desk_kind)

    settle(bench)

    with bench.env.reading() as tx:
        delivery = tx.deliveries.of_handoff(handoff_id)
        (problem,) = tx.problems.open_ones()
    older, newer = sorted(bench.tickets(), key=lambda t: str(t["id"])) if desk_kind != "servicenow" else in_order(bench)
    assert delivery.state == "done"
    assert delivery.ticket.ticket_id == str(older["id"])
    assert problem.ticket.ticket_id == str(newer["id"])
    assert problem.marked_at is not None
    assert any("duplicate of" in note for note in newer["private_notes"])
    assert not any("duplicate of" in note for note in older["private_notes"])


def in_order(bench):
    return sorted(bench.tickets(), key=lambda t: t["number"])


def test_it_is_shown_to_people_until_they_have_mended_it(bench, monkeypatch):
    doubled(bench, bench.env.settings.helpdesks["desk"].account.kind)
    settle(bench)
    monkeypatch.setattr(command, "environment", lambda level: bench.env)
    run = CliRunner()

    listed = run.invoke(command.handoffs, ["list", "--problems"]).output
    (told,) = (
        json.loads(line) for line in run.invoke(command.handoffs, ["list", "--problems", "--json"]).output.splitlines()
    )
    metrics = bench.client.get("/metrics").text
    done = run.invoke(command.handoffs, ["mended", told["id"]])
    again = run.invoke(command.handoffs, ["mended", told["id"]])

    assert "doubled_ticket  desk" in listed
    assert 'baton_problems{helpdesk="desk",kind="doubled_ticket"} 1.0' in metrics
    assert (done.exit_code, again.exit_code) == (0, 1)
    assert run.invoke(command.handoffs, ["list", "--problems"]).output == ""
    assert bench.count(problems) == 1


def test_the_older_ticket_gets_the_news_that_the_other_one_had(bench):
    handoff_id = bench.say("I want a human")["decision"]["handoff_id"]
    bench.work()
    with bench.env.transaction() as tx:
        delivery = tx.deliveries.of_handoff(handoff_id)
    bench.clock.forward(seconds=5)
    younger = bench.env.helpdesk("desk").open_ticket(delivery.body, key=f"{delivery.key}-2")
    with bench.env.transaction() as tx:
        tx.deliveries.opened(delivery.id, younger, bench.clock.now)
        tx.deliveries.change(delivery.id, bench.clock.now, state="done", generation=2)
        tx.later(Work("look_again", delivery.id, bench.clock.now + timedelta(minutes=2), lane="desk"))
    bench.say("It was the blue one")

    settle(bench)

    with bench.env.reading() as tx:
        kept = tx.deliveries.of_handoff(handoff_id).ticket.ticket_id
    notes = {ticket["id"]: ticket["private_notes"] for ticket in bench.tickets()}
    assert kept == delivery.ticket.ticket_id
    assert sum("It was the blue one" in note for note in notes[kept]) == 1
    assert sum("It was the blue one" in note for note in notes[younger.ticket_id]) == 1
