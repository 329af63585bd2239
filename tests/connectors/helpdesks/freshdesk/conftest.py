"""Builders for the Freshdesk tests: a draft, an account, the recorded bodies, and a server that answers as told."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.ports import FieldMap, HelpdeskAccount
from packets.draft import DraftAttachment, Priority, Requester, TicketDraft

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def recorded():
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def field_map():
    return FieldMap(
        fields={"packet_id": "cf_baton_packet_id", "tier": "cf_baton_tier", "reason": "cf_baton_reason"},
        groups={"orders": "36000000103"},
    )


@pytest.fixture
def a_draft():
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
def answering(field_map):
    """
    `answering((status, body, headers?), …)` → an account whose server gives these answers in turn, the last one for
    ever; its `asked` lists the requests. A body that is no bytes is sent as JSON.
    """
    servers = []

    def start(*answers):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append(
                    SimpleNamespace(method=self.command, path=self.path, headers=dict(self.headers), body=sent)
                )
                status, body, *headers = answers[min(len(asked), len(answers)) - 1]
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
            kind="freshdesk",
            base_url=f"http://127.0.0.1:{server.server_port}",
            credentials={"api_key": "the-secret-key"},
            field_map=field_map,
            timeout=timedelta(seconds=5),
        )
        return SimpleNamespace(account=account, asked=asked)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
