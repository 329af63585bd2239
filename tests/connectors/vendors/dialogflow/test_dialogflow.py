"""Dialogflow CX: what is special about it."""

import json
from datetime import UTC, datetime

import pytest

from connectors.errors import MalformedWebhook
from connectors.ports import VendorAccount, Webhook
from connectors.vendors.dialogflow import ADAPTER
from packets.event import Channel, EventKind, Role

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
AGENT = "projects/shop/locations/global/agents/a-1"
REQUEST = {
    "detectIntentResponseId": "r-1",
    "sessionInfo": {"session": f"{AGENT}/sessions/s-1"},
    "fulfillmentInfo": {"tag": "every-turn"},
    "text": "Where is my order?",
    "languageCode": "en",
}
ESCALATED = {
    "action": "escalate", "rules": ["explicit-request"], "handoff_id": "hof_1", "transfer": "warm", "route": "billing",
    "tier": "short", "respond_by": "2026-11-21T11:00:00Z", "customer_message": "A colleague takes over.",
}  # fmt: skip


def an_account(**options):
    return VendorAccount("shop", "dialogflow", ("key-1",), options)


def a_webhook(**request):
    return Webhook({}, json.dumps(REQUEST | request).encode(), NOW)


def parsed(options=None, **request):
    (event,) = ADAPTER.parse(a_webhook(**request), an_account(**options or {}))
    return event


def answered(decision, **request):
    return json.loads(ADAPTER.answer(a_webhook(**request), an_account(), {"decision": decision}).body)


def test_an_escalation_is_answered_with_the_message_and_a_live_agent_handoff():
    answer = answered(ESCALATED)

    assert answer == {
        "fulfillmentResponse": {
            "messages": [
                {"text": {"text": ["A colleague takes over."]}},
                {
                    "liveAgentHandoff": {
                        "metadata": {
                            "handoff_id": "hof_1",
                            "transfer": "warm",
                            "route": "billing",
                            "tier": "short",
                            "respond_by": "2026-11-21T11:00:00Z",
                        }
                    }
                },
            ],
            "mergeBehavior": "REPLACE",
        },
        "sessionInfo": {"parameters": {"baton_handoff_id": "hof_1"}},
    }


def test_while_people_have_the_conversation_the_channel_is_told_again_and_nothing_is_said():
    answer = answered({"action": "continue", "rules": [], "handoff_id": "hof_1"})

    assert answer["fulfillmentResponse"] == {
        "messages": [{"liveAgentHandoff": {"metadata": {"handoff_id": "hof_1"}}}],
        "mergeBehavior": "REPLACE",
    }


def test_once_people_are_done_the_handoff_leaves_the_session():
    session = {"session": f"{AGENT}/sessions/s-1", "parameters": {"baton_handoff_id": "hof_1"}}

    answer = answered({"action": "continue", "rules": []}, sessionInfo=session)

    assert answer == {"sessionInfo": {"parameters": {"baton_handoff_id": None}}}


def test_a_turn_without_a_decision_leaves_the_bot_alone():
    assert answered({"action": "continue", "rules": []}) == {}


def test_an_offer_is_said_after_what_the_bot_says():
    answer = answered({"action": "offer", "rules": ["loop"], "customer_message": "Would you like a person?"})

    assert answer == {
        "fulfillmentResponse": {
            "messages": [{"text": {"text": ["Would you like a person?"]}}],
            "mergeBehavior": "APPEND",
        }
    }


@pytest.mark.parametrize("middle", ["", "/environments/live"])
def test_the_conversation_is_the_last_segment_of_the_session(middle):
    event = parsed(sessionInfo={"session": f"{AGENT}{middle}/sessions/s-1"})

    assert (event.conversation.vendor_conversation_id, event.bot_id) == ("s-1", "a-1")


def test_two_webhooks_of_one_turn_are_two_events_with_the_same_turn():
    first = parsed()
    second = parsed(fulfillmentInfo={"tag": "look-up"})

    assert first.event_id != second.event_id
    assert first.turns[0].message_id == second.turns[0].message_id == "r-1"


@pytest.mark.parametrize(("option", "is_current"), [({}, False), ({"intent": "current"}, True)])
def test_the_last_matched_intent_is_this_turns_only_where_ops_say_so(option, is_current):
    intent = {"displayName": "order.status", "lastMatchedIntent": f"{AGENT}/intents/i-1", "confidence": 0.4}

    nlu = parsed(option, intentInfo=intent).turns[0].nlu

    assert (nlu.intent.confidence, nlu.intent_is_current, nlu.is_fallback) == (0.4, is_current, False)


def test_an_absent_confidence_is_unknown():
    assert parsed(intentInfo={"displayName": "order.status"}).turns[0].nlu.intent.confidence is None
    assert parsed().turns[0].nlu.intent is None


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        ({"text": None, "triggerEvent": "sys.no-match-2"}, {}),
        ({"intentInfo": {"lastMatchedIntent": f"{AGENT}/intents/00000000-0000-0000-0000-000000000001"}}, {}),
        ({"fulfillmentInfo": {"tag": "nope"}}, {"fallback_tags": "other, nope"}),
    ],
)
def test_what_matched_nothing_is_a_fallback_of_the_customers_turn(request_, options):
    (turn,) = parsed(options, **request_).turns

    assert (turn.role, turn.nlu.is_fallback, turn.nlu.intent_is_current) == (Role.CUSTOMER, True, False)


@pytest.mark.parametrize("event", ["sys.no-input-1", "WELCOME"])
def test_an_event_nobody_said_is_no_turn(event):
    assert parsed(text=None, triggerEvent=event).turns == ()


def test_keys_and_speech_make_it_a_call():
    assert parsed(text=None, dtmfDigits="0").conversation.channel is Channel.VOICE
    assert parsed(text=None, transcript="hello").turns[0].text == "hello"
    assert parsed().conversation.channel is None


@pytest.mark.parametrize(
    "request_",
    [
        {"fulfillmentInfo": {"tag": "handoff"}},
        {"messages": [{"liveAgentHandoff": {"metadata": {"queue": "billing"}}}]},
        {"messages": [{"liveAgentHandoff": {}}]},
    ],
)
def test_a_page_asks_for_a_person_by_its_tag_or_by_a_queued_handoff(request_):
    assert parsed(**request_).kind is EventKind.HANDOFF_REQUESTED


def test_a_call_without_an_id_is_told_apart_by_its_content():
    first, second = (parsed(detectIntentResponseId=None, text=text).event_id for text in ("one", "two"))

    assert first != second
    assert first == parsed(detectIntentResponseId=None, text="one").event_id


def test_a_body_that_is_no_webhook_request_is_malformed():
    with pytest.raises(MalformedWebhook, match="sessionInfo"):
        ADAPTER.parse(Webhook({}, b'{"anything": "a flexible webhook"}', NOW), an_account())


def test_an_unknown_choice_of_intent_is_found_at_the_start():
    with pytest.raises(ValueError, match="current or last"):
        ADAPTER.check(an_account(intent="newest"))
