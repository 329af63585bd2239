"""The Zendesk sandbox's side of setting an account up: bare accounts, tokens, fields, webhooks, triggers."""

import json

import pytest
import requests

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.server import running_sandbox

CLIENT = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
BODY = (
    '{"ticket_id": "{{ticket.id}}", "title": "{{ticket.subject}}", "tags": "{{ticket.tags}}", '
    '"p": "{{ticket.priority}}"}'
)


def grant(zendesk, **wanted):
    return zendesk.post("/oauth/tokens", {"grant_type": "client_credentials", **CLIENT, **wanted}, auth=None)


def me(zendesk, token):
    return zendesk.get("/api/v2/users/me.json", auth=None, headers={"Authorization": f"Bearer {token}"}).status_code


# A bare account


def test_a_bare_account_has_no_fields_of_ours_no_webhook_and_one_group():
    with running_sandbox("zendesk", bare=True) as running:
        auth = (f"{CREDENTIALS.email}/token", CREDENTIALS.api_token)
        paths = ("ticket_fields", "webhooks", "triggers", "groups")
        found = {p: requests.get(f"{running.url}/api/v2/{p}", auth=auth, timeout=5).json()[p] for p in paths}

    assert (found["ticket_fields"], found["webhooks"], found["triggers"]) == ([], [], [])
    assert [(group["name"], group["default"]) for group in found["groups"]] == [("support", True)]


def test_a_field_made_with_our_title_shows_under_its_neutral_name(zendesk):
    made = zendesk.post("/api/v2/ticket_fields.json", {"ticket_field": {"title": "Baton tier", "type": "text"}})
    field = {"id": made.json()["ticket_field"]["id"], "value": "gold"}

    zendesk.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}, "custom_fields": [field]}})

    assert zendesk.tickets[0]["fields"]["tier"] == "gold"


# Tokens


def test_a_refresh_gives_a_new_pair_and_ends_the_old_one(zendesk):
    first = grant(zendesk).json()

    second = grant(zendesk, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    again = grant(zendesk, grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert (me(zendesk, first["access_token"]), me(zendesk, second["access_token"])) == (401, 200)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_pair_lives_as_long_as_was_asked_for(zendesk):
    pair = grant(zendesk, expires_in=60, refresh_token_expires_in=120).json()

    zendesk.control("/clock", {"advance_seconds": 61})
    after_a_minute = me(zendesk, pair["access_token"])
    zendesk.control("/clock", {"advance_seconds": 60})
    refreshed = grant(zendesk, grant_type="refresh_token", refresh_token=pair["refresh_token"])

    assert (pair["expires_in"], pair["refresh_token_expires_in"]) == (60, 120)
    assert (after_a_minute, refreshed.status_code) == (401, 400)


def test_a_token_tells_its_scope_and_may_do_no_more(zendesk):
    bearer = {"Authorization": f"Bearer {grant(zendesk, scope='read').json()['access_token']}"}

    current = zendesk.get("/api/v2/oauth/tokens/current.json", auth=None, headers=bearer).json()["token"]
    write = zendesk.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}}}, auth=None, headers=bearer)

    assert current["scopes"] == ["read"]
    assert len(current["token"]) == len(current["refresh_token"]) == 10
    assert (write.status_code, zendesk.tickets) == (403, [])


# Limits and conflicts


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_account_that_is_used_up_says_so_in_the_form_that_was_chosen(zendesk, form):
    zendesk.control("/settings", {"limits": {"account": 1}, "limit_body": form})
    zendesk.get("/api/v2/users/me.json")

    answer = zendesk.get("/api/v2/users/me.json")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"].startswith("application/json" if form == "json" else "text/plain")
    assert "Number of allowed API requests per minute exceeded" in answer.text


def test_thirty_updates_of_one_ticket_in_ten_minutes_are_the_limit_of_one_user(zendesk):
    zendesk.control("/settings", {"limits": {"per-ticket-updates": 30}})
    zendesk.open_ticket()
    other = ("dana@sandbox.example/token", CREDENTIALS.api_token)
    update = {"ticket": {"priority": "low"}}

    mine = [zendesk.put("/api/v2/tickets/1.json", update) for _ in range(31)]
    theirs = zendesk.put("/api/v2/tickets/1.json", update, auth=other)
    zendesk.control("/clock", {"advance_seconds": 601})
    later = zendesk.put("/api/v2/tickets/1.json", update)

    assert [answer.status_code for answer in mine] == [200] * 30 + [429]
    assert "remaining=0" in mine[29].headers["zendesk-ratelimit-per-ticket-updates"]
    assert (theirs.status_code, later.status_code) == (200, 200)


@pytest.mark.parametrize(("kind", "made"), [("409", 0), ("409_after", 1)])
def test_a_database_conflict_may_come_with_and_without_the_ticket(zendesk, kind, made):
    zendesk.faults.add(kind, method="POST", path="/api/v2/tickets*")

    answer = zendesk.open_ticket()

    assert (answer.status_code, answer.json()["error"]) == (409, "DatabaseConflict")
    assert len(zendesk.tickets) == made


# Webhooks and triggers


def webhook(zendesk, url, *subscriptions):
    wanted = {"name": "x", "endpoint": url, "subscriptions": list(subscriptions)}
    return zendesk.post("/api/v2/webhooks", {"webhook": wanted})


def a_trigger(zendesk, webhook_id, **conditions):
    wanted = {"title": "t", "actions": [{"field": "notification_webhook", "value": [webhook_id, BODY]}]}
    wanted["conditions"] = {"all": [], "any": [], **conditions}
    return zendesk.post("/api/v2/triggers.json", {"trigger": wanted}).json()["trigger"]


def test_a_webhook_is_for_events_or_for_triggers_and_cannot_be_switched(zendesk):
    both = webhook(zendesk, "http://127.0.0.1:9/", "conditional_ticket_events", "zen:event-type:ticket.created")
    one = webhook(zendesk, "http://127.0.0.1:9/", "conditional_ticket_events").json()["webhook"]["id"]

    switched = zendesk.patch(
        f"/api/v2/webhooks/{one}", {"webhook": {"subscriptions": ["zen:event-type:ticket.created"]}}
    )

    assert (both.status_code, switched.status_code) == (422, 422)


def test_a_webhook_that_is_switched_off_gets_nothing_until_it_is_on_again(zendesk, receiver):
    one = webhook(zendesk, receiver.url, "zen:event-type:ticket.priority_changed").json()["webhook"]["id"]
    zendesk.open_ticket()

    off = zendesk.patch(f"/api/v2/webhooks/{one}", {"webhook": {"status": "inactive"}}).status_code
    zendesk.control("/tickets/1/priority", {"priority": "low"})
    zendesk.patch(f"/api/v2/webhooks/{one}", {"webhook": {"status": "active"}})
    zendesk.control("/tickets/1/priority", {"priority": "high"})

    assert off == 204
    assert receiver.wait_for(1)[0].json["event"]["current"] == "HIGH"
    assert len(zendesk.control("/webhook/deliveries", method="GET").json()) == 1


def test_what_became_of_each_delivery_is_listed_newest_first(zendesk, receiver, eventually):
    one = webhook(zendesk, receiver.url, "zen:event-type:ticket.priority_changed").json()["webhook"]["id"]
    receiver.answers = [(403, {}), (200, {})]
    zendesk.open_ticket()
    path = f"/api/v2/webhooks/{one}/invocations"

    for number, priority in enumerate(("low", "high"), start=1):
        zendesk.control("/tickets/1/priority", {"priority": priority})
        eventually(lambda number=number: len(zendesk.get(path).json()["invocations"]) == number)

    told = zendesk.get(path).json()["invocations"]
    assert [(row["status_code"], row["status"]) for row in told] == [(200, "terminated"), (403, "terminated")]
    assert told[0]["id"] == receiver.calls[1].headers["X-Zendesk-Webhook-Invocation-Id"]
    assert receiver.calls[0].headers["X-Zendesk-Webhook-Id"] == one


def test_a_trigger_fills_in_its_template_without_escaping(zendesk, receiver):
    one = webhook(zendesk, receiver.url, "conditional_ticket_events").json()["webhook"]["id"]
    a_trigger(zendesk, one, all=[{"field": "update_type", "operator": "is", "value": "Change"}])
    ticket = {"comment": {"body": "x"}, "subject": 'say "hello"', "tags": ["a", "b"]}
    zendesk.post("/api/v2/tickets.json", {"ticket": ticket})

    zendesk.control("/tickets/1/priority", {"priority": "low"})

    body = receiver.wait_for(1)[0].body.decode()
    assert body == '{"ticket_id": "1", "title": "say "hello"", "tags": "a b", "p": "Low"}'
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ({"field": "current_tags", "operator": "includes", "value": "vip"}, True),
        ({"field": "current_tags", "operator": "not_includes", "value": "vip"}, False),
        ({"field": "role", "operator": "is", "value": "agent"}, True),
        ({"field": "role", "operator": "is_not", "value": "26155588000001"}, True),
        ({"field": "priority", "operator": "changed", "value": ""}, True),
        ({"field": "status", "operator": "changed", "value": ""}, False),
        ({"field": "comment_is_public", "operator": "is", "value": "true"}, False),
        ({"field": "something_new", "operator": "is", "value": "x"}, False),
    ],
)
def test_a_trigger_fires_when_its_condition_holds(zendesk, receiver, condition, fires):
    one = webhook(zendesk, receiver.url, "conditional_ticket_events").json()["webhook"]["id"]
    a_trigger(zendesk, one, all=[condition, {"field": "update_type", "operator": "is", "value": "Change"}])
    zendesk.post("/api/v2/tickets.json", {"ticket": {"comment": {"body": "x"}, "tags": ["vip"]}})

    zendesk.control("/tickets/1/priority", {"priority": "low"})

    assert len(zendesk.control("/webhook/deliveries", method="GET").json()) == int(fires)


def test_a_trigger_that_is_switched_off_or_deleted_does_nothing(zendesk):
    one = webhook(zendesk, "http://127.0.0.1:9/", "conditional_ticket_events").json()["webhook"]["id"]
    off, gone = a_trigger(zendesk, one)["id"], a_trigger(zendesk, one)["id"]
    zendesk.put(f"/api/v2/triggers/{off}.json", {"trigger": {"active": False}})
    deleted = zendesk.call("DELETE", f"/api/v2/triggers/{gone}.json").status_code

    zendesk.open_ticket()

    assert deleted == 204
    assert zendesk.control("/webhook/deliveries", method="GET").json() == []


def test_users_are_searched_by_their_exact_address(zendesk):
    found = [
        zendesk.get("/api/v2/users/search.json", params={"query": f"email:{email}"}).json()["users"]
        for email in ("suspended@example.com", "nobody@example.com")
    ]

    assert [(user["email"], user["suspended"]) for user in found[0]] == [("suspended@example.com", True)]
    assert found[1] == []
