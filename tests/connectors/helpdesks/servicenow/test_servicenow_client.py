"""The ServiceNow client against an instance on loopback that answers as the real one is documented or was seen to."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors import oauth
from connectors.errors import Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.helpdesks.servicenow import client, make
from connectors.ports import FieldMap, HelpdeskAccount
from packets.draft import Priority, Requester, TicketRef, TicketStatus, TicketUpdate

SINCE = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
SYS_ID = "c537bae64f411200adf9f8e18110c76e"
CALLER = "681ccaf9c0a8016400b98a06818d57c7"
GUEST = "ba710000000000000000000000000004"
REF = TicketRef(SYS_ID, "https://acme.service-now.com/x", "INC0010002")
INCIDENTS = "/api/now/table/incident"
ONE = f"{INCIDENTS}/{SYS_ID}"
USERS = "/api/now/table/sys_user"
JOURNAL = "/api/now/table/sys_journal_field"
FILES = "/api/now/attachment"


def rows(*found):
    return 200, {"result": list(found)}


def an_entry(text, by="dana", at="2026-03-06 09:10:00", element="comments", of=SYS_ID):
    return {"element_id": of, "element": element, "value": text, "sys_created_on": at, "sys_created_by": by}


OUR_NOTE = an_entry("Why\n\nBaton reference: pkt_1", by="baton", element="work_notes")


def test_the_caller_is_the_one_user_with_that_address(answering, a_draft):
    server = answering({f"GET {USERS}": rows({"sys_id": CALLER, "email": "Ana@example.com", "active": "true"})})

    body = json.loads(make(server.account).prepare(a_draft(), key="pkt_1"))

    assert body["caller_id"] == CALLER
    assert "Customer:" not in body["description"]
    assert server.asked[0].query["sysparm_query"] == "email=ana@example.com^active=true"
    assert server.asked[0].query["sysparm_limit"] == "2"


@pytest.mark.parametrize(
    "answer",
    [
        rows(),
        rows({"sys_id": CALLER, "email": "somebody.else@example.com"}),  # the query was ignored
        rows({"sys_id": CALLER, "email": "ana@example.com"}, {"sys_id": GUEST, "email": "ana@example.com"}),
        rows({"sys_id": CALLER}),
        (403, {"error": {"message": "Operation Failed", "detail": "ACL"}, "status": "failure"}),
    ],
)
def test_a_caller_who_is_not_known_for_certain_is_the_guest_named_in_the_description(answer, answering, a_draft):
    server = answering({f"GET {USERS}": answer})

    body = json.loads(make(server.account).prepare(a_draft(), key="pkt_1"))

    assert body["caller_id"] == GUEST
    assert "Customer: Ana Ruiz" in body["description"]


@pytest.mark.parametrize("email", [None, "a^b@example.com", "javascript:x"])
def test_an_address_that_cannot_stand_in_a_query_asks_nobody(email, answering, a_draft):
    server = answering({})

    make(server.account).prepare(a_draft(requester=Requester("Ana", email=email)), key="pkt_1")

    assert server.asked == []


def test_a_look_up_that_fails_is_tried_again_later_and_not_guessed(answering, a_draft, hibernating_page):
    server = answering({f"GET {USERS}": (200, hibernating_page)})

    with pytest.raises(Unavailable):
        make(server.account).prepare(a_draft(), key="pkt_1")


def open_one(server):
    return make(server.account).open_ticket(b'{"correlation_id": "pkt_1"}', key="pkt_1")


def test_an_incident_is_opened_with_the_stored_bytes(answering, recorded):
    created = recorded("incident_create_201")
    server = answering({f"POST {INCIDENTS}": (201, created, {"Set-Cookie": "JSESSIONID=1; Path=/"})})
    desk = make(server.account)

    ref = desk.open_ticket(b'{"correlation_id": "pkt_1"}', key="pkt_1")
    desk.open_ticket(b'{"correlation_id": "pkt_2"}', key="pkt_2")

    first, second = server.asked
    assert (ref.ticket_id, ref.number) == (SYS_ID, "INC0010002")
    assert first.body == b'{"correlation_id": "pkt_1"}'
    assert first.headers["Authorization"].startswith("Basic ")
    assert first.headers["Accept"] == "application/json"
    assert "Cookie" not in second.headers  # a kept session would make our workers wait for each other


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Refused), (401, Unauthorized), (403, Refused), (404, Refused), (409, Unsure), (500, Unsure), (503, Unsure)],
)
def test_each_status_tells_whether_the_incident_may_be_there(status, error, answering):
    body = {"error": {"message": "x", "detail": "about Ana"}, "status": "failure"}
    server = answering({f"POST {INCIDENTS}": (status, body)})

    with pytest.raises(error) as caught:
        open_one(server)

    assert type(caught.value) is error
    assert "Ana" not in str(caught.value)
    assert len(server.asked) == 1


def test_a_success_that_is_none_may_still_have_opened_the_incident(answering, recorded, hibernating_page):
    created = recorded("incident_create_201")
    cancelled = next(row["body"] for row in recorded("error_bodies") if row["status"] == 200)
    answers = [
        (200, hibernating_page),
        (200, cancelled),
        (201, {**created, **cancelled}),
        (201, json.dumps(created).encode()[:-1] + json.dumps(cancelled).encode()),
        (201, b""),
        (201, {"result": {}}),
        (201, {"result": [{"sys_id": SYS_ID}]}),
        (302, b"<html>log in</html>"),
    ]

    for answer in answers:
        with pytest.raises(Unsure):
            open_one(answering({f"POST {INCIDENTS}": answer}))


def test_a_business_rule_that_refuses_is_named(answering, recorded):
    body = recorded("error_bodies")[3]["body"]

    with pytest.raises(Refused, match="business rule 'Example rule'") as caught:
        open_one(answering({f"POST {INCIDENTS}": (403, body)}))

    assert type(caught.value) is Refused


@pytest.mark.parametrize(("headers", "wait"), [({"Retry-After": "1200"}, 1200), ({}, 60)])
def test_a_throttled_instance_is_left_alone_whether_it_says_how_long_or_not(headers, wait, answering, recorded):
    server = answering({f"POST {INCIDENTS}": (429, recorded("error_429_rate_limit_rule"), headers)})

    with pytest.raises(Throttled) as caught:
        open_one(server)

    assert caught.value.retry_after == wait


def test_what_the_instance_dropped_or_rated_otherwise_is_logged_by_column(answering, recorded, caplog):
    server = answering({f"POST {INCIDENTS}": (201, recorded("incident_create_201"))})  # impact 2, urgency 2, priority 3
    body = {"correlation_id": "pkt_1", "impact": "1", "urgency": "1", "u_tier": "gold", "work_notes": "secret words"}

    make(server.account).open_ticket(json.dumps(body).encode(), key="pkt_1")

    logged = {record.message: record for record in caplog.records}
    assert logged["servicenow_columns_dropped"].fields == ["correlation_id", "u_tier"]
    assert "servicenow_priority_differs" in logged
    assert "secret words" not in caplog.text


def test_incidents_are_found_by_correlation_id_and_each_row_is_checked(answering, a_draft):
    found = {
        "sys_id": SYS_ID,
        "number": "INC0010002",
        "correlation_id": "pkt_1",
        "sys_created_on": "2026-03-06 09:00:00",
    }
    server = answering({f"GET {INCIDENTS}": rows(found)})

    refs = make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE)

    assert [(ref.ticket_id, ref.number) for ref in refs] == [(SYS_ID, "INC0010002")]
    assert server.asked[0].query["sysparm_query"] == "correlation_id=pkt_1^ORDERBYsys_created_on"
    assert server.asked[0].query["sysparm_limit"] == "2"
    assert "correlation_id" in server.asked[0].query["sysparm_fields"].split(",")


def test_no_row_means_no_incident(answering, recorded, a_draft):
    server = answering({f"GET {INCIDENTS}": (200, recorded("table_list_empty_200"))})

    assert make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE) == ()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (rows({"sys_id": SYS_ID, "number": "INC1"}), Refused),
        (rows({"sys_id": SYS_ID, "correlation_id": "other"}, {"sys_id": CALLER, "correlation_id": ""}), Refused),
        ((200, {"result": [], "error": {"message": "Transaction cancelled"}}), Unavailable),
        ((200, {"result": {}}), Unavailable),
        ((500, b""), Unavailable),
    ],
)
def test_a_look_up_that_did_not_look_is_not_taken_for_absence(answer, error, answering, a_draft):
    server = answering({f"GET {INCIDENTS}": answer})

    with pytest.raises(error):
        make(server.account).find_tickets(a_draft(), key="pkt_1", since=SINCE)


def asked_to_change(server):
    return [request for request in server.asked if not request.where.startswith("GET")]


def test_a_note_that_travelled_with_the_incident_is_not_written_again(answering, a_draft):
    server = answering({f"GET {JOURNAL}": rows(OUR_NOTE)})

    make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")

    assert asked_to_change(server) == []


def test_a_note_that_is_missing_is_written(answering, recorded, a_draft):
    other = an_entry("Baton reference: pkt_1", element="work_notes", of="2" * 32)
    server = answering({f"GET {JOURNAL}": rows(other), f"PATCH {ONE}": (200, recorded("incident_patch_200"))})

    make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")

    (request,) = asked_to_change(server)
    assert json.loads(request.body)["work_notes"].endswith("Baton reference: pkt_1")


def test_a_note_whose_answer_is_lost_may_have_been_written(answering, a_draft):
    server = answering({f"GET {JOURNAL}": rows(), f"PATCH {ONE}": (502, b"<html>")})

    with pytest.raises(Unsure):
        make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")


def test_a_journal_nobody_may_read_does_not_make_us_repeat_the_note(answering, a_draft, caplog):
    server = answering({f"GET {JOURNAL}": (403, {"error": {"message": "x", "detail": "ACL"}})})

    make(server.account).complete_ticket(REF, a_draft(), key="pkt_1")

    assert asked_to_change(server) == []
    assert "servicenow_journal_unreadable" in caplog.text


def test_a_long_packet_has_its_transcript_attached_once(answering, recorded, a_draft):
    draft = a_draft(note_text="x" * 40_000)
    there = {"sys_id": CALLER, "file_name": "transcript.txt", "table_sys_id": SYS_ID}
    server = answering(
        {
            f"GET {JOURNAL}": rows(OUR_NOTE),
            f"GET {FILES}": [(200, recorded("attachment_list_200")), rows(there)],
            f"POST {FILES}/file": (201, {"result": {"sys_id": CALLER, "file_name": "transcript.txt"}}),
        }
    )
    desk = make(server.account)

    desk.complete_ticket(REF, draft, key="pkt_1")
    desk.complete_ticket(REF, draft, key="pkt_1")

    (request,) = asked_to_change(server)
    assert request.query == {"table_name": "incident", "table_sys_id": SYS_ID, "file_name": "transcript.txt"}
    assert request.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert request.body == b"Customer: where is it?\n"


def test_an_update_writes_what_differs_and_never_the_priority(answering, recorded):
    patched = recorded("incident_patch_200")
    server = answering({f"GET {ONE}": (200, recorded("incident_get_200")), f"PATCH {ONE}": (200, patched)})

    make(server.account).update_ticket(REF, TicketUpdate(Priority.CRITICAL, tags=("gold",), fields={"tier": "gold"}))

    (request,) = asked_to_change(server)
    assert json.loads(request.body) == {"urgency": "1", "u_baton_tier": "gold", "u_baton_tags": "gold"}


def test_an_update_whose_answer_is_lost_may_simply_be_done_again(answering, recorded):
    server = answering({f"GET {ONE}": (200, recorded("incident_get_200")), f"PATCH {ONE}": (502, b"<html>")})

    with pytest.raises(Unavailable):
        make(server.account).update_ticket(REF, TicketUpdate(Priority.CRITICAL))


@pytest.mark.parametrize("what", ["prepare", "complete", "read"])
def test_a_credential_that_ends_is_told_wherever_it_is_noticed(what, answering, a_draft):
    no_longer = (401, {"error": {"message": "User is not authenticated"}, "status": "failure"})
    desk = make(
        answering({f"GET {USERS}": no_longer, f"GET {JOURNAL}": no_longer, f"GET {ONE}": an_incident()}).account
    )
    calls = {
        "prepare": lambda: desk.prepare(a_draft(), key="pkt_1"),
        "complete": lambda: desk.complete_ticket(REF, a_draft(), key="pkt_1"),
        "read": lambda: desk.read_ticket(SYS_ID),
    }

    with pytest.raises(Unauthorized):
        calls[what]()


def test_an_update_that_is_there_writes_nothing(answering):
    there = {"sys_id": SYS_ID, "impact": "1", "urgency": "1"}
    server = answering({f"GET {ONE}": (200, {"result": there})})

    make(server.account).update_ticket(REF, TicketUpdate(Priority.CRITICAL))

    assert [request.where for request in server.asked] == [f"GET {ONE}"]


def an_incident(**changes):
    row = {"sys_id": SYS_ID, "number": "INC0010002", "state": "2", "priority": "2", "caller_id": CALLER}
    return 200, {"result": {**row, "sys_created_by": "baton", "sys_updated_on": "2026-03-06 09:30:00", **changes}}


ANA = (200, {"result": {"sys_id": CALLER, "user_name": "ana"}})


def test_the_first_reply_is_the_first_comment_by_a_person_of_ours(answering):
    comments = rows(
        an_entry("by us", by="baton", at="2026-03-06 09:01:00"),
        an_entry("automatic", by="system", at="2026-03-06 09:02:00"),
        an_entry("by the customer", by="ana", at="2026-03-06 09:03:00"),
        an_entry("second", by="sam", at="2026-03-06 09:20:00"),
        an_entry("first", by="dana", at="2026-03-06 09:10:00"),
    )
    server = answering({f"GET {ONE}": an_incident(), f"GET {JOURNAL}": comments, f"GET {USERS}/{CALLER}": ANA})

    state = make(server.account).read_ticket(SYS_ID)

    assert state.first_human_reply_at == datetime(2026, 3, 6, 9, 10, tzinfo=UTC)
    assert (state.status, state.priority) == (TicketStatus.OPEN, Priority.HIGH)
    assert state.ref.number == "INC0010002"


@pytest.mark.parametrize(
    "routes",
    [
        {f"GET {JOURNAL}": rows(an_entry("x", by="ana")), f"GET {USERS}/{CALLER}": ANA},
        {f"GET {JOURNAL}": rows(an_entry("x"))},  # the caller's login may not be read: 404
        {f"GET {JOURNAL}": (403, {"error": {"message": "x", "detail": "ACL"}})},
        {f"GET {JOURNAL}": rows()},
    ],
)
def test_a_reply_that_cannot_be_told_is_not_claimed(routes, answering):
    server = answering({f"GET {ONE}": an_incident(), **routes})

    assert make(server.account).read_ticket(SYS_ID).first_human_reply_at is None


def test_an_incident_that_is_not_there_is_refused(answering, recorded):
    server = answering({f"GET {ONE}": (404, recorded("error_404_no_record"))})

    with pytest.raises(Refused) as caught:
        make(server.account).read_ticket(SYS_ID)

    assert type(caught.value) is Refused


@pytest.mark.parametrize("ticket_id", ["", "INC0010002", "../sys_user", SYS_ID + "?x"])
def test_a_ticket_id_cannot_lead_to_another_address(ticket_id, answering):
    server = answering({})

    with pytest.raises(Refused):
        make(server.account).read_ticket(ticket_id)

    assert server.asked == []


OAUTH = {"client_id": "baton", "client_secret": "the-client-secret"}


def test_a_token_is_fetched_once_and_renewed_once_when_refused(answering, recorded, a_draft):
    fresh = {**recorded("oauth_token_200"), "access_token": "second-token"}
    no_longer = (401, {"error": {"message": "User is not authenticated"}, "status": "failure"})
    server = answering(
        {
            "POST /oauth_token.do": [(200, recorded("oauth_token_200")), (200, fresh)],
            f"GET {INCIDENTS}": [rows(), no_longer, rows()],
        },
        **OAUTH,
    )
    desk = make(server.account)

    desk.find_tickets(a_draft(), key="pkt_1", since=SINCE)
    desk.find_tickets(a_draft(), key="pkt_1", since=SINCE)

    tokens = [r for r in server.asked if r.where == "POST /oauth_token.do"]
    assert tokens[0].body == b"grant_type=client_credentials&client_id=baton&client_secret=the-client-secret"
    assert len(tokens) == 2
    assert server.asked[1].headers["Authorization"] == "Bearer placeholder-access-token"
    assert server.asked[-1].headers["Authorization"] == "Bearer second-token"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, {"error": "invalid_client", "error_description": "the-client-secret"}), Unauthorized),
        ((500, b""), Unavailable),
        ((200, b"<html>hibernating"), Unavailable),
        ((200, {"access_token": ""}), Unavailable),
    ],
)
def test_without_a_token_nothing_is_sent_so_nothing_is_unsure(answer, error, answering):
    server = answering({"POST /oauth_token.do": answer}, **OAUTH)

    with pytest.raises(error) as caught:
        open_one(server)

    assert "the-client-secret" not in f"{caught.value} {server.account!r}"
    assert [request.where for request in server.asked] == ["POST /oauth_token.do"]


def test_an_account_without_credentials_says_what_is_missing():
    with pytest.raises(ValueError, match="helpdesk 'desk': ServiceNow needs"):
        make(HelpdeskAccount("desk", "servicenow", "https://acme.service-now.com"))


def test_a_field_map_that_cannot_work_says_what_is_wrong():
    field_map = FieldMap(fields={"tier": "priority"})
    credentials = {"user": "baton", "password": "x"}

    with pytest.raises(ValueError, match="helpdesk 'desk': the field map puts 'tier' into 'priority'"):
        make(HelpdeskAccount("desk", "servicenow", "https://acme.service-now.com", credentials, field_map))


def tagged(tags):
    return (200, {"result": {"sys_id": SYS_ID, "number": "INC1", "state": "2", "u_baton_tags": tags}})


def test_tags_that_somebody_overwrote_are_written_again(answering):
    server = answering(
        {
            f"GET {ONE}": [tagged("vip"), tagged("vip,mine"), tagged("vip,mine,baton")],
            f"PATCH {ONE}": [tagged("vip,baton"), tagged("vip,mine,baton")],
        }
    )

    make(server.account).update_ticket(TicketRef(SYS_ID, "u"), TicketUpdate(tags=("baton",)))

    written = [json.loads(r.body)["u_baton_tags"] for r in server.asked if r.method == "PATCH"]
    assert written == ["vip,baton", "vip,mine,baton"]


def test_tags_that_are_overwritten_again_and_again_are_tried_later(answering):
    server = answering({f"GET {ONE}": tagged("vip"), f"PATCH {ONE}": tagged("vip,baton")})

    with pytest.raises(Unavailable, match="again and again"):
        make(server.account).update_ticket(TicketRef(SYS_ID, "u"), TicketUpdate(tags=("baton",)))


def test_a_column_too_short_for_the_tags_is_told_and_not_tried_for_ever(answering, caplog):
    server = answering({f"GET {ONE}": tagged("vip"), f"PATCH {ONE}": tagged("vip,bat")})

    make(server.account).update_ticket(TicketRef(SYS_ID, "u"), TicketUpdate(tags=("baton",)))

    assert [record.message for record in caplog.records] == ["servicenow_tags_cut"]


def changed_rows(*rows):
    row = {"sys_id": SYS_ID, "number": "INC1", "state": "2", "sys_updated_on": "2026-03-06 09:00:00"}
    return (200, {"result": [{**row, "correlation_display": "Baton", **changes} for changes in rows]})


def test_what_changed_is_asked_in_utc_and_the_grain_of_a_second(answering):
    server = answering({"GET /api/now/table/incident": changed_rows({"correlation_id": "pkt_1"})})
    since = datetime(2026, 3, 6, 10, 0, 0, 700_000, tzinfo=timezone(timedelta(hours=1)))

    (state,) = make(server.account).changed_since(since)

    assert (state.packet_id, state.updated_at) == ("pkt_1", datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
    assert "^sys_updated_on>=2026-03-06 09:00:00^ORDERBYsys_updated_on" in server.asked[0].query["sysparm_query"]


def test_rows_of_others_among_what_changed_show_that_the_query_was_ignored(answering):
    server = answering({"GET /api/now/table/incident": changed_rows({"correlation_display": "Other"})})

    with pytest.raises(Refused, match="ignored our query"):
        make(server.account).changed_since(datetime(2026, 3, 6, tzinfo=UTC))


def test_a_note_is_not_added_where_the_journal_may_not_be_read(answering):
    server = answering({"GET /api/now/table/sys_journal_field": (403, {"error": {"message": "x"}})})

    with pytest.raises(Refused):
        make(server.account).update_ticket(TicketRef(SYS_ID, "u"), TicketUpdate(note="News", note_key="k-1"))

    assert [request.method for request in server.asked] == ["GET"]


def test_a_journal_full_of_other_incidents_entries_says_nothing_of_ours(answering):
    """The instance ignored the query: our note may stand behind the first page of everybody's."""
    others = [an_entry("Baton reference: k-9", element="work_notes", of="2" * 32)] * 500
    server = answering({f"GET {JOURNAL}": rows(*others)})

    with pytest.raises(Refused, match="ignored our query"):
        make(server.account).update_ticket(TicketRef(SYS_ID, "u"), TicketUpdate(note="News", note_key="k-1"))

    assert asked_to_change(server) == []


def test_a_note_of_ours_is_looked_for_among_the_newest_of_a_long_journal(answering):
    server = answering({f"GET {JOURNAL}": rows(an_entry("Baton reference: k-1", element="work_notes"))})

    make(server.account).update_ticket(TicketRef(SYS_ID, "u"), TicketUpdate(note="News", note_key="k-1"))

    (request,) = server.asked
    assert request.query["sysparm_query"].endswith("^ORDERBYDESCsys_created_on")


def test_a_token_is_not_waited_for_longer_than_the_right_to_renew_it_lasts(answering, monkeypatch):
    account = replace(answering({}).account, credentials={"client_id": "c", "client_secret": "s"})
    doors = []
    monkeypatch.setattr(client, "HardenedSession", lambda *_, deadline: doors.append(deadline))

    client.credential(replace(account, timeout=timedelta(seconds=60)))

    assert 2 * doors[0].total_seconds() < oauth.LEASE
