"""LivePerson: what is special about it."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.vendors.liveperson import ADAPTER
from packets.event import EventKind, Role, Visibility

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "signature_vectors.json").read_text("utf-8"))
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
BOTS = {"bots": "b-1, b-2", "handoff_skills": "900"}


def an_account(*secrets, **options):
    return VendorAccount("chat", "liveperson", secrets or ("app-secret",), options)


def a_webhook(kind, *changes):
    body = {"kind": "notification", "type": kind, "body": {"changes": changes}}
    return Webhook({}, json.dumps(body).encode(), NOW)


def a_message(role="CONSUMER", who="c-1", **other):
    event = other.pop("event", {"type": "ContentEvent", "message": "hi"})
    told = {"originatorMetadata": {"id": who, "role": role}, "event": event, "conversationId": "v-1", "dialogId": "d-1"}
    return a_webhook("ms.MessagingEventNotification", {**told, "sequence": 4, **other})


def a_state(*people, **details):
    details = {"participants": [{"id": who, "role": "ASSIGNED_AGENT"} for who in people], **details}
    change = {"type": "UPSERT", "result": {"convId": "v-1", "conversationDetails": details}}
    return a_webhook("cqm.ExConversationChangeNotification", change)


def parsed(webhook, **options):
    return ADAPTER.parse(webhook, an_account(**options))


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_the_published_vectors_are_answered_as_they_say(vector):
    webhook = Webhook(vector["headers"], vector["body"].encode(), NOW)

    assert ADAPTER.verify(webhook, an_account("other", vector["secret"])).key_number == 1
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(webhook, an_account("other"))


def test_the_same_digest_in_hex_is_not_taken():
    signed = ADAPTER.sign(a_message(), an_account())
    digest = base64.b64decode(signed.headers["x-liveperson-signature"].removeprefix("sha1="))
    headers = {"x-liveperson-signature": "sha1=" + digest.hex()}

    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook(headers, signed.body, NOW), an_account())


@pytest.mark.parametrize("option", ["account_id", "client_id"])
@pytest.mark.parametrize("told", ["", "other"])
def test_a_call_of_another_account_or_application_is_refused(option, told):
    mine = an_account(**{option: "42"})
    signed = ADAPTER.sign(a_message(), mine)
    header = f"x-liveperson-{option.replace('_', '-')}"

    assert ADAPTER.verify(signed, mine).key_number == 0
    with pytest.raises(SignatureRejected):
        ADAPTER.verify(Webhook({**signed.headers, header: told}, signed.body, NOW), mine)


@pytest.mark.parametrize(
    ("role", "who", "options", "expected", "warned"),
    [
        ("CONSUMER", "c-1", {}, Role.CUSTOMER, False),
        ("ASSIGNED_AGENT", "b-2", BOTS, Role.BOT, False),
        ("ASSIGNED_AGENT", "a-9", BOTS, Role.AGENT, False),
        ("ASSIGNED_AGENT", "a-9", {}, Role.BOT, True),
        ("MANAGER", "m-1", {}, Role.AGENT, False),
        ("CONTROLLER", "s", {}, Role.SYSTEM, False),
        ("WIZARD", "s", {}, Role.SYSTEM, True),
    ],
)
def test_who_speaks(role, who, options, expected, warned):
    (event,) = parsed(a_message(role, who), **options)

    assert [turn.role for turn in event.turns] == [expected]
    assert ("role_ambiguous" in event.warnings) is warned


@pytest.mark.parametrize("where", ["change", "event"])
def test_a_message_for_agents_only_is_internal(where):
    private = {"messageAudience": "AGENTS_AND_MANAGERS"}
    said = {"type": "ContentEvent", "message": "watch this one"}
    webhook = a_message("MANAGER", **private) if where == "change" else a_message("MANAGER", event={**said, **private})

    (event,) = parsed(webhook)

    assert event.turns[0].visibility is Visibility.INTERNAL


def test_a_structured_message_is_read_for_its_words_and_not_for_what_its_buttons_do():
    content = {"elements": [{"text": "Pick one"}, {"title": "Track", "click": {"actions": [{"text": "secretly"}]}}]}

    (event,) = parsed(a_message("ASSIGNED_AGENT", event={"type": "RichContentEvent", "content": content}))

    assert event.turns[0].text == "Pick one\nTrack"


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (a_state("b-1", state="OPEN", skillId="1"), EventKind.CONVERSATION_UPDATED),
        (a_state("b-1", state="OPEN", skillId="900"), EventKind.HANDOFF_REQUESTED),
        (a_state("b-1", "a-9", state="OPEN", skillId="900"), EventKind.AGENT_ASSIGNED),
        (a_state("a-9", state="CLOSE", skillId="900"), EventKind.CONVERSATION_ENDED),
    ],
)
def test_what_a_state_means(state, kind):
    (event,) = parsed(state, **BOTS)

    assert event.kind is kind


def test_messages_are_known_by_their_number_and_states_by_their_last_change():
    def ids(*webhooks):
        return {event.event_id for webhook in webhooks for event in parsed(webhook, **BOTS)}

    assert len(ids(a_message(serverTimestamp=1), a_message(serverTimestamp=2))) == 1
    assert len(ids(a_message(), a_message(sequence=5), a_message(dialogId="d-2"))) == 3
    assert len(ids(a_state(metaDataLastUpdateTs=1), a_state(metaDataLastUpdateTs=2))) == 2
