"""What a vendor's calls lack for a good packet."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import VendorAccount
from connectors.recorded import read_recorded
from connectors.registry import vendor
from gateway.settings import STARTER_POLICY
from gateway.vendors.lint import WANTS, lint
from packets.event import ConversationInfo, Customer, Event, EventKind, HandoffAsked, Role, Turn
from policies.load import load_policy

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def policy():
    return load_policy(STARTER_POLICY)


def an_event(*turns, **other):
    return Event("e-1", EventKind.HANDOFF_REQUESTED, "bot", ConversationInfo("c-1"), NOW, NOW, turns=turns, **other)


def fields_of(found):
    return {advice.field for advice in found.advice}


def test_a_bare_request_for_a_person_scores_nothing_and_says_what_is_needed(policy):
    found = lint([an_event()], policy, NOW)

    assert found.score == 0
    assert not found.is_good
    assert [a.field for a in found.advice if a.needed] == [
        "message (role: customer)",
        "customer.email or customer.phone",
    ]
    assert found.lacks[0] == "the transcript"


def test_what_is_there_is_not_asked_for_and_raises_the_score(policy):
    poor = an_event(Turn(Role.CUSTOMER, "help"))
    rich = replace(
        poor,
        turns=(Turn(Role.CUSTOMER, "I want a person", message_id="1"), Turn(Role.BOT, "Right.", message_id="2")),
        customer=Customer(name="Ada", email="ada@example.com"),
        handoff=HandoffAsked("customer_request"),
    )

    before, after = lint([poor], policy, NOW), lint([rich], policy, NOW)

    assert after.is_good
    assert before.score < after.score
    given = {
        "message (role: customer)",
        "message.id",
        "customer.name",
        "customer.email or customer.phone",
        "handoff.reason_code",
    }
    assert fields_of(after) & given == set()


def test_a_quiet_conversation_is_scored_too(policy):
    event = replace(an_event(Turn(Role.CUSTOMER, "thanks", message_id="1")), kind=EventKind.MESSAGE_CREATED)

    found = lint([event], policy, NOW)

    assert found.rules == ()
    assert found.score > 0


@pytest.fixture(scope="module")
def missed(policy):
    """For each conversation of every vendor's recorded calls: what was missed."""
    files = sorted(Path(__file__).resolve().parents[2].glob("connectors/vendors/*/fixtures/*.http"))
    return [fields_of(found) for path in files for found in _linted(path, policy)]


@pytest.mark.parametrize("want", WANTS, ids=lambda w: w.field)
def test_every_want_is_met_by_somebody_and_missed_by_somebody(missed, want):
    assert {want.field in fields for fields in missed} == {True, False}


def _linted(path, policy):
    own = re.match(rb"# options: (\{.*\})", path.read_bytes())
    account = VendorAccount("bot", path.parent.parent.name, ("k",), json.loads(own[1]) if own else {})
    for call in read_recorded(path.read_bytes()):
        headers = {"webhook-id": "msg_1", **call.headers}
        webhook = replace(call.webhook(NOW), headers=headers)
        try:
            events = vendor(account.vendor).parse(webhook, account)
        except (MalformedWebhook, UnsupportedEvent):
            continue
        if events:
            yield lint(events, policy, NOW)
