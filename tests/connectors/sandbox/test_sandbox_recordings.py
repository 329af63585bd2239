"""
The sandboxes held against the full recordings, where these lie beside the checkout (they are not shipped: some are
GPL-3.0). Shape for shape: the same keys in the same order, the same kinds of value.
"""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connectors.sandbox.accounts import CREDENTIALS

RECORDINGS = Path(__file__).parents[4] / "shared" / "data" / "helpdesks"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside this checkout")

# Recorded in 2023, before Zendesk added it.
NEWER = {"generated_timestamp"}


def recorded(name):
    return json.loads((RECORDINGS / name).read_text(encoding="utf-8"))


def zendesk_pair(name, index=0):
    pair = recorded(f"zendesk/{name}")[index]
    return pair["request"], pair["response"]


def shape_of(value):
    """Keys in order and kinds of values, all the way down; lists by their first element."""
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in value.items() if key not in NEWER}
    if isinstance(value, list):
        return [shape_of(inner) for inner in value[:1]]
    return type(value).__name__


def kinds(value):
    """As shape_of, but null may stand for anything and which end of `via.source` is known is the recorder's affair."""
    shape = shape_of(value)
    return {key: inner for key, inner in shape.items() if key != "via"} if isinstance(shape, dict) else shape


def assert_same_keys(made, real):
    assert [key for key in made if key not in NEWER] == [key for key in real if key not in NEWER]


def sent(zendesk, request):
    return zendesk.call(request["method"], request["path"], json=request["json"])


def test_the_recorded_create_request_gets_the_recorded_answer(zendesk):
    request, real = zendesk_pair("ticket_create.json")

    answer = sent(zendesk, request)

    made = answer.json()
    assert answer.status_code == real["status"]
    assert list(made) == list(real["body"])
    assert_same_keys(made["ticket"], real["body"]["ticket"])
    assert_same_keys(made["audit"], real["body"]["audit"])
    # Who asks in the recording is in an organisation, and no field is set: the same events, in the same order.
    names = [(e["type"], e.get("field_name")) for e in made["audit"]["events"]]
    assert names == [(e["type"], e.get("field_name")) for e in real["body"]["audit"]["events"]]
    differing = {
        key
        for key, value in real["body"]["ticket"].items()
        if type(value) is not type(made["ticket"][key]) and value is not None and made["ticket"][key] is not None
    }
    assert differing == set()


def test_the_recorded_update_is_answered_with_one_change_and_a_warning(zendesk):
    request, _ = zendesk_pair("ticket_update.json", 0)
    ticket_id = sent(zendesk, request).json()["ticket"]["id"]
    update, real = zendesk_pair("ticket_update.json", 1)

    answer = zendesk.put(f"/api/v2/tickets/{ticket_id}.json", update["json"])

    assert answer.headers["x-zendesk-api-warn"] == real["headers"]["x-zendesk-api-warn"]
    events = answer.json()["audit"]["events"]
    assert [shape_of(event) for event in events] == [shape_of(event) for event in real["body"]["audit"]["events"]]
    assert answer.json()["ticket"]["description"] == real["body"]["ticket"]["description"]


def test_the_recorded_404_is_word_for_word(zendesk):
    request, real = zendesk_pair("error_404_record_not_found.json")

    answer = sent(zendesk, request)

    assert (answer.status_code, answer.json()) == (real["status"], real["body"])


def test_the_recorded_upload_and_the_ticket_that_uses_it(zendesk):
    upload, real_upload = zendesk_pair("upload_create_comments_redact.json", 0)
    create, real_create = zendesk_pair("upload_create_comments_redact.json", 1)
    _, real_comments = zendesk_pair("upload_create_comments_redact.json", 2)

    answer = zendesk.call(
        "POST", upload["path"], data=b"# Readme", headers={"Content-Type": "application/octet-stream"}
    )
    create["json"]["ticket"]["comment"]["uploads"] = answer.json()["upload"]["token"]
    made = sent(zendesk, create).json()
    comments = zendesk.get(f"/api/v2/tickets/{made['ticket']['id']}/comments.json?page[size]=100").json()

    assert answer.headers["Content-Type"] == real_upload["headers"]["Content-Type"]
    assert shape_of(answer.json()) == shape_of(real_upload["body"])
    assert list(made["ticket"]) == list(real_create["body"]["ticket"])
    assert shape_of(made["audit"]["events"][0]) == shape_of(real_create["body"]["audit"]["events"][0])
    assert list(comments) == list(real_comments["body"])
    assert kinds(comments["comments"][0]) == kinds(real_comments["body"]["comments"][0])


@pytest.mark.parametrize(
    ("file", "path", "key"),
    [
        ("tickets_list_offset_page.json", "/api/v2/tickets.json", "tickets"),
        ("tickets_list_cursor_page.json", "/api/v2/tickets.json?page[size]=1", "tickets"),
        ("ticket_audits_cursor_page.json", "/api/v2/tickets/1/audits.json?page[size]=1", "audits"),
    ],
)
def test_recorded_pages_have_the_same_keys(zendesk, file, path, key):
    zendesk.open_ticket()
    _, real = zendesk_pair(file)

    made = zendesk.get(path).json()

    assert list(made) == list(real["body"])
    assert_same_keys(made[key][0], real["body"][key][0])


@pytest.mark.parametrize(
    ("file", "method", "path", "key"),
    [
        ("users_me.json", "GET", "/api/v2/users/me.json", "user"),
        ("ticket_field_create.json", "POST", "/api/v2/ticket_fields.json", "ticket_field"),
    ],
)
def test_other_recorded_objects_have_the_same_keys(zendesk, file, method, path, key):
    request, real = zendesk_pair(file)

    answer = zendesk.call(method, path, json=request["json"])

    assert answer.status_code == real["status"]
    assert list(answer.json()[key]) == list(real["body"][key])


def test_a_recorded_group_has_the_keys_of_ours(zendesk):
    _, real = zendesk_pair("group_create.json")

    assert list(zendesk.get("/api/v2/groups.json").json()["groups"][0]) == list(real["body"]["group"])


def test_the_recorded_webhook_and_its_secret(zendesk):
    request, real = zendesk_pair("webhook_create_and_signing_secret.json", 0)
    _, real_secret = zendesk_pair("webhook_create_and_signing_secret.json", 1)
    wanted = {**request["json"]["webhook"], "endpoint": "http://127.0.0.1:9/"}

    made = zendesk.post("/api/v2/webhooks", {"webhook": wanted}).json()["webhook"]
    secret = zendesk.get(f"/api/v2/webhooks/{made['id']}/signing_secret").json()

    assert set(real["body"]["webhook"]) - set(made) == {"authentication"}  # ours needs none beside the signature
    assert shape_of(secret) == shape_of(real_secret["body"])
    assert len(made["id"]) == len(real["body"]["webhook"]["id"])


def test_the_recorded_trigger_gets_the_recorded_answer(zendesk):
    request, real = zendesk_pair("trigger_create.json")

    answer = sent(zendesk, request)

    assert answer.status_code == real["status"]
    assert list(answer.json()["trigger"]) == list(real["body"]["trigger"])
    assert answer.json()["trigger"]["conditions"] == real["body"]["trigger"]["conditions"]


def test_recorded_invocations_have_the_shape_of_ours(zendesk, receiver, eventually):
    _, real = zendesk_pair("webhook_invocation_attempts.json", 1)
    wanted = {"endpoint": receiver.url, "subscriptions": ["zen:event-type:ticket.priority_changed"]}
    webhook_id = zendesk.post("/api/v2/webhooks", {"webhook": wanted}).json()["webhook"]["id"]
    receiver.answers = [(403, {})]
    zendesk.open_ticket()
    zendesk.control("/tickets/1/priority", {"priority": "low"})
    path = f"/api/v2/webhooks/{webhook_id}/invocations"
    eventually(lambda: zendesk.get(path).json()["invocations"])

    made = zendesk.get(path).json()

    assert list(made) == list(real["body"])
    assert shape_of(made["invocations"][0]) == shape_of(real["body"]["invocations"][0])


def test_a_token_has_the_keys_of_the_openapi_file(zendesk):
    described = YAML(typ="safe").load((RECORDINGS / "zendesk" / "oas.yaml").read_text("utf-8"))
    client = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
    granted = zendesk.post("/oauth/tokens", {"grant_type": "client_credentials", **client}, auth=None).json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}

    token = zendesk.get("/api/v2/oauth/tokens/current.json", auth=None, headers=bearer).json()["token"]

    assert set(token) == set(described["components"]["schemas"]["OauthTokenObject"]["properties"])


def test_known_error_bodies_of_freshdesk_and_servicenow_are_word_for_word(freshdesk, servicenow):
    known = [entry["body"] for entry in recorded("freshdesk/error_bodies.json")]
    known += [entry["body"] for entry in recorded("servicenow/error_bodies.json")]
    answers = [
        freshdesk.get("/api/v2/tickets", auth=("x", "X")),
        freshdesk.post(
            "/api/v2/tickets", {"email": "a@example.com", "subject": "s", "description": "d", "status": "2"}
        ),
        servicenow.get("/api/now/table/incident", auth=None),
        servicenow.get("/api/now/table/incident/0"),
    ]
    servicenow.faults.add("429")
    answers.append(servicenow.open_ticket())

    for answer in answers:
        assert answer.json() in known


def test_a_freshdesk_conversation_has_at_least_the_keys_of_the_samples(freshdesk):
    freshdesk.open_ticket()

    note = freshdesk.post("/api/v2/tickets/1/notes", {"body": "This is a private note"}).json()

    real = recorded("freshdesk/pyfreshdesk_v2_note_1.json")
    assert set(real) <= set(note)
    assert {key: note[key] for key in ("body", "body_text", "private", "source")} == {
        key: real[key] for key in ("body", "body_text", "private", "source")
    }


def test_freshdesk_objects_have_the_keys_of_the_samples(freshdesk):
    freshdesk.open_ticket()
    agent, group = recorded("freshdesk/pyfreshdesk_v2_agent_1.json"), recorded("freshdesk/pyfreshdesk_v2_group_1.json")
    ticket = recorded("freshdesk/pyfreshdesk_v2_ticket_1.json")

    me = freshdesk.get("/api/v2/agents/me").json()
    whole = freshdesk.get("/api/v2/tickets/1?include=stats,requester").json()

    assert (set(agent), set(agent["contact"])) == (set(me), set(me["contact"]))
    assert set(group) == set(freshdesk.get("/api/v2/groups").json()[0])
    assert (list(ticket["stats"]), set(ticket["requester"])) == (list(whole["stats"]), set(whole["requester"]))


def test_servicenow_answers_have_the_kinds_of_the_official_samples(servicenow):
    real = recorded("servicenow/incident_create_201.json")["result"]
    token, file = recorded("servicenow/oauth_token_200.json"), recorded("servicenow/attachment_list_200.json")

    made = servicenow.open_ticket().json()["result"]
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    given = servicenow.call("POST", "/oauth_token.do", data=form, auth=None).json()
    where = {"table_name": "incident", "table_sys_id": made["sys_id"], "file_name": "a.txt"}
    attached = servicenow.call("POST", "/api/now/attachment/file", params=where, data=b"x").json()["result"]

    assert set(real) - set(made) == {"wf_activity", "rejection_goto"}  # older columns, gone in the newer sample
    assert {type(made[key]) for key, value in real.items() if isinstance(value, str) and key in made} == {str}
    assert isinstance(made["opened_by"], dict)
    assert shape_of(given) == shape_of(token)
    assert shape_of(attached) == shape_of(file["result"][0])
