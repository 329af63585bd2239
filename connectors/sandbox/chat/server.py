"""
The chat double: Slack's chat.postMessage, chat.update, an incoming webhook and response_url; a Teams Workflows webhook.
It checks what they check, keeps what arrived, and signs the presses of its buttons as Slack does.

source: Slack developer documentation, "chat.postMessage", "chat.update", "Verifying requests from Slack",
"block_actions payload"; Microsoft Learn, "Create incoming webhooks with Workflows for Microsoft Teams".
Read 2026-11-21.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import requests
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from connectors.sandbox.chat.page import shown

KINDS: Final = ("slack", "teams")
TOKEN: Final = "sandbox-token"  # noqa: S105 - opens nothing but this
BLOCKS_LIMIT: Final = 50
TEXT_LIMITS: Final = {"header": 150, "field": 2000}
MESSAGE_BYTES: Final = 28 * 1024


@dataclass
class ChatMessage:
    """What stands in the chat. changes: how often it was updated."""

    ts: str
    channel: str
    body: dict[str, Any]
    changes: int = 0
    for_user: str | None = None  # an answer only they see


@dataclass
class ChatFault:
    """The next `times` calls are answered so. kind: throttle, down, refuse, deny, or lost (done, then 500)."""

    kind: str
    times: int = 1
    retry_after: int = 30


class ChatSandbox:
    """A WSGI application that is one chat. `target`: where presses go, and what they are signed with."""

    def __init__(self, kind: str, now: Callable[[], float] = time.time) -> None:
        self.kind = kind
        self.now = now
        self.url = ""
        self.target: tuple[str, str] | None = None
        self.messages: list[ChatMessage] = []
        self.faults: list[ChatFault] = []
        self.calls: list[str] = []
        self._lock = threading.RLock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = request.path
        if path == "/" and request.method == "GET":
            with self._lock:
                return shown(self.kind, list(reversed(self.messages)))
        if path == "/press" and request.method == "POST":
            self.press(request.form["ts"], request.form["action"], request.form.get("user") or "U01")
            return redirect("/", 303)
        if path.startswith("/_sandbox/"):
            return self._control(request)
        with self._lock:
            self.calls.append(path)
            fault = self._fault()
            if fault is not None and fault.kind != "lost":
                return _instead(fault)
            answer = self._take(request)
        return answer if fault is None else Response("", 500)

    def _fault(self) -> ChatFault | None:
        if not self.faults:
            return None
        first = self.faults[0]
        first.times -= 1
        if first.times <= 0:
            self.faults.pop(0)
        return first

    def _control(self, request: Request) -> Response:
        path = request.path.removeprefix("/_sandbox/")
        if path == "webhook" and request.method == "POST":
            told = request.get_json()
            self.target = (told["url"], told["secret"])
        elif path == "faults" and request.method == "POST":
            self.faults += [ChatFault(**one) for one in request.get_json()]
        elif path != "messages":
            return Response(status=404)
        with self._lock:
            told = [vars(message) for message in self.messages]
        return Response(json.dumps(told), content_type="application/json")

    def _take(self, request: Request) -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return Response("invalid_payload", 400)
        if request.path.startswith("/workflows/") and self.kind == "teams":
            return self._workflow(request, body)
        if request.path.startswith("/services/") and self.kind == "slack":
            wrong = _wrong_blocks(body)
            if wrong:
                return Response(wrong, 400)
            self._keep("#webhook", body)
            return Response("ok")
        if request.path.startswith("/response/") and self.kind == "slack":
            return self._response(request.path.removeprefix("/response/"), body)
        if request.path.startswith("/api/") and self.kind == "slack":
            told = self._api(request, request.path.removeprefix("/api/"), body)
            return Response(json.dumps(told), content_type="application/json")
        return Response(status=404)

    def _api(self, request: Request, method: str, body: dict[str, Any]) -> dict[str, Any]:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if method == "auth.test":
            return {"ok": True, "team": "Sandbox", "user": "baton", "team_id": "T01", "user_id": "U00"}
        if not isinstance(body.get("channel"), str) or not body["channel"]:
            return {"ok": False, "error": "channel_not_found"}
        if wrong := _wrong_blocks(body):
            return {"ok": False, "error": wrong}
        if method == "chat.postMessage":
            message = self._keep(body["channel"], body)
        elif method == "chat.update":
            found = self._at(str(body.get("ts")), body["channel"])
            if found is None:
                return {"ok": False, "error": "message_not_found"}
            message = found
            message.body, message.changes = body, message.changes + 1
        else:
            return {"ok": False, "error": "unknown_method"}
        return {"ok": True, "channel": message.channel, "ts": message.ts, "message": {"text": body.get("text", "")}}

    def _response(self, told: str, body: dict[str, Any]) -> Response:
        """response_url: change the message that was pressed, or tell one person alone."""
        ts, _, user = told.partition("/")
        message = self._at(ts)
        if message is None:
            return Response("expired_url", 404)
        if body.get("replace_original"):
            message.body, message.changes = body, message.changes + 1
        else:
            self._keep(message.channel, body).for_user = user
        return Response("ok")

    def _workflow(self, request: Request, body: dict[str, Any]) -> Response:
        if request.args.get("sig") != TOKEN:
            return Response(json.dumps({"error": {"code": "DirectApiAuthorizationRequired"}}), 401)
        cards = [a for a in body.get("attachments", ()) if a.get("contentType", "").endswith("card.adaptive")]
        if body.get("type") != "message" or not cards or cards[0]["content"].get("type") != "AdaptiveCard":
            return Response(json.dumps({"error": {"code": "InvalidTemplate"}}), 400)
        if len(request.get_data()) > MESSAGE_BYTES:
            return Response(json.dumps({"error": {"code": "RequestEntityTooLarge"}}), 413)
        self._keep("channel", body)
        return Response(status=202)

    def _keep(self, channel: str, body: dict[str, Any]) -> ChatMessage:
        message = ChatMessage(f"{int(self.now())}.{len(self.messages) + 1:06d}", channel, body)
        self.messages.append(message)
        return message

    def _at(self, ts: str, channel: str | None = None) -> ChatMessage | None:
        return next((m for m in self.messages if m.ts == ts and channel in (None, m.channel)), None)

    # What a person does

    def press(self, ts: str, action_id: str, user: str, *, secret: str | None = None) -> int:
        """Press a button of a message; the status the gateway answers. secret: sign with another one."""
        if self.target is None:
            raise ValueError("no target: POST /_sandbox/webhook says where presses go")
        url, ours = self.target
        body = self.pressed(ts, action_id, user)
        at = str(int(self.now()))
        signed = b"v0:" + at.encode() + b":" + body
        signature = hmac.new((secret or ours).encode(), signed, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={signature}",
        }
        return self.deliver(url, body, headers)

    def deliver(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Slack waits three seconds."""
        return requests.post(url, data=body, headers=headers, timeout=3).status_code

    def pressed(self, ts: str, action_id: str, user: str) -> bytes:
        message = self._at(ts)
        action = next(
            (e for b in (message.body["blocks"] if message else ()) if b["type"] == "actions" for e in b["elements"]
             if e["action_id"] == action_id), None,
        )  # fmt: skip
        if message is None or action is None:
            raise LookupError(f"message {ts} has no button {action_id}")
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": "T01"},
            "api_app_id": "A01",
            "container": {"type": "message", "message_ts": ts, "channel_id": message.channel, "is_ephemeral": False},
            "trigger_id": "1.2.3",
            "team": {"id": "T01", "domain": "sandbox"},
            "channel": {"id": message.channel, "name": "sandbox"},
            "response_url": f"{self.url}/response/{ts}/{user}",
            "actions": [{"type": "button", "action_ts": ts, **action}],
        }
        return urlencode({"payload": json.dumps(payload)}).encode()


def _instead(fault: ChatFault) -> Response:
    if fault.kind == "throttle":
        told = json.dumps({"ok": False, "error": "ratelimited"})
        return Response(told, 429, {"Retry-After": str(fault.retry_after)}, content_type="application/json")
    if fault.kind in ("refuse", "deny"):
        error = "channel_not_found" if fault.kind == "refuse" else "invalid_auth"
        return Response(json.dumps({"ok": False, "error": error}), content_type="application/json")
    return Response("upstream is away", 503)


def _wrong_blocks(body: dict[str, Any]) -> str:
    """What Slack would say of it; "" = nothing."""
    blocks = body.get("blocks")
    if not body.get("text") and not blocks:
        return "no_text"
    for block in blocks or ():
        texts = [block["text"]["text"]] if block.get("type") == "header" else []
        if any(not text or len(text) > TEXT_LIMITS["header"] for text in texts):
            return "invalid_blocks"
        fields = block.get("fields", ())
        if len(fields) > 10 or any(not f["text"] or len(f["text"]) > TEXT_LIMITS["field"] for f in fields):
            return "invalid_blocks"
    return "" if len(blocks or ()) <= BLOCKS_LIMIT else "msg_blocks_too_long"


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class RunningChat:
    url: str
    chat: ChatSandbox = field(repr=False)


@contextlib.contextmanager
def running_chat(kind: str, now: Callable[[], float] = time.time) -> Iterator[RunningChat]:
    """A chat in a thread of this process, for the length of a `with`."""
    chat = ChatSandbox(kind, now)
    server = make_server("127.0.0.1", 0, chat, threaded=True, request_handler=_Quiet)
    chat.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield RunningChat(chat.url, chat)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def serve_chat(kind: str, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Until the process is told to stop."""
    chat = ChatSandbox(kind)
    server = make_server(host, port, chat, threaded=True, request_handler=_Quiet)
    chat.url = f"http://{host}:{server.port}"
    ready(chat.url)
    server.serve_forever()
