"""
A whole installation as `baton up` runs it, real processes and real Redis, and a rough hand to try it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from redis import Redis
from redis.exceptions import RedisError

from gateway.cli.http_file import signed
from gateway.settings import STARTER_POLICY
from gateway.supervise.redis_server import redis_url
from gateway.supervise.up import Plan, Up

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "journey-token"
DESKS = ("zendesk", "freshdesk", "servicenow")
CREATE = {
    "zendesk": "/api/v2/tickets*",
    "freshdesk": "/api/v2/tickets",
    "servicenow": "/api/now/*table/incident",
}
# Sandboxes are quick, so what must be waited for in the world may be short here: a lease is 4 × timeout + 10 s.
TIMEOUT, LOOKUP_AFTER = 2, 3
SETTLED_WITHIN = 90.0


@dataclass
class Installation:
    up: Up
    said: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    # Speaking to it as a vendor

    def turn(self, text: str, conversation: str) -> dict[str, Any]:
        with self.lock:
            self.said += 1
            number = self.said
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            "type": "message.created",
            "timestamp": now,
            "data": {
                "conversation": {"id": conversation, "channel": "web_chat", "language": "en"},
                "customer": {"vendor_user_id": "u-1", "name": "Ana Ruiz", "email": "ana@example.com"},
                "message": {"id": f"m-{number}", "role": "customer", "text": text, "occurred_at": now},
            },
        }

    def post(self, desk: str, envelope: dict[str, Any], webhook_id: str, gateway: int = 0) -> requests.Response:
        body = json.dumps(envelope).encode()
        url = f"{self.up.addresses.gateways[gateway]}/v1/in/{desk}-bot"
        return requests.post(url, data=body, headers=signed(SECRET, webhook_id, body), timeout=20)

    def say(self, desk: str, text: str, conversation: str) -> dict[str, Any]:
        answer = self.post(desk, self.turn(text, conversation), f"msg_{secrets.token_hex(8)}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def insist(self, desk: str, envelope: dict[str, Any], webhook_id: str, gateways: Sequence[int] = (0,)) -> None:
        """As a vendor does: the same call again until it is answered 2xx."""
        for attempt in range(600):
            try:
                if self.post(desk, envelope, webhook_id, gateways[attempt % len(gateways)]).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError("never answered 2xx")

    def answer_again(self, desk: str, envelope: dict[str, Any], webhook_id: str, gateways: Sequence[int] = (0,)) -> str:
        """The handoff that a call already answered has led to: what a re-delivery is told."""
        for attempt in range(600):
            try:
                answer = self.post(desk, envelope, webhook_id, gateways[attempt % len(gateways)])
                if answer.ok:
                    assert answer.json()["duplicate"], answer.text
                    return str(answer.json()["decision"]["handoff_id"])
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError("never answered 2xx")

    def escalate(self, desk: str, conversation: str | None = None) -> str:
        decision = self.say(desk, "Order A-1001 is lost, I want a human", conversation or secrets.token_hex(6))[
            "decision"
        ]
        assert decision["action"] == "escalate", decision
        return str(decision["handoff_id"])

    # Looking at what came of it

    def handoff(self, handoff_id: str) -> dict[str, Any]:
        answer = requests.get(
            f"{self.up.addresses.gateway}/v1/handoffs/{handoff_id}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def tickets(self, desk: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.sandbox(desk)}/_sandbox/tickets", timeout=20).json()
        return found

    def sandbox(self, desk: str) -> str:
        return self.up.addresses.sandboxes[desk]

    def fault(self, desk: str, kind: str, **options: Any) -> None:
        wanted = [{"kind": kind, "method": "POST", "path": CREATE[desk], **options}]
        requests.post(f"{self.sandbox(desk)}/_sandbox/faults", json=wanted, timeout=20).raise_for_status()

    def settled(self, handoff_ids: Sequence[str], within: float = SETTLED_WITHIN) -> list[dict[str, Any]]:
        """Wait until every one of these is delivered and has its SLA on the ticket."""
        found: dict[str, dict[str, Any]] = {}

        def all_done() -> bool:
            for handoff_id in handoff_ids:
                if handoff_id not in found:
                    try:
                        one = self.handoff(handoff_id)
                    except requests.RequestException:
                        return False
                    if one["delivery"]["state"] == "done" and one["sla_assigned_at"]:
                        found[handoff_id] = one
            return len(found) == len(set(handoff_ids))

        wait_for(all_done, within, lambda: [self.handoff(h)["delivery"] for h in handoff_ids if h not in found])
        return list(found.values())

    def tickets_of(self, handoff: dict[str, Any]) -> list[dict[str, Any]]:
        """Every ticket of the helpdesk that carries this handoff's key. Must be one."""
        return [t for t in self.tickets(handoff["helpdesk"]) if t["key"] == handoff["packet"]["packet_id"]]

    # The rough hand

    def kill(self, name: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """Kill a process of the installation and all below it, by pid."""
        child = next(c for c in self.up.supervisor.children if c.name == name)
        if child.pid is None:
            return
        for pid in [*descendants(child.pid), child.pid]:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                continue

    def wipe_redis(self) -> None:
        """Empty it, if it is there."""
        try:
            self.redis().flushall()
        except (RedisError, OSError):
            return

    def names(self, prefix: str) -> list[str]:
        return [c.name for c in self.up.supervisor.children if c.name.startswith(prefix)]

    def redis(self) -> Redis:
        return Redis.from_url(redis_url(self.up.settings))


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                ppid = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(ppid, []).append(int(entry.name))
    below = list(parents.get(pid, []))
    return below + [d for child in below for d in descendants(child)]


def wait_for(there: Callable[[], bool], within: float, seen: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + within
    while not there():
        if time.monotonic() > deadline:
            raise AssertionError(f"not there after {within:g} s: {seen()}")
        time.sleep(0.1)


def config(database_url: str, var: Path, policies: Path = STARTER_POLICY, timeout: int = TIMEOUT) -> str:
    desks = "".join(
        f"  {d}: {{kind: {d}, base_url: sandbox, lookup_after: {LOOKUP_AFTER}s, timeout: {timeout}s}}\n" for d in DESKS
    )
    sources = "".join(f"  {d}-bot: {{vendor: canonical, secrets: [{SECRET}], helpdesk: {d}}}\n" for d in DESKS)
    return (
        f"policies: {policies}\ndatabase: '{database_url}'\nvar: {var}\n"
        f"sources:\n{sources}helpdesks:\n{desks}"
    )  # fmt: skip


def installation(
    database_url: str, folder: Path, policies: Path = STARTER_POLICY, *, timeout: int = TIMEOUT, **plan: int
) -> Iterator[Installation]:
    os.environ["BATON_API_TOKENS"] = TOKEN
    path = folder / "baton.yml"
    path.write_text(config(database_url, folder / "var", policies, timeout), "utf-8")
    up = Up(Plan(path, port=0, patience=60, **plan))
    try:
        up.start()
        watcher = threading.Thread(target=up.supervisor.watch, daemon=True)
        watcher.start()
        yield Installation(up)
    finally:
        up.stop()
        os.environ.pop("BATON_API_TOKENS")
