"""GET /v1/handoffs and /v1/conversations: for programs with a token."""

import base64

import jsonschema
import pytest

from packets.schemas.export import PUBLISHED, packet_schema

TOKEN = {"Authorization": "Bearer token-1"}


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


def test_without_a_token_there_is_nothing_to_see(bench):
    for path in ("/v1/handoffs", "/v1/handoffs/hof_x", "/v1/conversations/cnv_x"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
            assert bench.client.get(path, headers=headers).status_code == 401


def test_one_handoff_shows_its_ticket_its_clocks_and_the_whole_packet(bench):
    handoff_id = bench.say("my order 99812 is lost, human please")["decision"]["handoff_id"]
    bench.work()

    found = bench.client.get(f"/v1/handoffs/{handoff_id}", headers=TOKEN).json

    assert found["delivery"]["state"] == "done"
    assert found["ticket"]["id"] == bench.tickets()[0]["id"]
    assert found["clocks"][0]["metric"] == "first_human_response"
    assert found["clocks"][0]["outcome"] is None
    assert found["packet"]["transcript"]["turns"][0]["text"] == "my order 99812 is lost, human please"
    jsonschema.validate(found["packet"], packet_schema())


def test_pages_are_newest_first_and_their_cursor_misses_and_repeats_nothing(bench):
    made = []
    for n in range(5):
        made.append(bench.say("human please", f"c-{n}")["decision"]["handoff_id"])
        bench.clock.forward(seconds=1 if n % 2 else 0)

    seen, cursor = [], None
    while True:
        page = bench.client.get("/v1/handoffs", headers=TOKEN, query_string={"limit": 2, "cursor": cursor or ""}).json
        seen += [h["id"] for h in page["handoffs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert sorted(seen) == sorted(made)
    assert seen[0] == made[-1]
    assert bench.client.get("/v1/handoffs?cursor=nonsense", headers=TOKEN).status_code == 400


@pytest.mark.parametrize("at", ["2026-03-06T09:00:00", "0001-01-01T00:00:00+14:00", "2026-03-06"])
def test_a_cursor_with_a_time_no_database_takes_is_none_of_ours(bench, at):
    cursor = base64.urlsafe_b64encode(f"{at}|hof_1".encode()).decode()

    answer = bench.client.get("/v1/handoffs", headers=TOKEN, query_string={"cursor": cursor})

    assert answer.status_code == 400


def test_a_state_that_no_delivery_has_is_told_and_does_not_look_like_an_empty_list(bench):
    bench.say("human please")

    wrong = bench.client.get("/v1/handoffs?state=paused", headers=TOKEN)
    right = bench.client.get("/v1/handoffs?state=pending", headers=TOKEN)

    assert wrong.status_code == 400
    assert "pending, opened, done, dead" in wrong.json["detail"]
    assert len(right.json["handoffs"]) == 1


def test_a_conversation_shows_what_was_decided_on_each_event(bench):
    conversation_id = bench.say("hello")["conversation_id"]
    bench.say("human please")

    found = bench.client.get(f"/v1/conversations/{conversation_id}", headers=TOKEN).json

    assert [d["action"] for d in found["decisions"]] == ["continue", "escalate"]
    assert found["holder"] == "pending_human"
    assert found["turns"] == 2
    assert len(found["handoffs"]) == 1


def test_health_readiness_figures_and_schemas_are_open(bench):
    bench.say("human please")

    assert bench.client.get("/healthz").json == {"status": "up"}
    ready = bench.client.get("/readyz")
    assert (ready.status_code, ready.json["redis"], ready.json["relay"]) == (200, "ok", "silent")
    assert 'baton_deliveries{helpdesk="desk",state="pending"} 1.0' in bench.client.get("/metrics").text
    for path in PUBLISHED.glob("*.json"):
        assert bench.client.get(f"/schemas/{path.name}").json["$schema"]
    assert bench.client.get("/schemas/../export.py").status_code == 404
    assert bench.client.get("/schemas/none.json").status_code == 404
