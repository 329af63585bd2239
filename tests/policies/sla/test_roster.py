"""Whom a team sends."""

from datetime import UTC, datetime

import pytest

from packets.decision import Seniority
from policies.sla.roster import Member, Team, Wanted, choose, is_free_for_more, room

MONDAY_NOON = datetime(2027, 6, 7, 16, 0, tzinfo=UTC)
SUNDAY = datetime(2027, 6, 6, 16, 0, tzinfo=UTC)


def a_team(*members, **more):
    return Team("t", members, **more)


ANN = Member("ann", "slack:1", Seniority.SENIOR, frozenset({"fraud"}), capacity=4)
BOB = Member("bob", "slack:2", capacity=2)
EVA = Member("eva", "slack:3", Seniority.LEAD, frozenset({"fraud", "german"}))


def names(found):
    return [member.name for member in found]


def test_a_handoff_that_wants_seniority_goes_to_seniors():
    found = choose(a_team(ANN, BOB, EVA), Wanted(Seniority.SENIOR), at=MONDAY_NOON, load={}, up_to=5)

    assert names(found) == ["ann", "eva"]


def test_skills_must_all_be_there():
    wanted = Wanted(skills=frozenset({"fraud", "german"}))

    assert names(choose(a_team(ANN, BOB, EVA), wanted, at=MONDAY_NOON, load={}, up_to=5)) == ["eva"]


def test_the_least_loaded_for_their_capacity_come_first_and_the_full_not_at_all():
    load = {"ann": 2, "bob": 2, "eva": 1}

    assert names(choose(a_team(ANN, BOB, EVA), Wanted(), at=MONDAY_NOON, load=load, up_to=5)) == ["eva", "ann"]


def test_only_who_is_on_duty_is_asked(hours):
    night = Member("nia", "slack:4", hours=hours["UTC24"])
    team = a_team(ANN, night, hours=hours["NY"])

    assert names(choose(team, Wanted(), at=SUNDAY, load={}, up_to=5)) == ["nia"]


def test_who_has_declined_is_not_asked_again():
    assert names(choose(a_team(ANN, EVA), Wanted(not_=frozenset({"ann"})), at=MONDAY_NOON, load={}, up_to=5)) == ["eva"]


def test_rather_anyone_than_nobody_when_that_is_wanted():
    wanted = Wanted(Seniority.LEAD)

    assert choose(a_team(BOB), wanted, at=MONDAY_NOON, load={}) == ()
    assert names(choose(a_team(BOB), wanted, at=MONDAY_NOON, load={}, or_anyone=True)) == ["bob"]


def test_room_is_what_people_on_duty_can_still_take(hours):
    team = a_team(ANN, BOB, hours=hours["NY"])

    assert room(team, at=MONDAY_NOON, load={"ann": 1, "bob": 5}) == 3
    assert room(team, at=SUNDAY, load={}) == 0


@pytest.mark.parametrize(
    ("at", "load", "open_handoffs", "free"),
    [
        (MONDAY_NOON, {}, 0, True),
        (MONDAY_NOON, {"ann": 4, "bob": 1}, 5, True),
        (MONDAY_NOON, {"ann": 4, "bob": 2}, 6, False),  # each has their fill
        (MONDAY_NOON, {}, 6, False),  # nobody knows whose they are, and they are as many as two can take
        (MONDAY_NOON, {"ann": 4}, 6, False),
        (SUNDAY, {}, 0, False),
    ],
)
def test_somebody_is_free_while_those_on_duty_have_less_than_they_can_take(hours, at, load, open_handoffs, free):
    team = a_team(ANN, BOB, hours=hours["NY"])

    assert is_free_for_more(team, at=at, load=load, open_handoffs=open_handoffs) is free
