"""The exactly-once argument, without a database, a queue or a clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.ports import Capabilities
from gateway.delivery.attempt import (
    GIVE_UP_AFTER,
    Next,
    Step,
    after_failure,
    next_step,
    reopening,
    sent_more_than_once,
)
from gateway.delivery.store import Delivery, DeliveryState
from gateway.jobs.queues import backoff
from packets.draft import Priority, Requester, TicketDraft, TicketRef

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
DRAFT = TicketDraft(
    "Subject", "public", "note", "<p>note</p>", "short", "<p>short</p>", Requester("Ana"), Priority.HIGH
)
NEW = Delivery(
    "pkt_1", "hof_1", "desk", DeliveryState.PENDING, False, 1, DRAFT, b"{}", 0, None, None, None, created_at=NOW
)
SENT = replace(NEW, unsure=True, tries=1, first_sent_at=NOW, last_sent_at=NOW)
TRIED = replace(SENT, tries=40)
WITH_KEYS = Capabilities(idempotent_for=timedelta(minutes=110), lookup_after=timedelta(minutes=2))
WITHOUT_KEYS = Capabilities(idempotent_for=None, lookup_after=timedelta(minutes=2))


def test_a_delivery_is_prepared_before_it_is_sent_so_that_its_bytes_are_frozen():
    assert next_step(replace(NEW, body=None), WITHOUT_KEYS, NOW) == Next(Step.PREPARE)
    assert next_step(NEW, WITHOUT_KEYS, NOW) == Next(Step.OPEN)


def test_an_unsure_delivery_waits_until_a_look_up_can_be_believed_and_then_looks():
    early = next_step(SENT, WITHOUT_KEYS, NOW + timedelta(seconds=119))
    later = next_step(SENT, WITHOUT_KEYS, NOW + timedelta(seconds=120))

    assert early == Next(Step.WAIT, NOW + timedelta(seconds=120))
    assert later == Next(Step.FIND)


def test_within_the_idempotency_window_the_same_key_is_sent_again_at_once():
    assert next_step(SENT, WITH_KEYS, NOW + timedelta(minutes=109)) == Next(Step.OPEN)


def test_after_the_idempotency_window_it_looks_like_everybody_else():
    resent = replace(SENT, last_sent_at=NOW + timedelta(minutes=109))

    assert next_step(resent, WITH_KEYS, NOW + timedelta(minutes=110, seconds=1)).step is Step.WAIT
    assert next_step(resent, WITH_KEYS, NOW + timedelta(minutes=111)) == Next(Step.FIND)


def test_an_opened_delivery_is_only_completed_and_a_finished_one_left_alone():
    opened = replace(SENT, state=DeliveryState.OPENED, ticket=TicketRef("1", "http://x/1"))

    assert next_step(opened, WITHOUT_KEYS, NOW) == Next(Step.COMPLETE)
    assert next_step(replace(opened, state=DeliveryState.DONE), WITHOUT_KEYS, NOW) == Next(Step.NOTHING)
    assert next_step(replace(SENT, state=DeliveryState.DEAD), WITHOUT_KEYS, NOW) == Next(Step.NOTHING)


@given(
    unsure=st.booleans(),
    sent_ago=st.integers(0, 10_000),
    window=st.one_of(st.none(), st.integers(1, 10_000)),
    first_known=st.booleans(),
)
def test_nothing_is_ever_sent_blindly(unsure, sent_ago, window, first_known):
    sent_at = NOW - timedelta(seconds=sent_ago)
    delivery = replace(SENT, unsure=unsure, first_sent_at=sent_at if first_known else None, last_sent_at=sent_at)
    capabilities = Capabilities(idempotent_for=timedelta(seconds=window) if window else None)

    step = next_step(delivery, capabilities, NOW).step

    if step is Step.OPEN:
        assert not unsure or (window is not None and first_known and sent_ago < window)
    if step is Step.FIND:
        assert sent_ago >= 120


def test_a_throttled_helpdesk_is_asked_again_when_it_said():
    setback = after_failure(Throttled("Zendesk", retry_after=90), Step.OPEN, NEW, WITH_KEYS, NOW, 0.5)

    assert setback.due_at == NOW + timedelta(seconds=90)
    assert not setback.unsure
    assert not setback.dead


def test_a_clean_failure_does_not_make_an_unsure_delivery_sure():
    for error in (Throttled("Zendesk"), Unavailable("Zendesk"), Unauthorized("Zendesk")):
        assert after_failure(error, Step.OPEN, SENT, WITH_KEYS, NOW, 0.5).unsure


def test_an_unknown_outcome_without_keys_waits_for_the_look_up():
    setback = after_failure(Unsure("Freshdesk"), Step.OPEN, NEW, WITHOUT_KEYS, NOW, 0.0)

    assert setback.unsure
    assert setback.due_at == NOW + timedelta(minutes=2)


@pytest.mark.parametrize("step", [Step.COMPLETE, Step.REOPEN])
def test_a_note_that_may_still_be_on_its_way_is_looked_for_only_when_the_look_is_worth_something(step):
    setback = after_failure(Unsure("Freshdesk"), step, NEW, WITH_KEYS, NOW, 0.0)

    assert not setback.unsure
    assert setback.due_at == NOW + timedelta(minutes=2)


def test_a_refused_request_is_dead_at_once_and_says_why():
    refused = Refused("Freshdesk", "validation failed", field_errors=("cf_topic: invalid_value",))

    setback = after_failure(refused, Step.OPEN, NEW, WITHOUT_KEYS, NOW, 0.5)

    assert setback.dead
    assert not setback.unsure
    assert "cf_topic" in setback.error


def test_a_refusal_of_a_repeated_request_leads_to_a_look_up_because_the_first_may_have_been_done():
    setback = after_failure(Refused("Zendesk", "idempotency"), Step.OPEN, SENT, WITH_KEYS, NOW, 0.5)

    assert not setback.dead
    assert setback.unsure
    assert setback.look_next


def test_a_key_that_is_spent_on_another_body_is_not_sent_again_but_looked_for():
    spent = Unsure("Zendesk", "the Idempotency-Key is known with another body", key_is_spent=True)

    setback = after_failure(spent, Step.OPEN, NEW, WITH_KEYS, NOW, 0.5)

    assert setback.unsure
    assert setback.look_next


def test_a_rejected_credential_burns_no_delivery():
    setback = after_failure(Unauthorized("Zendesk"), Step.OPEN, NEW, WITH_KEYS, NOW, 0.5)

    assert not setback.dead
    assert setback.due_at == NOW + timedelta(minutes=5)


def test_a_bug_of_ours_while_sending_leaves_the_outcome_unknown_and_quotes_nothing():
    setback = after_failure(KeyError("the customer's words"), Step.OPEN, NEW, WITHOUT_KEYS, NOW, 0.5)

    assert setback.unsure
    assert "customer" not in setback.error


def test_after_three_days_it_is_a_dead_letter_that_still_remembers_its_doubt():
    late = NOW + GIVE_UP_AFTER + timedelta(seconds=1)

    setback = after_failure(Unavailable("Zendesk"), Step.OPEN, TRIED, WITH_KEYS, late, 0.5)

    assert setback.dead
    assert setback.unsure


def test_a_dead_letter_brought_back_has_its_three_days_anew():
    late = NOW + GIVE_UP_AFTER + timedelta(seconds=1)

    setback = after_failure(Unavailable("Zendesk"), Step.OPEN, replace(TRIED, revived_at=late), WITH_KEYS, late, 0.5)

    assert not setback.dead


def test_each_try_that_failed_makes_the_wait_longer():
    waits = [after_failure(Unavailable("Zendesk"), Step.OPEN, SENT, WITH_KEYS, NOW, 1.0, tries=n) for n in (1, 2, 3)]

    assert [(setback.due_at - NOW).total_seconds() for setback in waits] == [2, 4, 8]


@pytest.mark.parametrize(("tries", "longest"), [(1, 2), (2, 4), (5, 32), (30, 900)])
def test_waits_double_up_to_a_quarter_of_an_hour(tries, longest):
    assert backoff(tries, 1.0) == timedelta(seconds=longest)
    assert backoff(tries, 0.0) == timedelta(seconds=1)


def test_the_idempotency_key_changes_only_with_its_generation():
    assert NEW.idempotency_key == replace(NEW, tries=9, unsure=True).idempotency_key == "pkt_1"
    assert replace(NEW, generation=2).idempotency_key == "pkt_1-2"
    assert replace(NEW, generation=2).key == "pkt_1"


def test_an_earlier_ticket_is_reached_only_once_it_is_open_again():
    again = replace(NEW, reopens=True, ticket=TicketRef("1", "http://x/1"))

    assert next_step(again, WITHOUT_KEYS, NOW) == Next(Step.REOPEN)
    assert again.reached is None
    assert replace(again, state=DeliveryState.DEAD).reached is None
    assert replace(again, state=DeliveryState.DONE).reached == again.ticket


@pytest.mark.parametrize("error", [Unavailable("Zendesk"), Throttled("Zendesk", retry_after=30)])
def test_one_that_waited_out_an_outage_of_days_is_not_given_up_at_its_first_setback(error):
    late = NOW + GIVE_UP_AFTER + timedelta(hours=8)

    setback = after_failure(error, Step.OPEN, NEW, WITH_KEYS, late, 0.5)

    assert not setback.dead


def test_a_helpdesk_that_asks_to_wait_gives_nobody_up():
    late = NOW + GIVE_UP_AFTER + timedelta(hours=8)

    setback = after_failure(Throttled("Zendesk", retry_after=30), Step.OPEN, TRIED, WITH_KEYS, late, 0.5)

    assert not setback.dead


def test_nobody_is_given_up_by_age_while_nobody_gets_through():
    late = NOW + GIVE_UP_AFTER + timedelta(seconds=1)

    setback = after_failure(Unavailable("Zendesk"), Step.OPEN, TRIED, WITH_KEYS, late, 0.5, probing=True)

    assert not setback.dead


def test_the_note_on_a_reopened_ticket_has_our_key_and_leaves_the_tickets_own_key_alone():
    draft = replace(DRAFT, fields={"packet_id": "pkt_1", "tier": "short"}, group="orders")

    update = reopening(replace(NEW, draft=draft))

    assert (update.note_key, update.reopen, update.group) == ("pkt_1", True, "orders")
    assert update.fields == {"tier": "short"}


def test_only_a_request_that_left_more_than_once_is_looked_for_again():
    assert not sent_more_than_once(SENT)
    assert sent_more_than_once(replace(SENT, last_sent_at=NOW + timedelta(seconds=5)))
    assert sent_more_than_once(replace(SENT, generation=2))
