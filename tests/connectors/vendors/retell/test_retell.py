"""Retell: what is special about it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.vendors.retell import ADAPTER
from packets.event import EventKind, Role

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def an_account(**options):
    return VendorAccount("phone", "retell", ("key-1",), options)


def parsed(body, **options):
    return ADAPTER.parse(Webhook({}, json.dumps(body).encode(), NOW), an_account(**options))


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_published_vectors_are_answered_as_they_say(vector):
    at = datetime.fromtimestamp(float(vector["clock"]), UTC)
    webhook = Webhook(vector["headers"], vector["body"].encode(), at)
    account = VendorAccount("phone", "retell", (vector["secret"],))

    try:
        ADAPTER.verify(webhook, account)
        answer = "valid"
    except SignatureRejected:
        answer = "invalid"

    assert answer == vector["expect"]


def test_the_agent_is_the_bot_and_the_transfer_target_is_a_person():
    said = [{"role": role, "content": role, "words": []} for role in ("agent", "user", "transfer_target", "dtmf")]

    (event,) = parsed({"event": "call_ended", "call": {"call_id": "c", "transcript_object": said}})

    assert [turn.role for turn in event.turns] == [Role.BOT, Role.CUSTOMER, Role.AGENT]


@pytest.mark.parametrize("name", ["transcript_object", "transcript_with_tool_calls", "message_with_tool_calls"])
def test_each_growth_of_the_transcript_is_an_event_of_its_own_and_a_redelivery_is_not(name):
    def grown(turns):
        said = [{"role": "user", "content": f"turn {n}"} for n in range(turns)]
        (event,) = parsed({"event": "transcript_updated", "call": {"call_id": "c", name: said}})
        return event.event_id

    assert grown(2) == grown(2) != grown(3)


@pytest.mark.parametrize(
    ("option", "kind"), [("no", EventKind.CONVERSATION_ENDED), ("yes", EventKind.HANDOFF_REQUESTED)]
)
def test_a_failed_call_is_handed_off_only_if_ops_say_so(option, kind):
    call = {"call_id": "c", "disconnection_reason": "error_inbound_webhook"}

    (event,) = parsed({"event": "call_ended", "call": call}, failed_calls=option)

    assert event.kind is kind
    assert event.bot_outcome.failure_reason == "error_inbound_webhook"


def test_the_sentiment_is_read_though_it_is_capitalised():
    body = {"event": "call_analyzed", "call": {"call_id": "c", "call_analysis": {"user_sentiment": "Negative"}}}

    (event,) = parsed(body)

    assert event.context.analysis["sentiment"] == {"label": "negative"}


@pytest.mark.parametrize(("direction", "phone"), [("inbound", "+1555001"), ("outbound", "+1555002")])
def test_the_customer_is_the_number_that_is_not_ours(direction, phone):
    call = {"call_id": "c", "direction": direction, "from_number": "+1555001", "to_number": "+1555002"}

    (event,) = parsed({"event": "call_started", "call": call})

    assert event.customer.phone == phone
