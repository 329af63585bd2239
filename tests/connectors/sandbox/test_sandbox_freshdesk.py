"""The Freshdesk sandbox is as strict, as bare and as silent as Freshdesk is said to be."""

from datetime import timedelta

import pytest

from connectors.sandbox.accounts import FRESHDESK_FIELD_NAMES, FRESHDESK_GROUP_IDS

TICKETS = "/api/v2/tickets"
KEY = FRESHDESK_FIELD_NAMES["packet_id"]


def ticket(**values):
    return {"email": "ana@example.com", "subject": "Order lost", "description": "<p>Help</p>", **values}


def created(freshdesk, **values):
    return freshdesk.post(TICKETS, ticket(**values)).json()


# Shapes


def test_a_created_ticket_is_bare_and_has_every_key_in_order(freshdesk, sample):
    answer = freshdesk.post(TICKETS, ticket(tags=["a"]))

    assert answer.status_code == 201
    assert list(answer.json()) == list(sample("freshdesk_ticket.json"))
    assert answer.headers["Location"] == f"{freshdesk.running.url}/api/v2/tickets/{answer.json()['id']}"


def test_what_is_not_sent_is_open_low_and_from_the_portal_and_has_no_due_time_yet(freshdesk):
    made = created(freshdesk)

    assert (made["status"], made["priority"], made["source"]) == (2, 1, 2)
    assert (made["due_by"], made["fr_due_by"]) == (None, None)


def test_the_description_is_html_with_a_plain_twin_and_nothing_harmful_left(freshdesk):
    made = created(freshdesk, description='<p data-key="x">Hi</p><script>bad()</script><!-- mark -->')

    assert (made["description"], made["description_text"]) == ("<p>Hi</p>", "Hi")


def test_custom_fields_are_an_object_with_every_field_of_the_account(freshdesk):
    made = created(freshdesk, custom_fields={KEY: "pkt_1"})

    assert set(made["custom_fields"]) == set(FRESHDESK_FIELD_NAMES.values())
    assert made["custom_fields"][KEY] == "pkt_1"
    assert made["custom_fields"][FRESHDESK_FIELD_NAMES["tier"]] is None


def test_every_answer_carries_the_rate_headers(freshdesk):
    answer = freshdesk.get(f"{TICKETS}/99")

    assert answer.headers["X-RateLimit-Total"] == "400"
    assert answer.headers["X-RateLimit-Remaining"] == "399"
    assert answer.headers["X-RateLimit-Used-CurrentRequest"] == "1"


# No


def test_a_wrong_key_is_a_401_with_a_code(freshdesk):
    answer = freshdesk.get(TICKETS, auth=("wrong", "X"))

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_the_password_beside_the_key_may_be_anything(freshdesk):
    assert freshdesk.get(TICKETS, auth=("sandbox-key", "whatever")).status_code == 200


@pytest.mark.parametrize("path", [f"{TICKETS}/99", "/api/v2/no_such_thing", "/nowhere"])
def test_a_missing_record_is_a_404_with_nothing_in_it(freshdesk, path):
    answer = freshdesk.get(path)

    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"status": "2"}, "status", "datatype_mismatch"),
        ({"priority": "high"}, "priority", "datatype_mismatch"),
        ({"priority": True}, "priority", "datatype_mismatch"),
        ({"status": 9}, "status", "invalid_value"),
        ({"source": 4}, "source", "invalid_value"),
        ({"type": "Riddle"}, "type", "invalid_value"),
        ({"group_id": "12"}, "group_id", "datatype_mismatch"),
        ({"group_id": 12}, "group_id", "invalid_value"),
        ({"tags": "a,b"}, "tags", "datatype_mismatch"),
        ({"tags": ["a", 1]}, "tags", "datatype_mismatch"),
        ({"custom_fields": {"cf_unknown": "x"}}, "cf_unknown", "invalid_field"),
        ({"custom_fields": {KEY: 5}}, KEY, "datatype_mismatch"),
        ({"external_id": "x"}, "external_id", "invalid_field"),
        ({"email": "nobody"}, "email", "invalid_value"),
        ({"email": None}, "requester_id", "missing_field"),
        ({"email": None, "phone": "+4912345"}, "name", "missing_field"),
        ({"subject": ""}, "subject", "missing_field"),
        ({"due_by": "2030-01-01T00:00:00Z", "fr_due_by": "2030-01-02T00:00:00Z"}, "fr_due_by", "invalid_value"),
        ({"due_by": "tomorrow"}, "due_by", "invalid_value"),
    ],
)
def test_one_wrong_field_refuses_the_whole_ticket_and_names_it(freshdesk, values, field, code):
    answer = freshdesk.post(TICKETS, ticket(**values))

    assert answer.status_code == 400
    assert answer.json()["description"] == "Validation failed"
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert freshdesk.tickets == []


def test_a_wrong_type_is_told_in_freshdesks_own_words(freshdesk):
    answer = freshdesk.post(TICKETS, ticket(status="2"))

    message = "Value set is of type String.It should be one of these values: '2,3,4,5,6,7'"
    assert answer.json()["errors"][0]["message"] == message


def test_everything_wrong_is_told_at_once(freshdesk):
    answer = freshdesk.post(TICKETS, {"status": "2", "colour": "red"})

    assert len(answer.json()["errors"]) == 5


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_object_is_refused_not_a_crash(freshdesk, body):
    answer = freshdesk.call("POST", TICKETS, data=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


# Multipart


def test_multipart_converts_numbers_and_lists_and_takes_files(freshdesk):
    form = [
        ("email", "zoe@example.com"),
        ("subject", "s"),
        ("description", "d"),
        ("priority", "4"),
        ("group_id", str(FRESHDESK_GROUP_IDS["billing"])),
        ("tags[]", "a"),
        ("tags[]", "b"),
        (f"custom_fields[{KEY}]", "12345"),
    ]
    files = [("attachments[]", ("one.txt", b"1", "text/plain")), ("attachments[]", ("two.txt", b"22", "text/plain"))]

    answer = freshdesk.call("POST", TICKETS, data=form, files=files)

    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert (made["priority"], made["tags"], made["custom_fields"][KEY]) == (4, ["a", "b"], "12345")
    assert [(f["name"], f["size"]) for f in made["attachments"]] == [("one.txt", 1), ("two.txt", 2)]
    assert freshdesk.tickets[0]["group"] == "billing"


def test_a_description_of_two_megabytes_fits_into_a_form(freshdesk):
    form = {"email": "zoe@example.com", "subject": "s", "description": "x" * 2_000_000}

    answer = freshdesk.call("POST", TICKETS, data=form, files={"attachments[]": ("a.txt", b"1", "text/plain")})

    assert answer.status_code == 201
    assert len(freshdesk.tickets[0]["public_texts"][0]) == 2_000_000


# Requesters


def test_a_contact_is_found_by_email_or_made(freshdesk):
    first = created(freshdesk, email="zoe@example.com", name="Zoe")
    second = created(freshdesk, email="Zoe@Example.com")

    assert first["requester_id"] == second["requester_id"]
    assert freshdesk.tickets[1]["requester"]["name"] == "Zoe"


def test_unique_external_id_names_the_contact_not_the_ticket(freshdesk):
    first = created(freshdesk, email=None, unique_external_id="cust-7", name="Zoe")
    second = created(freshdesk, email=None, unique_external_id="cust-7")

    assert first["id"] != second["id"]
    assert first["requester_id"] == second["requester_id"]


# Updates and notes


def test_an_update_changes_what_it_names_and_replaces_tags(freshdesk):
    made = created(freshdesk, tags=["a", "b"])

    changed = freshdesk.put(f"{TICKETS}/{made['id']}", {"priority": 4, "tags": ["c"]}).json()

    assert (changed["subject"], changed["priority"], changed["tags"]) == ("Order lost", 4, ["c"])


def test_a_note_is_private_unless_it_says_otherwise(freshdesk):
    path = f"{TICKETS}/{created(freshdesk)['id']}/notes"

    private = freshdesk.post(path, {"body": "<p>secret</p>"})
    public = freshdesk.post(path, {"body": "open", "private": False})

    assert (private.status_code, private.json()["private"], public.json()["private"]) == (201, True, False)
    assert freshdesk.tickets[0]["private_notes"] == ["secret"]
    assert freshdesk.tickets[0]["public_texts"] == ["Help", "open"]


def test_a_note_by_form_takes_a_file(freshdesk):
    path = f"{TICKETS}/{created(freshdesk)['id']}/notes"
    files = {"attachments[]": ("transcript.txt", b"all of it", "text/plain")}

    note = freshdesk.call("POST", path, data={"body": "<p>n</p>", "private": "true"}, files=files).json()

    assert (note["private"], note["attachments"][0]["name"]) == (True, "transcript.txt")
    assert freshdesk.tickets[0]["attachments"][0]["content"] == "all of it"
    assert freshdesk.get(f"{TICKETS}/{note['ticket_id']}").json()["attachments"] == []


def test_a_private_flag_sent_as_text_in_json_is_a_mismatch(freshdesk):
    answer = freshdesk.post(f"{TICKETS}/{created(freshdesk)['id']}/notes", {"body": "x", "private": "true"})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "datatype_mismatch")


def test_a_note_is_no_response_and_a_reply_is(freshdesk):
    path = f"{TICKETS}/{created(freshdesk)['id']}"
    freshdesk.post(path + "/notes", {"body": "n"})
    after_note = freshdesk.get(path + "?include=stats").json()["stats"]["first_responded_at"]

    reply = freshdesk.post(path + "/reply", {"body": "Hello Ana"}).json()

    assert after_note is None
    assert freshdesk.get(path + "?include=stats").json()["stats"]["first_responded_at"] == reply["created_at"]
    assert (reply["source"], reply["private"]) == (0, False)


def test_conversations_come_in_pages_of_thirty_oldest_first(freshdesk):
    path = f"{TICKETS}/{created(freshdesk)['id']}"
    for number in range(32):
        freshdesk.post(path + "/notes", {"body": f"note {number}"})

    first = freshdesk.get(path + "/conversations")
    second = freshdesk.get(path + "/conversations?page=2")

    assert [len(first.json()), len(second.json())] == [30, 2]
    assert first.json()[0]["body_text"] == "note 0"
    assert 'rel="next"' in first.headers["Link"]
    assert "Link" not in second.headers


def test_stats_follow_the_status(freshdesk):
    path = f"{TICKETS}/{created(freshdesk)['id']}"
    stats = []
    for status in (3, 4, 2):
        freshdesk.put(path, {"status": status})
        stats.append(freshdesk.get(path + "?include=stats").json()["stats"])

    assert [bool(s["pending_since"]) for s in stats] == [True, False, False]
    assert [bool(s["resolved_at"]) for s in stats] == [False, True, False]
    assert [bool(s["reopened_at"]) for s in stats] == [False, False, True]


# Finding again


def test_the_list_sees_a_ticket_at_once_by_its_requesters_email(freshdesk):
    created(freshdesk, email="bo@example.com")
    made = created(freshdesk, custom_fields={KEY: "pkt_1"})

    rows = freshdesk.get(TICKETS, params={"email": "ana@example.com", "per_page": 100}).json()

    assert [row["id"] for row in rows] == [made["id"]]
    assert rows[0]["custom_fields"][KEY] == "pkt_1"
    assert "description" not in rows[0]


def test_the_list_is_empty_for_an_email_nobody_has_or_a_400_where_set_so(freshdesk):
    lenient = freshdesk.get(TICKETS, params={"email": "new@example.com"})
    freshdesk.control("/settings", {"unknown_contact_is_400": True})

    strict = freshdesk.get(TICKETS, params={"email": "new@example.com"})

    assert (lenient.status_code, lenient.json()) == (200, [])
    assert strict.status_code == 400


def test_without_updated_since_only_thirty_days_are_listed(freshdesk):
    made = created(freshdesk)
    freshdesk.sandbox.clock.advance(timedelta(days=31))

    without = freshdesk.get(TICKETS).json()
    since = freshdesk.get(TICKETS, params={"updated_since": made["updated_at"]}).json()

    assert (len(without), len(since)) == (0, 1)


def test_the_list_is_ordered_as_asked_newest_first_by_default(freshdesk):
    ids = [created(freshdesk)["id"] for _ in range(3)]

    newest = [row["id"] for row in freshdesk.get(TICKETS).json()]
    oldest = [row["id"] for row in freshdesk.get(TICKETS + "?order_by=created_at&order_type=asc").json()]

    assert (newest, oldest) == (ids[::-1], ids)


def test_an_unknown_argument_of_the_list_is_refused(freshdesk):
    answer = freshdesk.get(TICKETS + "?external_id=pkt_1")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "external_id")


def search(freshdesk, query):
    return freshdesk.get("/api/v2/search/tickets", params={"query": query})


def test_search_by_custom_field_sees_a_ticket_only_after_its_lag(freshdesk):
    made = created(freshdesk, custom_fields={KEY: "pkt_1"})
    at_once = search(freshdesk, f"\"{KEY}:'pkt_1'\"").json()

    freshdesk.sandbox.clock.advance(timedelta(seconds=31))

    later = search(freshdesk, f"\"{KEY}:'pkt_1'\"").json()
    assert at_once == {"total": 0, "results": []}
    assert (later["total"], later["results"][0]["id"]) == (1, made["id"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('"priority:4"', [2]),
        ('"priority:4 OR status:3"', [1, 2]),
        ("\"tag:'vip' AND priority:1\"", [1]),
        ("\"(priority:4 OR priority:1) AND tag:'vip'\"", [1]),
        ('"type:null"', [1, 2]),
        ("\"created_at:>'2020-01-01'\"", [1, 2]),
        ("\"created_at:<'2020-01-01'\"", []),
    ],
)
def test_the_query_language_knows_and_or_parentheses_null_and_ranges(freshdesk, query, found):
    created(freshdesk, tags=["vip"], status=3)
    created(freshdesk, priority=4)
    freshdesk.sandbox.settings.search_lag_seconds = 0

    answer = search(freshdesk, query)

    assert [row["id"] for row in answer.json()["results"]] == found


@pytest.mark.parametrize(
    "query", ["priority:4", '"priority:4', '"priority"', '"colour:red"', '"(status:2"', '"' + "x" * 600]
)
def test_a_query_that_cannot_be_read_is_a_400_not_everything(freshdesk, query):
    created(freshdesk)

    assert search(freshdesk, query).status_code == 400


# The account


def test_a_new_ticket_field_gets_its_name_from_its_label(freshdesk):
    made = freshdesk.post("/api/v2/admin/ticket_fields", {"label": "Order Number", "type": "custom_number"})

    accepted = freshdesk.post(TICKETS, ticket(custom_fields={"cf_order_number": 17}))

    assert (made.status_code, made.json()["name"]) == (201, "cf_order_number")
    assert accepted.json()["custom_fields"]["cf_order_number"] == 17


def test_the_account_tells_its_groups_and_fields(freshdesk):
    groups = freshdesk.get("/api/v2/groups").json()
    fields = freshdesk.get("/api/v2/ticket_fields").json()

    assert {group["name"]: group["id"] for group in groups} == FRESHDESK_GROUP_IDS
    assert {field["name"] for field in fields} == set(FRESHDESK_FIELD_NAMES.values())


def test_a_sub_limit_fires_while_the_accounts_counter_is_full(freshdesk):
    freshdesk.sandbox.settings.limits["create"] = 1

    answers = [freshdesk.post(TICKETS, ticket()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 429]
    assert int(answers[1].headers["Retry-After"]) <= 60
    assert int(answers[1].headers["X-RateLimit-Remaining"]) > 300
    assert len(freshdesk.tickets) == 1


def test_what_a_read_carries_besides_the_ticket_costs_credits(freshdesk):
    freshdesk.open_ticket()

    answer = freshdesk.get("/api/v2/tickets/1?include=stats,requester")

    assert answer.headers["X-RateLimit-Used-CurrentRequest"] == "3"


def test_due_times_come_later_and_follow_the_priority_until_somebody_sets_them(freshdesk):
    freshdesk.open_ticket()
    freshdesk.sandbox.clock.advance(timedelta(minutes=1))

    def due():
        return freshdesk.get("/api/v2/tickets/1").json()["due_by"]

    low = due()
    freshdesk.put("/api/v2/tickets/1", {"priority": 4})
    urgent = due()
    freshdesk.put("/api/v2/tickets/1", {"due_by": "2099-01-02T00:00:00Z", "fr_due_by": "2099-01-01T00:00:00Z"})
    freshdesk.put("/api/v2/tickets/1", {"priority": 1})

    assert urgent < low
    assert due() == "2099-01-02T00:00:00Z"
