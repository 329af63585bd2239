"""What ServiceNow is told, without a network."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Refused
from connectors.helpdesks.servicenow import answers, wire
from connectors.ports import FieldMap
from packets.draft import Priority, Requester, TicketDraft, TicketRef, TicketUpdate

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


def test_a_route_without_a_group_of_its_own_goes_where_it_leads(a_draft):
    field_map = FieldMap(groups={"support": "of-support", "default": "of-all"})

    body = wire.incident(a_draft(group="returns", else_groups=("support",)), "pkt_1", field_map, None, 30_000)

    assert body["assignment_group"] == "of-support"


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
    back = answers.ticket_state({"priority": number}, REF, None)

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


def test_an_update_sends_only_what_differs(recorded, field_map):
    row = {**recorded("incident_get_200")["result"], "u_baton_tier": "gold", "u_baton_tags": "agents, baton"}
    update = TicketUpdate(Priority.CRITICAL, tags=("baton", "tier-gold"), fields={"tier": "gold", "unmapped": "x"})

    assert wire.changes(row, update, field_map) == {"urgency": "1", "u_baton_tags": "agents,baton,tier-gold"}


def test_tags_without_a_column_of_their_own_are_left_out():
    assert wire.changes({}, TicketUpdate(tags=("gold",)), FieldMap()) == {}
