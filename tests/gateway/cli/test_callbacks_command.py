"""baton callbacks: what is to come, and saying what became of it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from gateway.app import create_app
from gateway.cli import callbacks, cli, handoffs

TOMORROW = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def baton(bench, monkeypatch):
    monkeypatch.setattr(callbacks, "environment", lambda level: bench.env)
    return lambda *words: CliRunner().invoke(cli, ["callbacks", *words])


@pytest.fixture
def handoff_id(bench):
    asked = {"conversation": {"id": "c-1"}, "callback": {"starts_at": TOMORROW.isoformat(), "zone": "Europe/Berlin"}}
    envelope = {"type": "callback.confirmed", "timestamp": bench.clock.now.isoformat(), "data": asked}
    found = bench.post(envelope).json["decision"]["handoff_id"]
    bench.work()
    return found


def test_what_is_to_come_is_listed_by_the_customers_clock(baton, handoff_id):
    listed, lines = baton("list"), baton("list", "--json")

    assert "2026-03-06 15:00-15:30 Europe/Berlin  confirmed" in listed.output
    assert json.loads(lines.output)["handoff_id"] == handoff_id
    assert baton("list", "--state", "missed").output == ""


def test_a_handoffs_appointments_are_shown_with_it(baton, monkeypatch, bench, handoff_id):
    monkeypatch.setattr(handoffs, "environment", lambda level: bench.env)

    shown = CliRunner().invoke(cli, ["handoffs", "show", handoff_id])

    assert "  callback   2026-03-06T14:00:00+00:00 (Europe/Berlin): booked" in shown.output


def test_what_was_missed_stays_listed_for_a_week(baton, bench, handoff_id):
    bench.clock.now = TOMORROW + timedelta(minutes=31)
    bench.work()
    missed = baton("list").output
    bench.clock.forward(days=8)

    assert f"missed     general  {handoff_id}" in missed
    assert baton("list").output == ""
    assert handoff_id in baton("list", "--state", "missed").output


def test_a_call_that_was_made_is_said_to_be_and_stays_so(baton, bench, handoff_id):
    bench.clock.now = TOMORROW + timedelta(minutes=3)

    kept, again, missed = baton("kept", handoff_id), baton("kept", handoff_id), baton("missed", handoff_id)

    assert (kept.exit_code, again.exit_code, missed.exit_code) == (0, 0, 1)
    assert "kept already" in missed.output
    shown = (
        create_app(bench.env)
        .test_client()
        .get(f"/v1/handoffs/{handoff_id}", headers={"Authorization": "Bearer token-1"})
    )
    assert [version["state"] for version in shown.json["appointments"]] == ["kept"]


def test_a_handoff_without_an_appointment_says_so(baton, bench):
    handoff_id = bench.say("human please")["decision"]["handoff_id"]

    answer = baton("kept", handoff_id)

    assert answer.exit_code == 1
    assert f"no handoff {handoff_id} that had an appointment" in answer.output
