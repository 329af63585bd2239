"""
What `baton up` runs: Redis, sandboxes, gateway, relay, workers over one configuration, on loopback.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests
from redis import Redis
from redis.exceptions import RedisError

from gateway.db.migrate import upgrade
from gateway.jobs.queues import CLOCK, DELIVERY, NOTIFY, VENDOR
from gateway.settings import SANDBOX_CHAT, SANDBOXES_VARIABLE, Settings, load_settings
from gateway.supervise.processes import Child, Supervisor
from gateway.supervise.redis_server import redis_command, redis_url

REHEARSAL_SOURCES = {"webshop-bot": "zendesk-desk", "bank-bot": "freshdesk-desk", "phone-bot": "servicenow-desk"}
REHEARSAL_HELPDESKS = {"zendesk-desk": "zendesk", "freshdesk-desk": "freshdesk", "servicenow-desk": "servicenow"}


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What to start. port 0: any free one. delivery_workers 0: one for each helpdesk, two at the least. patience: seconds
    each process has to become ready.
    """

    config: Path
    host: str = "127.0.0.1"
    port: int = 8080
    gateway_processes: int = 2
    delivery_workers: int = 0
    gateways: int = 1
    relays: int = 1
    clock_workers: int = 1
    patience: float = 20.0


@dataclass(frozen=True, slots=True)
class Addresses:
    gateway: str
    sandboxes: Mapping[str, str]
    gateways: tuple[str, ...] = ()


class Up:
    """One running installation. `start`, then `supervisor.watch()`, then `stop`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.supervisor = Supervisor()
        self.settings: Settings
        self.addresses: Addresses

    def start(self) -> Addresses:
        """Bring everything up. Raises SettingsError, PolicyErrors, DidNotStart, FileNotFoundError (no Redis)."""
        self._first_port = self.plan.port or free_port(self.plan.host)
        sandboxes = self._sandboxes()
        os.environ[SANDBOXES_VARIABLE] = json.dumps(sandboxes)
        os.environ["BATON_CONFIG"] = str(self.plan.config)
        self.settings = settings = load_settings(self.plan.config)
        self._logs = settings.var / "log"
        settings.var.mkdir(parents=True, exist_ok=True)
        if settings.redis is None:
            self._start("redis", redis_command(settings.var), ready=self._redis_answers)
        for name, sandbox in sandboxes.items():
            kind = _kind(settings, name)
            port = sandbox["url"].rsplit(":", 1)[1]
            command = [
                sys.executable,
                "-m",
                "connectors.sandbox",
                "--kind",
                kind,
                "--host",
                "127.0.0.1",
                "--port",
                port,
            ]
            self._start(f"sandbox-{name.replace(':', '-')}", command, ready=partial(_answers, sandbox["url"]))
        upgrade(settings.database)
        gateways = tuple(self._gateway(number) for number in range(self.plan.gateways))
        for number in range(self.plan.relays):
            self._start(f"relay-{number}", [sys.executable, "-m", "gateway.cli", "relay"])
        for number in range(self.plan.delivery_workers or max(2, len(settings.helpdesks))):
            self._start(f"worker-{number}", [sys.executable, "-m", "gateway.cli", "work", DELIVERY])
        if any(source.account.base_url for source in settings.sources.values()):
            self._start("worker-vendor", [sys.executable, "-m", "gateway.cli", "work", VENDOR])
        if settings.notifiers:
            self._start("worker-notify", [sys.executable, "-m", "gateway.cli", "work", NOTIFY])
        for number in range(self.plan.clock_workers):
            self._start(f"worker-clock-{number}", [sys.executable, "-m", "gateway.cli", "work", CLOCK])
        self._connect_webhooks(sandboxes, gateways[0])
        self.addresses = Addresses(gateways[0], {n: s["url"] for n, s in sandboxes.items()}, gateways)
        run = settings.var / "run"
        run.mkdir(exist_ok=True)
        (run / "addresses.json").write_text(
            json.dumps({"gateway": gateways[0], "sandboxes": self.addresses.sandboxes}), "utf-8"
        )
        return self.addresses

    def stop(self) -> None:
        self.supervisor.stop()

    def _start(self, name: str, command: list[str], ready: Callable[[], bool] = lambda: True) -> Child:
        child = Child(name, command, self._logs / f"{name}.log", ready=ready)
        return self.supervisor.start(child, self.plan.patience)

    def _gateway(self, number: int) -> str:
        host = self.plan.host
        port = self._first_port if number == 0 else free_port(host)
        url = self._url(port)
        command = [
            sys.executable, "-m", "gateway.cli", "serve", "--host", host, "--port", str(port),
            "--processes", str(self.plan.gateway_processes),
        ]  # fmt: skip
        self._start(f"gateway-{number}", command, ready=lambda: _answers(f"{url}/healthz"))
        return url

    def _url(self, port: int) -> str:
        host = self.plan.host
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - only compared

    def _sandboxes(self) -> dict[str, dict[str, str]]:
        """An address and a secret for each helpdesk and each chat that is to be a sandbox."""
        os.environ.pop(SANDBOXES_VARIABLE, None)
        settings = load_settings(self.plan.config)
        helpdesks = {
            name: {"url": f"http://127.0.0.1:{free_port('127.0.0.1')}", "webhook_secret": secrets.token_urlsafe(24)}
            for name, helpdesk in settings.helpdesks.items()
            if helpdesk.is_sandbox
        }
        chats = {
            SANDBOX_CHAT + name: {
                "url": f"http://127.0.0.1:{free_port('127.0.0.1')}",
                "secret": secrets.token_urlsafe(24),
                "gateway": self._url(self._first_port),
            }
            for name, notifier in settings.notifiers.items()
            if notifier.is_sandbox
        }
        return helpdesks | chats

    def _connect_webhooks(self, sandboxes: Mapping[str, Mapping[str, str]], gateway: str) -> None:
        for name, sandbox in sandboxes.items():
            if name.startswith(SANDBOX_CHAT):
                chat = name.removeprefix(SANDBOX_CHAT)
                target = {"url": f"{gateway}/v1/notify/{chat}/actions", "secret": sandbox["secret"]}
            else:
                target = {"url": f"{gateway}/v1/status/{name}", "secret": sandbox["webhook_secret"]}
            requests.post(f"{sandbox['url']}/_sandbox/webhook", json=target, timeout=5).raise_for_status()

    def _redis_answers(self) -> bool:
        try:
            return bool(Redis.from_url(redis_url(self.settings), socket_timeout=1).ping())
        except (RedisError, OSError):
            return False


def rehearsal_config(*, chat: bool = True) -> str:
    """
    The text of a baton.yml with one source for each of three sandbox helpdesks, and fresh secrets. chat: and a sandbox
    chat for the ladders; the demo plays none, and starts two processes fewer.
    """
    lines = [
        "# Written by `baton up`: three chatbot sources, three sandbox helpdesks, everything on this machine.",
        "# The secrets were made up for this file; real ones belong into the environment (`env:NAME`).",
        "sources:",
    ]
    for name, desk in REHEARSAL_SOURCES.items():
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        lines.append(f"  {name}: {{vendor: canonical, secrets: [{secret}], helpdesk: {desk}}}")
    lines.append("helpdesks:")
    for name, kind in REHEARSAL_HELPDESKS.items():
        lines.append(f"  {name}: {{kind: {kind}, base_url: sandbox, lookup_after: 5s, timeout: 10s}}")
    # The channel of the starter's ladders: what they tell is shown on a page of its own.
    if chat:
        lines += ["notifiers:", "  team-chat: {kind: slack, base_url: sandbox}"]
    return "\n".join(lines) + "\n"


def _kind(settings: Settings, sandbox: str) -> str:
    if sandbox.startswith(SANDBOX_CHAT):
        return settings.notifiers[sandbox.removeprefix(SANDBOX_CHAT)].account.kind
    return settings.helpdesks[sandbox].account.kind


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).status_code < 500
    except requests.RequestException:
        return False
