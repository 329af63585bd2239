"""A tier of `zone_from: customer`: nine to five where the customer lives, from the promise to the end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policies.sla.calendar import Calendar
from policies.sla.hours import Hours

OFFICE = Hours((Calendar("office", "Europe/Berlin", (((540, 1020),),) * 7),))


@pytest.fixture
def office_hours(desk, monkeypatch):
    """All tiers count from nine to five by the customer's wall clock."""
    policy = desk.bench.env.policy
    tiers = {n: replace(tier, hours=OFFICE, zone_from="customer") for n, tier in policy.current.tiers.items()}
    monkeypatch.setattr(policy, "_current", replace(policy.current, tiers=tiers))
    return desk


def hand_off(desk, zone, who="c-1"):
    customer = {"vendor_user_id": f"u-{who}", "attributes": {"time_zone": zone} if zone else {}}
    answer = desk.bench.say("human please", who, customer=customer)
    desk.bench.work()
    return answer["decision"]["handoff_id"]


def test_the_clock_counts_by_the_customers_wall_clock_and_says_whose(office_hours):
    handoff_id = hand_off(office_hours, "America/New_York")  # 04:00 there: an hour from nine o'clock on

    with office_hours.bench.env.reading() as tx:
        (key,) = {clock.terms_key for clock in tx.clocks.of_handoff(handoff_id)}
        (terms, *_) = tx.terms.read([key]).values()

    assert office_hours.clock_of(handoff_id).due_at == datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
    assert office_hours.handoff(handoff_id).respond_by == datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
    assert (terms.zone_source, terms.hours.zone) == ("customer", "America/New_York")


@pytest.mark.parametrize("zone", [None, "EST", "Mars/Olympus"])
def test_a_customer_of_no_known_zone_gets_the_calendars(office_hours, zone):
    handoff_id = hand_off(office_hours, zone)  # 10:00 in Berlin

    assert office_hours.clock_of(handoff_id).due_at == datetime(2026, 3, 6, 10, 0, tzinfo=UTC)


def test_who_moves_on_keeps_the_zone_the_clock_began_with(office_hours):
    handoff_id = hand_off(office_hours, "America/New_York")

    moved = {"vendor_user_id": "u-c-1", "attributes": {"time_zone": "Asia/Tokyo"}}
    office_hours.bench.say("I am in Tokyo now", customer=moved)
    office_hours.does("priority", "urgent")

    with office_hours.bench.env.reading() as tx:
        keys = {fact.fact.terms for fact in tx.facts.of_handoff(handoff_id) if fact.fact.terms}
    assert office_hours.handoff(handoff_id).tier == "immediate"
    assert {key.split(":", 2)[2] for key in keys} == {"America/New_York"}
