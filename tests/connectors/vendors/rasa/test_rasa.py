"""Rasa: what is special about it."""

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.errors import MalformedWebhook, Refused, SignatureRejected, Throttled, Unauthorized, Unavailable
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.rasa import ADAPTER
from packets.conversation import Holder, fold_all
from packets.event import EventKind, Role

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
PERSON_WANTED = {
    "action": "escalate", "rules": ["explicit-request"], "handoff_id": "hof_1", "transfer": "warm", "route": "billing",
    "tier": "short", "respond_by": "2026-11-21T11:00:00Z", "customer_message": "A colleague takes over.",
}  # fmt: skip


def an_account(**options):
    return VendorAccount("shop", "rasa", ("key-1",), options)


def said(kind, text, at, **more):
    return {"event": kind, "text": text, "timestamp": at, **more}


def understood(intent, confidence, *ranking):
    rows = [{"name": name, "confidence": share} for name, share in ((intent, confidence), *ranking)]
    return {"intent": rows[0], "intent_ranking": rows, "entities": []}


def a_call(*events, action="action_x", **tracker):
    body = {"next_action": action, "sender_id": "u-1", "tracker": {"events": list(events), "slots": {}} | tracker}
    return Webhook({}, json.dumps(body).encode(), NOW)


def parsed(*events, action="action_x", options=None, **tracker):
    (event,) = ADAPTER.parse(a_call(*events, action=action, **tracker), an_account(**options or {}))
    return event


def answered(decision, **tracker):
    return json.loads(ADAPTER.answer(a_call(**tracker), an_account(), {"decision": decision}).body)


def test_a_handoff_is_answered_with_the_words_the_slots_the_domain_has_and_a_pause():
    answer = answered(PERSON_WANTED, slots={"handoff_id": None, "handoff_route": None, "other": 1})

    assert answer == {
        "events": [
            {"event": "slot", "timestamp": None, "name": "handoff_id", "value": "hof_1"},
            {"event": "slot", "timestamp": None, "name": "handoff_route", "value": "billing"},
            {"event": "pause", "timestamp": None},
        ],
        "responses": [{"text": "A colleague takes over."}],
    }


def test_while_people_have_the_conversation_the_bot_stays_paused_and_says_nothing_more():
    answer = answered({"action": "continue", "rules": [], "handoff_id": "hof_1"})

    assert answer == {"events": [{"event": "pause", "timestamp": None}], "responses": []}


def test_an_action_nobody_needs_a_person_for_does_nothing():
    assert answered({"action": "continue", "rules": []}) == {"events": [], "responses": []}


def test_a_deflated_call_is_the_same_call():
    account = an_account()
    plain = ADAPTER.sign(a_call(said("user", "hello", 1.5)), account)
    packed = replace(plain, body=zlib.compress(plain.body), headers={**plain.headers, "content-encoding": "deflate"})

    assert ADAPTER.parse(packed, account) == ADAPTER.parse(plain, account)
    assert ADAPTER.verify(packed, account) == ADAPTER.verify(plain, account)
    assert ADAPTER.stored(packed) == ADAPTER.stored(plain)


def test_a_deflated_call_without_the_key_is_not_even_unpacked():
    call = Webhook({"content-encoding": "deflate"}, b"no deflate", NOW)

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(call, an_account())


@pytest.mark.parametrize("body", [zlib.compress(b" " * 9_000_000), zlib.compress(b"{}" * 999)[:-9], b"plain", b""])
def test_a_bomb_or_a_damaged_stream_is_malformed_and_kept_as_it_came(body):
    call = Webhook({"content-encoding": "deflate"}, body, NOW)

    with pytest.raises(MalformedWebhook):
        ADAPTER.parse(call, an_account())
    assert ADAPTER.stored(call) == body


def test_turns_keep_the_order_of_the_list_whatever_their_times_say():
    first, second, third = 1783533620.0, 1783533619.0, 1783533621.0
    event = parsed(said("user", "first", first), said("bot", "second", second), said("user", "third", third))

    assert [turn.text for turn in event.turns] == ["first", "second", "third"]
    times = [turn.occurred_at for turn in event.turns]
    assert times == sorted(times)


def test_agent_is_a_person():
    event = parsed(said("user", "a", 1.0), said("bot", "b", 2.0), said("agent", "c", 3.0))

    assert [turn.role for turn in event.turns] == [Role.CUSTOMER, Role.BOT, Role.AGENT]


def test_a_person_told_again_in_a_later_call_does_not_take_the_conversation_again():
    spoke = [said("user", "hi", 1.0), said("agent", "hello", 2.0)]
    first, later = parsed(*spoke), parsed(*spoke, said("user", "thanks", 9.0))
    returned = replace(first, event_id="e-2", kind=EventKind.CONTROL_RETURNED, turns=())

    assert fold_all("shop", "u-1", [first]).holder is Holder.HUMAN
    assert fold_all("shop", "u-1", [first, returned, later]).holder is Holder.BOT


@pytest.mark.parametrize("cut", ["session_started", "restart"])
def test_a_new_session_or_a_restart_cuts_the_transcript(cut):
    event = parsed(said("user", "old", 1.0), {"event": cut, "timestamp": 2.0}, said("user", "new", 3.0))

    assert [turn.text for turn in event.turns] == ["new"]


@pytest.mark.parametrize(
    "after",
    [
        [{"event": "rewind", "timestamp": 3.0}],
        [{"event": "action", "name": "action_default_fallback", "timestamp": 2.0}, said("bot", "Sorry?", 2.5)],
    ],
)
def test_what_rasa_took_back_or_fell_back_on_was_said_and_not_understood(after):
    event = parsed(said("user", "get me a person", 1.0, parse_data=understood("chat", 0.3)), *after)

    assert event.turns[0].text == "get me a person"
    assert event.turns[0].nlu.is_fallback


def test_for_a_fallback_the_best_real_intent_and_its_own_confidence_are_told():
    event = parsed(said("user", "x", 1.0, parse_data=understood("nlu_fallback", 0.7, ("refund", 0.2))))

    nlu = event.turns[0].nlu
    assert (nlu.intent.name, nlu.intent.confidence, nlu.is_fallback) == ("refund", 0.2, True)


def test_a_fallback_that_is_about_to_happen_counts():
    assert parsed(said("user", "x", 1.0), action="action_default_fallback").turns[0].nlu.is_fallback


def test_a_pressed_button_is_shown_as_what_was_chosen():
    event = parsed(said("user", '/refund{"order": "A-17"}', 1.0, parse_data=understood("refund", 1.0)))

    assert (event.turns[0].text, event.turns[0].content_type) == ("refund", "choice")


def test_two_bot_messages_of_one_moment_are_two_turns_and_the_same_ones_when_told_again():
    events = [said("bot", "a", 1.0), said("bot", "b", 1.0)]

    first = [turn.message_id for turn in parsed(*events).turns]
    again = [turn.message_id for turn in parsed(*events, said("user", "c", 2.0)).turns]

    assert first == ["bot-1", "bot-1#2"]
    assert again[:2] == first


@pytest.mark.parametrize(("options", "action"), [({}, "action_human_handoff"), ({"handoff_actions": "a, b"}, "b")])
def test_an_agreed_action_asks_for_a_person(options, action):
    assert parsed(said("user", "x", 1.0), action=action, options=options).kind is EventKind.HANDOFF_REQUESTED


def test_each_call_is_an_event_of_its_own_and_the_same_one_when_posted_again():
    turn = said("user", "x", 1.0)
    ids = [parsed(turn).event_id, parsed(turn, action="other").event_id, parsed(turn, turn).event_id]

    assert len(set(ids)) == 3
    assert parsed(turn).event_id == ids[0]


def test_the_domain_is_not_stored():
    call = Webhook({}, b'{"next_action": "a", "sender_id": "u", "tracker": {}, "domain": {"intents": []}}', NOW)

    assert json.loads(ADAPTER.stored(call)) == {"next_action": "a", "sender_id": "u", "tracker": {}}


def a_notice(kind=NoticeKind.HANDED_OFF):
    return Notice("hof_1.1", kind, "whatsapp:+15550100001", "Please hold.")


def a_client(url, **credentials):
    return make_vendor_client(VendorAccount("shop", "rasa", ("key-1",), {}, url, credentials))


@pytest.mark.parametrize(("kind", "event"), [(NoticeKind.HANDED_OFF, "pause"), (NoticeKind.CONTROL_RETURNED, "resume")])
def test_the_tracker_is_paused_and_resumed(local_vendor, kind, event):
    a_client(local_vendor.url, token="t-1").tell(a_notice(kind))

    (call,) = local_vendor.calls
    assert (call.method, call.json) == ("POST", [{"event": event}])
    assert call.path == "/conversations/whatsapp%3A%2B15550100001/tracker/events?include_events=NONE&token=t-1"
    assert "authorization" not in call.headers


def test_a_json_web_token_travels_as_a_header(local_vendor):
    a_client(local_vendor.url, jwt="j.w.t").tell(a_notice())

    (call,) = local_vendor.calls
    assert call.headers["authorization"] == "Bearer j.w.t"
    assert "token" not in call.path


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthorized), (404, Refused), (409, Unavailable), (429, Throttled), (503, Unavailable)]
)
def test_what_rasa_answers_is_told_as_ours_without_secrets_words_or_numbers(local_vendor, status, error):
    local_vendor.status = status

    with pytest.raises(error) as failed:
        a_client(local_vendor.url, token="t-1", jwt="j.w.t").tell(a_notice())

    for private in ("t-1", "j.w.t", "Please hold.", "15550100001"):
        assert private not in str(failed.value)


def test_there_is_nothing_to_fetch():
    with pytest.raises(Refused, match="whole conversation"):
        a_client("http://127.0.0.1:9").turns("u-1", {})
