"""ElevenLabs: what is special about it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.vendors.elevenlabs import ADAPTER
from packets.codec import to_json
from packets.event import EventKind, Role

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def an_account(*secrets, **options):
    return VendorAccount("phone", "elevenlabs", secrets or ("wsec_1",), options)


def a_webhook(kind="post_call_transcription", **data):
    return Webhook({}, json.dumps({"type": kind, "data": {"conversation_id": "c-1"} | data}).encode(), NOW)


def parsed(options=None, **data):
    (event,) = ADAPTER.parse(a_webhook(**data), an_account(**options or {}))
    return event


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["scheme"])
def test_the_vectors_are_answered_as_they_say(vector):
    webhook = Webhook(vector["headers"], vector["body"].encode(), datetime.fromtimestamp(vector["clock"], UTC))

    assert ADAPTER.verify(webhook, an_account(vector["secret"])).key_number == 0
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(webhook, an_account("other"))


@pytest.mark.parametrize("written", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud83d"}', "[" * 100_000, "not JSON"])
def test_arguments_a_model_made_up_can_always_be_kept(written):
    called = [{"tool_name": "look_up", "tool_has_been_called": True, "params_as_json": written, "request_id": "r-1"}]

    event = parsed(transcript=[{"role": "agent", "tool_calls": called}])

    assert [call.name for call in event.context.tool_calls] == ["look_up"]
    assert to_json(event).encode()


@pytest.mark.parametrize(("minutes", "good"), [(29, True), (31, False), (-29, True), (-31, False)])
def test_a_signed_time_counts_half_an_hour_both_ways(minutes, good):
    signed = ADAPTER.sign(a_webhook(), an_account())
    late = Webhook(signed.headers, signed.body, NOW + timedelta(minutes=minutes))

    if good:
        assert ADAPTER.verify(late, an_account()).key_number == 0
    else:
        with pytest.raises(SignatureRejected):
            ADAPTER.verify(late, an_account())


def test_of_several_signatures_any_may_match():
    signed = ADAPTER.sign(a_webhook(), an_account())
    rotated = signed.headers["elevenlabs-signature"].replace("v0=", f"v0={'0' * 64},v0=")

    assert ADAPTER.verify(Webhook({"elevenlabs-signature": rotated}, signed.body, NOW), an_account()).key_number == 0


def test_a_second_time_is_not_taken():
    signed = ADAPTER.sign(a_webhook(), an_account())
    headers = {"elevenlabs-signature": "t=1," + signed.headers["elevenlabs-signature"]}

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook(headers, signed.body, NOW), an_account())


def test_the_agent_is_the_bot_and_rows_without_words_are_no_turns():
    rows = [{"role": "agent", "message": "Hi"}, {"role": "agent", "message": None}, {"role": "user", "message": "Bye"}]

    event = parsed(transcript=rows)

    assert [(turn.role, turn.message_id) for turn in event.turns] == [(Role.BOT, "t1"), (Role.CUSTOMER, "t2")]


def test_the_same_tool_tried_twice_counts_twice_though_no_request_has_an_id():
    failed = {"tool_calls": [{"tool_name": "look_up"}], "tool_results": [{"tool_name": "look_up", "is_error": True}]}

    event = parsed(transcript=[{"role": "agent", **failed}, {"role": "agent", **failed}])

    assert [(call.name, call.ok, call.error) for call in event.context.tool_calls] == [("look_up", False, "failed")] * 2


@pytest.mark.parametrize(
    ("called", "error", "kind"),
    [
        ("handoff", False, EventKind.HANDOFF_REQUESTED),
        ("transfer_to_number", False, EventKind.CALL_TRANSFERRED),
        ("transfer_to_number", True, EventKind.CALL_TRANSFER_FAILED),
        ("end_call", False, EventKind.CONVERSATION_ENDED),
    ],
)
def test_what_the_agent_did_says_what_became_of_the_call(called, error, kind):
    row = {"tool_calls": [{"tool_name": called}], "tool_results": [{"tool_name": called, "is_error": error}]}

    assert parsed(transcript=[row]).kind is kind


@pytest.mark.parametrize(
    ("option", "kind"), [("yes", EventKind.HANDOFF_REQUESTED), ("no", EventKind.CONVERSATION_ENDED)]
)
def test_a_failed_call_is_handed_off_only_if_asked_for(option, kind):
    assert parsed({"failed_calls": option}, analysis={"call_successful": "failure"}).kind is kind


def test_recordings_and_secret_variables_are_neither_stored_nor_facts():
    told = {
        "conversation_initiation_client_data": {
            "dynamic_variables": {"secret__token": "tok-1", "system__x": "1", "plan": "pro"}
        }
    }
    webhook = a_webhook(full_audio="QUJD", **told)

    stored = ADAPTER.stored(webhook)

    assert b"QUJD" not in stored
    assert b"tok-1" not in stored
    assert ADAPTER.parse(webhook, an_account())[0].context.variables == {"plan": "pro"}
