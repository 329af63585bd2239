"""A real conversation made into a test case, which then passes as it stands."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from packets.event import (
    BotOutcome,
    Channel,
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    HandoffAsked,
    Role,
    Turn,
)
from policies.casebook import run_cases
from policies.corpus import Recorded, from_dialogue, lines, read
from policies.draft_test import draft_test
from policies.pasted import read_pasted
from policies.replay import replay

OWN = Path(__file__).parent / "fixtures" / "dialogues.jsonl"
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


def passes(text, policy):
    results, problems = run_cases("x.test.yml", text, policy)
    assert [str(p) for p in problems] == []
    assert [str(r) for r in results if not r.passed] == []
    return results[0]


def one_shot(*turns, **more):
    """A whole conversation handed over in one event."""
    said = tuple(Turn(role, text) for role, text in turns)
    return Event(
        "e1", EventKind.HANDOFF_REQUESTED, "shop", ConversationInfo("c1", language="en"), NOW, NOW, turns=said, **more
    )


@pytest.mark.parametrize("line", list(lines(OWN)), ids=lambda line: line.where.rpartition(":")[2])
def test_every_shipped_dialogue_makes_a_case_that_passes_and_decides_as_the_replay_did_or_says_so(line, starter):
    recorded = read(line)

    text = draft_test(recorded, starter)

    decision = passes(text, starter).decision
    first = replay(recorded, starter).first
    same = decision.because == (first.rules if first else ())
    assert same
    assert ("in the conversation itself" not in text) == same


def test_the_case_ends_where_the_policy_escalates(starter):
    pasted = read_pasted("customer: hi\ncustomer: I want to talk to a person\nbot: sure\ncustomer: thanks", "-")

    text = draft_test(pasted, starter)

    assert "because: explicit-request" in text
    assert "thanks" not in text


# What no turn can tell → a rule about it, an event that brings it, and how the case says it.
UNSAID = {
    "customer": (
        "{customer: {attribute: tier, is: gold}}",
        {"customer": Customer(attributes={"tier": "gold", "birthday": "1 May"})},
        "given: {customer: {tier: gold}}",
    ),
    "field": (
        "{field: {name: amount, above: 500}}",
        {"context": Context(slots={"amount": 620, "note": "private"})},
        "given: {field: {amount: '620'}}",
    ),
    "channel": (
        "{channel: voice}",
        {"conversation": ConversationInfo("c1", channel=Channel.VOICE)},
        "given: {channel: voice}",
    ),
    "source": ('{source: "shop-*"}', {"source": "shop-bot"}, "given: {source: shop-bot}"),
    "voice": (
        "{voice: {loudness_above: 0.8}}",
        {"context": Context(analysis={"voice": {"loudness": 0.9}})},
        "given: {voice: {loudness: 0.9}}",
    ),
    "bot_version": (
        '{bot_version: "2.*"}',
        {"bot_version": "2.10"},
        "given: {bot_version: '2.10'}",
    ),
    "unanswered": (
        "{unanswered: {times: 1}}",
        {"bot_outcome": BotOutcome(resolved=False)},
        "given: {unanswered: 1}",
    ),
}


@pytest.mark.parametrize("name", UNSAID)
def test_what_no_turn_tells_is_given_if_a_rule_looks_at_it(policy, rule, name):
    when, told, given = UNSAID[name]
    made = policy({"r.yml": rule("r", when)})
    base = {"source": "shop", "conversation": ConversationInfo("c1")}
    event = Event("e1", EventKind.MESSAGE_CREATED, occurred_at=NOW, received_at=NOW,
                  turns=(Turn(Role.CUSTOMER, "hello"),), **base | told)  # fmt: skip

    text = draft_test(Recorded("cnv_1", event.source, "events", (event,)), made)

    assert given in text
    assert "private" not in text
    assert "birthday" not in text
    assert passes(text, made).decision.because == ("r",)
    assert "in the conversation itself" not in text


def test_what_nothing_escalates_is_expected_to_be_nothing_and_kept_whole(starter):
    text = draft_test(read_pasted("customer: what sizes are there\nbot: S to XL", "-"), starter)

    assert "expect: nothing" in text
    assert "S to XL" in text


def test_private_data_does_not_reach_version_control(starter):
    said = "customer: I am ana@example.com, +49 170 1234567, card 4111 1111 1111 1111. get me a human"

    text = draft_test(read_pasted(said, "-"), starter)

    assert "4111 1111" not in text
    assert "ana@example.com" not in text
    assert "1234567" not in text
    assert "because: explicit-request" in text


def test_pauses_intents_and_failures_come_along(starter):
    turns = [
        {"role": "customer", "text": "where is order 1", "t": 0, "intent": "order_status", "confidence": 0.4},
        {"role": "bot", "text": "not found", "t": 95, "task": "look_up", "outcome": "failed"},
    ]

    text = draft_test(from_dialogue({"id": "d", "turns": turns}, "x:1"), starter)

    for line in ("intent: order_status", "confidence: 0.4", "after: 1m35s", "failed: look_up"):
        assert line in text
    passes(text, starter)


def test_a_whole_transcript_in_one_event_is_judged_turn_by_turn_and_its_request_stays(starter):
    event = one_shot(
        (Role.CUSTOMER, "my order is late"), (Role.BOT, "let me see"), handoff=HandoffAsked("low_confidence")
    )

    text = draft_test(Recorded("cnv_1", "shop", "events", (event,)), starter)

    assert "handoff: low_confidence" in text
    assert passes(text, starter).decision.because == ("bot-asked-for-handoff",)


def test_words_that_cannot_stand_in_yaml_do_not_break_the_file(starter):
    said = "where: is # my \"order\"\x07 'x' \ud800 \U0001f600 - [a, b]\n\ttab 2026-03-06 "
    turn = {"role": "customer", "text": said}

    passes(draft_test(from_dialogue({"id": "d", "turns": [turn, {**turn, "text": "yes"}]}, "x:1"), starter), starter)


def test_a_conversation_without_events_is_refused_by_name(starter):
    empty = replace(read_pasted("customer: hi", "-"), id="cnv_7", events=())

    with pytest.raises(ValueError, match="cnv_7 has no events"):
        draft_test(empty, starter)
