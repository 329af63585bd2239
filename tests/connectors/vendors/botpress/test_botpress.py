"""Botpress: what is special about it."""

import json
from datetime import UTC, datetime

import pytest

from connectors.errors import MalformedWebhook, Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.botpress import ADAPTER
from packets.event import EventKind, Role

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ESCALATED = {"action": "escalate", "rules": ["bot-asked"], "handoff_id": "hof_1", "customer_message": "One moment."}


def an_account(base_url=None):
    return VendorAccount("shop", "botpress", ("key-1",), {}, base_url)


def a_call(type_, conversation_id="conv-1", **more):
    return Webhook({}, json.dumps({"type": type_, "conversationId": conversation_id, **more}).encode(), NOW)


def started(*history, **more):
    return a_call("startHitl", input={"userId": "u-1", "messageHistory": list(history), **more})


def line(kind, text, user="u-1", **payload):
    who = {"type": kind, "userId": user} if kind == "user" else {"type": kind}
    return {"source": who, "type": "text", "payload": {"text": text, **payload}}


def parsed(webhook):
    (event,) = ADAPTER.parse(webhook, an_account())
    return event


def test_start_hitl_is_a_handoff_with_the_whole_history():
    event = parsed(started(line("user", "hi"), line("bot", "hello"), title="Refund"))

    assert event.kind is EventKind.HANDOFF_REQUESTED
    assert [turn.role for turn in event.turns] == [Role.CUSTOMER, Role.BOT]
    assert (event.transcript, event.conversation.subject) == ("full", "Refund")


def test_start_hitl_without_a_history_says_so():
    event = parsed(started())

    assert (event.turns, event.transcript, event.warnings) == ((), None, ("no_history",))


def test_whoever_is_neither_user_nor_bot_is_heard_as_the_customer_and_it_is_noted():
    event = parsed(started(line("integration", "get me a person")))

    assert (event.turns[0].role, event.warnings) == (Role.CUSTOMER, ("role_ambiguous",))


def test_a_second_user_of_a_conversation_is_named():
    event = parsed(started(line("user", "mine"), line("user", "theirs", "u-2")))

    assert [turn.author and turn.author.id for turn in event.turns] == [None, "u-2"]


def test_choices_and_cards_are_shown_as_the_customer_saw_them():
    choice = line("bot", "Which?", options=[{"label": "Red", "value": "r"}, {"value": "no label"}])
    card = {"source": {"type": "bot"}, "type": "card", "payload": {"title": "Shoe", "actions": [{"label": "Buy"}]}}

    assert [turn.text for turn in parsed(started(choice, card)).turns] == ["Which?\n· Red", "Shoe\n· Buy"]


def test_the_same_start_is_the_same_event_and_a_grown_history_another_with_the_same_first_turns():
    first, again = parsed(started(line("user", "a"))), parsed(started(line("user", "a")))
    grown = parsed(started(line("user", "a"), line("bot", "b")))

    assert first.event_id == again.event_id != grown.event_id
    assert first.turns[0] == grown.turns[0]


@pytest.mark.parametrize(("is_bot", "role", "warnings"), [
    (True, Role.BOT, ()), (False, Role.CUSTOMER, ()), (None, Role.CUSTOMER, ("role_ambiguous",)),
])  # fmt: skip
def test_a_single_message_is_the_bots_only_if_it_says_so(is_bot, role, warnings):
    data = {"id": "m-1", "conversationId": "conv-2", "payload": {"type": "text", "text": "x"}, "isBot": is_bot}

    event = parsed(Webhook({}, json.dumps({"type": "message_created", "data": data}).encode(), NOW))

    assert (event.turns[0].role, event.turns[0].message_id, event.warnings) == (role, "m-1", warnings)
    assert event.conversation.vendor_conversation_id == "conv-2"


def test_start_hitl_is_answered_with_its_conversation_and_nothing_else():
    answer = ADAPTER.answer(started(), an_account(), {"decision": ESCALATED, "event_id": "e"})

    assert json.loads(answer.body) == {"conversationId": "conv-1"}


@pytest.mark.parametrize(("base_url", "words"), [(None, "One moment."), ("https://webhook.botpress.cloud/x", None)])
def test_a_message_is_answered_with_the_decision_and_the_words_where_no_call_back_says_them(base_url, words):
    answer = ADAPTER.answer(a_call("message_created"), an_account(base_url), {"decision": ESCALATED})

    decision = json.loads(answer.body)["decision"]
    assert (decision["action"], decision.get("customer_message")) == ("escalate", words)


def test_an_action_without_a_conversation_is_malformed():
    with pytest.raises(MalformedWebhook, match="conversationId"):
        ADAPTER.parse(Webhook({}, b'{"type": "startHitl", "input": {"userId": "u"}}', NOW), an_account())


def a_client(url, **credentials):
    account = VendorAccount("shop", "botpress", ("key-1",), {}, url, credentials or {"secret": "bp-secret"})
    return make_vendor_client(account)


def a_notice(kind=NoticeKind.HANDED_OFF, text="Please hold.", agent=None):
    return Notice("hof_1.1", kind, "conv-1", text, agent, {"user_id": "u-1"})


MESSAGE = {"type": "text", "payload": {"text": "Please hold."}}


@pytest.mark.parametrize(
    ("notice", "body"),
    [
        (a_notice(), {"type": "message", "message": MESSAGE}),
        (a_notice(NoticeKind.HUMAN_JOINED, None), {"type": "hitlAssigned"}),
        (a_notice(NoticeKind.HUMAN_JOINED, None, "Dana"), {"type": "hitlAssigned", "agent": {"name": "Dana"}}),
        (a_notice(NoticeKind.CONTROL_RETURNED, None), {"type": "hitlStopped"}),
        (a_notice(NoticeKind.CONTROL_RETURNED, "Paid back."), {"type": "hitlStopped", "summary": "Paid back."}),
    ],
)
def test_the_integration_is_told_which_event_to_emit(local_vendor, notice, body):
    a_client(local_vendor.url + "/0f1e").tell(notice)

    (call,) = local_vendor.calls
    assert (call.method, call.path, call.headers["x-bp-secret"]) == ("POST", "/0f1e", "bp-secret")
    assert call.json == {"key": "hof_1.1", "conversationId": "conv-1", **body}


def test_a_handoff_without_words_needs_no_call(local_vendor):
    a_client(local_vendor.url).tell(a_notice(text=None))

    assert local_vendor.calls == []


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (401, NoticeKind.HANDED_OFF, Unauthorized),
        (404, NoticeKind.HANDED_OFF, Refused),
        (429, NoticeKind.HANDED_OFF, Throttled),
        (500, NoticeKind.HANDED_OFF, Unsure),
        (500, NoticeKind.HUMAN_JOINED, Unavailable),
    ],
)
def test_what_botpress_answers_is_told_as_ours_without_address_secret_or_words(local_vendor, status, kind, error):
    local_vendor.status = status

    with pytest.raises(error) as failed:
        a_client(local_vendor.url + "/0f1e").tell(a_notice(kind))

    for private in ("0f1e", "bp-secret", "Please hold."):
        assert private not in str(failed.value)


def test_a_client_without_the_integrations_secret_is_refused_at_the_start():
    with pytest.raises(ValueError, match="x-bp-secret"):
        a_client("https://webhook.botpress.cloud/x", other="x")


def test_there_is_nothing_to_fetch():
    with pytest.raises(Refused, match="whole history"):
        a_client("http://127.0.0.1:9").turns("conv-1", {})
