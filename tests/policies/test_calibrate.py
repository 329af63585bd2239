"""A vendor's own scale, read as ours."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from packets.conversation import Conversation
from packets.course import Course
from policies.calibrate import Scale
from policies.casebook import run_casebook
from policies.decide import decide
from policies.problems import PolicyErrors

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
TABLES = "sources:\n  phone-bot:\n    confidence: {0.5: 0.2, 0.8: 0.6}\n    sentiment: {0: -1, 1: 1}\n"
UNSURE, SAD = "{bot_confidence: {below: 0.55, for: 1 turn}}", "{sentiment: {below: -0.3}}"


@pytest.mark.parametrize(("raw", "ours"), [(0.1, 0.2), (0.5, 0.2), (0.65, 0.4), (0.8, 0.6), (0.99, 0.6), (-3, 0.2)])
def test_between_the_lines_a_value_is_read_off_straight_and_beyond_them_the_end_holds(raw, ours):
    assert Scale((0.5, 0.8), (0.2, 0.6))(raw) == pytest.approx(ours)


@pytest.mark.parametrize(("source", "fired"), [("phone-bot", {"unsure", "sad"}), ("webshop-bot", set())])
def test_rules_see_the_calibrated_value_of_the_source_that_has_a_table(policy, rule, source, fired):
    made = policy({"calibration.yml": TABLES, "a.yml": rule("unsure", UNSURE), "b.yml": rule("sad", SAD)})
    conversation = Conversation(source, "c", confidences=(0.7,), course=Course(moods=(0.2,)))

    assert set(decide(conversation, made, now=NOW).because) == fired


def test_an_unknown_value_stays_unknown(policy, rule):
    made = policy({"calibration.yml": TABLES, "a.yml": rule("unsure", UNSURE)})
    conversation = Conversation("phone-bot", "c", confidences=(None,), course=Course(moods=(None,)))

    assert decide(conversation, made, now=NOW).because == ()
    assert made.calibration(conversation) == replace(conversation)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("confidence: {0.5: 0.2}", "'confidence' needs at least two lines"),
        ("confidence: {0: 0, 1: 1.2}", "'confidence' must lead to values from 0 to 1"),
        ("sentiment: {0: 1, 1: -1}", "'sentiment' must rise"),
        ("mood: {0: 1}", "unknown key 'mood'"),
        ("confidence: [1]", "must be keys and values"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(policy, table, said):
    with pytest.raises(PolicyErrors, match=said):
        policy({"calibration.yml": f"sources:\n  phone-bot:\n    {table}\n"})


def test_a_case_of_that_source_has_the_vendors_values_in_its_turns(folder, rule):
    case = """cases:
  - name: sure for this vendor is unsure for us
    given: {source: phone-bot}
    turns: [{customer: hello, confidence: 0.7}]
    expect: {because: unsure}
"""
    report = run_casebook(folder({"calibration.yml": TABLES, "a.yml": rule("unsure", UNSURE), "a.test.yml": case}))

    assert report.ok, str(report)
