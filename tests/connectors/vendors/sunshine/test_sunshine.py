"""Zendesk messaging: what is special about it."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import Refused, SignatureRejected, Throttled, Unauthorized, Unavailable, Unsure
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.sunshine import ADAPTER
from packets.event import EventKind, Role

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
LOGIN = {"key_id": "app_1", "key_secret": "key-secret"}
PATH = "/v2/apps/a1/conversations/c1"


def an_account(url=None, **options):
    return VendorAccount("shop", "sunshine", ("key-1",), options, url, LOGIN)


def a_call(*events):
    return Webhook({}, json.dumps({"app": {"id": "a1"}, "webhook": {"id": "w"}, "events": events}).encode(), NOW)


def an_event(kind="conversation:message", number=1, **payload):
    return {"id": f"e{number}", "type": kind, "payload": {"conversation": {"id": "c1"}, **payload}}


def a_message(kind="business", number=1, text="Hello.", **more):
    content = {"type": "text", "text": text}
    return {"id": f"m{number}", "author": {"type": kind}, "content": content, **more}


def parsed(*events, **options):
    return ADAPTER.parse(a_call(*events), an_account(**options))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["scheme"])
def test_the_vectors_are_answered_as_they_say(vector):
    webhook = Webhook(vector["headers"], vector["body"].encode(), NOW)

    assert ADAPTER.verify(webhook, VendorAccount("shop", "sunshine", (vector["secret"],))).key_number == 0
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(webhook, VendorAccount("shop", "sunshine", ("other",)))


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (a_message("user"), Role.CUSTOMER),
        (a_message(), Role.BOT),
        (a_message(metadata={"__zendesk_msg.agent.id": "7"}), Role.AGENT),
        (a_message(metadata={"__zendesk_msg.agent.id": 7}), Role.AGENT),
        (a_message(author={"type": "business", "subtypes": ["activity"]}), Role.SYSTEM),
    ],
)
def test_business_is_the_bot_unless_an_agent_signed_it(message, role):
    (event,) = parsed(an_event(message=message))

    assert [turn.role for turn in event.turns] == [role]


def test_two_different_batches_without_ids_are_two_calls():
    def key_of(text):
        webhook = ADAPTER.sign(a_call({**an_event(message=a_message(text=text)), "id": None}), an_account())
        return ADAPTER.verify(webhook, an_account()).dedupe_key

    assert key_of("one") != key_of("two")


def test_a_deleted_message_says_nothing():
    (event,) = parsed(an_event(message=a_message(deleted=True)))

    assert event.turns == ()


@pytest.mark.parametrize(
    ("integration", "options", "kind"),
    [
        ({"integrationType": "zd:agentWorkspace"}, {}, EventKind.HANDOFF_REQUESTED),
        ({"integrationType": "custom", "name": "desk"}, {"agents": "desk"}, EventKind.HANDOFF_REQUESTED),
        ({"integrationType": "custom", "id": "i9"}, {"agents": "i9"}, EventKind.HANDOFF_REQUESTED),
        ({"integrationType": "custom", "name": "other-bot"}, {}, EventKind.CONTROL_RETURNED),
    ],
)
def test_who_gets_control_decides_what_passing_it_means(integration, options, kind):
    conversation = {"id": "c1", "activeSwitchboardIntegration": integration}

    (event,) = parsed(an_event("switchboard:passControl", conversation=conversation), **options)

    assert event.kind is kind


def test_control_offered_to_people_is_a_request_and_to_a_bot_is_not():
    def kind_of(integration_type):
        pending = {"integrationType": integration_type}
        conversation = {"id": "c1", "pendingSwitchboardIntegration": pending}
        return parsed(an_event("switchboard:offerControl", conversation=conversation))[0].kind

    assert kind_of("zd:agentWorkspace") is EventKind.HANDOFF_REQUESTED
    assert kind_of("custom") is EventKind.CONVERSATION_UPDATED


def a_notice(kind=NoticeKind.HANDED_OFF, text="A colleague takes over.", refs=None):
    facts = {"handoff_id": "hof_1"}
    return Notice("hof_1.1", kind, "c1", text, refs={"app_id": "a1"} if refs is None else refs, facts=facts)


def test_a_handoff_passes_control_and_then_speaks(local_vendor):
    make_vendor_client(an_account(local_vendor.url)).tell(a_notice())

    mark = {"baton_handoff": "hof_1"}
    assert [(call.method, call.path, call.json) for call in local_vendor.calls] == [
        (
            "POST",
            f"{PATH}/passControl",
            {"switchboardIntegration": "zd-agentWorkspace", "reason": "handoff", "metadata": mark},
        ),
        (
            "POST",
            f"{PATH}/messages",
            {
                "author": {"type": "business"},
                "content": {"type": "text", "text": "A colleague takes over."},
                "metadata": mark,
            },
        ),
    ]
    login = base64.b64encode(b"app_1:key-secret").decode()
    assert {call.headers["authorization"] for call in local_vendor.calls} == {f"Basic {login}"}


def test_our_own_passing_of_control_comes_back_as_no_request(local_vendor):
    make_vendor_client(an_account(local_vendor.url)).tell(a_notice(text=None))
    (call,) = local_vendor.calls
    people = {"id": "c1", "activeSwitchboardIntegration": {"integrationType": "zd:agentWorkspace"}}

    (event,) = parsed(an_event("switchboard:passControl", conversation=people, metadata=call.json["metadata"]))

    assert event.kind is EventKind.CONVERSATION_UPDATED


@pytest.mark.parametrize(
    ("options", "path", "target"),
    [
        ({}, "releaseControl", {}),
        ({"bot": "shop-bot"}, "passControl", {"switchboardIntegration": "shop-bot"}),
    ],
)
def test_control_is_given_back(local_vendor, options, path, target):
    client = make_vendor_client(an_account(local_vendor.url, **options))

    client.tell(a_notice(NoticeKind.CONTROL_RETURNED))

    (call,) = local_vendor.calls
    expected = {**target, "reason": "solved", "metadata": {"baton_handoff": "hof_1"}}
    assert (call.path, call.json) == (f"{PATH}/{path}", expected)


def test_ids_cannot_leave_their_place_in_the_address(local_vendor):
    make_vendor_client(an_account(local_vendor.url)).tell(a_notice(text=None, refs={"app_id": "../../x?y=1"}))

    assert local_vendor.calls[0].path == "/v2/apps/..%2F..%2Fx%3Fy%3D1/conversations/c1/passControl"


def test_a_conversation_whose_app_nobody_named_is_refused(local_vendor):
    with pytest.raises(Refused, match="app"):
        make_vendor_client(an_account(local_vendor.url)).tell(a_notice(refs={}))

    assert local_vendor.calls == []


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthorized), (404, Refused), (423, Refused), (429, Throttled), (503, Unavailable)]
)
def test_what_zendesk_answers_is_told_as_ours_without_secrets_or_words(local_vendor, status, error):
    local_vendor.status = status

    with pytest.raises(error) as failed:
        make_vendor_client(an_account(local_vendor.url)).tell(a_notice())

    assert type(failed.value) is error
    assert not any(word in str(failed.value) for word in ("key-secret", "colleague"))


def test_a_message_whose_outcome_is_unknown_is_unsure(local_vendor):
    local_vendor.answers[f"{PATH}/messages"] = "x" * 9_000_000  # over the size limit: the answer breaks off

    with pytest.raises(Unsure):
        make_vendor_client(an_account(local_vendor.url)).tell(a_notice())


@pytest.mark.parametrize("missing", ["key_id", "key_secret"])
def test_a_missing_credential_is_named(missing):
    login = {name: value for name, value in LOGIN.items() if name != missing}

    with pytest.raises(ValueError, match=missing):
        make_vendor_client(VendorAccount("shop", "sunshine", ("key-1",), {}, "http://127.0.0.1:9", login))


class TestTheTranscript:
    def test_has_the_ids_of_the_webhooks(self, local_vendor):
        message = a_message("user", received="2026-03-14T02:20:32.440Z")
        local_vendor.answer = {"messages": [message], "meta": {"hasMore": False}}

        turns = make_vendor_client(an_account(local_vendor.url)).turns("c1", {"app_id": "a1"})

        assert turns == parsed(an_event(message=message))[0].turns

    def test_is_read_backwards_page_by_page(self, local_vendor):
        pages = {
            None: {"messages": [a_message(number=3)], "meta": {"hasMore": True, "beforeCursor": "m3"}},
            "m3": {"messages": [a_message(number=1), a_message(number=2)], "meta": {"hasMore": False}},
        }
        client = make_vendor_client(an_account(local_vendor.url))
        local_vendor.answer_to = lambda params: pages[params.get("page[before]")]

        turns = client.turns("c1", {"app_id": "a1"})

        assert [turn.message_id for turn in turns] == ["m1", "m2", "m3"]
        assert [call.method for call in local_vendor.calls] == ["GET", "GET"]

    def test_that_never_ends_is_refused(self, local_vendor):
        count = iter(range(1000))
        local_vendor.answer_to = lambda _: {
            "messages": [],
            "meta": {"hasMore": True, "beforeCursor": f"b{next(count)}"},
        }

        with pytest.raises(Refused, match="50 pages"):
            make_vendor_client(an_account(local_vendor.url)).turns("c1", {"app_id": "a1"})
