"""Whom a step reaches."""

from datetime import UTC, datetime

from packets.decision import Seniority
from policies.sla.ladder import Ask, Did, Reach, Rung, Step
from policies.sla.reach import reach_of
from policies.sla.roster import Member, Team, Wanted

NOW = datetime(2027, 6, 7, 16, 0, tzinfo=UTC)
ROSTERS = {
    "fraud": Team(
        "fraud",
        (
            Member("ann", "slack:1", Seniority.SENIOR),
            Member("bob", "slack:2"),
            Member("eva", "slack:3", Seniority.LEAD),
        ),
        manager="eva",
    ),
    "small": Team("small", (Member("sam", "slack:4"),)),
}


def reached(step, own_team="fraud", wanted=Wanted(), rungs=(), channels=("chat",)):  # noqa: B008 - frozen
    return reach_of(
        step, rosters=ROSTERS, own_team=own_team, wanted=wanted, rungs=rungs, load={}, at=NOW,
        has_channel=channels.__contains__,
    )  # fmt: skip


def test_a_sentiment_handoff_asks_seniors_though_the_step_would_ask_anyone():
    found = reached(Step(ask=Ask()), wanted=Wanted(Seniority.SENIOR))

    assert found.people == ("ann", "eva")


def test_a_step_may_ask_for_more_than_the_handoff():
    assert reached(Step(ask=Ask(seniority=Seniority.LEAD)), wanted=Wanted(Seniority.SENIOR)).people == ("eva",)


def test_who_declined_is_not_asked_again():
    declined = Rung(Did.DECLINED, NOW, who="bob")

    assert reached(Step(ask=Ask()), rungs=[declined]).people == ("ann", "eva")


def test_the_manager_is_that_of_the_handoffs_own_team_or_of_the_one_named():
    assert reached(Step(tag_manager="")).manager == "eva"
    assert reached(Step(tag_manager="fraud"), own_team="small").manager == "eva"
    assert reached(Step(tag_manager=""), own_team="small") == Reach()


def test_channels_that_no_notifier_serves_and_teams_that_are_not_there_reach_nobody():
    assert not reached(Step(notify=("pager:x",), ask=Ask(team="gone")))
    assert reached(Step(notify=("chat", "pager:x"))).channels == ("chat",)
