"""The Zendesk sandbox answers as the recordings and the documentation say Zendesk does."""

from datetime import timedelta

import pytest
import requests

from connectors.sandbox.accounts import CREDENTIALS, ZENDESK_FIELD_IDS, ZENDESK_GROUP_IDS

TICKETS = "/api/v2/tickets.json"


def ticket(**values):
    return {"ticket": {"comment": {"body": "Help me", "public": False}, **values}}


def created(zendesk, **values):
    return zendesk.post(TICKETS, ticket(**values)).json()["ticket"]


# Shapes


def test_a_created_ticket_comes_in_an_envelope_with_its_audit_and_every_key_in_order(zendesk, sample):
    keys = sample("zendesk_keys.json")

    answer = zendesk.post(TICKETS, ticket(subject="Order lost"))

    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{zendesk.running.url}/api/v2/tickets/{body['ticket']['id']}.json"
    assert list(body) == ["ticket", "audit"]
    assert list(body["ticket"]) == keys["ticket"]
    assert list(body["audit"]) == keys["audit"]
    assert list(body["audit"]["events"][0]) == keys["comment_event"]


def test_ids_are_large_integers_and_strings_inside_audit_events(zendesk):
    body = zendesk.post(TICKETS, ticket(group_id=ZENDESK_GROUP_IDS["billing"])).json()

    group = next(event for event in body["audit"]["events"] if event.get("field_name") == "group_id")
    assert body["audit"]["id"] > 2**32
    assert body["ticket"]["requester_id"] > 2**32
    assert group["value"] == str(ZENDESK_GROUP_IDS["billing"])


def test_custom_fields_are_listed_twice_and_unset_ones_are_null(zendesk):
    field_id = ZENDESK_FIELD_IDS["reason"]

    made = created(zendesk, custom_fields=[{"id": field_id, "value": "two failed look-ups"}, {"id": 1, "value": "x"}])

    values = {field["id"]: field["value"] for field in made["custom_fields"]}
    assert made["fields"] == made["custom_fields"]
    assert set(values) == set(ZENDESK_FIELD_IDS.values())
    assert values[field_id] == "two failed look-ups"
    assert values[ZENDESK_FIELD_IDS["tier"]] is None


def test_a_private_first_comment_makes_a_ticket_that_is_not_public(zendesk):
    made = created(zendesk)

    assert (made["is_public"], made["description"]) == (False, "Help me")


def test_html_is_cleaned_and_wrapped_and_has_a_plain_twin(zendesk):
    html = '<p onclick="x()">Hi <b>Ana</b></p><script>steal()</script><!-- mark -->'

    body = zendesk.post(TICKETS, {"ticket": {"comment": {"html_body": html}}}).json()

    comment = body["audit"]["events"][0]
    assert comment["html_body"] == '<div class="zd-comment" dir="auto"><p>Hi <b>Ana</b></p></div>'
    assert comment["plain_body"] == "Hi Ana"


def test_every_answer_carries_the_rate_headers_of_2024(zendesk):
    answers = [zendesk.open_ticket(), zendesk.get(TICKETS), zendesk.get("/api/v2/tickets/999.json")]

    for answer in answers:
        assert answer.headers["ratelimit-limit"] == answer.headers["x-rate-limit"] == "700"
        assert int(answer.headers["ratelimit-remaining"]) < 700
        assert int(answer.headers["ratelimit-reset"]) <= 60
    assert answers[1].headers["zendesk-ratelimit-tickets-index"].startswith("total=100; remaining=99; resets=")


def test_a_key_zendesk_does_not_take_is_ignored_and_named_in_a_header(zendesk):
    answer = zendesk.put(f"/api/v2/tickets/{created(zendesk)['id']}", {"ticket": {"id": 5, "priority": "low"}})

    assert ':unpermitted_keys=>["ticket.id"]' in answer.headers["x-zendesk-api-warn"]
    assert answer.json()["ticket"]["priority"] == "low"


def test_a_description_in_an_update_is_dropped_without_a_warning(zendesk):
    answer = zendesk.put(f"/api/v2/tickets/{created(zendesk)['id']}", {"ticket": {"description": "other"}})

    assert answer.json()["ticket"]["description"] == "Help me"
    assert "x-zendesk-api-warn" not in answer.headers


# Who may call


def test_client_credentials_buy_a_bearer_token_that_expires(zendesk):
    wanted = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    token = zendesk.post("/oauth/tokens", {**wanted, "expires_in": 600}, auth=None).json()
    bearer = {"auth": None, "headers": {"Authorization": f"Bearer {token['access_token']}"}}
    while_valid = zendesk.get("/api/v2/users/me.json", **bearer).status_code

    zendesk.sandbox.clock.advance(timedelta(seconds=601))

    assert (token["token_type"], token["expires_in"]) == ("bearer", 600)
    assert while_valid == 200
    assert zendesk.get("/api/v2/users/me.json", **bearer).status_code == 401


@pytest.mark.parametrize(
    "auth",
    [
        None,
        (f"{CREDENTIALS.email}/token", "wrong"),
        (CREDENTIALS.email, CREDENTIALS.api_token),  # without /token it is a password
        ("ana@example.com/token", CREDENTIALS.api_token),  # no agent
    ],
)
def test_a_wrong_credential_is_a_401_without_a_description(zendesk, auth):
    answer = zendesk.get(TICKETS, auth=auth)

    assert (answer.status_code, answer.json()) == (401, {"error": "Couldn't authenticate you"})


def test_a_wrong_client_secret_buys_nothing(zendesk):
    wanted = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "guess"}

    answer = zendesk.post("/oauth/tokens", wanted, auth=None)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# Idempotency


def test_the_same_key_and_body_is_the_same_ticket(zendesk):
    headers = {"Idempotency-Key": "pkt_1"}

    first = zendesk.post(TICKETS, ticket(subject="a"), headers=headers)
    second = zendesk.post(TICKETS, ticket(subject="a"), headers=headers)

    assert (first.headers["x-idempotency-lookup"], second.headers["x-idempotency-lookup"]) == ("miss", "hit")
    assert second.status_code == 201
    assert second.content == first.content
    assert len(zendesk.tickets) == 1


def test_the_same_key_with_another_body_is_refused(zendesk):
    headers = {"Idempotency-Key": "pkt_1"}
    zendesk.post(TICKETS, ticket(subject="a"), headers=headers)

    answer = zendesk.post(TICKETS, ticket(subject="b"), headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (400, "IdempotentRequestError")
    assert len(zendesk.tickets) == 1


def test_after_two_hours_the_key_is_forgotten_and_a_second_ticket_is_made(zendesk):
    headers = {"Idempotency-Key": "pkt_1"}
    zendesk.post(TICKETS, ticket(), headers=headers)
    zendesk.sandbox.clock.advance(timedelta(hours=2))

    answer = zendesk.post(TICKETS, ticket(), headers=headers)

    assert answer.headers["x-idempotency-lookup"] == "miss"
    assert len(zendesk.tickets) == 2


def test_a_key_survives_an_answer_that_was_cut(zendesk):
    zendesk.faults.add("cut_after", method="POST")
    headers = {"Idempotency-Key": "pkt_1"}
    with pytest.raises(requests.ConnectionError):
        zendesk.post(TICKETS, ticket(), headers=headers)

    answer = zendesk.post(TICKETS, ticket(), headers=headers)

    assert answer.headers["x-idempotency-lookup"] == "hit"
    assert len(zendesk.tickets) == 1


def test_a_refused_create_does_not_use_up_the_key(zendesk):
    headers = {"Idempotency-Key": "pkt_1"}
    zendesk.post(TICKETS, ticket(priority="boiling"), headers=headers)

    answer = zendesk.post(TICKETS, ticket(priority="urgent"), headers=headers)

    assert (answer.status_code, answer.headers["x-idempotency-lookup"]) == (201, "miss")


# Requesters


def test_a_requester_is_found_by_email_or_made(zendesk):
    first = created(zendesk, requester={"name": "Zoe", "email": "zoe@example.com"})
    second = created(zendesk, requester={"name": "Other", "email": "ZOE@example.com"})

    assert first["requester_id"] == second["requester_id"]
    assert zendesk.tickets[1]["requester"]["name"] == "Zoe"


@pytest.mark.parametrize(
    ("requester", "said"),
    [
        ({"email": "new@example.com"}, "Name: is too short"),
        ({"name": "X", "email": "not an address"}, "Email: is not properly formatted"),
        ({"name": "X", "email": "suspended@example.com"}, "is suspended"),
    ],
)
def test_a_requester_zendesk_does_not_take_is_a_422(zendesk, requester, said):
    answer = zendesk.post(TICKETS, ticket(requester=requester))

    assert answer.status_code == 422
    assert answer.json()["error"] == "RecordInvalid"
    assert said in answer.json()["details"]["requester"][0]["description"]
    assert zendesk.tickets == []


def test_create_or_update_answers_201_for_a_new_user_and_200_for_a_known_one(zendesk):
    user = {"user": {"name": "Zoe", "email": "zoe@example.com"}}

    statuses = [zendesk.post("/api/v2/users/create_or_update.json", user).status_code for _ in range(2)]

    assert statuses == [201, 200]


# Updates


def test_an_update_changes_only_what_it_names_in_one_audit(zendesk):
    made = created(zendesk, subject="Order lost", tags=["a", "b"])
    wanted = {"comment": {"body": "note", "public": False}, "priority": "high", "tags": ["c"]}

    body = zendesk.put(f"/api/v2/tickets/{made['id']}.json", {"ticket": wanted}).json()

    assert (body["ticket"]["subject"], body["ticket"]["priority"]) == ("Order lost", "high")
    assert body["ticket"]["tags"] == ["c"]
    assert [event["type"] for event in body["audit"]["events"]] == ["Comment", "Change", "Change"]
    assert len(zendesk.get(f"/api/v2/tickets/{made['id']}/audits.json").json()["audits"]) == 2


def test_tags_are_replaced_by_post_added_by_put_and_taken_by_delete(zendesk):
    path = f"/api/v2/tickets/{created(zendesk, tags=['a', 'b'])['id']}/tags.json"

    added = zendesk.put(path, {"tags": ["b", "c"]}).json()
    taken = zendesk.call("DELETE", path, json={"tags": ["a"]}).json()
    replaced = zendesk.post(path, {"tags": ["x y"]})

    assert added == {"tags": ["a", "b", "c"]}
    assert taken == {"tags": ["b", "c"]}
    assert (replaced.status_code, replaced.json()) == (201, {"tags": ["x", "y"]})


def test_a_safe_update_with_an_old_stamp_is_a_409_and_changes_nothing(zendesk):
    made = created(zendesk)
    stamp = made["updated_at"]
    zendesk.sandbox.clock.advance(timedelta(seconds=2))
    path = f"/api/v2/tickets/{made['id']}"
    lock = {"safe_update": True, "updated_stamp": stamp}
    in_time = zendesk.put(path, {"ticket": {"priority": "high", **lock}})

    late = zendesk.put(path, {"ticket": {"priority": "low", **lock}})

    assert (in_time.status_code, late.status_code, late.json()["error"]) == (200, 409, "UpdateConflict")
    assert zendesk.tickets[0]["priority"] == "high"


def test_two_writes_within_a_second_both_pass_the_lock(zendesk):
    made = created(zendesk)
    lock = {"safe_update": True, "updated_stamp": made["updated_at"]}
    path = f"/api/v2/tickets/{made['id']}"
    zendesk.sandbox.clock._source = lambda: zendesk.sandbox.desk.view(str(made["id"])).updated_at

    statuses = [zendesk.put(path, {"ticket": {"priority": p, **lock}}).status_code for p in ("high", "low")]

    assert statuses == [200, 200]


def test_updated_at_stands_still_when_nothing_changed(zendesk):
    made = created(zendesk, priority="high")
    zendesk.sandbox.clock.advance(timedelta(minutes=1))

    body = zendesk.put(f"/api/v2/tickets/{made['id']}", {"ticket": {"priority": "high"}}).json()

    assert body["ticket"]["updated_at"] == made["updated_at"]
    assert body["audit"]["events"] == []


def test_a_closed_ticket_takes_no_update(zendesk):
    made = created(zendesk, status="closed")

    answer = zendesk.put(f"/api/v2/tickets/{made['id']}", {"ticket": {"priority": "low"}})

    assert answer.status_code == 422
    assert answer.json()["details"]["status"][0]["description"] == "Status: closed prevents ticket update"


def test_a_solved_ticket_still_takes_notes_and_stays_solved(zendesk):
    made = created(zendesk, status="solved")

    body = zendesk.put(f"/api/v2/tickets/{made['id']}", {"ticket": {"comment": {"body": "late"}}}).json()

    assert body["ticket"]["status"] == "solved"


def test_a_ticket_that_is_not_there_is_the_recorded_404(zendesk):
    answer = zendesk.put("/api/v2/tickets/9223372036854775807.json", {"ticket": {}})

    assert (answer.status_code, answer.json()) == (404, {"error": "RecordNotFound", "description": "Not found"})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"priority": "boiling"}, "priority"),
        ({"status": "lost"}, "status"),
        ({"group_id": 5}, "group"),
        ({"comment": {"body": ""}}, "base"),
        ({"comment": {"body": "x" * 65_536}}, "comment"),
        ({"comment": {"body": "x", "uploads": ["no-such-token"]}}, "base"),
    ],
)
def test_a_ticket_zendesk_would_not_take_is_a_422_that_names_the_field(zendesk, values, field):
    answer = zendesk.post(TICKETS, ticket(**values))

    assert (answer.status_code, list(answer.json()["details"])) == (422, [field])
    assert zendesk.tickets == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"ticket": 5}', b'{"tickets": {}}', b"\xff\xfe"])
def test_a_body_that_is_no_ticket_is_refused_not_a_crash(zendesk, body):
    answer = zendesk.post(TICKETS, data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)
    assert answer.json()["error"]


def test_the_limit_per_ticket_holds_once_it_is_switched_on(zendesk):
    zendesk.sandbox.settings.limits["per-ticket-updates"] = 2
    path = f"/api/v2/tickets/{created(zendesk)['id']}"

    answers = [zendesk.put(path, {"ticket": {"priority": p}}) for p in ("low", "high", "urgent")]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[1].headers["zendesk-ratelimit-per-ticket-updates"].startswith("total=2; remaining=0; resets=")
    assert int(answers[2].headers["Retry-After"]) > 500
    assert zendesk.tickets[0]["priority"] == "high"


# Finding again


def test_the_list_by_external_id_sees_a_ticket_at_once_and_may_see_several(zendesk):
    ids = [created(zendesk, external_id="pkt_1")["id"] for _ in range(2)]
    created(zendesk, external_id="pkt_2")

    body = zendesk.get(TICKETS, params={"external_id": "pkt_1"}).json()

    assert [row["id"] for row in body["tickets"]] == ids
    assert (body["count"], body["next_page"]) == (2, None)


def test_search_sees_a_ticket_only_after_its_lag(zendesk):
    created(zendesk, external_id="pkt_1")
    query = {"query": "type:ticket external_id:pkt_1"}
    at_once = zendesk.get("/api/v2/search.json", params=query).json()["count"]

    zendesk.sandbox.clock.advance(timedelta(seconds=31))

    later = zendesk.get("/api/v2/search.json", params=query).json()
    assert (at_once, later["count"]) == (0, 1)
    assert later["results"][0]["result_type"] == "ticket"


def test_a_cursor_page_leaves_fields_out_and_its_next_link_leads_on(zendesk):
    ids = [created(zendesk)["id"] for _ in range(3)]

    first = zendesk.get(TICKETS, params={"page[size]": "2"}).json()
    second = requests.get(first["links"]["next"], auth=zendesk.auth, timeout=5).json()

    assert "fields" not in first["tickets"][0]
    assert [row["id"] for row in first["tickets"] + second["tickets"]] == ids
    assert (first["meta"]["has_more"], second["meta"]["has_more"]) == (True, False)


# Files, comments, the account


def test_an_upload_answers_json_as_text_and_hangs_on_the_comment_that_names_it(zendesk, sample):
    upload = zendesk.call(
        "POST", "/api/v2/uploads.json?filename=t.txt", data=b"hello", headers={"Content-Type": "text/plain"}
    )
    token = upload.json()["upload"]["token"]

    body = zendesk.post(TICKETS, ticket(comment={"body": "see file", "uploads": token})).json()

    assert upload.status_code == 201
    assert upload.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert list(upload.json()["upload"]["attachment"]) == sample("zendesk_keys.json")["attachment"]
    assert body["audit"]["events"][0]["attachments"][0]["file_name"] == "t.txt"
    assert zendesk.tickets[0]["attachments"][0]["content"] == "hello"


def test_an_upload_without_a_name_or_without_bytes_is_unprocessable(zendesk):
    answer = zendesk.call("POST", "/api/v2/uploads.json", data=b"x")

    assert (answer.status_code, answer.json()["error"]) == (422, "AttachmentUnprocessable")


def test_metadata_comes_back_in_the_audit(zendesk):
    body = zendesk.post(TICKETS, ticket(metadata={"packet": "pkt_1"})).json()

    assert body["audit"]["metadata"]["custom"] == {"packet": "pkt_1"}


def test_comments_are_listed_with_their_audit_and_time(zendesk):
    made = created(zendesk)
    zendesk.put(f"/api/v2/tickets/{made['id']}", {"ticket": {"comment": {"body": "second"}}})

    rows = zendesk.get(f"/api/v2/tickets/{made['id']}/comments.json").json()["comments"]

    assert [row["body"] for row in rows] == ["Help me", "second"]
    assert [row["public"] for row in rows] == [False, True]
    assert list(rows[0])[-3:] == ["via", "created_at", "metadata"]


def test_the_account_tells_who_we_are_and_what_groups_and_fields_it_has(zendesk):
    me = zendesk.get("/api/v2/users/me.json").json()["user"]
    groups = zendesk.get("/api/v2/groups.json").json()["groups"]
    fields = zendesk.get("/api/v2/ticket_fields.json").json()["ticket_fields"]

    assert me["email"] == CREDENTIALS.email
    assert {group["name"]: group["id"] for group in groups} == ZENDESK_GROUP_IDS
    assert {field["id"] for field in fields} == set(ZENDESK_FIELD_IDS.values())


def test_a_drop_down_made_by_api_drops_unknown_options_without_a_word(zendesk):
    options = [{"name": "Refund", "value": "refund"}]
    wanted = {"title": "Topic", "type": "tagger", "custom_field_options": options}
    field_id = zendesk.post("/api/v2/ticket_fields.json", {"ticket_field": wanted}).json()["ticket_field"]["id"]

    values = []
    for value in ("refund", "weather"):
        made = created(zendesk, custom_fields=[{"id": field_id, "value": value}])
        values.append({f["id"]: f["value"] for f in made["custom_fields"]}[field_id])

    assert values == ["refund", None]
