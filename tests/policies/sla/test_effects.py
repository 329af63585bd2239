"""What is recorded and told of a clock: once each, retracted when a late fact takes it away."""

from fractions import Fraction

import pytest

from policies.sla.effects import Effect, cause_of_breach, is_final, pending_effects
from policies.sla.tiers import Warn

FIRST = "first_human_response"
HALF, MOST = Warn(Fraction("0.5")), Warn(Fraction("0.8"))


@pytest.fixture
def told():
    """Asks for the effects at each of these times and records them; says what each time brought."""

    def run(story, terms, *times):
        recorded, said = [], []
        for now in times:
            new = pending_effects(story.clock(terms, now), recorded, now=story.at(now))
            recorded += [effect.key for effect in new]
            said.append([(e.key.effect.value, e.key.name, e.tell) for e in new if e.key.effect is not Effect.MET])
        return said

    return run


def test_each_warning_and_the_breach_are_told_once_at_their_times(story, told):
    s = story("UTC").add("handoff_promised", "Mon 10:00")
    terms = s.terms("1h", "UTC24", metric=FIRST, warn=(HALF, MOST), ladder="short")

    said = told(
        s, terms, "Mon 10:29:59", "Mon 10:30", "Mon 10:31", "Mon 10:48", "Mon 11:00", "Mon 11:00:01", "Mon 12:00"
    )

    assert said == [[], [("warned", "50%", True)], [], [("warned", "80%", True)], [], [("breached", "", True)], []]


def test_after_a_long_sleep_only_the_breach_is_told(story, told):
    s = story("UTC").add("handoff_promised", "Mon 10:00")
    terms = s.terms("1h", "UTC24", metric=FIRST, warn=(HALF, MOST))

    assert told(s, terms, "Mon 15:00") == [
        [("breached", "", True), ("skipped", "50%", False), ("skipped", "80%", False)]
    ]


def test_q2_a_late_reply_retracts_the_breach_once(story, told):
    s = story("UTC").add("handoff_promised", "Mon 10:00").add("human_message", "Mon 10:55", received="Mon 11:10")
    terms = s.terms("1h", "UTC24", metric=FIRST)

    said = told(s, terms, "Mon 11:00:01", "Mon 11:10", "Mon 11:20")

    assert said == [[("breached", "", True)], [("retracted", "", True)], []]


def test_a_breach_taken_back_by_a_mended_calendar_and_missed_after_all_is_told_again(story, told):
    s = story().add("handoff_promised", "Fri 16:00").add("calendar_edited", "Mon 11:30", terms="mended")
    s.book["mended"] = s.terms("2h", "NY holiday on 7 June")

    said = told(s, s.terms("2h"), "Mon 11:00", "Mon 11:30", "Tue 10:00:01", "Tue 11:00")

    assert said == [[("breached", "", True)], [("retracted", "", True)], [("breached", "2", True)], []]


def test_w3_after_a_change_that_breaches_every_warning_is_skipped(story, told):
    s = story().add("handoff_promised", "Fri 15:00").add("priority", "Mon 09:30", terms="k")
    s.book["k"] = s.terms("2h", warn=(HALF, MOST))

    (said,) = told(s, s.terms("4h"), "Mon 09:30")

    assert said == [("breached", "", True), ("skipped", "50%", False), ("skipped", "80%", False)]


def test_a_tier_may_keep_its_ladder_quiet_about_its_own_changes(story):
    s = story().add("handoff_promised", "Mon 09:00").add("priority", "Mon 15:00", terms="k")
    s.book["k"] = s.terms("4h", ladder="short", ladder_on_policy_change=False)

    (effect,) = pending_effects(s.clock(s.terms("8h"), "Mon 15:00"), (), now=s.at("Mon 15:00"))

    assert (effect.key.effect, effect.tell, effect.ladder, effect.cause) == (
        Effect.BREACHED,
        False,
        None,
        "policy_change",
    )


def test_a_reply_at_the_last_second_leaves_nothing_to_tell(story, told):
    s = story("UTC").add("handoff_promised", "Mon 10:00").add("human_message", "Mon 11:00:00")

    assert told(s, s.terms("1h", "UTC24", metric=FIRST), "Mon 11:00:01", "Mon 12:00") == [[], []]


def test_a_pause_that_is_too_long_is_told_once(story, told):
    from policies.sla.within import Seconds

    s = story("UTC").add("handoff_promised", "Mon 09:00").add("status", "Mon 10:00", status="waiting_on_customer")
    terms = s.terms("4h", "UTC24", max_pause=Seconds(3600), on_max_pause="propose_closing")

    said = told(s, terms, "Mon 10:59", "Mon 11:00", "Mon 12:00")

    assert [[effect for effect, _, _ in step] for step in said] == [[], ["pause_too_long"], []]


def test_a_breach_that_only_late_facts_show_says_so(story):
    s = story("UTC").add("handoff_promised", "Mon 10:00").add("status", "Mon 10:10", status="waiting_on_customer")
    s.add("status", "Mon 10:20", received="Mon 13:00", status="open")
    terms = s.terms("1h", "UTC24")

    cycle = s.cycle(terms, "Mon 13:00")

    assert cycle.breach is not None
    assert cause_of_breach(terms, s.facts, cycle, now=s.at("Mon 13:00")) == "late_fact"


@pytest.mark.parametrize(("now", "final"), [("Mon 12:00", False), ("14 11:00", False), ("14 11:00:01", True)])
def test_a_stop_is_final_after_the_window_for_corrections(story, now, final):
    s = story("UTC").add("handoff_promised", "Mon 10:00").add("solved", "Mon 11:00")

    assert is_final(s.cycle(s.terms("4h", "UTC24"), now).stopped_at, s.at(now)) is final
