"""What Zendesk's answers mean to us."""

from datetime import UTC, datetime

import pytest

from connectors.helpdesks.zendesk import answers
from packets.draft import Priority, TicketRef, TicketStatus


def test_the_address_of_a_ticket_is_on_the_account_we_called(fixture):
    ref = answers.ticket_ref(fixture("ticket_composed")["ticket"], "https://acme.zendesk.com")

    assert ref == TicketRef("35436", "https://acme.zendesk.com/agent/tickets/35436")


@pytest.mark.parametrize("ticket", [{}, {"id": None}, {"id": "35436"}, {"id": True}])
def test_an_answer_without_a_number_names_no_ticket(ticket):
    assert answers.ticket_ref(ticket, "https://acme.zendesk.com") is None


def test_a_ticket_is_read_as_it_is(fixture):
    ticket, audits = fixture("ticket_composed")["ticket"], fixture("audits_composed")["audits"]
    ref = TicketRef("35436", "u")

    state = answers.ticket_state(ticket, ref, audits)

    assert (state.status, state.priority, state.assignee) == (TicketStatus.SOLVED, Priority.HIGH, "26155588000102")
    assert state.updated_at == datetime(2026, 3, 6, 10, 15, tzinfo=UTC)


def test_solved_is_when_it_was_solved_for_good(fixture):
    ticket, audits = fixture("ticket_composed")["ticket"], fixture("audits_composed")["audits"]
    closed_later = {
        "created_at": "2026-03-10T10:15:00Z",
        "events": [{"type": "Change", "field_name": "status", "value": "closed", "previous_value": "solved"}],
    }

    state = answers.ticket_state({**ticket, "status": "closed"}, TicketRef("1", "u"), [*audits, closed_later])

    assert state.solved_at == datetime(2026, 3, 6, 10, 15, tzinfo=UTC)


def test_a_reopened_ticket_is_not_solved(fixture):
    ticket, audits = fixture("ticket_composed")["ticket"], fixture("audits_composed")["audits"]

    assert answers.ticket_state({**ticket, "status": "open"}, TicketRef("1", "u"), audits).solved_at is None


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("new", TicketStatus.NEW),
        ("open", TicketStatus.OPEN),
        ("pending", TicketStatus.WAITING_ON_CUSTOMER),
        ("hold", TicketStatus.WAITING_ON_THIRD_PARTY),
        ("SOLVED", TicketStatus.SOLVED),
        ("closed", TicketStatus.CLOSED),
        ("DELETED", TicketStatus.CANCELLED),
        ("tomorrow's word", TicketStatus.OPEN),
        (None, TicketStatus.OPEN),
    ],
)
def test_every_status_word_is_mapped(word, ours):
    assert answers.status(word) is ours


def test_our_marker_is_read_from_the_audits(fixture):
    audits = fixture("audits_composed")["audits"]

    assert answers.is_marked(audits, "files:pkt_1")
    assert not answers.is_marked(audits, "files:pkt_2")


def test_public_comments_are_told_with_author_and_time(fixture):
    said = answers.public_comments(fixture("audits_composed")["audits"])

    assert [author for author, _ in said] == [26155588000104, 26155588000102, 26155588000104, 26155588000102]
    assert said[1][1] == datetime(2026, 3, 6, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "audit",
    [
        {},
        {"events": None},
        {"events": ["x"]},
        {"created_at": "yesterday"},
        {"metadata": "x"},
        {"metadata": {"custom": 1}},
    ],
)
def test_an_audit_of_an_unknown_shape_harms_nothing(audit):
    assert answers.public_comments([audit]) == []
    assert not answers.is_marked([audit], "files:pkt_1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-08T14:25:30Z", datetime(2025, 1, 8, 14, 25, 30, tzinfo=UTC)),
        ("2025-01-08T14:25:30.123456789Z", datetime(2025, 1, 8, 14, 25, 30, 123456, tzinfo=UTC)),
        ("2025-01-08T15:25:30+01:00", datetime(2025, 1, 8, 14, 25, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", None),
        ("1234", None),
        ("", None),
        ("2025-13-01", None),
        (1234, None),
        ("9" * 100, None),
    ],
)
def test_a_time_is_read_or_it_is_none(text, expected):
    assert answers.moment(text) == expected


def test_field_errors_name_the_field_and_quote_nobody():
    body = {
        "details": {
            "requester": [{"description": "Requester: Ana Ruiz is suspended.", "error": "UserSuspended"}],
            "status": [{"description": "Status: closed prevents ticket update"}],
            "base": [{"description": "Ana's topic: cannot be blank", "ticket_field_id": 900004}],
            "what Ana wrote": [{"description": "Ana Ruiz", "error": "Ana Ruiz wrote"}],
        }
    }

    assert answers.field_errors(body) == (
        "requester: UserSuspended, is suspended",
        "status: closed prevents ticket update",
        "base: cannot be blank (ticket field 900004)",
        "a field: refused",
    )


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"details": []}, {"details": {"a": None}}, {"details": {"a": [None]}}]
)
def test_an_error_body_of_another_shape_is_no_trouble(body):
    assert all(problem == "a: refused" for problem in answers.field_errors(body))


def test_the_code_of_every_known_error_body(fixture):
    codes = [answers.error_code(entry["body"]) for entry in fixture("error_bodies")]

    assert codes == [
        "",  # "Couldn't authenticate you" is a sentence, no code
        "RecordNotFound",
        "TooManyValues",
        "DatabaseConflict",
        "UpdateConflict",
        "IdempotentRequestError",
        "RecordInvalid",
        "RecordInvalid",
        "AttachmentUnprocessable",
        "APIRateLimitExceeded",
        "",  # plain text
    ]


def test_an_error_that_is_an_object_has_its_title():
    assert answers.error_code({"error": {"title": "Forbidden", "message": "You do not have access"}}) == "Forbidden"
