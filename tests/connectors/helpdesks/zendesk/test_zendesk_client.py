"""The client against a server that answers as told: what zenpy does badly, and what must not be believed."""

import base64
import json
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.helpdesks.zendesk import make
from packets.draft import Priority, Requester, TicketRef, TicketUpdate

NOW = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
CREATE = "POST /api/v2/tickets.json"
LIST = "GET /api/v2/tickets.json"
ME = {"GET /api/v2/users/me.json": (200, {"user": {"id": 26155588000101, "email": "baton@acme.example"}})}
MISS = {"x-idempotency-lookup": "miss"}
REF = TicketRef("35436", "u")
BODY = b'{"ticket": {"external_id":"pkt_1",  "custom_fields":[]}}'


@pytest.fixture
def created(fixture):
    return {"ticket": fixture("ticket_composed")["ticket"], "audit": fixture("audits_composed")["audits"][0]}


def rows(*tickets):
    return (200, {"tickets": list(tickets), "meta": {"has_more": False}, "links": {"next": None}})


def test_the_frozen_bytes_leave_with_their_key(answering, created):
    desk = answering({CREATE: (201, created, MISS)})

    ref = make(desk.account).open_ticket(BODY, key="pkt_1")

    [asked] = desk.asked
    assert (asked.body, asked.headers["Idempotency-Key"]) == (BODY, "pkt_1")
    assert asked.headers["Content-Type"] == "application/json"
    assert ref == TicketRef("35436", f"{desk.url}/agent/tickets/35436")


def test_basic_credentials_carry_the_token_suffix(answering, created):
    desk = answering({CREATE: (201, created, MISS)})

    make(desk.account).open_ticket(BODY, key="pkt_1")

    told = base64.b64decode(desk.asked[0].headers["Authorization"].removeprefix("Basic "))
    assert told == b"baton@acme.example/token:the-secret-token"


OAUTH = {"client_id": "c", "client_secret": "hush", "email": "old@acme.example", "api_token": "old"}


def test_oauth_comes_first_and_its_token_is_kept(answering, created):
    token = (200, {"access_token": "t1", "token_type": "bearer", "expires_in": 7200})
    desk = answering({"POST /oauth/tokens": token, CREATE: (201, created, MISS)}, credentials=OAUTH)
    helpdesk = make(desk.account)

    helpdesk.open_ticket(BODY, key="pkt_1")
    helpdesk.open_ticket(BODY, key="pkt_1")

    assert [asked.path for asked in desk.asked] == ["/oauth/tokens", "/api/v2/tickets.json", "/api/v2/tickets.json"]
    assert desk.asked[1].headers["Authorization"] == "Bearer t1"
    assert json.loads(desk.asked[0].body)["grant_type"] == "client_credentials"


def test_a_token_refused_early_is_renewed_once(answering, created):
    tokens = [(200, {"access_token": "t1"}), (200, {"access_token": "t2"})]
    answers = {"POST /oauth/tokens": tokens, CREATE: [(401, {"error": "invalid_token"}), (201, created, MISS)]}
    desk = answering(answers, credentials=OAUTH)

    make(desk.account).open_ticket(BODY, key="pkt_1")

    assert [a.headers["Authorization"] for a in desk.asked if "tickets" in a.path] == ["Bearer t1", "Bearer t2"]
    assert {a.body for a in desk.asked if "tickets.json" in a.path} == {BODY}


def test_a_wrong_oauth_client_is_unauthorized(answering):
    desk = answering({"POST /oauth/tokens": (401, {"error": "invalid_client"})}, credentials=OAUTH)

    with pytest.raises(Unauthorized, match="OAuth client"):
        make(desk.account).open_ticket(BODY, key="pkt_1")


@pytest.mark.parametrize("credentials", [{}, {"client_id": "c"}, {"email": "a@b.de"}, {"api_token": "x"}])
def test_an_account_without_a_credential_is_told_at_once(answering, credentials):
    desk = answering({}, credentials=credentials)

    with pytest.raises(ValueError, match="'desk': Zendesk needs `oauth"):
        make(desk.account)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"Number of allowed API requests per minute exceeded", {"Retry-After": "30", "Content-Type": "text/plain"}),
        ({"error": "APIRateLimitExceeded"}, {"Retry-After": "30"}),
    ],
)
def test_a_429_is_raised_at_once_and_never_slept_on(answering, body, headers):
    desk = answering({CREATE: (429, body, headers)})
    began = time.monotonic()

    with pytest.raises(Throttled) as caught:
        make(desk.account).open_ticket(BODY, key="pkt_1")

    assert (caught.value.retry_after, len(desk.asked)) == (30, 1)
    assert time.monotonic() - began < 2


def test_a_retry_after_in_the_form_of_a_date_is_understood(answering):
    desk = answering({CREATE: (429, b"", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})})

    with pytest.raises(Throttled) as caught:
        make(desk.account).open_ticket(BODY, key="pkt_1")

    assert caught.value.retry_after == 0


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<!doctype html><html>Log in</html>"),
        (201, b"<!doctype html>"),
        (302, b"", {"Location": "https://login.example/"}),
        (500, [{"title": "a list as an error body"}]),
        (503, b"<html>maintenance</html>", {"Retry-After": "30"}),
        (409, {"error": "DatabaseConflict", "description": "Database collision"}),
        (400, {"error": "IdempotentRequestError", "description": "Request parameters don't match"}),
        (409, {"error": "IdempotentRequestInProgress"}),
        (201, {"something": "else"}),
        (201, {"ticket": {"id": None}, "audit": {"events": []}}),
        (201, [1, 2]),
    ],
)
def test_a_create_nobody_can_be_sure_of_is_unsure_and_not_sent_again(answering, answer):
    desk = answering({CREATE: answer})

    with pytest.raises(Unsure):
        make(desk.account).open_ticket(BODY, key="pkt_1")

    assert len(desk.asked) == 1


@pytest.mark.parametrize(("status", "error"), [(400, "IdempotentRequestError"), (409, "IdempotentRequestInProgress")])
def test_a_key_that_met_another_body_is_of_no_more_use(answering, status, error):
    desk = answering({CREATE: (status, {"error": error})})

    with pytest.raises(Unsure) as caught:
        make(desk.account).open_ticket(BODY, key="pkt_1")

    assert caught.value.key_is_spent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_an_error_body_that_is_a_list_is_still_a_refusal(answering, status):
    desk = answering({CREATE: (status, [{"code": "x"}])})

    with pytest.raises(Refused):
        make(desk.account).open_ticket(BODY, key="pkt_1")


def test_a_404_from_the_web_site_stops_the_account(answering):
    desk = answering({CREATE: (404, b"<html>Oops, this help center no longer exists</html>")})

    with pytest.raises(Unauthorized, match="no such account; check base_url"):
        make(desk.account).open_ticket(BODY, key="pkt_1")


def test_the_known_error_bodies_are_refusals_that_name_their_fields(answering, fixture):
    entries = [e for e in fixture("error_bodies") if e["status"] == 422]
    told = []
    for entry in entries:
        desk = answering({CREATE: (422, entry["body"])})
        with pytest.raises(Refused) as caught:
            make(desk.account).open_ticket(BODY, key="pkt_1")
        told.append(caught.value.field_errors)

    assert told == [
        ("status: closed prevents ticket update",),
        ("requester: UserSuspended, is suspended",),
        ("AttachmentUnprocessable",),
    ]


def test_without_word_of_the_key_the_tickets_are_looked_up_and_the_oldest_kept(answering, created, caplog):
    ours = created["ticket"]
    desk = answering({CREATE: (201, created), LIST: rows({**ours, "id": 35437}, {**ours, "id": 35400})})

    ref = make(desk.account).open_ticket(BODY, key="pkt_1")

    assert ref.ticket_id == "35400"
    assert [r.message for r in caplog.records] == ["zendesk_idempotency_not_honoured", "zendesk_ticket_doubled"]


def test_the_ticket_just_made_is_kept_when_that_look_up_fails(answering, created):
    desk = answering({CREATE: (201, created), LIST: (500, b"")})

    assert make(desk.account).open_ticket(BODY, key="pkt_1").ticket_id == "35436"


def test_a_field_zendesk_dropped_is_logged_by_its_number(answering, created, caplog):
    body = b'{"ticket":{"custom_fields":[{"id":900002,"value":"words of the customer"}]}}'
    desk = answering({CREATE: (201, created, MISS)})

    make(desk.account).open_ticket(body, key="pkt_1")

    [record] = caplog.records
    assert (record.message, record.fields) == ("zendesk_fields_not_kept", [900002])
    assert "words of the customer" not in caplog.text


def test_a_look_up_escapes_the_key_and_checks_each_row(answering, fixture, a_draft):
    ours = {**fixture("ticket_composed")["ticket"], "external_id": "a b&c=d"}
    desk = answering({LIST: rows(ours, {**ours, "id": 9, "external_id": "another"}, {**ours, "id": 10})})

    found = make(desk.account).find_tickets(a_draft(), key="a b&c=d", since=NOW)

    assert [ref.ticket_id for ref in found] == ["10", "35436"]
    assert "external_id=a%20b%26c%3Dd" in desk.asked[0].path


def test_a_list_that_ignored_the_filter_is_not_believed(answering, fixture, a_draft):
    other = {**fixture("ticket_composed")["ticket"], "external_id": "another"}
    desk = answering({LIST: rows(other)})

    with pytest.raises(Unavailable, match="ignored external_id"):
        make(desk.account).find_tickets(a_draft(), key="pkt_1", since=NOW)


def test_an_empty_list_is_no_ticket(answering, a_draft):
    desk = answering({LIST: rows()})

    assert make(desk.account).find_tickets(a_draft(), key="pkt_1", since=NOW) == ()


def test_the_next_page_is_read_from_our_address_whatever_the_answer_says(answering, fixture, a_draft):
    ours = fixture("ticket_composed")["ticket"]
    more = {"meta": {"has_more": True}, "links": {"next": "https://evil.example/api/v2/tickets.json?page[after]=x"}}
    desk = answering({LIST: [(200, {"tickets": [{**ours, "id": 2}], **more}), rows({**ours, "id": 1})]})

    found = make(desk.account).find_tickets(a_draft(), key="pkt_1", since=NOW)

    assert [ref.ticket_id for ref in found] == ["1", "2"]


@pytest.mark.parametrize("body", [b"<html></html>", {"unexpected": True}, {"tickets": "x"}, [1], b""])
def test_a_list_that_is_none_is_unavailable_and_not_empty(answering, body, a_draft):
    desk = answering({LIST: (200, body)})

    with pytest.raises(Unavailable):
        make(desk.account).find_tickets(a_draft(), key="pkt_1", since=NOW)


def test_a_customer_who_gives_our_own_address_is_not_made_us(answering, a_draft):
    desk = answering(ME)
    helpdesk = make(desk.account)

    body = helpdesk.prepare(a_draft(requester=Requester("Mallory", "baton@acme.example")), key="pkt_1")

    assert json.loads(body)["ticket"]["requester"]["email"] == "pkt_1@customer.invalid"


@pytest.mark.parametrize("key", ["", "pkt\n1", "pkt_é", "x" * 256])
def test_a_key_that_no_header_takes_is_refused(answering, a_draft, key):
    with pytest.raises(Refused, match="printable ASCII"):
        make(answering({}).account).prepare(a_draft(), key=key)


AUDITS = "GET /api/v2/tickets/35436/audits.json"
SHOW = "GET /api/v2/tickets/35436.json"


def upload(token):
    told = {
        "upload": {"token": token, "expires_at": "2026-03-09T09:00:00Z", "attachment": {"id": 1}, "attachments": []}
    }
    return (201, json.dumps(told).encode(), {"Content-Type": "text/plain; charset=utf-8"})


@pytest.fixture
def too_long(a_draft):
    return a_draft(note_html="x" * 70_000)


def test_a_transcript_that_does_not_fit_is_attached_with_a_marker(answering, fixture, created, too_long):
    unmarked = {**fixture("audits_composed"), "audits": fixture("audits_composed")["audits"][:1]}
    put = (200, created)
    desk = answering(
        {AUDITS: (200, unmarked), "POST /api/v2/uploads.json": upload("tok1"), "PUT /api/v2/tickets/35436.json": put}
    )

    make(desk.account).complete_ticket(REF, too_long, key="pkt_1")

    _, uploaded, changed = desk.asked
    assert (uploaded.path, uploaded.body) == (
        "/api/v2/uploads.json?filename=transcript.txt",
        b"Customer: where is it?\n",
    )
    ticket = json.loads(changed.body)["ticket"]
    assert (ticket["comment"]["public"], ticket["comment"]["uploads"]) == (False, ["tok1"])
    assert ticket["metadata"] == {"baton": "files:pkt_1"}


def test_a_marked_ticket_is_complete(answering, fixture, too_long):
    desk = answering({AUDITS: (200, fixture("audits_composed"))})

    make(desk.account).complete_ticket(REF, too_long, key="pkt_1")

    assert len(desk.asked) == 1


def test_a_note_that_fitted_needs_no_look(answering, a_draft):
    desk = answering({})

    make(desk.account).complete_ticket(REF, a_draft(), key="pkt_1")

    assert desk.asked == []


def test_an_update_sets_what_differs_and_no_status(answering, fixture, created):
    desk = answering(
        {
            **ME,
            SHOW: (200, fixture("ticket_composed")),
            AUDITS: (200, fixture("audits_composed")),
            "PUT /api/v2/tickets/35436.json": (200, created),
            "PUT /api/v2/tickets/35436/tags.json": (200, {"tags": ["baton", "orders", "gold"]}),
        }
    )
    update = TicketUpdate(Priority.CRITICAL, tags=("gold", "baton"), fields={"tier": "platinum"})

    make(desk.account).update_ticket(REF, update)

    ticket, tags = [json.loads(a.body) for a in desk.asked if a.method == "PUT"]
    assert ticket["ticket"] == {
        "id": 35436,
        "priority": "urgent",
        "custom_fields": [{"id": 900004, "value": "platinum"}],
        "safe_update": True,
        "updated_stamp": "2026-03-06T10:15:00Z",
    }
    assert tags == {"tags": ["gold"]}


@pytest.mark.parametrize("answer", [(500, b""), (409, {"error": "DatabaseConflict"}), (200, b"<html>")])
def test_an_update_nobody_is_sure_of_may_be_done_again(answering, fixture, answer):
    desk = answering(
        {
            **ME,
            SHOW: (200, fixture("ticket_composed")),
            AUDITS: (200, fixture("audits_composed")),
            "PUT /api/v2/tickets/35436.json": answer,
        }
    )

    with pytest.raises(Unavailable):
        make(desk.account).update_ticket(REF, TicketUpdate(Priority.CRITICAL))


def user(number, role):
    return (200, {"user": {"id": number, "role": role, "name": "x"}})


@pytest.mark.parametrize(
    ("role", "reply"),
    [
        ("agent", datetime(2026, 3, 6, 9, 5, tzinfo=UTC)),
        ("admin", datetime(2026, 3, 6, 9, 5, tzinfo=UTC)),
        ("end-user", None),
    ],
)
def test_the_first_reply_is_the_first_public_word_of_staff(answering, fixture, role, reply):
    answers = {SHOW: (200, fixture("ticket_composed")), AUDITS: (200, fixture("audits_composed")), **ME}
    desk = answering({**answers, "GET /api/v2/users/26155588000102.json": user(26155588000102, role)})

    state = make(desk.account).read_ticket("35436")

    assert state.first_human_reply_at == reply


def test_a_ticket_that_is_not_there_is_refused(answering):
    with pytest.raises(Refused):
        make(answering({}).account).read_ticket("35436")


@pytest.mark.parametrize("ticket_id", ["", "1/../users", "١", "-1", "1" * 30])
def test_an_id_that_is_no_number_is_never_sent(answering, ticket_id):
    desk = answering({})

    with pytest.raises(Refused, match="not a number"):
        make(desk.account).read_ticket(ticket_id)
    assert desk.asked == []


def test_nothing_zenpy_would_log_reaches_the_log(answering, created, caplog):
    caplog.set_level(logging.DEBUG)
    desk = answering({CREATE: (201, created, MISS), LIST: rows(created["ticket"])})
    helpdesk = make(desk.account)

    helpdesk.open_ticket(BODY, key="pkt_1")
    helpdesk._find("pkt_1")

    assert "A-17" not in caplog.text
    assert "the-secret-token" not in caplog.text


def test_the_look_up_wait_may_be_set_per_account(answering):
    assert make(answering({}).account).capabilities.lookup_after == timedelta(seconds=120)
    quick = answering({}, lookup_after=timedelta(seconds=1)).account
    assert make(quick).capabilities.lookup_after == timedelta(seconds=1)


@pytest.mark.parametrize("error", [{"title": "Forbidden", "message": "You do not have access"}, "Forbidden"])
def test_a_ticket_out_of_our_users_reach_stops_nobody_elses(answering, error):
    denied = (403, {"error": error})
    desk = answering({"GET /api/v2/tickets/35436.json": denied, CREATE: denied})

    with pytest.raises(Unauthorized) as one_ticket:
        make(desk.account).read_ticket("35436")
    with pytest.raises(Unauthorized) as account:
        make(desk.account).open_ticket(BODY, key="pkt_1")

    assert (one_ticket.value.whole_account, account.value.whole_account) == (False, True)


def test_a_credential_that_is_no_longer_good_stops_the_account_whichever_ticket_it_was(answering):
    desk = answering({"GET /api/v2/tickets/35436.json": (401, {"error": "Couldn't authenticate you"})})

    with pytest.raises(Unauthorized) as caught:
        make(desk.account).read_ticket("35436")

    assert caught.value.whole_account


def test_an_earlier_ticket_out_of_reach_is_followed_by_name_alone(answering, a_draft):
    denied = (403, {"error": "Forbidden"})
    nobody = (200, {"users": []})
    desk = answering({**ME, "GET /api/v2/users/search.json": nobody, "GET /api/v2/tickets/35436.json": denied})

    body = make(desk.account).prepare(a_draft(follows=REF), key="pkt_2")

    assert "via_followup_source_id" not in json.loads(body)["ticket"]
