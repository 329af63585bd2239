from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.draft import Priority
from policies.sla.plan import ClockPlan, plan_clocks, respond_by
from policies.sla.tiers import Target, Tier, warn_at
from policies.sla.within import Seconds

START = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)


def a_tier(name="short", priority=Priority.HIGH, within=300, warn=(), **more):
    targets = {"first_human_response": Target("first_human_response", Seconds(within), tuple(map(warn_at, warn)))}
    targets |= {metric: Target(metric, Seconds(seconds)) for metric, seconds in more.items()}
    return Tier(name, priority, targets)


def test_a_clock_is_due_after_its_target_and_warns_before():
    plan = plan_clocks(a_tier(within=300, warn=(0.5, 0.8)), START)

    assert plan == (
        ClockPlan(
            metric="first_human_response",
            target_seconds=300,
            due_at=START + timedelta(seconds=300),
            warn_at=(START + timedelta(seconds=150), START + timedelta(seconds=240)),
        ),
    )


def test_every_target_has_its_clock_soonest_first():
    plan = plan_clocks(a_tier(within=300, resolution=3600, pickup=60), START)

    assert [clock.metric for clock in plan] == ["pickup", "first_human_response", "resolution"]


def test_a_warning_falls_on_the_whole_second_that_the_written_number_means():
    # As floats 0.55 × 100 is 55.00000000000001, one second too late once rounded up.
    (clock,) = plan_clocks(a_tier(within=100, warn=(0.55,)), START)

    assert clock.warn_at == (START + timedelta(seconds=55),)


def test_a_warning_that_would_fall_on_the_due_time_is_left_out():
    (clock,) = plan_clocks(a_tier(within=15, warn=(0.99,)), START)

    assert clock.warn_at == ()


def test_a_start_in_another_zone_is_due_at_the_same_instant():
    berlin = START.astimezone(ZoneInfo("Europe/Berlin"))

    assert respond_by(a_tier(), berlin) == respond_by(a_tier(), START)
    assert respond_by(a_tier(), berlin).tzinfo is UTC


def test_wall_clock_hours_are_real_hours_when_the_clocks_change():
    before_change = datetime(2026, 3, 28, 23, 0, tzinfo=ZoneInfo("Europe/Berlin"))

    assert respond_by(a_tier(within=24 * 3600), before_change) == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)


def test_parts_of_a_second_are_dropped():
    assert respond_by(a_tier(within=60), START.replace(microsecond=999_999)) == START + timedelta(seconds=60)


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        respond_by(a_tier(), START.replace(tzinfo=None))


def test_the_strictest_tier_answers_first_and_then_has_the_higher_priority():
    tiers = [
        a_tier("slow", Priority.CRITICAL, within=3600),
        a_tier("quick", Priority.LOW, within=60),
        a_tier("quick_and_high", Priority.HIGH, within=60),
    ]

    ordered = sorted(tiers, key=lambda tier: tier.strictness)

    assert [tier.name for tier in ordered] == ["quick_and_high", "quick", "slow"]


@given(
    st.integers(15, 10**7),
    st.lists(st.integers(1, 999).map(lambda n: n / 1000), max_size=5),
    st.integers(0, 10**6),
)
def test_warnings_come_in_order_strictly_between_start_and_due(within, warn, shift):
    start = START + timedelta(seconds=shift)

    (clock,) = plan_clocks(a_tier(within=within, warn=tuple(warn)), start)

    assert clock.due_at == respond_by(a_tier(within=within), start)
    assert list(clock.warn_at) == sorted(set(clock.warn_at))
    assert all(start < at < clock.due_at for at in clock.warn_at)
    assert len(clock.warn_at) <= len(warn)
    assert all((at - start).total_seconds() <= ceil(max(warn) * within) for at in clock.warn_at)
