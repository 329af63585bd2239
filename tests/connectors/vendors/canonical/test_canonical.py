"""The canonical vendor: signatures against published vectors, bodies into events."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount, Webhook
from connectors.signing import sign_standard_webhook
from connectors.vendors.canonical import ADAPTER
from packets.event import EventKind, Role

FIXTURES = Path(__file__).parent / "fixtures"
DEMO = Path(__file__).resolve().parents[4] / "gateway" / "demo" / "conversations"
VECTORS = json.loads((FIXTURES / "signature_vectors.json").read_text("utf-8"))["vectors"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


def an_account(*secrets):
    return VendorAccount("shop", "canonical", secrets or (SECRET,))


def a_call(body, *, secret=SECRET, at=NOW, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = int(at.timestamp())
    sent = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign_standard_webhook(secret, "msg_1", stamp, raw),
    }
    return Webhook(sent | headers, raw, NOW)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['expect']}-{v.get('note', 'published')}"[:60])
def test_published_and_computed_vectors_are_answered_as_they_say(vector):
    webhook = Webhook(vector["headers"], vector["body"].encode(), datetime.fromtimestamp(vector["clock"], UTC))

    try:
        answer = "valid" if ADAPTER.verify(webhook, an_account(vector["secret"])).dedupe_key else ""
    except SignatureRejected:
        answer = "invalid"

    assert answer in vector["expect"].split("-or-") or vector["expect"].startswith("valid-or-invalid")


def test_the_svix_spelling_of_the_headers_is_taken_too():
    call = a_call({})
    svix = {name.replace("webhook-", "svix-"): value for name, value in call.headers.items()}

    assert ADAPTER.verify(Webhook(svix, call.body, NOW), an_account(SECRET)).dedupe_key == "msg_1"


def test_during_a_rotation_either_secret_is_good_and_it_is_known_which_was_used():
    assert ADAPTER.verify(a_call({}, secret=OTHER), an_account(SECRET, OTHER)).key_number == 1
    assert ADAPTER.verify(a_call({}, secret=SECRET), an_account(SECRET, OTHER)).key_number == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": "v1,ä ö v1,\udcff"},
        {"webhook-signature": "v1," + "A" * 5000},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "٣٤٥"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-id": ""},
    ],
)
def test_malformed_headers_are_rejected_and_never_raise_anything_else(headers):
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(a_call({}, **headers), an_account(SECRET))


def test_a_byte_of_the_body_changed_after_signing_is_rejected():
    call = a_call({"a": 1})

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook(call.headers, call.body + b" ", NOW), an_account(SECRET))


@pytest.mark.parametrize("secret", ["not base64!", "whsec_äöü", "whsec_abc", "whsec_"])
def test_a_secret_that_cannot_be_one_is_found_at_start_and_not_quoted(secret):
    with pytest.raises(ValueError, match="base64") as caught:
        ADAPTER.check(an_account(secret))

    assert secret == "whsec_" or secret not in str(caught.value)


@pytest.mark.parametrize("path", sorted(DEMO.glob("*.http")), ids=lambda p: p.stem)
def test_whole_recorded_calls_become_events(path):
    from connectors.recorded import read_recorded
    from gateway.cli.http_file import read_http

    for _, envelope in read_http(read_recorded(path.read_bytes())):
        (event,) = ADAPTER.parse(a_call(envelope), an_account())

        assert event.kind in (EventKind.MESSAGE_CREATED, EventKind.HANDOFF_REQUESTED)
        assert event.turns
        assert event.source == "shop"
        assert all(turn.role in (Role.CUSTOMER, Role.BOT) for turn in event.turns)


def test_what_an_event_lacks_is_named_with_its_place():
    body = {"type": "message.created", "data": {"conversation": {}, "message": {"role": "wizard", "text": "hi"}}}

    with pytest.raises(MalformedWebhook) as caught:
        ADAPTER.parse(a_call(body), an_account())

    pointers = dict(caught.value.problems)
    assert "/data/conversation/id" in pointers
    assert "/data/message/role" in pointers


def test_an_unknown_type_is_told_apart_and_a_ping_means_nothing():
    with pytest.raises(UnsupportedEvent, match=r"sun\.rose"):
        ADAPTER.parse(a_call({"type": "sun.rose", "data": {}}), an_account())

    assert ADAPTER.parse(a_call({"type": "endpoint.ping"}), an_account()) == ()
