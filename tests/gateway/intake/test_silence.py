"""Nobody speaks though somebody should: timers that judge a silence, once, and can open a handoff."""

from dataclasses import replace
from datetime import timedelta

from gateway.db.tables import decisions, events, handoffs, work
from gateway.jobs import environment
from gateway.jobs.judge_late import judge_late
from gateway.status.apply import lock_handoff, solved


def answered(bench, conversation="c-1", failed=False, **more):
    """The customer asks, and the bot answers."""
    bench.say("where is my order 1001?", conversation, **more)
    context = {"context": {"tool_calls": [{"name": "order_lookup", "ok": False}]}} if failed else {}
    bench.say("I could not find it.", conversation, role="bot", **context)


def with_heartbeat(bench, **by):
    source = replace(bench.env.settings.sources["shop"], heartbeat=timedelta(**by))
    bench.env.settings = replace(bench.env.settings, sources={"shop": source})


def test_a_customer_who_falls_silent_after_a_failure_is_called_back(bench):
    answered(bench, failed=True)
    bench.clock.forward(minutes=15)

    done = bench.work()

    assert done[0] == "judge_silent"
    with bench.env.reading() as tx:
        (view,) = tx.handoffs.page(10)
    assert (view.handoff.because, view.handoff.mode) == (("left-after-failure",), "callback")
    assert len(bench.tickets()) == 1


def test_a_silence_is_judged_once(bench):
    answered(bench, failed=True)
    for _ in range(4):
        bench.clock.forward(minutes=15)
        bench.work()

    assert bench.count(handoffs) == 1


def test_a_minute_too_early_nothing_happens(bench):
    answered(bench, failed=True)
    bench.clock.forward(minutes=14)

    bench.work()

    assert bench.count(handoffs) == 0


def test_whoever_speaks_in_time_is_not_silent(bench):
    answered(bench, failed=True)
    bench.clock.forward(minutes=10)
    answered(bench, failed=True, customer={"vendor_user_id": "u-1"})
    bench.clock.forward(minutes=10)

    bench.work()

    assert bench.count(handoffs) == 1  # for the second failure, and at once; not for a silence
    with bench.env.reading() as tx:
        assert tx.handoffs.page(1)[0].handoff.because == ("same-task-failed",)


def test_a_bot_that_owes_an_answer_for_three_minutes_is_replaced(bench):
    answered(bench)
    bench.say("1002, sorry")
    bench.clock.forward(minutes=3)

    bench.work()

    with bench.env.reading() as tx:
        assert tx.handoffs.page(1)[0].handoff.because == ("bot-silent",)


def test_a_turn_that_is_judged_late_is_judged_as_of_its_own_time(bench, monkeypatch):
    answered(bench)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.intake.judge.deciding.judge", lambda *_a, **_k: 1 / 0)
        bench.say("1002, sorry")
    bench.say("1002 comes on Friday.", role="bot")
    bench.clock.forward(minutes=10)  # until somebody has mended the policy

    done = bench.work()

    assert "judge_late" in done
    assert bench.count(handoffs) == 0  # the bot was not silent


def test_a_turn_judged_late_brings_nobody_once_people_are_done_with_it(bench, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("gateway.intake.judge.deciding.judge", lambda *_a, **_k: 1 / 0)
        bench.say("give me a human")
    late = next(work_id for work_id, kind in bench.due() if kind == "judge_late")
    bench.clock.forward(seconds=30)
    handoff_id = bench.say("human please")["decision"]["handoff_id"]
    with bench.env.transaction() as tx:
        solved(tx, lock_handoff(tx, handoff_id), bench.clock.now, bench.clock.now)

    environment.use(bench.env)
    judge_late(late)

    assert bench.count(handoffs) == 1


def test_a_turn_of_a_source_that_is_no_longer_configured_is_not_judged_for_ever(bench, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("gateway.intake.judge.deciding.judge", lambda *_a, **_k: 1 / 0)
        bench.say("give me a human")
    bench.env.settings = replace(bench.env.settings, sources={})

    done = bench.work()

    assert done == ["judge_late"]
    assert bench.count(handoffs) == 0


def test_one_conversation_has_one_timer_however_many_turns(bench):
    for _ in range(5):
        bench.clock.forward(seconds=30)
        answered(bench)

    assert bench.count(work) == 1


def test_a_timer_that_is_early_sets_itself_to_the_next_silence(bench):
    answered(bench)
    bench.say("1002, sorry")  # the bot owes: the timer is due in three minutes
    bench.clock.forward(minutes=2)
    bench.say("Found it, it failed.", role="bot", context={"tool_calls": [{"name": "order_lookup", "ok": False}]})
    bench.clock.forward(minutes=1)
    assert bench.work() == ["judge_silent"]

    bench.clock.forward(minutes=14)
    bench.work()

    with bench.env.reading() as tx:
        assert tx.handoffs.page(1)[0].handoff.because == ("left-after-failure",)


def test_what_is_solved_or_ended_waits_for_nobody(bench):
    answered(bench, failed=True)
    bench.post({**bench.turn("", "c-1"), "type": "conversation.ended"})
    answered(bench, "c-2", failed=True)
    ended = bench.turn("", "c-2")
    del ended["data"]["message"]
    bench.post({**ended, "type": "conversation.ended", "data": {**ended["data"], "bot_outcome": {"resolved": True}}})
    bench.clock.forward(hours=2)

    bench.work()

    assert bench.count(handoffs) == 0


def test_while_people_hold_it_no_silence_opens_another(bench):
    bench.say("hello")
    bench.say("Hi!", role="bot")
    bench.say("I want to speak to a human please")
    bench.clock.forward(hours=1)

    bench.work()

    assert bench.count(handoffs) == 1


def test_a_silence_leaves_no_event_and_only_a_decision_that_says_something(bench):
    answered(bench)
    bench.clock.forward(hours=1)
    bench.work()
    assert [bench.count(t) for t in (events, decisions)] == [2, 2]

    answered(bench, "c-2", failed=True)
    bench.clock.forward(hours=1)
    bench.work()

    assert [bench.count(t) for t in (events, decisions)] == [4, 5]


def test_a_vendor_silent_past_its_heartbeat_is_noticed_in_a_conversation(bench):
    with_heartbeat(bench, minutes=1)
    bench.say("hello?")
    bench.clock.forward(seconds=61)

    bench.work()

    with bench.env.reading() as tx:
        assert tx.handoffs.page(1)[0].handoff.because == ("vendor-silent",)


def test_without_a_heartbeat_no_vendor_is_called_silent(bench):
    bench.say("hello?")
    bench.clock.forward(hours=1)

    assert bench.work() == []
    assert bench.count(handoffs) == 0


def test_a_source_gone_silent_as_a_whole_is_noticed_in_what_was_going_on(bench):
    with_heartbeat(bench, minutes=1)
    bench.say("hello?")
    bench.say("Hi, how can I help?", role="bot")
    for _ in range(3):
        bench.clock.forward(seconds=40)
        bench.work()

    with bench.env.reading() as tx:
        assert tx.handoffs.page(1)[0].handoff.because == ("vendor-silent",)


def test_a_source_that_speaks_elsewhere_is_alive(bench):
    with_heartbeat(bench, minutes=1)
    bench.say("hello?")
    bench.say("Hi, how can I help?", role="bot")
    for number in range(6):
        bench.clock.forward(seconds=40)
        bench.say("hello?", f"other-{number}")
        bench.say("Hi!", f"other-{number}", role="bot")
        bench.work()

    with bench.env.reading() as tx:
        row = tx.conversations.find("shop", "c-1")
    assert row.open_handoff_id is None
