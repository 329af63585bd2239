"""The ServiceNow sandbox: everything a string, priority computed, and the query trap left open."""

import threading
from datetime import timedelta

import pytest
import requests

from connectors.sandbox.accounts import (
    CREDENTIALS,
    SERVICENOW_COLUMNS,
    SERVICENOW_GROUP_IDS,
    SERVICENOW_GUEST_ID,
)
from connectors.sandbox.servicenow.columns import MATRIX

INCIDENTS = "/api/now/table/incident"


def created(servicenow, **values):
    return servicenow.post(INCIDENTS, {"short_description": "Order lost", **values}).json()["result"]


def listed(servicenow, query, **arguments):
    answer = servicenow.get(INCIDENTS, params={"sysparm_query": query, **arguments})
    return answer.json()["result"]


# Shapes


def test_an_incident_has_the_columns_and_defaults_of_the_base_system_and_ours(servicenow, sample):
    real = sample("servicenow_incident_defaults.json")["result"]
    del real["u_custom_field_test"]

    answer = servicenow.post(INCIDENTS, {})

    made = answer.json()["result"]
    own_rules = {"opened_at", "number", "sys_id", "severity", "description", "opened_by", "sys_domain"}
    same = {name for name in real if not name.startswith("sys_") and name not in own_rules}
    assert answer.status_code == 201
    assert set(made) - set(SERVICENOW_COLUMNS.values()) == set(real)
    assert {name: made[name] for name in same} == {name: real[name] for name in same}


def test_every_value_is_a_string_and_set_references_are_objects(servicenow):
    made = created(servicenow, caller_id=SERVICENOW_GUEST_ID, impact=1)

    link = f"{servicenow.running.url}/api/now/table/sys_user/{SERVICENOW_GUEST_ID}"
    assert made["caller_id"] == {"link": link, "value": SERVICENOW_GUEST_ID}
    assert made["assigned_to"] == ""
    assert {type(value) for value in made.values()} == {str, dict}
    assert (made["impact"], made["active"], made["sys_mod_count"]) == ("1", "true", "0")


def test_the_location_names_the_record_even_without_a_body(servicenow):
    answer = servicenow.post(INCIDENTS, {}, headers={"X-no-response-body": "true"})

    assert (answer.status_code, answer.content) == (201, b"")
    assert requests.get(answer.headers["Location"], auth=servicenow.auth, timeout=5).status_code == 200


def test_references_come_bare_or_by_name_when_asked(servicenow):
    made = created(servicenow, assignment_group=SERVICENOW_GROUP_IDS["billing"], impact="1", urgency="1")
    path = f"{INCIDENTS}/{made['sys_id']}"

    bare = servicenow.get(path, params={"sysparm_exclude_reference_link": "true"}).json()["result"]
    shown = servicenow.get(path, params={"sysparm_display_value": "true"}).json()["result"]
    both = servicenow.get(path, params={"sysparm_display_value": "all"}).json()["result"]

    assert bare["assignment_group"] == SERVICENOW_GROUP_IDS["billing"]
    assert shown["assignment_group"]["display_value"] == "billing"
    assert (shown["priority"], shown["state"]) == ("1 - Critical", "New")
    assert both["priority"] == {"display_value": "1 - Critical", "value": "1"}


def test_the_fields_asked_for_come_and_unknown_ones_are_left_out_silently(servicenow):
    created(servicenow, correlation_id="pkt_1")

    rows = listed(servicenow, "correlation_id=pkt_1", sysparm_fields="number,correlation_id,corelation_id")

    assert list(rows[0]) == ["number", "correlation_id"]


# Priority


@pytest.mark.parametrize(("weights", "priority"), MATRIX.items())
def test_priority_comes_from_impact_and_urgency(servicenow, weights, priority):
    impact, urgency = weights

    made = created(servicenow, impact=impact, urgency=urgency)

    assert made["priority"] == priority


def test_a_written_priority_is_ignored(servicenow):
    made = created(servicenow, priority="1")
    changed = servicenow.patch(f"{INCIDENTS}/{made['sys_id']}", {"priority": "1"}).json()["result"]

    assert (made["priority"], changed["priority"]) == ("5", "5")


def test_a_written_priority_is_kept_until_it_is_weighed_again_where_set_so(servicenow):
    servicenow.sandbox.settings.keep_written_priority = True
    made = created(servicenow, priority="1")

    changed = servicenow.patch(f"{INCIDENTS}/{made['sys_id']}", {"urgency": "2"}).json()["result"]

    assert (made["priority"], changed["priority"]) == ("1", "4")


# Writing


def test_unknown_keys_are_ignored_without_a_word(servicenow):
    made = created(servicenow, u_no_such_column="x", **{SERVICENOW_COLUMNS["reason"]: "why"})

    assert "u_no_such_column" not in made
    assert made["u_baton_reason"] == "why"


def test_long_text_is_cut_without_a_word(servicenow):
    made = created(servicenow, short_description="x" * 200)

    assert len(made["short_description"]) == 160


def test_journal_fields_append_and_read_as_nothing(servicenow):
    made = created(servicenow, work_notes="first")
    path = f"{INCIDENTS}/{made['sys_id']}"

    changed = servicenow.patch(path, {"work_notes": "second", "comments": "Hello"}).json()["result"]

    assert (made["work_notes"], changed["work_notes"], changed["comments"]) == ("", "", "")
    rows = servicenow.get(
        "/api/now/table/sys_journal_field", params={"sysparm_query": f"element_id={made['sys_id']}^element=work_notes"}
    ).json()["result"]
    assert [row["value"] for row in rows] == ["first", "second"]
    assert servicenow.tickets[0]["private_notes"] == ["first", "second"]
    assert servicenow.tickets[0]["public_texts"] == ["Hello"]


def test_each_change_counts_and_one_that_changes_nothing_does_not(servicenow):
    path = f"{INCIDENTS}/{created(servicenow, impact='2')['sys_id']}"

    counts = [
        servicenow.patch(path, body).json()["result"]["sys_mod_count"]
        for body in ({"impact": "1"}, {"impact": "1"}, {"work_notes": "x"}, {"nonsense": "x"})
    ]

    assert counts == ["1", "1", "2", "2"]


def test_put_changes_only_what_it_names_as_patch_does(servicenow):
    made = created(servicenow, category="hardware")

    changed = servicenow.put(f"{INCIDENTS}/{made['sys_id']}", {"urgency": "1"}).json()["result"]

    assert (changed["category"], changed["short_description"]) == ("hardware", "Order lost")


def test_state_and_incident_state_are_one(servicenow):
    path = f"{INCIDENTS}/{created(servicenow)['sys_id']}"

    by_state = servicenow.patch(path, {"state": "2"}).json()["result"]
    by_mirror = servicenow.patch(path, {"incident_state": "1"}).json()["result"]

    assert (by_state["incident_state"], by_mirror["state"]) == ("2", "1")


def test_resolving_without_code_and_notes_is_a_403_of_the_data_policy(servicenow):
    path = f"{INCIDENTS}/{created(servicenow)['sys_id']}"

    answer = servicenow.patch(path, {"state": "6"})

    assert (answer.status_code, answer.json()["error"]["message"]) == (403, "Operation Failed")
    assert servicenow.tickets[0]["status"] == "New"


def test_reopening_is_counted_and_closing_is_for_good(servicenow):
    path = f"{INCIDENTS}/{created(servicenow)['sys_id']}"
    servicenow.patch(path, {"state": "6", "close_code": "x", "close_notes": "y"})
    reopened = servicenow.patch(path, {"state": "2"}).json()["result"]
    servicenow.patch(path, {"state": "7"})

    answer = servicenow.patch(path, {"state": "2"})

    assert (reopened["reopen_count"], reopened["resolved_at"]) == ("1", "")
    assert answer.status_code == 403


def test_of_several_records_only_the_first_is_inserted(servicenow):
    servicenow.post(INCIDENTS, [{"short_description": "a"}, {"short_description": "b"}])

    assert [ticket["subject"] for ticket in servicenow.tickets] == ["a"]


# The query and its trap


def test_a_query_by_correlation_id_finds_the_record_at_once(servicenow):
    made = created(servicenow, correlation_id="pkt_1")
    created(servicenow, correlation_id="pkt_2")

    rows = listed(servicenow, "correlation_id=pkt_1", sysparm_limit=2)

    assert [row["sys_id"] for row in rows] == [made["sys_id"]]


def test_nothing_found_is_an_empty_list(servicenow):
    created(servicenow)

    assert listed(servicenow, "correlation_id=pkt_9") == []


def test_a_misspelt_field_is_ignored_and_answers_with_everything(servicenow):
    for number in range(3):
        created(servicenow, correlation_id=f"pkt_{number}")

    assert len(listed(servicenow, "corelation_id=pkt_1")) == 3
    assert len(listed(servicenow, "corelation_id=pkt_1", sysparm_limit=2)) == 2


def test_a_correlation_id_is_not_unique_and_follows_a_change(servicenow):
    first = created(servicenow, correlation_id="pkt_1")
    second = created(servicenow, correlation_id="pkt_1")
    servicenow.patch(f"{INCIDENTS}/{first['sys_id']}", {"correlation_id": "pkt_x"})

    assert [row["sys_id"] for row in listed(servicenow, "correlation_id=pkt_1")] == [second["sys_id"]]
    assert [row["sys_id"] for row in listed(servicenow, "correlation_id=pkt_x")] == [first["sys_id"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("impact=1^urgency=2", ["b"]),
        ("impact=1^ORimpact=3", ["a", "b", "c"]),
        ("impact=1^urgency=1^NQimpact=3", ["a", "c"]),
        ("short_description>=b", ["b", "c"]),
        ("short_descriptionLIKEC", ["c"]),
        ("short_descriptionINa,c", ["a", "c"]),
        ("impact!=1", ["c"]),
        ("categoryISEMPTY", []),
        ("caller_idISEMPTY^ORDERBYDESCshort_description", ["c", "b", "a"]),
        ("^^=^nonsense", ["a", "b", "c"]),
    ],
)
def test_the_query_language_knows_conditions_alternatives_and_order(servicenow, query, found):
    for text, impact, urgency in (("a", "1", "1"), ("b", "1", "2"), ("c", "3", "3")):
        created(servicenow, short_description=text, impact=impact, urgency=urgency)

    assert [row["short_description"] for row in listed(servicenow, query)] == found


def test_changes_since_a_time_are_found_by_polling(servicenow):
    created(servicenow, correlation_display="Baton")
    servicenow.sandbox.clock.advance(timedelta(minutes=5))
    late = created(servicenow, correlation_display="Baton")

    rows = listed(
        servicenow, f"correlation_display=Baton^sys_updated_on>={late['sys_updated_on']}^ORDERBYsys_updated_on"
    )

    assert [row["sys_id"] for row in rows] == [late["sys_id"]]


def test_pages_tell_the_total_and_link_on(servicenow):
    for _ in range(3):
        created(servicenow)

    answer = servicenow.get(INCIDENTS, params={"sysparm_limit": 2})

    assert (len(answer.json()["result"]), answer.headers["X-Total-Count"]) == (2, "3")
    assert "sysparm_offset=2" in answer.headers["Link"]


# Other tables


def test_a_caller_is_looked_up_by_email_and_a_guest_is_there(servicenow):
    users = "/api/now/table/sys_user"

    known = servicenow.get(users, params={"sysparm_query": "email=ana@example.com"}).json()["result"]
    guest = servicenow.get(f"{users}/{SERVICENOW_GUEST_ID}").json()["result"]

    assert [user["name"] for user in known] == ["Ana Ruiz"]
    assert guest["name"] == "Guest"


def test_groups_are_listed(servicenow):
    rows = servicenow.get("/api/now/table/sys_user_group").json()["result"]

    assert {row["name"]: row["sys_id"] for row in rows} == SERVICENOW_GROUP_IDS


def test_a_row_of_the_dictionary_makes_a_column(servicenow):
    servicenow.post("/api/now/table/sys_dictionary", {"name": "incident", "element": "u_order"})

    assert created(servicenow, u_order="A-17")["u_order"] == "A-17"


def test_an_attachment_is_hung_on_the_incident_and_can_be_read_back(servicenow):
    sys_id = created(servicenow)["sys_id"]
    where = {"table_name": "incident", "table_sys_id": sys_id, "file_name": "transcript.txt"}

    answer = servicenow.call(
        "POST", "/api/now/attachment/file", params=where, data=b"hello", headers={"Content-Type": "text/plain"}
    )

    made = answer.json()["result"]
    found = servicenow.get("/api/now/attachment", params={"sysparm_query": f"table_sys_id={sys_id}"}).json()["result"]
    assert (answer.status_code, made["size_bytes"]) == (201, "5")
    assert [row["file_name"] for row in found] == ["transcript.txt"]
    assert requests.get(made["download_link"], auth=servicenow.auth, timeout=5).content == b"hello"


def test_an_attachment_of_no_incident_is_a_404(servicenow):
    where = {"table_name": "incident", "table_sys_id": "0" * 32, "file_name": "x.txt"}

    answer = servicenow.call("POST", "/api/now/attachment/file", params=where, data=b"x")

    assert answer.status_code == 404


# Who may call, and no


def test_without_a_credential_it_is_a_401_that_still_sets_a_session_cookie(servicenow):
    answer = servicenow.get(INCIDENTS, auth=None)

    error = {"message": "User is not authenticated", "detail": "Required to provide Auth information"}
    assert (answer.status_code, answer.json()) == (401, {"error": error, "status": "failure"})
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Service-now"'
    assert "JSESSIONID" in answer.cookies


@pytest.mark.parametrize(
    "login",
    [
        {"grant_type": "client_credentials"},
        {"grant_type": "password", "username": "baton", "password": "sandbox-secret"},
    ],
)
def test_a_token_is_bought_with_a_form_and_refreshed(servicenow, login):
    client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    token = servicenow.call("POST", "/oauth_token.do", data={**client, **login}, auth=None).json()
    again = {**client, "grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    servicenow.sandbox.clock.advance(timedelta(minutes=31))

    def status(access_token):
        headers = {"Authorization": f"Bearer {access_token}"}
        return servicenow.get(INCIDENTS, auth=None, headers=headers).status_code

    fresh = servicenow.call("POST", "/oauth_token.do", data=again, auth=None).json()

    assert (token["token_type"], token["expires_in"]) == ("Bearer", 1799)
    assert (status(token["access_token"]), status(fresh["access_token"])) == (401, 200)


def test_a_bad_client_is_told_with_error_as_a_string(servicenow):
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "guess"}

    answer = servicenow.call("POST", "/oauth_token.do", data=form, auth=None)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_record_that_is_not_there_is_the_404_of_the_fixtures(servicenow):
    answer = servicenow.get(f"{INCIDENTS}/{'0' * 32}")

    detail = "Record doesn't exist or ACL restricts the record retrieval"
    assert answer.status_code == 404
    assert answer.json() == {"error": {"message": "No Record found", "detail": detail}, "status": "failure"}


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/api/now/table/no_such_table", {"json": {}}, 400),
        (INCIDENTS, {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        (INCIDENTS, {"data": b"x=1"}, 415),
        (INCIDENTS, {"json": {}, "headers": {"Accept": "text/csv"}}, 406),
        ("/api/now/attachment/x/file", {"json": {}}, 405),
        ("/api/elsewhere", {"json": {}}, 400),
    ],
)
def test_every_refusal_has_the_same_body(servicenow, path, options, status):
    answer = servicenow.call("POST", path, **options)

    assert answer.status_code == status
    assert answer.json()["status"] == "failure"
    assert set(answer.json()["error"]) == {"message", "detail"}


GROUPS = "/api/now/table/sys_user_group"


def test_calls_of_one_session_wait_for_one_another(servicenow, eventually):
    servicenow.faults.add("slow", path=GROUPS, seconds=0.1)
    cookies = {"JSESSIONID": "ABC"}
    slow = threading.Thread(target=servicenow.get, args=(GROUPS,), kwargs={"cookies": cookies})
    slow.start()
    eventually(lambda: servicenow.faults.as_json()[0]["hit"] == 1)

    servicenow.get(INCIDENTS, cookies=cookies)

    slow.join()
    assert [call["path"] for call in servicenow.sandbox.calls()] == [GROUPS, INCIDENTS]


def test_a_call_without_the_cookie_waits_for_nobody(servicenow):
    servicenow.faults.add("slow", path=GROUPS, seconds=30)
    with pytest.raises(requests.ReadTimeout):
        servicenow.get(GROUPS, cookies={"JSESSIONID": "ABC"}, timeout=0.1)

    assert servicenow.get(INCIDENTS, timeout=2).status_code == 200


def test_a_rate_limit_rule_fires_once_it_is_switched_on(servicenow):
    servicenow.sandbox.settings.limits["table-api"] = 1

    answers = [servicenow.get(INCIDENTS) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["message"] == "Rate limit exceeded"
    assert int(answers[1].headers["Retry-After"]) > 3000


# The business rule


def a_rule(servicenow, receiver, script="gs.getProperty('baton.status_url')", **changes):
    for name, value in (("baton.status_url", receiver.url), ("baton.webhook_token", "t")):
        servicenow.post("/api/now/table/sys_properties", {"name": name, "value": value})
    rule = {"name": "ours", "collection": "incident", "active": "true", "script": script, **changes}
    return servicenow.post("/api/now/table/sys_script", rule)


def test_a_business_rule_made_by_the_api_calls_the_address_of_its_property(servicenow, receiver):
    a_rule(servicenow, receiver)
    number = servicenow.open_ticket().json()["result"]["number"]

    servicenow.control(f"/tickets/{number}/assign", {"agent": "Dana Agent"})

    call = receiver.wait_for(1)[0]
    assert call.headers["X-Webhook-Token"] == "t"
    assert call.json["correlation_id"] == "pkt_1"


def test_a_business_rule_to_another_machine_is_refused(servicenow):
    servicenow.post("/api/now/table/sys_script", {"name": "ours", "script": "baton.status_url", "active": "true"})
    answer = servicenow.post(
        "/api/now/table/sys_properties", {"name": "baton.status_url", "value": "https://example.com/x"}
    )

    assert answer.status_code == 400


def test_a_rate_limit_rule_is_enforced_late_where_set_so(servicenow):
    settings = servicenow.sandbox.settings
    settings.limits["table-api"], settings.limits_late_seconds = 1, 30

    early = [servicenow.get(INCIDENTS).status_code for _ in range(3)]
    servicenow.sandbox.clock.advance(timedelta(seconds=31))
    late = servicenow.get(INCIDENTS).status_code

    assert (early, late) == ([200, 200, 200], 429)
