"""Adding verdicts up: rates, labels, timing, lift."""

from pathlib import Path

import pytest

from policies.corpus import Gold, lines, read
from policies.measure import Tally, interval, quantile
from policies.measured import compared, report
from policies.replay import Escalation, Verdict, replay

OWN = Path(__file__).parent / "fixtures" / "dialogues.jsonl"
CORPORA = Path(__file__).resolve().parents[3] / "shared" / "data" / "detection"
NEEDED = Gold(should_escalate=True, trigger="legal", window=(3, 5))
NOT_NEEDED = Gold(should_escalate=False)


@pytest.fixture
def two_rules(policy, rule):
    return policy(
        {
            "ask.yml": rule("ask", "{customer_asked_for: human}"),
            "law.yml": rule("law", "{topic: legal}"),
            "theft.yml": rule("theft", "{topic: fraud}", "{review: true}"),
        }
    )


@pytest.fixture
def measured(two_rules):
    def summary(*verdicts):
        tally = Tally(two_rules)
        for verdict in verdicts:
            tally.add(verdict)
        return tally.summary()

    return summary


def verdict(gold=NEEDED, turn=None, rules=("law",), seconds=None, right=None, fired=None):
    first = Escalation(turn, seconds, "warm", rules, "general", "plain", (), "") if turn else None
    seen = fired if fired is not None else tuple((r, turn) for r in rules) if turn else ()
    return Verdict("d", "x:1", 8, gold, first, seen, right)


def test_precision_and_recall_count_conversations(measured):
    told = measured(verdict(turn=4), verdict(turn=3), verdict(), verdict(NOT_NEEDED, turn=1), verdict(NOT_NEEDED))
    labelled = told["labelled"]

    assert (told["conversations"], told["escalated"], told["escalated_per_100"]) == (5, 3, 60.0)
    assert (labelled["precision"], labelled["recall"], labelled["f1"]) == (0.6667, 0.6667, 0.6667)
    assert (labelled["needless"], labelled["needless_per_100"]) == (1, 20.0)
    assert (labelled["missed"], labelled["missed_per_100"]) == (1, 20.0)


def test_timing_is_from_the_first_right_turn(measured):
    told = measured(
        verdict(turn=3, seconds=20, right=20.0),
        verdict(turn=2, seconds=10, right=20.0),
        verdict(turn=7, seconds=90, right=20.0),
    )
    timing = told["labelled"]["timing"]

    assert timing["within_window"] == 0.3333
    assert timing["turns_late"] == {"median": 0, "p90": 4, "early": 0.3333, "late": 0.3333}
    assert timing["seconds_late"]["p90"] == 70


def test_seconds_are_not_made_up_where_the_recording_has_none(measured):
    assert measured(verdict(turn=3))["labelled"]["timing"]["seconds_late"] is None


def test_golden_transfer_is_the_mean_over_labelled_conversations(measured):
    told = measured(verdict(turn=2), verdict(), verdict(NOT_NEEDED), verdict(Gold(), turn=1))
    scores = {(g["tolerance"], g["lateness"]): g["score"] for g in told["labelled"]["golden_transfer"]}

    assert set(scores) == {(t, late) for t in (1, 2, 3) for late in (0.0, 0.3)}
    assert scores[1, 0.0] == round((0.60653 + 0 + 1) / 3, 4)
    assert scores[1, 0.3] == round((0.68071 + 0 + 1) / 3, 4)


def test_the_confusion_has_none_on_both_sides(measured):
    told = measured(verdict(turn=4, rules=("ask",)), verdict(), verdict(NOT_NEEDED, turn=1))
    cells = {(c["gold"], c["rule"]): c["conversations"] for c in told["labelled"]["confusion"]}

    assert cells == {("legal", "ask"): 1, ("legal", "none"): 1, ("none", "law"): 1}


def test_what_only_one_rule_caught_is_counted_to_it_and_a_review_takes_nothing_from_it(measured):
    told = measured(
        verdict(turn=3, fired=(("law", 3), ("theft", 4))),
        verdict(turn=3, rules=("law", "ask"), fired=(("law", 3), ("ask", 3))),
        verdict(NOT_NEEDED, turn=1),
    )

    assert (told["rules"]["law"]["fired"], told["rules"]["law"]["only"]) == (3, 2)
    assert told["rules"]["law"]["only_right"] == 1
    assert (told["rules"]["ask"]["decided"], told["rules"]["ask"]["only"]) == (0, 0)


def test_lift_is_how_much_likelier_an_outcome_is_where_the_rule_fires(measured):
    good, bad = Gold(outcome="completed"), Gold(outcome="hung_up")
    told = measured(
        verdict(bad, turn=2), verdict(bad), verdict(good), verdict(good), verdict(good, turn=2), verdict(good)
    )

    assert told["labelled"] is None
    assert told["outcomes"]["hung_up"] == {"conversations": 2, "share": 0.3333}
    assert told["rules"]["law"]["outcomes"]["hung_up"] == {"conversations": 1, "share": 0.5, "lift": 1.5}
    assert told["rules"]["ask"]["outcomes"]["hung_up"]["lift"] is None


def test_an_empty_corpus_divides_by_nothing(measured):
    told = measured()

    assert (told["conversations"], told["escalated_per_100"], told["labelled"]) == (0, None, None)
    assert report(told).startswith("0 conversations")


def test_an_interval_is_wide_for_few_and_narrow_for_many():
    assert interval(1, 1) == [0.2065, 1.0]
    assert interval(980, 1000) == [0.9693, 0.987]
    assert interval(0, 0) is None


def test_a_quantile_is_one_of_the_values():
    assert quantile({-2: 1, 0: 5, 7: 4}, 0.5) == 0
    assert quantile({-2: 1, 0: 5, 7: 4}, 0.9) == 7
    assert quantile({}, 0.5) is None


def test_the_report_says_what_the_summary_says(starter):
    tally = Tally(starter)
    for line in lines(OWN):
        tally.add(replay(read(line), starter))
    text = report(tally.summary())

    assert text.startswith(f"28 conversations, 103 turns, policy {starter.revision}")
    assert "21 should reach people" in text
    assert "golden transfer, L=0.3: T=1" in text
    assert "explicit-request (locked)" in text


def test_two_summaries_beside_each_other_show_the_change(measured):
    text = compared(measured(verdict(turn=3), verdict()), measured(verdict(), verdict()))

    assert "missed per 100" in text
    assert "+50.00" in text
    assert "law fired per 100" in text


# Corpora that are not part of the repository


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the large corpora are not beside this checkout")
def test_failed_tasks_of_real_calls_go_with_calls_that_ended_badly(starter):
    tally = Tally(starter)
    for line in lines(CORPORA / "dialogues_betold.jsonl"):
        tally.add(replay(read(line), starter))
    told = tally.summary()

    assert (told["conversations"], told["turns"]) == (676, 15160)
    assert told["outcomes"]["forwarded_or_hung_up_late"]["share"] == pytest.approx(1 / 3, abs=0.01)
    assert told["rules"]["same-task-failed"]["outcomes"]["forwarded_or_hung_up_late"]["lift"] > 2


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the large corpora are not beside this checkout")
def test_real_two_sided_dialogues_are_judged_to_their_end(starter):
    tally = Tally(starter)
    for line in lines(CORPORA / "dialogues_star.jsonl"):
        tally.add(replay(read(line), starter))
    told = tally.summary()

    assert (told["conversations"], told["turns"], told["labelled"]) == (225, 4158, None)
