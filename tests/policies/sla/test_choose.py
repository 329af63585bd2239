"""Which tier a handoff has."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from packets.draft import Priority
from policies.sla.choose import By, TierWish, choose_tier, tier_for_priority, wishes_for
from policies.sla.tiers import AppliesTo, Target, Tier
from policies.sla.within import Seconds

NOW = datetime(2027, 6, 7, 10, 0, tzinfo=UTC)
FIRST = "first_human_response"


def a_tier(name, minutes, priority, **more):
    return Tier(name, priority, {FIRST: Target(FIRST, Seconds(minutes * 60))}, **more)


TIERS = {
    tier.name: tier
    for tier in (
        a_tier("immediate", 5, Priority.CRITICAL, applies_to=AppliesTo(topics=frozenset({"fraud"}))),
        a_tier(
            "short",
            60,
            Priority.HIGH,
            applies_to=AppliesTo(customers=({"vip": True}, {"tier": "gold", "region": "eu"})),
        ),
        a_tier("billing", 120, Priority.HIGH, applies_to=AppliesTo(routes=frozenset({"billing"}))),
        a_tier("standard", 1440, Priority.NORMAL, default=True),
    )
}


def wish(tier, by=By.RULE, minutes=0):
    return TierWish(tier, by, "x", NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("facts", "tier", "by"),
    [
        ({}, "standard", By.DEFAULT),
        ({"rules": [("same-task", "short")]}, "short", By.RULE),
        ({"topics": {"fraud"}, "rules": [("same-task", "short")]}, "immediate", By.TOPIC),
        ({"attributes": {"vip": True}}, "short", By.CUSTOMER),
        ({"attributes": {"tier": "Gold", "region": "eu"}}, "short", By.CUSTOMER),
        ({"attributes": {"tier": "gold", "region": "us"}}, "standard", By.DEFAULT),
        ({"route": "billing"}, "billing", By.ROUTE),
        ({"route": "billing", "attributes": {"vip": True}}, "short", By.CUSTOMER),
    ],
)
def test_the_strictest_of_rule_topic_customer_and_route_is_taken(facts, tier, by):
    choice = choose_tier(TIERS, wishes_for(TIERS, at=NOW, **facts))

    assert (choice.tier, choice.because.by) == (tier, by)


def test_a_stricter_later_rule_raises_and_a_milder_one_lowers_nothing():
    raised = choose_tier(TIERS, [wish("standard"), wish("immediate", minutes=5)])
    kept = choose_tier(TIERS, [wish("immediate"), wish("standard", minutes=5)])

    assert (raised.tier, kept.tier) == ("immediate", "immediate")


def test_a_persons_change_wins_over_everything_until_the_next_one():
    wishes = [wish("immediate"), wish("standard", By.PERSON, 5), wish("immediate", minutes=9)]

    assert choose_tier(TIERS, wishes).tier == "standard"
    assert choose_tier(TIERS, [*wishes, wish("short", By.PERSON, 12)]).tier == "short"


def test_the_order_in_which_wishes_arrive_does_not_matter():
    wishes = [
        wish("immediate"),
        wish("standard", By.PERSON, 5),
        wish("short", By.PERSON, 6),
        wish("billing", minutes=7),
    ]
    shuffled = random.Random(3).sample(wishes, 4)

    assert choose_tier(TIERS, shuffled) == choose_tier(TIERS, wishes)


@pytest.mark.parametrize(
    ("priority", "current", "tier"),
    [
        (Priority.CRITICAL, "standard", "immediate"),
        (Priority.HIGH, "short", "short"),
        (Priority.HIGH, "standard", "billing"),
        (Priority.LOW, "short", "standard"),
    ],
)
def test_a_priority_on_the_ticket_means_the_mildest_tier_that_has_it(priority, current, tier):
    assert tier_for_priority(TIERS, priority, current) == tier


def test_wishes_for_no_tier_that_there_is_are_an_error():
    with pytest.raises(ValueError, match="no tier"):
        choose_tier(TIERS, [wish("gone")])
