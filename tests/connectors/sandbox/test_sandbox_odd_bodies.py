"""Whatever a client sends, a sandbox answers with a refusal or does its work; it never falls over."""

import pytest
from werkzeug.test import Client as WsgiClient

from connectors.sandbox.freshdesk.checks import NOTE_KEYS, REPLY_KEYS, TICKET_KEYS
from connectors.sandbox.server import Sandbox
from connectors.sandbox.servicenow.columns import INCIDENT
from connectors.sandbox.zendesk.checks import TICKET_KEYS as ZENDESK_KEYS

ODD = [None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", [], [None], [5], [[]], [{}], {}, {"a": 1}, {"id": {}}]
BEARER = {"Authorization": "Bearer sandbox-bearer"}


def statuses(kind, calls, auth):
    """Every call against one sandbox in this process; a crash would raise here."""
    client = WsgiClient(Sandbox(kind))
    return {client.open(path, method=method, json=body, headers=auth).status_code for method, path, body in calls}


def test_zendesk_bears_every_odd_value_in_every_key():
    comment_keys = ["body", "html_body", "public", "author_id", "uploads"]
    requester_keys = ["name", "email", "external_id", "phone"]
    inner = [{"comment": {"body": "x"}, key: odd} for key in ZENDESK_KEYS for odd in ODD]
    inner += [{"comment": {"body": "x", key: odd}} for key in comment_keys for odd in ODD]
    inner += [{"comment": {"body": "x"}, "requester": {"name": "A", key: odd}} for key in requester_keys for odd in ODD]
    inner += [{"comment": {"body": "x"}, "custom_fields": [{"id": odd, "value": odd}]} for odd in ODD]
    calls = [("POST", "/api/v2/tickets.json", {"ticket": ticket}) for ticket in inner]
    calls += [("PUT", "/api/v2/tickets/1.json", {"ticket": ticket}) for ticket in inner]
    calls += [("POST", "/api/v2/tickets.json", {"ticket": odd}) for odd in ODD]
    calls += [("PUT", "/api/v2/tickets/1/tags.json", {"tags": odd}) for odd in ODD]
    calls += [("POST", "/api/v2/users/create_or_update.json", {"user": odd}) for odd in ODD]
    calls += [("POST", "/api/v2/ticket_fields.json", {"ticket_field": {"title": odd, "type": odd}}) for odd in ODD]
    calls += [("POST", "/api/v2/webhooks", {"webhook": {"endpoint": odd, "subscriptions": odd}}) for odd in ODD]
    calls += [("POST", "/oauth/tokens", odd) for odd in ODD]
    calls += [("GET", "/api/v2/tickets.json", None), ("GET", "/", None), ("GET", "/_sandbox/tickets", None)]

    assert max(statuses("zendesk", calls, BEARER)) < 500


def test_freshdesk_bears_every_odd_value_in_every_key():
    good = {"email": "a@example.com", "subject": "s", "description": "d"}
    tickets = [{**good, key: odd} for key in TICKET_KEYS for odd in ODD]
    tickets += [{**good, "custom_fields": {"cf_baton_tier": odd}} for odd in ODD]
    calls = [("POST", "/api/v2/tickets", ticket) for ticket in tickets]
    calls += [("PUT", "/api/v2/tickets/1", ticket) for ticket in tickets]
    calls += [("POST", "/api/v2/tickets/1/notes", {"body": "x", key: odd}) for key in NOTE_KEYS for odd in ODD]
    calls += [("POST", "/api/v2/tickets/1/reply", {"body": "x", key: odd}) for key in REPLY_KEYS for odd in ODD]
    calls += [("POST", "/api/v2/admin/ticket_fields", {"label": odd, "type": odd}) for odd in ODD]
    calls += [("GET", "/api/v2/tickets", None), ("GET", "/", None), ("GET", "/_sandbox/tickets", None)]

    assert max(statuses("freshdesk", calls, {"Authorization": "Basic c2FuZGJveC1rZXk6WA=="})) < 500


def test_servicenow_bears_every_odd_value_in_every_column():
    sandbox = Sandbox("servicenow")
    client = WsgiClient(sandbox)
    bodies = [{key: odd} for key in (*INCIDENT, "u_baton_tier") for odd in ODD]
    found = set()
    for body in bodies:
        made = client.post("/api/now/table/incident", json=body, headers=BEARER)
        found.add(made.status_code)
        if made.status_code == 201:
            path = f"/api/now/table/incident/{made.json['result']['sys_id']}"
            found.add(client.patch(path, json=body, headers=BEARER).status_code)
    found |= {client.get(path, headers=BEARER).status_code for path in ("/api/now/table/incident", "/")}

    assert max(found) < 500
    assert client.get("/_sandbox/tickets").status_code == 200


@pytest.mark.parametrize("kind", ["zendesk", "freshdesk", "servicenow"])
@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe\x00", b"nan", b'"' * 3])
def test_a_body_that_is_hardly_json_is_refused(kind, body):
    path = {"zendesk": "/api/v2/tickets", "freshdesk": "/api/v2/tickets", "servicenow": "/api/now/table/incident"}[kind]
    auth = {"Authorization": "Basic c2FuZGJveC1rZXk6WA=="} if kind == "freshdesk" else BEARER

    answer = WsgiClient(Sandbox(kind)).post(path, data=body, headers=auth, content_type="application/json")

    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/tickets.json?page[size]=x&page[after]=%%%",
        "/api/v2/tickets.json?page=-1&per_page=0",
        "/api/v2/search.json?query=%22open custom_field_:x",
        "/api/v2/tickets/99999999999999999999999.json",
    ],
)
def test_odd_arguments_of_a_zendesk_list_are_borne(path):
    assert WsgiClient(Sandbox("zendesk")).get(path, headers=BEARER).status_code < 500
