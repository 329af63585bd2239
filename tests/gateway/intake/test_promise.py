"""A bot that promises a person and calls none: one is called when half a minute is over, and only then."""

import pytest

from gateway.db.tables import handoffs
from gateway.handoffs.store import HandoffStatus


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


def promised(bench, text="I am connecting you to a person."):
    bench.say("where is my order 1001?")
    bench.say(text, role="bot")


def pass_by(bench, seconds):
    bench.clock.forward(seconds=seconds)
    bench.work()


def test_a_promise_nobody_keeps_becomes_a_handoff_with_the_promise_as_evidence(bench):
    promised(bench)

    pass_by(bench, 30)

    with bench.env.reading() as tx:
        (view,) = tx.handoffs.page(5)
        packet = tx.handoffs.packet_of(view.handoff.id)
    assert view.handoff.because == ("promise-kept",)
    assert any("I am connecting you to a person" in note for note in bench.tickets()[0]["private_notes"])
    (reason,) = packet.reason.rules
    assert "I am connecting you to a person" in str(reason)


def test_a_promise_in_a_transcript_that_is_told_as_it_grows_is_kept_too(bench):
    said = [{"id": "t1", "role": "customer", "text": "where is my order 1001?"},
            {"id": "t2", "role": "bot", "text": "I am connecting you to a person."}]  # fmt: skip
    for turns in (1, 2):
        told = {"conversation": {"id": "c-1"}, "messages": said[:turns]}
        bench.post({"type": "conversation.updated", "timestamp": bench.clock.now.isoformat(), "data": told})

    pass_by(bench, 30)

    with bench.env.reading() as tx:
        assert [view.handoff.because for view in tx.handoffs.page(5)] == [("promise-kept",)]


def test_half_a_minute_is_not_over(bench):
    promised(bench)

    pass_by(bench, 29)

    assert bench.count(handoffs) == 0


def test_what_the_customer_says_meanwhile_does_not_put_it_off(bench):
    promised(bench)
    pass_by(bench, 20)
    bench.say("thanks")

    pass_by(bench, 10)

    assert bench.count(handoffs) == 1


def test_a_vendor_that_ends_the_conversation_after_promising_is_not_let_off(bench):
    promised(bench)
    ended = bench.turn("")
    del ended["data"]["message"]
    bench.post({**ended, "type": "conversation.ended"})

    pass_by(bench, 30)

    assert bench.count(handoffs) == 1


def test_a_handoff_in_time_keeps_the_promise_and_nothing_more_happens(bench):
    promised(bench)
    pass_by(bench, 10)
    asked = bench.turn("")
    del asked["data"]["message"]
    asked["data"]["handoff"] = {"reason_code": "rule", "requested_by": "rule"}
    bench.post({**asked, "type": "handoff.requested"})

    pass_by(bench, 600)

    assert bench.count(handoffs) == 1
    with bench.env.reading() as tx:
        assert tx.handoffs.page(1)[0].handoff.because == ("bot-asked-for-handoff",)


def test_a_person_who_comes_at_the_vendor_or_a_customer_who_wants_none_any_more_settles_it(bench):
    for conversation, kind in (("c-1", "agent.assigned"), ("c-2", "handoff.cancelled")):
        bench.say("where is my order 1001?", conversation)
        bench.say("I am connecting you to a person.", conversation, role="bot")
        event = bench.turn("", conversation)
        del event["data"]["message"]
        bench.post({**event, "type": kind})

    pass_by(bench, 60)

    assert bench.count(handoffs) == 0


def test_a_promise_from_before_the_people_were_done_is_not_kept_twice(bench):
    promised(bench)
    pass_by(bench, 30)
    with bench.env.transaction() as tx:
        from gateway.status.apply import solved

        (view,) = tx.handoffs.page(5)
        solved(tx, tx.handoffs.lock(view.handoff.id), bench.clock.now, bench.clock.now)
    bench.say("thank you, bye")

    pass_by(bench, 60)

    with bench.env.reading() as tx:
        (view,) = tx.handoffs.page(5)
    assert view.handoff.status is HandoffStatus.SOLVED
