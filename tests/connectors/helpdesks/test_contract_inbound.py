"""What every helpdesk's webhooks must bear: the sandbox's are believed, everything else ends in one of two errors."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.ports import Verified, Webhook
from connectors.registry import inbound_of
from connectors.sandbox import accounts
from connectors.sandbox.desk import WebhookCall
from connectors.sandbox.webhooks import Target
from packets.draft import ChangeKind, StatusChange, TicketStatus

SECRET = "a-webhook-secret-of-this-test"
NOWHERE = "http://127.0.0.1:9/"
DEEDS = {
    "assign": (accounts.DEFAULT_AGENT, ChangeKind.ASSIGNED),
    "reply": ("I am looking for it.", ChangeKind.HUMAN_REPLIED),
    "status": ("solved", ChangeKind.STATUS_CHANGED),
}
# Headers that prove who calls, of any helpdesk.
PROOFS = ("x-zendesk-webhook-signature", "authorization", "x-webhook-token")
SIGNING = ("zendesk",)
MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def inbound(kind):
    return inbound_of(kind)


@pytest.fixture
def ref(connect, a_draft):
    helpdesk = connect()
    return helpdesk.open_ticket(helpdesk.prepare(a_draft(), key="pkt_1"), key="pkt_1")


@pytest.fixture
def told(sandbox, act, ref):
    """`told("reply", "words")` → the webhooks the sandbox sends of that deed, as they come in at our door."""
    sandbox.state.webhooks.point_to(Target(NOWHERE, SECRET, hold=True))

    def run(deed, value):
        known = len(sandbox.state.webhooks.as_json())
        act(ref, deed, value)
        return [as_webhook(sandbox.state.desk, sent) for sent in sandbox.state.webhooks.as_json()[known:]]

    return run


@pytest.fixture
def a_webhook(told):
    return told("status", "solved")[0]


def as_webhook(desk, sent):
    call = WebhookCall(sent["event"], sent["ticket_id"], sent["body"].encode(), sent["headers"])
    headers = {**call.headers, **desk.attempt_headers(call, SECRET)}
    return Webhook({name.lower(): value for name, value in headers.items()}, call.body, datetime.now(UTC))


def with_proof(webhook, value):
    """The same call with another proof, or with none."""
    headers = {name: value if name in PROOFS else kept for name, kept in webhook.headers.items()}
    return replace(webhook, headers={name: kept for name, kept in headers.items() if kept is not None})


@pytest.mark.parametrize("deed", sorted(DEEDS))
def test_what_the_sandbox_sends_is_believed_and_understood(inbound, told, ref, deed):
    value, meaning = DEEDS[deed]

    webhooks = told(deed, value)

    changes = []
    for webhook in webhooks:
        assert inbound.verify(webhook, ["another", SECRET]).key_number == 1
        changes += inbound.parse(webhook)
    assert {change.ticket_id for change in changes} == {ref.ticket_id}
    assert {change.kind for change in changes} & {meaning, ChangeKind.HINT}


def test_a_solved_ticket_is_told_as_solved_or_as_a_hint(inbound, told):
    changes = [change for webhook in told("status", "solved") for change in inbound.parse(webhook)]

    assert any(c.kind is ChangeKind.HINT or c.status is TicketStatus.SOLVED for c in changes)


def test_a_private_note_is_no_human_reply(inbound, told):
    changes = [change for webhook in told("note", "Do we know this one?") for change in inbound.parse(webhook)]

    assert ChangeKind.HUMAN_REPLIED not in {change.kind for change in changes}


def test_a_repeated_delivery_has_the_same_keys(inbound, a_webhook):
    later = replace(a_webhook, received_at=a_webhook.received_at + timedelta(milliseconds=1))

    keys = {inbound.verify(webhook, [SECRET]).dedupe_key for webhook in (a_webhook, later)}
    change_ids = {change.change_id for webhook in (a_webhook, later) for change in inbound.parse(webhook)}

    assert len(keys) == 1
    assert len(change_ids) == 1


def test_two_deeds_have_two_keys(inbound, told):
    first = [inbound.verify(w, [SECRET]).dedupe_key for w in told("reply", "one")]
    second = [inbound.verify(w, [SECRET]).dedupe_key for w in told("status", "solved")]

    assert not set(first) & set(second)


@pytest.mark.parametrize("secrets", [[], [""], ["wrong"], [SECRET + "x"], ["ünïcode"], ["\ud800"]])
def test_without_the_right_secret_nothing_is_believed(inbound, a_webhook, secrets):
    with pytest.raises(SignatureRejected) as caught:
        inbound.verify(a_webhook, secrets)

    assert str(caught.value) == ""


@pytest.mark.parametrize(
    "proof", [None, "", " ", "Bearer", "Bearer ", "wrong", "ünïcode ✓", "\ud800", "x" * 10_000, "\x00"]
)
def test_without_the_right_proof_nothing_is_believed(inbound, a_webhook, proof):
    with pytest.raises(SignatureRejected):
        inbound.verify(with_proof(a_webhook, proof), [SECRET, ""])


def test_a_call_without_any_header_is_not_believed(inbound, a_webhook):
    with pytest.raises(SignatureRejected):
        inbound.verify(replace(a_webhook, headers={}), [SECRET])


@pytest.fixture
def signing(kind):
    if kind not in SIGNING:
        pytest.skip(f"{kind} sends a token and no signature, which covers neither time nor body")


@pytest.mark.usefixtures("signing")
def test_a_stale_signature_is_not_believed(inbound, a_webhook):
    for age in (timedelta(minutes=6), timedelta(minutes=-6)):
        with pytest.raises(SignatureRejected):
            inbound.verify(replace(a_webhook, received_at=a_webhook.received_at + age), [SECRET])


@pytest.mark.usefixtures("signing")
def test_a_changed_body_of_a_signed_call_is_not_believed(inbound, a_webhook):
    with pytest.raises(SignatureRejected):
        inbound.verify(replace(a_webhook, body=a_webhook.body.replace(b"SOLVED", b"CLOSED")), [SECRET])


@MANY
@given(headers=st.dictionaries(st.sampled_from([*PROOFS, "x-zendesk-webhook-signature-timestamp"]), st.text()))
def test_no_header_whatever_makes_verifying_fail_otherwise(inbound, a_webhook, headers):
    with pytest.raises(SignatureRejected):
        inbound.verify(replace(a_webhook, headers={**a_webhook.headers, **headers}), ["another secret"])


def parsed(inbound, body, webhook):
    """What parsing gives: changes, or MalformedWebhook as None. Anything else is a failure of the test."""
    try:
        changes = inbound.parse(replace(webhook, body=body))
    except MalformedWebhook:
        return None
    assert all(isinstance(change, StatusChange) and change.ticket_id and change.change_id for change in changes)
    assert all(change.occurred_at.tzinfo is not None for change in changes)
    return changes


@MANY
@given(data=st.data())
def test_a_cut_or_mutated_body_ends_in_changes_or_malformed(inbound, a_webhook, data):
    body = bytearray(a_webhook.body)
    for _ in range(data.draw(st.integers(0, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    parsed(inbound, bytes(body[: data.draw(st.integers(0, len(body)))]), a_webhook)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["", "0", "1", "{{x}}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from places(child, (*path, name))


def put(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@MANY
@given(data=st.data())
def test_any_value_in_any_place_ends_in_changes_or_malformed(inbound, a_webhook, data):
    value = json.loads(a_webhook.body)
    for _ in range(data.draw(st.integers(1, 3))):
        value = put(value, data.draw(st.sampled_from(list(places(value)))), data.draw(JSON))

    parsed(inbound, json.dumps(value).encode(), a_webhook)


@MANY
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_end_in_changes_or_malformed(inbound, a_webhook, body):
    parsed(inbound, body, a_webhook)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"a":' * 5_000, b"9" * 10_000, b'{"ticket_id": NaN}'],
)
def test_a_body_that_cannot_be_theirs_is_malformed(inbound, a_webhook, body):
    assert parsed(inbound, body, a_webhook) is None


@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b"[" * 100_000])
def test_verifying_does_not_mind_what_the_body_is(inbound, a_webhook, body):
    try:
        assert isinstance(inbound.verify(replace(a_webhook, body=body), [SECRET]), Verified)
    except SignatureRejected:
        assert inbound.name == "zendesk"  # a signature covers the body


def test_a_malformed_body_is_not_quoted(inbound, a_webhook):
    with pytest.raises(MalformedWebhook) as caught:
        inbound.parse(replace(a_webhook, body=b'{"words": "canary-of-a-customer", "canary-key": ["canary"]}'))

    assert "canary" not in f"{caught.value} {caught.value.problems}"


def test_our_own_doing_is_no_news(inbound, kind, connect, sandbox, a_draft):
    own = {
        "zendesk": str(accounts.zendesk_user_id(accounts.SERVICE_USER)),
        "freshdesk": str(accounts.freshdesk_user_id(accounts.SERVICE_USER)),
        "servicenow": accounts.CREDENTIALS.user,
    }
    sandbox.state.settings.echo_own_changes = True
    sandbox.state.webhooks.point_to(Target(NOWHERE, SECRET, hold=True))
    helpdesk = connect()

    helpdesk.open_ticket(helpdesk.prepare(a_draft(), key="pkt_1"), key="pkt_1")

    webhooks = [as_webhook(sandbox.state.desk, sent) for sent in sandbox.state.webhooks.as_json()]
    changes = [change for webhook in webhooks for change in inbound.parse(webhook, frozenset({own[kind]}))]
    assert {change.kind for change in changes} <= {ChangeKind.HINT}
