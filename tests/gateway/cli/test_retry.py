"""baton handoffs retry: says what it would do, then does it, and never doubles."""

import pytest
from click.testing import CliRunner

from connectors.errors import Refused
from gateway.cli import handoffs as command


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def dead(bench, monkeypatch):
    """Three dead letters of today; the last one's request was once cut off, so its ticket may be there."""

    def refuse(body, *, key):
        raise Refused("Desk", "validation failed", field_errors=("priority: invalid_value",))

    handoffs = [bench.say("human please", f"c-{n}")["decision"]["handoff_id"] for n in range(2)]
    with monkeypatch.context() as patched:
        patched.setattr(bench.env.helpdesk("desk"), "open_ticket", refuse)
        bench.work()
    bench.clock.forward(hours=1)
    bench.sandbox.faults.add("cut_after", method="POST", path="/api/v2/tickets*", times=1)
    handoffs.append(bench.say("human please", "c-9")["decision"]["handoff_id"])
    bench.one_round()
    with bench.env.transaction() as tx:
        tx.deliveries.change(
            tx.deliveries.of_handoff(handoffs[2]).id, bench.clock.now, state="dead", last_error="nobody answered"
        )
    bench.work()
    monkeypatch.setattr(command, "environment", lambda level: bench.env)
    return handoffs


def retry(*arguments):
    return CliRunner().invoke(command.handoffs, ["retry", *arguments])


def states(bench, handoffs):
    with bench.env.reading() as tx:
        return [tx.deliveries.of_handoff(handoff).state.value for handoff in handoffs]


def test_without_yes_nothing_is_done_and_what_would_be_is_said(bench, dead):
    said = retry("--all")

    assert said.exit_code == 0
    assert said.output.count("would: make the request anew") == 2
    assert said.output.count("would: look whether its ticket is there") == 1
    assert "3 dead deliveries would be brought back; --yes does it" in said.output
    assert states(bench, dead) == ["dead"] * 3


def test_with_yes_all_come_to_exactly_one_ticket_each(bench, dead):
    retry("--all", "--yes")
    for _ in range(20):
        bench.work()
        bench.clock.forward(seconds=30)

    assert states(bench, dead) == ["done"] * 3
    assert len(bench.tickets()) == 3


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["--helpdesk", "desk"], 3),
        (["--helpdesk", "elsewhere"], 0),
        (["--error", "INVALID_VALUE"], 2),
        (["--error", "nobody", "--helpdesk", "desk"], 1),
        (["--since", "30m"], 1),
        (["--since", "2026-03-06"], 3),
        (["--since", "2026-03-07"], 0),
    ],
)
def test_filters_choose_together(bench, dead, arguments, chosen):
    assert f"\n{chosen} dead deliveries" in "\n" + retry(*arguments).output


@pytest.mark.parametrize("arguments", [[], ["hof_1", "--all"], ["--since", "yesterday"]])
def test_a_call_that_does_not_say_which_is_refused(bench, dead, arguments):
    assert retry(*arguments).exit_code == 2


def test_one_that_is_not_dead_is_not_retried(bench, dead):
    retry(dead[0], "--yes")

    again = retry(dead[0], "--yes")

    assert again.exit_code == 1
    assert "not dead" in again.output
