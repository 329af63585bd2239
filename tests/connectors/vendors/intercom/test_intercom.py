"""Intercom: what is special about it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import Refused, SignatureRejected, Throttled, Unauthorized, Unavailable
from connectors.ports import Notice, NoticeKind, VendorAccount, Webhook
from connectors.registry import make_vendor_client
from connectors.vendors.intercom import ADAPTER
from packets.event import EventKind, Role, Visibility

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TOKEN = {"access_token": "tok-secret"}
OPTIONS = {"admin_id": "99", "team_id": "50"}
BOT = {"type": "bot", "id": "1"}
ANDY = {"type": "admin", "id": "3"}
BATON = {"type": "admin", "id": "99"}


def an_account(url=None, **options):
    return VendorAccount("inbox", "intercom", ("key-1",), OPTIONS | options, url, TOKEN)


def a_part(author, body="Hello.", part_type="comment", **more):
    return {"id": "p1", "part_type": part_type, "body": body, "author": author, **more}


def parsed(topic, *parts, **item):
    item = {"id": "c1", "conversation_parts": {"conversation_parts": parts}, **item}
    body = {"topic": topic, "id": "notif_1", "created_at": 1781528440, "data": {"item": item}}
    (event,) = ADAPTER.parse(Webhook({}, json.dumps(body).encode(), NOW), an_account())
    return event


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["scheme"])
def test_the_vectors_are_answered_as_they_say(vector):
    webhook = Webhook(vector["headers"], vector["body"].encode(), NOW)

    assert ADAPTER.verify(webhook, VendorAccount("inbox", "intercom", (vector["secret"],))).key_number == 0
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(webhook, VendorAccount("inbox", "intercom", ("other",)))


@pytest.mark.parametrize(
    ("author", "role"),
    [
        ({"type": "user"}, Role.CUSTOMER),
        ({"type": "lead"}, Role.CUSTOMER),
        ({"type": "contact"}, Role.CUSTOMER),
        (BOT, Role.BOT),
        (ANDY, Role.AGENT),
        (ANDY | {"from_ai_agent": True}, Role.BOT),
        (BATON, Role.BOT),
        ({"type": "somebody"}, Role.SYSTEM),
    ],
)
def test_an_admin_is_a_person_unless_the_ai_or_we_speak_in_its_name(author, role):
    assert [turn.role for turn in parsed("conversation.admin.replied", a_part(author)).turns] == [role]


@pytest.mark.parametrize(
    ("part_type", "visibility"),
    [
        ("comment", Visibility.PUBLIC),
        ("open", Visibility.PUBLIC),
        ("close", Visibility.PUBLIC),
        ("note", Visibility.INTERNAL),
        ("note_and_reopen", Visibility.INTERNAL),
        ("assignment", Visibility.INTERNAL),
        ("anything new", Visibility.INTERNAL),
    ],
)
def test_what_the_customer_is_not_known_to_see_is_internal(part_type, visibility):
    event = parsed("conversation.admin.noted", a_part(ANDY, part_type=part_type))

    assert [turn.visibility for turn in event.turns] == [visibility]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<p>Hi,<br>there</p>", "Hi,\nthere"),
        ('<p>a</p><ul><li>b</li><li><a href="https://x.example">c</a></li></ul>', "a\n- b\n- c"),
        ("<p>5 &lt; 6</p>", "5 < 6"),
        ("if x < y and y > z", "if x < y and y > z"),
        ("I typed <b> and &amp;", "I typed <b> and &amp;"),
    ],
)
def test_bodies_are_read_as_html_only_where_they_are(body, words):
    assert parsed("conversation.user.replied", a_part({"type": "user"}, body)).turns[0].text == words


def test_the_first_message_is_taken_once_and_not_with_every_webhook():
    first = {"id": "s1", "body": "Help.", "author": {"type": "user"}}

    created = parsed("conversation.user.created", source=first)
    replied = parsed("conversation.user.replied", a_part({"type": "user"}), source=first)

    assert [turn.message_id for turn in created.turns] == ["s1"]
    assert [turn.message_id for turn in replied.turns] == ["p1"]


def test_a_first_message_sent_automatically_in_an_admins_name_is_the_bots():
    first = {"id": "s1", "body": "Hi!", "author": ANDY}

    automatic = parsed("conversation.admin.single.created", source=first | {"delivered_as": "automated"})
    by_hand = parsed("conversation.admin.single.created", source=first | {"delivered_as": "admin_initiated"})

    assert (automatic.turns[0].role, by_hand.turns[0].role) == (Role.BOT, Role.AGENT)


@pytest.mark.parametrize("state", ["escalated", "procedure_handoff", "negative_feedback"])
def test_fin_giving_up_is_a_request_only_while_fin_acts_and_nobody_has_it(state):
    item = {"ai_agent": {"resolution_state": state}}

    by_fin = parsed("conversation.operator.replied", a_part(BOT), **item)
    later = parsed("conversation.user.replied", a_part({"type": "user"}), **item)
    taken = parsed("conversation.operator.replied", a_part(BOT), admin_assignee_id=3, **item)
    closed = parsed("conversation.admin.closed", a_part(BOT, None, "close"), **item)

    assert by_fin.handoff.reason_text == state
    assert {by_fin.kind, later.kind, taken.kind} == {EventKind.HANDOFF_REQUESTED, EventKind.MESSAGE_CREATED}
    assert (later.handoff, taken.handoff) == (None, None)
    assert (by_fin.bot_outcome.resolved, later.bot_outcome.resolved) == (False, None)
    assert closed.kind is EventKind.CONVERSATION_ENDED


@pytest.mark.parametrize(
    ("author", "to", "kind"),
    [
        (BOT, {"type": "team", "id": "50"}, EventKind.HANDOFF_REQUESTED),
        (BOT, {"type": "admin", "id": 3}, EventKind.HANDOFF_REQUESTED),
        (ANDY, {"type": "admin", "id": "3"}, EventKind.AGENT_ASSIGNED),
        (ANDY, {"type": "team", "id": "50"}, EventKind.CONVERSATION_UPDATED),
        (ANDY, {"type": "nobody_admin", "id": None}, EventKind.CONVERSATION_UPDATED),
        (BOT, {"type": "admin", "id": 0}, EventKind.CONVERSATION_UPDATED),
        (BATON, {"type": "team", "id": "50"}, EventKind.CONVERSATION_UPDATED),
    ],
)
def test_who_assigns_to_whom_decides_what_it_means(author, to, kind):
    part = a_part(author, None, "assignment", assigned_to=to)

    assert parsed("conversation.admin.assigned", part).kind is kind


def test_our_own_closing_does_not_end_the_conversation():
    assert parsed("conversation.admin.closed", a_part(BATON, None, "close")).kind is EventKind.CONVERSATION_UPDATED
    assert parsed("conversation.admin.closed", a_part(ANDY, None, "close")).kind is EventKind.CONVERSATION_ENDED


def test_a_rating_of_a_teammate_is_not_the_bots():
    rating = {"rating": 1, "remark": "slow", "teammate": {"type": "admin", "id": 3}}

    assert parsed("conversation.rating.added", conversation_rating=rating).bot_outcome is None
    assert parsed("conversation.rating.added", conversation_rating=rating | {"teammate": None}).bot_outcome.rating == 1


def a_notice(kind=NoticeKind.HANDED_OFF, text="A colleague takes over."):
    return Notice("hof_1.1", kind, "c1", text, agent="Dana", facts={"ticket": "42"})


def told(local_vendor, kind, **options):
    make_vendor_client(an_account(local_vendor.url, **options)).tell(a_notice(kind))
    return [(call.method, call.path, call.json) for call in local_vendor.calls]


def test_a_handoff_is_assigned_to_the_team_and_then_announced(local_vendor):
    assert told(local_vendor, NoticeKind.HANDED_OFF) == [
        (
            "POST",
            "/conversations/c1/parts",
            {"message_type": "assignment", "admin_id": "99", "type": "team", "assignee_id": "50"},
        ),
        (
            "POST",
            "/conversations/c1/reply",
            {"message_type": "comment", "type": "admin", "admin_id": "99", "body": "A colleague takes over."},
        ),
    ]
    assert {call.headers["authorization"] for call in local_vendor.calls} == {"Bearer tok-secret"}
    assert {call.headers["intercom-version"] for call in local_vendor.calls} == {"2.14"}


def test_that_somebody_joined_is_a_note_and_no_message(local_vendor):
    words = "Dana has taken this over at the helpdesk, ticket 42."

    assert told(local_vendor, NoticeKind.HUMAN_JOINED) == [
        (
            "POST",
            "/conversations/c1/reply",
            {"message_type": "note", "type": "admin", "admin_id": "99", "body": words},
        )
    ]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({}, {"message_type": "close", "admin_id": "99", "type": "admin"}),
        (
            {"when_done": "unassign"},
            {"message_type": "assignment", "admin_id": "99", "type": "admin", "assignee_id": "0"},
        ),
    ],
)
def test_a_conversation_is_given_back(local_vendor, options, body):
    expected = [("POST", "/conversations/c1/parts", body)]

    assert told(local_vendor, NoticeKind.CONTROL_RETURNED, **options) == expected


def test_the_whole_conversation_has_the_ids_and_roles_of_the_webhooks(local_vendor):
    first = {"id": "s1", "body": "Help.", "author": {"type": "user"}, "delivered_as": "customer_initiated"}
    parts = [a_part(BOT), a_part(ANDY, None, "assignment", id="p2"), a_part(BATON, "Hold on.", id="p3")]
    item = {"id": "c1", "created_at": 1781524800, "source": first, "conversation_parts": {"conversation_parts": parts}}
    local_vendor.answer = item

    turns = make_vendor_client(an_account(local_vendor.url)).turns("c1", {})

    assert [(turn.message_id, turn.role) for turn in turns] == [
        ("s1", Role.CUSTOMER),
        ("p1", Role.BOT),
        ("p3", Role.BOT),
    ]
    assert local_vendor.calls[0].path == "/conversations/c1?display_as=plaintext"
    assert turns[0] == parsed("conversation.user.created", source=first, created_at=1781524800).turns[0]


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthorized), (404, Refused), (429, Throttled), (500, Unavailable)]
)
def test_what_intercom_answers_is_told_as_ours_without_secrets_or_words(local_vendor, status, error):
    local_vendor.status = status

    with pytest.raises(error) as failed:
        told(local_vendor, NoticeKind.HANDED_OFF)

    assert type(failed.value) is error
    assert not any(word in str(failed.value) for word in ("tok-secret", "colleague"))


@pytest.mark.parametrize(
    ("options", "credentials", "missing"),
    [({}, TOKEN, "admin_id"), (OPTIONS, {}, "access_token")],
)
def test_what_is_missing_to_call_back_is_named(options, credentials, missing):
    with pytest.raises(ValueError, match=missing):
        make_vendor_client(VendorAccount("inbox", "intercom", ("key-1",), options, "http://127.0.0.1:9", credentials))


def test_an_option_nobody_knows_is_named():
    with pytest.raises(ValueError, match="when_done"):
        ADAPTER.check(an_account(when_done="vanish"))
