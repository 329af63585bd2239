"""What Freshdesk is told and how its answers are read, without a network."""

import html
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.helpdesks.freshdesk import wire
from connectors.helpdesks.text import html_of
from connectors.ports import FieldMap
from packets.draft import Priority, Requester, TicketDraft, TicketRef, TicketStatus, TicketUpdate
from packets.render.sanitise import harmless


def test_a_draft_becomes_a_ticket_with_the_key_in_its_custom_field(a_draft, field_map):
    body = wire.ticket_body(a_draft(), "pkt_1", field_map)

    assert body == {
        "email": "ana@example.com",
        "name": "Ana Ruiz",
        "subject": "Order A-17 not found",
        "description": "Thank you. A colleague has your conversation and will answer here.",
        "status": 2,
        "priority": 3,
        "source": 7,
        "custom_fields": {
            "cf_baton_tier": "standard",
            "cf_baton_reason": "same-task-failed",
            "cf_baton_packet_id": "pkt_1",
        },
        "tags": ["baton", "orders"],
        "group_id": 36000000103,
    }


def test_the_packet_is_not_in_what_the_requester_sees(a_draft, field_map):
    body = json.dumps(wire.ticket_body(a_draft(), "pkt_1", field_map))

    assert "two failed look-ups" not in body


def test_the_key_wins_over_a_field_of_the_same_name(a_draft, field_map):
    body = wire.ticket_body(a_draft(fields={"packet_id": "another"}), "pkt_1", field_map)

    assert body["custom_fields"] == {"cf_baton_packet_id": "pkt_1"}


def test_a_field_map_that_cannot_work_is_told_at_once():
    field_map = FieldMap(fields={"tier": "cf_tier"}, groups={"orders": "Orders", "billing": "36000000104"})

    problems = wire.check_field_map(field_map)

    assert len(problems) == 2
    assert "names no custom field for packet_id" in problems[0]
    assert "route 'orders'" in problems[1]


def test_a_field_map_that_can_work_has_no_problems(field_map):
    assert wire.check_field_map(field_map) == []


def test_the_sla_clock_stays_with_the_accounts_policies(a_draft, field_map):
    body = wire.ticket_body(a_draft(), "pkt_1", field_map)

    assert not {"due_by", "fr_due_by"} & set(body)


@pytest.mark.parametrize(
    ("priority", "code"), [(Priority.CRITICAL, 4), (Priority.HIGH, 3), (Priority.NORMAL, 2), (Priority.LOW, 1)]
)
def test_priorities_count_upwards_and_come_back_the_same(priority, code, a_draft, field_map):
    body = wire.ticket_body(a_draft(priority=priority), "pkt_1", field_map)
    back = wire.ticket_state({"priority": code}, TicketRef("1", ""), "cf_packet_id")

    assert (body["priority"], back.priority) == (code, priority)


def test_an_unmapped_route_opens_the_ticket_without_a_group(a_draft, field_map):
    assert "group_id" not in wire.ticket_body(a_draft(group="billing"), "pkt_1", field_map)


def test_a_customer_without_an_address_is_known_by_our_id_of_them():
    person = Requester("Ana", phone="+34 600 000 000", external_id="cust-9")

    assert wire.requester(person, "pkt_1") == {
        "unique_external_id": "cust-9",
        "name": "Ana",
        "phone": "+34 600 000 000",
    }


def test_a_customer_nobody_knows_gets_the_packets_id():
    assert wire.requester(Requester(""), "pkt_1") == {"unique_external_id": "pkt_1", "name": "Customer"}


@pytest.mark.parametrize(
    "email", ["ana", "ana@localhost", "a b@example.com", "<ana@example.com>", "ana@example.com\n,b@x.org"]
)
def test_a_broken_address_does_not_cost_the_ticket(email):
    assert "email" not in wire.requester(Requester("Ana", email=email), "pkt_1")


def test_the_look_up_names_the_same_requester_as_the_ticket(a_draft):
    by_mail = a_draft(requester=Requester("Ana", email="Ana@Example.com"))
    by_id = a_draft(requester=Requester("Ana"))

    assert wire.lookup(by_mail, "pkt_1") == {"email": "ana@example.com"}
    assert wire.lookup(by_id, "pkt_1") == {"unique_external_id": "pkt_1"}


def test_markup_in_a_customers_words_is_shown_and_not_obeyed(a_draft, field_map):
    body = wire.ticket_body(a_draft(public_text="<img src=x onerror=alert(1)>\n& bye"), "pkt_1", field_map)

    assert body["description"] == "&lt;img src=x onerror=alert(1)&gt;<br>&amp; bye"


def test_a_placeholder_in_a_customers_words_is_not_filled_in_by_an_automation(a_draft, field_map):
    words = "my {{ticket.requester.email}} and {%if%}"
    draft = a_draft(subject=words, public_text=words, note_html=words, tags=(words,), fields={"tier": words})

    sent = json.dumps([wire.ticket_body(draft, "pkt_1", field_map), wire.note(draft, "pkt_1", 60_000)[0]])

    assert "ticket.requester.email" in sent
    assert "{{" not in sent
    assert "{%" not in sent


def test_what_is_cut_shows_that_it_was_cut(a_draft, field_map):
    body = wire.ticket_body(a_draft(subject="x" * 400), "pkt_1", field_map)

    assert body["subject"] == "x" * 254 + "…"


@given(st.text(max_size=300))
def test_whatever_is_written_the_description_shows_only_text(text):
    shown = html_of(harmless(text))

    assert "<" not in shown.replace("<br>", "")
    assert html.unescape(shown.replace("<br>", "\n")) == harmless(text)


@given(st.text(max_size=300))
def test_whatever_is_written_the_body_is_json_that_every_parser_takes(text):
    draft = TicketDraft(
        subject=text,
        public_text=text,
        note_text=text,
        note_html=html.escape(text),
        note_short_text=text,
        note_short_html="",
        requester=Requester(text, text, text, text),
        priority=Priority.LOW,
        tags=(text,),
        fields={"tier": text},
    )

    body = wire.ticket_body(draft, "pkt_1", FieldMap(fields={"packet_id": "cf_key", "tier": "cf_tier"}))
    note, _ = wire.note(draft, "pkt_1", 200)

    assert json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8")) == body
    assert note.encode("utf-8").decode("utf-8") == note
    assert body["custom_fields"]["cf_key"] == "pkt_1"
    assert body["subject"]
    assert body["description"]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_customer_calls_themselves_exactly_one_identifier_is_sent(name, email, phone):
    person = wire.requester(Requester(name, email=email, phone=phone), "pkt_1")

    assert person["name"]
    assert ("email" in person) != ("unique_external_id" in person)


def test_a_ticket_is_ours_only_if_its_field_holds_exactly_our_key(recorded):
    ticket = recorded("ticket_2025_current_shape")

    assert not wire.carries(ticket, "cf_baton_packet_id", "pkt_1")
    assert not wire.carries(
        {**ticket, "custom_fields": {"cf_baton_packet_id": "pkt_12"}}, "cf_baton_packet_id", "pkt_1"
    )
    assert wire.carries({**ticket, "custom_fields": {"cf_baton_packet_id": "pkt_1"}}, "cf_baton_packet_id", "pkt_1")


def test_a_recorded_ticket_is_read_by_its_number_and_agents_address(recorded):
    ref = wire.ticket_ref(recorded("ticket_2025_current_shape"), "https://acme.freshdesk.com")

    assert ref == TicketRef("49548", "https://acme.freshdesk.com/a/tickets/49548")


@pytest.mark.parametrize("ticket", [{}, {"id": None}, {"id": "12"}, {"id": True}])
def test_an_answer_without_a_ticket_number_is_no_ticket(ticket):
    assert wire.ticket_ref(ticket, "https://acme.freshdesk.com") is None


def test_a_recorded_ticket_tells_when_people_first_replied(recorded):
    state = wire.ticket_state(recorded("ticket_with_stats"), TicketRef("1", ""), "cf_packet_id")

    assert state.status is TicketStatus.OPEN
    assert state.priority is Priority.LOW
    assert state.first_human_reply_at == datetime(2020, 6, 17, 20, 23, 43, tzinfo=UTC)
    assert state.assignee == "6010396333"
    assert state.updated_at == datetime(2016, 5, 18, 23, 42, 50, tzinfo=UTC)


def test_an_open_ticket_is_not_solved_though_it_once_was(recorded):
    ticket = recorded("ticket_with_stats")

    assert wire.ticket_state(ticket, TicketRef("1", ""), "cf_packet_id").solved_at is None
    solved = wire.ticket_state({**ticket, "status": 4}, TicketRef("1", ""), "cf_packet_id")
    assert solved.solved_at == datetime(2020, 7, 24, 15, 35, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, TicketStatus.OPEN),
        (3, TicketStatus.WAITING_ON_CUSTOMER),
        (4, TicketStatus.SOLVED),
        (5, TicketStatus.CLOSED),
        (7, TicketStatus.WAITING_ON_THIRD_PARTY),
        (12, TicketStatus.OPEN),
        (None, TicketStatus.OPEN),
    ],
)
def test_statuses_are_read_and_an_accounts_own_one_keeps_the_clock_running(code, status):
    assert wire.ticket_state({"status": code}, TicketRef("1", ""), "cf_packet_id").status is status


def test_a_time_with_an_offset_is_utc_inside():
    assert wire.moment("2014-07-28T16:20:03+05:30") == datetime(2014, 7, 28, 10, 50, 3, tzinfo=UTC)
    assert wire.moment("2014-07-28T16:20:03") is None
    assert wire.moment("yesterday") is None
    assert wire.moment("0001-01-01T00:00:00+05:30") is None


def test_a_note_that_fits_is_sent_whole_with_our_reference_at_its_end(a_draft):
    note, files = wire.note(a_draft(), "pkt_1", 60_000)

    assert note == ("<p>Why: two failed look-ups</p><p>Customer: where is it?</p><p>Baton reference: pkt_1</p>")
    assert files == ()


def test_a_note_too_long_is_sent_short_with_the_transcript_beside_it(a_draft):
    draft = a_draft(note_html="<p>" + "x" * 500 + "</p>")

    note, files = wire.note(draft, "pkt_1", 200)

    assert note == "<p>Why: two failed look-ups</p><p>The transcript is attached.</p><p>Baton reference: pkt_1</p>"
    assert files == (draft.transcript_attachment,)


@pytest.mark.parametrize("limit", range(200, 240))
def test_a_note_without_end_is_cut_visibly_and_the_whole_of_it_goes_beside_it(limit, a_draft):
    draft = a_draft(
        note_html="x" * 500, note_short_html="x" * 500, note_short_text="<&>\n" * 100, note_text="all of it"
    )

    note, files = wire.note(draft, "pkt_1", limit)

    assert len(note) <= limit
    assert note.startswith("<p><b>This note is cut.")
    assert note.endswith("<p>Baton reference: pkt_1</p>")
    begun = note.removeprefix(wire.CUT_NOTE).removesuffix("<p>Baton reference: pkt_1</p>")
    assert (
        html.unescape(begun).replace("<br>", "\n") == ("<&>\n" * 100)[: len(html.unescape(begun.replace("<br>", "\n")))]
    )
    assert [file.filename for file in files] == ["transcript.txt", "handoff-note.txt"]
    assert files[1].content == "all of it"


def test_a_tag_too_long_or_with_a_comma_does_not_cost_the_ticket(a_draft, field_map):
    body = wire.ticket_body(a_draft(tags=("a,b", "x" * 40, "a,b", "")), "pkt_1", field_map)

    assert body["tags"] == ["a b", "x" * 31 + "…"]


def test_a_route_without_a_group_of_its_own_goes_to_the_default_one(a_draft):
    field_map = FieldMap(fields={"packet_id": "cf_x"}, groups={"default": "7"})

    assert wire.ticket_body(a_draft(group="unheard-of"), "pkt_1", field_map)["group_id"] == 7


def test_a_route_without_a_group_of_its_own_goes_where_it_leads_before_the_default(a_draft):
    field_map = FieldMap(fields={"packet_id": "cf_x"}, groups={"desk": "5", "support": "6", "default": "7"})
    draft = a_draft(group="orders", else_groups=("warehouse", "desk", "support"))

    assert wire.ticket_body(draft, "pkt_1", field_map)["group_id"] == 5


def test_our_note_is_known_again_by_its_reference(recorded):
    private, public = recorded("conversations")
    line = "<div>Why</div><p>Baton reference: pkt_1</p>"

    assert wire.is_our_note({**private, "body": line}, "pkt_1")
    assert wire.is_our_note({**private, "body": "", "body_text": "Why Baton reference: pkt_1"}, "pkt_1")
    assert not wire.is_our_note({**private, "body": line}, "pkt_12")
    assert not wire.is_our_note({**private, "body": line.replace("pkt_1", "pkt_12")}, "pkt_1")
    assert not wire.is_our_note({**public, "body": line}, "pkt_1")
    assert not wire.is_our_note({**private, "incoming": True, "body": line}, "pkt_1")


def test_refused_fields_are_named_and_the_quoted_values_left_out(recorded):
    errors = [wire.field_errors(row["body"]) for row in recorded("error_bodies")]

    assert errors == [
        ("status: datatype_mismatch",),
        ("cf_unknown: invalid_field",),
        ("invalid_credentials",),
        ("access_denied",),
        (),
        (),
        ("email: invalid_value",),
    ]


def test_an_error_body_cannot_smuggle_words_into_our_message():
    body = {"errors": [{"field": "my card is 4111 1111", "code": "<b>", "message": "secret"}, "x", {"field": 7}]}

    assert wire.field_errors(body) == ("a field: refused", "a field: refused")


def test_an_update_sends_only_what_differs(recorded, field_map):
    ticket = {**recorded("ticket_2025_current_shape"), "custom_fields": {"cf_baton_tier": "gold"}}
    update = TicketUpdate(
        Priority.CRITICAL, tags=("tier-gold", "Test-Tag"), fields={"tier": "gold", "reason": "x", "no": "y"}
    )

    assert wire.changes(ticket, update, field_map) == {
        "priority": 4,
        "custom_fields": {"cf_baton_reason": "x"},
        "tags": ["test-tag", "tier-gold"],
    }


def test_an_update_already_there_sends_nothing(recorded, field_map):
    update = TicketUpdate(Priority.NORMAL, tags=("test-tag",))

    assert wire.changes(recorded("ticket_2025_current_shape"), update, field_map) == {}
