"""What a helpdesk tells when people act: Zendesk signed, Freshdesk with a token only, ServiceNow by our own rule."""

import json
from datetime import datetime

import pytest

from connectors.sandbox.target import BadTarget, check_target
from connectors.sandbox.zendesk.events import signature

SECRET = "c2FtcGxlLXNlY3JldA=="


def listen(client, receiver, **options):
    answer = client.control("/webhook", {"url": receiver.url, "secret": SECRET, **options})
    assert answer.status_code == 201, answer.text


def a_ticket(client, key="pkt_1"):
    client.open_ticket(key)
    return client.tickets[-1]["id"]


def act(client, ticket_id, kind, **body):
    answer = client.control(f"/tickets/{ticket_id}/{kind}", body)
    assert answer.status_code == 200, answer.text


# Zendesk


def test_the_signature_is_the_one_of_the_published_vectors(sample):
    vectors = sample("zendesk_webhook_signature_vectors.json")["vectors"]

    for vector in vectors:
        timestamp, body = vector["X-Zendesk-Webhook-Signature-Timestamp"], vector["body"].encode()
        made = signature(vector["secret_used_verbatim_as_key_bytes"], timestamp, body)
        assert made == vector["X-Zendesk-Webhook-Signature"], vector["name"]


def test_zendesk_signs_the_raw_body_with_the_time_of_the_attempt(zendesk, receiver):
    listen(zendesk, receiver)
    act(zendesk, a_ticket(zendesk), "reply", text="We found it – sorry!")

    call = receiver.wait_for(1)[0]

    timestamp = call.headers["X-Zendesk-Webhook-Signature-Timestamp"]
    assert call.headers["X-Zendesk-Webhook-Signature"] == signature(SECRET, timestamp, call.body)
    assert datetime.fromisoformat(timestamp).utcoffset() is not None
    assert call.headers["User-Agent"] == "Zendesk Webhook"


def test_a_zendesk_body_is_pretty_printed_sorted_and_ends_with_a_newline(zendesk, receiver):
    listen(zendesk, receiver)
    act(zendesk, a_ticket(zendesk), "status", status="solved")

    body = receiver.wait_for(1)[0].body

    assert body.endswith(b"}\n")
    assert body == json.dumps(json.loads(body), indent=3, sort_keys=True, ensure_ascii=False).encode() + b"\n"


@pytest.mark.parametrize(
    ("kind", "body", "fixture"),
    [
        ("status", {"status": "solved"}, "zendesk_event_status_changed.json"),
        ("reply", {"text": "Hello"}, "zendesk_event_comment_added.json"),
    ],
)
def test_a_zendesk_event_has_the_keys_of_the_published_sample(zendesk, receiver, sample, kind, body, fixture):
    listen(zendesk, receiver)
    act(zendesk, a_ticket(zendesk), kind, **body)

    made, real = receiver.wait_for(1)[0].json, sample(fixture)

    del made["event"]["meta"]
    assert set(made) == set(real)
    assert set(made["detail"]) == set(real["detail"])
    assert set(made["event"]) == set(real["event"])
    assert made["type"] == real["type"]


def test_zendesk_writes_enums_in_capitals_and_ids_as_strings(zendesk, receiver):
    listen(zendesk, receiver)
    ticket_id = a_ticket(zendesk)
    act(zendesk, ticket_id, "status", status="solved")

    told = receiver.wait_for(1)[0].json

    assert told["event"]["current"] == told["detail"]["status"] == "SOLVED"
    assert told["event"]["previous"] == "NEW"
    assert (told["detail"]["id"], told["detail"]["external_id"]) == (ticket_id, "pkt_1")
    assert told["subject"] == f"zen:ticket:{ticket_id}"


def test_an_agents_reply_is_public_by_staff_and_opens_a_new_ticket(zendesk, receiver):
    listen(zendesk, receiver)
    act(zendesk, a_ticket(zendesk), "reply", text="Hello", agent="Sam Agent")

    comment, status = (call.json for call in receiver.wait_for(2))

    author = comment["event"]["comment"]["author"]
    assert (comment["event"]["comment"]["is_public"], author["is_staff"], author["name"]) == (True, True, "Sam Agent")
    assert status["event"]["current"] == "OPEN"
    assert comment["event"]["meta"]["sequence"]["id"] == status["event"]["meta"]["sequence"]["id"]


def test_assigning_rating_and_weighing_are_told(zendesk, receiver):
    listen(zendesk, receiver)
    ticket_id = a_ticket(zendesk)
    act(zendesk, ticket_id, "assign", agent="Sam Agent")
    act(zendesk, ticket_id, "priority", priority="urgent")
    act(zendesk, ticket_id, "rate", score="good")

    kinds = [call.json["type"].rpartition(".")[2] for call in receiver.wait_for(4)]

    assert set(kinds[:2]) == {"agent_assignment_changed", "status_changed"}  # one action, in no promised order
    assert kinds[2:] == ["priority_changed", "csat_received"]
    assert zendesk.tickets[0]["assignee"] == "Sam Agent"
    assert zendesk.tickets[0]["rating"] == "good"


def test_zendesk_sends_again_after_503_with_retry_after_under_the_same_invocation_id(zendesk, receiver):
    receiver.answers = [(503, {"Retry-After": "1"})]
    listen(zendesk, receiver)
    act(zendesk, a_ticket(zendesk), "status", status="solved")

    first, second = receiver.wait_for(2)

    assert first.body == second.body
    ids = {call.headers["X-Zendesk-Webhook-Invocation-Id"] for call in (first, second)}
    assert len(ids) == 1


@pytest.mark.parametrize("status", [500, 403, 503])
def test_zendesk_does_not_send_again_after_500_or_403_or_a_bare_503(zendesk, receiver, eventually, status):
    receiver.answers = [(status, {})]
    listen(zendesk, receiver)
    act(zendesk, a_ticket(zendesk), "status", status="solved")

    eventually(lambda: zendesk.control("/webhook/deliveries", method="GET").json()[0]["state"] == "given_up")

    assert len(receiver.calls) == 1


def test_a_webhook_made_by_api_is_signed_with_the_secret_the_api_tells(zendesk, receiver):
    wanted = {"name": "Baton", "endpoint": receiver.url, "http_method": "POST", "request_format": "json"}
    wanted["subscriptions"] = ["zen:event-type:ticket.status_changed"]
    made = zendesk.post("/api/v2/webhooks", {"webhook": wanted})
    path = f"/api/v2/webhooks/{made.json()['webhook']['id']}/signing_secret"
    secret = zendesk.get(path).json()["signing_secret"]["secret"]
    act(zendesk, a_ticket(zendesk), "reply", text="Hello")

    call = receiver.wait_for(1)[0]

    assert made.status_code == 201
    assert call.json["type"] == "zen:event-type:ticket.status_changed"  # the comment is not subscribed to
    timestamp = call.headers["X-Zendesk-Webhook-Signature-Timestamp"]
    assert call.headers["X-Zendesk-Webhook-Signature"] == signature(secret, timestamp, call.body)


def test_a_webhook_deleted_by_api_gets_nothing_more(zendesk, receiver):
    wanted = {"name": "Baton", "endpoint": receiver.url}
    webhook_id = zendesk.post("/api/v2/webhooks", {"webhook": wanted}).json()["webhook"]["id"]

    status = zendesk.call("DELETE", f"/api/v2/webhooks/{webhook_id}").status_code
    act(zendesk, a_ticket(zendesk), "status", status="solved")

    assert status == 204
    assert zendesk.control("/webhook/deliveries", method="GET").json() == []


# Freshdesk


def test_freshdesk_sends_ids_and_display_words_with_the_token_and_no_signature(freshdesk, receiver):
    listen(freshdesk, receiver)
    ticket_id = a_ticket(freshdesk)
    act(freshdesk, ticket_id, "status", status="solved")

    call = receiver.wait_for(1)[0]

    told = call.json
    assert call.headers["X-Webhook-Token"] == SECRET
    assert not [name for name in call.headers if "signature" in name.lower()]
    assert (told["ticket_id"], told["event"], told["status"]) == (int(ticket_id), "status_changed", "Resolved")
    assert told["updated_at"].endswith("Z")


def test_freshdesk_names_each_thing_people_do(freshdesk, receiver):
    listen(freshdesk, receiver)
    ticket_id = a_ticket(freshdesk)
    act(freshdesk, ticket_id, "reply", text="Hello <b>Ana</b>")
    act(freshdesk, ticket_id, "assign", agent="Dana Agent")
    act(freshdesk, ticket_id, "rate", score="bad")

    events = [call.json["event"] for call in receiver.wait_for(3)]

    assert events == ["agent_replied", "assigned", "rated"]
    assert freshdesk.tickets[0]["public_texts"][-1] == "Hello <b>Ana</b>"
    assert freshdesk.tickets[0]["rating"] == "-103"


def test_freshdesk_sends_again_three_times_and_then_never(freshdesk, receiver, eventually):
    receiver.answers = [(500, {})] * 9
    listen(freshdesk, receiver, scale=0.00001)  # 5, 30 and 60 minutes become 3, 18 and 36 ms
    act(freshdesk, a_ticket(freshdesk), "status", status="closed")

    eventually(lambda: freshdesk.control("/webhook/deliveries", method="GET").json()[0]["state"] == "given_up")

    assert len(receiver.calls) == 4


# ServiceNow


def test_servicenow_sends_our_rules_json_with_the_token(servicenow, receiver):
    listen(servicenow, receiver)
    sys_id = a_ticket(servicenow)
    act(servicenow, sys_id, "reply", text="Hello", agent="Sam Agent")

    call = receiver.wait_for(1)[0]

    told = call.json
    assert call.headers["X-Webhook-Token"] == SECRET
    assert (told["event"], told["caller"]) == ("commented", "")
    assert (told["sys_id"], told["correlation_id"], told["sys_mod_count"]) == (sys_id, "pkt_1", "1")
    assert told["updated_by"] == "sam"
    assert "Hello" not in call.body.decode()


def test_servicenow_tells_state_assignment_and_priority_each_for_itself(servicenow, receiver):
    listen(servicenow, receiver)
    sys_id = a_ticket(servicenow)
    act(servicenow, sys_id, "assign", agent="Dana Agent")
    act(servicenow, sys_id, "status", status="solved")
    act(servicenow, sys_id, "priority", priority="Critical")

    events = [(call.json["event"], call.json["state"]) for call in receiver.wait_for(4)]

    assert events == [("state_changed", "2"), ("assigned", "2"), ("state_changed", "6"), ("priority_changed", "6")]


def test_servicenow_never_sends_twice(servicenow, receiver, eventually):
    receiver.answers = [(503, {"Retry-After": "1"})]
    listen(servicenow, receiver)
    act(servicenow, a_ticket(servicenow), "status", status="solved")

    eventually(lambda: servicenow.control("/webhook/deliveries", method="GET").json()[0]["state"] == "given_up")

    assert len(receiver.calls) == 1


# All three


def test_our_own_api_calls_are_told_only_where_set_so(helpdesk, receiver):
    listen(helpdesk, receiver)
    helpdesk.open_ticket("pkt_1")
    helpdesk.control("/settings", {"echo_own_changes": True})

    helpdesk.open_ticket("pkt_2")

    assert "created" in json.dumps(receiver.wait_for(1)[0].json)
    deliveries = helpdesk.control("/webhook/deliveries", method="GET").json()
    assert {one["ticket_id"] for one in deliveries} == {helpdesk.tickets[1]["id"]}


def test_deliveries_may_be_held_and_released_in_any_order(helpdesk, receiver):
    listen(helpdesk, receiver, hold=True)
    ticket_id = a_ticket(helpdesk)
    act(helpdesk, ticket_id, "status", status="closed")
    act(helpdesk, ticket_id, "rate", score="good")
    ids = [one["id"] for one in helpdesk.control("/webhook/deliveries", method="GET").json()]

    helpdesk.control("/webhook/release", {"ids": ids[::-1]})

    last = helpdesk.control("/webhook/deliveries", method="GET").json()[-1]
    assert receiver.wait_for(len(ids))[0].body.decode() == last["body"]


def test_a_delivery_may_be_repeated_at_will(helpdesk, receiver):
    listen(helpdesk, receiver, repeat=2)
    act(helpdesk, a_ticket(helpdesk), "rate", score="good")
    receiver.wait_for(2)

    helpdesk.control("/webhook/deliveries/1/redeliver")

    assert len({call.body for call in receiver.wait_for(3)}) == 1


def test_a_delivery_nobody_takes_is_recorded_with_its_failure(servicenow, receiver, eventually):
    servicenow.control("/webhook", {"url": "http://127.0.0.1:9/closed", "secret": SECRET})
    act(servicenow, a_ticket(servicenow), "status", status="solved")

    eventually(lambda: servicenow.control("/webhook/deliveries", method="GET").json()[0]["attempts"])

    delivery = servicenow.control("/webhook/deliveries", method="GET").json()[0]
    assert (delivery["attempts"][0]["status"], delivery["attempts"][0]["failure"]) == (None, "ConnectionError")
    assert SECRET not in json.dumps(delivery)


@pytest.mark.parametrize(
    "url", ["http://192.0.2.7/x", "https://example.com", "http://127.0.0.1.example.com/", "file:///etc", "", "http://"]
)
def test_webhooks_go_to_this_machine_only(zendesk, url):
    by_control = zendesk.control("/webhook", {"url": url, "secret": "s"})
    by_api = zendesk.post("/api/v2/webhooks", {"webhook": {"name": "x", "endpoint": url}})

    assert (by_control.status_code, by_api.status_code) == (400, 422)
    with pytest.raises(BadTarget):
        check_target(url)


@pytest.mark.parametrize("url", ["http://localhost:1/x", "http://127.1.2.3:80/", "http://[::1]:5/x"])
def test_every_loopback_address_will_do(url):
    check_target(url)


def test_freshdesks_simple_content_has_display_names_and_a_text_that_is_no_json(freshdesk, receiver):
    freshdesk.sandbox.settings.simple_webhooks = True
    listen(freshdesk, receiver)
    act(freshdesk, a_ticket(freshdesk), "status", status="pending")

    told = receiver.wait_for(1)[0].json["freshdesk_webhook"]

    assert (told["ticket_status"], told["ticket_priority"]) == ("Pending", "Low")
    assert told["triggered_event"] == "{status:changed}"
