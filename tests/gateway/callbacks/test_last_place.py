"""The last place of a slot, wanted by many at once, on both kinds of database."""

import threading
from datetime import UTC, datetime

from gateway.app import create_app

TOKEN = {"Authorization": "Bearer token-1"}
SLOT = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)  # the first one of the starter's team, two calls at a time
MANY = 8


def confirm(bench, who):
    asked = {"conversation": {"id": who}, "callback": {"starts_at": SLOT.isoformat()}}
    return {"type": "callback.confirmed", "timestamp": bench.clock.now.isoformat(), "data": asked}


def test_of_many_who_confirm_the_last_places_at_once_only_as_many_get_one_as_there_are(bench):
    begin, answers = threading.Barrier(MANY), []
    clients = [create_app(bench.env).test_client() for _ in range(MANY)]

    def one(number):
        envelope = confirm(bench, f"c-{number}")
        mine = type(bench)(bench.env, clients[number], bench.clock, bench.sandbox)
        begin.wait()
        answers.append(mine.post(envelope).json["decision"])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    got = [answer for answer in answers if "appointment" in answer["callback"]]
    others = [answer for answer in answers if answer["callback"].get("not_free")]
    assert (len(got), len(others)) == (2, MANY - 2)
    assert all(answer["handoff_id"] for answer in answers)
    assert all(SLOT.isoformat() not in str(answer["callback"]["slots"]) for answer in others)
    with bench.env.reading() as tx:
        assert tx.appointments.booked_starts("general", SLOT.replace(hour=0), SLOT.replace(hour=23)) == [SLOT, SLOT]
