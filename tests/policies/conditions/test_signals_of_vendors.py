"""Conditions over what vendors tell beside the words: each with what makes it hold, and what almost does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from packets.conversation import Conversation, Fact, Provenance
from packets.course import Course, Saying, Voice
from packets.event import Channel, Customer, EventKind, ToolCall
from policies.conditions.course import is_small_talk
from policies.conditions.customer import amount_in
from policies.problems import PolicyErrors

NINE = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


def state(**course):
    return Conversation("webshop-bot", "c", course=Course(**course))


def with_fact(value, name="amount"):
    return Conversation("s", "c", facts=(Fact(name, value, Provenance.CUSTOMER_SAID),))


def with_attributes(**attributes):
    return Conversation("s", "c", customer=Customer(attributes=attributes))


@pytest.mark.parametrize(
    ("moods", "held", "said"),
    [
        ((-0.4, -0.5, -0.31), True, "-0.40, -0.50, -0.31"),
        ((-0.4, -0.5, -0.3), False, "-0.40, -0.50, -0.30"),
        ((-0.4, None, -0.9), False, "-0.40, unknown, -0.90"),
        ((-0.9, -0.9), False, "-0.90, -0.90"),
        ((0.2, -0.9, -0.9, -0.9), True, "-0.90, -0.90, -0.90"),
        ((), False, "unknown"),
    ],
)
def test_a_low_sentiment_must_last(judged, moods, held, said):
    node = judged("{sentiment: {below: -0.3, for: 3 turns}}", state=state(moods=moods))

    assert (node.held, node.evidence[0].said) == (held, said)


def test_without_a_number_of_turns_the_newest_sentiment_counts(judged):
    assert judged("{sentiment: {below: -0.5}}", state=state(moods=(0.4, -0.6))).held
    assert not judged("{sentiment: {below: -0.5}}", state=state(moods=(-0.9, -0.5))).held


@pytest.mark.parametrize(
    ("when", "voice", "held"),
    [
        ("{loudness_above: 0.8}", Voice(loudness=0.81), True),
        ("{loudness_above: 0.8}", Voice(loudness=0.8), False),
        ("{loudness_above: 0.8}", Voice(tone_score=-1), False),
        ("{tone_below: -0.5}", Voice(tone_score=-0.6), True),
        ("{tone_below: -0.5}", Voice(tone_score=-0.5), False),
        ("{raised_voice: true}", Voice(raised_voice=True), True),
        ("{raised_voice: false}", None, False),
        ("{loudness_above: 0.8, tone_below: 0}", Voice(loudness=0.9), False),
        ("{loudness_above: 0.8, tone_below: 0}", Voice(0.9, -0.1), True),
    ],
)
def test_a_voice_is_loud_or_low_only_when_it_is_known(judged, when, voice, held):
    assert judged(f"{{voice: {when}}}", state=state(voice=voice)).held is held


def test_a_voice_shows_what_was_asked_and_what_was_heard(judged):
    node = judged("{voice: {loudness_above: 0.8, raised_voice: true}}", state=state(voice=Voice(0.5, None, True)))

    assert node.condition == "voice: loudness above 0.8, raised voice: yes"
    assert node.evidence[0].said == "loudness 0.50, raised voice yes"


def test_a_loop_is_a_question_or_an_intent_that_came_so_often(judged):
    going_round = state(sayings=(Saying("a", 3), Saying("b", 1)), stuck_on={"cancel": 2})

    assert judged("{loop: {same: bot_question, times: 3}}", state=going_round).held
    assert not judged("{loop: {same: bot_question, times: 4}}", state=going_round).held
    assert judged("{loop: {same: intent, times: 2}}", state=going_round).held
    assert not judged("{loop: {same: intent, times: 3}}", state=going_round).held


def test_small_talk_and_what_a_rule_ignores_are_no_problems(judged):
    known = state(intents={"greet": 1, "order_status": 4, "newsletter": 1, "refund": 1, "thank_you": 2})

    assert judged("{distinct_problems: {more_than: 2}}", state=known).held
    assert not judged("{distinct_problems: {more_than: 3}}", state=known).held
    assert not judged("{distinct_problems: {more_than: 2, ignoring: [Newsletter]}}", state=known).held


@pytest.mark.parametrize("intent", ["greet", "inform_date", "thank_you", "affirm", "out_of_scope", "chitchat/weather"])
def test_a_move_of_the_conversation_is_small_talk(intent):
    assert is_small_talk(intent)


@pytest.mark.parametrize("intent", ["no_delivery", "out_of_stock", "information", "stop_subscription", "order_status"])
def test_a_matter_that_only_sounds_like_one_is_none(intent):
    assert not is_small_talk(intent)


def test_a_duration_must_be_longer_and_known(judged):
    quarter = state(since=NINE, until=NINE + timedelta(minutes=15))

    assert judged("{duration: {longer_than: 14m}}", state=quarter).held
    assert not judged("{duration: {longer_than: 15m}}", state=quarter).held
    assert judged("{duration: {longer_than: 15m}}", state=state()).evidence[0].said == "unknown"


def test_turns_are_counted(judged):
    assert judged("{turns: {more_than: 30}}", state=state(turns=31)).held
    assert not judged("{turns: {more_than: 30}}", state=state(turns=30)).held


@pytest.mark.parametrize(
    ("when", "attributes", "held"),
    [
        ("{attribute: vip, is: true}", {"vip": True}, True),
        ("{attribute: vip, is: true}", {"vip": "Yes"}, True),
        ("{attribute: vip, is: true}", {"vip": False}, False),
        ("{attribute: vip, is: false}", {}, False),
        ("{attribute: tier, is: Gold}", {"tier": "gold"}, True),
        ("{attribute: tier, is: gold}", {"tier": "golden"}, False),
        ("{attribute: lifetime_value, above: 1000}", {"lifetime_value": 1000.5}, True),
        ("{attribute: lifetime_value, above: 1000}", {"lifetime_value": 1000}, False),
        ("{attribute: lifetime_value, above: 1000}", {"lifetime_value": "a lot"}, False),
        ("{attribute: orders, is: 3}", {"orders": "3"}, True),
    ],
)
def test_what_is_known_of_a_customer_is_compared(judged, when, attributes, held):
    assert judged(f"{{customer: {when}}}", state=with_attributes(**attributes)).held is held


@pytest.mark.parametrize(
    ("when", "value", "held"),
    [
        ("{name: amount, above: 500}", "500.01", True),
        ("{name: amount, above: 500}", "500", False),
        ("{name: amount, above: 500}", "1.250,00 €", True),
        ("{name: amount, above: 500}", "order 99812", False),
        ("{name: amount, is: 620}", "£620.00", True),
        ("{name: amount, is: paid}", " PAID ", True),
        ("{name: amount, missing: true}", "1", False),
        ("{name: other, missing: true}", "1", True),
        ("{name: other, above: 0}", "1", False),
    ],
)
def test_a_fact_is_compared_or_found_missing(judged, when, value, held):
    assert judged(f"{{field: {when}}}", state=with_fact(value)).held is held


def test_the_value_of_a_fact_is_not_kept_for_the_audit_when_the_rule_asked_for_another(judged):
    node = judged("{field: {name: email, is: nobody}}", state=with_fact("ana@example.com", "email"))

    assert node.evidence[0].said == "something else"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12", 12),
        ("-12.5", -12.5),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1,234", 1234),
        ("12,5", 12.5),
        ("1.234.567", 1234567),
        ("$ 1 234,5", 1234.5),
        ("500 EUR", 500),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("", None),
        ("5 of 12", None),
        ("2026-03-06", None),
        ("." * 5_000, None),
        ("1" + " " * 5_000 + "x", None),
    ],
)
def test_a_number_is_read_as_people_write_it(text, amount):
    assert amount_in(text) == amount


def test_channel_source_and_version_are_those_the_vendor_tells(judged):
    here = Conversation("webshop-bot", "c", channel=Channel.VOICE, bot_version="2.10")

    assert judged("{channel: voice}", state=here).held
    assert not judged("{channel: email}", state=here).held
    assert judged("{source: webshop-*}", state=here).held
    assert not judged("{source: webshop}", state=here).held
    assert judged('{bot_version: "2.*"}', state=here).held
    assert not judged('{bot_version: "1.*"}', state=here).held
    assert not judged('{bot_version: "*"}', state=replace(here, bot_version=None)).held


@pytest.mark.parametrize(
    ("wanted", "told", "held"),
    [("de", "de", True), ("de", "de_AT", True), ("de-AT", "de", False), ("de", "den", False), ("de", None, False)],
)
def test_a_language_is_also_its_regions(judged, wanted, told, held):
    assert judged(f"{{language: {wanted}}}", state=Conversation("s", "c", language=told)).held is held


def test_the_customers_own_language_stands_in_for_the_conversations(judged):
    assert judged("{language: fr}", state=Conversation("s", "c", customer=Customer(locale="fr-CA"))).held


def test_what_the_bot_failed_at_holds(judged):
    assert judged("{unanswered: {times: 2}}", state=state(unanswered=2)).held
    assert not judged("{unanswered: {times: 2}}", state=state(unanswered=1)).held
    assert judged("{bot_error: true}", state=state(bot_error="timeout")).held
    assert not judged("{bot_error: true}", state=state()).held
    assert judged("{transfer_failed: true}", state=state(transfer_failed=True)).held
    assert not judged("{transfer_failed: true}", state=state()).held


def test_a_customer_who_left_at_a_step_is_one_whose_conversation_just_ended_there(judged):
    at_payment = replace(with_fact("payment", "step"), course=Course(ended=True))

    assert judged("{ended_after: {step: payment}}", state=at_payment).held
    assert not judged("{ended_after: {step: address}}", state=at_payment).held
    assert not judged("{ended_after: {step: payment}}", state=with_fact("payment", "step")).held
    resolved = replace(at_payment, course=Course(ended=True, resolved=True))
    assert not judged("{ended_after: {step: payment}}", state=resolved).held


def test_without_a_step_the_newest_task_is_where_the_bot_was(judged):
    calls = (ToolCall("look_up", True), ToolCall("charge", True, task="payment"))
    ended = Conversation("s", "c", tool_calls=calls, course=Course(ended=True))

    assert judged("{ended_after: {step: payment}}", state=ended).held


def test_a_conversation_that_ends_is_judged_as_ended(judged):
    node = judged("{ended_after: {step: payment}}", "bye", kind=EventKind.CONVERSATION_ENDED)

    assert node.evidence[0].said == "ended at unknown"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("{sentiment: {below: -2}}", "a number from -1 to 1"),
        ("{sentiment: {below: -0.5, for: 3}}", "write '3 turns'"),
        ("{sentiment: {below: -0.5, for: 13 turns}}", "can never hold"),
        ("{voice: {}}", "loudness_above or tone_below or raised_voice"),
        ("{loop: {same: answer, times: 3}}", "bot_question or intent"),
        ("{loop: {same: intent, times: 1}}", "2 or more"),
        ("{duration: {longer_than: 10}}", "a number and a unit"),
        ("{customer: {attribute: vip}}", "is or above"),
        ("{field: {name: amount, above: much}}", "expected a number"),
        ("{field: {name: amount, missing: false}}", "under not:"),
        ("{channel: fax}", "expected web_chat"),
        ("{transfer_failed: false}", "under not:"),
        ("{distinct_problems: {more_than: 0}}", "1 or more"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_with_what_was_expected(policy, rule, when, said):
    with pytest.raises(PolicyErrors) as refused:
        policy({"r.yml": rule(when=when)})

    assert said in str(refused.value)
