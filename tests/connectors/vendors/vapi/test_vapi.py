"""Vapi: what is special about it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import Refused, SignatureRejected, Throttled
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.vapi import ADAPTER
from packets.codec import to_json
from packets.event import EventKind, Role

FIXTURES = Path(__file__).parent / "fixtures"
VECTORS = json.loads((FIXTURES / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
FORMS = {"vapi-hmac-default": "hmac", "vapi-hmac-bodyonly": "hmac_body", "vapi-secret": "secret"}
CALL = {"id": "c-1", "type": "inboundPhoneCall"}


def an_account(**options):
    return VendorAccount("phone", "vapi", ("key-1",), options)


def a_webhook(**message):
    return Webhook({}, json.dumps({"message": {"call": CALL} | message}).encode(), NOW)


def parsed(**message):
    return ADAPTER.parse(a_webhook(**message), an_account())


def answered(told, options=None, **message):
    return json.loads(ADAPTER.answer(a_webhook(**message), an_account(**options or {}), {"decision": told}).body)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["scheme"])
def test_the_vectors_are_answered_as_they_say(vector):
    at = datetime.fromtimestamp(float(vector.get("clock", NOW.timestamp())), UTC)
    webhook = Webhook(vector["headers"], vector["body"].encode(), at)
    account = VendorAccount("phone", "vapi", (vector["secret"],), {"signature": FORMS[vector["scheme"]]})

    assert ADAPTER.verify(webhook, account).key_number == 0
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(webhook, VendorAccount("phone", "vapi", ("other",), account.options))


def test_a_signed_time_may_be_in_milliseconds_but_not_old():
    account = an_account(signature="hmac")
    signed = ADAPTER.sign(a_webhook(type="hang"), account)

    stale = Webhook(signed.headers, signed.body, datetime(2026, 11, 21, 10, 6, tzinfo=UTC))

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(stale, account)


def test_the_prompt_is_no_turn_and_both_names_of_the_assistant_are_the_bot():
    rows = [{"role": role, "message": role} for role in ("system", "bot", "assistant", "user")]

    (event,) = parsed(type="conversation-update", messages=rows)

    assert [turn.role for turn in event.turns] == [Role.BOT, Role.BOT, Role.CUSTOMER]


def test_prompts_and_secrets_are_not_stored():
    webhook = Webhook({}, (FIXTURES / "tool_calls_2024.http").read_bytes().partition(b"\n\n")[2], NOW)

    stored = ADAPTER.stored(webhook)

    assert b'"secret":"12345"' not in stored
    assert b'"secret":"[removed]"' in stored
    assert b"getWeatherByCity_001" in stored


def test_two_tries_of_one_report_are_one_event_though_the_recording_address_differs():
    def tried(url):
        message = {"type": "end-of-call-report", "artifact": {"recordingUrl": url}, "endedReason": "hangup"}
        return ADAPTER.parse(a_webhook(**message), an_account())[0].event_id

    assert tried("https://x/1?sig=a") == tried("https://x/1?sig=b")


@pytest.mark.parametrize(
    ("reason", "kind", "failed"),
    [
        ("customer-ended-call", EventKind.CONVERSATION_ENDED, False),
        ("pipeline-error-openai-llm-failed", EventKind.CONVERSATION_ENDED, True),
        ("call.forwarding.operator-busy", EventKind.CALL_TRANSFER_FAILED, True),
    ],
)
def test_how_a_call_ended_is_told_apart(reason, kind, failed):
    (event,) = parsed(type="end-of-call-report", endedReason=reason)

    assert (event.kind, event.bot_outcome.failure_reason is not None) == (kind, failed)


@pytest.mark.parametrize("spelling", [{"arguments": {"a": 1}}, {"arguments": '{"a": 1}'}])
def test_arguments_are_read_as_object_and_as_string(spelling):
    call = {"id": "t1", "function": {"name": "look_up", **spelling}}
    rows = [
        {"role": "tool_calls", "toolCalls": [call]},
        {"role": "tool_call_result", "toolCallId": "t1", "result": "x"},
    ]

    (event,) = parsed(type="conversation-update", messages=rows)

    assert [(c.name, c.arguments, c.ok) for c in event.context.tool_calls] == [("look_up", {"a": 1}, True)]


@pytest.mark.parametrize("written", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud83d"}', "[" * 100_000, "not JSON"])
def test_arguments_a_model_made_up_can_always_be_kept(written):
    asked = {"toolCalls": [{"id": "t-1", "function": {"name": "look_up", "arguments": written}}]}
    calls = [asked, {"role": "tool_call_result", "toolCallId": "t-1", "result": "done"}]

    (event, *_) = parsed(type="status-update", status="forwarding", artifact={"messages": calls})

    (call,) = event.context.tool_calls
    assert to_json(event).encode()
    assert call.name == "look_up"


def test_a_tool_call_is_answered_with_the_customers_message():
    told = {"action": "escalate", "customer_message": "A colleague takes over."}

    answer = answered(told, type="tool-calls", toolCallList=[{"id": "t1", "name": "transferCall"}])

    assert answer == {"results": [{"toolCallId": "t1", "result": "A colleague takes over."}]}


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({"destination": "+1555"}, {"destination": {"type": "number", "number": "+1555", "message": "Hold on."}}),
        ({"destination": "sip:a@b"}, {"destination": {"type": "sip", "sipUri": "sip:a@b", "message": "Hold on."}}),
        ({}, {"error": "no destination is configured; a person will call back"}),
    ],
)
def test_a_destination_is_given_when_asked_for(options, answer):
    told = {"action": "escalate", "customer_message": "Hold on."}

    assert answered(told, options, type="transfer-destination-request") == answer


def a_client(**options):
    return make_vendor_client(VendorAccount("phone", "vapi", ("key-1",), options, "http://127.0.0.1:9"))


def a_notice(kind=NoticeKind.HANDED_OFF, refs=None, text="Please hold."):
    return Notice("hof_1.1", kind, "c-1", text, refs=refs or {"control_url": "http://127.0.0.1:9/c-1/control?x=1"})


@pytest.mark.parametrize(
    ("options", "kind", "orders"),
    [
        (
            {"destination": "+1555"},
            NoticeKind.HANDED_OFF,
            [{"type": "transfer", "destination": {"type": "number", "number": "+1555"}, "content": "Please hold."}],
        ),
        (
            {},
            NoticeKind.HANDED_OFF,
            [{"type": "say", "content": "Please hold."}, {"type": "control", "control": "mute-assistant"}],
        ),
        ({}, NoticeKind.CONTROL_RETURNED, [{"type": "control", "control": "unmute-assistant"}]),
    ],
)
def test_a_running_call_is_told(local_vendor, options, kind, orders):
    client = make_vendor_client(VendorAccount("phone", "vapi", ("key-1",), options, local_vendor.url))

    client.tell(a_notice(kind, {"control_url": local_vendor.url + "/c-1/control"}))

    assert [(call.path, call.json) for call in local_vendor.calls] == [("/c-1/control", order) for order in orders]


SAY = [{"type": "say", "content": "Please hold."}]


@pytest.mark.parametrize(
    ("kind", "changed", "orders"),
    [
        (NoticeKind.WAITING, {}, SAY),
        (NoticeKind.WAITING, {"in_answer": True}, []),
        (NoticeKind.WAITING, {"text": None}, []),
        (NoticeKind.HANDED_OFF, {"connects": False}, SAY),
        (NoticeKind.HANDED_OFF, {"connects": False, "in_answer": True}, []),
    ],
)
def test_while_people_are_asked_and_for_a_callback_a_caller_only_hears_words(local_vendor, kind, changed, orders):
    account = VendorAccount("phone", "vapi", ("key-1",), {"destination": "+1555"}, local_vendor.url)
    notice = a_notice(kind, {"control_url": local_vendor.url + "/c-1/control"})

    make_vendor_client(account).tell(replace(notice, **changed))

    assert [call.json for call in local_vendor.calls] == orders


@pytest.mark.parametrize(("transfer", "whispers"), [("warm", True), ("cold", False)])
def test_whoever_picks_up_a_warm_call_hears_who_it_is_if_that_is_wanted(local_vendor, transfer, whispers):
    options = {"destination": "+1555", "whisper": "yes"}
    account = VendorAccount("phone", "vapi", ("key-1",), options, local_vendor.url)
    notice = a_notice(refs={"control_url": local_vendor.url + "/c-1/control"})

    facts = {"transfer": transfer, "announcement": "Ana, about an order"}
    make_vendor_client(account).tell(replace(notice, facts=facts))

    (call,) = local_vendor.calls
    assert (call.json["destination"].get("transferPlan", {}).get("message") == "Ana, about an order") is whispers


def test_an_option_to_whisper_is_yes_or_no():
    with pytest.raises(ValueError, match="whisper is yes or no"):
        ADAPTER.check(an_account(whisper="loudly"))


@pytest.mark.parametrize("url", ["https://evil.example/c-1/control", "", "not an address", "http://["])
def test_a_control_address_elsewhere_is_not_called(url):
    with pytest.raises(Refused, match="no control address"):
        a_client().tell(a_notice(refs={"control_url": url}))


def test_a_caller_whom_our_answer_has_put_through_is_not_transferred_again(local_vendor):
    account = VendorAccount("phone", "vapi", ("key-1",), {"destination": "+1555"}, local_vendor.url)
    refs = {"control_url": local_vendor.url + "/c-1/control", "asked": "transfer-destination-request"}

    make_vendor_client(account).tell(replace(a_notice(refs=refs), in_answer=True))

    assert local_vendor.calls == []


@pytest.mark.parametrize(("status", "error"), [(404, Refused), (429, Throttled)])
def test_what_vapi_answers_is_told_as_ours_without_the_customers_words(local_vendor, status, error):
    local_vendor.status = status
    client = make_vendor_client(VendorAccount("phone", "vapi", ("key-1",), {}, local_vendor.url))

    with pytest.raises(error) as failed:
        client.tell(a_notice(refs={"control_url": local_vendor.url + "/c-1/control"}))

    assert "Please hold." not in str(failed.value)
