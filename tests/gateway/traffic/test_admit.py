"""One helpdesk account shared by many workers: rate, pauses, breaker, places. Pure, so any history can be tried."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.traffic.admit import (
    DENIED_WAIT,
    PROBE_AFTER,
    STUCK_AFTER,
    WINDOW,
    Held,
    Limits,
    Seen,
    admit,
    after,
    fair_share,
    fresh,
    may_go_on,
    worth_ringing,
)

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=130)
LIMITS = Limits(requests_per_minute=60, at_once=3)
NEW = fresh(LIMITS, NOW)
NOBODY = Held()


def later(**by):
    return NOW + timedelta(**by)


def ask(account, now=NOW, held=NOBODY, limits=LIMITS):
    return admit(account, limits, held, now, LEASE)


def broken(calls=10, failed=10):
    """The account after so many steps, of which so many failed, one a visit."""
    account = NEW
    for number in range(calls):
        seen = Seen(calls=1, failed=1) if number < failed else Seen(calls=1, answered=1)
        account = after(account, LIMITS, seen, NOW)
    return account


def test_the_rate_lets_a_burst_through_and_then_one_at_a_time():
    account, went = NEW, 0
    while (entry := ask(account)).wait_until is None:
        account, went = entry.account, went + 1

    assert went == 10  # ten seconds' worth
    assert entry.wait_until == later(seconds=1)
    assert ask(account, later(seconds=1)).wait_until is None


def test_a_visit_of_many_requests_is_paid_for_afterwards_by_all():
    account = after(ask(NEW).account, LIMITS, Seen(calls=25, answered=5), NOW)

    assert ask(account).wait_until == later(seconds=16)  # 10 - 25 = -15, and one more for itself


def test_retry_after_holds_for_the_whole_account_and_for_visits_that_are_going_on():
    account = after(NEW, LIMITS, Seen(calls=1, retry_after=90), NOW)

    assert ask(account).wait_until == later(seconds=90)
    assert not may_go_on(account, NOW, probing=False)
    assert ask(account, later(seconds=90)).wait_until is None


def test_a_second_shorter_retry_after_does_not_shorten_the_first():
    account = after(NEW, LIMITS, Seen(calls=1, retry_after=90), NOW)

    account = after(account, LIMITS, Seen(calls=1, retry_after=5), later(seconds=1))

    assert ask(account, later(seconds=10)).wait_until == later(seconds=90)


def test_a_429_alone_never_opens_the_breaker():
    account = NEW
    for _ in range(50):
        account = after(account, LIMITS, Seen(calls=1, retry_after=0), NOW)

    assert account.open_until is None


@pytest.mark.parametrize(("calls", "failed", "opens"), [(9, 9, False), (10, 6, False), (10, 7, True), (40, 40, True)])
def test_the_breaker_opens_at_seven_failures_of_ten(calls, failed, opens):
    account = NEW
    for number in range(calls):  # the failures come last, so that the share is reached at the very end
        seen = Seen(calls=1, answered=1) if number < calls - failed else Seen(calls=1, failed=1)
        account = after(account, LIMITS, seen, NOW)

    assert (account.open_until is not None) is opens


def test_failures_of_more_than_five_minutes_ago_do_not_count():
    account = broken(calls=9, failed=9)

    account = after(account, LIMITS, Seen(calls=1, failed=1), NOW + WINDOW)

    assert account.open_until is None


def test_an_open_breaker_lets_nobody_in_and_then_one_probe_only():
    account = broken()

    early, probe = ask(account), ask(account, NOW + PROBE_AFTER)
    second = ask(probe.account, NOW + PROBE_AFTER)

    assert early.wait_until == NOW + PROBE_AFTER
    assert probe.wait_until is None
    assert probe.probing
    assert second.wait_until == NOW + PROBE_AFTER + LEASE


def test_a_probe_that_gets_an_answer_closes_the_breaker_and_one_that_does_not_opens_it_again():
    then = NOW + PROBE_AFTER
    probe = ask(broken(), then).account

    closed = after(probe, LIMITS, Seen(calls=1, answered=1, probing=True), then)
    opened = after(probe, LIMITS, Seen(calls=1, failed=1, probing=True), then)

    assert ask(closed, then).wait_until is None
    assert not ask(closed, then).probing
    assert ask(opened, then).wait_until == then + PROBE_AFTER


def test_a_probe_that_had_nothing_to_ask_leaves_it_to_the_next_one():
    then = NOW + PROBE_AFTER
    probe = ask(broken(), then).account

    account = after(probe, LIMITS, Seen(probing=True), then)

    assert ask(account, then).probing


def test_a_probe_that_died_is_followed_by_another_after_its_lease():
    then = NOW + PROBE_AFTER
    probe = ask(broken(), then).account

    assert ask(probe, then + LEASE).probing


def test_an_answer_from_before_the_breakdown_does_not_close_the_breaker():
    account = after(broken(), LIMITS, Seen(calls=1, answered=1), NOW)

    assert account.open_until is not None


def test_a_refused_credential_stops_the_account_at_once():
    account = after(NEW, LIMITS, Seen(calls=1, denied=True), NOW)

    assert ask(account).wait_until == NOW + DENIED_WAIT
    assert ask(account, NOW + DENIED_WAIT).probing


def test_no_more_are_let_in_than_may_talk_at_once():
    assert ask(NEW, held=Held(2)).wait_until is None
    assert ask(NEW, held=Held(3)).wait_until > NOW


def test_nothing_is_rung_for_an_account_that_takes_nobody():
    assert worth_ringing(NEW, LIMITS, NOBODY, NOW) == 10
    assert worth_ringing(NEW, LIMITS, Held(3, stuck=0), NOW) == 1  # a healthy one is done in a moment
    assert worth_ringing(NEW, LIMITS, Held(3, stuck=3), NOW) == 0
    assert worth_ringing(broken(), LIMITS, NOBODY, NOW) == 0
    assert worth_ringing(broken(), LIMITS, NOBODY, NOW + PROBE_AFTER) == 1
    assert timedelta(0) < STUCK_AFTER < LEASE


@pytest.mark.parametrize(
    ("workers", "helpdesks", "share"), [(0, 3, 4), (1, 1, 1), (4, 1, 4), (9, 1, 4), (4, 3, 2), (3, 3, 1), (2, 3, 1)]
)
def test_one_helpdesk_leaves_a_worker_for_each_of_the_others(workers, helpdesks, share):
    assert fair_share(4, workers, helpdesks) == share


steps = st.lists(
    st.tuples(
        st.integers(0, 60),  # seconds that pass
        st.builds(
            Seen,
            calls=st.integers(0, 6),
            answered=st.integers(0, 3),
            failed=st.integers(0, 1),
            retry_after=st.one_of(st.none(), st.integers(0, 120)),
            denied=st.booleans(),
        ),
    ),
    max_size=60,
)


@given(history=steps, per_minute=st.integers(1, 600))
def test_whatever_happens_the_rate_is_kept_and_nobody_waits_for_ever(history, per_minute):
    limits = Limits(per_minute, 3)
    account, now, sent = fresh(limits, NOW), NOW, 0
    for seconds, seen in history:
        now += timedelta(seconds=seconds)
        entry = admit(account, limits, NOBODY, now, LEASE)
        if entry.wait_until is not None:
            assert now < entry.wait_until <= now + timedelta(seconds=3600) + LEASE
            continue
        # Before this visit no more had been sent than the burst and what the time since allows.
        assert sent <= limits.burst + (now - NOW).total_seconds() * limits.per_second
        account = after(entry.account, limits, replace(seen, probing=entry.probing), now)
        sent += seen.calls
        assert account.tokens <= limits.burst


@given(history=steps)
def test_an_open_breaker_has_one_probe_at_a_time_at_most(history):
    account, now, probing_until = NEW, NOW, None
    for seconds, seen in history:
        now += timedelta(seconds=seconds)
        entry = admit(account, LIMITS, NOBODY, now, LEASE)
        account = entry.account
        if entry.probing:
            assert probing_until is None or now >= probing_until
            probing_until = now + LEASE
        elif entry.wait_until is None:
            account = after(account, LIMITS, seen, now)
