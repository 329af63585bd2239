"""
One sandbox: the WSGI application that puts a helpdesk behind its faults, and the ways to run it (in this thread, in
another, or with `python -m connectors.sandbox`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from connectors.sandbox import control, page
from connectors.sandbox.accounts import KINDS, NEUTRAL_FIELDS
from connectors.sandbox.answers import Request
from connectors.sandbox.clock import Now, SandboxClock
from connectors.sandbox.desk import Deed, Desk, Settings, Setup, ticket_json
from connectors.sandbox.faults import FAULT_KINDS, Fault, Faults
from connectors.sandbox.freshdesk.desk import FreshdeskDesk
from connectors.sandbox.servicenow.desk import ServiceNowDesk
from connectors.sandbox.webhooks import Webhooks
from connectors.sandbox.zendesk.desk import ZendeskDesk

DESKS: Final[dict[str, Callable[[Setup], Desk]]] = {
    "zendesk": ZendeskDesk,
    "freshdesk": FreshdeskDesk,
    "servicenow": ServiceNowDesk,
}
# Answered, or cut, without the work.
INSTEAD: Final = frozenset(kind for kind, done in FAULT_KINDS.items() if not done)
CALLS_KEPT: Final = 10_000
LISTEN_QUEUE: Final = 128


class Cut(ConnectionAbortedError):
    """The connection is gone on purpose; the server must write nothing more to it."""


class Sandbox:
    """
    A WSGI application that is one helpdesk account.

    kind: zendesk, freshdesk or servicenow. fields: neutral names of the custom fields it has. bare: an account of which
    nothing but the credential exists.
    now: another source of time. Everything else can be changed while it runs (settings, faults, clock).
    """

    def __init__(
        self,
        kind: str,
        *,
        fields: Iterable[str] = NEUTRAL_FIELDS,
        now: Now | None = None,
        settings: Settings | None = None,
        bare: bool = False,
    ) -> None:
        if kind not in DESKS:
            raise ValueError(f"unknown helpdesk kind {kind!r}; there are: {', '.join(KINDS)}")
        self.kind = kind
        self.clock = SandboxClock(now)
        self.settings = settings or Settings()
        self.faults = Faults()
        self.lock = threading.RLock()
        self._fields = () if bare else tuple(fields)
        self._bare = bare
        self.desk = self._new_desk()
        self.webhooks = Webhooks(lambda: self.desk, self.clock)
        self._control = control.Control(self)
        self._page = page.Page(self)
        self._closing = threading.Event()
        self._calls: deque[dict[str, Any]] = deque(maxlen=CALLS_KEPT)

    def _new_desk(self) -> Desk:
        setup = Setup(self.clock, self.settings, self._fields, self._bare, self.lock)
        return DESKS[self.kind](setup)

    # For tests in the same process; /_sandbox/ offers the same over HTTP.

    def tickets(self) -> list[dict[str, Any]]:
        """All tickets in neutral form, oldest first."""
        with self.lock:
            return [ticket_json(view) for view in self.desk.views()]

    def calls(self) -> list[dict[str, Any]]:
        """The latest API calls: method, path, status (None = no answer was sent), fault."""
        with self.lock:
            return list(self._calls)

    def act(self, ticket_id: str, deed: Deed) -> None:
        """Do what a person would do on the screen, and send the webhooks of it."""
        with self.lock:
            self.desk.act(ticket_id, deed)
            self.webhooks.send(self.desk.take_calls())

    def reset(self) -> None:
        """A fresh account: no tickets, no faults, no webhook target. Settings and clock stay."""
        with self.lock:
            self.desk = self._new_desk()
            self._calls.clear()
        self.faults.clear()
        self.webhooks.clear()

    def close(self) -> None:
        """Let hanging calls go and stop sending webhooks."""
        self._closing.set()
        self.webhooks.close()

    # The way of one call

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        response = self._answer(Request(environ))
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path == control.PREFIX or request.path.startswith(control.PREFIX + "/"):
            return self._control.answer(request)
        if (response := self._page.answer(request)) is not None:
            return response
        if (ticket_id := self.desk.agent_page(request)) is not None:
            return redirect(f"/tickets/{ticket_id}")
        return self._api(request)

    def _api(self, request: Request) -> Response:
        request.get_data(cache=True, parse_form_data=False)  # read it all before anything is cut
        with self.desk.session(request):
            fault = self.faults.take(request.method, request.path)
            try:
                response = self._do(request, fault)
            except Cut:
                self._note(request, None, fault)
                raise
            self._note(request, response.status_code, fault)
            return response

    def _do(self, request: Request, fault: Fault | None) -> Response:
        if fault is None:
            return self._work(request)
        if fault.kind == "cut_before":
            raise self._cut(request)
        if fault.kind in INSTEAD:
            return self._fault_answer(fault, None)
        if fault.kind == "slow":
            self._closing.wait(fault.seconds)
            return self._work(request)
        done = self._work(request)
        if fault.kind == "hang_after":
            self._closing.wait(fault.seconds)
        if fault.kind in ("cut_after", "hang_after"):
            raise self._cut(request)
        return self._fault_answer(fault, done)

    def _work(self, request: Request) -> Response:
        with self.lock:
            response = self.desk.answer(request)
            if (target := self.desk.take_new_target()) is not None:
                self.webhooks.point_to(target)
            self.webhooks.send(self.desk.take_calls())
        return response

    def _fault_answer(self, fault: Fault, done: Response | None) -> Response:
        with self.lock:
            return self.desk.fault_answer(fault, done)

    def _note(self, request: Request, status: int | None, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        with self.lock:
            self._calls.append({"method": request.method, "path": request.path, "status": status, "fault": kind})

    @staticmethod
    def _cut(request: Request) -> Cut:
        """Close the TCP connection with a reset, as a crashed proxy does: no answer, not even an end."""
        connection: socket.socket | None = request.environ.get("werkzeug.socket")
        if connection is not None:
            # Lingering for zero seconds makes close send RST. detach, because rfile and wfile still hold the socket.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(connection.detach())
        return Cut("cut by a fault")


class _QuietHandler(WSGIRequestHandler):
    """No line per call on the terminal; who wants to know asks GET /_sandbox/calls."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Cut by a fault, or left by the client: there is no next request to read."""
        self.close_connection = True


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers at `url` (no slash at the end)."""

    url: str
    sandbox: Sandbox

    @property
    def state(self) -> Sandbox:
        """The sandbox itself: tickets(), calls(), act(), reset(), clock, settings."""
        return self.sandbox

    @property
    def faults(self) -> Faults:
        """Where to ask for faults."""
        return self.sandbox.faults

    def tickets(self) -> list[dict[str, Any]]:
        """All tickets in neutral form, oldest first."""
        return self.sandbox.tickets()


def make_sandbox_server(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """A server, bound but not yet answering; port 0 = any free one (see its `.port`). OSError if it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Bound here, because werkzeug ends the whole process when the port is taken.
    with socket.create_server((host, port), family=family, backlog=LISTEN_QUEUE) as bound:
        return make_server(host, port, sandbox, threaded=True, request_handler=_QuietHandler, fd=bound.fileno())


def _address(host: str, server: BaseWSGIServer) -> str:
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


@contextlib.contextmanager
def running_sandbox(
    kind: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    fields: Iterable[str] = NEUTRAL_FIELDS,
    now: Now | None = None,
    settings: Settings | None = None,
    bare: bool = False,
) -> Iterator[RunningSandbox]:
    """A sandbox in a thread of this process, for the length of a `with`."""
    sandbox = Sandbox(kind, fields=fields, now=now, settings=settings, bare=bare)
    server = make_sandbox_server(sandbox, host, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield RunningSandbox(_address(host, server), sandbox)
    finally:
        sandbox.close()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def serve(
    kind: str,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    fields: Iterable[str] = NEUTRAL_FIELDS,
    settings: Settings | None = None,
    bare: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Answer until SIGTERM or SIGINT. `ready` is told the address once calls are taken. Main thread only."""
    sandbox = Sandbox(kind, fields=fields, settings=settings, bare=bare)
    server = make_sandbox_server(sandbox, host, port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    if ready is not None:
        ready(_address(host, server))
    stop.wait()
    sandbox.close()
    server.shutdown()
    server.server_close()
