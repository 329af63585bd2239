"""Freshdesk's unsigned webhooks: who may call, what counts as the same call, and what is read from one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.helpdesks.freshdesk import INBOUND
from connectors.ports import Webhook
from packets.draft import ChangeKind

AT = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
SOLVED = {"ticket_id": "12", "event": "status_changed", "status": "Resolved", "updated_at": "2026-03-06T08:59:58Z"}


def a_call(body=SOLVED, at=AT, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Webhook({name.replace("_", "-"): value for name, value in headers.items()}, raw, at)


@pytest.mark.parametrize(
    "headers", [{"x_webhook_token": "new"}, {"authorization": "Bearer new"}, {"authorization": "bearer  new"}]
)
def test_the_secret_may_come_in_either_header(headers):
    verified = INBOUND.verify(a_call(**headers), ["old", "new"])

    assert verified.key_number == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_webhook_token": ""},
        {"x_webhook_token": "wrong"},
        {"x_webhook_token": "secré\udcfft"},
        {"authorization": "Basic new"},
        {"authorization": "Bearer"},
    ],
)
def test_a_call_without_the_secret_is_rejected(headers):
    with pytest.raises(SignatureRejected):
        INBOUND.verify(a_call(**headers), ["new", ""])


def test_no_configured_secret_lets_nobody_in():
    with pytest.raises(SignatureRejected):
        INBOUND.verify(a_call(x_webhook_token="new"), [])


def key_of(call):
    return INBOUND.verify(call, ["s"]).dedupe_key


def test_a_call_delivered_again_an_hour_later_is_the_same_call():
    first = a_call(x_webhook_token="s")
    again = a_call(at=AT + timedelta(hours=1), x_webhook_token="s")

    assert key_of(first) == key_of(again)


@pytest.mark.parametrize("name", ["ticket_id", "event", "status", "updated_at"])
def test_another_ticket_event_status_or_time_is_another_call(name):
    other = a_call({**SOLVED, name: "13"}, x_webhook_token="s")

    assert key_of(other) != key_of(a_call(x_webhook_token="s"))


def test_the_simple_form_saying_the_same_later_is_not_thrown_away(recorded):
    body = recorded("webhook_simple_body")
    reopened_again = a_call(body, at=AT + timedelta(minutes=5), x_webhook_token="s")

    assert key_of(a_call(body, x_webhook_token="s")) == key_of(a_call(body, x_webhook_token="s"))
    assert key_of(a_call(body, x_webhook_token="s")) != key_of(reopened_again)


def test_a_placeholder_nobody_filled_in_is_not_taken_for_a_time():
    body = {**SOLVED, "updated_at": "{{ticket.updated_at}}"}

    assert key_of(a_call(body, x_webhook_token="s")) != key_of(a_call(body, at=AT + timedelta(1), x_webhook_token="s"))


def test_our_template_is_a_hint_to_read_the_ticket():
    (change,) = INBOUND.parse(a_call())

    assert (change.kind, change.ticket_id, change.status) == (ChangeKind.HINT, "12", None)
    assert change.occurred_at == datetime(2026, 3, 6, 8, 59, 58, tzinfo=UTC)


def test_the_simple_form_is_a_hint_as_of_now(recorded):
    (change,) = INBOUND.parse(a_call(recorded("webhook_simple_body")))

    assert (change.kind, change.ticket_id, change.occurred_at) == (ChangeKind.HINT, "49548", AT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"7",
        b'{"freshdesk_webhook": []}',
        b"\xff",
        b"[" * 100_000,
        {},
        {"ticket_id": None},
        {"ticket_id": True},
        {"ticket_id": 1.5},
        {"ticket_id": "12/../13"},
        {"ticket_id": "9" * 30},
    ],
)
def test_a_body_without_a_ticket_is_malformed(body):
    call = a_call(body, x_webhook_token="s")

    assert INBOUND.verify(call, ["s"]).dedupe_key
    with pytest.raises(MalformedWebhook):
        INBOUND.parse(call)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.binary(max_size=200) | st.builds(lambda t, s: {"ticket_id": t, "updated_at": s}, json_values, json_values))
def test_whatever_comes_it_is_read_or_malformed_and_nothing_else(body):
    call = a_call(body, x_webhook_token="s")
    INBOUND.verify(call, ["s"])

    try:
        (change,) = INBOUND.parse(call)
    except MalformedWebhook:
        return
    assert change.ticket_id.isdecimal()
