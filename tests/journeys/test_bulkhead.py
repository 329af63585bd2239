"""One helpdesk that hangs does not hold back the others, with real processes and no more workers than helpdesks."""

from __future__ import annotations

import pytest
import requests

from journeys_support import installation, wait_for

pytestmark = pytest.mark.journey
TIMEOUT = 20  # seconds a hanging call holds a worker: twenty of them would hold all three for more than two minutes
SETTLES_WITHIN = 60.0


@pytest.fixture(scope="module")
def three_workers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bulkhead")
    yield from installation(f"sqlite:///{folder / 'baton.sqlite3'}", folder, delivery_workers=3, timeout=TIMEOUT)


def test_while_freshdesk_hangs_zendesk_gets_its_tickets_at_its_usual_pace(three_workers):
    baton = three_workers
    hang = [{"kind": "hang_after", "method": "*", "path": "/api/*", "seconds": 60, "times": None}]
    requests.post(f"{baton.sandbox('freshdesk')}/_sandbox/faults", json=hang, timeout=20).raise_for_status()
    hanging = [baton.escalate("freshdesk") for _ in range(20)]
    wait_for(lambda: any(baton.handoff(h)["delivery"]["tries"] for h in hanging[:3]), 30)

    quick = [baton.escalate("zendesk") for _ in range(12)]
    settled = baton.settled(quick, within=SETTLES_WITHIN)
    waiting = [baton.handoff(h)["delivery"] for h in hanging]
    requests.delete(f"{baton.sandbox('freshdesk')}/_sandbox/faults", timeout=20).raise_for_status()
    late = baton.settled(hanging, within=240)

    assert {len(baton.tickets_of(h)) for h in settled} == {1}
    assert {delivery["state"] for delivery in waiting} == {"pending"}
    assert {len(baton.tickets_of(h)) for h in late} == {1}
