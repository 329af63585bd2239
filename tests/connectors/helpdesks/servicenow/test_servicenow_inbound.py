"""The calls of our business rule: who may call, what counts as the same call, and what is read from one."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.helpdesks.servicenow import INBOUND, rule
from connectors.helpdesks.servicenow.inbound import EVENTS
from connectors.ports import Webhook
from connectors.sandbox.servicenow.desk import TOLD, WATCHED
from packets.draft import ChangeKind, Priority, Rating, TicketStatus

AT = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
RESOLVED = {
    "event": "updated",
    "sys_id": "c537bae64f411200adf9f8e18110c76e",
    "number": "INC0010002",
    "correlation_id": "pkt_1",
    "state": "6",
    "hold_reason": "",
    "priority": "2",
    "assigned_to": "681b365ec0a80164000fb0b05854a0cd",
    "sys_updated_on": "2026-03-06 08:59:58",
    "sys_mod_count": "4",
    "updated_by": "dana",
}


def a_call(body=RESOLVED, at=AT, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Webhook({"authorization": "Bearer s", **headers}, raw, at)


def test_the_token_lets_in_and_tells_which_one_it_was():
    assert INBOUND.verify(a_call(), ["old", "s"]).key_number == 1


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "s"])
def test_a_call_without_the_token_is_rejected(header):
    with pytest.raises(SignatureRejected):
        INBOUND.verify(a_call(authorization=header), ["s", ""])


def key_of(body, at=AT):
    return INBOUND.verify(a_call(body, at), ["s"]).dedupe_key


def test_a_call_that_comes_again_is_the_same_call():
    assert key_of(RESOLVED) == key_of({**RESOLVED, "priority": "1"}, AT + timedelta(hours=1))


@pytest.mark.parametrize("name", ["sys_mod_count", "event", "sys_id"])
def test_another_incident_change_or_event_is_another_call(name):
    assert key_of(RESOLVED) != key_of({**RESOLVED, name: "5" * 32})


def test_a_rule_that_counts_no_changes_is_told_apart_by_its_body():
    no_count = {**RESOLVED, "sys_mod_count": ""}

    assert key_of(no_count) == key_of(no_count)
    assert key_of(no_count) != key_of({**no_count, "state": "2"})


def test_what_an_instance_writes_as_assignee_fits_the_column_that_keeps_it():
    (change,) = INBOUND.parse(a_call({**RESOLVED, "event": "assigned", "assigned_to": "d" * 300}))

    assert change.assignee == "d" * 100


def test_a_resolved_incident_is_a_solved_ticket():
    (change,) = INBOUND.parse(a_call())

    assert change.kind is ChangeKind.STATUS_CHANGED
    assert change.status is TicketStatus.SOLVED
    assert change.priority is Priority.HIGH
    assert change.assignee == "681b365ec0a80164000fb0b05854a0cd"
    assert change.ticket_id == "c537bae64f411200adf9f8e18110c76e"
    assert change.packet_id == "pkt_1"
    assert change.occurred_at == datetime(2026, 3, 6, 8, 59, 58, tzinfo=UTC)


def test_an_incident_on_hold_for_the_caller_waits_for_the_customer():
    (change,) = INBOUND.parse(a_call({**RESOLVED, "state": 3, "hold_reason": 1}))

    assert change.status is TicketStatus.WAITING_ON_CUSTOMER


def test_an_incident_on_hold_for_reasons_not_told_has_to_be_read():
    (change,) = INBOUND.parse(a_call({**RESOLVED, "state": "3", "hold_reason": ""}))

    assert (change.kind, change.status) == (ChangeKind.HINT, None)


def test_a_comment_by_a_person_is_a_reply():
    (change,) = INBOUND.parse(a_call({**RESOLVED, "event": "commented", "state": "2"}))

    assert (change.kind, change.status) == (ChangeKind.HUMAN_REPLIED, TicketStatus.OPEN)


@pytest.mark.parametrize(
    "writer",
    [
        {"updated_by": "system"},
        {"updated_by": ""},
        {"by_caller": True},
        {"updated_by": "ana", "caller": "ana"},
        {"comment": {"public": False}},
    ],
)
def test_a_comment_by_the_customer_or_an_automation_is_no_reply(writer):
    assert INBOUND.parse(a_call({**RESOLVED, "event": "commented", **writer})) == ()


def test_our_own_change_tells_nothing():
    assert INBOUND.parse(a_call({**RESOLVED, "updated_by": "baton"}), frozenset({"baton"})) == ()


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("state_changed", ChangeKind.STATUS_CHANGED),
        ("assigned", ChangeKind.ASSIGNED),
        ("priority_changed", ChangeKind.PRIORITY_CHANGED),
        ("rated", ChangeKind.RATED),
        ("something_new", ChangeKind.STATUS_CHANGED),
    ],
)
def test_each_event_is_one_change(event, kind):
    (change,) = INBOUND.parse(a_call({**RESOLVED, "event": event}))

    assert change.kind is kind


def test_a_new_incident_is_no_news():
    assert INBOUND.parse(a_call({**RESOLVED, "event": "created"})) == ()


def test_a_call_without_the_state_makes_us_look():
    (change,) = INBOUND.parse(a_call({**RESOLVED, "state": None}))

    assert (change.kind, change.status) == (ChangeKind.HINT, None)


def test_a_foreign_correlation_id_is_not_taken_for_a_packet():
    (change,) = INBOUND.parse(a_call({**RESOLVED, "correlation_id": "a^b"}))

    assert change.packet_id is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", {}, {**RESOLVED, "sys_id": "../x"}, {**RESOLVED, "event": ""}, b"[" * 100_000],
)
def test_a_body_that_is_not_our_rules_is_malformed(body):
    with pytest.raises(MalformedWebhook):
        INBOUND.parse(a_call(body))


json_values = st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text() | st.lists(st.text())


@given(st.binary(max_size=100) | st.fixed_dictionaries({}, optional=dict.fromkeys(RESOLVED, json_values)))
def test_whatever_comes_it_is_read_or_malformed_and_nothing_else(said):
    body = said if isinstance(said, bytes) else {**RESOLVED, **said}
    INBOUND.verify(a_call(body), ["s"])

    try:
        changes = INBOUND.parse(a_call(body))
    except MalformedWebhook:
        return
    assert all(change.occurred_at.tzinfo for change in changes)


@pytest.mark.parametrize(("said", "rating"), [("good", Rating.GOOD), ("BAD", Rating.BAD), ("4 stars", None)])
def test_a_rating_is_read_where_the_rule_tells_it_in_our_words(said, rating):
    (change,) = INBOUND.parse(a_call({**RESOLVED, "event": "rated", "rating": said}))

    assert (change.kind, change.rating) == (ChangeKind.RATED, rating)


def test_the_business_rule_of_the_docs_is_the_one_setup_installs():
    page = Path(__file__).parents[4].joinpath("docs", "servicenow.md").read_text("utf-8")

    assert f"```js\n{rule.SCRIPT}```" in page


def test_the_sandbox_sends_what_the_business_rule_sends():
    in_script = set(re.findall(r"^ {6}(\w+): ", rule.SCRIPT, re.MULTILINE))

    assert in_script == {"event", *TOLD, "updated_by", "caller"}


def test_the_events_of_the_business_rule_are_known_and_those_of_the_sandbox():
    in_script = set(re.findall(r"events\.push\('(\w+)'\)", rule.SCRIPT))

    assert in_script == {"commented", *WATCHED}
    assert in_script <= set(EVENTS)
