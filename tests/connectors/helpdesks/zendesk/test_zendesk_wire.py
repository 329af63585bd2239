"""How a draft becomes Zendesk's create request."""

import json

import pytest

from connectors.helpdesks.zendesk import wire
from connectors.ports import FieldMap
from packets.draft import DraftAttachment, Priority, Requester, TicketUpdate

LIMIT = 60_000


@pytest.fixture
def sent(a_draft, field_map):
    """The ticket object of the create request for a draft with these changes."""

    def build(key="pkt_1", limit=LIMIT, **changes):
        body = wire.ticket_body(a_draft(**changes), key, field_map, limit)
        return json.loads(body)["ticket"]

    return build


def test_a_draft_becomes_one_private_ticket(sent):
    assert sent() == {
        "subject": "Order A-17 not found",
        "comment": {
            "html_body": "<p>Why: two failed look-ups</p><p>Customer: where is it?</p>",
            "public": False,
        },
        "requester": {"name": "Ana Ruiz", "email": "ana@example.com"},
        "external_id": "pkt_1",
        "priority": "high",
        "tags": ["baton", "orders"],
        "custom_fields": [
            {"id": 900001, "value": "pkt_1"},
            {"id": 900004, "value": "standard"},
            {"id": 900002, "value": "same-task-failed"},
        ],
        "group_id": 26155630000103,
    }


def test_the_same_draft_gives_the_same_bytes(a_draft, field_map):
    first = wire.ticket_body(a_draft(), "pkt_1", field_map, LIMIT)
    again = wire.ticket_body(a_draft(), "pkt_1", field_map, LIMIT)

    assert first == again


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Priority.CRITICAL, "urgent"),
        (Priority.HIGH, "high"),
        (Priority.NORMAL, "normal"),
        (Priority.LOW, "low"),
    ],
)
def test_every_priority_has_its_word(sent, ours, theirs):
    assert sent(priority=ours)["priority"] == theirs


def test_a_route_without_a_group_goes_to_the_default_one(sent):
    assert sent(group="payments")["group_id"] == 26155630000108


def test_a_route_without_a_group_goes_where_it_leads(sent):
    assert sent(group="returns", else_groups=("orders",))["group_id"] == 26155630000103


def test_without_a_default_no_group_is_named(a_draft):
    body = wire.ticket_body(a_draft(group="orders"), "pkt_1", FieldMap(), LIMIT)

    assert "group_id" not in json.loads(body)["ticket"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("two words", "TWO  words"), ["two_words"]),
        (("", "  ", "!!!"), []),
        (("a,b", "x:y", "v1.2"), ["a_b", "x:y", "v1.2"]),
        (("größe",), ["größe"]),
        (("{{ticket.id}}",), ["ticket.id"]),
    ],
)
def test_tags_have_no_blanks(words, expected):
    assert wire.tags(words) == expected


@pytest.mark.parametrize(
    "email", [None, "", "not an address", "a@b", "a@b.c\r\nX: y", "ana@example.com, b@c.de", "ä@b.de"]
)
def test_without_a_usable_address_nobody_gets_the_mail_and_we_are_not_the_requester(email):
    person = wire.requester(Requester("Ana Ruiz", email=email), "pkt_7Q2")

    assert person == {"name": "Ana Ruiz", "email": "pkt_7q2@customer.invalid"}


def test_our_own_address_is_never_the_requesters():
    person = wire.requester(Requester("Mallory", email="Baton@Acme.example"), "pkt_1", ("baton@acme.example",))

    assert person["email"] == "pkt_1@customer.invalid"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", "Customer"), ("A", "Customer A"), ("Bo", "Bo"), ("\x00\n", "Customer"), ("王", "Customer 王")],
)
def test_a_name_is_long_enough_for_zendesk(name, expected):
    assert wire.requester(Requester(name), "pkt_1")["name"] == expected


def test_a_note_that_fits_is_whole_and_needs_no_file(a_draft):
    note = wire.note(a_draft(), LIMIT)

    assert note == wire.Note("<p>Why: two failed look-ups</p><p>Customer: where is it?</p>")


def test_a_note_that_does_not_fit_is_short_and_its_transcript_travels_along(a_draft):
    draft = a_draft(note_html="<p>" + "x" * LIMIT + "</p>")

    note = wire.note(draft, LIMIT)

    assert note == wire.Note(draft.note_short_html, (draft.transcript_attachment,))


def test_a_short_note_that_is_still_too_long_says_that_it_is_cut(a_draft):
    draft = a_draft(note_html="x" * 2_000, note_short_html="y" * 2_000, note_short_text="<&>" * 700, note_text="all")

    note = wire.note(draft, 1_000)

    assert len(note.html) <= 1_000
    assert "This note is cut" in note.html
    assert "&lt;&amp;&gt;" in note.html
    assert note.files == (draft.transcript_attachment, DraftAttachment("handoff-note.txt", "all"))


@pytest.mark.parametrize("text", ["{{ticket.comments}}", "{{{x}}}", "{% if x %}", "{\x00{x}}", "{\u202e{x}}"])
def test_no_placeholder_of_the_customers_is_live(sent, text):
    ticket = sent(subject=text, note_html=text, fields={"tier": text}, requester=Requester(text))

    values = [
        ticket["subject"],
        ticket["comment"]["html_body"],
        ticket["requester"]["name"],
        *(field["value"] for field in ticket["custom_fields"]),
    ]
    assert all("ticket" in value or "x" in value or value == "pkt_1" for value in values)
    assert not any("{{" in value or "{%" in value for value in values)


def test_no_control_bidi_or_broken_character_leaves(sent):
    nasty = "a\x00b\x1bc\u202ed\ud800e\U0001f600"

    ticket = sent(subject=nasty, note_html=nasty, note_short_html=nasty, requester=Requester(nasty))

    assert ticket["subject"] == ticket["comment"]["html_body"] == ticket["requester"]["name"] == "abcd\ufffde\U0001f600"


def test_a_long_subject_is_cut_with_a_mark(sent):
    subject = sent(subject="word " * 100)["subject"]

    assert len(subject) == wire.LONGEST_SUBJECT
    assert subject.endswith("…")


def test_a_field_without_a_place_in_the_account_is_left_to_the_note(sent):
    ids = [field["id"] for field in sent(fields={"channel": "voice"})["custom_fields"]]

    assert ids == [900001]


def test_a_field_map_that_is_not_numbers_is_told_with_its_entry():
    problems = wire.check_field_map(FieldMap(fields={"tier": "cf_tier", "reason": "1"}, groups={"orders": "Orders"}))

    assert problems == [
        "fields 'tier' must be Zendesk's number of it, not 'cf_tier'",
        "groups 'orders' must be Zendesk's number of it, not 'Orders'",
    ]


def test_a_field_zendesk_dropped_is_noticed(a_draft, field_map, fixture):
    body = wire.ticket_body(a_draft(), "pkt_1", field_map, LIMIT)

    assert wire.fields_not_kept(body, fixture("ticket_composed")["ticket"]) == [900002]


def test_only_what_differs_is_set(field_map, fixture):
    ticket = fixture("ticket_composed")["ticket"]

    nothing = wire.changes(ticket, TicketUpdate(Priority.HIGH, fields={"tier": "gold", "reason": ""}), field_map)
    something = wire.changes(ticket, TicketUpdate(Priority.CRITICAL, fields={"tier": "gold", "reason": "x"}), field_map)

    assert nothing == {}
    assert something == {"priority": "urgent", "custom_fields": [{"id": 900002, "value": "x"}]}


def test_only_tags_that_are_not_there_are_added(fixture):
    ticket = fixture("ticket_composed")["ticket"]

    assert wire.missing_tags(ticket, ("baton", "Gold Tier", "orders")) == ["gold_tier"]
