"""Several calls in one transaction, on both databases: each is answered as if it had come alone."""

import json
import secrets

import pytest
from sqlalchemy.exc import IntegrityError

from connectors.ports import Webhook
from connectors.signing import sign_standard_webhook
from gateway.db.tables import conversations, decisions, events, handoffs, webhooks, work
from gateway.intake.receive import Call, keep

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def call(bench, envelope, webhook_id=None):
    body = json.dumps(envelope).encode()
    webhook_id, now = webhook_id or f"msg_{secrets.token_hex(8)}", int(bench.clock.now.timestamp())
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard_webhook(SECRET, webhook_id, now, body),
    }
    webhook, adapter = Webhook(headers, body, bench.clock.now), bench.env.vendor("canonical")
    account = bench.env.settings.sources["shop"].account
    return Call("shop", webhook, adapter.verify(webhook, account), adapter.parse(webhook, account))


def test_calls_about_several_conversations_are_kept_in_one_transaction(bench):
    calls = [call(bench, bench.turn("where is my order?", f"c-{n}")) for n in (3, 1, 2)]

    kept = keep(bench.env, calls)

    assert [k.answer.body["decision"]["action"] for k in kept] == ["continue"] * 3
    assert len({k.answer.body["conversation_id"] for k in kept}) == 3
    assert [bench.count(t) for t in (webhooks, conversations, events, decisions)] == [3, 3, 3, 3]


def test_turns_of_one_conversation_in_one_transaction_are_folded_one_after_the_other(bench):
    calls = [call(bench, bench.turn(text)) for text in ("hello", "human please", "I will wait")]

    answers = [k.answer.body for k in keep(bench.env, calls)]

    assert [a["decision"]["action"] for a in answers] == ["continue", "escalate", "continue"]
    assert answers[1]["decision"]["handoff_id"] == answers[2]["decision"]["handoff_id"]
    with bench.env.reading() as tx:
        row = tx.conversations.get(answers[0]["conversation_id"])
        packet = tx.handoffs.packet_of(answers[1]["decision"]["handoff_id"])
    assert (row.events, row.state.turns) == (3, 3)
    assert [turn.text for turn in packet.transcript.turns] == ["hello", "human please"]


def test_the_bells_of_a_call_are_rung_by_that_call_and_not_inside_the_shared_transaction(bench):
    calls = [call(bench, bench.turn("hello", "c-1")), call(bench, bench.turn("human please", "c-2"))]

    quiet, loud = keep(bench.env, calls)

    assert quiet.to_ring == []
    assert sorted(item.kind for _, item in loud.to_ring) == ["assign_sla", "deliver"]
    assert bench.env.bell.is_empty("delivery")


def test_a_call_that_came_before_is_answered_as_then_beside_new_ones(bench):
    old = call(bench, bench.turn("human please", "c-1"))
    (first,) = keep(bench.env, [old])

    again, new = keep(bench.env, [old, call(bench, bench.turn("hello", "c-2"))])

    assert again.answer.body == {**first.answer.body, "duplicate": True}
    assert new.answer.body["duplicate"] is False
    assert [bench.count(t) for t in (webhooks, events, handoffs)] == [2, 2, 1]


def test_the_same_call_twice_in_one_transaction_is_done_once(bench):
    twice = call(bench, bench.turn("human please"))

    first, second = keep(bench.env, [twice, twice])

    assert (first.answer.duplicate, second.answer.duplicate) == (False, True)
    assert second.answer.body == {**first.answer.body, "duplicate": True}
    assert [bench.count(t) for t in (webhooks, events, handoffs)] == [1, 1, 1]


def test_an_event_that_came_before_in_another_call_undoes_the_whole_batch(bench):
    keep(bench.env, [call(bench, bench.turn("hello", event_id="evt-1"))])
    calls = [call(bench, bench.turn("human please", "c-2")), call(bench, bench.turn("hello", event_id="evt-1"))]

    with pytest.raises(IntegrityError):
        keep(bench.env, calls)

    assert [bench.count(t) for t in (webhooks, events, handoffs, work)] == [1, 1, 0, 0]
    assert [keep(bench.env, [one])[0].answer.body["duplicate"] for one in calls] == [False, True]
