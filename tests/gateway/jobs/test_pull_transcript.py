"""A handoff made of part of a conversation: the vendor is asked for all of it, once, and the ticket learns the rest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.errors import Refused, Throttled
from gateway.app import create_app
from gateway.db.tables import events, handoffs
from gateway.wiring import Env
from packets.event import Role, Turn


class Vendor:
    """A vendor's interface that has the whole transcript and fails as told."""

    name = "canonical"

    def __init__(self):
        self.whole = ()
        self.fails = []
        self.asked = []

    def tell(self, notice):
        """Not what is tested here."""

    def turns(self, vendor_conversation_id, refs):
        self.asked.append((vendor_conversation_id, dict(refs)))
        if self.fails:
            raise self.fails.pop(0)
        return self.whole


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def vendor(bench, monkeypatch):
    vendor = Vendor()
    monkeypatch.setitem(bench.env._vendor_clients, "shop", vendor)
    monkeypatch.setattr(bench.env, "_called_back", frozenset({"shop"}))
    monkeypatch.setattr(bench.env, "_pulled_from", frozenset({"shop"}))
    return vendor


def asked_with_part(bench, transcript="partial"):
    """The vendor asks for a handoff and sends its newest turn only."""
    event = bench.turn("I want a human")
    newest = event["data"].pop("message") | {"id": "v-3"}
    event["data"] |= {"messages": [newest], "transcript_completeness": transcript, "handoff": {"requested_by": "rule"}}
    answer = bench.post({**event, "type": "handoff.requested"})
    assert answer.status_code == 200, answer.text
    return answer.json["decision"]["handoff_id"]


def earlier(bench, *, timed=True):
    at = bench.clock.now - timedelta(minutes=5) if timed else None
    return (
        Turn(Role.CUSTOMER, "My order A-1001 never came", message_id="v-1", occurred_at=at),
        Turn(Role.BOT, "Let me look.", message_id="v-2", occurred_at=at),
        Turn(Role.CUSTOMER, "I want a human", message_id="v-3"),
    )


def pass_by(bench, minutes=2):
    for _ in range(minutes * 2):
        bench.clock.forward(seconds=30)
        bench.work()


def notes(bench):
    (ticket,) = bench.tickets()
    return ticket["private_notes"]


@pytest.mark.parametrize("timed", [True, False])
def test_what_the_vendor_left_out_is_fetched_and_told_on_the_ticket_once(bench, vendor, timed):
    vendor.whole = earlier(bench, timed=timed)
    handoff_id = asked_with_part(bench)

    pass_by(bench)

    (news,) = [note for note in notes(bench) if "MISSING IN THE TRANSCRIPT SO FAR (2)" in note]
    assert news.index("A-1001 never came") < news.index("Let me look.")
    assert news.count("I want a human") == 0
    assert vendor.asked == [("c-1", {})]
    with bench.env.reading() as tx:
        log = tx.intake.events_of(tx.handoffs.get(handoff_id).conversation_id)
        row = tx.conversations.find("shop", "c-1")
    assert [e.event_id for e in log if e.event_id.startswith("pull-")] == [f"pull-{handoff_id}"]
    assert row.state.turns == 3
    assert bench.count(handoffs) == 1


def test_doing_the_work_again_adds_nothing(bench, vendor):
    vendor.whole = earlier(bench)
    asked_with_part(bench)
    pass_by(bench)
    told, logged = notes(bench), bench.count(events)

    with bench.env.transaction() as tx:
        statement = "UPDATE work SET done_at = NULL WHERE kind = 'pull_transcript'"
        tx.connection.execute(__import__("sqlalchemy").text(statement))
    pass_by(bench)

    assert (notes(bench), bench.count(events), len(vendor.asked)) == (told, logged, 2)


def test_a_whole_transcript_is_not_asked_for(bench, vendor):
    asked_with_part(bench, "full")

    pass_by(bench)

    assert vendor.asked == []


def test_a_vendor_that_is_busy_is_asked_later_and_the_ticket_does_not_wait(bench, vendor):
    vendor.whole = earlier(bench)
    vendor.fails = [Throttled("shop", retry_after=60)]
    asked_with_part(bench)
    bench.work()
    before = len(notes(bench))

    pass_by(bench)

    assert (before, len(vendor.asked)) == (1, 2)
    assert "A-1001 never came" in notes(bench)[-1]


def test_what_the_vendor_refuses_stays_missing_and_is_said_in_the_packet(bench, vendor):
    vendor.fails = [Refused("shop", "no such conversation")] * 2
    handoff_id = asked_with_part(bench)

    pass_by(bench)

    assert len(vendor.asked) == 1
    with bench.env.reading() as tx:
        packet = tx.handoffs.packet_of(handoff_id)
        attempts = tx.deliveries.attempts_of(tx.deliveries.of_handoff(handoff_id).id)
    assert packet.transcript.completeness == "partial"
    assert [outcome for _, step, outcome, *_ in attempts if step == "pull"] == ["Refused"]


def test_what_was_fetched_does_not_start_the_bots_stretch_anew_or_fire_a_rule(bench, vendor):
    vendor.whole = (
        Turn(Role.CUSTOMER, "I will sue you", message_id="v-0", occurred_at=bench.clock.now - timedelta(hours=1)),
        *earlier(bench),
    )
    asked_with_part(bench)
    with bench.env.reading() as tx:
        before = tx.conversations.find("shop", "c-1")

    pass_by(bench)

    with bench.env.reading() as tx:
        after = tx.conversations.find("shop", "c-1")
        decisions = tx.intake.decisions_of(after.id)
    assert (after.state.course, after.state.holder) == (before.state.course, before.state.holder)
    assert len(decisions) == 1
    assert after.state.last_customer_turn.message_id == "v-3"


def test_a_source_whose_vendor_cannot_be_asked_costs_no_work(bench):
    asked_with_part(bench)

    assert "pull_transcript" not in bench.work()


@pytest.mark.parametrize(
    ("pulls", "base_url", "asked"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_only_a_vendor_with_an_interface_and_an_address_is_asked(bench, monkeypatch, pulls, base_url, asked):
    adapter = bench.env.vendor("canonical")
    monkeypatch.setattr(type(adapter), "capabilities", replace(adapter.capabilities, pulls=pulls))
    shop = bench.env.settings.sources["shop"]
    account = replace(shop.account, base_url="http://127.0.0.1:9" if base_url else None)
    settings = replace(bench.env.settings, sources={"shop": replace(shop, account=account)})
    bench.env.close()
    bench.env = Env(settings, redis_url=bench.env.redis_url, clock=bench.clock, policy=bench.env.policy.current)
    bench.client = create_app(bench.env).test_client()

    asked_with_part(bench)

    assert ("pull_transcript" in [kind for _, kind in bench.due()]) is asked
