"""A vendor's interface as a local double: it remembers every call whole and answers as told."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Called:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class LocalVendor:
    """
    status, answer: of every call; `answers` by path (without the query) come first. answer_to: given the query's
    parameters, answers instead of `answer` (an interface with pages).
    """

    url: str = ""
    status: int = 200
    answer: Any = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    answer_to: Callable[[dict[str, str]], Any] | None = None

    def says(self, target: str) -> Any:
        path, _, query = target.partition("?")
        if path in self.answers:
            return self.answers[path]
        return self.answer_to(dict(parse_qsl(query))) if self.answer_to else self.answer


@contextmanager
def running_vendor():
    vendor = LocalVendor()

    class Handler(BaseHTTPRequestHandler):
        def do(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            vendor.calls.append(Called(self.command, self.path, headers, body))
            answer = json.dumps(vendor.says(self.path)).encode()
            self.send_response(vendor.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

        def log_message(self, *_args):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vendor.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield vendor
    server.shutdown()
    server.server_close()
    thread.join()
