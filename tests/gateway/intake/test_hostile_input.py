"""Whatever is posted: never a 5xx, never half stored, and nothing private in a log line, an error or a job."""

import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.db.tables import conversations, decisions, events, webhooks
from gateway.telemetry.logs import JsonLines

CANARY = "zq-canary-7731"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = ("conversation", "customer", "message", "messages", "nlu", "handoff", "context", "sentiment", "call", "source")
odd_data = st.fixed_dictionaries(
    {}, optional={key: json_values | st.fixed_dictionaries({"id": json_values, "role": json_values}) for key in KEYS}
)
odd_envelopes = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["message.created", "handoff.requested", "conversation.ended", "x.y"]) | json_values,
        "timestamp": st.just("2026-03-06T09:00:00Z") | json_values,
        "data": odd_data | json_values,
    }
)
A_TURN = {
    "type": "message.created",
    "timestamp": "2026-03-06T09:00:00Z",
    "data": {
        "conversation": {"id": "c-1", "channel": "web_chat"},
        "customer": {"name": "Ana"},
        "message": {"id": "m-1", "role": "customer", "text": "human please"},
    },
}


@st.composite
def one_leaf_changed(draw):
    """A good call in which one place, anywhere, holds something else."""
    body = json.loads(json.dumps(A_TURN))
    node, key = body, draw(st.sampled_from(sorted(body)))
    while isinstance(node[key], dict) and draw(st.booleans()):
        node = node[key]
        key = draw(st.sampled_from(sorted(node)))
    node[key] = draw(json_values)
    return body


def consistent(bench):
    """Each stored event has its webhook, its decision and its conversation; each conversation its events."""
    counts = [bench.count(t) for t in (events, decisions)]
    assert counts[0] == counts[1]
    assert bench.count(webhooks) >= counts[0]
    with bench.env.reading() as tx:
        total = sum(row.events for row in tx.connection.execute(conversations.select()))
    assert total == counts[0]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=odd_envelopes | one_leaf_changed())
def test_any_json_is_answered_without_a_5xx_and_stored_whole_or_not_at_all(bench, body):
    answer = bench.post(body)

    assert answer.status_code in (200, 400, 422), answer.text
    if answer.status_code != 200:
        assert answer.json["detail"]
    consistent(bench)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), cut=st.integers(0, 300))
def test_any_bytes_and_any_cut_of_a_good_call_are_answered_without_a_5xx(bench, body, cut):
    good = json.dumps(A_TURN).encode()

    statuses = {bench.post(body).status_code, bench.post(good[:cut]).status_code}

    assert statuses <= {200, 400, 411, 422}  # 411: no body at all


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    webhook_id=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
    stamp=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20),
    signature=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80),
)
def test_any_headers_that_are_not_a_signature_are_401(bench, webhook_id, stamp, signature):
    headers = {"webhook-id": webhook_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}

    assert bench.client.post("/v1/in/shop", data=b"{}", headers=headers).status_code == 401


def test_a_customers_words_and_a_vendors_secrets_reach_no_log_line_whatever_goes_wrong(bench, monkeypatch):
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(JsonLines().format(record))

    handler = Keep(level=logging.DEBUG)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        bench.say(f"{CANARY} human please", "c-1")
        bench.work()
        for kind in ("cut_after", "429", "500", "html_200"):
            bench.sandbox.faults.add(kind, method="POST", path="/api/v2/tickets*", times=1)
        bench.say(f"{CANARY} human please", "c-2")
        bench.work()
        bench.post(json.dumps({"type": "message.created", "data": {CANARY: CANARY}}).encode())
        bench.post(bench.turn(CANARY), **{"webhook-signature": f"v1,{CANARY}"})
        with monkeypatch.context() as patched:
            patched.setattr("gateway.intake.judge.deciding.judge", lambda *_a, **_k: {}[CANARY])
            bench.say(f"{CANARY} again", "c-3")
        with monkeypatch.context() as patched:
            patched.setattr("gateway.intake.receive.fold", lambda *_a, **_k: {}[CANARY])
            assert bench.post(bench.turn(CANARY)).status_code == 503
    finally:
        root.removeHandler(handler)
        root.setLevel(before)

    assert len(lines) > 5
    assert not [line for line in lines if CANARY in line or "sandbox-secret" in line or "whsec_" in line]
