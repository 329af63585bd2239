"""The storm: what it makes of rows and tickets, its vendors, and one short seeded storm over a real installation."""

import random
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateway.settings import STARTER_POLICY
from gateway.torture import storm
from gateway.torture.storm import Weather
from gateway.torture.tally import Tally
from gateway.torture.vendors import Accepted, Vendors
from policies.load import load_policy

SEED = 20261121
ONE = Accepted("zendesk", "c-1", "hof_1", ("hello", "a human please"))


@pytest.fixture(scope="module")
def policy():
    return load_policy(STARTER_POLICY)


def a_row(policy, **changed):
    tier = next(iter(policy.tiers.values()))
    return storm._Row(**{"key": "pkt_1", "state": "done", "tier": tier.name, "has_sla": True} | changed)


def a_ticket(policy):
    tier = next(iter(policy.tiers.values()))
    on_screen = {"critical": "urgent"}.get(tier.priority.value, tier.priority.value)
    return {
        "key": "pkt_1", "number": "#1", "priority": on_screen, "attachments": [],
        "fields": {"tier": tier.name, "respond_by": "soon"}, "private_notes": ["hello. a human please. hof_1"],
    }  # fmt: skip


def test_a_handoff_with_its_one_whole_ticket_is_as_promised(policy):
    assert not storm._judged(ONE, a_row(policy), policy, [a_ticket(policy)])


def test_a_promised_handoff_without_row_ticket_or_end_is_lost(policy):
    assert storm._judged(ONE, None, policy, []).lost
    assert storm._judged(ONE, a_row(policy), policy, []).lost
    assert storm._judged(ONE, a_row(policy, state="dead"), policy, [a_ticket(policy)]).lost


def test_two_tickets_are_doubled_and_a_missing_sla_is_incomplete(policy):
    assert storm._judged(ONE, a_row(policy), policy, [a_ticket(policy)] * 2).doubled
    assert storm._judged(ONE, a_row(policy, has_sla=False), policy, [a_ticket(policy)]).incomplete


@contextmanager
def a_gateway_that_answers(statuses):
    """Answers the calls with these in turn, then always 200; `bodies` are what came."""
    bodies, lock, left = [], threading.Lock(), list(statuses)

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                bodies.append((self.headers["webhook-id"], body))
                status = left.pop(0) if left else 200
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"decision": {"handoff_id": "hof_1"}}')

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


def test_a_vendor_sends_the_same_call_again_until_it_is_taken():
    with a_gateway_that_answers([503, 500]) as (address, bodies):
        vendors = Vendors((address,), ("zendesk",), random.Random(SEED))

        vendors._converse(1, 5)

    ids = [webhook_id for webhook_id, _ in bodies]
    assert len(set(bodies)) == 2
    assert len(ids) >= 4
    assert [one.handoff_id for one in vendors.accepted] == ["hof_1"]


def test_while_the_installation_is_crowded_no_conversation_begins():
    with a_gateway_that_answers([]) as (address, bodies):
        vendors = Vendors((address,), ("zendesk",), random.Random(SEED), crowded=lambda: True)

        reached = vendors.run(rate=50, seconds=0.2)

    assert reached == 0
    assert vendors.held_back > 0
    assert bodies == []


def test_how_the_helpdesks_fail_is_drawn_by_lot_and_can_be_repeated():
    first, second = (
        list(storm._drawn(random.Random(SEED), storm.WRITE_FAULTS, storm.WRITES_FAIL, ("POST",))) for _ in range(2)
    )

    assert first == second
    assert 8 <= len(first) <= 28
    assert not {fault["kind"] for fault in first} & {"401", "403"}


@pytest.mark.journey
def test_a_short_seeded_storm_loses_doubles_and_leaves_out_nothing(tmp_path):
    tally = Tally("storm", SEED)

    storm.storm(f"sqlite:///{tmp_path / 'baton.sqlite3'}", tmp_path, Weather(minutes=0.2, rate=4), tally)

    assert tally.findings == []
    assert tally.is_clean
    assert tally.cases > 0
