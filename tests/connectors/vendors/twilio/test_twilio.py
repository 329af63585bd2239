"""Twilio: what is special about it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from connectors.errors import Refused, SignatureRejected, Throttled, Unauthorized, Unsure
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.twilio import ADAPTER
from gateway.cli.renew import renewed
from packets.event import Channel, EventKind, Role, Visibility

FIXTURES = Path(__file__).parent / "fixtures"
VECTORS = json.loads((FIXTURES / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
URL = "https://baton.example/v1/in/phone"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json; charset=utf-8"}
AC, CA = "AC" + "0" * 32, "CA" + "1" * 32
CALL = {"AccountSid": AC, "CallSid": CA, "From": "+15550100001", "To": "+15550100002", "CallStatus": "in-progress"}
SMS = {"AccountSid": AC, "MessageSid": "SM1234", "SmsStatus": "received", "From": "+15550100001", "To": "+15550100002"}
ESCALATE = {"action": "escalate", "customer_message": "A colleague takes over <now> & soon."}
XML = "<?xml version='1.0' encoding='UTF-8'?>\n"


def an_account(base_url=None, **options):
    credentials = {"account_sid": AC, "auth_token": "token-7"}
    return VendorAccount("phone", "twilio", ("key-1", "key-2"), options, base_url, credentials)


def a_form(headers=(), **told):
    return Webhook(FORM | dict(headers), urlencode(told).encode(), NOW, URL)


def parsed(webhook, account=None):
    return ADAPTER.parse(webhook, account or an_account())


def answered(webhook, decision, account=None):
    answer = ADAPTER.answer(webhook, account or an_account(), {"decision": decision})
    assert answer.content_type.startswith("text/xml")
    return answer.body.decode().removeprefix(XML)


def of_vector(vector):
    if "form" in vector:
        form = vector["form"]
        pairs = form.items() if isinstance(form, dict) else map(tuple, form)
        return Webhook(FORM | vector["headers"], urlencode(list(pairs)).encode(), NOW, vector["url"])
    return Webhook(JSON | vector["headers"], vector["body"].encode(), NOW, vector["url"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.get("note", v["expect"]))
def test_the_vectors_are_answered_as_they_say(vector):
    account = VendorAccount("phone", "twilio", (vector["secret"],))

    if vector["expect"] == "valid":
        assert ADAPTER.verify(of_vector(vector), account).key_number == 0
    else:
        with pytest.raises(SignatureRejected):
            ADAPTER.verify(of_vector(vector), account)
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(of_vector(vector), VendorAccount("phone", "twilio", ("other",)))


def test_a_json_body_without_its_digest_in_the_address_is_rejected_though_the_address_is_signed():
    of_no_parameters = ADAPTER.sign(Webhook(FORM, b"", NOW, URL), an_account())

    forged = Webhook(of_no_parameters.headers | JSON, b'{"HandoffData": "{}"}', NOW, URL)

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(forged, an_account())


@pytest.mark.parametrize("announced", ["algorithm=HMAC_MD5", "algorithm=", "key=x", "", "ä,=,="])
def test_an_algorithm_nobody_knows_is_rejected(announced):
    signed = ADAPTER.sign(a_form(**SMS), an_account())

    odd = Webhook({**signed.headers, "x-twilio-webhooks-signature-settings": announced}, signed.body, NOW, URL)

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(odd, an_account())


def test_an_address_with_decoded_letters_is_verified_as_twilio_wrote_it():
    written = Webhook(FORM, urlencode(SMS).encode(), NOW, URL + "?shop=J%C3%BCrgen")
    signed = ADAPTER.sign(written, an_account())

    as_served = Webhook(signed.headers, signed.body, NOW, URL + "?shop=Jürgen")

    assert ADAPTER.verify(as_served, an_account()).key_number == 0


@pytest.mark.parametrize("url", ["http://[", "", "https://", "https://[::1/v1"])
def test_a_host_header_that_is_no_host_is_rejected_and_nothing_else(url):
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook(FORM | {"x-twilio-signature": "x"}, b"a=b", NOW, url), an_account())


def test_a_second_delivery_is_known_by_twilios_token():
    def key(token):
        return ADAPTER.verify(
            ADAPTER.sign(a_form([("i-twilio-idempotency-token", token)], **SMS), an_account()), an_account()
        )

    assert key("t-1").dedupe_key == key("t-1").dedupe_key != key("t-2").dedupe_key


def test_who_says_yes_twice_has_said_two_things():
    def said(token):
        (event,) = parsed(a_form([("i-twilio-idempotency-token", token)], **CALL, SpeechResult="yes", Confidence="0.9"))
        return event.event_id, event.turns[0].message_id

    assert said("t-1") == said("t-1")
    assert not set(said("t-1")) & set(said("t-2"))


def test_the_recognisers_confidence_is_not_the_bots():
    (event,) = parsed(a_form(**CALL, SpeechResult="where is my parcel", Confidence="0.31"))

    assert event.turns[0].nlu is None
    assert event.context.analysis["speech_confidence"] == 0.31


def test_whatsapp_is_the_channel_and_no_part_of_the_number():
    told = SMS | {"From": "whatsapp:+15550100001", "To": "whatsapp:+15550100002", "Body": "hi", "ProfileName": "Ana"}

    (event,) = parsed(a_form(**told))

    assert (event.conversation.channel, event.customer.phone) == (Channel.WHATSAPP, "+15550100001")
    assert event.refs == {"customer": "whatsapp:+15550100001", "number": "whatsapp:+15550100002"}


def test_the_fate_of_our_message_belongs_to_the_conversation_it_was_sent_in():
    (said,) = parsed(a_form(**SMS, Body="hello"))
    sent = {"MessageSid": "SM77", "From": "+15550100002", "To": "+15550100001", "AccountSid": AC}

    (failed,) = parsed(a_form(**sent, MessageStatus="failed"))

    assert parsed(a_form(**sent, MessageStatus="sent")) == ()
    assert failed.conversation.vendor_conversation_id == said.conversation.vendor_conversation_id
    assert failed.warnings == ("message_undelivered",)


def test_the_leg_to_a_person_does_not_end_the_customers_call():
    leg = {"CallSid": "CA77", "ParentCallSid": CA, "CallStatus": "completed", "Direction": "outbound-dial"}

    assert parsed(a_form(**CALL | leg)) == ()


def test_an_outbound_calls_customer_is_the_one_called():
    (event,) = parsed(a_form(**CALL | {"Direction": "outbound-api", "CallStatus": "ringing"}))

    assert (event.customer.phone, event.call["direction"]) == ("+15550100002", "outbound")


@pytest.mark.parametrize(
    ("data", "reason", "note"),
    [
        ('{"reasonCode":"live-agent-handoff","reason":"wants a person"}', "wants a person", None),
        ("wants a person", "wants a person", None),
        ('"wants a person"', "wants a person", None),
        ("[1]", "[1]", None),
        ("x" * 1500, "x" * 1000, "x" * 1500),
    ],
)
def test_handoff_data_is_whatever_the_bot_wrote(data, reason, note):
    for name in ("HandoffData", "handoffData"):
        (event,) = parsed(a_form(**CALL, **{name: data}))

        assert (event.kind, event.handoff.reason_text, event.handoff.agent_note) == (
            EventKind.HANDOFF_REQUESTED, reason, note,
        )  # fmt: skip


def test_a_transcript_in_handoff_data_has_the_roles_the_right_way_round():
    rows = [{"role": role, "content": role} for role in ("system", "assistant", "user", "agent", "whisper")]

    (event,) = parsed(a_form(**CALL, HandoffData=json.dumps({"messages": rows})))

    assert [turn.role for turn in event.turns] == [Role.BOT, Role.CUSTOMER, Role.AGENT, Role.SYSTEM]
    assert event.turns[-1].visibility is Visibility.INTERNAL
    assert (event.transcript, event.warnings) == ("full", ("role_ambiguous",))


def test_a_relay_that_ended_without_asking_for_anybody_is_no_handoff():
    (ended,) = parsed(a_form(**CALL, HandoffData="", SessionStatus="ended"))
    (broke,) = parsed(a_form(**CALL, SessionStatus="failed", ErrorCode="64105"))

    assert (ended.kind, ended.bot_outcome.failure_reason) == (EventKind.CONVERSATION_UPDATED, None)
    assert "64105" in broke.bot_outcome.failure_reason


@pytest.mark.parametrize(
    ("destination", "connects"),
    [
        ("+15550100009", f'<Dial action="{URL}"><Number>+15550100009</Number></Dial>'),
        ("sip:desk@example.com", f'<Dial action="{URL}"><Sip>sip:desk@example.com</Sip></Dial>'),
        ("queue:support", "<Enqueue>support</Enqueue>"),
    ],
)
def test_a_caller_is_put_through_after_hearing_so(destination, connects):
    account = an_account(destination=destination, say_language="en-GB")

    answer = answered(a_form(**CALL, HandoffData="{}"), ESCALATE, account)

    said = '<Say language="en-GB">A colleague takes over &lt;now&gt; &amp; soon.</Say>'
    assert answer == f"<Response>{said}{connects}</Response>"


def test_a_call_nobody_is_needed_for_goes_back_to_the_bot():
    account = an_account(bot_url="https://bot.example/next", destination="+1555")

    answer = answered(a_form(**CALL, SpeechResult="hello"), {"action": "continue"}, account)

    assert answer == '<Response><Redirect method="POST">https://bot.example/next</Redirect></Response>'


def test_a_dialling_that_reached_nobody_goes_back_to_the_bot_and_does_not_dial_again():
    account = an_account(bot_url="https://bot.example/next", destination="+1555")

    failed = answered(a_form(**CALL, DialCallStatus="no-answer"), ESCALATE, account)
    talked = answered(a_form(**CALL, DialCallStatus="completed"), ESCALATE, account)

    assert "<Redirect" in failed
    assert "<Dial" not in failed
    assert talked == "<Response />"


def test_news_of_a_call_is_answered_with_nothing():
    assert answered(a_form(**CALL), ESCALATE, an_account(destination="+1555")) == "<Response />"


def test_a_message_is_answered_with_one_unless_it_is_sent_as_work():
    words = "A colleague takes over &lt;now&gt; &amp; soon."

    assert answered(a_form(**SMS, Body="human"), ESCALATE) == f"<Response><Message>{words}</Message></Response>"
    assert answered(a_form(**SMS, Body="human"), ESCALATE, an_account("https://api.twilio.com")) == "<Response />"


def test_what_xml_cannot_hold_is_left_out_of_an_answer():
    answer = answered(a_form(**SMS, Body="hi"), {"action": "offer", "customer_message": "one\x07 two\ud800"})

    assert answer == "<Response><Message>one two</Message></Response>"


def a_notice(text="Please hold.", in_answer=False, **refs):
    return Notice("hof_1.1", NoticeKind.HANDED_OFF, "c-1", text, refs=refs, in_answer=in_answer)


def test_who_writes_is_sent_the_message(local_vendor):
    client = make_vendor_client(an_account(local_vendor.url))

    client.tell(a_notice(customer="whatsapp:+1555", number="whatsapp:+1777"))

    (call,) = local_vendor.calls
    assert (call.method, call.path) == ("POST", f"/2010-04-01/Accounts/{AC}/Messages.json")
    assert parse_qs(call.body.decode()) == {
        "From": ["whatsapp:+1777"],
        "To": ["whatsapp:+1555"],
        "Body": ["Please hold."],
    }
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert call.headers["authorization"].startswith("Basic ")


def test_who_calls_is_put_through(local_vendor):
    client = make_vendor_client(an_account(local_vendor.url, destination="+1888"))

    client.tell(a_notice(call_sid=CA))

    (call,) = local_vendor.calls
    assert call.path == f"/2010-04-01/Accounts/{AC}/Calls/{CA}.json"
    twiml = parse_qs(call.body.decode())["Twiml"][0].removeprefix(XML)
    assert twiml == "<Response><Say>Please hold.</Say><Dial><Number>+1888</Number></Dial></Response>"


BOT_URL = "https://bot.example.com/twiml"


@pytest.mark.parametrize(
    ("options", "twiml"),
    [
        ({"bot_url": BOT_URL}, f'<Say>Please hold.</Say><Redirect method="POST">{BOT_URL}</Redirect>'),
        ({}, None),  # the call would end: it stays as it is
    ],
)
def test_who_is_to_be_called_back_has_the_bot_again_and_is_not_dialled(local_vendor, options, twiml):
    client = make_vendor_client(an_account(local_vendor.url, destination="+1888", **options))

    client.tell(replace(a_notice(call_sid=CA), connects=False))

    told = [parse_qs(call.body.decode())["Twiml"][0].removeprefix(XML) for call in local_vendor.calls]
    assert told == ([f"<Response>{twiml}</Response>"] if twiml else [])


@pytest.mark.parametrize(("refs", "calls"), [({"call_sid": CA}, 0), ({"customer": "+1555", "number": "+1777"}, 1)])
def test_while_people_are_asked_who_writes_reads_so_and_a_call_is_left_alone(local_vendor, refs, calls):
    client = make_vendor_client(an_account(local_vendor.url, destination="+1888", bot_url=BOT_URL))

    client.tell(replace(a_notice(**refs), kind=NoticeKind.WAITING))

    assert len(local_vendor.calls) == calls


def test_what_an_answer_has_said_is_not_said_again(local_vendor):
    make_vendor_client(an_account(local_vendor.url, destination="+1888")).tell(a_notice(in_answer=True, call_sid=CA))

    assert local_vendor.calls == []


@pytest.mark.parametrize("refs", [{}, {"call_sid": "../../Calls"}, {"customer": "+1555"}, {"call_sid": CA}])
def test_a_conversation_that_cannot_be_reached_is_refused(refs):
    with pytest.raises(Refused, match=r"nothing can be said|no option destination"):
        make_vendor_client(an_account("http://127.0.0.1:9")).tell(a_notice(**refs))


@pytest.mark.parametrize(("status", "error"), [(404, Refused), (401, Unauthorized), (429, Throttled), (500, Unsure)])
def test_what_twilio_answers_is_told_as_ours_without_the_customers_words(local_vendor, status, error):
    local_vendor.status = status
    client = make_vendor_client(an_account(local_vendor.url))

    with pytest.raises(error) as failed:
        client.tell(a_notice(customer="+15550100001", number="+1777"))

    assert not any(word in str(failed.value) for word in ("Please hold.", "token-7", "+15550100001"))


@pytest.mark.parametrize("options", [{"destination": "support"}, {"bot_url": "bot.example"}])
def test_an_option_that_cannot_work_is_told_at_the_start(options):
    with pytest.raises(ValueError, match="option"):
        ADAPTER.check(an_account(**options))


def test_credentials_that_are_missing_are_told_at_the_start():
    with pytest.raises(ValueError, match="account_sid"):
        make_vendor_client(VendorAccount("phone", "twilio", ("k",), {}, "https://api.twilio.com", {}))


def test_a_recorded_text_is_played_again_as_a_conversation_of_two_other_numbers():
    def conversation(run):
        (event,) = parsed(renewed(a_form(**SMS, Body="hi"), ADAPTER, an_account(), run))
        return event.conversation.vendor_conversation_id

    assert len({"+15550100001|+15550100002", conversation("a"), conversation("b")}) == 3
    assert conversation("a") == conversation("a")
