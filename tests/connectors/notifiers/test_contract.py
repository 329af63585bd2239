"""What every notifier promises, asked of each against its double. A new one is a line in MAKE and in CHATS."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.ports import Card, NotifierAccount, Press, Standing
from connectors.registry import NOTIFIERS, make_notifier
from connectors.sandbox.chat.server import TOKEN, ChatFault, running_chat

HOOK = "/services/T0/B0/hook-secret"
CARD = Card(
    id="msg_1",
    handoff_id="hof_1",
    headline="Billing <!channel> & payments: overdue",
    route="Billing",
    tier="short",
    due_at=datetime(2026, 3, 6, 10, 0, tzinfo=UTC),
    why="A disputed refund needs somebody who may move money.",
    do_next="Read the *last* payment [aloud](http://evil.example)",
    asked=("alex", "dana"),
    ticket_url="https://desk.example/1",
    links={Press.CLAIM: "https://baton.example/claim", Press.DECLINE: "https://baton.example/decline"},
)
SHORT = timedelta(seconds=2)
MAKE = {
    "slack with a token": lambda url: NotifierAccount(
        "chat", "slack", base_url=f"{url}/api", token=TOKEN, channel="C1", secrets=("signing",), timeout=SHORT
    ),
    "slack by webhook": lambda url: NotifierAccount(
        "chat", "slack", webhook_url=url + HOOK, secrets=("signing",), timeout=SHORT
    ),
    "teams": lambda url: NotifierAccount(
        "chat", "teams", webhook_url=f"{url}/workflows/1?sig={TOKEN}", link_secret="0123456789abcdef",
        public_url="https://baton.example", timeout=SHORT,
    ),
}  # fmt: skip


@pytest.fixture(params=MAKE)
def pair(request):
    """A notifier and the chat it talks to."""
    kind = request.param.split()[0]
    with running_chat(kind) as on:
        yield make_notifier(MAKE[request.param](on.url)), on.chat


def test_every_kind_takes_part():
    assert {name.split()[0] for name in MAKE} == set(NOTIFIERS)


def test_a_card_arrives_once_and_says_all_that_people_need(pair):
    notifier, chat = pair

    notifier.post(CARD)

    told = json.dumps([message.body for message in chat.messages])
    assert len(chat.messages) == 1
    wanted = ("short", "2026-03-06T10:00:00Z", "A disputed refund", "alex, dana", "hof_1", "Claim", "Cannot take")
    assert [word for word in (*wanted, "https://desk.example/1") if word not in told] == []


def test_a_card_that_was_taken_has_nothing_more_to_press(pair):
    notifier, chat = pair

    notifier.post(Card(**fields(CARD) | {"standing": Standing.TAKEN, "by": "alex"}))

    told = json.dumps(chat.messages[0].body)
    assert "Taken by alex" in told
    assert "Cannot take" not in told


def test_what_the_policy_says_can_ping_nobody_and_link_nowhere(pair):
    notifier, chat = pair

    notifier.post(CARD)

    told = json.dumps(chat.messages[0].body)
    assert '"*Why*\\n<!channel>' not in told
    shown = [line for line in told.split('"') if "evil.example" in line]
    assert shown
    assert all("[aloud](" not in line for line in shown) or notifier.name != "teams"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ChatFault("throttle", retry_after=7), Throttled),
        (ChatFault("down"), Unsure),
        (ChatFault("lost"), Unsure),
    ],
)
def test_the_type_of_an_error_says_whether_to_try_again(pair, fault, error):
    notifier, chat = pair
    chat.faults.append(fault)

    with pytest.raises(error) as raised:
        notifier.post(CARD)

    if error is Throttled:
        assert raised.value.retry_after == 7


def test_a_chat_that_is_not_there_was_never_told():
    for make in MAKE.values():
        with pytest.raises(Unavailable):
            make_notifier(make("http://127.0.0.1:9")).post(CARD)


def test_no_error_says_a_secret_or_what_a_card_says(pair):
    notifier, chat = pair
    said = []
    for kind in ("throttle", "down", "lost", "refuse"):
        chat.faults.append(ChatFault(kind))
        try:
            notifier.post(CARD)
        except ConnectorError as error:
            said.append(f"{error} {error!r} {error.__cause__} {error.__context__}")

    assert len(said) >= 3
    secrets = (TOKEN, "hook-secret", "0123456789abcdef", "signing", "Billing", "disputed")
    assert [(secret, text) for secret in secrets for text in said if secret in text] == []


def test_an_account_shows_no_secret():
    shown = [repr(make("http://127.0.0.1")) for make in MAKE.values()]

    secrets = (TOKEN, "hook-secret", "0123456789abcdef", "signing'")
    assert [text for text in shown if any(secret in text for secret in secrets)] == []


def test_slack_says_at_200_that_a_token_is_wrong():
    with running_chat("slack") as on:
        account = NotifierAccount("chat", "slack", base_url=f"{on.url}/api", token="bad", channel="C", secrets=("s",))

        with pytest.raises(Unauthorized, match="invalid_auth"):
            make_notifier(account).post(CARD)


def test_slack_changes_a_card_in_its_place():
    with running_chat("slack") as on:
        slack = make_notifier(MAKE["slack with a token"](on.url))
        posted = slack.post(CARD, to="C2")

        slack.update(Card(**fields(CARD) | {"standing": Standing.DONE}), posted)

        assert [(m.channel, m.changes) for m in on.chat.messages] == [("C2", 1)]


def test_slack_answers_only_where_slack_is():
    slack = make_notifier(MAKE["slack with a token"]("http://127.0.0.1:1"))

    with pytest.raises(Refused):
        slack.reply("http://evil.example/response/1/U1", "hello")


@pytest.mark.parametrize(
    ("kind", "more", "needs"),
    [
        ("slack", {}, "either webhook_url"),
        ("slack", {"token": "t", "secrets": ("s",)}, "channel"),
        ("slack", {"token": "t", "channel": "C1"}, "signing_secret"),
        ("slack", {"token": "t", "channel": "C1", "webhook_url": "https://x", "secrets": ("s",)}, "not both"),
        ("teams", {}, "webhook_url"),
        ("teams", {"webhook_url": "https://x", "public_url": "https://b"}, "link_secret"),
        ("teams", {"webhook_url": "https://x", "link_secret": "0123456789abcdef"}, "public_url"),
        ("teams", {"webhook_url": "https://x", "secrets": ("s",)}, "signing_secret"),
    ],
)
def test_an_account_that_cannot_work_says_what_it_needs(kind, more, needs):
    with pytest.raises(ValueError, match=needs):
        make_notifier(NotifierAccount("chat", kind, **more))


def fields(card):
    return {name: getattr(card, name) for name in Card.__slots__}
