"""A helpdesk whose webhooks really reach the gateway, when the test lets them, and whose tickets people work on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.serving import make_server

from connectors.sandbox.desk import Deed
from connectors.sandbox.target import Target

SECRET = "status-secret"  # as in tests/gateway/conftest.py


@dataclass
class Desk:
    bench: Any

    @property
    def clock(self) -> Any:
        return self.bench.clock

    def hand_off(self, text: str = "human please", who: str = "c-1") -> str:
        found: str = self.bench.say(text, who)["decision"]["handoff_id"]
        self.bench.work()
        return found

    def hand_off_for_failing(self, who: str = "c-1") -> str:
        """The bot fails twice at the same: nothing that is urgent."""
        failed = {"tool_calls": [{"name": "find_order", "task": "order_lookup", "ok": False}]}
        for _ in range(2):
            answer = self.bench.say("Not found.", who, role="bot", context=failed, customer=None)
        self.bench.work()
        found: str = answer["decision"]["handoff_id"]
        return found

    def pass_by(self, seconds: float) -> None:
        """Time passes, and workers do what is due."""
        self.clock.forward(seconds=seconds)
        self.bench.work()

    def act(self, kind: str, value: str, ticket: int = -1) -> list[int]:
        """An agent does something on the newest ticket, or another one; the numbers of the webhooks it causes."""
        webhooks = self.bench.sandbox.state.webhooks
        before = len(webhooks.as_json())
        self.bench.sandbox.state.act(self.bench.tickets()[ticket]["id"], Deed(kind, value, "Dana Agent"))
        return [call["id"] for call in webhooks.as_json()[before:]]

    def told(self, numbers: Iterable[int]) -> None:
        webhooks = self.bench.sandbox.state.webhooks
        for number in numbers:
            webhooks.release([number])
            deadline = time.monotonic() + 10
            while any(call["state"] == "waiting" for call in webhooks.as_json()):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        self.bench.work()

    def does(self, kind: str, value: str, ticket: int = -1) -> None:
        self.told(self.act(kind, value, ticket))

    def clock_of(self, handoff_id: str, metric: str = "first_human_response") -> Any:
        with self.bench.env.reading() as tx:
            return next(c for c in tx.clocks.of_handoff(handoff_id) if c.metric == metric)

    def effects(self, handoff_id: str, metric: str = "first_human_response") -> list[tuple[str, str]]:
        with self.bench.env.reading() as tx:
            return [
                (e.key.effect.value, e.key.name) for e in tx.clocks.effects_of(self.clock_of(handoff_id, metric).id)
            ]

    def handoff(self, handoff_id: str) -> Any:
        with self.bench.env.reading() as tx:
            return tx.handoffs.get(handoff_id)


@pytest.fixture
def database_url(tmp_path: Any) -> str:
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def desk(bench: Any) -> Iterator[Desk]:
    server = make_server("127.0.0.1", 0, bench.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    target = Target(f"http://127.0.0.1:{server.server_port}/v1/status/desk", SECRET, hold=True)
    bench.sandbox.state.webhooks.point_to(target)
    yield Desk(bench)
    server.shutdown()
    thread.join()
    server.server_close()
