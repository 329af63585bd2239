"""The policy we ship: sound, tested by its own cases, and right about whole conversations."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from packets.conversation import Conversation, fold, handed_back, handed_off
from packets.decision import Action
from packets.event import (
    Context,
    ConversationInfo,
    Customer,
    Event,
    EventKind,
    Intent,
    Nlu,
    Role,
    Sentiment,
    ToolCall,
    Turn,
)
from policies.casebook import run_casebook
from policies.check import check_policy
from policies.corpus import lines, read
from policies.decide import decide
from policies.load import load_policy
from policies.replay import replay

DIALOGUES = Path(__file__).parent / "fixtures" / "dialogues.jsonl"
NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)

# Which of our rules may answer for which trigger of the file.
RULES = {
    "explicit_request": {"explicit-request"},
    "no_ai_contact": {"no-ai-contact"},
    "fraud": {"payment-fraud"},
    "legal": {"legal-matter"},
    "safety": {"health-and-safety"},
    "bereavement": {"bereavement"},
    "emergency": {"emergency"},
    "distress": {"account-change"},  # who sends their number in despair is heard because of the number
    "anger": {"anger", "sentiment-sustained"},
    "low_confidence": {"low-confidence", "guessing"},
    "repeated_failure": {"same-task-failed"},
    "loop": {"loop"},
    "complexity": {"distinct-problems"},
    "time": {"duration"},
    "vip": {"vip"},
    "inactivity": {"bot-silent"},
    "repeat_contact": {"repeat-contact", "repeat-contact-told"},
}


def recorded():
    return {found.id: found for found in map(read, lines(DIALOGUES))}


def ours(should_escalate, starter_rules):
    return [
        pytest.param(found, id=name)
        for name, found in recorded().items()
        if found.gold.should_escalate is should_escalate
        and (not should_escalate or RULES[found.gold.trigger] & starter_rules)
    ]


STARTER_RULES = {rule.id for rule in load_policy(Path(__file__).resolve().parents[2] / "policies" / "starter").rules}


def event(turn, number, customer=None):
    role = Role.CUSTOMER if turn["role"] == "customer" else Role.BOT
    intent = turn.get("intent")
    nlu = Nlu(Intent(intent, confidence=turn.get("confidence")), is_fallback=intent == "fallback") if intent else None
    sentiment = Sentiment(score=turn["sentiment"]) if "sentiment" in turn else None
    calls = (ToolCall(turn["task"], ok=turn["outcome"] != "failed"),) if "outcome" in turn else ()
    at = NOW + timedelta(seconds=turn["t"])
    return Event(
        event_id=f"e{number}",
        kind=EventKind.MESSAGE_CREATED,
        source="shop",
        conversation=ConversationInfo("c1"),
        occurred_at=at,
        received_at=at,
        turns=(Turn(role, turn["text"], nlu=nlu, sentiment=sentiment),),
        customer=Customer(attributes=customer) if customer else None,
        context=Context(tool_calls=calls) if calls else None,
    )


def test_the_starter_policy_has_no_problem(starter_folder):
    assert [str(problem) for problem in check_policy(starter_folder)] == []


def test_every_case_of_the_starter_policy_comes_as_expected(starter_folder):
    report = run_casebook(starter_folder)

    assert report.ok, str(report)
    assert len(report.results) > 30


@pytest.mark.parametrize("conversation", ours(True, STARTER_RULES))
def test_a_conversation_that_needs_a_person_gets_one_in_time_and_for_the_right_reason(conversation, starter):
    first, last = conversation.gold.window

    escalation = replay(conversation, starter).first

    assert escalation is not None
    assert first <= escalation.turn <= last
    assert RULES[conversation.gold.trigger] & set(escalation.rules)


@pytest.mark.parametrize("conversation", ours(False, STARTER_RULES))
def test_a_conversation_the_bot_can_finish_is_left_to_it(conversation, starter):
    assert replay(conversation, starter).first is None


def test_every_conversation_of_the_file_is_looked_at_but_those_whose_trigger_the_starter_has_no_rule_for():
    looked_at = {param.id for should in (True, False) for param in ours(should, STARTER_RULES)}

    left_out = {found.gold.trigger for name, found in recorded().items() if name not in looked_at}

    assert left_out <= {"inactivity", "repeat_contact"}


def test_a_rating_after_people_are_done_opens_nothing_for_a_vip(starter):
    contact = event({"role": "customer", "t": 0, "text": "hi"}, 0, {"vip": True})
    state = handed_back(handed_off(fold(Conversation("shop", "c1"), contact)))
    rated = replace(event({"role": "bot", "t": 9, "text": ""}, 1), kind=EventKind.CONVERSATION_RATED, turns=())

    assert decide(fold(state, rated), starter, now=NOW).action is Action.CONTINUE


def test_the_shipped_routes_end_in_a_catch_all_and_orders_stand_under_support(starter):
    assert starter.default_route == "general"
    assert set(starter.routes) >= {"sales", "support", "billing", "technical", "operations", "sensitive", "orders"}
    assert starter.route("orders").destination == "support"
    assert starter.route("orders").wants[0] == "order_id"


def test_the_shipped_tiers_are_five_minutes_an_hour_and_a_day(starter):
    seconds = {name: tier.first_response_seconds for name, tier in starter.tiers.items()}

    assert seconds == {"immediate": 300, "short": 3600, "standard": 86400}
    assert starter.default_tier == "standard"


def test_every_shipped_script_speaks_the_same_languages(starter):
    assert {name: sorted(texts) for name, texts in starter.scripts.items()} == {
        name: ["de", "en", "es", "fr"] for name in starter.scripts
    }


def test_every_shipped_escalation_tells_the_customer_something_and_the_person_what_to_do_first(starter):
    for rule in starter.rules:
        assert rule.then.say in starter.scripts, rule.id
        assert rule.then.playbook is None or rule.then.playbook in starter.playbooks, rule.id
    assert starter.default_playbook in starter.playbooks
