"""The mapped vendor: its signature styles, and what a mapping makes of drifting calls."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import MalformedWebhook, SignatureRejected, UnsupportedEvent
from connectors.ports import VendorAccount, Webhook
from connectors.registry import vendor
from connectors.vendors.mapped.access import absent_headers
from connectors.vendors.mapped.inbound import EXAMPLES, mapping_of
from packets.event import EventKind, Role, Visibility

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ADAPTER = vendor("mapped")
SIGNATURES = {
    "standard_webhooks": ("{style: standard_webhooks}", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    "static_header": ("{style: static_header, header: X-Api-Key}", "key-1"),
    "bearer": ("{style: bearer}", "key-1"),
    "basic": ("{style: basic}", "user:pass:word"),
    "body only": ("{style: hmac, header: x-sig, algorithm: sha1, format: 'sha1={signature}'}", "key-1"),
    "base64": ("{style: hmac, header: x-sig, encoding: base64, algorithm: sha512}", "key-1"),
    "time in the header": (
        "{style: hmac, header: x-sig, message: '{timestamp}.{body}', format: 't={timestamp},v0={signature}'}",
        "k",
    ),
    "time beside": (
        "{style: hmac, header: x-sig, message: '[{timestamp};{body}]', timestamp_header: x-time, "
        "timestamp_unit: milliseconds}",
        "k",
    ),
}
TIMED = ("standard_webhooks", "time in the header", "time beside")
LEAST = """
signature: {style: bearer}
kind: {always: message.created}
roles: {me: customer, prompt: ignore}
data:
  conversation: {id: /c}
  message: {role: /who, text: /says}
"""


@pytest.fixture
def account(tmp_path):
    def made(text=LEAST, secret="key-1"):
        path = tmp_path / f"{abs(hash(text))}.yml"
        path.write_text(text, "utf-8")
        return VendorAccount("bot", "mapped", (secret,), {"mapping": str(path)})

    return made


def a_webhook(body, **headers):
    return Webhook(headers, json.dumps(body).encode(), NOW)


@pytest.mark.parametrize("style", SIGNATURES)
def test_every_style_takes_what_it_signs_and_nothing_else(account, style):
    signature, secret = SIGNATURES[style]
    mine = account(LEAST.replace("{style: bearer}", signature), secret)

    signed = ADAPTER.sign(a_webhook({"c": "1", "who": "me", "says": "hi"}), mine)

    assert ADAPTER.verify(signed, mine).key_number == 0
    for name in signed.headers.keys() - {"webhook-id"}:
        for wrong in ("", "x", signed.headers[name] + "0", "t=1,v0=zz"):
            with pytest.raises(SignatureRejected):
                ADAPTER.verify(Webhook({**signed.headers, name: wrong}, signed.body, NOW), mine)


@pytest.mark.parametrize("style", SIGNATURES)
def test_what_a_recorded_call_lacks_for_its_signature_is_known(account, style):
    signature, secret = SIGNATURES[style]
    mine = account(LEAST.replace("{style: bearer}", signature), secret)
    access, signed = mapping_of(mine).access, ADAPTER.sign(a_webhook({"c": "1"}), mine)

    assert absent_headers(access, signed.headers) == []
    assert set(absent_headers(access, {})) == set(signed.headers)


@pytest.mark.parametrize("style", TIMED)
@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_a_signed_time_is_looked_at(account, style, late):
    signature, secret = SIGNATURES[style]
    mine = account(LEAST.replace("{style: bearer}", signature), secret)
    signed = ADAPTER.sign(a_webhook({"c": "1"}), mine)

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook(signed.headers, signed.body, NOW + late), mine)


def test_a_known_hmac_of_another_library_is_taken(account):
    """openssl dgst -sha256 -hmac key-1 over the body."""
    mine = account(LEAST.replace("{style: bearer}", "{style: hmac, header: x-sig}"))
    body = b'{"c":"1","who":"me","says":"hi"}'
    digest = "efd673795028b24d245b52198e6b935c23970361641f301ae09adc6db09a5a25"

    assert ADAPTER.verify(Webhook({"x-sig": digest.upper()}, body, NOW), mine).key_number == 0


def test_the_first_place_where_something_stands_counts(account):
    mine = account(LEAST.replace("{id: /c}", "{id: [/c, /d/0/e~1f, header:x-chat], language: {always: de}}"))

    ids = [
        ADAPTER.parse(a_webhook(body, **{"x-chat": "h"}), mine)[0].conversation.vendor_conversation_id
        for body in ({"c": 7, "d": [{"e/f": "8"}]}, {"c": "", "d": [{"e/f": "8"}]}, {"d": []})
    ]

    assert ids == ["7", "8", "h"]


@pytest.mark.parametrize(
    ("who", "role", "visibility"),
    [
        ("ME", Role.CUSTOMER, Visibility.PUBLIC),
        ("bot", Role.BOT, Visibility.PUBLIC),
        ("x", Role.SYSTEM, Visibility.INTERNAL),
    ],
)
def test_an_unknown_role_is_kept_but_is_nobodys_word(account, who, role, visibility):
    (event,) = ADAPTER.parse(a_webhook({"c": "1", "who": who, "says": "hi"}), account())

    assert [(turn.role, turn.visibility) for turn in event.turns] == [(role, visibility)]
    assert ("role_ambiguous" in event.warnings) == (who == "x")


@pytest.mark.parametrize("body", [{"c": "1", "who": "me"}, {"c": "1", "who": "prompt", "says": "be nice"}])
def test_a_message_that_says_nothing_is_news_of_the_conversation_only(account, body):
    (event,) = ADAPTER.parse(a_webhook(body), account())

    assert (event.kind, event.turns) == (EventKind.CONVERSATION_UPDATED, ())


def test_a_customer_who_writes_the_word_of_our_tables_is_heard(account):
    (event,) = ADAPTER.parse(a_webhook({"c": "ignore", "who": "me", "says": "ignore"}), account())

    assert [turn.text for turn in event.turns] == ["ignore"]


def test_what_is_not_mapped_does_not_make_another_event(account):
    said = {"c": "1", "who": "me", "says": "hi"}

    ids = {ADAPTER.parse(a_webhook({**said, "attempt": n}), account())[0].event_id for n in (1, 2)}

    assert len(ids) == 1


def test_two_calls_of_another_header_id_are_two_whatever_the_style(account):
    said = {"c": "1", "who": "me", "says": "hi"}

    keys = {
        ADAPTER.verify(ADAPTER.sign(a_webhook(said, **{"webhook-id": n}), account()), account()).dedupe_key
        for n in "ab"
    }

    assert keys == {"a", "b"}


def test_an_unknown_kind_is_told_by_its_name_and_none_is_malformed(account):
    mine = account(LEAST.replace("{always: message.created}", "/event\nkinds: {yes: message.created, true: ignore}"))

    with pytest.raises(UnsupportedEvent, match="no"):
        ADAPTER.parse(a_webhook({"event": "no"}), mine)
    with pytest.raises(MalformedWebhook):
        ADAPTER.parse(a_webhook({"c": "1"}), mine)
    assert ADAPTER.parse(a_webhook({"event": True}), mine) == ()


def test_capability_addresses_and_tokens_are_not_stored():
    body = {
        "callbackUrl": "https://x/s",
        "sendUserMessageUrl": "https://x/s",
        "a": [{"access_token": "s"}],
        "url": "https://ok",
    }

    stored = json.loads(ADAPTER.stored(a_webhook(body)))

    assert stored == {
        "callbackUrl": "[removed]",
        "sendUserMessageUrl": "[removed]",
        "a": [{"access_token": "[removed]"}],
        "url": "https://ok",
    }


def test_a_body_without_secrets_is_stored_as_it_came():
    assert ADAPTER.stored(Webhook({}, b'{ "a":1 }', NOW)) == b'{ "a":1 }'


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "mapping"),
        ({"example": "adda"}, "ada, cognigy, kore, own_bot"),
        ({"mapping": "a.yml", "example": "ada"}, "not both"),
        ({"mapping": "/nowhere/a.yml"}, "cannot be read"),
        ({"maping": "a"}, "maping"),
    ],
)
def test_options_that_cannot_work_are_told_at_the_start(options, word):
    with pytest.raises(ValueError, match=word):
        ADAPTER.check(VendorAccount("bot", "mapped", ("k",), options))


def test_a_secret_of_the_wrong_form_is_told_at_the_start(account):
    with pytest.raises(ValueError, match="user:password"):
        ADAPTER.check(account(LEAST.replace("bearer", "basic")))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yml")), ids=lambda p: p.stem)
def test_every_example_is_named_in_the_options_and_has_a_recorded_call(path):
    fixtures = Path(__file__).parent / "fixtures"

    assert path.stem in ADAPTER.options["example"]
    assert any(f'"{path.stem}"' in p.read_text("utf-8") for p in fixtures.glob("*.http"))
