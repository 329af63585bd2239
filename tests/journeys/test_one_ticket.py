"""One handoff, one ticket, nothing lost: through real HTTP, Redis, processes and both databases, whatever dies."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from journeys_support import DESKS, SETTLED_WITHIN, wait_for

pytestmark = pytest.mark.journey


def exactly_one_each(baton, handoffs):
    counts = {h["id"]: len(baton.tickets_of(h)) for h in handoffs}
    assert set(counts.values()) == {1}, counts


@pytest.mark.parametrize("desk", DESKS)
def test_the_happy_way_into_each_helpdesk_and_back(baton, desk):
    conversation = secrets.token_hex(6)
    quiet = baton.say(desk, "hello, where is my order A-1001?", conversation)
    handoff_id = baton.escalate(desk, conversation)

    (handoff,) = baton.settled([handoff_id])
    (ticket,) = baton.tickets_of(handoff)
    requests.post(
        f"{baton.sandbox(desk)}/_sandbox/tickets/{ticket['id']}/reply", json={"text": "Hello."}, timeout=20
    ).raise_for_status()
    wait_for(lambda: baton.handoff(handoff_id)["clocks"][0]["outcome"] == "met", 30)
    requests.post(
        f"{baton.sandbox(desk)}/_sandbox/tickets/{ticket['id']}/status", json={"status": "solved"}, timeout=20
    ).raise_for_status()
    wait_for(lambda: baton.handoff(handoff_id)["status"] == "solved", 30)

    note = "\n".join(ticket["private_notes"])
    assert quiet["decision"]["action"] == "continue"
    assert "where is my order A-1001?" in note
    assert "I want a human" in note
    assert ticket["fields"]["tier"] == handoff["tier"]
    assert ticket["fields"]["respond_by"]


def test_every_webhook_three_times(baton):
    handoffs = []
    for desk in DESKS:
        for _ in range(3):
            envelope, webhook_id = baton.turn("human please", secrets.token_hex(6)), f"msg_{secrets.token_hex(8)}"
            answers = [baton.post(desk, envelope, webhook_id).json() for _ in range(3)]
            assert [a["duplicate"] for a in answers] == [False, True, True]
            handoffs.append(answers[0]["decision"]["handoff_id"])

    exactly_one_each(baton, baton.settled(handoffs))


def test_redis_emptied_while_bells_hang_in_it(baton):
    handoffs = []
    for n in range(9):
        handoffs.append(baton.escalate(DESKS[n % 3]))
        if n % 3 == 2:
            baton.redis().flushall()

    exactly_one_each(baton, baton.settled(handoffs))


def test_redis_killed_while_bells_hang_in_it(baton):
    handoffs = [baton.escalate(desk) for desk in DESKS]
    baton.kill("redis")
    during = [baton.escalate(desk) for desk in DESKS]  # intake does not need Redis

    exactly_one_each(baton, baton.settled([*handoffs, *during]))


@pytest.mark.parametrize("desk", DESKS)
def test_a_worker_killed_while_the_helpdesk_is_answering(baton, desk):
    baton.fault(desk, "hang_after", seconds=4, times=1)
    handoff_id = baton.escalate(desk)
    wait_for(lambda: len([t for t in baton.tickets(desk) if t["key"] == packet_of(baton, handoff_id)]) == 1, 30)
    for name in baton.names("worker-"):
        baton.kill(name)

    exactly_one_each(baton, baton.settled([handoff_id]))


def packet_of(baton, handoff_id):
    return baton.handoff(handoff_id)["packet"]["packet_id"]


@pytest.mark.parametrize("desk", DESKS)
def test_a_helpdesk_that_does_the_work_and_never_answers(baton, desk):
    baton.fault(desk, "hang_after", seconds=6, times=2)

    handoffs = [baton.escalate(desk) for _ in range(2)]

    exactly_one_each(baton, baton.settled(handoffs))


@pytest.mark.parametrize("desk", DESKS)
def test_a_helpdesk_that_fails_in_every_way_at_once(baton, desk):
    for kind in ("cut_after", "500_after", "503", "html_200", "cut_before"):
        baton.fault(desk, kind, times=1)

    handoffs = [baton.escalate(desk) for _ in range(4)]

    exactly_one_each(baton, baton.settled(handoffs))


def test_the_gateway_killed_under_load(baton):
    """Vendors send again what was not answered; whatever was answered is a ticket, once."""
    stop = threading.Event()
    conversations = [secrets.token_hex(6) for _ in range(60)]

    def vendor(conversation: str) -> None:
        desk = DESKS[int(conversation[0], 16) % 3]
        for text in ("hello", "where is A-1001?", "give me a human"):
            baton.insist(desk, baton.turn(text, conversation), f"msg_{secrets.token_hex(8)}")

    def killer() -> None:
        for _ in range(4):
            if stop.wait(3.0):
                return
            baton.kill("gateway-0")

    killing = threading.Thread(target=killer)
    killing.start()
    try:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(vendor, conversations))
    finally:
        stop.set()
        killing.join()
    handoffs = handoffs_of(baton, conversations)

    assert len(handoffs) == len(conversations)
    settled = baton.settled([h["id"] for h in handoffs])
    exactly_one_each(baton, settled)
    for handoff in settled:
        assert [t["text"] for t in handoff["packet"]["transcript"]["turns"]] == [
            "hello",
            "where is A-1001?",
            "give me a human",
        ]


def handoffs_of(baton, conversations):
    """The handoffs of these vendor conversations, once the gateway answers again."""
    found = []

    def asked() -> bool:
        found.clear()
        cursor = ""
        while cursor is not None:
            try:
                page = requests.get(
                    f"{baton.up.addresses.gateway}/v1/handoffs",
                    params={"limit": 100, "cursor": cursor},
                    headers={"Authorization": "Bearer journey-token"},
                    timeout=20,
                ).json()
            except requests.RequestException:
                return False
            found.extend(page["handoffs"])
            cursor = page["next_cursor"]
        return True

    wait_for(asked, 30)
    wanted = set(conversations)
    return [h for h in found if baton.handoff(h["id"])["packet"]["vendor_conversation_id"] in wanted]


def test_everything_killed_at_once_and_started_again(baton):
    handoffs = [baton.escalate(DESKS[n % 3]) for n in range(6)]
    for name in [*baton.names("worker-"), *baton.names("relay-"), *baton.names("gateway-"), "redis"]:
        baton.kill(name)
    time.sleep(0.5)
    wait_for(lambda: handoffs_of(baton, []) == [], SETTLED_WITHIN)

    exactly_one_each(baton, baton.settled(handoffs))
