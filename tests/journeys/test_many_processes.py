"""Two gateways, two relays and four workers over one PostgreSQL and one Redis, under load and under fire."""

from __future__ import annotations

import random
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from journeys_support import DESKS, installation

pytestmark = [pytest.mark.journey, pytest.mark.postgres]


@pytest.fixture(scope="module")
def many(postgres_database, tmp_path_factory):
    yield from installation(
        postgres_database,
        tmp_path_factory.mktemp("many"),
        gateways=2,
        relays=2,
        delivery_workers=4,
        gateway_processes=1,
    )


def test_each_of_them_may_die_and_nothing_is_lost_or_doubled(many):
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    victims = [*many.names("gateway-"), *many.names("relay-"), *many.names("worker-"), "redis"]
    stop = threading.Event()
    for desk in DESKS:
        many.fault(desk, "500_after", times=3)
        many.fault(desk, "cut_after", times=3)
        many.fault(desk, "429", times=2, retry_after=1)

    def vendor(number: int) -> str:
        desk, conversation = DESKS[number % 3], secrets.token_hex(6)
        order = (0, 1) if number % 2 else (1, 0)
        many.insist(desk, many.turn("hello", conversation), f"msg_{secrets.token_hex(8)}", order)
        envelope, webhook_id = many.turn("a human please", conversation), f"msg_{secrets.token_hex(8)}"
        many.insist(desk, envelope, webhook_id, order)
        return many.answer_again(desk, envelope, webhook_id, order)

    def killer() -> None:
        for _ in range(8):
            if stop.wait(2.0):
                return
            many.kill(chance.choice(victims))
            if chance.random() < 0.3:
                many.wipe_redis()

    killing = threading.Thread(target=killer)
    killing.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            handoffs = list(pool.map(vendor, range(60)))
    finally:
        stop.set()
        killing.join()

    assert len(set(handoffs)) == 60, f"seed {seed}"
    settled = many.settled(handoffs, within=150)
    assert {h["id"]: len(many.tickets_of(h)) for h in settled} == dict.fromkeys(handoffs, 1), f"seed {seed}"
