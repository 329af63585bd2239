"""Builders for the Zendesk tests: a draft, an account, the fixtures, and a server that answers as told."""

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
BASIC = {"email": "baton@acme.example", "api_token": "the-secret-token"}


@pytest.fixture
def fixture():
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def field_map():
    return FieldMap(
        fields={"packet_id": "900001", "tier": "900004", "reason": "900002"},
        groups={"orders": "26155630000103", "default": "26155630000108"},
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
            "fields": {"tier": "standard", "reason": "same-task-failed", "channel": "voice"},
            "transcript_attachment": DraftAttachment("transcript.txt", "Customer: where is it?\n"),
        }
        return TicketDraft(**{**standard, **changes})

    return build


@pytest.fixture
def answering(field_map):
    """
    `answering({"GET /api/v2/x.json": (status, body, headers?), …})` → an account whose server gives these answers by
    method and path (a list of answers in turn, the last one for ever); `asked` lists the requests.
    """
    servers = []

    def start(answers, credentials=BASIC, **account):
        asked = []
        left = {call: list(told) if isinstance(told, list) else [told] for call, told in answers.items()}

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append(SimpleNamespace(method=self.command, path=self.path, headers=self.headers, body=sent))
                told = left.get(f"{self.command} {self.path.partition('?')[0]}", [(404, {"error": "RecordNotFound"})])
                status, body, *headers = told.pop(0) if len(told) > 1 else told[0]
                payload = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers[0] if headers else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        standard = {"name": "desk", "kind": "zendesk", "field_map": field_map, "timeout": timedelta(seconds=5)}
        url = f"http://127.0.0.1:{server.server_port}"
        made = HelpdeskAccount(base_url=url, credentials=credentials, **{**standard, **account})
        return SimpleNamespace(account=made, asked=asked, url=url)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
