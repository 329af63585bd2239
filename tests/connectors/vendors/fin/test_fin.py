"""The Fin Agent API: what is special about it."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import MalformedWebhook, Refused, SignatureRejected, Throttled, Unauthorized, Unavailable
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.fin import ADAPTER
from packets.conversation import Holder, fold_all
from packets.event import EventKind, Role

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
AT = "2026-06-15T12:00:01.123Z"
HEADER = "x-fin-agent-api-webhook-signature"


def an_account(url=None):
    return VendorAccount("fin-bot", "fin", ("key-1",), {}, url)


def parsed(**body):
    webhook = Webhook({}, json.dumps({"conversation_id": "c1", "user_id": "u1", **body}).encode(), NOW)
    return ADAPTER.parse(webhook, an_account())


def a_status(status, **more):
    return parsed(event_name="fin_status_updated", status=status, created_at_ms=AT, **more)


def a_reply(body="Hello.", **message):
    said = {"author": "fin", "body": body, "timestamp_ms": AT, **message}
    return parsed(event_name="fin_replied", status="replying", message=said, created_at_ms=AT)


def sent(body="Help.", **more):
    return parsed(message={"author": "user", "body": body, "timestamp": AT}, user={"id": "u1"}, **more)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["scheme"])
def test_the_vectors_are_answered_as_they_say(vector):
    webhook = Webhook(vector["headers"], vector["body"].encode(), NOW)

    assert ADAPTER.verify(webhook, VendorAccount("fin-bot", "fin", (vector["secret"],))).key_number == 0
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(webhook, VendorAccount("fin-bot", "fin", ("other",)))


@pytest.mark.parametrize(
    ("reason", "code", "by", "rule"),
    [
        ("Escalation requested by user", "customer_request", "customer", None),
        ("Escalation rule: VIP, angry", "rule", "rule", "VIP, angry"),
        ("Escalation rule matched", "rule", "rule", None),
        ("Routed to team", "rule", "rule", None),
        ("Conversation finished without resolution", "bot_failure", "bot", None),
        ("Something new", "other", "bot", None),
        (None, "other", "bot", None),
    ],
)
def test_the_reason_says_who_wants_people_and_why(reason, code, by, rule):
    (event,) = a_status("escalated", reason=reason)

    asked = event.handoff
    assert event.kind is EventKind.HANDOFF_REQUESTED
    assert (asked.reason_code, asked.requested_by, asked.rule_id, asked.reason_text) == (code, by, rule, reason)
    assert event.bot_outcome.failure_reason == (reason if code == "bot_failure" else None)


def test_the_time_called_milliseconds_is_an_iso_text():
    (event,) = a_status("escalated")

    assert event.occurred_at == datetime(2026, 6, 15, 12, 0, 1, 123000, UTC)
    assert not event.occurred_at_estimated


def test_the_end_of_fins_workflow_is_not_the_end_of_the_conversation():
    assert a_status("complete")[0].kind is EventKind.CONVERSATION_UPDATED
    assert a_status("resolved")[0].kind is EventKind.CONVERSATION_ENDED


def test_two_replies_in_one_millisecond_are_two_turns_with_and_without_ids():
    events = [a_reply("One.")[0], a_reply("Two.")[0], a_reply("Same.", id=1)[0], a_reply("Same.", id=2)[0]]

    assert len({event.event_id for event in events}) == 4
    assert len({event.turns[0].message_id for event in events}) == 4


def test_a_message_told_with_its_history_later_is_the_same_turn():
    (first,) = sent()
    history, second = parsed(
        message={"author": "user", "body": "And?", "timestamp": "2026-06-15T12:05:00Z"},
        conversation_metadata={"history": [{"author": "user", "body": "Help.", "timestamp": AT}]},
    )

    assert history.turns[0].message_id == first.turns[0].message_id
    assert fold_all("fin-bot", "c1", [first, history, second]).customer_turns == 2


def test_people_in_the_history_do_not_hold_what_fin_is_started_for():
    events = sent(conversation_metadata={"history": [{"author": "agent", "body": "Hi.", "timestamp": AT}]})

    assert [turn.role for event in events for turn in event.turns] == [Role.AGENT, Role.CUSTOMER]
    assert fold_all("fin-bot", "c1", events).holder is Holder.BOT


@pytest.mark.parametrize("body", [{"message": "words"}, {"message": {}}, {"message": None}])
def test_what_was_sent_to_fin_without_words_is_malformed(body):
    with pytest.raises(MalformedWebhook):
        parsed(**body)


def a_notice(kind=NoticeKind.HANDED_OFF):
    return Notice("hof_1.1", kind, "c1", "A colleague takes over.", agent="Dana", facts={"handoff_id": "hof_1"})


@pytest.mark.parametrize(
    ("kind", "event_type"),
    [
        (NoticeKind.HANDED_OFF, "handoff.opened"),
        (NoticeKind.HUMAN_JOINED, "agent.assigned"),
        (NoticeKind.CONTROL_RETURNED, "control.returned"),
    ],
)
def test_the_server_that_runs_the_channel_is_told_and_can_check_it_as_fins(local_vendor, kind, event_type):
    make_vendor_client(an_account(local_vendor.url)).tell(a_notice(kind))

    (call,) = local_vendor.calls
    digest = hmac.new(b"key-1", call.body, hashlib.sha256).hexdigest()
    assert (call.method, call.path, call.json["type"]) == ("POST", "/", event_type)
    assert call.json["data"] == {
        "conversation": {"id": "c1"},
        "handoff": {"handoff_id": "hof_1"},
        "message": {"text": "A colleague takes over."},
        "agent": {"name": "Dana"},
    }
    assert (call.headers[HEADER], call.headers["webhook-id"]) == (f"sha256={digest}", "hof_1.1")


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthorized), (404, Refused), (429, Throttled), (500, Unavailable)]
)
def test_what_the_server_answers_is_told_as_ours_without_secrets_or_words(local_vendor, status, error):
    local_vendor.status = status

    with pytest.raises(error) as failed:
        make_vendor_client(an_account(local_vendor.url)).tell(a_notice())

    assert type(failed.value) is error
    assert not any(word in str(failed.value) for word in ("key-1", "colleague"))
