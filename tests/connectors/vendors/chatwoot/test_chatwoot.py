"""Chatwoot: what is special about it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import (
    MalformedWebhook,
    Refused,
    SignatureRejected,
    Throttled,
    Unauthorized,
    Unavailable,
    UnsupportedEvent,
)
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.chatwoot import ADAPTER
from packets.event import EventKind, Role, Visibility

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TOKENS = {"bot_token": "bot-secret", "user_token": "user-secret"}
PATH = "/api/v1/accounts/1/conversations/17"
PERSON = {"id": 7, "type": "user", "name": "Dana"}


def an_account(url=None, credentials=None, **options):
    options = {"account_id": "1"} | options
    return VendorAccount("shop", "chatwoot", ("key-1",), options, url, TOKENS if credentials is None else credentials)


def a_call(**body):
    return Webhook({}, json.dumps(body).encode(), NOW, url="https://baton.example/v1/in/shop")


def a_message(event="message_created", message_type="outgoing", content="Hello.", account=1, **more):
    parts = {"id": 5, "content": content, "message_type": message_type, "conversation": {"id": 17}}
    return a_call(event=event, account={"id": account}, **parts | more)


def a_change(event="conversation_status_changed", meta=None, **changed):
    changes = [{name: {"previous_value": old, "current_value": new}} for name, (old, new) in changed.items()]
    return a_call(event=event, id=17, status="open", meta=meta or {}, changed_attributes=changes, timestamp=1781524800)


def parsed(webhook):
    return ADAPTER.parse(webhook, an_account())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["expect"])
def test_the_vectors_are_answered_as_they_say(vector):
    at = datetime.fromtimestamp(vector["clock"], UTC)
    webhook = Webhook(vector["headers"], vector["body"].encode(), at)
    account = VendorAccount("shop", "chatwoot", (vector["secret"],), {"account_id": "1"})

    if vector["expect"] == "valid":
        assert ADAPTER.verify(webhook, account).key_number == 0
    else:
        with pytest.raises(SignatureRejected):
            ADAPTER.verify(webhook, account)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_stale_or_future_call_is_rejected(seconds):
    signed = ADAPTER.sign(a_message(), an_account())

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(replace(signed, received_at=NOW + timedelta(seconds=seconds)), an_account())


def test_a_server_that_cannot_sign_proves_itself_by_its_address():
    account = an_account(signature="url")
    call = ADAPTER.sign(a_message(), account)

    assert call.url.endswith("/v1/in/shop?token=key-1")
    assert ADAPTER.verify(call, account).key_number == 0
    for url in (a_message().url, a_message().url + "?token=other", a_message().url + "?token="):
        with pytest.raises(SignatureRejected):
            ADAPTER.verify(replace(call, url=url), account)
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(call, an_account())


def test_the_delivery_number_tells_a_second_try_from_a_second_thing():
    def key_of(delivery):
        call = replace(a_message(), headers={"x-chatwoot-delivery": delivery})
        return ADAPTER.verify(ADAPTER.sign(call, an_account()), an_account()).dedupe_key

    assert key_of("d-1") == key_of("d-1")
    assert key_of("d-1") != key_of("d-2")


@pytest.mark.parametrize(
    ("message", "role"),
    [
        ({"message_type": "incoming"}, Role.CUSTOMER),
        ({"message_type": 0}, Role.CUSTOMER),
        ({"sender": PERSON}, Role.AGENT),
        ({"sender": {"type": "agent_bot"}}, Role.BOT),
        ({"sender": {"type": "captain_assistant"}}, Role.BOT),
        ({"message_type": 1, "sender_type": "User"}, Role.AGENT),
        ({"message_type": 1, "sender_type": "AgentBot"}, Role.BOT),
        ({"sender": PERSON, "content_attributes": {"automation_rule_id": 4}}, Role.BOT),
        ({"sender": PERSON, "additional_attributes": {"campaign_id": 4}}, Role.BOT),
        ({"content_attributes": {"external_echo": True}}, Role.AGENT),
        ({"message_type": "activity"}, Role.SYSTEM),
        ({"message_type": 3}, Role.SYSTEM),
    ],
)
def test_who_speaks_is_told_by_type_and_sender(message, role):
    (event,) = parsed(a_message(**message))

    assert [turn.role for turn in event.turns] == [role]
    assert event.warnings == ()


def test_an_outgoing_message_of_nobody_is_the_bots_with_a_warning():
    (event,) = parsed(a_message(sender=None))

    assert (event.turns[0].role, event.warnings) == (Role.BOT, ("role_ambiguous",))


def test_a_private_message_is_internal():
    (event,) = parsed(a_message(sender=PERSON, private=True))

    assert event.turns[0].visibility is Visibility.INTERNAL


def test_a_receipt_is_nothing_and_a_deletion_is_an_update():
    receipt = a_message("message_updated", sender=PERSON, status="read")
    deleted = a_message("message_updated", sender=PERSON, content_attributes={"deleted": True})

    assert parsed(receipt) == ()
    assert [event.kind for event in parsed(deleted)] == [EventKind.MESSAGE_UPDATED]


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"submitted_values": [{"title": "INV-991", "value": "1"}]}, "INV-991"),
        (
            {"submitted_values": [{"name": "order", "value": "991"}, {"name": "city", "value": "Bonn"}]},
            "order: 991\ncity: Bonn",
        ),
        ({"submitted_email": "jane@example.com"}, "jane@example.com"),
    ],
)
def test_what_a_customer_submits_in_the_bots_form_is_the_customers_turn(attributes, words):
    (event,) = parsed(a_message("message_updated", sender={"type": "agent_bot"}, content_attributes=attributes))

    (turn,) = event.turns
    assert (event.kind, turn.role, turn.text, turn.message_id) == (
        EventKind.MESSAGE_CREATED, Role.CUSTOMER, words, "5-submitted",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("pending", "open", EventKind.HANDOFF_REQUESTED),
        ("open", "pending", EventKind.CONTROL_RETURNED),
        ("snoozed", "pending", EventKind.CONTROL_RETURNED),
        ("open", "resolved", EventKind.CONVERSATION_ENDED),
        ("resolved", "open", EventKind.CONVERSATION_UPDATED),
        ("open", "snoozed", EventKind.CONVERSATION_UPDATED),
    ],
)
def test_a_status_says_whose_the_conversation_is(before, after, kind):
    assert parsed(a_change(status=(before, after)))[0].kind is kind


def test_an_assigned_bot_is_nobody():
    changed = {"assignee_id": (None, 3)}
    bot = {"assignee": {"id": 3, "type": "agent_bot"}, "assignee_type": "AgentBot"}

    person = parsed(a_change("conversation_updated", {"assignee": PERSON}, **changed))[0]
    robot = parsed(a_change("conversation_updated", bot, **changed))[0]

    assert (person.kind, robot.kind) == (EventKind.AGENT_ASSIGNED, EventKind.CONVERSATION_UPDATED)


def test_one_message_from_a_bot_and_an_account_webhook_is_one_event():
    by_bot = a_message(conversation={"id": 17, "unread_count": 1})
    by_account = a_message(conversation={"id": 17, "unread_count": 0})

    assert parsed(by_bot)[0].event_id == parsed(by_account)[0].event_id


def test_another_accounts_conversation_of_the_same_number_is_not_mixed_in():
    with pytest.raises(UnsupportedEvent, match="account 2"):
        parsed(a_message(account=2))


def test_a_call_without_a_conversation_is_malformed():
    with pytest.raises(MalformedWebhook):
        parsed(a_message(conversation=None))


def test_what_listens_in_on_a_visitor_is_not_stored():
    webhook = a_message(conversation={"id": 17, "contact_inbox": {"pubsub_token": "psT0ken", "id": 1}})

    assert b"psT0ken" not in ADAPTER.stored(webhook)
    assert json.loads(ADAPTER.stored(webhook))["conversation"]["contact_inbox"]["id"] == 1


def test_the_conversation_can_be_opened_from_the_ticket():
    (event,) = ADAPTER.parse(a_message(), an_account("https://chat.acme.example/"))

    assert event.conversation.url == "https://chat.acme.example/app/accounts/1/conversations/17"


@pytest.mark.parametrize(
    ("options", "named"), [({"account_id": ""}, "account_id"), ({"signature": "none"}, "signature")]
)
def test_an_option_that_cannot_work_is_named(options, named):
    with pytest.raises(ValueError, match=named):
        ADAPTER.check(an_account(**options))


def told(local_vendor, kind):
    notice = Notice("hof_1.1", kind, "17", "A colleague takes over.", agent="Dana", facts={"ticket": "42"})
    make_vendor_client(an_account(local_vendor.url)).tell(notice)
    return [(call.method, call.path, call.json) for call in local_vendor.calls]


@pytest.mark.parametrize(
    ("kind", "calls"),
    [
        (
            NoticeKind.HANDED_OFF,
            [
                ("POST", f"{PATH}/toggle_status", {"status": "open"}),
                (
                    "POST",
                    f"{PATH}/messages",
                    {"content": "A colleague takes over.", "message_type": "outgoing", "private": False},
                ),
            ],
        ),
        (
            NoticeKind.HUMAN_JOINED,
            [
                (
                    "POST",
                    f"{PATH}/messages",
                    {
                        "content": "Dana has taken this over at the helpdesk, ticket 42.",
                        "message_type": "outgoing",
                        "private": True,
                    },
                )
            ],
        ),
        (NoticeKind.CONTROL_RETURNED, [("POST", f"{PATH}/toggle_status", {"status": "pending"})]),
    ],
)
def test_chatwoot_is_told_with_the_bots_token(local_vendor, kind, calls):
    assert told(local_vendor, kind) == calls
    assert {call.headers["api_access_token"] for call in local_vendor.calls} == {"bot-secret"}


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthorized), (404, Refused), (429, Throttled), (500, Unavailable)]
)
def test_what_chatwoot_answers_is_told_as_ours_without_secrets_or_words(local_vendor, status, error):
    local_vendor.status = status

    with pytest.raises(error) as failed:
        told(local_vendor, NoticeKind.HANDED_OFF)

    assert type(failed.value) is error
    assert not any(word in str(failed.value) for word in ("bot-secret", "colleague"))


def test_a_missing_bot_token_is_named():
    with pytest.raises(ValueError, match="bot_token"):
        make_vendor_client(an_account("http://127.0.0.1:9", credentials={}))


class TestTheTranscript:
    def test_is_read_backwards_with_a_persons_token_and_has_the_ids_of_the_webhooks(self, local_vendor):
        newest = [self.a_row(number) for number in range(21, 41)]
        pages = {None: newest, "21": [self.a_row(20), self.a_row(19, message_type=2)]}
        local_vendor.answer_to = lambda params: {"meta": {}, "payload": pages[params.get("before")]}

        turns = make_vendor_client(an_account(local_vendor.url)).turns("17", {})

        assert [turn.message_id for turn in turns][:3] == ["20", "19", "21"]
        assert len(turns) == 22
        assert turns[0].role is Role.CUSTOMER
        assert turns[1].visibility is Visibility.INTERNAL
        assert {call.headers["api_access_token"] for call in local_vendor.calls} == {"user-secret"}

    def test_needs_a_persons_token(self, local_vendor):
        client = make_vendor_client(an_account(local_vendor.url, credentials={"bot_token": "bot-secret"}))

        with pytest.raises(Refused, match="user_token"):
            client.turns("17", {})

    def test_that_never_ends_is_refused(self, local_vendor):
        count = iter(range(10_000, 0, -1))
        local_vendor.answer_to = lambda _: {"payload": [self.a_row(next(count))] * 20}

        with pytest.raises(Refused, match="2000 messages"):
            make_vendor_client(an_account(local_vendor.url)).turns("17", {})

    @staticmethod
    def a_row(number, message_type=0):
        return {"id": number, "content": f"line {number}", "message_type": message_type, "created_at": 1781524800}
