"""The Freshdesk client against a server on loopback that answers as the real one was seen to."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.errors import Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.helpdesks.freshdesk import make
from connectors.ports import HelpdeskAccount
from packets.draft import Priority, Rating, Requester, TicketRef, TicketStatus, TicketUpdate

SINCE = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
REF = TicketRef("49548", "https://acme.freshdesk.com/a/tickets/49548")
NO_CONTACT = {
    "description": "Validation failed",
    "errors": [{"field": "email", "message": "There is no contact matching the given email", "code": "invalid_value"}],
}


def query(request):
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}


def a_ticket(recorded, key, number=49548, **changes):
    ticket = recorded("ticket_2025_current_shape")
    return {**ticket, "id": number, "custom_fields": {"cf_baton_packet_id": key}, **changes}


def test_a_ticket_is_opened_with_the_stored_bytes_and_the_key_as_user_name(answering, recorded, a_draft):
    server = answering((201, recorded("ticket_2025_current_shape")))
    desk = make(server.account)
    body = desk.prepare(a_draft(), key="pkt_1")

    ref = desk.open_ticket(body, key="pkt_1")

    (request,) = server.asked
    assert ref == TicketRef("49548", f"{server.account.base_url}/a/tickets/49548")
    assert (request.method, request.path, request.body) == ("POST", "/api/v2/tickets", body)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Basic dGhlLXNlY3JldC1rZXk6WA=="  # the-secret-key:X


def test_the_same_draft_is_always_the_same_bytes(answering, a_draft):
    desk = make(answering((500, b"")).account)

    assert desk.prepare(a_draft(), key="pkt_1") == desk.prepare(a_draft(), key="pkt_1")


def open_one(server, a_draft):
    desk = make(server.account)
    return desk.open_ticket(desk.prepare(a_draft(), key="pkt_1"), key="pkt_1")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"code": "invalid_credentials", "message": "You have to be logged in"}, Unauthorized),
        (403, {"code": "access_denied", "message": "You are not authorized"}, Unauthorized),
        (404, b"", Unauthorized),
        (409, {"code": "duplicate_value", "message": "x"}, Unsure),
        (500, {"code": "internal_error"}, Unsure),
        (503, b"<html>maintenance</html>", Unsure),
        (302, b"<html>You are being redirected</html>", Unsure),
        (200, b"<html>sign in</html>", Unsure),
        (200, [{"id": 1}], Unsure),
        (201, {"description": "no id"}, Unsure),
        (201, b'{"id": 4954', Unsure),
    ],
)
def test_each_answer_to_a_create_call_tells_whether_it_may_have_been_done(status, body, error, answering, a_draft):
    server = answering((status, body))

    with pytest.raises(error) as caught:
        open_one(server, a_draft)

    assert type(caught.value) is error
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed(answering, a_draft):
    server = answering((301, b"moved", {"Location": "/api/v2/tickets?elsewhere"}), (200, []))

    with pytest.raises(Unsure):
        open_one(server, a_draft)

    assert len(server.asked) == 1


def test_a_throttled_account_is_told_how_long_to_wait(answering, a_draft):
    server = answering((429, b"You have exceeded the limit", {"Retry-After": "9", "X-RateLimit-Remaining": "180"}))

    with pytest.raises(Throttled) as caught:
        open_one(server, a_draft)

    assert caught.value.retry_after == 9


def test_a_refused_field_is_named_without_what_the_customer_wrote(answering, recorded, a_draft):
    server = answering((400, recorded("error_bodies")[0]["body"]))

    with pytest.raises(Refused) as caught:
        open_one(server, a_draft)

    assert caught.value.field_errors == ("status: datatype_mismatch",)
    assert "Value set" not in str(caught.value)


def test_no_error_shows_the_key_or_the_customer(answering, a_draft):
    server = answering((400, {"errors": [{"field": "email", "code": "invalid_value", "message": "ana@example.com"}]}))

    with pytest.raises(Refused) as caught:
        open_one(server, a_draft)

    assert "the-secret-key" not in f"{caught.value} {server.account!r}"
    assert "ana@example.com" not in str(caught.value)


def test_only_tickets_with_our_key_are_found_oldest_first_over_all_pages(answering, recorded, a_draft):
    later = a_ticket(recorded, "pkt_1", 3, created_at="2026-03-06T09:02:00Z")
    first = a_ticket(recorded, "pkt_1", 2, created_at="2026-03-06T09:01:00Z")
    server = answering(
        (200, [later, a_ticket(recorded, "pkt_12", 1)], {"Link": '<https://x/api/v2/tickets?page=2>; rel="next"'}),
        (200, [first, a_ticket(recorded, None, 4)]),
    )

    found = make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE)

    assert [ref.ticket_id for ref in found] == ["2", "3"]
    assert query(server.asked[0]) == {
        "email": "ana@example.com",
        "updated_since": "2026-03-06T08:55:00Z",
        "order_by": "created_at",
        "order_type": "asc",
        "per_page": "100",
        "page": "1",
    }
    assert query(server.asked[1])["page"] == "2"


def test_a_customer_freshdesk_never_saw_has_no_ticket(answering, a_draft):
    server = answering((400, NO_CONTACT))

    assert make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE) == ()


def test_another_refusal_of_the_list_is_not_taken_for_absence(answering, a_draft):
    server = answering((400, {"errors": [{"field": "updated_since", "code": "invalid_value"}]}))

    with pytest.raises(Refused):
        make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE)


def test_a_customer_without_an_address_is_looked_for_among_everybody_too(answering, recorded, a_draft):
    server = answering((200, []), (200, [a_ticket(recorded, "pkt_1")]))
    draft = a_draft(requester=Requester("Ana", phone="+34600000000"))

    (found,) = make(server.account).find_tickets(draft, key="pkt_1", since=SINCE)

    assert found.ticket_id == "49548"
    assert query(server.asked[0])["unique_external_id"] == "pkt_1"
    assert "unique_external_id" not in query(server.asked[1])


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b"", Unauthorized),
        (200, b"<html>", Unavailable),
        (200, {"results": []}, Unavailable),
        (500, b"", Unavailable),
    ],
)
def test_a_list_that_cannot_be_read_is_not_an_empty_list(status, body, error, answering, a_draft):
    server = answering((status, body))

    with pytest.raises(error):
        make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE)


def test_the_packet_is_added_as_a_private_note(answering, recorded, a_draft):
    server = answering((200, []), (201, recorded("conversations")[0]))

    make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")

    assert server.asked[0].path.startswith("/api/v2/tickets/49548/conversations?")
    assert server.asked[1].path == "/api/v2/tickets/49548/notes"
    assert json.loads(server.asked[1].body) == {
        "body": "<p>Why: two failed look-ups</p><p>Customer: where is it?</p><p>Baton reference: pkt_1</p>",
        "private": True,
    }


def test_a_note_that_is_there_already_on_the_second_page_is_not_added_again(answering, recorded, a_draft):
    note, reply = recorded("conversations")
    ours = {**note, "body": "<p>Why</p><p>Baton reference: pkt_1</p>"}
    server = answering((200, [reply] * 30), (200, [ours]))

    make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")

    assert [request.method for request in server.asked] == ["GET", "GET"]


def test_a_long_note_carries_the_transcript_as_a_file(answering, recorded, a_draft):
    server = answering((200, []), (201, recorded("conversations")[0]))

    make(server.account).complete_ticket(REF, a_draft(note_html="x" * 70_000), key="pkt_1")

    request = server.asked[1]
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="attachments[]"; filename="transcript.txt"' in request.body
    assert b"Customer: where is it?\n" in request.body
    assert b'name="private"\r\n\r\ntrue' in request.body
    assert b"Baton reference: pkt_1" in request.body


def test_a_note_whose_answer_is_lost_may_have_been_added(answering, a_draft):
    server = answering((200, []), (500, b""))

    with pytest.raises(Unsure):
        make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")


def test_an_update_keeps_the_tags_that_are_there_and_looks_again(answering, recorded):
    before = recorded("ticket_2025_current_shape")
    after = {**before, "tags": ["test-tag", "gold"], "priority": 4}
    server = answering((200, before), (200, after), (200, after))

    make(server.account).update_ticket(REF, TicketUpdate(Priority.CRITICAL, tags=("gold",)))

    assert [request.method for request in server.asked] == ["GET", "PUT", "GET"]
    assert json.loads(server.asked[1].body) == {"priority": 4, "tags": ["test-tag", "gold"]}


def test_an_update_whose_answer_is_lost_may_simply_be_done_again(answering, recorded):
    server = answering((200, recorded("ticket_2025_current_shape")), (502, b"<html>"))

    with pytest.raises(Unavailable):
        make(server.account).update_ticket(REF, TicketUpdate(Priority.CRITICAL))


def test_tags_an_agent_overwrote_are_added_to_the_agents(answering, recorded):
    before = recorded("ticket_2025_current_shape")
    overwritten = {**before, "tags": ["agents"]}
    both = {**before, "tags": ["agents", "gold"]}
    server = answering((200, before), (200, before), (200, overwritten), (200, both), (200, both))

    make(server.account).update_ticket(REF, TicketUpdate(tags=("gold",)))

    assert json.loads(server.asked[3].body) == {"tags": ["agents", "gold"]}
    assert len(server.asked) == 5


def test_tags_that_never_stick_are_told_and_left_for_later(answering, recorded):
    server = answering((200, recorded("ticket_2025_current_shape")))

    with pytest.raises(Unavailable, match="overwritten again and again"):
        make(server.account).update_ticket(REF, TicketUpdate(tags=("gold",)))


def test_an_update_that_is_there_writes_nothing(answering, recorded):
    server = answering((200, recorded("ticket_2025_current_shape")))

    make(server.account).update_ticket(REF, TicketUpdate(Priority.NORMAL, tags=("test-tag",)))

    assert [request.method for request in server.asked] == ["GET"]


def test_a_ticket_is_read_with_its_times(answering, recorded):
    server = answering((200, {**recorded("ticket_with_stats"), "status": 4}))

    state = make(server.account).read_ticket("1")

    assert query(server.asked[0]) == {"include": "stats"}
    assert state.ref == TicketRef("1", f"{server.account.base_url}/a/tickets/1")
    assert state.status is TicketStatus.SOLVED
    assert state.first_human_reply_at == datetime(2020, 6, 17, 20, 23, 43, tzinfo=UTC)


def test_a_ticket_that_is_not_there_is_refused_though_the_body_is_empty(answering):
    with pytest.raises(Refused) as caught:
        make(answering((404, b"")).account).read_ticket("7")

    assert not isinstance(caught.value, Unauthorized)


@pytest.mark.parametrize("ticket_id", ["", "7/../../agents", "7?include=x", "٣"])
def test_a_ticket_id_cannot_lead_to_another_address(ticket_id, answering):
    server = answering((200, {}))

    with pytest.raises(Refused):
        make(server.account).read_ticket(ticket_id)

    assert server.asked == []


def test_an_account_that_cannot_work_says_what_is_missing(field_map):
    with pytest.raises(ValueError, match="helpdesk 'desk': Freshdesk needs an `api_key`"):
        make(HelpdeskAccount("desk", "freshdesk", "https://acme.freshdesk.com", field_map=field_map))
    with pytest.raises(ValueError, match="helpdesk 'desk': the field map names no custom field for packet_id"):
        make(HelpdeskAccount("desk", "freshdesk", "https://acme.freshdesk.com", {"api_key": "x"}))


# What changed, and what the customer thought of it


def test_tickets_of_ours_are_picked_from_all_that_changed_over_all_pages(answering, recorded):
    strangers = [a_ticket(recorded, None, number=n) for n in range(1, 101)]
    server = answering((200, strangers), (200, [a_ticket(recorded, "pkt_1", status=4)]))

    (state,) = make(server.account).changed_since(SINCE)

    assert (state.packet_id, state.status) == ("pkt_1", TicketStatus.SOLVED)
    asked = query(server.asked[0])
    assert (asked["updated_since"], asked["order_by"], asked["order_type"]) == (
        "2026-03-06T09:00:00Z",
        "updated_at",
        "asc",
    )
    assert query(server.asked[1])["page"] == "2"


@pytest.mark.parametrize(
    ("score", "rating"),
    [(103, Rating.GOOD), (101, Rating.GOOD), (100, Rating.NEUTRAL), (-102, Rating.BAD), (5, None), ("good", None)],
)
def test_the_rating_of_a_ticket_that_is_over_is_read(score, rating, answering, recorded):
    older = {"created_at": "2026-03-01T00:00:00Z", "ratings": {"default_question": -103}}
    newest = {"created_at": "2026-03-02T00:00:00Z", "ratings": {"default_question": score}}
    server = answering((200, a_ticket(recorded, "pkt_1", status=5)), (200, [newest, older]))

    assert make(server.account).read_ticket("49548").rating is rating


def test_an_account_without_surveys_still_tells_the_ticket(answering, recorded):
    refused = (403, {"code": "require_feature", "message": "x"})
    server = answering((200, a_ticket(recorded, "pkt_1", status=4)), refused)

    state = make(server.account).read_ticket("49548")

    assert (state.status, state.rating) == (TicketStatus.SOLVED, None)


def test_an_open_ticket_costs_no_question_about_its_rating(answering, recorded):
    server = answering((200, a_ticket(recorded, "pkt_1", status=2)))

    make(server.account).read_ticket("49548")

    assert len(server.asked) == 1


def test_a_ticket_out_of_our_agents_reach_stops_nobody_elses(answering, a_draft):
    denied = (403, {"code": "access_denied", "message": "You are not authorized"})

    with pytest.raises(Unauthorized) as one_ticket:
        make(answering(denied).account).read_ticket("7")
    with pytest.raises(Unauthorized) as account:
        open_one(answering(denied), a_draft)

    assert (one_ticket.value.whole_account, account.value.whole_account) == (False, True)
