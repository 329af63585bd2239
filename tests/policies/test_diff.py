"""Two policies over one corpus: what changes, where, on which words."""

import pytest

from policies.corpus import from_dialogue
from policies.diff import Change, Difference
from policies.replay import verdicts


def recorded(*texts):
    said = [{"role": "customer", "text": text} for text in texts]
    return from_dialogue({"id": "d-1", "turns": said}, "x.jsonl:1")


@pytest.fixture
def old(policy, rule):
    return policy({"ask.yml": rule("ask", "{customer_asked_for: human}", "{escalate: warm, tier: silver}")})


@pytest.fixture
def difference(old, policy):
    def between(files, *texts):
        new = policy(files)
        found = Difference(old, new)
        return found, found.add(*verdicts(recorded(*texts), (old, new)))

    return between


def test_a_rule_taken_away_no_longer_escalates_and_the_old_words_are_shown(difference, rule):
    _, changed = difference({"law.yml": rule("law", "{topic: legal}")}, "hello", "an agent please")

    assert changed.changes == (Change.NO_LONGER,)
    assert "turn 2: ask warm → general, silver" in str(changed)
    assert "an agent" in str(changed)
    assert changed.as_json()["new"] is None


def test_a_new_rule_newly_escalates(difference, rule, files):
    more = {"ask.yml": rule("ask", "{customer_asked_for: human}"), "law.yml": rule("law", "{topic: legal}")}

    found, changed = difference(more, "my lawyer")

    assert changed.changes == (Change.NEWLY,)
    assert (changed.old.first, changed.new.first.turn) == (None, 1)
    assert found.summary()["counts"]["newly_escalated"] == 1


@pytest.mark.parametrize(
    ("then", "change"),
    [
        ("{escalate: cold, tier: silver}", Change.MODE),
        ("{escalate: warm, tier: gold}", Change.TIER),
        ("{escalate: warm, tier: silver, route: payments}", Change.ROUTE),
    ],
)
def test_another_outcome_at_the_same_turn_is_named(difference, rule, then, change):
    _, changed = difference({"ask.yml": rule("ask", "{customer_asked_for: human}", then)}, "an agent")

    assert changed.changes == (change,)


def test_the_same_turn_for_another_reason_is_a_change(difference, rule):
    renamed = rule("wish", "{customer_asked_for: human}", "{escalate: warm, tier: silver}")

    _, changed = difference({"wish.yml": renamed}, "an agent")

    assert changed.changes == (Change.REASON,)


def test_earlier_with_another_tier_is_both(difference, rule):
    more = {
        "ask.yml": rule("ask", "{customer_asked_for: human}", "{escalate: warm, tier: silver}"),
        "law.yml": rule("law", "{topic: legal}", "{escalate: warm, tier: gold}"),
    }

    _, changed = difference(more, "my lawyer", "an agent")

    assert changed.changes == (Change.EARLIER, Change.REASON, Change.TIER)
    assert str(changed).splitlines()[0] == "d-1: earlier, other reason, other tier"


def test_later_is_named(difference, rule):
    when = "{all: [{customer_asked_for: human}, {topic: legal}]}"

    _, changed = difference({"ask.yml": rule("ask", when, "{escalate: warm, tier: silver}")}, "agent", "lawyer, agent")

    assert Change.LATER in changed.changes


def test_the_same_policy_changes_nothing(difference, rule, old):
    found, changed = difference(
        {"ask.yml": rule("ask", "{customer_asked_for: human}", "{escalate: warm, tier: silver}")}, "an agent"
    )

    assert changed is None
    assert (found.summary()["conversations"], found.summary()["changed"]) == (1, 0)
