"""`baton torture` as a command: what it prints, and what its exit code says."""

import json

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.delivery import send
from gateway.delivery.attempt import Step


def torture(*arguments):
    return CliRunner().invoke(cli, ["torture", *arguments])


def test_zeros_are_printed_as_one_object_and_exit_0():
    result = torture("points", "--helpdesk", "servicenow", "--most", "2", "--seed", "7", "--json")

    tally = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (tally["mode"], tally["seed"], tally["cases"], tally["accepted"]) == ("points", 7, 2, 2)
    assert (tally["lost"], tally["doubled"], tally["incomplete"], tally["findings"]) == (0, 0, 0, [])
    assert tally["attempts"] > 0


def test_a_broken_promise_is_named_and_exits_1(monkeypatch):
    original = send._Carrier._done

    def finishing_too_soon(self, tx):
        original(self, tx)
        tx.deliveries.change(self.delivery.id, self.env.now(), state="dead")

    runs = []

    def only_after_the_clean_run(self, tx):
        runs.append(self)
        (original if len(runs) == 1 else finishing_too_soon)(self, tx)

    monkeypatch.setattr(send._Carrier, "_done", only_after_the_clean_run)

    result = torture("points", "--helpdesk", "freshdesk", "--most", "1", "--seed", "7")

    assert result.exit_code == 1
    assert "lost 1" in result.stdout
    assert "the delivery is dead" in result.stdout


def test_what_does_not_work_even_without_harm_could_not_run_and_exits_2(monkeypatch):
    original = send._Carrier._ask
    monkeypatch.setattr(
        send._Carrier, "_ask", lambda self, desk, step: None if step is Step.COMPLETE else original(self, desk, step)
    )

    result = torture("points", "--helpdesk", "freshdesk", "--most", "1")

    assert result.exit_code == 2
    assert "no private note with the packet" in result.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:///x.sqlite3", "names a PostgreSQL server"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/x", "could not run"),
    ],
)
def test_a_database_that_cannot_be_had_exits_2(address, said):
    result = torture("points", "--most", "1", "--database", address)

    assert result.exit_code == 2
    assert said in result.stderr


def test_the_points_can_be_listed():
    result = torture("points", "--helpdesk", "zendesk", "--list")

    assert result.exit_code == 0
    assert "zendesk/sqlite  01 intake: commit" in result.stdout
    assert "POST /api/v2/tickets.json: killed, and done a minute later" in result.stdout
