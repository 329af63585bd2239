"""Buttons pressed in Slack: verified over the raw bytes, then read."""

import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.notifiers.slack import INBOUND
from connectors.ports import Press, Webhook

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
# The worked example of "Verifying requests from Slack" (docs.slack.dev), read 2026-11-21.
EXAMPLE_AT = 1531420618
EXAMPLE_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
EXAMPLE_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def call(body, *, at=EXAMPLE_AT, signature=None, secret=SECRET, now=EXAMPLE_AT):
    digest = hmac.new(secret.encode(), b"v0:" + str(at).encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": str(at), "x-slack-signature": signature or f"v0={digest}"}
    return Webhook(headers, body, datetime.fromtimestamp(now, UTC))


def pressed(**changes):
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "alex"},
        "response_url": "https://hooks.slack.com/actions/1",
        "actions": [{"action_id": "baton_claim", "value": "msg_1"}],
    }
    return urlencode({"payload": json.dumps(payload | changes)}).encode()


def test_slacks_own_example_is_believed():
    INBOUND.verify(call(EXAMPLE_BODY, signature=EXAMPLE_SIGNATURE), ("an-old-one", SECRET))


@pytest.mark.parametrize(
    "webhook",
    [
        call(EXAMPLE_BODY + b"x", signature=EXAMPLE_SIGNATURE),
        call(EXAMPLE_BODY, secret="another"),
        call(EXAMPLE_BODY, now=EXAMPLE_AT + 301),
        call(EXAMPLE_BODY, now=EXAMPLE_AT - 301),
        Webhook({}, EXAMPLE_BODY, datetime.fromtimestamp(EXAMPLE_AT, UTC)),
    ],
    ids=["changed", "another secret", "stale", "from the future", "unsigned"],
)
def test_what_slack_has_not_just_signed_is_refused(webhook):
    with pytest.raises(SignatureRejected):
        INBOUND.verify(webhook, (SECRET,))


def test_without_a_secret_nothing_is_believed():
    with pytest.raises(SignatureRejected):
        INBOUND.verify(call(EXAMPLE_BODY, secret=""), ())


def test_a_press_says_what_who_and_where_to_answer():
    found = INBOUND.parse(call(pressed()))

    assert (found.press, found.card_id, found.user_id, found.user_name) == (Press.CLAIM, "msg_1", "U1", "alex")
    assert found.reply_to == "https://hooks.slack.com/actions/1"


@pytest.mark.parametrize("changes", [{"type": "view_closed"}, {"actions": [{"action_id": "baton_open"}]}])
def test_what_we_need_nothing_from_is_no_error(changes):
    assert INBOUND.parse(call(pressed(**changes))) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=", b"payload=%7B", b"payload=[]", pressed(actions=None), pressed(user={}), b"\xff"],
)
def test_a_damaged_call_is_told_from_ours(body):
    with pytest.raises(MalformedWebhook):
        INBOUND.parse(call(body))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body):
    with suppress(MalformedWebhook):
        INBOUND.parse(call(body))
