"""Recorded calls as conversations of their own."""

import json
from datetime import UTC, datetime

from connectors.ports import VendorAccount, Webhook
from connectors.registry import vendor
from gateway.cli.renew import renewed, same_shape

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ACCOUNT = VendorAccount("phone", "retell", ("key",))


def a_call(words="hello", call_id="call_5c1e6a0f"):
    said = [{"role": "user", "content": words}]
    body = {"event": "call_ended", "call": {"call_id": call_id, "transcript_object": said}}
    return Webhook({}, json.dumps(body).encode(), NOW)


def conversation_of(webhook):
    (event,) = vendor("retell").parse(webhook, ACCOUNT)
    return event.conversation.vendor_conversation_id


def test_another_run_is_another_conversation_and_the_same_run_the_same():
    first, again, other = (
        conversation_of(renewed(a_call(), vendor("retell"), ACCOUNT, run)) for run in ("a", "a", "b")
    )

    assert first == again != other
    assert "call_5c1e6a0f" not in (first, other)


def test_words_stay():
    (event,) = vendor("retell").parse(renewed(a_call("where is it?"), vendor("retell"), ACCOUNT, "a"), ACCOUNT)

    assert event.turns[0].text == "where is it?"


def test_an_id_keeps_its_shape():
    new = same_shape("29a1f6a0-6b3d-4e2a", "run")

    assert len(new) == 18
    assert [c == "-" for c in new] == [c == "-" for c in "29a1f6a0-6b3d-4e2a"]
    assert same_shape("12345", "run").isdigit()


def test_what_the_adapter_cannot_read_is_left_alone():
    damaged = Webhook({}, b"{", NOW)

    assert renewed(damaged, vendor("retell"), ACCOUNT, "a") == damaged
