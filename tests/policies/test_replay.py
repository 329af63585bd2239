"""Judging recordings turn by turn, and the measure of how well-timed a handoff is."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.corpus import from_dialogue, lines, read
from policies.replay import golden_transfer, moments, replay, verdict_json

OWN = Path(__file__).parent / "fixtures" / "dialogues.jsonl"


def recorded(*turns, **more):
    said = [{"role": role, "text": text, "t": 10 * i} for i, (role, text) in enumerate(turns)]
    return from_dialogue({"id": "d-1", "turns": said, **more}, "x.jsonl:1")


@pytest.fixture
def asking(policy, rule):
    return policy(
        {
            "ask.yml": rule("ask", "{customer_asked_for: human}", "{escalate: warm, route: general, tier: silver}"),
            "law.yml": rule("law", "{topic: legal}", "{escalate: cold, route: sensitive, tier: gold}"),
            "theft.yml": rule("theft", "{topic: fraud}", "{review: true}"),
        }
    )


# The worked check of the measure: one right turn, the third.


@pytest.mark.parametrize(("tolerance", "score"), [(1, 0.6065), (2, 0.8825), (3, 0.9460)])
def test_one_turn_late_costs_less_the_larger_the_tolerance(tolerance, score):
    assert golden_transfer([4], [3], tolerance=tolerance, lateness=0) == pytest.approx(score, abs=5e-5)


@pytest.mark.parametrize(("turn", "score"), [(4, 0.4895), (2, 0.6807)])
def test_with_lateness_a_late_handoff_costs_more_than_one_as_early(turn, score):
    assert golden_transfer([turn], [3], tolerance=1, lateness=0.3) == pytest.approx(score, abs=5e-5)


def test_no_handoff_is_perfect_where_none_is_wanted_and_worthless_where_one_is():
    assert golden_transfer([], [], tolerance=1, lateness=0) == 1
    assert golden_transfer([], [3], tolerance=1, lateness=0) == 0
    assert golden_transfer([3], [], tolerance=1, lateness=0) == 0


def test_anywhere_in_the_window_is_exactly_right_and_far_away_is_nothing():
    assert golden_transfer([5], [4, 5, 6], tolerance=1, lateness=0.3) == 1
    assert golden_transfer([100], [4], tolerance=1, lateness=0) == 0
    assert math.isfinite(golden_transfer([10**6], [1], tolerance=1, lateness=-0.9))


@settings(deadline=None)
@given(
    st.sets(st.integers(1, 400), min_size=1),
    st.sets(st.integers(1, 400), min_size=1),
    st.integers(1, 5),
    st.floats(-0.99, 0.99),
)
def test_the_score_is_a_share_and_full_marks_mean_every_handoff_was_at_a_right_turn(predicted, gold, tolerance, late):
    score = golden_transfer(predicted, gold, tolerance=tolerance, lateness=late)

    assert 0 <= score <= 1
    assert (score == 1) == (predicted <= gold)


# A conversation judged


def test_every_prefix_is_judged_and_the_first_escalation_is_kept(asking):
    verdict = replay(
        recorded(("customer", "hello"), ("bot", "yes?"), ("customer", "an agent please"), ("customer", "an agent")),
        asking,
    )

    assert (verdict.turns, verdict.first.turn, verdict.first.seconds) == (4, 3, 20.0)
    assert (verdict.first.rules, verdict.first.mode) == (("ask",), "warm")
    assert (verdict.first.route, verdict.first.tier, verdict.first.said) == ("general", "silver", "an agent please")


def test_the_evidence_is_the_customers_own_words_with_rule_and_turn(asking):
    (seen,) = replay(recorded(("customer", "I want an agent")), asking).first.because

    assert (seen.rule, seen.evidence.turn, seen.evidence.text) == ("ask", 1, "an agent")


def test_rules_that_fire_after_the_first_escalation_are_known_as_well(asking):
    verdict = replay(recorded(("customer", "an agent"), ("customer", "my lawyer"), ("customer", "my lawyer")), asking)

    assert verdict.first.rules == ("ask",)
    assert verdict.rules == (("ask", 1), ("law", 2))


def test_a_review_is_no_escalation(asking):
    verdict = replay(recorded(("customer", "a stolen card")), asking)

    assert verdict.first is None
    assert verdict.rules == (("theft", 1),)


def test_a_conversation_without_turns_is_judged_as_nothing(asking):
    verdict = replay(recorded(), asking)

    assert (verdict.turns, verdict.first, verdict.rules) == (0, None, ())


def test_the_silence_after_a_recording_is_looked_at_once_more_without_its_words():
    watched = list(moments(recorded(("customer", "hello"), meta={"observed_until": 180})))

    assert [m.seconds for m in watched] == [0.0, 180.0]
    assert watched[-1].state.new_turns == ()
    assert (watched[-1].now - watched[0].now).total_seconds() == 180


def test_a_verdict_as_json_names_turn_words_and_gold(asking):
    gold = {"should_transfer": True, "trigger": "explicit_request", "transfer_window": [0, 0]}
    told = verdict_json(replay(recorded(("customer", "I want an agent"), gold=gold), asking))

    assert told["gold"]["window"] == [1, 1]
    assert told["escalation"]["turn"] == 1
    assert told["escalation"]["evidence"][0]["text"] == "an agent"
    assert told["escalation"]["evidence"][0]["span"] == [7, 15]


# The shipped dialogues


@pytest.mark.parametrize("line", list(lines(OWN)), ids=lambda line: line.where.rpartition(":")[2])
def test_the_starter_policy_escalates_none_of_the_shipped_dialogues_needlessly_or_at_a_wrong_turn(line, starter):
    verdict = replay(read(line), starter)

    if verdict.first is not None:
        first, last = verdict.gold.window
        assert first <= verdict.first.turn <= last


def test_a_silence_within_a_recording_is_judged_when_its_time_is_over(policy, rule):
    quiet = policy({"quiet.yml": rule("quiet", "{customer_silent: {for: 5m}}", "{escalate: callback}")})
    turns = [{"role": "customer", "text": "hi", "t": 0}, {"role": "bot", "text": "Which order?", "t": 5}]
    late = [*turns, {"role": "customer", "text": "this one", "t": 900}]
    soon = [*turns, {"role": "customer", "text": "this one", "t": 60}]

    verdict = replay(from_dialogue({"id": "d-1", "turns": late}, "x.jsonl:1"), quiet)

    assert (verdict.first.reason, verdict.first.turn, verdict.first.seconds) == ("quiet", 2, 305.0)
    assert replay(from_dialogue({"id": "d-2", "turns": soon}, "x.jsonl:2"), quiet).first is None


def test_a_recording_may_tell_earlier_contacts_and_what_is_remembered(policy, rule):
    again = policy({"again.yml": rule("again", "{repeat_contact: {within: 72h}}")})
    known = policy({"known.yml": rule("known", "{remembered: no_ai_contact}")})
    turns = [{"role": "customer", "text": "hi", "intent": "order_status"}]
    meta = {"earlier": [{"before": 7200, "issues": ["order_status"]}], "remembered": ["no_ai_contact"]}

    with_it = from_dialogue({"id": "d-1", "turns": turns, "meta": meta}, "x.jsonl:1")
    without = from_dialogue({"id": "d-1", "turns": turns}, "x.jsonl:1")

    assert [replay(with_it, p).first.reason for p in (again, known)] == ["again", "known"]
    assert [replay(without, p).first for p in (again, known)] == [None, None]
