"""From a missed target to somebody who comes: a ladder climbed over a database, a helpdesk double and a chat double."""

import json

import pytest

from connectors.ports import Press, Pressed
from connectors.sandbox.chat.server import ChatFault
from connectors.sandbox.desk import Deed
from gateway.notify.press import pressed_on

CANARY = "Zaubertrank-4711"


def words(message):
    return json.dumps(message.body, ensure_ascii=False)


def test_the_first_to_claim_has_it_and_everybody_sees_that(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)
    channel, to_alex, to_dana = (chats.to(c)[0] for c in ("C0DUTY", "U02", "U01"))

    statuses = [chats.chat.press(card.ts, "baton_claim", who) for card, who in ((to_alex, "U02"), (to_dana, "U01"))]
    chats.bench.work()

    assert statuses == [200, 200]
    shown = chats.shown(handoff_id)
    assert (shown["status"], shown["accepted_by"]) == ("claimed", "alex")
    assert all("Taken by alex" in words(card) and "baton_claim" not in words(card) for card in chats.cards())
    assert [m.body["text"] for m in chats.chat.messages if m.for_user == "U01"] == ["Too late: taken by alex."]
    assert channel.changes == 1
    assert chats.rungs(handoff_id) == ["delivered", "claimed"]


def test_a_ladder_that_was_taken_goes_no_further(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)
    chats.press(chats.to("C0DUTY")[0], "claim", "U09")
    before = len(chats.cards())

    chats.forward(hours=5)

    assert len(chats.cards()) == before
    assert chats.shown(handoff_id)["accepted_by"] == "u09 (team-chat)"


@pytest.mark.parametrize(
    "deed", [Deed("assign", "Kim", "Kim"), Deed("reply", "Hello", "Kim"), Deed("status", "solved", "Kim")]
)
def test_what_people_do_at_the_helpdesk_stops_it_too(chats, deed):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)
    helpdesk_says(chats, deed)

    chats.forward(hours=5)

    assert {"baton_claim" in words(card) for card in chats.cards()} == {False}
    assert chats.shown(handoff_id)["ladders"][0]["ended_at"]


def test_without_an_answer_the_next_steps_come_and_all_of_them_again(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)

    chats.forward(minutes=9)
    early = len(chats.to("managers"))
    chats.forward(minutes=1)
    once = len(chats.to("managers"))
    chats.forward(minutes=60)
    chats.forward(minutes=10)

    assert (early, once, len(chats.to("managers"))) == (0, 1, 2)
    assert chats.rungs(handoff_id) == ["delivered", "skipped", "delivered"] * 2
    assert chats.shown(handoff_id)["ladders"][0]["ended_at"]


def test_when_everybody_asked_has_declined_the_next_step_comes_at_once(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)

    chats.press(chats.to("U01")[0], "decline", "U01")
    not_yet = len(chats.to("managers"))
    chats.press(chats.to("U02")[0], "decline", "U02")

    assert (not_yet, len(chats.to("managers"))) == (0, 1)


def test_a_step_passes_the_ticket_to_another_team_and_says_so_on_it(chats):
    chats.breach(chats.handoff())

    chats.forward(minutes=10)

    ticket = chats.bench.tickets()[0]
    assert "Passed to general" in json.dumps(ticket)
    assert sum("Ladder specialists" in json.dumps(entry) for entry in ticket["entries"]) == 1


def test_a_missed_call_gives_the_manager_a_high_priority_task(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)
    with chats.env.transaction() as tx:
        tx.call_missed(handoff_id, chats.bench.clock.now)

    chats.forward(minutes=5)

    ticket = chats.bench.tickets()[0]
    assert "High Priority task for dana" in json.dumps(ticket)
    assert "baton_manager_task" in ticket["tags"]
    assert chats.to("U01")[-1].body["text"].startswith("High Priority task")
    assert chats.shown(handoff_id)["priority_set_by"] == "us"


def test_beginning_a_ladder_again_while_it_runs_sends_nothing_more(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)
    before = len(chats.cards())

    chats.breach(handoff_id)
    with chats.env.transaction() as tx:
        tx.climb(handoff_id, "specialists", chats.bench.clock.now)
    chats.bench.work()

    assert len(chats.cards()) == before == 3


def test_a_warning_goes_to_the_ladders_channels_once(chats):
    handoff_id = chats.handoff()
    for _ in range(2):
        with chats.env.transaction() as tx:
            tx.warn_chats(handoff_id, ["team-chat", "pager"], "80%", chats.bench.clock.now)
        chats.bench.work()

    assert [card.channel for card in chats.cards()] == ["C0DUTY"]
    assert chats.shown(handoff_id)["chat"][0]["state"] == "sent"


def test_a_chat_that_asks_to_wait_is_told_when_it_said(chats):
    handoff_id = chats.handoff()
    chats.chat.faults.append(ChatFault("throttle", times=3, retry_after=40))
    chats.breach(handoff_id)

    chats.forward(seconds=39)
    before = len(chats.cards())
    chats.forward(seconds=1)

    assert (before, len(chats.cards())) == (0, 3)


def test_a_message_that_may_have_arrived_is_not_sent_twice(chats):
    handoff_id = chats.handoff()
    chats.chat.faults.append(ChatFault("lost"))
    chats.breach(handoff_id)

    chats.forward(minutes=8)

    messages = chats.shown(handoff_id)["ladders"][0]["rungs"][0]["messages"]
    assert sorted(m["state"] for m in messages) == ["perhaps", "sent", "sent"]
    assert len(chats.cards()) == 3


def test_what_a_worker_was_sending_when_it_died_is_not_sent_again(chats):
    handoff_id = chats.handoff()
    with chats.env.transaction() as tx:
        tx.climb(handoff_id, "specialists", chats.bench.clock.now)
    chats.bench.one_round()  # the step is recorded, nothing is sent yet
    with chats.env.transaction() as tx:
        for message in tx.notify.messages_of(handoff_id):
            tx.notify.change_message(message.id, state="sending")

    chats.bench.work()

    states = [m["state"] for m in chats.shown(handoff_id)["ladders"][0]["rungs"][0]["messages"]]
    assert (states, chats.cards()) == (["perhaps"] * 3, [])


@pytest.mark.parametrize("fault", ["refuse", "deny"])
def test_a_step_that_the_chat_refuses_has_reached_nobody(chats, fault):
    handoff_id = chats.handoff()
    chats.chat.faults.append(ChatFault(fault, times=3))

    chats.breach(handoff_id)

    chats.forward(minutes=10)

    assert [card.channel for card in chats.cards()] == ["managers"]
    assert chats.rungs(handoff_id) == ["skipped", "skipped", "delivered"]


def test_a_card_that_waits_for_the_chat_is_dropped_once_somebody_has_come(chats):
    handoff_id = chats.handoff()
    chats.chat.faults.append(ChatFault("throttle", times=3, retry_after=60))
    chats.breach(handoff_id)
    helpdesk_says(chats, Deed("assign", "Kim", "Kim"))

    chats.forward(minutes=2)

    assert chats.cards() == []


def test_nothing_a_customer_says_comes_into_a_chat_or_an_error(chats, caplog):
    text = f"I am Ana Ruiz, {CANARY}, ana@example.com: I want a human"
    handoff_id = chats.handoff(text)
    chats.chat.faults += [ChatFault("down", times=2), ChatFault("refuse")]
    with chats.env.transaction() as tx:
        tx.warn_chats(handoff_id, ["team-chat"], "50%", chats.bench.clock.now)
    chats.breach(handoff_id)
    chats.forward(minutes=10)
    chats.press(chats.to("managers")[0], "claim", "U02")

    told = " ".join(words(m) for m in chats.chat.messages) + caplog.text + str(chats.shown(handoff_id)["ladders"])

    assert len(chats.cards()) >= 2
    assert [secret for secret in (CANARY, "Ana", "ana@example.com", "slack-signing-secret") if secret in told] == []


def test_a_press_that_is_signed_with_another_secret_changes_nothing(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)

    status = chats.press(chats.to("C0DUTY")[0], "claim", "U02", secret="guessed")

    assert (status, chats.shown(handoff_id)["status"]) == (401, "waiting")


def test_what_was_taken_in_a_chat_stays_taken_though_the_ticket_has_no_owner_yet(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)
    chats.press(chats.to("C0DUTY")[0], "claim", "U02")

    helpdesk_says(chats, Deed("note", "Looking at it", "Kim"))

    assert chats.shown(handoff_id)["status"] == "claimed"


def test_whoever_has_a_name_no_column_takes_has_it_too(chats):
    handoff_id = chats.handoff()
    chats.breach(handoff_id)

    with chats.env.transaction() as tx:
        card = next(m for m in tx.notify.messages_of(handoff_id) if m.run_id)
        pressed_on(tx, "team-chat", Pressed(Press.CLAIM, card.id, "U9", "x"), "\0" + "x" * 183, chats.bench.clock.now)

    assert chats.shown(handoff_id)["accepted_by"] == "\ufffd" + "x" * 99


class TestTeams:
    @pytest.fixture
    def chat_kind(self):
        return "teams"

    def links(self, chats):
        card = chats.cards()[0].body["attachments"][0]["content"]
        return {a["title"]: a["url"].removeprefix("http://gateway.example") for a in card["actions"]}

    def test_a_link_shows_a_page_and_only_its_button_claims(self, chats):
        handoff_id = chats.handoff()
        chats.breach(handoff_id)
        link = self.links(chats)["Claim"]

        page = chats.bench.client.get(link)
        before = chats.shown(handoff_id)["status"]
        first = chats.bench.client.post(link, data={"name": "alex"})
        second = chats.bench.client.post(link, data={"name": "Kim"})
        chats.bench.work()

        assert (page.status_code, before) == (200, "waiting")
        assert (first.status_code, second.status_code) == (200, 409)
        assert "taken by alex" in second.text
        assert chats.shown(handoff_id)["accepted_by"] == "alex"
        assert "Taken by alex" in words(chats.cards()[-1])

    def test_a_link_runs_out_and_cannot_be_changed(self, chats):
        chats.breach(chats.handoff())
        link = self.links(chats)["Claim"]

        changed = chats.bench.client.get(link.replace("claim", "decline"))
        chats.bench.clock.forward(hours=49)
        late = chats.bench.client.post(link, data={"name": "alex"})

        assert (changed.status_code, late.status_code) == (410, 410)

    def test_who_took_it_is_told_once_whatever_follows(self, chats):
        handoff_id = chats.handoff()
        chats.breach(handoff_id)
        chats.bench.client.post(self.links(chats)["Claim"], data={"name": "alex"})
        chats.bench.work()

        helpdesk_says(chats, Deed("reply", "I look into it", "Kim"))
        helpdesk_says(chats, Deed("status", "solved", "Kim"))

        assert chats.shown(handoff_id)["status"] == "solved"
        assert sum("somebody has come" in words(card) for card in chats.cards()) == 1

    def test_people_who_share_one_channel_are_asked_by_one_card(self, chats):
        chats.breach(chats.handoff())

        assert sum("alex, dana" in words(card) or "dana, alex" in words(card) for card in chats.cards()) == 1
        assert len(chats.cards()) == 2


def helpdesk_says(chats, deed):
    """A person acts at the helpdesk, and we look."""
    from gateway.db.work import Work

    ticket = chats.bench.tickets()[0]
    chats.bench.clock.forward(seconds=30)
    chats.bench.sandbox.sandbox.act(ticket["id"], deed)
    with chats.env.transaction() as tx:
        handoff = tx.handoffs.page(1)[0].handoff
        tx.later(Work("read_ticket", handoff.id, chats.bench.clock.now, lane="desk"))
    chats.bench.work()


def test_a_target_that_is_missed_begins_its_ladder_and_warnings_went_before(chats):
    handoff_id = chats.handoff()
    for minutes in (31, 18, 12):
        chats.bench.clock.forward(minutes=minutes)
        chats.bench.work()

    with chats.env.reading() as tx:
        effects = [e for c in tx.clocks.of_handoff(handoff_id) for e in tx.clocks.effects_of(c.id)]

    assert chats.rungs(handoff_id)[:1] == ["delivered"]
    assert [e.key.effect.value for e in effects][:3] == ["warned", "warned", "breached"]
