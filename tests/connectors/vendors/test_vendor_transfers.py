"""What vendors that carry out our answer do with a wait and with a callback: nobody is put through by it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connectors.ports import VendorAccount
from connectors.recorded import read_recorded
from connectors.registry import VENDORS, vendor

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
OPTIONS = {
    "twilio": {"destination": "+15550100009", "bot_url": "https://bot.example.com/twiml"},
    "vapi": {"destination": "+15550100009", "handoff_tool": "talk_to_person", "signature": "hmac_body"},
}
TOLD = {
    "action": "escalate", "rules": ["vip"], "handoff_id": "hof_1", "route": "general", "tier": "short",
    "respond_by": "2026-11-21T11:00:00Z", "announcement": "Ana, about an order", "customer_message": "Words.",
}  # fmt: skip
WAIT = TOLD | {"transfer": "warm", "wait_until": "2026-11-21T10:00:45Z"}
CALLBACK = TOLD | {"transfer": "callback"}
COLD = TOLD | {"transfer": "cold"}


def answer(name, case, decision):
    path = HERE / name / "fixtures" / f"{case}.http"
    options = {**_options(path), **OPTIONS.get(name, {})}
    account = VendorAccount("shop", name, ("secret",), options, "https://api.example" if name == "twilio" else None)
    webhook = next(iter(read_recorded(path.read_bytes()))).webhook(NOW)
    return vendor(name).answer(webhook, account, {"decision": decision}).body.decode()


def _options(path):
    found = re.match(rb"# options: (\{.*\})", path.read_bytes())
    return json.loads(found[1]) if found else {}


def verbs(twiml):
    return [verb.tag for verb in ElementTree.fromstring(twiml)]  # noqa: S314 - our own XML


def test_a_caller_of_twilio_is_held_until_the_time_is_over_and_then_the_bot_goes_on():
    told = answer("twilio", "handoff_conversation_relay", WAIT)

    assert verbs(told) == ["Say", "Pause", "Redirect"]
    assert 'length="60"' in told  # 45 s, and a moment for our call


def test_a_wait_that_is_nearly_over_still_holds_the_line_for_a_moment():
    told = answer("twilio", "handoff_conversation_relay", WAIT | {"wait_until": "2026-11-21T09:59:00Z"})

    assert 'length="15"' in told


@pytest.mark.parametrize(("decision", "expected"), [(CALLBACK, ["Say", "Redirect"]), (COLD, ["Say", "Dial"])])
def test_a_caller_of_twilio_is_dialled_unless_somebody_calls_back(decision, expected):
    assert verbs(answer("twilio", "handoff_conversation_relay", decision)) == expected


@pytest.mark.parametrize("decision", [WAIT, CALLBACK])
def test_vapi_keeps_the_call_with_the_assistant(decision):
    asked = json.loads(answer("vapi", "handoff_transfer_request", decision))
    tool = json.loads(answer("vapi", "handoff_tool", decision))

    assert asked == {"error": "Words."}
    assert [result["result"] for result in tool["results"]] == ["Words."]


def test_vapis_assistant_knows_what_to_do_where_the_policy_has_no_words():
    silent = {name: told for name, told in WAIT.items() if name != "customer_message"}

    told = json.loads(answer("vapi", "handoff_transfer_request", silent))

    assert "Stay with the caller" in told["error"]


@pytest.mark.parametrize(
    ("options", "decision", "plan"),
    [
        ({"whisper": "yes"}, "warm", {"mode": "warm-transfer-say-message", "message": "Ana, about an order"}),
        ({"whisper": "yes"}, "cold", None),
        ({}, "warm", None),
    ],
)
def test_whoever_picks_up_a_warm_call_of_vapi_hears_the_announcement_if_that_is_wanted(
    monkeypatch, options, decision, plan
):
    monkeypatch.setitem(OPTIONS, "vapi", OPTIONS["vapi"] | options)

    told = json.loads(answer("vapi", "handoff_transfer_request", TOLD | {"transfer": decision}))

    assert told["destination"].get("transferPlan") == plan


def test_dialogflow_hears_of_a_callback_without_an_agent_to_hand_over_to():
    told = json.loads(answer("dialogflow", "handoff_by_tag", CALLBACK))

    assert told["fulfillmentResponse"]["mergeBehavior"] == "APPEND"
    assert "liveAgentHandoff" not in json.dumps(told)
    assert told["sessionInfo"]["parameters"] == {"baton_handoff_id": "hof_1"}


def test_dialogflows_agents_get_the_announcement():
    told = answer("dialogflow", "handoff_by_tag", COLD)

    assert '"announcement": "Ana, about an order"' in told


@pytest.mark.parametrize(("decision", "id_told"), [(CALLBACK, None), (COLD, "hof_1")])
def test_a_lex_flow_finds_no_handoff_to_queue_for_a_callback(decision, id_told):
    state = json.loads(answer("lex", "handoff_intent", decision))["sessionState"]

    assert state["sessionAttributes"].get("baton_handoff_id") == id_told
    assert state["sessionAttributes"]["baton_transfer"] == decision["transfer"]
    assert state["dialogAction"]["type"] == "Close"


def test_a_lex_bot_goes_on_after_the_callback_was_told():
    later = {"action": "continue", "rules": [], "handoff_id": "hof_1", "transfer": "callback"}

    state = json.loads(answer("lex", "handoff_intent", later))["sessionState"]

    assert state["dialogAction"]["type"] == "Delegate"


@pytest.mark.parametrize(("decision", "pauses"), [(CALLBACK, False), (COLD, True)])
def test_a_rasa_bot_stays_awake_for_a_callback(decision, pauses):
    told = json.loads(answer("rasa", "handoff_action", decision))

    assert ({"event": "pause", "timestamp": None} in told["events"]) is pauses
    assert told["responses"] == [{"text": "Words."}]


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_who_can_be_connected_later_can_be_told_so_by_options_it_has(name):
    adapter = vendor(name)
    later = adapter.capabilities.connects_later

    assert later is None or ("handed_off" in adapter.capabilities.tells and later <= adapter.options.keys())
