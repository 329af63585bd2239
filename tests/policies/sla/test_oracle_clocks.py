"""The tables of pauses, changes, arrival order and metrics: 4.6 to 4.9 of the specification, and figures of 5.1."""

import random
from datetime import timedelta
from fractions import Fraction

import pytest

from policies.sla.clock import State
from policies.sla.course import Ended
from policies.sla.tiers import Reopen, Warn

CUSTOMER, THIRD = "waiting_on_customer", "waiting_on_third_party"
BOTH = (CUSTOMER, THIRD)
FIRST = "first_human_response"


def promised(story, at):
    return story.add("handoff_promised", at)


# 4.6 Pauses


def test_p1_an_open_pause_moves_due_by_its_length(story):
    s = (
        promised(story(), "Mon 10:00")
        .add("status", "Mon 11:00", status=CUSTOMER)
        .add("status", "Mon 13:00", status="open")
    )

    assert s.cycle(s.terms("4h"), "Mon 14:00").due_at == s.at("Mon 16:00")


def test_p2_a_pause_while_closed_costs_nothing(story):
    s = (
        promised(story(), "Mon 16:00")
        .add("status", "Mon 18:00", status=CUSTOMER)
        .add("status", "Mon 20:00", status="open")
    )

    assert s.cycle(s.terms("2h"), "Mon 21:00").due_at == s.at("Tue 10:00")


def test_p3_only_the_open_part_of_a_pause_counts(story):
    s = (
        promised(story(), "Mon 16:00")
        .add("status", "Mon 16:30", status=CUSTOMER)
        .add("status", "Tue 09:30", status="open")
    )

    assert s.cycle(s.terms("2h"), "Tue 10:00").due_at == s.at("Tue 11:00")


def test_p4_overlapping_pauses_are_a_union(story):
    s = promised(story(), "Mon 10:00")
    s.add("paused", "Mon 11:00", reason=CUSTOMER).add("paused", "Mon 12:00", reason=THIRD)
    s.add("resumed", "Mon 13:00", reason=CUSTOMER).add("resumed", "Mon 14:00", reason=THIRD)

    assert s.cycle(s.terms("4h", pause_on=BOTH), "Mon 15:00").due_at == s.at("Mon 17:00")


def test_p5_while_paused_there_is_no_due_time_but_what_resuming_would_mean(story):
    s = promised(story(), "Mon 10:00").add("status", "Mon 11:00", status=CUSTOMER)

    cycle = s.cycle(s.terms("4h"), "Mon 15:00")

    assert (cycle.state, cycle.due_at, cycle.due_if_resumed_now) == (State.PAUSED, None, s.at("Tue 10:00"))
    assert cycle.next_at is None


def test_p6_a_ticket_born_pending_starts_paused(story):
    s = story().add("created", "Mon 10:00", status=CUSTOMER).add("handoff_promised", "Mon 10:00")
    s.add("status", "Mon 11:30", status="open")

    assert s.cycle(s.terms("1h"), "Mon 12:00").due_at == s.at("Mon 12:30")


def test_p7_a_pause_is_never_added_to_the_time_of_creation(story):
    s = (
        promised(story(), "Sat 12:00")
        .add("status", "Mon 10:00", status=CUSTOMER)
        .add("status", "Mon 12:00", status="open")
    )

    assert s.cycle(s.terms("2h"), "Mon 12:30").due_at == s.at("Mon 13:00")


def test_p8_a_pause_is_counted_in_open_hours(story):
    s = (
        promised(story(), "Fri 12:00")
        .add("status", "Fri 15:00", status=CUSTOMER)
        .add("status", "Mon 11:00", status="open")
    )

    assert s.cycle(s.terms("8h"), "Mon 12:00").due_at == s.at("Mon 16:00")


@pytest.mark.parametrize(("integrity", "due"), [(True, "Mon 15:00"), (False, "Mon 17:00")])
def test_p9_a_customers_message_ends_the_wait_for_the_customer(story, integrity, due):
    s = promised(story(), "Mon 10:00").add("status", "Mon 11:00", status=CUSTOMER)
    s.add("customer_message", "Mon 12:00").add("status", "Mon 14:00", status="open")
    terms = s.terms("4h", tier_more={"pause_integrity": integrity})

    assert s.cycle(terms, "Mon 14:30").due_at == s.at(due)


def test_c8_the_length_of_a_pause_is_real_time_across_a_change_of_the_clocks(story):
    s = promised(story(), "2027-03-13T22:00")
    s.add("status", "2027-03-13T23:00", status=CUSTOMER).add("status", "2027-03-14T05:00", status="open")

    assert s.cycle(s.terms("8h", "NY24"), "2027-03-14T06:00").due_at == s.at("2027-03-14T12:00")


# 4.7 Changes


def test_r1_carried_over_a_shorter_target_counts_from_the_start(story):
    s = promised(story("UTC"), "Mon 10:00").add("priority", "Mon 11:00", terms="k", mode="carry")
    s.book["k"] = s.terms("2h", "UTC24")

    assert s.cycle(s.terms("3h", "UTC24"), "Mon 11:30").due_at == s.at("Mon 12:00")


def test_r2_carried_over_earlier_pauses_are_kept(story):
    s = (
        promised(story(), "Mon 09:00")
        .add("status", "Mon 10:00", status=CUSTOMER)
        .add("status", "Mon 12:00", status="open")
    )
    s.add("priority", "Mon 13:00", terms="k")
    s.book["k"] = s.terms("3h")

    cycle = s.cycle(s.terms("8h"), "Mon 13:00")

    assert (cycle.elapsed_seconds, cycle.due_at, cycle.state) == (7200, s.at("Mon 14:00"), State.RUNNING)


def test_r3_a_change_that_puts_due_into_the_past_breaches_at_the_change(story):
    s = promised(story(), "Mon 09:00").add("priority", "Mon 15:00", terms="k")
    s.book["k"] = s.terms("4h")

    cycle = s.cycle(s.terms("8h"), "Mon 15:00")

    assert (cycle.state, cycle.due_at) == (State.BREACHED, s.at("Mon 13:00"))
    assert (cycle.breach.breached_at, cycle.breach.cause) == (s.at("Mon 15:00"), "policy_change")


def test_r4_restarted_a_new_cycle_begins_at_the_change(story):
    s = promised(story(), "Mon 09:00").add("priority", "Mon 15:00", terms="k", mode="restart")
    s.book["k"] = s.terms("4h")

    clock = s.clock(s.terms("8h"), "Mon 15:30")

    assert [cycle.state for cycle in clock.cycles] == [State.CANCELLED, State.RUNNING]
    assert clock.current.due_at == s.at("Tue 11:00")


def test_kept_first_the_target_is_pinned(story):
    s = promised(story(), "Mon 09:00").add("priority", "Mon 15:00", terms="k", mode="keep_first")
    s.book["k"] = s.terms("4h")

    cycle = s.cycle(s.terms("8h"), "Mon 15:30")

    assert (cycle.due_at, cycle.version) == (s.at("Mon 17:00"), 1)


@pytest.mark.parametrize("mode", ["carry", "restart", "keep_first"])
def test_a_later_change_does_not_rewrite_what_was_said_before_it(story, mode):
    s = promised(story(), "Mon 09:00").add("priority", "Mon 15:00", terms="k")
    s.book = {"k": s.terms("4h"), "later": s.terms("1h")}
    before = s.cycle(s.terms("8h"), "Mon 15:10")

    s.add("priority", "Mon 15:20", terms="later", mode=mode)

    assert s.cycle(s.terms("8h"), "Mon 15:10") == before


@pytest.mark.parametrize(
    ("mode", "zone", "due"),
    [
        ("per_interval", "Europe/Berlin", "Tue 09:30"),
        ("last_wins", "Europe/Berlin", "Tue 10:00"),
        ("first_wins", "America/New_York", "Tue 10:00"),
    ],
)
def test_k1_a_queue_with_another_calendar_counts_by_stretch_from_now_or_not(story, mode, zone, due):
    s = promised(story(), "Mon 16:00").add("queue", "Mon 16:30", terms="berlin", mode=mode)
    s.book["berlin"] = s.terms("2h", "BER")

    assert s.cycle(s.terms("2h"), "Mon 16:40").due_at == s.at(due, zone)


@pytest.mark.parametrize(("mode", "due"), [("continue", "Tue 15:00"), ("new_cycle", "Wed 10:00")])
def test_o1_o2_a_reopened_ticket_continues_or_begins_a_new_cycle(story, mode, due):
    s = promised(story(), "Mon 09:00").add("human_message", "Mon 10:00")
    s.add("solved", "Mon 12:00").add("reopened", "Tue 10:00")
    terms = s.terms("8h", reopen=Reopen(mode))

    assert s.cycle(terms, "Tue 11:00").due_at == s.at(due)
    assert s.cycle(s.terms("15m", metric=FIRST), "Tue 11:00").stopped_at == s.at("Mon 10:00")


def test_o3_long_after_solving_a_new_cycle_begins(story):
    s = promised(story(), "Mon 09:00").add("solved", "Mon 12:00").add("reopened", "28 10:00")

    clock = s.clock(s.terms("8h"), "28 11:00")

    assert [cycle.state for cycle in clock.cycles] == [State.MET, State.RUNNING]
    assert clock.current.elapsed_seconds == 3600
    assert s.hours["NY"].elapsed(*(int(s.at(t).timestamp()) for t in ("Mon 09:00", "28 10:00"))) == 121 * 3600


def test_a_reopening_that_is_ignored_leaves_the_clock_as_it_stopped(story):
    s = promised(story(), "Mon 09:00").add("solved", "Mon 12:00").add("reopened", "Tue 10:00")

    cycle = s.cycle(s.terms("8h", reopen=Reopen("ignore")), "Wed 11:00")

    assert (cycle.state, cycle.stopped_at) == (State.MET, s.at("Mon 12:00"))


def test_n1_each_unanswered_run_is_a_cycle_from_its_oldest_message(story):
    s = promised(story("UTC"), "Mon 09:00").add("human_message", "Mon 09:30")
    for kind, at in [("customer_message", "10:00"), ("customer_message", "10:20"), ("human_message", "10:50"),
                     ("customer_message", "11:30")]:  # fmt: skip
        s.add(kind, f"Mon {at}")

    one, two = s.clock(s.terms("1h", "UTC24", metric="next_response"), "Mon 11:40").cycles

    assert (one.due_at, one.stopped_at, one.state) == (s.at("Mon 11:00"), s.at("Mon 10:50"), State.MET)
    assert two.due_at == s.at("Mon 12:30")


WARN = (Warn(Fraction("0.5")), Warn(Fraction("0.8")), Warn(before=3600))


def instants(cycle):
    return {t.name: t.at for t in cycle.thresholds}


def test_w1_warnings_lie_in_the_clocks_own_business_time(story):
    s = promised(story(), "Fri 15:00")

    cycle = s.cycle(s.terms("4h", warn=WARN), "Fri 15:00")

    assert instants(cycle) == {"50%": s.at("Fri 17:00"), "80%": s.at("Mon 10:12"), "before 1h": s.at("Mon 10:00")}
    assert (cycle.due_at, cycle.next_at) == (s.at("Mon 11:00"), s.at("Fri 17:00"))


def test_w2_a_pause_moves_the_warnings(story):
    s = (
        promised(story(), "Fri 15:00")
        .add("status", "Fri 15:30", status=CUSTOMER)
        .add("status", "Fri 16:30", status="open")
    )

    assert instants(s.cycle(s.terms("4h", warn=WARN), "Fri 16:30"))["50%"] == s.at("Mon 10:00")


def test_w3_a_breach_by_a_change_is_told_alone(story):
    s = promised(story(), "Fri 15:00").add("priority", "Mon 09:30", terms="k")
    s.book["k"] = s.terms("2h", warn=WARN)

    cycle = s.cycle(s.terms("4h", warn=WARN), "Mon 09:30")

    assert (cycle.due_at, cycle.breach.breached_at) == (s.at("Fri 17:00"), s.at("Mon 09:30"))
    assert cycle.breach.cause == "policy_change"
    assert [t.skipped for t in cycle.thresholds] == [True, True, True]


def test_after_a_change_only_the_highest_warning_already_past_is_told(story):
    s = promised(story(), "Mon 09:00").add("priority", "Mon 12:30", terms="k")
    s.book["k"] = s.terms("4h", warn=WARN)

    cycle = s.cycle(s.terms("8h", warn=()), "Mon 12:30")

    assert [(t.name, t.passed, t.skipped) for t in cycle.thresholds] == [
        ("50%", True, True),
        ("before 1h", True, True),
        ("80%", True, False),
    ]


# 4.8 Arrival order


@pytest.mark.parametrize(("now", "due"), [("Mon 12:29", "Mon 14:00"), ("Mon 12:31", "Mon 15:00")])
def test_q1_a_late_pause_moves_due_when_it_becomes_known(story, now, due):
    s = promised(story(), "Mon 10:00")
    s.add("status", "Mon 11:00", received="Mon 12:30", status=CUSTOMER)
    s.add("status", "Mon 12:00", received="Mon 12:31", status="open")

    assert s.cycle(s.terms("4h"), now).due_at == s.at(due)


@pytest.mark.parametrize(("now", "state"), [("Mon 11:00:01", State.BREACHED), ("Mon 11:10", State.MET)])
def test_q2_a_late_reply_retracts_the_breach(story, now, state):
    s = promised(story("UTC"), "Mon 10:00").add("human_message", "Mon 10:55", received="Mon 11:10")

    assert s.cycle(s.terms("1h", "UTC24", metric=FIRST), now).state is state


def test_q3_told_twice_is_told_once_and_counted(story):
    s = (
        promised(story(), "Mon 10:00")
        .add("status", "Mon 11:00", status=CUSTOMER)
        .add("status", "Mon 12:00", status="open")
    )
    once = s.clock(s.terms("4h"), "Mon 13:00")

    s.facts += s.facts
    twice = s.clock(s.terms("4h"), "Mon 13:00")

    assert (once.duplicates, twice.duplicates) == (0, 3)
    assert twice.cycles == once.cycles


def test_q4_an_older_status_that_arrives_later_does_not_open_what_is_solved(story):
    s = promised(story(), "Mon 09:00").add("solved", "Mon 12:00")
    s.add("status", "Mon 10:00", received="Mon 12:05", status="open")

    assert s.cycle(s.terms("8h"), "Mon 12:10").state is State.MET


def test_q5_a_reply_from_the_future_is_clamped_and_flagged(story):
    s = promised(story(), "Mon 10:00").add("human_message", "Mon 10:40", received="Mon 10:20", external_id="fast")

    clock = s.clock(s.terms("4h", metric=FIRST), "Mon 10:30")

    assert (clock.current.stopped_at, clock.skewed) == (s.at("Mon 10:20"), ("fast",))


@pytest.mark.parametrize("seed", range(20))
def test_q6_any_order_of_arrival_makes_the_same_clock(story, seed):
    s = promised(story(), "Mon 09:00").add("status", "Mon 10:00", status=CUSTOMER).add("customer_message", "Mon 10:00")
    s.add("human_message", "Mon 11:00").add("customer_message", "Mon 12:00").add("priority", "Mon 12:30", terms="k")
    s.add("solved", "Mon 13:00").add("reopened", "Mon 13:00").add("solved", "Mon 15:00")
    s.book["k"] = s.terms("3h")
    expected = s.clock(s.terms("4h"), "Mon 16:00")

    random.Random(seed).shuffle(s.facts)

    assert s.clock(s.terms("4h"), "Mon 16:00") == expected


# 4.9 One ticket, all metrics


@pytest.mark.parametrize(
    ("metric", "minutes"),
    [
        (FIRST, 30),
        ("next_response", 105),
        ("requester_wait", 165),
        ("agent_work", 105),
        ("total_resolution", 225),
        ("periodic_update", 195),
        ("pausable_update", 135),
    ],
)
def test_one_ticket_measured_by_every_metric(story, metric, minutes):
    s = story("UTC").add("handoff_promised", "Mon 09:00").add("created", "Mon 09:00", status="new")
    s.add("human_message", "Mon 09:30").add("status", "Mon 09:30", status="open")
    s.add("status", "Mon 10:00", status=CUSTOMER)
    s.add("customer_message", "Mon 11:00").add("status", "Mon 11:00", status="open")
    s.add("status", "Mon 11:15", status=THIRD).add("status", "Mon 12:15", status="open")
    s.add("human_message", "Mon 12:45").add("solved", "Mon 12:45")

    clock = s.clock(s.terms("24h", "UTC24", metric=metric), "Mon 14:00")

    assert [cycle.elapsed_seconds for cycle in clock.cycles] == [minutes * 60]


# 5.1 Vendors


def test_sn_elapsed_a_percentage_is_only_shown(story):
    s = promised(story("UTC"), "2014-12-12T21:00")

    cycle = s.cycle(s.terms("8h", "UTC 8-17"), "2014-12-15T09:30")

    assert (cycle.elapsed_seconds, cycle.target_seconds) == (5400, 28_800)


@pytest.mark.parametrize(("mode", "minutes", "seconds"), [("per_interval", 960, 8), ("last_wins", 690, 8)])
def test_dbt_dec_a_schedule_switched_in_between(story, mode, minutes, seconds):
    s = story("UTC").add("handoff_promised", "2020-09-29T17:01:38")
    s.add("queue", "2020-09-30T19:01:25", terms="la", mode=mode).add("human_message", "2020-09-30T19:01:46")
    s.book["la"] = s.terms("48h", "LOS ANGELES", metric=FIRST)

    cycle = s.cycle(s.terms("48h", "CHICAGO", metric=FIRST), "2020-09-30T20:00")

    assert divmod(cycle.elapsed_seconds, 60) == (minutes, seconds)


@pytest.mark.parametrize(
    ("start", "due", "warn"), [("Mon 10:00", "Mon 14:00", "Mon 13:00"), ("Mon 17:00", "Tue 11:00", "Tue 10:00")]
)
def test_glpi_an_hour_before_due_is_an_open_hour(story, start, due, warn):
    s = promised(story("UTC"), start)

    cycle = s.cycle(s.terms("4h", "UTC 8-18", warn=(Warn(before=3600),)), start)

    assert (cycle.due_at, instants(cycle)) == (s.at(due), {"before 1h": s.at(warn)})


def test_zammad_pauses_before_now_move_the_solution_but_not_the_first_response(story):
    s = story("UTC").add("created", "Mon 10:00", status="new").add("handoff_promised", "Mon 10:00")
    s.add("status", "Mon 11:00", status="open").add("status", "Mon 11:30", status=CUSTOMER)
    s.add("status", "Mon 12:00", status="open")

    # Created 120 minutes ago, paused for the last 30; the target is 75 minutes: due 75 minutes after the start.
    assert s.cycle(s.terms("75m", "UTC24"), "Mon 12:00").due_at == s.at("Mon 11:15")


def test_zammad_a_first_response_fifteen_minutes_late(story):
    s = promised(story("UTC"), "Mon 10:00").add("human_message", "Mon 11:15")

    cycle = s.cycle(s.terms("60m", "UTC24", metric=FIRST), "Mon 12:00")

    assert (cycle.remaining_seconds, cycle.overdue_seconds, cycle.state) == (-900, 900, State.MISSED)


def test_zammad_of_two_exchanges_the_longest_can_be_told(story):
    s = promised(story("UTC"), "Mon 10:00").add("human_message", "Mon 10:05")
    s.add("customer_message", "Mon 10:10").add("human_message", "Mon 10:20")
    s.add("customer_message", "Mon 10:30").add("human_message", "Mon 10:35")

    clock = s.clock(s.terms("60m", "UTC24", metric="next_response"), "Mon 12:00")

    assert max(cycle.elapsed_seconds for cycle in clock.cycles) == 600


# Bugs others had (6)


def test_a_stop_at_the_very_second_of_due_is_met_and_one_later_is_missed(story):
    states = []
    for at in ("Mon 11:00:00", "Mon 11:00:01"):
        s = promised(story("UTC"), "Mon 10:00").add("human_message", at)
        states.append(s.cycle(s.terms("1h", "UTC24", metric=FIRST), "Mon 12:00").state)

    assert states == [State.MET, State.MISSED]


def test_at_the_second_of_due_nothing_is_breached_yet_and_the_next_look_is_a_second_later(story):
    s = promised(story("UTC"), "Mon 10:00")

    cycle = s.cycle(s.terms("1h", "UTC24"), "Mon 11:00")

    assert (cycle.state, cycle.next_at) == (State.RUNNING, s.at("Mon 11:00:01"))


def test_a_bot_never_stops_a_clock(story):
    s = promised(story("UTC"), "Mon 10:00").add("bot_message", "Mon 10:01").add("internal_note", "Mon 10:02")

    states = {
        metric: s.cycle(s.terms("1h", "UTC24", metric=metric), "Mon 10:30").state
        for metric in ("pickup", FIRST, "resolution")
    }

    assert set(states.values()) == {State.RUNNING}


def test_an_internal_note_answers_only_where_the_tier_says_so(story):
    s = promised(story("UTC"), "Mon 10:00").add("internal_note", "Mon 10:02")

    assert s.cycle(s.terms("1h", "UTC24", metric=FIRST, notes_count=True), "Mon 10:30").state is State.MET


def test_pickup_stops_when_a_person_owns_it(story):
    s = promised(story("UTC"), "Mon 10:00").add("assigned", "Mon 10:07")

    assert s.cycle(s.terms("5m", "UTC24", metric="pickup"), "Mon 10:30").state is State.MISSED


def test_closed_without_an_answer_is_neither_met_nor_missed(story):
    s = promised(story("UTC"), "Mon 10:00").add("human_message", "Mon 10:05").add("customer_message", "Mon 10:10")
    s.add("solved", "Mon 10:20")

    cycle = s.cycle(s.terms("1h", "UTC24", metric="next_response"), "Mon 18:00")

    assert (cycle.state, cycle.ended, cycle.overdue_seconds) == (State.CANCELLED, Ended.CLOSED, 0)


def test_how_much_it_is_overdue_stands_still_once_it_has_stopped(story):
    s = promised(story("UTC"), "Mon 10:00").add("solved", "Mon 12:00")

    overdue = {s.cycle(s.terms("1h", "UTC24"), now).overdue_seconds for now in ("Mon 12:00", "Mon 13:00", "Tue 13:00")}

    assert overdue == {3600}


def test_a_ticket_born_solved_never_runs(story):
    s = story("UTC").add("created", "Mon 10:00", status="solved").add("handoff_promised", "Mon 10:00")

    cycle = s.cycle(s.terms("1h", "UTC24"), "Tue 10:00")

    assert (cycle.elapsed_seconds, cycle.state, cycle.next_at) == (0, State.MET, None)


def test_merged_into_another_the_source_is_cancelled(story):
    s = promised(story("UTC"), "Mon 10:00").add("merged", "Mon 10:30")

    cycle = s.cycle(s.terms("1h", "UTC24"), "Tue 10:00")

    assert (cycle.state, cycle.ended) == (State.CANCELLED, Ended.MERGED)


def test_a_shorter_next_response_does_not_override_the_first_response(story):
    s = promised(story("UTC"), "Mon 10:00").add("customer_message", "Mon 10:05")

    assert s.clock(s.terms("5m", "UTC24", metric="next_response"), "Mon 10:30").current is None
    assert s.cycle(s.terms("1h", "UTC24", metric=FIRST), "Mon 10:30").due_at == s.at("Mon 11:00")


def test_a_calendar_with_one_weekday_is_that_weekday(story):
    s = promised(story("UTC"), "Wed 12:00")

    assert s.cycle(s.terms("9h", "TUESDAY"), "Wed 12:00").due_at == s.at("22 10:00")


def test_without_any_hours_a_clock_is_unschedulable_and_no_date_is_invented(story):
    s = promised(story("UTC"), "Mon 10:00")

    cycle = s.cycle(s.terms("1h", "NEVER"), "Mon 11:00")

    assert (cycle.state, cycle.due_at, cycle.next_at) == (State.UNSCHEDULABLE, None, None)


# Editions of policy and calendar, dates set by hand, longest pauses, appointments


@pytest.mark.parametrize(
    ("mode", "due"), [(None, "Mon 12:00"), ("open_recompute", "Tue 12:00"), ("new_only", "Mon 12:00")]
)
def test_b6_a_forgotten_holiday_moves_running_clocks_as_the_edition_says(story, mode, due):
    s = promised(story(), "Fri 16:00")
    if mode:
        s.add("calendar_edited", "Fri 16:30", terms="mended", mode=mode)
    s.book["mended"] = s.terms("4h", "NY holiday on 7 June")

    assert s.cycle(s.terms("4h"), "Fri 16:45").due_at == s.at(due)


def test_a_holiday_added_late_takes_a_breach_back(story):
    s = promised(story(), "Fri 16:00")
    s.book["mended"] = s.terms("2h", "NY holiday on 7 June")
    assert s.cycle(s.terms("2h"), "Mon 11:00").state is State.BREACHED

    s.add("calendar_edited", "Mon 11:30", terms="mended")

    cycle = s.cycle(s.terms("2h"), "Mon 11:30")
    assert (cycle.state, cycle.breaches, cycle.due_at) == (State.RUNNING, (), s.at("Tue 10:00"))


@pytest.mark.parametrize(
    ("mode", "due", "breaches"),
    [("new_only", "Mon 10:00", 1), ("open_from_now", "Mon 14:00", 1), ("open_recompute", "Mon 14:00", 0)],
)
def test_a_longer_target_published_after_a_breach(story, mode, due, breaches):
    s = promised(story(), "Mon 09:00").add("policy_edited", "Mon 12:00", terms="k", mode=mode)
    s.book["k"] = s.terms("5h")

    cycle = s.cycle(s.terms("1h"), "Mon 13:00")

    assert (cycle.due_at, len(cycle.breaches)) == (s.at(due), breaches)


def test_a_finished_clock_is_not_touched_by_an_edition(story):
    s = promised(story(), "Mon 09:00").add("solved", "Mon 11:00")
    before = s.cycle(s.terms("4h"), "Mon 12:00")
    s.add("policy_edited", "Mon 12:30", terms="k", mode="open_recompute")
    s.book["k"] = s.terms("1h")

    after = s.cycle(s.terms("4h"), "Mon 13:00")

    assert (after.state, after.version, after.due_at) == (before.state, before.version, before.due_at)


def test_the_same_policy_published_again_makes_no_second_breach(story):
    s = promised(story(), "Mon 09:00").add("policy_edited", "Mon 12:00", terms="k", mode="open_recompute")
    s.book["k"] = s.terms("1h")

    (breach,) = s.cycle(s.terms("1h"), "Mon 13:00").breaches

    assert (breach.version, breach.breached_at, breach.cause) == (1, s.at("Mon 10:00"), "elapsed")


def test_a_due_time_set_by_hand_wins_until_it_is_taken_away(story):
    s = promised(story(), "Mon 09:00").add("manual_due", "Mon 09:30", until="Mon 15:00")
    s.add("priority", "Mon 10:00", terms="k")
    s.book["k"] = s.terms("2h")
    set_by_hand = s.cycle(s.terms("8h"), "Mon 10:30")

    s.add("manual_due", "Mon 10:40")

    assert set_by_hand.due_at == s.at("Mon 15:00")
    assert s.cycle(s.terms("8h"), "Mon 10:50").due_at == s.at("Mon 11:00")


@pytest.mark.parametrize(("then", "state"), [("resume", State.RUNNING), ("propose_closing", State.PAUSED)])
def test_a_pause_longer_than_it_may_be_ends_or_is_told_about(story, then, state):
    from policies.sla.within import Seconds

    s = promised(story(), "Mon 09:00").add("status", "Mon 10:00", status=CUSTOMER)
    terms = s.terms("4h", max_pause=Seconds(7200), on_max_pause=then)

    assert s.cycle(terms, "Mon 11:00").next_at == s.at("Mon 12:00")
    assert s.cycle(terms, "Mon 13:00").state is state
    assert s.cycle(terms, "Mon 13:00").elapsed_seconds == (7200 if then == "resume" else 3600)


def test_a_callback_is_due_at_the_end_of_its_window_and_a_new_one_replaces_it(story):
    s = story("UTC").add("handoff_promised", "Mon 09:00").add("callback_booked", "Mon 09:05", until="Mon 14:30")
    s.add("callback_booked", "Mon 11:00", until="Tue 10:30").add("callback_done", "Tue 10:31")

    first, second = s.clock(s.terms("1h", "UTC24", metric="callback"), "Tue 12:00").cycles

    assert (first.state, first.ended) == (State.CANCELLED, Ended.REPLACED)
    assert (second.due_at, second.state) == (s.at("Tue 10:30"), State.MISSED)


def test_a_callback_that_is_cancelled_is_neither_met_nor_missed_and_another_one_counts_anew(story):
    s = story("UTC").add("handoff_promised", "Mon 09:00").add("callback_booked", "Mon 09:05", until="Mon 14:30")
    s.add("callback_cancelled", "Mon 11:00").add("callback_booked", "Mon 12:00", until="Mon 13:00")

    first, second = s.clock(s.terms("1h", "UTC24", metric="callback"), "Mon 14:00").cycles

    assert (first.state, first.ended) == (State.CANCELLED, Ended.CLOSED)
    assert (second.due_at, second.state) == (s.at("Mon 13:00"), State.BREACHED)


def test_two_policies_measure_the_same_metric_apart(story):
    s = promised(story("UTC"), "Mon 10:00").add("human_message", "Mon 10:30")

    states = [s.cycle(s.terms(within, "UTC24", metric=FIRST), "Mon 11:00").state for within in ("15m", "1h")]

    assert states == [State.MISSED, State.MET]


def test_several_editions_in_one_day_hold_each_from_its_instant(story):
    s = promised(story("UTC"), "Mon 10:00")
    for hour, within in ((11, "6h"), (12, "8h"), (13, "5h")):
        s.add("priority", f"Mon {hour}:00", terms=within)
        s.book[within] = s.terms(within, "UTC24")

    dues = [s.cycle(s.terms("4h", "UTC24"), f"Mon {hour}:30").due_at for hour in (10, 11, 12, 13)]

    assert dues == [s.at(f"Mon {hour}:00") for hour in (14, 16, 18, 15)]


def test_the_clock_starts_at_the_promise_however_late_the_ticket_was_made(story):
    s = promised(story("UTC"), "Mon 10:00").add("created", "Mon 10:50", status="new")

    cycle = s.cycle(s.terms("1h", "UTC24", metric=FIRST), "Mon 10:50")

    assert cycle.due_at - s.at("Mon 10:50") == timedelta(minutes=10)
