"""Builders for the ServiceNow tests: a draft, the recorded bodies, and an instance that answers as told."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.ports import FieldMap, HelpdeskAccount
from packets.draft import DraftAttachment, Priority, Requester, TicketDraft

FIXTURES = Path(__file__).parent / "fixtures"
GUEST = "ba710000000000000000000000000004"


@pytest.fixture
def recorded():
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def hibernating_page():
    return (FIXTURES / "hibernating_page.html").read_bytes()


@pytest.fixture
def field_map():
    return FieldMap(
        fields={"packet_id": "u_baton_packet_id", "tier": "u_baton_tier", "tags": "u_baton_tags"},
        groups={"orders": "287ebd7da9fe198100f92cc8d1d2154e"},
        defaults={"caller_id": GUEST},
    )


@pytest.fixture
def a_draft():
    def build(**changes):
        standard = {
            "subject": "Order A-17 not found",
            "public_text": "A colleague has your conversation.",
            "note_text": "Why: two failed look-ups\nCustomer: where is it?",
            "note_html": "<p>Why</p>",
            "note_short_text": "Why: two failed look-ups\nThe transcript is attached.",
            "note_short_html": "<p>Why</p>",
            "requester": Requester("Ana Ruiz", email="ana@example.com", phone="+34600000000"),
            "priority": Priority.HIGH,
            "group": "orders",
            "tags": ("baton", "orders"),
            "fields": {"packet_id": "pkt_1", "tier": "standard", "reason": "same-task-failed"},
            "transcript_attachment": DraftAttachment("transcript.txt", "Customer: where is it?\n"),
        }
        return TicketDraft(**{**standard, **changes})

    return build


@pytest.fixture
def answering(field_map):
    """
    `answering({"GET /api/…": (status, body, headers?) or a list of them in turn}, **credentials)` → an account whose
    instance answers so, and `asked`, the requests. A body that is no bytes is sent as JSON; other addresses are 404.
    """
    servers = []

    def start(routes, **credentials):
        asked = []
        left = {where: list(told) if isinstance(told, list) else [told] for where, told in routes.items()}

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                address = urlsplit(self.path)
                where = f"{self.command} {address.path}"
                query = dict(parse_qsl(address.query))
                asked.append(SimpleNamespace(where=where, query=query, headers=dict(self.headers), body=sent))
                turn = left.get(where, [(404, {"error": {"message": "No Record found"}, "status": "failure"})])
                status, body, *headers = turn.pop(0) if len(turn) > 1 else turn[0]
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
        account = HelpdeskAccount(
            name="desk",
            kind="servicenow",
            base_url=f"http://127.0.0.1:{server.server_port}",
            credentials=credentials or {"user": "baton", "password": "the-secret-password"},
            field_map=field_map,
            timeout=timedelta(seconds=5),
        )
        return SimpleNamespace(account=account, asked=asked)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
