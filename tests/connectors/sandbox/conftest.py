"""A running sandbox of each kind with a client that has the right credential, and a receiver for webhooks."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.server import RunningSandbox, running_sandbox

FIXTURES = Path(__file__).parent / "fixtures"

# How each helpdesk opens a ticket that carries our key, and where its agents' API lives.
OPENING = {
    "zendesk": ("/api/v2/tickets.json", lambda key: {"ticket": {"external_id": key, "comment": {"body": "help"}}}),
    "freshdesk": (
        "/api/v2/tickets",
        lambda key: {
            "email": "ana@example.com",
            "subject": "help",
            "description": "help",
            "custom_fields": {"cf_baton_packet_id": key},
        },
    ),
    "servicenow": ("/api/now/table/incident", lambda key: {"short_description": "help", "correlation_id": key}),
}


def _auth(kind):
    if kind == "zendesk":
        return (f"{CREDENTIALS.email}/token", CREDENTIALS.api_token)
    return (CREDENTIALS.api_key, "X") if kind == "freshdesk" else (CREDENTIALS.user, CREDENTIALS.password)


@dataclass
class Client:
    """Calls one running sandbox as its service user, each call on a connection of its own."""

    running: RunningSandbox
    kind: str
    auth: tuple[str, str] | None

    def call(self, method, path, **options):
        options = {"auth": self.auth, **options}
        return requests.request(method, self.running.url + path, timeout=options.pop("timeout", 5), **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, **({"json": body} if body is not None else {}), **options)

    def put(self, path, body, **options):
        return self.call("PUT", path, json=body, **options)

    def patch(self, path, body, **options):
        return self.call("PATCH", path, json=body, **options)

    def control(self, path, body=None, method="POST"):
        return requests.request(method, f"{self.running.url}/_sandbox{path}", json=body, timeout=5)

    def open_ticket(self, key="pkt_1", **options):
        path, body = OPENING[self.kind]
        return self.post(path, body(key), **options)

    @property
    def opening_path(self):
        return OPENING[self.kind][0]

    @property
    def tickets(self):
        return self.running.tickets()

    @property
    def faults(self):
        return self.running.faults

    @property
    def sandbox(self):
        return self.running.sandbox


@contextmanager
def _client(kind):
    with running_sandbox(kind) as running:
        yield Client(running, kind, _auth(kind))


@pytest.fixture
def zendesk():
    with _client("zendesk") as client:
        yield client


@pytest.fixture
def freshdesk():
    with _client("freshdesk") as client:
        yield client


@pytest.fixture
def servicenow():
    with _client("servicenow") as client:
        yield client


@pytest.fixture(params=["zendesk", "freshdesk", "servicenow"])
def helpdesk(request):
    """Each of the three in turn."""
    with _client(request.param) as client:
        yield client


@pytest.fixture
def sample():
    """Reads one file of fixtures/."""
    return lambda name: json.loads((FIXTURES / name).read_text(encoding="utf-8"))


@dataclass
class Received:
    """One webhook call as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Receiver:
    """Takes webhooks. `answers` are used up one by one (status, headers), then 200."""

    url: str
    calls: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def wait_for(self, count):
        """The calls, once there are so many; fails after three seconds."""
        wait_until(lambda: len(self.calls) >= count)
        return self.calls


def wait_until(holds, seconds=3.0):
    """Polls; a test's own waiting, never the code's."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def eventually():
    return wait_until


@pytest.fixture
def receiver():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = taken.answers.pop(0) if taken.answers else (200, {})
            taken.calls.append(Received(dict(self.headers), body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Receiver(f"http://127.0.0.1:{server.server_port}/status")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield taken
    server.shutdown()
    server.server_close()
