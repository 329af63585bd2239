import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from packets.event import CallbackAsked, Channel, EventKind, Role, Visibility
from packets.schemas.canonical import UnknownEventType, kind_of, load_canonical, parse_event
from packets.schemas.fields import pointers

RECEIVED = datetime(2026, 3, 6, 15, 50, 5, tzinfo=UTC)


def a_body(kind="message.created", **data):
    base = {"conversation": {"id": "c-1"}, "message": {"id": "m-1", "role": "customer", "text": "Where is A-1001?"}}
    merged = {**base, **data}
    return {
        "type": kind,
        "timestamp": "2026-03-06T15:50:00Z",
        "data": {k: v for k, v in merged.items() if v is not ...},
    }


def parse(body):
    return parse_event(body, source="webshop-bot", event_id="msg_1", received_at=RECEIVED)


def problems(body):
    with pytest.raises(ValidationError) as caught:
        parse(body)
    return dict(pointers(caught.value))


def test_a_customer_turn_becomes_an_event_with_one_turn():
    event = parse(a_body())

    assert (event.kind, event.source, event.event_id) == (EventKind.MESSAGE_CREATED, "webshop-bot", "msg_1")
    assert event.conversation.vendor_conversation_id == "c-1"
    assert [(t.role, t.text, t.message_id) for t in event.turns] == [(Role.CUSTOMER, "Where is A-1001?", "m-1")]
    assert event.occurred_at == datetime(2026, 3, 6, 15, 50, tzinfo=UTC)
    assert event.turns[0].visibility is Visibility.PUBLIC


def test_what_the_bot_understood_belongs_to_the_customer_turn():
    nlu = {"intent": {"name": "order.status", "confidence": 0.41}, "entities": [{"name": "order", "value": "A-1001"}]}

    beside = parse(a_body(nlu=nlu)).turns[0].nlu
    inside = parse(a_body(message={"role": "customer", "text": "hi", "nlu": nlu})).turns[0].nlu

    assert beside == inside
    assert beside.intent.confidence == 0.41
    assert beside.entities[0].value == "A-1001"


def test_an_absent_confidence_stays_unknown():
    event = parse(a_body(nlu={"intent": {"name": "order.status"}}))

    assert event.turns[0].nlu.intent.confidence is None


def test_a_bot_turn_does_not_take_what_was_understood_of_the_customer():
    event = parse(
        a_body(message={"role": "bot", "text": "hello"}, nlu={"intent": {"name": "greet", "confidence": 0.2}})
    )

    assert event.turns[0].nlu is None


def test_a_one_shot_handoff_brings_the_whole_transcript():
    body = a_body(
        kind="handoff.requested",
        message=...,
        messages=[
            {"id": "1", "role": "customer", "text": "I was charged twice"},
            {"id": "2", "role": "bot", "text": "I could not find that."},
            {"id": "3", "role": "customer", "text": "a person please"},
        ],
        nlu={"is_fallback": True},
        transcript_completeness="full",
        handoff={"reason_code": "customer_request", "requested_by": "customer", "target": {"queue": "billing"}},
    )

    event = parse(body)

    assert [t.role for t in event.turns] == [Role.CUSTOMER, Role.BOT, Role.CUSTOMER]
    assert [t.nlu is not None for t in event.turns] == [False, False, True]
    assert event.transcript == "full"
    assert event.handoff.reason_code == "customer_request"
    assert event.handoff.target == {"queue": "billing"}


def test_a_message_id_sent_twice_in_one_event_is_one_turn_with_the_last_wording():
    twice = [{"id": "1", "role": "customer", "text": "helo"}, {"id": "1", "role": "customer", "text": "hello"}]

    event = parse(a_body(kind="handoff.requested", messages=twice, message=...))

    assert [t.text for t in event.turns] == ["hello"]


def test_tool_calls_keep_what_was_tried_and_how_it_ended():
    call = {"name": "lookup", "task": "order", "ok": False, "error": "timeout", "arguments": {"order": "A-1001"}}

    event = parse(a_body(context={"tool_calls": [call], "slots": {"order": "A-1001"}}))

    (made,) = event.context.tool_calls
    assert (made.name, made.task, made.ok, made.error) == ("lookup", "order", False, "timeout")
    assert event.context.slots == {"order": "A-1001"}


def test_keys_nobody_knows_are_left_out():
    body = a_body(brand_new={"x": 1}, conversation={"id": "c-1", "mood_ring": "blue"})

    loaded = load_canonical({**body, "also": 1})

    assert "brand_new" not in loaded["data"]
    assert loaded["data"]["conversation"] == {"id": "c-1"}
    assert "also" not in loaded


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"conversation": ...}, "/data/conversation"),
        ({"conversation": "c-1"}, "/data/conversation"),
        ({"conversation": {}}, "/data/conversation/id"),
        ({"conversation": {"id": 17}}, "/data/conversation/id"),
        ({"conversation": {"id": ""}}, "/data/conversation/id"),
        ({"conversation": {"id": "  "}}, "/data/conversation/id"),
        ({"conversation": {"id": "x" * 256}}, "/data/conversation/id"),
        ({"conversation": {"id": None}}, "/data/conversation/id"),
        ({"message": ...}, "/data/message"),
        ({"message": None}, "/data/message"),
        ({"message": {"role": "customer"}}, "/data/message/text"),
        ({"message": {"role": "customer", "text": ""}}, "/data/message/text"),
        ({"message": {"text": "hi"}}, "/data/message/role"),
        ({"message": {"role": "wizard", "text": "hi"}}, "/data/message/role"),
        ({"message": {"role": "customer", "text": 5}}, "/data/message/text"),
        ({"message": {"role": "customer", "text": "hi", "visibility": "secret"}}, "/data/message/visibility"),
        ({"message": {"role": "customer", "text": "hi", "offset_ms": 1.5}}, "/data/message/offset_ms"),
        ({"message": {"role": "customer", "text": "hi", "offset_ms": True}}, "/data/message/offset_ms"),
        ({"message": {"role": "customer", "text": "hi", "occurred_at": 1772812200}}, "/data/message/occurred_at"),
        ({"message": {"role": "customer", "text": "hi", "occurred_at": "yesterday"}}, "/data/message/occurred_at"),
        ({"message": {"role": "customer", "text": "hi", "attachments": {}}}, "/data/message/attachments"),
        ({"messages": [{"role": "customer", "text": "a"}, {"text": "b"}]}, "/data/messages/1/role"),
        ({"nlu": {"intent": {"name": "x", "confidence": 87}}}, "/data/nlu/intent/confidence"),
        ({"nlu": {"intent": {"name": "x", "confidence": "0.8"}}}, "/data/nlu/intent/confidence"),
        ({"nlu": {"intent": {"name": "x", "confidence": float("nan")}}}, "/data/nlu/intent/confidence"),
        ({"nlu": {"intent": {"name": "x", "confidence": True}}}, "/data/nlu/intent/confidence"),
        ({"nlu": {"is_fallback": "yes"}}, "/data/nlu/is_fallback"),
        ({"sentiment": {"score": -1.01}}, "/data/sentiment/score"),
        ({"sequence": -1}, "/data/sequence"),
        ({"sequence": 10**400}, "/data/sequence"),
        ({"customer": {"authenticated": "true"}}, "/data/customer/authenticated"),
        ({"customer": {"attributes": {"a/b": float("inf")}}}, "/data/customer/attributes/a~1b"),
        ({"context": {"slots": []}}, "/data/context/slots"),
        ({"context": {"variables": {"x": [1, {"y": float("nan")}]}}}, "/data/context/variables/x/1/y"),
        ({"context": {"tool_calls": [{"name": "x"}]}}, "/data/context/tool_calls/0/ok"),
        ({"bot_outcome": {"resolved": "maybe"}}, "/data/bot_outcome/resolved"),
        ({"bot_outcome": {"rating": 10**400}}, "/data/bot_outcome/rating"),
        ({"reply_expected": True}, "/data/reply_expected"),
        ({"transcript_completeness": "most"}, "/data/transcript_completeness"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change, pointer):
    found = problems(a_body(**change))

    assert list(found) == [pointer]


def test_all_problems_are_told_at_once():
    found = problems(a_body(conversation={"id": 1}, message={"role": "wizard", "text": 2}))

    assert set(found) == {"/data/conversation/id", "/data/message/role", "/data/message/text"}


def test_problems_never_quote_what_was_sent():
    found = problems(a_body(message={"role": "my card is 4111", "text": ["my card is 4111"]}))

    assert "4111" not in json.dumps(found)


@pytest.mark.parametrize("body", [None, [], "x", 5, {}, {"type": None}, {"type": 5}, {"type": "message.created"}])
def test_a_body_of_another_shape_is_refused(body):
    with pytest.raises(ValidationError):
        parse(body)


def test_an_unknown_type_is_told_apart_from_a_damaged_body():
    with pytest.raises(UnknownEventType) as caught:
        kind_of(a_body(kind="conversation.danced"))

    assert caught.value.kind == "conversation.danced"


def test_a_ping_is_known_and_needs_no_conversation():
    assert kind_of({"type": "endpoint.ping", "data": {}}) is EventKind.ENDPOINT_PING


def test_times_become_aware_utc():
    event = parse(a_body(occurred_at="2026-03-06T16:49:59.1234567+01:00"))

    assert event.occurred_at == datetime(2026, 3, 6, 15, 49, 59, 123456, tzinfo=UTC)
    assert event.occurred_at.utcoffset() == timedelta(0)


def test_without_any_time_the_arrival_counts_and_is_called_an_estimate():
    body = a_body()
    del body["timestamp"]

    event = parse(body)

    assert (event.occurred_at, event.occurred_at_estimated) == (RECEIVED, True)


def test_a_clock_ahead_of_ours_is_set_to_ours_and_noted():
    event = parse(a_body(message={"role": "customer", "text": "hi", "occurred_at": "2031-01-01T00:00:00Z"}))

    assert event.turns[0].occurred_at == RECEIVED
    assert event.warnings == ("clock_skew",)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-02-30T00:00:00Z"])
def test_a_time_that_cannot_be_is_refused(time):
    assert list(problems(a_body(occurred_at=time))) == ["/data/occurred_at"]


def test_nul_and_half_characters_are_replaced_everywhere():
    body = a_body(
        message={"role": "customer", "text": "a\x00b\ud800c"},
        context={"variables": {"k\x00": ["v\udfff"]}},
        customer={"name": "An\x00a"},
    )

    event = parse(body)

    assert event.turns[0].text == "a\ufffdb\ufffdc"
    assert event.context.variables == {"k\ufffd": ["v\ufffd"]}
    assert event.customer.name == "An\ufffda"


def test_null_and_empty_mean_not_known():
    event = parse(a_body(customer={"name": "", "email": None}, sentiment=None, context=None))

    assert (event.customer.name, event.customer.email) == (None, None)
    assert event.turns[0].sentiment is None
    assert event.context is None


def test_a_new_channel_is_other_and_its_own_word_is_kept():
    event = parse(a_body(conversation={"id": "c-1", "channel": "Viber"}))

    assert (event.conversation.channel, event.conversation.channel_raw) == (Channel.OTHER, "Viber")
    assert "unknown_channel" in event.warnings


def test_a_new_reason_does_not_stop_a_handoff():
    event = parse(a_body(kind="handoff.requested", message=..., handoff={"reason_code": "moon_phase"}))

    assert event.handoff.reason_code == "other"
    assert event.handoff.vendor_metadata["reason_code"] == "moon_phase"


@pytest.mark.parametrize(
    ("sent", "tag"), [("EN-us", "en-US"), ("de_de", "de-DE"), ("zh-hant-tw", "zh-Hant-TW"), ("English", None)]
)
def test_languages_are_written_one_way(sent, tag):
    assert parse(a_body(conversation={"id": "c", "language": sent})).conversation.language == tag


def test_a_message_of_only_html_is_read_for_its_words():
    html = "<p>My order &amp; refund</p><script>x()</script><br>since <b>Monday</b>"

    event = parse(a_body(message={"role": "customer", "text_html": html}))

    assert event.turns[0].text == "My order & refund\nsince Monday"


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<!-- <p>no > words --><DIV>one<div>two</DIV>", "one\ntwo"),
        ("<STYLE type='x'>p { }</STYLE >a &lt;b&gt;<script>1 < 2</script>c", "a <b>c"),
        ("I pay < 5 <!-- a human please", "I pay < 5 <!-- a human please"),
        ("<ul><li>milk<li>eggs</ul>", "milk\neggs"),
    ],
)
def test_tags_comments_and_scripts_are_no_words(html, words):
    event = parse(a_body(message={"role": "customer", "text_html": html}))

    assert event.turns[0].text == words


@pytest.mark.parametrize("piece", ["<a ", "<p/ ", "<a a=", "<a b='", "<!--", "<script>", "<style ", "<", "&#"])
def test_html_that_never_ends_is_read_however_long(piece):
    event = parse(a_body(message={"role": "customer", "text_html": "human please" + piece * (500_000 // len(piece))}))

    assert event.turns[0].text.startswith("human please")


def test_a_mood_that_no_turn_carries_is_kept_with_the_analysis():
    event = parse(a_body(kind="conversation.analyzed", message=..., sentiment={"label": "NEGATIVE", "score": -0.7}))

    assert event.context.analysis["sentiment"] == {"label": "negative", "score": -0.7}


def test_nesting_without_bottom_is_refused():
    deep = {}
    for _ in range(60):
        deep = {"x": deep}

    found = problems(a_body(context={"slots": deep}))

    assert next(iter(found)).startswith("/data/context/slots/x/x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FULL = a_body(
    source={"bot_id": "b"},
    nlu={"intent": {"name": "n", "confidence": 0.5}, "entities": [{"name": "e", "value": 1}]},
    sentiment={"label": "neutral", "score": 0.1},
    customer={"name": "Ana", "attributes": {"vip": True}},
    context={"slots": {}, "tool_calls": [{"name": "t", "ok": True}]},
    handoff={"reason_code": "other", "target": {}},
    bot_outcome={"resolved": True, "rating": 4},
    call={},
    messages=[{"role": "bot", "text": "x", "attachments": [{"url": "https://x.example"}]}],
)


def places(value, path=()):
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@given(st.sampled_from([p for p in places(FULL) if p]), json_values)
def test_whatever_stands_in_any_place_gives_an_event_or_a_named_problem(place, value):
    body = copy.deepcopy(FULL)
    spot = body
    for key in place[:-1]:
        spot = spot[key]
    spot[place[-1]] = value

    named, event = outcome(body)

    assert named is None or all(pointer.startswith("/") for pointer in named)
    assert event is None or event.occurred_at <= RECEIVED


def outcome(body):
    try:
        return None, parse(body)
    except ValidationError as problem:
        return [pointer for pointer, _ in pointers(problem)], None


# Calls


def test_a_wish_to_be_called_carries_a_time_ahead_the_zone_and_the_number():
    asked = {"starts_at": "2026-03-09T14:00:00Z", "zone": "Europe/Berlin", "phone": "+4930123456", "id": "cb-1"}

    event = parse(a_body("callback.requested", message=..., callback=asked, customer={"name": "Ana"}))

    assert event.callback == CallbackAsked(datetime(2026, 3, 9, 14, tzinfo=UTC), "Europe/Berlin", "cb-1")
    assert (event.customer.name, event.customer.phone) == ("Ana", "+4930123456")
    assert event.warnings == ()


def test_a_zone_nobody_knows_is_left_out_and_noted():
    event = parse(a_body("callback.requested", message=..., callback={"zone": "Europe/Atlantis"}))

    assert event.callback == CallbackAsked()
    assert event.warnings == ("unknown_zone",)


@pytest.mark.parametrize("callback", [..., None, {}, {"zone": "Europe/Berlin"}])
def test_who_confirms_a_call_says_when_it_is(callback):
    found = problems(a_body("callback.confirmed", message=..., callback=callback))

    assert found == {"/data/callback/starts_at": "is required for callback.confirmed"}
