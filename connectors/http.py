"""
The one requests Session through which everything leaves the house. It gives every call a total deadline and a size
cap, follows no redirect, keeps no cookie, reads no proxy from the environment, and turns whatever goes wrong into one
of `errors.py`, judged by what was sent. Foreign shapes (what a 403 means, where field errors stand) are the
subclass's: `judge` and `field_errors`.
"""

from __future__ import annotations

import functools
import json as jsonlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay, wait_random_exponential
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unavailable, Unsure

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SUCCESS = range(200, 300)
CONNECT_TIMEOUT = timedelta(seconds=5)
RETRY_AFTER_UNKNOWN = 60.0
RETRY_AFTER_MOST = 3600.0
SHORT_ILLNESS = 10.0  # seconds; a 503 that asks for longer is no hiccup to be tried over
PIECE = 64 * 1024

_SENT: ContextVar[int] = ContextVar("requests_sent", default=0)


def requests_sent() -> int:
    """How many requests this thread (or task) has sent so far, whoever answered: what an account's rate is about."""
    return _SENT.get()


_TIME_LEFT: ContextVar[Callable[[], timedelta] | None] = ContextVar("time_left", default=None)


@contextmanager
def within(time_left: Callable[[], timedelta]) -> Iterator[None]:
    """No call in here lasts longer than `time_left` says when it begins: who holds a lease sends nothing after it."""
    before = _TIME_LEFT.set(time_left)
    try:
        yield
    finally:
        _TIME_LEFT.reset(before)


# At DEBUG urllib3 writes every path with its query, and a query may hold a customer's mail address.
logging.getLogger("urllib3").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names match without case; `json` is None where the body is empty or no JSON."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    json: Any = field(default=None, repr=False)


@runtime_checkable
class RenewableAuth(Protocol):
    """An `auth` that can fetch a new credential: after a 401 the session renews once and sends once more."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest: ...

    def renew(self, request: requests.PreparedRequest) -> None:
        """Forget the credential `request` was refused with, so that the next call fetches a new one."""


class HardenedSession(requests.Session):
    """
    One foreign system at one base address. Whatever host a request names, it goes to `base_url`, so a credential
    never travels anywhere else.

    system: our name of it, for errors. base_url: http(s), a loopback sandbox with a port too, may have a path.
    deadline: one whole call, from connecting to the last byte, a GET's retries included; `within` may leave it less.
        Only the time of a name look-up is the operating system's.
    one_record: what is asked is about one record, so a 403 says that this one is out of reach, and no more.
    json_answers: a success that is not JSON (a login page, a captive portal) counts as no answer.

    Each call has a connection of its own: a kept one that went stale would make a POST Unsure for no reason, and would
    be shared with forked workers.
    """

    one_record = False

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        deadline: timedelta = timedelta(seconds=30),
        max_bytes: int = 8 * 1024 * 1024,
        auth: tuple[str, str] | Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None,
        headers: Mapping[str, str] | None = None,
        json_answers: bool = True,
    ) -> None:
        super().__init__()
        self.system = system
        self.base_url = _checked_base_url(system, base_url)
        self.deadline = deadline
        self.max_bytes = max_bytes
        self.json_answers = json_answers
        self.trust_env = False  # no proxy, netrc or CA bundle from the environment; `proxies` and `verify` still count
        self.auth = auth
        self.headers.clear()
        self.headers.update(
            {
                "User-Agent": "Baton",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # answers are small, and nothing can unpack into gigabytes
                "Connection": "close",
                **(headers or {}),
            }
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        expect: Collection[int] = (200, 201),
        safe: bool | None = None,
        json_answer: bool | None = None,
    ) -> Answer:
        """
        One call. A GET that is Unavailable is tried again within seconds, inside the same deadline; nothing else is.

        safe: repeating it is harmless, so an unknown outcome is Unavailable and not Unsure. Default: by the method.
        json_answer: overrides the session's `json_answers`.
        raises: Throttled, Unavailable, Unsure, Refused, Unauthorized; never anything of requests.
        """
        request = requests.Request(
            method.upper(), self.base_url + path, json=json, data=data, headers=dict(headers or {}), params=params
        )
        want_json = self.json_answers if json_answer is None else json_answer
        _, answer = self._exchange(self.prepare_request(request), expect, safe, want_json)
        return answer

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Refused if it cannot be written (a header or a query no wire takes); what requests says of it would quote."""
        try:
            return super().prepare_request(request)
        except (requests.RequestException, ValueError, TypeError) as error:
            cause = type(error).__name__
        raise Refused(self.system, f"the {request.method} request cannot be written ({cause})")

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """
        What every requests call, and so every library on top of this session, ends in. Only a 2xx comes back; any
        other answer is raised as ours before a library could sleep, repeat or swallow it.
        """
        response, _ = self._exchange(request, SUCCESS, None, self.json_answers)
        return response

    def judge(self, answer: Answer, *, safe: bool) -> ConnectorError | None:
        """What a status outside the expected ones means in this system. None: judge by the general rules."""
        return None

    def field_errors(self, answer: Answer) -> tuple[str, ...]:
        """What the system said of which field. Never quotes values: these go to logs and consoles."""
        return ()

    def unclear(self, method: str, what: str, *, safe: bool | None = None) -> ConnectorError:
        """The error for an outcome nobody knows: Unsure, or Unavailable where repeating is harmless."""
        harmless = method in SAFE_METHODS if safe is None else safe
        return (Unavailable if harmless else Unsure)(self.system, what)

    def _exchange(
        self, request: requests.PreparedRequest, expect: Collection[int], safe: bool | None, want_json: bool
    ) -> tuple[requests.Response, Answer]:
        time_left = _TIME_LEFT.get()
        may_take = self.deadline if time_left is None else min(self.deadline, time_left())
        ends = time.monotonic() + may_take.total_seconds()
        request.url = self._at_base(request.url or "")
        _freeze_body(request)
        harmless = request.method in SAFE_METHODS if safe is None else safe
        if request.method not in SAFE_METHODS or may_take <= timedelta():
            return self._authorised(request, expect, harmless, want_json, ends)
        attempts = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(3) | stop_before_delay(may_take),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            reraise=True,
        )
        return attempts(self._authorised, request, expect, harmless, want_json, ends)

    def _authorised(
        self, request: requests.PreparedRequest, expect: Collection[int], safe: bool, want_json: bool, ends: float
    ) -> tuple[requests.Response, Answer]:
        response, answer = self._once(request, safe, ends)
        if answer.status == 401 and isinstance(self.auth, RenewableAuth):
            self.auth.renew(request)
            response, answer = self._once(self.auth(request), safe, ends)
        if answer.status not in expect:
            raise self._failure(request, answer, safe)
        if want_json and answer.json is None and answer.status != 204:
            raise self.unclear("", f"{self._called(request)} answered {answer.status} without JSON", safe=safe)
        return response, answer

    def _once(self, request: requests.PreparedRequest, safe: bool, ends: float) -> tuple[requests.Response, Answer]:
        """Send once. Raised outside the except clause: the foreign exception holds headers and the full address."""
        called, wire = self._called(request), _Wire()
        left = ends - time.monotonic()
        if left <= 0:
            raise self.unclear("", f"{called}: no time left", safe=True)
        _SENT.set(_SENT.get() + 1)
        cut = threading.Timer(left, wire.cut)
        cut.daemon = True
        cut.start()
        adapter = _OneCall(wire)
        try:
            timeout = (min(left, CONNECT_TIMEOUT.total_seconds()), left)
            response = adapter.send(
                request,
                stream=True,
                timeout=timeout,
                verify=True if self.verify is None else self.verify,
                cert=self.cert,
                proxies=self.proxies,
            )
            body = self._read(response)
            if wire.expired and response.status_code in SUCCESS:
                raise TimeoutError  # cut among the headers, which http.client takes for their end
            return response, Answer(response.status_code, response.headers, body, _json_or_none(body))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            cause, unwritable = _root_name(error), isinstance(error, ValueError)
        finally:
            cut.cancel()
            adapter.close()
        if unwritable and not wire.sent:
            raise Refused(self.system, f"{called} cannot be written ({cause})")
        if not wire.sent:
            raise Unavailable(self.system, f"{called}: never reached ({cause})")
        if wire.expired or cause == "ReadTimeoutError":
            raise self.unclear("", f"{called}: no answer within {self.deadline.total_seconds():g} s", safe=safe)
        raise self.unclear("", f"{called}: the connection was lost before the answer was whole ({cause})", safe=safe)

    def _read(self, response: requests.Response) -> bytes:
        """The body in pieces, up to the cap. A body that breaks off never hides a status that says enough."""
        body = bytearray()
        try:
            for piece in response.raw.stream(PIECE, decode_content=True):
                body += piece
                if len(body) > self.max_bytes:
                    raise urllib3.exceptions.ProtocolError("answer over the size limit")
        except (urllib3.exceptions.HTTPError, OSError):
            if response.status_code in SUCCESS:
                raise
            body.clear()
        finally:
            response.close()
        read: Any = response  # requests has no public way to hand over a body that was read elsewhere
        read._content, read._content_consumed = bytes(body), True
        return bytes(body)

    def _failure(self, request: requests.PreparedRequest, answer: Answer, safe: bool) -> ConnectorError:
        status, told = answer.status, f"{self._called(request)} answered {answer.status}"
        error = self.judge(answer, safe=safe)
        if error is not None:
            return error
        is_maintenance = status == 503 and safe and retry_after(answer.headers, default=0) > SHORT_ILLNESS
        if status == 429 or is_maintenance:
            return Throttled(self.system, retry_after=retry_after(answer.headers))
        if status in (401, 403):
            everything = status == 401 or not self.one_record
            return Unauthorized(self.system, f"{told}; check the credential and its rights", whole_account=everything)
        if 400 <= status < 500 and status not in (408, 409, 425):
            return Refused(self.system, told, field_errors=self.field_errors(answer))
        # 5xx, a time-out at an edge, a conflict, a redirect, an unexpected 2xx: it may have been done.
        return self.unclear("", told, safe=safe)

    def _at_base(self, url: str) -> str:
        if url == self.base_url or url.startswith((self.base_url + "/", self.base_url + "?")):
            return url
        parts = urlsplit(url)
        return self.base_url + parts.path + (f"?{parts.query}" if parts.query else "")

    def _called(self, request: requests.PreparedRequest) -> str:
        """Method and path below the base address, without the query: a query may hold a mail address."""
        path = (request.url or "").removeprefix(self.base_url).partition("?")[0]
        return f"{request.method} {path or '/'}"


def retry_after(headers: Mapping[str, str], default: float = RETRY_AFTER_UNKNOWN) -> float:
    """Seconds to wait as `Retry-After` says, in seconds or as an HTTP date; at most an hour."""
    told = (CaseInsensitiveDict(headers).get("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", told):
        return min(float(told), RETRY_AFTER_MOST)
    try:
        then = parsedate_to_datetime(told)
    except (ValueError, TypeError, IndexError, OverflowError):
        return default
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return min(max((then - datetime.now(UTC)).total_seconds(), 0.0), RETRY_AFTER_MOST)


class _Wire:
    """What became of one attempt: whether a byte of it may have left, and the socket to cut when time is up."""

    def __init__(self) -> None:
        self.sent = False
        self.expired = False
        self.socket: socket.socket | None = None

    def connected(self, connection: HTTPConnection) -> None:
        self.socket = connection.sock
        self.sent = False  # what a proxy was told while connecting does not count
        if self.expired:
            self.cut()

    def cut(self) -> None:
        """The socket's own time-outs are per operation: a server that drips one byte a second would never end."""
        self.expired = True
        if self.socket is not None:
            with suppress(OSError):  # already closed
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    """A connection that tells its wire when it is open and when the request begins to leave."""

    def __init__(self, wire: _Wire, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wire = wire

    def connect(self) -> None:
        super().connect()
        self._wire.connected(self)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self._wire.sent = True
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _OneCall(HTTPAdapter):
    """The transport of one attempt: no retries, no pool, connections that report to `wire`."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = functools.partial(_WatchedTls if pool.scheme == "https" else _Watched, self._wire)
        return pool


def _checked_base_url(system: str, base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{system}: base_url must be like https://host or https://host/path, without credentials")
    return base_url.rstrip("/")


def _freeze_body(request: requests.PreparedRequest) -> None:
    """A body that is a file is read once, so that a second sending carries the same bytes."""
    body: Any = request.body
    if hasattr(body, "read"):
        request.body = body.read()
        request.headers.pop("Transfer-Encoding", None)
        request.headers["Content-Length"] = str(len(request.body or b""))


def _json_or_none(body: bytes) -> Any:
    """The content type is not asked: Zendesk answers an upload with JSON under text/plain."""
    try:
        return jsonlib.loads(body)
    except (ValueError, RecursionError):
        return None


def _root_name(error: BaseException) -> str:
    """The class name of what really happened, under the wrappers of requests and urllib3. Names quote nothing."""
    inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, BaseException)), None)
    return _root_name(inner) if isinstance(inner, BaseException) else type(error).__name__
