"""A conversation that goes on after its handoff: the same ticket learns of it, once; nothing is lowered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.errors import Refused, Unavailable, Unsure
from gateway.db.tables import handoffs
from policies.after_solved import AfterSolved, Comeback


@pytest.fixture(params=["zendesk", "freshdesk", "servicenow"])
def desk_kind(request):
    return request.param


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


def escalate(bench):
    handoff_id = bench.say("My order A-1001 never came. I want a human")["decision"]["handoff_id"]
    bench.work()
    return handoff_id


def pass_by(bench, minutes=2):
    for _ in range(minutes * 2):
        bench.clock.forward(seconds=30)
        bench.work()


def notes(bench):
    (ticket,) = bench.tickets()
    return ticket["private_notes"]


def handoff_of(bench, handoff_id):
    with bench.env.reading() as tx:
        return tx.handoffs.get(handoff_id)


def test_turns_that_come_after_it_are_one_more_note_with_only_what_is_new(bench):
    escalate(bench)
    before = notes(bench)

    bench.say("It was the blue one")
    bench.say("My card is 4111 1111 1111 1111")
    pass_by(bench)

    (news,) = notes(bench)[len(before) :]
    assert "It was the blue one" in news
    assert "4111 1111 1111 1111" not in news
    assert "A-1001 never came" not in news
    assert bench.count(handoffs) == 1


def test_later_turns_are_another_note_and_doing_the_work_again_adds_none(bench):
    handoff_id = escalate(bench)
    bench.say("first")
    pass_by(bench)
    bench.say("second")
    pass_by(bench)
    told = notes(bench)

    with bench.env.transaction() as tx:
        tx.connection.execute(__import__("sqlalchemy").text("UPDATE work SET done_at = NULL WHERE kind = 'tell_news'"))
    bench.work()

    assert [("first" in note, "second" in note) for note in told[-2:]] == [(True, False), (False, True)]
    assert notes(bench) == told
    assert handoff_of(bench, handoff_id).told_up_to == 3


def test_a_note_nobody_knows_the_fate_of_is_the_same_note_again_and_stands_there_once(bench, monkeypatch):
    escalate(bench)
    before = notes(bench)
    helpdesk = bench.env.helpdesk("desk")
    really, sent = helpdesk.update_ticket, []

    def done_but_not_answered(ref, update):
        really(ref, update)
        sent.append(update)
        monkeypatch.undo()
        raise Unsure("Desk", "no answer")

    bench.say("first")
    bench.clock.forward(seconds=21)
    monkeypatch.setattr(helpdesk, "update_ticket", done_but_not_answered)
    bench.one_round()
    bench.say("second")
    pass_by(bench, minutes=5)

    added = notes(bench)[len(before) :]
    assert len(sent) == 1
    assert [("first" in note, "second" in note) for note in added] == [(True, False), (False, True)]


def test_a_note_that_may_still_be_on_its_way_is_not_sent_again_before_a_look_is_worth_something(bench, monkeypatch):
    escalate(bench)
    desk, real = bench.env.helpdesk("desk"), bench.env.helpdesk("desk").update_ticket
    tried_at, on_its_way = [], []

    def slow(ref, update):
        """The first request is given up by us, and carried out by the helpdesk a minute later."""
        tried_at.append(bench.clock.now)
        if len(tried_at) == 1:
            on_its_way.append((ref, update))
            raise Unsure("Zendesk", "no answer within 2 s")
        real(ref, update)

    monkeypatch.setattr(desk, "update_ticket", slow)
    bench.say("It was the blue one")

    pass_by(bench, minutes=1)
    real(*on_its_way[0])
    pass_by(bench, minutes=3)

    assert tried_at[1] - tried_at[0] >= timedelta(seconds=120)
    assert sum("It was the blue one" in note for note in notes(bench)) == 1


def test_news_that_came_while_an_earlier_note_was_refused_is_told_all_the_same(bench, monkeypatch):
    escalate(bench)
    desk, real = bench.env.helpdesk("desk"), bench.env.helpdesk("desk").update_ticket
    answers = [Unavailable("Desk", "away"), Refused("Desk", "a field is invalid")]

    def ill(ref, update):
        if answers:
            raise answers.pop(0)
        real(ref, update)

    monkeypatch.setattr(desk, "update_ticket", ill)
    bench.say("first")
    bench.clock.forward(seconds=21)
    bench.one_round()
    bench.say("second")
    pass_by(bench, minutes=5)

    assert answers == []
    assert any("second" in note for note in notes(bench))


def test_what_is_said_before_there_is_a_ticket_is_told_once_there_is_one(bench):
    bench.sandbox.faults.add("503", method="POST", path="*", times=2)
    bench.say("My order A-1001 never came. I want a human")
    bench.work()
    bench.say("Are you there?")

    pass_by(bench, minutes=10)

    assert sum("Are you there?" in note for note in notes(bench)) == 1


def test_the_analysis_of_a_call_reaches_the_ticket_even_when_people_are_done(bench):
    handoff_id = escalate(bench)
    with bench.env.transaction() as tx:
        from gateway.status.apply import solved

        solved(tx, tx.handoffs.lock(handoff_id), bench.clock.now, bench.clock.now)
    envelope = bench.turn("", "c-1")
    del envelope["data"]["message"]
    envelope["type"] = "conversation.analyzed"
    envelope["data"]["bot_outcome"] = {"resolved": False, "summary": "The customer gave up on the bot."}

    answer = bench.post(envelope)
    pass_by(bench)

    assert answer.status_code == 200, answer.text
    assert "The customer gave up on the bot." in notes(bench)[-1]


def test_a_second_escalation_with_a_stricter_tier_raises_ticket_and_clock(bench):
    handoff_id = escalate(bench)
    before = handoff_of(bench, handoff_id)
    bench.clock.forward(minutes=5)

    bench.say("I will kill myself")
    pass_by(bench)

    after = handoff_of(bench, handoff_id)
    with bench.env.reading() as tx:
        clock = next(c for c in tx.clocks.of_handoff(handoff_id) if c.metric == "first_human_response")
    (ticket,) = bench.tickets()
    policy = bench.env.policy.current
    assert policy.tier(after.tier).strictness < policy.tier(before.tier).strictness
    assert after.respond_by < before.respond_by
    assert clock.due_at <= after.respond_by
    assert ticket["fields"]["tier"] == after.tier
    assert after.sla_assigned_at is not None


def test_a_milder_one_changes_nothing(bench):
    handoff_id = bench.say("I will kill myself")["decision"]["handoff_id"]
    bench.work()
    before = handoff_of(bench, handoff_id)

    bench.say("I want a human")
    pass_by(bench)

    after = handoff_of(bench, handoff_id)
    assert (after.tier, after.respond_by, after.our_priorities) == (
        before.tier,
        before.respond_by,
        before.our_priorities,
    )


# A new handoff after the first was solved


def come_back(bench, do, *, after=timedelta(hours=1)):
    """Two handoffs of one conversation: the first is solved at the helpdesk, the second comes some time later."""
    policy = replace(bench.env.policy.current, after_solved=Comeback(do, timedelta(hours=72)))
    bench.env.policy._current = policy
    first = escalate(bench)
    ticket = bench.tickets()[0]["id"]
    act(bench, ticket, "reply", "Done.")
    act(bench, ticket, "status", "solved")
    bench.clock.forward(seconds=60)
    read_all(bench, first)
    bench.clock.forward(seconds=after.total_seconds())
    second = bench.say("It is broken again, I want a human")["decision"]["handoff_id"]
    pass_by(bench)
    return first, second


def act(bench, ticket_id, kind, value):
    from connectors.sandbox.desk import Deed

    bench.sandbox.state.act(ticket_id, Deed(kind, value, "Dana Agent"))


def read_all(bench, handoff_id):
    from gateway.db.work import Work

    with bench.env.transaction() as tx:
        tx.later(Work("read_ticket", handoff_id, bench.clock.now, lane="desk"))
    bench.work()


def test_follow_up_is_a_new_ticket_that_names_the_one_before(bench):
    first, second = come_back(bench, AfterSolved.FOLLOW_UP)

    assert len(bench.tickets()) == 2
    with bench.env.reading() as tx:
        before, after = tx.deliveries.of_handoff(first), tx.deliveries.of_handoff(second)
    assert handoff_of(bench, second).follows == first
    assert after.draft.follows.ticket_id == before.ticket.ticket_id
    assert after.state == "done"
    assert after.ticket.ticket_id != before.ticket.ticket_id


def test_reopen_uses_the_ticket_it_had(bench):
    first, second = come_back(bench, AfterSolved.REOPEN)

    (ticket,) = bench.tickets()
    with bench.env.reading() as tx:
        before, after = tx.deliveries.of_handoff(first), tx.deliveries.of_handoff(second)
    assert after.state == "done"
    assert after.ticket.ticket_id == before.ticket.ticket_id
    assert sum("It is broken again" in note for note in ticket["private_notes"]) == 1
    assert handoff_of(bench, second).status == "waiting"
    assert handoff_of(bench, first).status == "solved"
    assert ticket["key"] == before.key


def test_until_a_reopening_is_done_the_ticket_is_still_the_first_handoffs_dead_or_not(bench, monkeypatch):
    helpdesk = bench.env.helpdesk("desk")
    really = helpdesk.update_ticket

    def away(ref, update):
        if update.reopen:
            raise Unavailable("Desk", "no answer")
        return really(ref, update)

    monkeypatch.setattr(helpdesk, "update_ticket", away)
    first, second = come_back(bench, AfterSolved.REOPEN)
    ticket_id = bench.tickets()[0]["id"]

    with bench.env.transaction() as tx:
        waiting = tx.deliveries.of_handoff(second)
        while_waiting = tx.deliveries.by_ticket("desk", ticket_id)
        tx.deliveries.change(waiting.id, bench.clock.now, state="dead")
        while_dead = tx.deliveries.by_ticket("desk", ticket_id)

    assert waiting.state == "pending"
    assert [while_waiting.handoff_id, while_dead.handoff_id] == [first, first]


def test_a_ticket_that_cannot_be_opened_again_gets_a_follow_up(bench, monkeypatch):
    from connectors.errors import Refused

    helpdesk = bench.env.helpdesk("desk")
    really = helpdesk.update_ticket

    def closed_for_good(ref, update):
        if update.reopen:
            raise Refused("Desk", "closed prevents ticket update")
        return really(ref, update)

    monkeypatch.setattr(helpdesk, "update_ticket", closed_for_good)

    _, second = come_back(bench, AfterSolved.REOPEN)

    with bench.env.reading() as tx:
        assert tx.deliveries.of_handoff(second).state == "done"
    assert len(bench.tickets()) == 2


def test_long_after_it_is_a_new_matter(bench):
    _, second = come_back(bench, AfterSolved.REOPEN, after=timedelta(hours=73))

    assert len(bench.tickets()) == 2
    assert handoff_of(bench, second).follows is None
