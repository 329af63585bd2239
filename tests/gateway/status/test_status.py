"""What people do at the helpdesk comes back: the first human reply stops the clock, solved closes the handoff."""

import threading
import time

import pytest
from werkzeug.serving import make_server

from connectors.sandbox.desk import Deed
from connectors.sandbox.target import Target
from gateway.db.tables import handoffs, status_changes

SECRET = "status-secret"  # as in tests/gateway/conftest.py


@pytest.fixture(params=["zendesk", "freshdesk", "servicenow"])
def desk_kind(request):
    return request.param


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def desk(bench):
    """The bench behind a real port, with its sandbox's webhooks pointed at it but held until a test releases them."""
    server = make_server("127.0.0.1", 0, bench.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    target = Target(f"http://127.0.0.1:{server.server_port}/v1/status/desk", SECRET, hold=True)
    bench.sandbox.state.webhooks.point_to(target)
    yield bench
    server.shutdown()
    thread.join()
    server.server_close()


def act(desk, kind, value, agent="Dana Agent"):
    """An agent does something on the newest ticket; returns the numbers of the webhooks it causes."""
    webhooks = desk.sandbox.state.webhooks
    before = len(webhooks.as_json())
    desk.sandbox.state.act(desk.tickets()[-1]["id"], Deed(kind, value, agent))
    return [call["id"] for call in webhooks.as_json()[before:]]


def told(desk, numbers, again=()):
    """Let the helpdesk send these webhooks, in this order, then some of them again; do the work they cause."""
    webhooks = desk.sandbox.state.webhooks
    for number in numbers:
        webhooks.release([number])
        wait_until_sent(webhooks)
    for number in again:
        webhooks.redeliver(number)
        wait_until_sent(webhooks)
    desk.work()


def wait_until_sent(webhooks):
    deadline = time.monotonic() + 10
    while any(call["state"] == "waiting" for call in webhooks.as_json()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert all(a["status"] == 200 for call in webhooks.as_json() for a in call["attempts"]), webhooks.as_json()


def escalate(desk):
    handoff_id = desk.say("human please")["decision"]["handoff_id"]
    desk.work()
    return handoff_id


def look(desk, handoff_id):
    with desk.env.reading() as tx:
        return tx.handoffs.get(handoff_id), {c.metric: c for c in tx.clocks.of_handoff(handoff_id)}


def test_the_first_human_reply_stops_the_response_clock_at_its_own_time(desk):
    handoff_id = escalate(desk)
    desk.clock.forward(minutes=7)
    replied_at = desk.clock.now

    calls = act(desk, "reply", "Hello, I am looking into it.")
    desk.clock.forward(minutes=3)
    told(desk, calls)

    handoff, clocks = look(desk, handoff_id)
    assert handoff.status == "answered"
    assert clocks["first_human_response"].outcome == "met"
    assert clocks["first_human_response"].stopped_at == replied_at


def test_a_reply_after_the_due_time_is_a_missed_target_and_the_breach_is_on_record(desk):
    handoff_id = escalate(desk)
    desk.clock.forward(hours=25)
    desk.work()

    told(desk, act(desk, "reply", "Sorry for the wait."))

    _, clocks = look(desk, handoff_id)
    clock = clocks["first_human_response"]
    with desk.env.reading() as tx:
        effects = [effect.key.effect for effect in tx.clocks.effects_of(clock.id)]
    assert clock.outcome == "missed"
    assert effects.count("breached") == 1
    assert effects.count("skipped") == 2  # nobody looked in time, and a breach says more than its warnings


def test_a_reply_in_time_means_no_breach_when_the_timer_fires(desk):
    handoff_id = escalate(desk)
    desk.clock.forward(minutes=5)
    told(desk, act(desk, "reply", "Hello."))
    desk.clock.forward(hours=30)

    desk.work()

    _, clocks = look(desk, handoff_id)
    with desk.env.reading() as tx:
        assert [e.key.effect for e in tx.clocks.effects_of(clocks["first_human_response"].id)] == ["met"]


def test_a_private_note_answers_nobody(desk):
    handoff_id = escalate(desk)

    told(desk, act(desk, "note", "internal: looks odd"))

    _, clocks = look(desk, handoff_id)
    assert clocks["first_human_response"].outcome is None


def test_solved_closes_the_handoff_and_the_next_request_is_a_new_one(desk):
    first = escalate(desk)
    told(desk, act(desk, "reply", "Done."))
    told(desk, act(desk, "status", "solved"))

    handoff, _ = look(desk, first)
    second = desk.say("it broke again, human please")["decision"]["handoff_id"]
    desk.work()

    assert handoff.status == "solved"
    assert handoff.closed_at is not None
    assert second != first
    assert desk.count(handoffs) == 2
    assert len(desk.tickets()) == 2


def test_after_people_are_done_the_bots_failures_are_counted_anew(desk):
    failed = {"tool_calls": [{"name": "find_order", "task": "order_lookup", "ok": False}]}
    for _ in range(2):
        answer = desk.say("Not found.", "c-9", role="bot", context=failed, customer=None)
    assert answer["decision"]["rules"] == ["same-task-failed"]
    desk.work()
    told(desk, act(desk, "reply", "Found it."))
    told(desk, act(desk, "status", "solved"))

    assert desk.say("thanks!", "c-9")["decision"]["action"] == "continue"
    assert desk.say("Not found.", "c-9", role="bot", context=failed)["decision"]["action"] == "continue"


def test_closed_without_an_answer_is_neither_met_nor_missed(desk):
    handoff_id = escalate(desk)

    told(desk, act(desk, "status", "solved"))

    _, clocks = look(desk, handoff_id)
    assert clocks["first_human_response"].outcome == "cancelled"


def test_the_same_webhook_twice_and_in_any_order_ends_in_the_same_place(desk):
    handoff_id = escalate(desk)
    desk.clock.forward(minutes=2)
    calls = act(desk, "reply", "Hello.")
    desk.clock.forward(minutes=2)
    calls += act(desk, "status", "solved")

    told(desk, reversed(calls), again=calls)

    handoff, clocks = look(desk, handoff_id)
    assert handoff.status == "solved"
    assert clocks["first_human_response"].outcome == "met"


def test_an_unsigned_or_wrongly_signed_call_is_401_and_changes_nothing(desk):
    escalate(desk)
    act(desk, "reply", "Hello.")
    body = desk.sandbox.state.webhooks.as_json()[-1]["body"].encode()

    for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Webhook-Token": "wröng"}):
        assert desk.client.post("/v1/status/desk", data=body, headers=headers).status_code == 401
    assert desk.client.post("/v1/status/nowhere", data=b"{}").status_code == 404
    assert desk.count(status_changes) == 0
