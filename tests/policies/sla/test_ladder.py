"""Ladders: what comes next, and what stops it."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.sla.hours import ALWAYS
from policies.sla.ladder import Ask, Did, Ladder, Reach, Rung, Step, accepted, climb, preview

BEGUN = datetime(2027, 6, 7, 10, 0, tzinfo=UTC)
LADDER = Ladder(
    "t",
    (
        Step(notify=("chat",), ask=Ask(up_to=2)),
        Step(after=600, tag_manager="", when="call_missed"),
        Step(after=1800, notify=("managers",)),
    ),
    repeat=1,
    repeat_after=3600,
    fallback="ops",
)


def after(minutes):
    return BEGUN + timedelta(minutes=minutes)


def everybody(step):
    return Reach(
        step.notify, ("ann", "bob") if step.ask else (), None, "dana" if step.tag_manager is not None else None
    )


def nobody(step):
    return Reach()


def asked(ladder, rungs, minutes, reach=everybody, hours=ALWAYS):
    return climb(ladder, begun_at=BEGUN, hours=hours, rungs=rungs, reach=reach, now=after(minutes))


def run(ladder, until, reach=everybody, extra=()):
    """Every minute: deliver what is due and record it. Says (minute, turn, step, reached?)."""
    rungs, told = list(extra), []
    for minute in range(until + 1):
        known = [rung for rung in rungs if rung.at <= after(minute)]
        for due in asked(ladder, known, minute, reach).due:
            did = Did.FALLBACK if due.fallback else Did.DELIVERED if due.reach else Did.SKIPPED
            rungs.append(Rung(did, after(minute), due.turn, due.step, asked=due.reach.people))
            told.append((minute, due.turn, due.step, bool(due.reach)))
    return told


def test_steps_come_in_order_each_after_the_one_before_and_all_again():
    assert run(LADDER, 200) == [
        (0, 0, 0, True),
        (10, 0, 1, False),  # no call was missed by then
        (30, 0, 2, True),
        (90, 1, 0, True),
        (100, 1, 1, False),
        (120, 1, 2, True),
    ]


def test_a_missed_call_brings_the_manager_a_task():
    missed = Rung(Did.CALL_MISSED, after(5), who="ann")

    told = run(LADDER, 45, extra=(missed,))

    assert (10, 0, 1, True) in told


@pytest.mark.parametrize("did", [Did.ACKNOWLEDGED, Did.CLAIMED])
def test_whoever_takes_it_stops_the_ladder_even_at_the_moment_of_delivery(did):
    first = Rung(Did.DELIVERED, BEGUN, asked=("ann", "bob"))
    taken = Rung(did, after(29), who="bob")

    assert asked(LADDER, [first, taken], 30).due == ()
    assert asked(LADDER, [first, taken], 30).stopped_by == taken


def test_of_two_who_accept_the_first_has_it():
    ann, bob = Rung(Did.CLAIMED, after(2), who="ann"), Rung(Did.CLAIMED, after(1), who="bob")

    assert accepted([ann, bob]) == bob


def test_when_everybody_asked_has_declined_the_next_step_comes_at_once():
    rungs = [Rung(Did.DELIVERED, BEGUN, asked=("ann", "bob")), Rung(Did.SKIPPED, BEGUN, step=1)]
    one = Rung(Did.DECLINED, after(2), who="ann")
    other = Rung(Did.DECLINED, after(3), who="bob")

    assert asked(LADDER, [*rungs, one], 3).due == ()
    assert [due.step for due in asked(LADDER, [*rungs, one, other], 3).due] == [2]


def test_when_nobody_is_reached_at_all_the_fallback_is_told_once_a_run():
    told = run(LADDER, 300, reach=nobody)

    assert [step for step in told if step[3]] == [(0, 0, 3, True)]
    assert (60, 1, 0, False) in told  # and it is tried again in its turn, not at once


def test_asked_twice_without_recording_it_says_the_same():
    assert asked(LADDER, [], 5) == asked(LADDER, [], 5)


def test_a_ladder_that_is_over_says_so():
    rungs = [Rung(Did.DELIVERED, after(i), turn, step) for turn in (0, 1) for i, step in enumerate(range(3))]

    assert asked(LADDER, rungs, 500).finished
    assert asked(LADDER, rungs, 500).due == ()


@pytest.mark.parametrize(("where", "expected"), [("business", "2027-06-07T13:20"), ("calendar", "2027-06-04T21:20")])
def test_l1_the_second_level_waits_in_open_or_in_real_time(hours, times, where, expected):
    ladder = Ladder("t", (Step(notify=("chat",)), Step(after=1800, in_=where, notify=("managers",))))
    begun = times.utc("2027-06-04T16:50-04:00")

    _, (at, _, _) = preview(ladder, begun, hours["NY"])

    assert at == times.utc(f"{expected}+00:00")


def test_a_step_only_for_open_hours_waits_for_the_next_opening(hours, times):
    ladder = Ladder("t", (Step(notify=("chat",), only_when_open=True),))
    begun = times.utc("2027-06-04T18:00-04:00")

    found = climb(ladder, begun_at=begun, hours=hours["NY"], rungs=(), reach=everybody, now=begun)

    assert (found.due, found.next_at) == ((), times.utc("2027-06-07T09:00-04:00"))
