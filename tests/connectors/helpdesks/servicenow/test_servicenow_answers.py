"""What is read from a ServiceNow instance's answers, and which of them are believed."""

from datetime import UTC, datetime

import pytest

from connectors.errors import Refused
from connectors.helpdesks.servicenow import answers
from packets.draft import Priority, TicketRef, TicketStatus

REF = TicketRef("c537bae64f411200adf9f8e18110c76e", "")


@pytest.mark.parametrize("name", ["incident_create_201", "incident_create_2020_defaults", "incident_patch_200"])
def test_a_recorded_incident_is_known_by_sys_id_and_number(name, recorded):
    row = recorded(name)["result"]

    ref = answers.ticket_ref(row, "https://acme.service-now.com")

    assert (ref.ticket_id, ref.number) == (row["sys_id"], row["number"])
    assert ref.url == f"https://acme.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D{row['sys_id']}"


@pytest.mark.parametrize("row", [None, [], {}, {"sys_id": ""}, {"sys_id": "x" * 32}])
def test_an_answer_without_a_sys_id_is_no_ticket(row):
    assert answers.ticket_ref(row, "https://acme.service-now.com") is None


def test_a_result_beside_an_error_is_no_result(recorded):
    good = recorded("incident_create_201")
    cancelled = next(row["body"] for row in recorded("error_bodies") if row["status"] == 200)

    assert answers.result_of(good) == good["result"]
    assert answers.result_of({**good, **cancelled}) is None
    assert answers.result_of(cancelled) is None
    assert answers.result_of([]) is None


def a_row(key, sys_id="1" * 32, at="2026-03-06 09:00:00"):
    return {"sys_id": sys_id, "correlation_id": key, "sys_created_on": at}


def test_rows_with_our_key_are_ours_oldest_first():
    older, newer = a_row("pkt_1"), a_row("pkt_1", "0" * 32, "2026-03-06 09:00:07")

    assert answers.ours([newer, older], "pkt_1") == [older, newer]
    assert answers.ours([], "pkt_1") == []


def test_a_row_whose_key_differs_only_in_case_is_not_ours():
    assert answers.ours([a_row("PKT_1"), a_row("pkt_1")], "pkt_1") == [a_row("pkt_1")]


def test_rows_of_others_show_that_the_query_was_ignored():
    with pytest.raises(Refused, match="ignored our query"):
        answers.ours([a_row(""), a_row("pkt_1")], "pkt_1")


def test_a_row_without_the_column_is_not_taken_for_absence():
    with pytest.raises(Refused, match="may not read correlation_id"):
        answers.ours([{"sys_id": "1" * 32}], "pkt_1")


@pytest.mark.parametrize(
    ("state", "hold_reason", "status"),
    [
        ("1", "", TicketStatus.NEW),
        ("2", "", TicketStatus.OPEN),
        ("3", "1", TicketStatus.WAITING_ON_CUSTOMER),
        ("3", "4", TicketStatus.WAITING_ON_THIRD_PARTY),
        ("3", "", TicketStatus.WAITING_ON_THIRD_PARTY),
        ("6", "", TicketStatus.SOLVED),
        ("7", "", TicketStatus.CLOSED),
        ("8", "", TicketStatus.CANCELLED),
        ("-5", "", TicketStatus.OPEN),
        ("", "", TicketStatus.OPEN),
    ],
)
def test_states_are_read_and_an_instances_own_one_keeps_the_clock_running(state, hold_reason, status):
    assert answers.status(state, hold_reason) is status


def test_a_recorded_incident_is_read(recorded):
    row = recorded("incident_patch_200")["result"]

    state = answers.ticket_state(row, REF, None)

    assert state.status is TicketStatus.OPEN
    assert state.priority is Priority.CRITICAL
    assert state.assignee == "681b365ec0a80164000fb0b05854a0cd"
    assert state.updated_at == datetime(2016, 1, 22, 14, 12, 37, tzinfo=UTC)
    assert state.solved_at is None


def test_a_resolved_incident_tells_when(recorded):
    row = {**recorded("incident_patch_200")["result"], "state": "6", "resolved_at": "2016-01-23 10:00:00"}

    assert answers.ticket_state(row, REF, None).solved_at == datetime(2016, 1, 23, 10, 0, tzinfo=UTC)


def test_only_entries_of_this_incident_and_journal_count():
    rows = [
        {"element_id": "2" * 32, "element": "comments", "value": "other", "sys_created_on": "", "sys_created_by": "a"},
        {"element_id": "1" * 32, "element": "work_notes", "value": "x", "sys_created_on": "", "sys_created_by": "a"},
        {"element_id": "1" * 32, "element": "comments", "value": "2", "sys_created_on": "b", "sys_created_by": "a"},
        {"element_id": "1" * 32, "element": "comments", "value": "1", "sys_created_on": "a", "sys_created_by": "a"},
        "junk",
    ]

    assert [entry["value"] for entry in answers.journal_of(rows, "1" * 32, "comments")] == ["1", "2"]


def test_our_note_is_known_by_its_whole_reference():
    assert answers.is_noted([{"value": "Why\n\nBaton reference: pkt_1"}], "pkt_1")
    assert not answers.is_noted([{"value": "Baton reference: pkt_12"}], "pkt_1")


def test_a_column_that_came_back_empty_was_dropped(recorded):
    row = recorded("incident_create_201")["result"]

    assert answers.dropped(row, {"work_notes": "x", "impact": "2", "u_gone": "x", "correlation_id": "pkt_1"}) == [
        "u_gone",
        "correlation_id",
    ]


def test_an_instances_own_priority_rules_are_noticed(recorded):
    row = recorded("incident_create_201")["result"]  # priority 3

    assert not answers.is_rated_otherwise(row, {"impact": "2", "urgency": "2"})
    assert answers.is_rated_otherwise(row, {"impact": "1", "urgency": "1"})
    assert not answers.is_rated_otherwise(row, {"u_tier": "gold"})


def test_a_refusal_names_the_rule_and_quotes_nothing_else(recorded):
    told = [answers.refusal(row["body"]) for row in recorded("error_bodies") if row["status"] == 403]

    assert told == [
        "an access rule (ACL) refused it; check the roles of Baton's user",
        "the business rule 'Example rule' refused it",
        "the instance refused it, by an access rule, a data policy or a business rule (see its REST log)",
    ]


def test_a_data_policy_names_the_columns_it_wants():
    body = {"error": {"message": "Operation Failed", "detail": "Data Policy Exception: Caller is mandatory\n<Ana>"}}

    assert answers.refusal(body) == "a data policy refused it: Caller is mandatory"


@pytest.mark.parametrize("body", [None, [], "x", {"error": "invalid_client"}, {"error": {"detail": None}}])
def test_an_unknown_refusal_is_still_one(body):
    assert "refused it" in answers.refusal(body)
