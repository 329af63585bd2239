"""The quick way through the canonical schema and marshmallow's own agree on every body: same data, same complaints."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from packets.schemas import canonical

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | st.sampled_from(["", "customer", "x", "0.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "role", "z"]), inner),
    max_leaves=8,
)
WHOLE = {
    "type": "message.created",
    "timestamp": "2026-03-06T09:00:00Z",
    "data": {
        "event_id": "e-1",
        "source": {"bot_id": "b", "bot_version": "2"},
        "conversation": {"id": "c-1", "channel": "web_chat", "language": "en", "tags": ["a"], "started_at": None},
        "customer": {"name": "Ana", "authenticated": True, "attributes": {"vip": True}},
        "message": {
            "id": "m-1",
            "role": "customer",
            "text": "hi",
            "author": {"id": "u"},
            "nlu": {"intent": {"name": "x", "confidence": 0.5}, "entities": [{"name": "n", "value": 3}]},
            "attachments": [{"url": "http://x", "size": 3}],
        },
        "sentiment": {"label": "negative", "score": -0.5},
        "bot_outcome": {"resolved": "unknown", "rating": 3},
        "handoff": {"reason_code": "other", "target": {"queue": "q"}},
        "context": {"slots": {"a": 1}, "tool_calls": [{"name": "t", "ok": False}]},
        "reply_expected": "decision",
    },
}


@st.composite
def changed(draw):
    """The whole body with up to three places, anywhere, dropped or holding something else."""
    body = json.loads(json.dumps(WHOLE))
    for _ in range(draw(st.integers(0, 3))):
        node, key = body, draw(st.sampled_from(sorted(body)))
        while isinstance(node.get(key), dict) and node[key] and draw(st.integers(0, 3)):
            node = node[key]
            key = draw(st.sampled_from(sorted(node)))
        if draw(st.booleans()):
            node[key] = draw(json_values)
        elif key in node:
            del node[key]
            if not node:
                break
    return body


def outcome(load, body):
    try:
        return load(body)
    except ValidationError as error:
        return ("refused", error.messages)


@settings(max_examples=400, deadline=None)
@given(changed())
def test_both_ways_give_the_same_data_or_the_same_complaints(body):
    quick = canonical.CanonicalEventSchema()
    slow = canonical.CanonicalEventSchema()

    with_quick = outcome(quick.load, body)
    restore = canonical._Lenient.load
    try:
        canonical._Lenient.load = Schema.load  # every nested schema as well
        with_slow = outcome(slow.load, body)
    finally:
        canonical._Lenient.load = restore

    assert with_quick == with_slow
