"""One webhook from HTTP request to committed answer, on both databases."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from gateway.db.tables import conversations, decisions, deliveries, events, handoffs, packets, webhooks, work

ALL = (webhooks, conversations, events, decisions, handoffs, packets, deliveries, work)


def test_an_ordinary_turn_is_stored_judged_and_the_bot_goes_on(bench):
    answer = bench.say("where is my order?")

    assert answer["duplicate"] is False
    assert answer["decision"] == {"action": "continue", "rules": []}
    assert answer["conversation_id"].startswith("cnv_")
    assert [bench.count(t) for t in ALL] == [1, 1, 1, 1, 0, 0, 0, 0]


def test_a_request_for_a_person_makes_one_handoff_with_packet_delivery_and_work(bench):
    decision = bench.say("I want to speak to a human please")["decision"]

    assert decision["action"] == "escalate"
    assert "explicit-request" in decision["rules"]
    assert decision["handoff_id"].startswith("hof_")
    assert decision["respond_by"].endswith("Z")
    assert decision["customer_message"]
    assert [bench.count(t) for t in (handoffs, packets, deliveries)] == [1, 1, 1]
    assert sorted(kind for _, kind in bench.due()) == ["assign_sla", "deliver"]


def test_a_request_for_a_person_at_the_end_of_a_long_letter_is_heard(bench):
    card = "4111 1111 1111 1111"
    letter = f"My card is {card}. " + "It began in March. " * 400 + "I want to speak to a human please"

    decision = bench.say(letter)["decision"]

    assert "explicit-request" in decision["rules"]
    with bench.env.reading() as tx:
        packet = tx.handoffs.packet_of(decision["handoff_id"])
        stored = tx.intake.decision(tx.handoffs.get(decision["handoff_id"]).event_id)
    (fired,) = [rule for rule in packet.reason.rules if rule.rule == "explicit-request"]
    assert "speak to a human" in fired.evidence[0].text
    assert any("speak to a human" in (e.text or "") for rule in stored.fired for e in rule.trace.evidence)
    assert card not in str(packet) + str(stored)


def test_a_route_without_people_of_its_own_takes_along_where_else_it_may_go(bench):
    failed = {"context": {"tool_calls": [{"name": "order_lookup", "ok": False}]}}
    bench.say("where is order 99812", **failed)

    decision = bench.say("it is 99812", **failed)["decision"]

    with bench.env.reading() as tx:
        draft = json.loads(tx.connection.execute(select(deliveries.c.draft)).scalar_one())
    assert decision["route"] == "orders"
    assert (draft["group"], draft["else_groups"]) == ("orders", ["support"])


def test_the_same_webhook_three_times_is_answered_three_times_and_done_once(bench):
    envelope = bench.turn("give me a human")

    answers = [bench.post(envelope, webhook_id="msg_same").json for _ in range(3)]

    assert [a["duplicate"] for a in answers] == [False, True, True]
    assert answers[0] | {"duplicate": True} == answers[1] == answers[2]
    assert [bench.count(t) for t in (webhooks, events, handoffs)] == [1, 1, 1]


def test_the_same_event_in_another_call_changes_nothing_and_gets_the_first_answer(bench):
    envelope = bench.turn("give me a human", event_id="evt-77")

    first, second = bench.post(envelope).json, bench.post(envelope).json

    assert second["duplicate"] is True
    assert second["decision"] == first["decision"]
    assert [bench.count(t) for t in (webhooks, events, handoffs)] == [2, 1, 1]


def test_asking_again_while_people_are_coming_makes_no_second_handoff(bench):
    first = bench.say("human please")["decision"]
    second = bench.say("I said I want a human!")["decision"]
    quiet = bench.say("ok, I will wait")["decision"]

    assert first["handoff_id"] == second["handoff_id"] == quiet["handoff_id"]
    assert quiet["action"] == "continue"
    assert second["action"] == "escalate"
    assert "customer_message" not in second  # nobody is promised the same person twice
    assert bench.count(handoffs) == 1


def test_turns_of_one_conversation_arriving_at_once_are_all_taken_one_after_the_other(bench):
    envelopes = [bench.turn(f"please give me a human, try {n}") for n in range(12)]
    ready = threading.Barrier(6)

    def send(envelope):
        if not ready.broken:
            ready.wait(timeout=5) if envelope in envelopes[:6] else None
        return bench.post(envelope)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, envelopes))

    assert [a.status_code for a in answers] == [200] * 12
    assert bench.count(handoffs) == 1
    assert len({a.json["decision"]["handoff_id"] for a in answers}) == 1
    with bench.env.reading() as tx:
        row = tx.conversations.get(answers[0].json["conversation_id"])
    assert (row.events, row.state.turns) == (12, 12)


def test_the_same_webhook_at_once_from_many_sides_is_stored_once(bench):
    envelope = bench.turn("human please")

    with ThreadPoolExecutor(6) as pool:
        answers = [a.json for a in pool.map(lambda _: bench.post(envelope, webhook_id="msg_race"), range(6))]

    assert [a["duplicate"] for a in answers].count(False) == 1
    assert len({a["decision"]["handoff_id"] for a in answers}) == 1
    assert [bench.count(t) for t in (webhooks, events, handoffs)] == [1, 1, 1]


def test_a_one_shot_handoff_always_becomes_one_even_when_no_word_of_it_asks_for_a_person(bench):
    decision = bench.post(
        {
            "type": "handoff.requested",
            "timestamp": bench.clock.now.isoformat(),
            "data": {
                "conversation": {"id": "call-1", "channel": "voice"},
                "handoff": {"reason_code": "out_of_scope"},
                "messages": [{"role": "customer", "text": "it is about the blue one"}, {"role": "bot", "text": "Hm."}],
            },
        }
    ).json["decision"]

    assert decision["action"] == "escalate"
    assert bench.count(deliveries) == 1


def test_an_unknown_event_type_is_kept_and_acknowledged(bench):
    answer = bench.post({"type": "weather.changed", "timestamp": bench.clock.now.isoformat(), "data": {}})

    assert answer.status_code == 200
    assert "ignored" in answer.json
    assert [bench.count(t) for t in (webhooks, events)] == [1, 0]


def test_a_ping_is_acknowledged(bench):
    answer = bench.post({"type": "endpoint.ping", "timestamp": bench.clock.now.isoformat(), "data": {}})

    assert answer.status_code == 200
    assert bench.count(events) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"[1, 2]", 400),
        (b'{"type": "message.created", "type": "x"}', 400),
        (b'{"a": NaN}', 400),
        (b"[" * 70 + b"]" * 70, 400),
        (b"\xff\xfe", 400),
        (b'{"type": "message.created", "timestamp": "2026-03-06T09:00:00Z", "data": {}}', 422),
        (b'{"type": 5, "timestamp": "2026-03-06T09:00:00Z", "data": {}}', 422),
        (b'{"type": "message.created", "timestamp": "yesterday", "data": {"conversation": {"id": "c"}}}', 422),
    ],
)
def test_a_bad_body_is_answered_with_a_problem_and_nothing_is_stored(bench, body, status):
    answer = bench.post(body)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]
    assert (status != 422) or answer.json["errors"][0]["pointer"].startswith("/")
    assert [bench.count(t) for t in ALL] == [0] * len(ALL)


def test_a_wrong_stale_or_missing_signature_is_401_and_not_a_word_more(bench):
    envelope = bench.turn("human please")
    wrong = bench.post(envelope, **{"webhook-signature": "v1,AAAA"})
    stale = bench.post(envelope, **{"webhook-timestamp": str(int(bench.clock.now.timestamp()) - 301)})
    missing = bench.client.post("/v1/in/shop", data=json.dumps(envelope))

    for answer in (wrong, stale, missing):
        assert answer.status_code == 401
        assert answer.json == {"type": "about:blank", "title": "Unauthorized", "status": 401}
    assert bench.count(webhooks) == 0


def test_an_unknown_source_is_404_a_large_body_413_a_compressed_one_415_a_chunked_one_411(bench):
    assert bench.client.post("/v1/in/nobody", data=b"{}").status_code == 404
    assert bench.post(b" " * 1_048_577).status_code == 413
    assert bench.post(b"{}", **{"Content-Encoding": "gzip"}).status_code == 415
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert bench.client.post("/v1/in/shop", environ_overrides=chunked).status_code == 411


def test_a_wrong_method_says_which_ones_are_allowed(bench):
    answer = bench.client.get("/v1/in/shop")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_neither_nul_nor_half_a_character_in_a_text_stops_the_turn(bench):
    envelope = json.dumps(bench.turn("HERE, human please")).replace("HERE", "\\u0000\\ud800")

    answer = bench.post(envelope.encode())

    assert answer.status_code == 200
    assert answer.json["decision"]["action"] == "escalate"


def test_a_database_that_is_away_is_503_with_retry_after_and_the_resend_is_taken(bench, monkeypatch):
    from sqlalchemy.exc import OperationalError

    envelope = bench.turn("human please")

    def away(*_args):
        raise OperationalError("SELECT", {}, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr("gateway.conversations.store.ConversationStore.save", away)
        refused = bench.post(envelope, webhook_id="msg_x")
    stored_meanwhile = [bench.count(t) for t in ALL]
    taken = bench.post(envelope, webhook_id="msg_x")

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert stored_meanwhile == [0] * len(ALL)
    assert taken.json["duplicate"] is False


def test_a_policy_that_crashes_lets_the_bot_go_on_and_the_turn_is_judged_late(bench, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("gateway.intake.judge.deciding.judge", lambda *_a, **_k: 1 / 0)
        answer = bench.say("give me a human")
    late = bench.work()

    assert answer["decision"]["action"] == "continue"
    assert "judge_late" in late
    assert bench.count(handoffs) == 1
    assert len(bench.tickets()) == 1


def test_the_stored_call_keeps_the_body_to_the_byte_and_no_signature(bench):
    raw = json.dumps(bench.turn("hello  there")).encode() + b"\n"

    bench.post(raw)

    with bench.env.reading() as tx:
        row = tx.connection.execute(webhooks.select()).one()
    assert row.body == raw
    assert "signature" not in row.headers


def test_a_call_nobody_took_becomes_a_callback_and_the_answer_says_what_to_ask_meanwhile(bench):
    failed = {
        "type": "call.transfer_failed",
        "timestamp": bench.clock.now.isoformat(),
        "data": {"conversation": {"id": "call-2", "channel": "voice"}},
    }

    bench.say("it is about the blue one", "call-2")
    answers = [bench.post(failed, webhook_id="msg_failed").json["decision"] for _ in range(2)]

    assert (answers[0]["action"], answers[0]["transfer"]) == ("escalate", "callback")
    assert answers[0]["rules"] == ["transfer-failed"]
    assert answers[0]["collect"] == ["phone"]
    assert answers[1] == answers[0]
    assert bench.count(deliveries) == 1
