"""Vendors hear what becomes of a handoff: in order, once, and no ticket waits for them."""

from dataclasses import replace

import pytest

from connectors.errors import Refused, Unavailable, Unsure
from connectors.ports import NoticeKind, VendorCapabilities
from gateway.handoffs.store import HandoffStatus


class Vendor:
    """A vendor's interface that remembers what it heard and fails as told."""

    name = "canonical"

    def __init__(self):
        self.heard = []
        self.fails = []

    def tell(self, notice):
        if self.fails:
            error = self.fails.pop(0)
            if error is not None:
                raise error
        self.heard.append(notice)


@pytest.fixture
def vendor(bench, monkeypatch):
    vendor = Vendor()
    monkeypatch.setitem(bench.env._vendor_clients, "shop", vendor)
    monkeypatch.setattr(bench.env, "_called_back", frozenset({"shop"}))
    return vendor


def move(bench, status):
    with bench.env.transaction() as tx:
        (view,) = tx.handoffs.page(5)
        tx.handoffs.set_status(view.handoff.id, status)
        tx.tell_vendor(view.handoff, bench.clock.now)


def kinds(vendor):
    return [notice.kind for notice in vendor.heard]


def test_a_handoff_is_told_with_the_customers_message_and_nothing_private(bench, vendor):
    bench.say("I want to talk to a human")

    bench.work()

    (notice,) = vendor.heard
    assert (notice.kind, notice.vendor_conversation_id) == (NoticeKind.HANDED_OFF, "c-1")
    assert notice.text
    assert notice.facts["handoff_id"].startswith("hof_")
    assert "ana@example.com" not in str(notice.facts)


@pytest.mark.parametrize(("asked", "in_answer"), [({"reply_expected": "decision"}, True), ({}, False)])
def test_a_notice_says_whether_the_answer_the_vendor_waited_for_has_told_it(bench, vendor, asked, in_answer):
    bench.say("I want to talk to a human", **asked)

    bench.work()

    assert vendor.heard[0].in_answer is in_answer


def test_the_whole_way_is_told_in_order_and_each_once(bench, vendor):
    bench.say("I want to talk to a human")
    bench.work()

    for status in (HandoffStatus.CLAIMED, HandoffStatus.ANSWERED, HandoffStatus.SOLVED):
        move(bench, status)
        bench.work()

    assert kinds(vendor) == [NoticeKind.HANDED_OFF, NoticeKind.HUMAN_JOINED, NoticeKind.CONTROL_RETURNED]
    assert len({notice.key for notice in vendor.heard}) == 3


def test_a_vendor_that_is_away_is_told_later_and_the_ticket_does_not_wait(bench, vendor):
    vendor.fails = [Unavailable("shop", "away")]
    bench.say("I want to talk to a human")
    bench.work()
    tickets = len(bench.tickets())

    bench.clock.forward(minutes=20)
    bench.work()

    assert tickets == 1
    assert kinds(vendor) == [NoticeKind.HANDED_OFF]


def test_what_the_vendor_refuses_is_not_repeated(bench, vendor):
    vendor.fails = [Refused("shop", "no such conversation")]
    bench.say("I want to talk to a human")
    bench.work()

    bench.clock.forward(days=2)
    bench.work()

    assert vendor.heard == []


def test_a_message_that_may_have_been_said_is_not_said_again(bench, vendor, monkeypatch):
    once = replace(bench.env.vendor("canonical").capabilities, repeatable=frozenset())
    monkeypatch.setattr(type(bench.env.vendor("canonical")), "capabilities", once)
    vendor.fails = [Unsure("shop", "no answer")]
    bench.say("I want to talk to a human")
    bench.work()

    bench.clock.forward(hours=1)
    bench.work()
    move(bench, HandoffStatus.CLAIMED)
    bench.work()

    assert kinds(vendor) == [NoticeKind.HUMAN_JOINED]


def test_a_worker_that_died_while_telling_says_it_again_only_where_that_does_no_harm(bench, vendor, monkeypatch):
    class Died(BaseException):
        pass

    for repeatable, told in ((frozenset(), 0), (frozenset(NoticeKind), 1)):
        monkeypatch.setattr(
            type(bench.env.vendor("canonical")),
            "capabilities",
            VendorCapabilities(tells=frozenset(NoticeKind), repeatable=repeatable),
        )
        vendor.heard.clear()
        vendor.fails = [Died()]
        bench.say("I want to talk to a human", f"c-{told}")
        with pytest.raises(Died):
            bench.work()
        bench.clock.forward(minutes=5)
        bench.work()

        assert len(vendor.heard) == told


def test_a_source_that_is_not_called_back_costs_no_work(bench):
    bench.say("I want to talk to a human")

    assert "tell_vendor" not in bench.work()
