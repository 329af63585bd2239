"""
What the tests of all helpdesks share: a draft, a server that answers as told; and for the contract tests a sandbox of
each kind and a client connected to it.
A new helpdesk joins by its line in the registry, its sandbox, and its entries in the tables here.
"""

from __future__ import annotations

import html
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.errors import ConnectorError, Throttled, Unavailable, Unsure
from connectors.ports import FieldMap, HelpdeskAccount
from connectors.registry import HELPDESKS, make_helpdesk
from connectors.sandbox import accounts
from connectors.sandbox.accounts import CREDENTIALS, NEUTRAL_FIELDS
from connectors.sandbox.desk import Deed
from connectors.sandbox.server import running_sandbox
from packets.draft import DraftAttachment, Priority, Requester, TicketDraft

FIELDS = (*NEUTRAL_FIELDS, "tags")  # ServiceNow has no tags; an instance that wants them keeps them in a column

CREDENTIAL_SETS = {
    "zendesk": {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret},
    "freshdesk": {"api_key": CREDENTIALS.api_key},
    "servicenow": {"user": CREDENTIALS.user, "password": CREDENTIALS.password},
}
FIELD_MAPS = {
    "zendesk": FieldMap(
        fields={name: str(number) for name, number in accounts.zendesk_field_ids(NEUTRAL_FIELDS).items()},
        groups={route: str(number) for route, number in accounts.ZENDESK_GROUP_IDS.items()},
    ),
    "freshdesk": FieldMap(
        fields=accounts.freshdesk_field_names(NEUTRAL_FIELDS),
        groups={route: str(number) for route, number in accounts.FRESHDESK_GROUP_IDS.items()},
    ),
    "servicenow": FieldMap(
        fields=accounts.servicenow_columns(FIELDS),
        groups=accounts.SERVICENOW_GROUP_IDS,
        defaults={"caller_id": accounts.SERVICENOW_GUEST_ID},
    ),
}
# The one call that creates a ticket, as a fault pattern.
CREATE = {
    "zendesk": {"method": "POST", "path": "/api/v2/tickets*"},
    "freshdesk": {"method": "POST", "path": "/api/v2/tickets"},
    "servicenow": {"method": "POST", "path": "/api/now/*table/incident"},
}


@pytest.fixture(params=sorted(HELPDESKS))
def kind(request):
    return request.param


@pytest.fixture
def sandbox(kind):
    with running_sandbox(kind, fields=FIELDS if kind == "servicenow" else NEUTRAL_FIELDS) as running:
        yield running


@pytest.fixture
def act(sandbox):
    """`act(ref, "reply", "words")`: what a person does on the helpdesk's screen."""
    return lambda ref, deed, value: sandbox.state.act(ref.ticket_id, Deed(deed, value, accounts.DEFAULT_AGENT))


@pytest.fixture
def fields_of_the_account(kind):
    return FIELD_MAPS[kind]


@pytest.fixture
def create(kind):
    """Where a fault must be put to spoil the creating of a ticket."""
    return CREATE[kind]


@pytest.fixture
def connect(kind, sandbox):
    """`connect(timeout=…, …)` → a client of the sandbox; what is not named is as it should be."""

    def make(*, timeout=5.0, **changes):
        standard = {
            "name": "desk",
            "kind": kind,
            "base_url": sandbox.url,
            "credentials": CREDENTIAL_SETS[kind],
            "field_map": FIELD_MAPS[kind],
            "lookup_after": timedelta(),
            "timeout": timedelta(seconds=timeout),
        }
        return make_helpdesk(HelpdeskAccount(**{**standard, **changes}))

    return make


@pytest.fixture
def a_draft():
    """`a_draft(said=[…], **changes)` → a draft whose note holds the turns, escaped as the renderer does."""

    def build(said=("Where is my order?", "I cannot find it."), **changes):
        turns = "\n".join(f"Customer: {words}" for words in said)
        why = "Why: same-task-failed"
        attached = "The transcript is attached as transcript.txt"
        standard = {
            "subject": "Order A-17 not found",
            "public_text": "Thank you. A colleague will answer here.",
            "note_text": f"{why}\n{turns}",
            "note_html": f"<p>{why}</p><p>{html.escape(turns)}</p>",
            "note_short_text": f"{why}\n{attached}",
            "note_short_html": f"<p>{why}</p><p>{attached}</p>",
            "requester": Requester("Ana Ruiz", email="ana@example.com"),
            "priority": Priority.HIGH,
            "group": "orders",
            "tags": ("baton", "baton_orders"),
            "fields": {"packet_id": "pkt_1", "tier": "standard", "reason": "same-task-failed", "channel": "web_chat"},
            "transcript_attachment": DraftAttachment("transcript.txt", turns),
            "language": "en",
        }
        return TicketDraft(**{**standard, **changes})

    return build


@pytest.fixture
def deliver():
    """
    `deliver(helpdesk, draft, key)` opens one ticket as the port asks of its callers: frozen body, and after an unknown
    outcome the same key again where that is safe, else a look first. The waiting is left out.
    """

    def run(helpdesk, draft, key, tries=6):
        body = helpdesk.prepare(draft, key=key)
        since = datetime.now(UTC) - timedelta(minutes=1)
        unsure = False
        for _ in range(tries):
            with suppress(Throttled, Unavailable):
                if unsure and helpdesk.capabilities.idempotent_for is None:
                    found = helpdesk.find_tickets(draft, key=key, since=since)
                    if found:
                        return found[0]
                try:
                    return helpdesk.open_ticket(body, key=key)
                except Unsure:
                    unsure = True
        raise AssertionError(f"no ticket after {tries} tries")

    return run


@pytest.fixture
def outcome():
    """`outcome(function, …)` → the ConnectorError it raised, or None."""

    def run(function, *args, **kwargs):
        try:
            function(*args, **kwargs)
        except ConnectorError as error:
            return error
        return None

    return run


@pytest.fixture
def packet_draft():
    """`packet_draft(**changes)` → a draft as one helpdesk's own tests use it."""

    def build(**changes):
        standard = {
            "subject": "Order A-17 not found",
            "public_text": "Thank you. A colleague has your conversation and will answer here.",
            "note_text": "Why: two failed look-ups\nCustomer: where is it?",
            "note_html": "<p>Why: two failed look-ups</p><p>Customer: where is it?</p>",
            "note_short_text": "Why: two failed look-ups\nThe transcript is attached.",
            "note_short_html": "<p>Why: two failed look-ups</p><p>The transcript is attached.</p>",
            "requester": Requester("Ana Ruiz", email="ana@example.com"),
            "priority": Priority.HIGH,
            "group": "orders",
            "tags": ("baton", "orders"),
            "fields": {"packet_id": "pkt_1", "tier": "standard", "reason": "same-task-failed"},
            "transcript_attachment": DraftAttachment("transcript.txt", "Customer: where is it?\n"),
        }
        return TicketDraft(**{**standard, **changes})

    return build


@pytest.fixture
def serving():
    """
    `serving(answer)` → the address of a server, and `asked`, its requests (method, path, where, query, headers, body).
    answer: request → (status, body, headers?); a body that is no bytes is sent as JSON.
    """
    servers = []

    def start(answer):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                address = urlsplit(self.path)
                request = SimpleNamespace(
                    method=self.command,
                    path=self.path,
                    where=f"{self.command} {address.path}",
                    query=dict(parse_qsl(address.query)),
                    headers=self.headers,
                    body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                )
                asked.append(request)
                status, body, *headers = answer(request)
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers[0] if headers else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = handle_any

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def by_address():
    """`by_address({"GET /x": told or a list of them in turn}, missing)` → an `answer` for `serving`."""

    def build(routes, missing):
        left = {where: list(told) if isinstance(told, list) else [told] for where, told in routes.items()}

        def answer(request):
            turn = left.get(request.where, [(404, missing)])
            return turn.pop(0) if len(turn) > 1 else turn[0]

        return answer

    return build
