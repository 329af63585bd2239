"""A warm handoff that waits: people are asked first, and the vendor is told to connect once, when somebody accepts."""

import pytest
from click.testing import CliRunner

from connectors.errors import Unsure
from connectors.ports import NoticeKind, VendorCapabilities
from connectors.sandbox.desk import Deed
from gateway.cli import handoffs as command

WAITING, OFF, JOINED = NoticeKind.WAITING, NoticeKind.HANDED_OFF, NoticeKind.HUMAN_JOINED
CANARY = "Zaubertrank-4711"
VIP = {"vendor_user_id": "u-1", "name": f"{CANARY} Ruiz", "attributes": {"vip": True}}
BUYER = {"context": {"slots": {"plan": "enterprise"}}}


class Vendor:
    """A vendor's interface that remembers what it heard and fails as told."""

    name = "canonical"

    def __init__(self):
        self.heard = []
        self.fails = []

    def tell(self, notice):
        if self.fails:
            raise self.fails.pop(0)
        self.heard.append(notice)

    @property
    def kinds(self):
        return [notice.kind for notice in self.heard]


@pytest.fixture
def vendor(chats, monkeypatch):
    """The source is called back, and can wait."""
    vendor = Vendor()
    monkeypatch.setitem(chats.env._vendor_clients, "shop", vendor)
    monkeypatch.setattr(chats.env, "_called_back", frozenset({"shop"}))
    monkeypatch.setattr(chats.env, "_connected_later", frozenset({"shop"}))
    return vendor


def escalate(chats, **data):
    decision = chats.bench.say("What does the big plan cost?", **(data or {"customer": VIP}))["decision"]
    chats.bench.work()
    return decision


def test_until_somebody_accepts_the_vendor_is_told_to_wait_and_the_customer_no_lie(chats, vendor):
    decision = escalate(chats)

    assert (decision["transfer"], decision["wait_until"]) == ("warm", "2026-03-06T09:00:45Z")
    assert "asking a colleague" in decision["customer_message"]
    (notice,) = vendor.heard
    assert (notice.kind, notice.text) == (WAITING, decision["customer_message"])
    assert notice.facts["announcement"] == decision["announcement"]


def test_people_are_asked_at_once_and_the_card_holds_no_word_of_the_customer(chats, vendor):
    decision = escalate(chats)

    (card,) = chats.to("C0DUTY")
    told = str(card.body)
    assert "a customer stays with the bot until somebody accepts" in told
    assert "Customers we promised a person of their own" in told
    assert CANARY in decision["announcement"]
    assert CANARY not in told


def test_whoever_accepts_is_announced_and_the_vendor_told_to_connect_once(chats, vendor):
    handoff_id = escalate(chats)["handoff_id"]
    card = chats.to("C0DUTY")[0]

    for user in ("U01", "U02"):
        chats.chat.press(card.ts, "baton_claim", user)
    chats.bench.work()
    chats.bench.clock.forward(minutes=5)
    chats.bench.work()

    assert vendor.kinds == [WAITING, OFF, JOINED]
    connect = vendor.heard[1]
    assert (connect.agent, connect.connects, connect.in_answer) == ("dana", True, False)
    assert "passing you on" in connect.text
    assert CANARY in connect.facts["announcement"]
    shown = chats.shown(handoff_id)
    assert (shown["wait"]["ended"], shown["mode"], shown["announcement"]) == (
        "accepted", "warm", connect.facts["announcement"],
    )  # fmt: skip


def test_the_ticket_begins_with_the_announcement(chats, vendor):
    announcement = escalate(chats)["announcement"]

    (ticket,) = chats.bench.tickets()
    assert announcement in str(ticket["private_notes"][0])[:400]


@pytest.mark.parametrize("deed", [Deed("assign", "Kim", "Kim"), Deed("reply", "Hello", "Kim")])
def test_who_takes_the_ticket_or_answers_on_it_has_accepted(chats, vendor, deed):
    escalate(chats)

    _at_the_helpdesk(chats, deed)

    assert vendor.kinds == [WAITING, OFF, JOINED]
    assert vendor.heard[1].agent is None  # a helpdesk's id is no name


def test_when_nobody_accepts_in_time_the_customer_is_put_through_cold_and_the_ladder_goes_on(chats, vendor):
    handoff_id = escalate(chats)["handoff_id"]

    chats.bench.clock.forward(seconds=45)
    chats.bench.work()

    assert vendor.kinds == [WAITING, OFF]
    assert vendor.heard[1].facts["transfer"] == "cold"
    shown = chats.shown(handoff_id)
    assert (shown["wait"]["ended"], shown["mode"], shown["status"]) == ("nobody", "cold", "waiting")
    card = chats.to("C0DUTY")[0]
    assert "stays with the bot" not in str(card.body)
    assert "baton_claim" in str(card.body)


def test_a_route_may_have_a_callback_instead_and_nobody_is_put_into_a_queue(chats, vendor):
    handoff_id = escalate(chats, **BUYER)["handoff_id"]

    chats.bench.clock.forward(seconds=45)
    chats.bench.work()

    off = vendor.heard[1]
    assert (off.kind, off.connects, off.facts["transfer"]) == (OFF, False, "callback")
    assert "call you back" in off.text
    assert chats.shown(handoff_id)["mode"] == "callback"


def test_who_accepts_too_late_has_it_all_the_same_and_the_vendor_hears_that_they_came(chats, vendor):
    escalate(chats)
    chats.bench.clock.forward(seconds=46)
    chats.bench.work()

    chats.press(chats.to("C0DUTY")[0], "claim", "U01")

    assert vendor.kinds == [WAITING, OFF, JOINED]
    assert vendor.heard[2].agent == "dana"


def test_an_accept_and_the_end_of_the_time_in_one_moment_have_one_outcome(chats, vendor):
    handoff_id = escalate(chats)["handoff_id"]
    chats.bench.clock.forward(seconds=45)

    chats.chat.press(chats.to("C0DUTY")[0].ts, "baton_claim", "U01")  # the timer is due and has not run
    chats.bench.work()

    assert vendor.kinds == [WAITING, OFF, JOINED]
    assert vendor.heard[1].facts["transfer"] == "warm"
    assert chats.shown(handoff_id)["wait"]["ended"] == "accepted"


def test_a_worker_that_died_while_connecting_connects_at_most_once(chats, vendor, monkeypatch):
    class Died(BaseException):
        pass

    once = VendorCapabilities(decides=True, tells=frozenset({WAITING, OFF}), connects_later=frozenset())
    monkeypatch.setattr(type(chats.env.vendor("canonical")), "capabilities", once)
    escalate(chats)
    vendor.fails = [Died()]

    with pytest.raises(Died):
        chats.press(chats.to("C0DUTY")[0], "claim", "U01")
    chats.bench.clock.forward(minutes=5)
    chats.bench.work()

    assert vendor.kinds == [WAITING]


def test_a_connect_that_may_have_been_heard_is_not_repeated(chats, vendor, monkeypatch):
    once = VendorCapabilities(decides=True, tells=frozenset({WAITING, OFF}), connects_later=frozenset())
    monkeypatch.setattr(type(chats.env.vendor("canonical")), "capabilities", once)
    escalate(chats)
    vendor.fails = [Unsure("shop", "no answer")]
    chats.press(chats.to("C0DUTY")[0], "claim", "U01")

    chats.bench.clock.forward(minutes=5)
    chats.bench.work()

    assert (vendor.kinds, vendor.fails) == ([WAITING], [])


def test_a_vendor_that_cannot_be_told_later_connects_at_once_and_that_is_on_record(chats):
    decision = escalate(chats)

    assert decision["transfer"] == "cold"
    assert "wait_until" not in decision
    assert "passing you on" in decision["customer_message"]
    shown = chats.shown(decision["handoff_id"])
    assert (shown["wait"]["ended"], shown["ladders"]) == ("impossible", [])


def test_a_handoff_to_a_route_that_does_not_wait_goes_as_ever(chats, vendor):
    decision = chats.bench.say("I want a human")["decision"]
    chats.bench.work()

    assert "wait_until" not in decision
    assert vendor.kinds == [OFF]


def test_a_conversation_that_has_ended_waits_for_nobody(chats, vendor):
    turn = chats.bench.turn("Bye", customer=VIP)
    chats.bench.post({**turn, "type": "conversation.ended"})
    chats.bench.work()

    (notice,) = vendor.heard
    assert (notice.kind, notice.facts["transfer"]) == (OFF, "warm")


def test_somebody_who_came_at_the_vendors_own_side_is_not_connected_to_on_top(chats, vendor):
    handoff_id = escalate(chats)["handoff_id"]
    joined = {"conversation": {"id": "c-1"}}
    chats.bench.post({"type": "agent.assigned", "timestamp": chats.bench.clock.now.isoformat(), "data": joined})

    chats.bench.clock.forward(seconds=45)
    chats.bench.work()

    assert vendor.kinds == [WAITING]
    assert (chats.shown(handoff_id)["mode"], chats.shown(handoff_id)["wait"]["ended"]) == ("warm", "accepted")


def test_how_a_wait_goes_is_shown(chats, vendor, monkeypatch):
    monkeypatch.setattr(command, "environment", lambda level: chats.env)
    handoff_id = escalate(chats)["handoff_id"]
    waiting = CliRunner().invoke(command.handoffs, ["show", handoff_id]).output
    chats.bench.clock.forward(seconds=45)
    chats.bench.work()

    over = CliRunner().invoke(command.handoffs, ["show", handoff_id]).output

    assert "warm, waits for somebody to accept until 09:00:45Z" in waiting
    assert "cold, nobody accepted in time (09:00:45Z)" in over
    assert f"announce   {CANARY} Ruiz, about" in over


def _at_the_helpdesk(chats, deed):
    from gateway.db.work import Work

    chats.bench.clock.forward(seconds=10)
    chats.bench.sandbox.sandbox.act(chats.bench.tickets()[0]["id"], deed)
    with chats.env.transaction() as tx:
        tx.later(Work("read_ticket", tx.handoffs.page(1)[0].handoff.id, chats.bench.clock.now, lane="desk"))
    chats.bench.work()
