"""What ServiceNow is told and how its answers are read, without a network."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.helpdesks.servicenow import wire
from connectors.ports import FieldMap
from packets.draft import Priority, Requester, TicketDraft, TicketRef, TicketStatus, TicketUpdate

CALLER = "681ccaf9c0a8016400b98a06818d57c7"
GUEST = "ba710000000000000000000000000004"
REF = TicketRef("c537bae64f411200adf9f8e18110c76e", "")


def test_a_draft_becomes_an_incident_that_carries_key_and_packet(a_draft, field_map):
    body = wire.incident(a_draft(), "pkt_1", field_map, CALLER, 30_000)

    assert body == {
        "short_description": "Order A-17 not found",
        "description": "A colleague has your conversation.",
        "impact": "2",
        "urgency": "1",
        "contact_type": "chat",
        "correlation_id": "pkt_1",
        "correlation_display": "Baton",
        "work_notes": "Why: two failed look-ups\nCustomer: where is it?\n\nBaton reference: pkt_1",
        "caller_id": CALLER,
        "assignment_group": "287ebd7da9fe198100f92cc8d1d2154e",
        "u_baton_packet_id": "pkt_1",
        "u_baton_tier": "standard",
        "u_baton_tags": "baton,orders",
    }


def test_an_unknown_customer_is_named_in_the_description_of_the_guests_incident(a_draft, field_map):
    person = Requester("Ana Ruiz", "ana@example.com", "+34600000000", "cust-9")

    body = wire.incident(a_draft(requester=person), "pkt_1", field_map, None, 30_000)

    assert body["caller_id"] == GUEST
    assert body["description"] == (
        "A colleague has your conversation.\n\n"
        "Customer: Ana Ruiz\nE-mail: ana@example.com\nPhone: +34600000000\nCustomer id: cust-9"
    )


def test_without_a_guest_or_a_group_the_incident_is_opened_all_the_same(a_draft):
    body = wire.incident(a_draft(), "pkt_1", FieldMap(), None, 30_000)

    assert not {"caller_id", "assignment_group"} & set(body)
    assert "Customer: Ana Ruiz" in body["description"]


@pytest.mark.parametrize(
    ("priority", "impact", "urgency", "number"),
    [
        (Priority.CRITICAL, "1", "1", "1"),
        (Priority.HIGH, "2", "1", "2"),
        (Priority.NORMAL, "2", "2", "3"),
        (Priority.LOW, "3", "2", "4"),
    ],
)
def test_priority_is_asked_for_by_impact_and_urgency_only(priority, impact, urgency, number, a_draft, field_map):
    body = wire.incident(a_draft(priority=priority), "pkt_1", field_map, CALLER, 30_000)
    back = wire.ticket_state({"priority": number}, REF, None)

    assert (body["impact"], body["urgency"], back.priority) == (impact, urgency, priority)
    assert "priority" not in body


@pytest.mark.parametrize("column", ["priority", "state", "sla_due", "made_sla", "work_notes", "correlation_id", "a^b"])
def test_a_field_map_cannot_write_what_is_not_ours(column):
    (problem,) = wire.check_field_map(FieldMap(fields={"tier": column, "reason": "u_reason"}))

    assert "must leave alone" in problem
    assert "'tier'" in problem


def test_the_packet_id_may_be_mapped_to_the_correlation_id_it_stands_in_anyway(a_draft):
    field_map = FieldMap(fields={"packet_id": "correlation_id"})

    body = wire.incident(a_draft(), "pkt_1", field_map, CALLER, 30_000)

    assert wire.check_field_map(field_map) == []
    assert body["correlation_id"] == "pkt_1"


@pytest.mark.parametrize("key", ["", "a^b", "a b", "javascript:x", "ключ", "x" * 101, "a\n"])
def test_a_key_that_could_change_a_query_is_refused(key, a_draft, field_map):
    with pytest.raises(Refused, match="part of a query"):
        wire.incident(a_draft(), key, field_map, CALLER, 30_000)


@given(st.text(alphabet=st.sampled_from("[]/code CODE\x00\u202e\n<é\ud800"), max_size=40))
def test_whatever_is_written_no_field_and_no_note_shows_html_to_an_agent(text):
    field_map = FieldMap(fields={"tier": "u_tier", "tags": "u_tags"})
    draft = _hostile_draft(f"[code]{text}[/CODE][co\x00de]", text)

    for limit in (30_000, 100):
        body = wire.incident(draft, "pkt_1", field_map, None, limit)
        assert not re.search(r"\[/?code\]", "\n".join(body.values()), re.IGNORECASE)


@given(text=st.text(max_size=200), name=st.text(max_size=40))
def test_whatever_is_written_the_incident_is_text_within_its_limits(text, name):
    draft = _hostile_draft(text, name)

    body = wire.incident(draft, "pkt_1", FieldMap(fields={"tier": "u_tier", "tags": "u_tags"}), None, 100)

    assert json.loads(json.dumps(body).encode("utf-8")) == body
    assert all(isinstance(value, str) for value in body.values())
    assert len(body["short_description"]) <= 160
    assert "\n" not in body["short_description"]
    assert len(body["description"]) <= 4000
    assert "[code]" not in "".join(body.values()).lower()


def _hostile_draft(text, name):
    return TicketDraft(
        subject=text,
        public_text=text,
        note_text=text,
        note_html="",
        note_short_text=text,
        note_short_html="",
        requester=Requester(name, name, name, name),
        priority=Priority.LOW,
        tags=(text,),
        fields={"tier": text},
    )


def test_what_is_cut_shows_that_it_was_cut(a_draft, field_map):
    body = wire.incident(a_draft(subject="x" * 200, public_text="y" * 5000), "pkt_1", field_map, CALLER, 30_000)

    assert body["short_description"] == "x" * 159 + "…"
    assert body["description"] == "y" * 3999 + "…"


def test_a_note_too_long_is_sent_short_with_the_transcript_beside_it(a_draft):
    draft = a_draft(note_text="x" * 500)

    assert wire.note(draft, "pkt_1", 200) == (
        "Why: two failed look-ups\nThe transcript is attached.\n\nBaton reference: pkt_1"
    )
    assert wire.files(draft, "pkt_1", 200) == (draft.transcript_attachment,)
    assert wire.files(draft, "pkt_1", 600) == ()


def test_a_note_without_end_is_cut_visibly_and_the_whole_of_it_goes_beside_it(a_draft):
    draft = a_draft(note_text="x" * 500, note_short_text="y" * 500)

    note, files = wire.note(draft, "pkt_1", 200), wire.files(draft, "pkt_1", 200)

    assert len(note) == 200
    assert note.startswith("This note is cut.")
    assert note.endswith("y\n\nBaton reference: pkt_1")
    assert [(file.filename, file.content) for file in files] == [
        ("transcript.txt", "Customer: where is it?\n"),
        ("handoff-note.txt", "x" * 500),
    ]


def test_a_reference_is_read_whichever_shape_it_comes_in(recorded):
    created = recorded("incident_create_201")["result"]

    assert wire.value(created, "assignment_group") == "287ebd7da9fe198100f92cc8d1d2154e"
    assert wire.value(created, "caller_id") == ""
    assert wire.value({"state": {"display_value": "New", "value": "1"}}, "state") == "1"
    assert wire.value({"state": None}, "state") == ""
    assert wire.value({}, "state") == ""


@pytest.mark.parametrize("name", ["incident_create_201", "incident_create_2020_defaults", "incident_patch_200"])
def test_a_recorded_incident_is_known_by_sys_id_and_number(name, recorded):
    row = recorded(name)["result"]

    ref = wire.ticket_ref(row, "https://acme.service-now.com")

    assert (ref.ticket_id, ref.number) == (row["sys_id"], row["number"])
    assert ref.url == f"https://acme.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D{row['sys_id']}"


@pytest.mark.parametrize("row", [None, [], {}, {"sys_id": ""}, {"sys_id": "x" * 32}])
def test_an_answer_without_a_sys_id_is_no_ticket(row):
    assert wire.ticket_ref(row, "https://acme.service-now.com") is None


def test_a_result_beside_an_error_is_no_result(recorded):
    good = recorded("incident_create_201")
    cancelled = next(row["body"] for row in recorded("error_bodies") if row["status"] == 200)

    assert wire.result_of(good) == good["result"]
    assert wire.result_of({**good, **cancelled}) is None
    assert wire.result_of(cancelled) is None
    assert wire.result_of([]) is None


def a_row(key, sys_id="1" * 32, at="2026-03-06 09:00:00"):
    return {"sys_id": sys_id, "correlation_id": key, "sys_created_on": at}


def test_rows_with_our_key_are_ours_oldest_first():
    older, newer = a_row("pkt_1"), a_row("pkt_1", "0" * 32, "2026-03-06 09:00:07")

    assert wire.ours([newer, older], "pkt_1") == [older, newer]
    assert wire.ours([], "pkt_1") == []


def test_a_row_whose_key_differs_only_in_case_is_not_ours():
    assert wire.ours([a_row("PKT_1"), a_row("pkt_1")], "pkt_1") == [a_row("pkt_1")]


def test_rows_of_others_show_that_the_query_was_ignored():
    with pytest.raises(Refused, match="ignored our query"):
        wire.ours([a_row(""), a_row("pkt_1")], "pkt_1")


def test_a_row_without_the_column_is_not_taken_for_absence():
    with pytest.raises(Refused, match="may not read correlation_id"):
        wire.ours([{"sys_id": "1" * 32}], "pkt_1")


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
    assert wire.status(state, hold_reason) is status


def test_a_recorded_incident_is_read(recorded):
    row = recorded("incident_patch_200")["result"]

    state = wire.ticket_state(row, REF, None)

    assert state.status is TicketStatus.OPEN
    assert state.priority is Priority.CRITICAL
    assert state.assignee == "681b365ec0a80164000fb0b05854a0cd"
    assert state.updated_at == datetime(2016, 1, 22, 14, 12, 37, tzinfo=UTC)
    assert state.solved_at is None


def test_a_resolved_incident_tells_when(recorded):
    row = {**recorded("incident_patch_200")["result"], "state": "6", "resolved_at": "2016-01-23 10:00:00"}

    assert wire.ticket_state(row, REF, None).solved_at == datetime(2016, 1, 23, 10, 0, tzinfo=UTC)


def test_an_update_sends_only_what_differs(recorded, field_map):
    row = {**recorded("incident_get_200")["result"], "u_baton_tier": "gold", "u_baton_tags": "agents, baton"}
    update = TicketUpdate(Priority.CRITICAL, tags=("baton", "tier-gold"), fields={"tier": "gold", "unmapped": "x"})

    assert wire.changes(row, update, field_map) == {"urgency": "1", "u_baton_tags": "agents,baton,tier-gold"}


def test_tags_without_a_column_of_their_own_are_left_out():
    assert wire.changes({}, TicketUpdate(tags=("gold",)), FieldMap()) == {}


def test_only_entries_of_this_incident_and_journal_count():
    rows = [
        {"element_id": "2" * 32, "element": "comments", "value": "other", "sys_created_on": "", "sys_created_by": "a"},
        {"element_id": "1" * 32, "element": "work_notes", "value": "x", "sys_created_on": "", "sys_created_by": "a"},
        {"element_id": "1" * 32, "element": "comments", "value": "2", "sys_created_on": "b", "sys_created_by": "a"},
        {"element_id": "1" * 32, "element": "comments", "value": "1", "sys_created_on": "a", "sys_created_by": "a"},
        "junk",
    ]

    assert [entry["value"] for entry in wire.journal_of(rows, "1" * 32, "comments")] == ["1", "2"]


def test_our_note_is_known_by_its_whole_reference():
    assert wire.has_marker([{"value": "Why\n\nBaton reference: pkt_1"}], "pkt_1")
    assert not wire.has_marker([{"value": "Baton reference: pkt_12"}], "pkt_1")


def test_a_column_that_came_back_empty_was_dropped(recorded):
    row = recorded("incident_create_201")["result"]

    assert wire.dropped(row, {"work_notes": "x", "impact": "2", "u_gone": "x", "correlation_id": "pkt_1"}) == [
        "u_gone",
        "correlation_id",
    ]


def test_an_instances_own_priority_rules_are_noticed(recorded):
    row = recorded("incident_create_201")["result"]  # priority 3

    assert not wire.is_rated_otherwise(row, {"impact": "2", "urgency": "2"})
    assert wire.is_rated_otherwise(row, {"impact": "1", "urgency": "1"})
    assert not wire.is_rated_otherwise(row, {"u_tier": "gold"})


def test_a_refusal_names_the_rule_and_quotes_nothing_else(recorded):
    told = [wire.refusal(row["body"]) for row in recorded("error_bodies") if row["status"] == 403]

    assert told == [
        "an access rule (ACL) refused it; check the roles of Baton's user",
        "the business rule 'Example rule' refused it",
        "the instance refused it, by an access rule, a data policy or a business rule (see its REST log)",
    ]


def test_a_data_policy_names_the_columns_it_wants():
    body = {"error": {"message": "Operation Failed", "detail": "Data Policy Exception: Caller is mandatory\n<Ana>"}}

    assert wire.refusal(body) == "a data policy refused it: Caller is mandatory"


@pytest.mark.parametrize("body", [None, [], "x", {"error": "invalid_client"}, {"error": {"detail": None}}])
def test_an_unknown_refusal_is_still_one(body):
    assert "refused it" in wire.refusal(body)
