"""Lex V2 and Connect: what is special about them, and the forwarder of the README."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import MalformedWebhook
from connectors.ports import VendorAccount, Webhook
from connectors.vendors import lex
from connectors.vendors.lex import ADAPTER
from packets.conversation import fold_all
from packets.event import Channel, EventKind

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
INTENT = {"name": "OrderStatus", "slots": {}, "state": "InProgress", "confirmationState": "None"}
CONTACT = {"ContactId": "c-1", "Channel": "VOICE"}
ESCALATED = {
    "action": "escalate", "rules": ["explicit-request"], "handoff_id": "hof_1", "transfer": "warm", "route": "billing",
    "tier": "short", "respond_by": "2026-11-21T11:00:00Z", "customer_message": "A colleague takes over.",
}  # fmt: skip
GO_ON = {"action": "continue", "rules": []}


def an_account(**options):
    return VendorAccount("phone", "lex", (SECRET,), options)


def an_event(said="where is my order", source="DialogCodeHook", intent=INTENT, attributes=None, **more):
    state = {"sessionAttributes": attributes or {}, "intent": intent, "activeContexts": []}
    interpretation = {"intent": intent, "nluConfidence": more.pop("confidence", 0.8)}
    return {
        "invocationSource": source, "sessionId": "s-1", "inputTranscript": said, "inputMode": "Text",
        "interpretations": [interpretation], "sessionState": state, **more,
    }  # fmt: skip


def a_contact(parameters=None, **contact):
    return {"Name": "ContactFlowEvent", "Details": {"ContactData": CONTACT | contact, "Parameters": parameters or {}}}


def a_webhook(event, webhook_id="req-1"):
    return Webhook({"webhook-id": webhook_id}, json.dumps(event).encode(), NOW)


def parsed(event, webhook_id="req-1", **options):
    (found,) = ADAPTER.parse(a_webhook(event, webhook_id), an_account(**options))
    return found


def answered(event, decision, **options):
    return json.loads(ADAPTER.answer(a_webhook(event), an_account(**options), {"decision": decision}).body)


def test_a_handoff_closes_the_intent_and_leaves_what_the_contact_flow_branches_on():
    answer = answered(an_event(attributes={"own": "kept"}), ESCALATED)

    state = answer["sessionState"]
    assert state["dialogAction"] == {"type": "Close"}
    assert state["intent"] == {**INTENT, "state": "Failed"}
    assert state["activeContexts"] == []
    assert re.fullmatch(r"req-1\.[0-9a-f]{12}", state["sessionAttributes"].pop("baton_turn"))
    assert state["sessionAttributes"] == {
        "own": "kept",
        "baton_handoff_id": "hof_1",
        "baton_transfer": "warm",
        "baton_route": "billing",
        "baton_tier": "short",
        "baton_respond_by": "2026-11-21T11:00:00Z",
    }
    assert answer["messages"] == [{"contentType": "PlainText", "content": "A colleague takes over."}]


def test_the_wish_for_a_person_is_fulfilled_by_a_handoff():
    event = an_event(intent={"name": "TalkToAgent"})

    assert answered(event, ESCALATED)["sessionState"]["intent"] == {"name": "TalkToAgent", "state": "Fulfilled"}


def test_without_a_handoff_lex_goes_on_as_without_us():
    answer = answered(an_event(attributes={"baton_handoff_id": "hof_0"}), GO_ON)

    assert answer["sessionState"]["dialogAction"] == {"type": "Delegate"}
    assert answer["sessionState"]["intent"] == INTENT
    assert "baton_handoff_id" not in answer["sessionState"]["sessionAttributes"]
    assert "messages" not in answer


def test_an_offer_is_left_for_the_bots_own_prompt():
    answer = answered(an_event(), {"action": "offer", "rules": [], "customer_message": "Would you like a person?"})

    assert answer["sessionState"]["sessionAttributes"]["baton_message"] == "Would you like a person?"
    assert "messages" not in answer


def test_both_hooks_of_one_utterance_are_one_turn():
    mark = answered(an_event("yes"), GO_ON)["sessionState"]["sessionAttributes"]
    dialog = parsed(an_event("yes"))
    fulfilled = parsed(an_event("yes", "FulfillmentCodeHook", attributes=mark), "req-2")

    state = fold_all("phone", "s-1", [dialog, fulfilled])

    assert state.customer_turns == 1


@pytest.mark.parametrize(("said", "source"), [("no", "FulfillmentCodeHook"), ("yes", "DialogCodeHook")])
def test_other_words_or_the_same_words_a_turn_later_are_another_turn(said, source):
    mark = answered(an_event("yes"), GO_ON)["sessionState"]["sessionAttributes"]
    later = parsed(an_event(said, source, attributes=mark), "req-2")

    assert fold_all("phone", "s-1", [parsed(an_event("yes")), later]).customer_turns == 2


@pytest.mark.parametrize(("told", "confidence"), [(0.8, 0.8), ({"score": 0.7}, 0.7), (None, None), (7, None)])
def test_the_confidence_has_two_spellings_and_may_be_absent(told, confidence):
    assert parsed(an_event(confidence=told)).turns[0].nlu.intent.confidence == confidence


def test_the_fallback_intent_is_a_fallback_without_a_confidence():
    nlu = parsed(an_event(intent={"name": "FallbackIntent"}, confidence=0.5)).turns[0].nlu

    assert (nlu.is_fallback, nlu.intent.confidence) == (True, None)


def test_slots_are_what_they_were_understood_as_and_empty_ones_nothing():
    one = {"shape": "Scalar", "value": {"originalValue": "a seventeen", "interpretedValue": "A-17"}}
    several = {"shape": "List", "values": [one, {"value": {"originalValue": "B-2"}}]}

    event = parsed(an_event(intent={**INTENT, "slots": {"Order": one, "Others": several, "Date": None}}))

    assert event.context.slots == {"Order": "A-17", "Others": "A-17, B-2"}


def test_our_marks_and_the_platforms_attributes_are_no_facts():
    attributes = {"baton_turn": "x.y", "email": "jane@example.com"}

    event = parsed(an_event(attributes=attributes, requestAttributes={"x-amz-lex:channels:platform": "Connect"}))

    assert event.context.variables == {"email": "jane@example.com"}
    assert (event.customer.email, event.conversation.channel) == ("jane@example.com", Channel.VOICE)


@pytest.mark.parametrize(
    ("event", "options", "kind"),
    [
        (an_event(intent={"name": "HumanHandoff"}), {}, EventKind.HANDOFF_REQUESTED),
        (an_event(intent={"name": "Agent"}), {"handoff_intents": "A, Agent"}, EventKind.HANDOFF_REQUESTED),
        (an_event(), {}, EventKind.MESSAGE_CREATED),
        (a_contact({"handoff": "true"}), {}, EventKind.HANDOFF_REQUESTED),
        (a_contact({"handoff": "false"}), {}, EventKind.CONVERSATION_UPDATED),
        (a_contact(), {}, EventKind.CONVERSATION_UPDATED),
    ],
)
def test_an_intent_or_a_flows_parameter_asks_for_a_person(event, options, kind):
    assert parsed(event, **options).kind is kind


def test_a_contact_flow_is_answered_with_strings_only():
    assert answered(a_contact(), ESCALATED) == {
        "action": "escalate",
        "handoff_id": "hof_1",
        "transfer": "warm",
        "route": "billing",
        "tier": "short",
        "respond_by": "2026-11-21T11:00:00Z",
        "customer_message": "A colleague takes over.",
    }


@pytest.mark.parametrize("event", [{}, {"invocationSource": "DialogCodeHook"}, {"Name": "ContactFlowEvent"}])
def test_an_event_of_neither_is_malformed(event):
    with pytest.raises(MalformedWebhook):
        ADAPTER.parse(a_webhook(event), an_account())


def test_a_secret_that_cannot_be_one_is_found_at_the_start():
    with pytest.raises(ValueError, match="base64"):
        ADAPTER.check(VendorAccount("phone", "lex", ("no base64!",)))


@dataclass
class LambdaContext:
    aws_request_id: str = "req-7"


@pytest.fixture
def forwarder(local_vendor, monkeypatch):
    """The Lambda function as the README has it, posting to a local double."""
    readme = Path(lex.__file__).with_name("README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.setenv("BATON_URL", local_vendor.url + "/v1/in/phone")
    monkeypatch.setenv("BATON_SECRET", SECRET)
    names = {}
    exec(code, names)  # noqa: S102
    return names["lambda_handler"]


def test_the_forwarder_of_the_readme_signs_as_we_verify_and_gives_our_answer_back(forwarder, local_vendor):
    local_vendor.answer = {"sessionState": {"dialogAction": {"type": "Close"}}}

    answer = forwarder(an_event(), LambdaContext())

    (call,) = local_vendor.calls
    webhook = Webhook(call.headers, call.body, datetime.now(UTC))
    assert ADAPTER.verify(webhook, an_account()).dedupe_key == "req-7"
    assert ADAPTER.parse(webhook, an_account())[0].turns[0].text == "where is my order"
    assert answer == local_vendor.answer


@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_forwarder_that_gets_no_answer_lets_the_bot_go_on(forwarder, local_vendor, status, capsys):
    local_vendor.status = status

    assert forwarder(an_event(), LambdaContext())["sessionState"]["dialogAction"] == {"type": "Delegate"}
    assert forwarder(a_contact(), LambdaContext()) == {"action": "unknown"}
    assert "where is my order" not in capsys.readouterr().out
