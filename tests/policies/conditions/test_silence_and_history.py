"""Conditions over silence and over what is known from before, and when to look again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from packets.conversation import Conversation, Fact, Holder, Provenance
from packets.course import Course
from packets.event import Role
from policies.decide import decide
from policies.history import Contact, History, issues_of
from policies.waiting import next_look

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def waiting(speaker, minutes, **course):
    """A conversation in which `speaker` said the last word so long ago."""
    quiet = Course(last_speaker=speaker, heard_at=NOW - minutes * MINUTE, turns=2, **course)
    return Conversation("shop", "c", course=quiet, bot_turns=1)


@pytest.fixture
def holds(policy, rule):
    def holds(when, state, **history):
        (trace,) = decide(state, policy({"r.yml": rule(when=when)}), now=NOW, history=History(**history)).rules
        return trace.fired

    return holds


@pytest.fixture
def look(policy, rule):
    def look(when, state, **history):
        return next_look(state, policy({"r.yml": rule(when=when)}), now=NOW, history=History(**history))

    return look


@pytest.mark.parametrize(("minutes", "held"), [(15, True), (14, False)])
def test_a_customer_is_silent_when_the_time_is_over(holds, minutes, held):
    assert holds("{customer_silent: {for: 15m}}", waiting(Role.BOT, minutes)) is held


def test_whose_turn_it_is_says_who_is_silent(holds):
    assert not holds("{customer_silent: {for: 15m}}", waiting(Role.CUSTOMER, 60))
    assert holds("{bot_silent: {for: 15m}}", waiting(Role.CUSTOMER, 60))
    assert not holds("{bot_silent: {for: 15m}}", waiting(Role.BOT, 60))


def test_a_bot_never_heard_is_not_missed(holds, look):
    unheard = replace(waiting(Role.CUSTOMER, 60), bot_turns=0)

    assert not holds("{bot_silent: {for: 15m}}", unheard)
    assert look("{bot_silent: {for: 90m}}", unheard) is None


@pytest.mark.parametrize(
    "state",
    [
        waiting(Role.BOT, 60, resolved=True),
        waiting(Role.BOT, 60, ended=True),
        replace(waiting(Role.BOT, 60), holder=Holder.CLOSED),
        replace(waiting(Role.BOT, 60), holder=Holder.PENDING_HUMAN),
        Conversation("shop", "c"),
    ],
)
def test_where_nobody_is_waited_for_nobody_is_silent(holds, look, state):
    assert not holds("{customer_silent: {for: 15m}}", state)
    assert look("{customer_silent: {for: 90m}}", state) is None


def test_the_next_look_is_at_the_first_silence_still_to_come(look):
    when = "{any: [{customer_silent: {for: 15m}}, {customer_silent: {for: 5m}}, {bot_silent: {for: 11m}}]}"

    assert look(when, waiting(Role.BOT, 4)) == NOW + 1 * MINUTE
    assert look(when, waiting(Role.BOT, 5)) == NOW + 10 * MINUTE
    assert look(when, waiting(Role.BOT, 15)) is None


def test_a_policy_without_silences_never_looks_again(look):
    assert look("{topic: legal}", waiting(Role.BOT, 1)) is None


def test_who_left_at_a_step_may_just_have_fallen_silent_there(holds, look):
    at_payment = replace(waiting(Role.BOT, 30), facts=(Fact("step", "payment", Provenance.BOT_INFERRED),))

    assert holds("{ended_after: {step: payment, or_silent_for: 30m}}", at_payment)
    assert not holds("{ended_after: {step: payment, or_silent_for: 31m}}", at_payment)
    assert not holds("{ended_after: {step: basket, or_silent_for: 30m}}", at_payment)
    assert look("{ended_after: {step: payment}}", at_payment) is None
    assert look("{ended_after: {step: payment, or_silent_for: 31m}}", at_payment) == NOW + MINUTE


@pytest.mark.parametrize(
    ("state", "history", "held"),
    [
        (waiting(Role.CUSTOMER, 2), {"heartbeat": 2 * MINUTE}, True),
        (waiting(Role.CUSTOMER, 1), {"heartbeat": 2 * MINUTE}, False),
        (waiting(Role.CUSTOMER, 60), {}, False),
        (waiting(Role.BOT, 3), {"heartbeat": 2 * MINUTE, "source_heard_at": NOW - 2 * MINUTE}, True),
        (waiting(Role.BOT, 3), {"heartbeat": 2 * MINUTE, "source_heard_at": NOW - MINUTE}, False),
        (waiting(Role.BOT, 9), {"heartbeat": 2 * MINUTE, "source_heard_at": NOW - 3 * MINUTE}, False),
    ],
)
def test_a_vendor_is_silent_in_one_conversation_or_as_a_whole(holds, state, history, held):
    assert holds("{vendor_silent: true}", state, **history) is held


def test_looking_for_a_dead_source_comes_to_an_end_while_it_lives(look):
    alive = {"heartbeat": 2 * MINUTE, "source_heard_at": NOW}

    assert look("{vendor_silent: true}", waiting(Role.BOT, 1), **alive) == NOW + MINUTE
    assert look("{vendor_silent: true}", waiting(Role.BOT, 2), **alive) == NOW + 2 * MINUTE
    assert look("{vendor_silent: true}", waiting(Role.BOT, 3), **alive) is None


def about(*names, **more):
    return Conversation("shop", "c", course=Course(intents=dict.fromkeys(names, 1)), **more)


def ago(hours, *issues):
    return Contact(NOW - timedelta(hours=hours), issues)


@pytest.mark.parametrize(
    ("earlier", "held"),
    [
        ((ago(20, "intent:refund"),), True),
        ((ago(20, "intent:invoice"),), False),
        ((ago(80, "intent:refund"),), False),
        ((), False),
    ],
)
def test_a_contact_about_the_same_issue_within_the_window_is_a_repeat(holds, earlier, held):
    assert holds("{repeat_contact: {within: 72h}}", about("refund"), earlier=earlier) is held


def test_several_contacts_must_be_several(holds):
    once, twice = (ago(20, "intent:refund"),), (ago(20, "intent:refund"), ago(44, "intent:refund"))

    assert not holds("{repeat_contact: {within: 72h, times: 2}}", about("refund"), earlier=once)
    assert holds("{repeat_contact: {within: 72h, times: 2}}", about("refund"), earlier=twice)


def test_an_issue_is_an_intent_a_topic_a_failing_task_or_a_number():
    order = Fact("order_id", "A-1001", Provenance.CUSTOMER_SAID, turn=3)
    state = about("refund", "greet", failed_tasks={"order_lookup": 1}, facts=(order,))

    issues = issues_of(state, ["legal", "anger"], History(issues=("topic:fraud",)))

    assert [i for i in issues if not i.startswith("number:")] == [
        "intent:refund", "task:order lookup", "topic:fraud", "topic:legal",
    ]  # fmt: skip
    assert len(issues) == 5
    assert not any("1001" in issue for issue in issues)


def test_a_number_of_the_contact_before_is_not_what_this_one_is_about():
    order = Fact("order_id", "A-1001", Provenance.CUSTOMER_SAID, turn=3)

    assert issues_of(about(facts=(order,)), [], History(first_turn=4)) == ()


def test_what_is_remembered_holds_for_that_customer_only(holds):
    assert holds("{remembered: no_ai_contact}", about(), remembered=frozenset({"no_ai_contact"}))
    assert not holds("{remembered: no_ai_contact}", about())


def test_a_rule_may_ask_that_something_is_remembered(policy, rule, conversation):
    made = policy({"r.yml": rule(when="{topic: legal}", then="{continue: true, remember: no_ai_contact}")})

    assert decide(conversation("my lawyer"), made, now=NOW).remember == ("no_ai_contact",)
    assert decide(conversation("my layer"), made, now=NOW).remember == ()
