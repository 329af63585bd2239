"""Zendesk's webhooks: who may speak, and what is said."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.helpdesks.zendesk.inbound import TEST_SECRET, ZendeskInbound
from connectors.ports import Webhook
from packets.draft import ChangeKind, Priority, TicketStatus

INBOUND = ZendeskInbound()
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
SECRET = "c2FtcGxlLXNpZ25pbmctc2VjcmV0"


def signature(secret, timestamp, body):
    return base64.b64encode(hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()).decode()


def a_webhook(body, *, secret=SECRET, signed_at=NOW, received_at=NOW, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body, indent=3).encode() + b"\n"
    timestamp = signed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    signed = {
        "x-zendesk-webhook-signature": signature(secret, timestamp, raw),
        "x-zendesk-webhook-signature-timestamp": timestamp,
        "x-zendesk-webhook-invocation-id": "01HANAINVOCATION",
    }
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in {**signed, **sent}.items() if value is not None}
    return Webhook(headers=kept, body=raw, received_at=received_at)


def test_the_published_vectors_give_the_published_signatures(fixture):
    for vector in fixture("webhook_signature_vectors")["vectors"]:
        made = signature(
            vector["secret_used_verbatim_as_key_bytes"],
            vector["X-Zendesk-Webhook-Signature-Timestamp"],
            vector["body"].encode(),
        )
        assert made == vector["X-Zendesk-Webhook-Signature"], vector["name"]


def test_a_right_signature_is_accepted_under_any_live_secret():
    verified = INBOUND.verify(a_webhook({"ticket_id": "1"}), ["another", "", SECRET])

    assert verified.key_number == 2


@pytest.mark.parametrize("age", [timedelta(seconds=301), timedelta(seconds=-301), timedelta(days=400)])
def test_a_stale_or_future_signature_is_rejected(age):
    webhook = a_webhook({"ticket_id": "1"}, signed_at=NOW - age)

    with pytest.raises(SignatureRejected):
        INBOUND.verify(webhook, [SECRET])


def test_an_old_event_that_was_just_signed_again_is_accepted(fixture):
    event = fixture("webhook_event_ticket_status_changed")  # of January 2025

    assert INBOUND.verify(a_webhook(event), [SECRET]).dedupe_key == event["id"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x_zendesk_webhook_signature": None},
        {"x_zendesk_webhook_signature": ""},
        {"x_zendesk_webhook_signature": "ünicode✓"},
        {"x_zendesk_webhook_signature": "\ud800"},
        {"x_zendesk_webhook_signature": "AAAA"},
        {"x_zendesk_webhook_signature_timestamp": None},
        {"x_zendesk_webhook_signature_timestamp": "1772787600"},
        {"x_zendesk_webhook_signature_timestamp": "٢٠٢٦-03-06T09:00:00Z"},
        {"x_zendesk_webhook_signature_timestamp": "2026-03-06T09:00:01Z"},
    ],
)
def test_a_missing_or_mutilated_signature_is_rejected(headers):
    with pytest.raises(SignatureRejected):
        INBOUND.verify(a_webhook({"ticket_id": "1"}, **headers), [SECRET])


def test_a_changed_body_is_rejected():
    webhook = a_webhook({"ticket_id": "1"})

    with pytest.raises(SignatureRejected):
        INBOUND.verify(Webhook(webhook.headers, webhook.body + b" ", NOW), [SECRET])


@pytest.mark.parametrize(
    ("signed_with", "live"), [("", []), ("", [""]), (TEST_SECRET, [TEST_SECRET]), ("wrong", [SECRET])]
)
def test_neither_no_secret_nor_the_published_test_secret_opens_the_door(signed_with, live):
    with pytest.raises(SignatureRejected):
        INBOUND.verify(a_webhook({"ticket_id": "1"}, secret=signed_with), live)


def test_an_event_is_known_again_by_its_signed_id_whatever_the_headers_say(fixture):
    event = fixture("webhook_event_ticket_status_changed")

    keys = {INBOUND.verify(a_webhook(event, x_zendesk_webhook_invocation_id=i), [SECRET]).dedupe_key for i in "ab"}

    assert keys == {event["id"]}


def test_a_trigger_is_known_again_by_its_invocation():
    first = INBOUND.verify(a_webhook({"ticket_id": "1"}), [SECRET])
    again = INBOUND.verify(a_webhook({"ticket_id": "1"}, signed_at=NOW + timedelta(seconds=5)), [SECRET])
    other = INBOUND.verify(a_webhook({"ticket_id": "1"}, x_zendesk_webhook_invocation_id="B"), [SECRET])

    assert first.dedupe_key == again.dedupe_key != other.dedupe_key


def test_a_public_reply_by_staff_is_a_human_reply(fixture):
    [change] = INBOUND.parse(a_webhook(fixture("webhook_event_ticket_comment_added")))

    assert (change.kind, change.ticket_id) == (ChangeKind.HUMAN_REPLIED, "5158")
    assert change.change_id == "d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52"
    assert change.occurred_at == datetime(2025, 1, 8, 14, 25, 30, 123456, tzinfo=UTC)


@pytest.mark.parametrize("change", [{"is_public": False}, {"author": {"id": "7", "is_staff": False, "name": "Ana"}}])
def test_a_private_note_or_the_customers_own_words_are_no_human_reply(fixture, change):
    event = fixture("webhook_event_ticket_comment_added")
    event["event"]["comment"].update(change)

    assert INBOUND.parse(a_webhook(event)) == ()


def test_what_our_own_user_wrote_or_did_is_an_echo(fixture):
    comment, status = fixture("webhook_event_ticket_comment_added"), fixture("webhook_event_ticket_status_changed")
    author = frozenset({comment["event"]["comment"]["author"]["id"]})
    actor = frozenset({status["detail"]["actor_id"]})

    assert INBOUND.parse(a_webhook(comment), own_user_ids=author) == ()
    assert INBOUND.parse(a_webhook(status), own_user_ids=actor) == ()


def test_a_change_of_status_brings_the_new_one(fixture):
    event = fixture("webhook_event_ticket_status_changed")
    event["detail"]["external_id"] = "pkt_1"

    [change] = INBOUND.parse(a_webhook(event))

    assert (change.kind, change.status) == (ChangeKind.STATUS_CHANGED, TicketStatus.SOLVED)
    assert (change.priority, change.packet_id) == (Priority.HIGH, "pkt_1")


def test_the_other_events_we_need(fixture):
    changes = [INBOUND.parse(a_webhook(event))[0] for event in fixture("webhook_events_composed")]

    assert [change.kind for change in changes] == [
        ChangeKind.ASSIGNED,
        ChangeKind.PRIORITY_CHANGED,
        ChangeKind.RATED,
        ChangeKind.STATUS_CHANGED,
    ]
    assert changes[0].assignee == "8447388090494"
    assert changes[1].priority is Priority.CRITICAL
    assert changes[2].rating == "good"
    assert changes[3].status is TicketStatus.CANCELLED


@pytest.mark.parametrize(
    "kind", ["zen:event-type:ticket.tags_changed", "zen:event-type:ticket.of_tomorrow", "zen:event-type:user.created"]
)
def test_events_we_need_nothing_from_are_empty(fixture, kind):
    event = {**fixture("webhook_event_ticket_status_changed"), "type": kind}

    assert INBOUND.parse(a_webhook(event)) == ()


@pytest.mark.parametrize("nothing", ["", None, "0"])
def test_an_event_of_a_ticket_that_nobody_has_an_id_for_says_so(fixture, nothing):
    event = fixture("webhook_event_ticket_status_changed")
    event["detail"]["external_id"] = nothing

    [change] = INBOUND.parse(a_webhook(event))
    [hint] = INBOUND.parse(a_webhook({"ticket_id": "35436", "external_id": nothing}))
    [silent] = INBOUND.parse(a_webhook({"ticket_id": "35436"}))

    assert (change.packet_id, hint.packet_id, silent.packet_id) == ("", "", None)


@pytest.mark.parametrize(
    "body",
    [{"ticket_id": "35436", "external_id": "pkt_1"}, {"ticket": {"id": 35436, "external_id": "pkt_1"}}],
)
def test_a_trigger_is_a_hint_to_read_the_ticket(body):
    [change] = INBOUND.parse(a_webhook(body))

    assert (change.kind, change.ticket_id, change.packet_id) == (ChangeKind.HINT, "35436", "pkt_1")
    assert (change.change_id, change.occurred_at) == ("01HANAINVOCATION", NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"{}",
        b'{"ticket_id": "{{ticket.id}}"}',
        b'{"ticket_id": true}',
        b'{"ticket_id": "1", "ticket_id": "2"}',
        b'{"type": "zen:event-type:ticket.status_changed"}',
        b'{"type": "zen:event-type:ticket.status_changed", "detail": {"id": "x"}, "id": "e"}',
        b'{"type": "zen:event-type:ticket.comment_added", "detail": {"id": "1"}, "event": {"comment": []}, "id": "e"}',
        b"[" * 5_000,
    ],
)
def test_a_damaged_body_is_malformed(body):
    with pytest.raises(MalformedWebhook) as caught:
        INBOUND.parse(a_webhook(body))

    assert "ticket.id}}" not in str(caught.value)
