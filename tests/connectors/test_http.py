"""The hardened Session against a real socket server that misbehaves on purpose."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, Refused, Throttled, Unauthorized, Unavailable, Unsure
from connectors.http import HardenedSession, retry_after, within

Reply = Callable[[socket.socket], None]
FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "s3cr3t-canary"
WORDS = "customer-canary"


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda c: c.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def nothing(connection: socket.socket) -> None:
    """Close without a word."""


@contextmanager
def server(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Answers the n-th connection with the n-th reply, the last one ever after. Yields address and requests seen."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                connection = tls.wrap_socket(connection, server_side=True) if tls else connection
                request = read_request(connection)
            except OSError:
                return
            if not request:
                return
            seen.append(request)
            try:
                replies[min(len(seen), len(replies)) - 1](connection)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def session(base_url: str, *, deadline: float = 5.0, **options: object) -> HardenedSession:
    return HardenedSession("Desk", base_url, deadline=timedelta(seconds=deadline), **options)  # type: ignore[arg-type]


def hang(connection: socket.socket) -> None:
    connection.settimeout(5)
    connection.recv(1)  # until the client gives up


def drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        connection.sendall(b"X-A: b\r\n")
        time.sleep(0.05)


def drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def half(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"ticket": ')


def test_a_call_gives_status_headers_and_json():
    with server(answer(201, b'{"id": 7}', X_Request_Id="r1")) as (url, seen):
        got = session(url).call("POST", "/api/v2/tickets", json={"a": 1}, headers={"X-One": "1"})

    assert (got.status, got.json, got.headers["x-request-id"]) == (201, {"id": 7}, "r1")
    assert seen[0].startswith(b"POST /api/v2/tickets HTTP/1.1\r\n")
    assert seen[0].endswith(b'\r\n\r\n{"a": 1}')
    assert b"x-one: 1" in seen[0].lower()


def test_prepared_bytes_are_sent_as_they_are():
    body = b'{"b":1,  "a":"\\u00e4"}'

    with server(answer(201)) as (url, seen):
        session(url).call("POST", "/t", data=body, headers={"Content-Type": "application/json"})

    assert seen[0].partition(b"\r\n\r\n")[2] == body


def test_the_path_of_the_base_address_is_kept():
    with server(answer(200)) as (url, seen):
        session(url + "/proxy/").call("GET", "/api", params={"q": "a b&c"})

    assert seen[0].startswith(b"GET /proxy/api?q=a+b%26c HTTP/1.1")


@pytest.mark.parametrize("address", ["ftp://x", "https://", "https://u:p@x", "https://x?q=1", "desk.example"])
def test_a_base_address_that_cannot_be_one_is_told_at_once(address):
    with pytest.raises(ValueError, match="base_url must be like"):
        session(address)


@pytest.mark.parametrize(
    ("status", "method", "kind"),
    [
        (400, "POST", Refused),
        (404, "GET", Refused),
        (413, "POST", Refused),
        (422, "POST", Refused),
        (401, "GET", Unauthorized),
        (403, "POST", Unauthorized),
        (429, "POST", Throttled),
        (408, "POST", Unsure),
        (409, "POST", Unsure),
        (500, "POST", Unsure),
        (502, "PUT", Unsure),
        (503, "POST", Unsure),
        (302, "POST", Unsure),
        (202, "POST", Unsure),
        (409, "GET", Unavailable),
        (302, "GET", Unavailable),
        (500, "GET", Unavailable),
        (503, "GET", Unavailable),
    ],
)
def test_a_status_is_judged_by_what_was_asked(status, method, kind):
    with server(answer(status, b"{}", Location="/elsewhere")) as (url, seen), pytest.raises(ConnectorError) as caught:
        session(url).call(method, "/api/v2/tickets")

    assert type(caught.value) is kind
    assert str(status) in str(caught.value) or kind is Throttled
    assert len(seen) == (3 if kind is Unavailable else 1)


def test_a_system_in_maintenance_that_says_how_long_is_asked_no_sooner():
    with server(answer(503, b"<html>", Retry_After="600")) as (url, seen), pytest.raises(Throttled) as caught:
        session(url).call("GET", "/t")

    assert (caught.value.retry_after, len(seen)) == (600, 1)


def test_a_write_that_met_a_maintenance_may_have_been_done_however_long_it_lasts():
    with server(answer(503, b"<html>", Retry_After="600")) as (url, _), pytest.raises(Unsure):
        session(url).call("POST", "/t", json={})


@pytest.mark.parametrize("reply", [nothing, half, answer(200, b"<html>log in</html>"), answer(200, b""), hang])
@pytest.mark.parametrize(("method", "kind"), [("POST", Unsure), ("GET", Unavailable)])
def test_no_whole_answer_is_unsure_after_a_write_and_unavailable_after_a_read(reply, method, kind):
    with server(reply) as (url, _), pytest.raises(ConnectorError) as caught:
        session(url, deadline=0.5).call(method, "/t")

    assert type(caught.value) is kind


def test_a_write_that_is_harmless_to_repeat_is_never_unsure():
    with server(nothing) as (url, seen), pytest.raises(Unavailable):
        session(url).call("PUT", "/tags", json={}, safe=True)

    assert len(seen) == 1


def test_a_refused_connection_is_unavailable_even_for_a_write():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]

    with pytest.raises(Unavailable, match="never reached"):
        session(f"http://127.0.0.1:{free}").call("POST", "/t", json={})


def test_a_name_that_does_not_exist_is_unavailable(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Unavailable, match="never reached"):
        session("http://no-such-host.invalid").call("POST", "/t", json={})


def test_a_failed_tls_handshake_is_unavailable_even_for_a_write():
    with server(answer(200)) as (url, _), pytest.raises(Unavailable, match="never reached"):
        session(url.replace("http:", "https:"), deadline=1.0).call("POST", "/t", json={})


@pytest.fixture
def self_signed():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FIXTURES / "loopback.pem")
    return context


def test_a_certificate_nobody_vouches_for_is_not_trusted(self_signed):
    with server(answer(200), tls=self_signed) as (url, seen):
        with pytest.raises(Unavailable, match="never reached"):
            session(url, auth=("u", SECRET)).call("POST", "/t", json={})
        assert seen == []


def test_a_certificate_we_were_told_to_trust_is_trusted(self_signed):
    with server(answer(201, b'{"id": 1}'), tls=self_signed) as (url, _):
        desk = session(url)
        desk.verify = str(FIXTURES / "loopback_cert.pem")
        got = desk.call("POST", "/t", json={})

    assert got.json == {"id": 1}


@pytest.mark.parametrize("reply", [hang, drip_body])
def test_the_deadline_holds_over_tls(self_signed, reply):
    with server(reply, tls=self_signed) as (url, _):
        desk = session(url, deadline=0.5)
        desk.verify = str(FIXTURES / "loopback_cert.pem")
        began = time.monotonic()
        with pytest.raises(Unsure):
            desk.call("POST", "/t", json={})

    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "request_parts",
    [
        {"headers": {"X-Key": "a\r\nX-Evil: b"}},
        {"headers": {"X-Key": b"\xff\n".decode("latin-1")}},
        {"headers": {"X-Key": "Evil \u2713"}},
        {"params": {"email": "\ud800"}},
        {"json": {"value": float("nan")}},
        {"json": {"value": object()}},
    ],
)
def test_a_request_that_cannot_be_written_is_refused_and_not_quoted(request_parts):
    with server(answer(200)) as (url, seen), pytest.raises(Refused, match="cannot be written") as caught:
        session(url).call("POST", "/t", **request_parts)

    assert seen == []
    assert caught.value.__context__ is None
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("reply", [hang, drip_headers, drip_body])
def test_no_server_can_hold_a_call_beyond_its_deadline(reply):
    with server(reply) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unsure, match=r"no answer within 0\.4 s"):
            session(url, deadline=0.4).call("POST", "/t", json={})

    assert time.monotonic() - began < 1.5


def test_the_retries_of_a_read_share_one_deadline():
    with server(answer(500)) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            session(url, deadline=0.5).call("GET", "/t")

    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_has_no_time_left_sends_nothing(method):
    with (
        server(answer(200)) as (url, seen),
        within(lambda: timedelta()),
        pytest.raises(Unavailable, match="no time left"),
    ):
        session(url).call(method, "/t")

    assert seen == []


def test_a_call_ends_with_the_time_of_whoever_makes_it():
    with server(hang) as (url, _), within(lambda: timedelta(seconds=0.4)), pytest.raises(Unsure):
        session(url, deadline=30).call("POST", "/t", json={})


def test_a_read_gets_over_a_short_illness():
    with server(answer(500), nothing, answer(200, b'{"ok": true}')) as (url, seen):
        got = session(url).call("GET", "/t")

    assert got.json == {"ok": True}
    assert len(seen) == 3


def test_an_answer_over_the_cap_is_no_answer():
    with server(answer(200, b'"' + b"x" * 10_000 + b'"')) as (url, _), pytest.raises(Unsure):
        session(url, max_bytes=5_000).call("POST", "/t")


def test_a_broken_body_does_not_hide_the_status():
    def cut_refusal(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 422 No\r\nContent-Length: 100\r\n\r\n{")

    with server(cut_refusal) as (url, _), pytest.raises(Refused, match="422"):
        session(url).call("POST", "/t")


def test_a_redirect_is_not_followed():
    with server(answer(200)) as (elsewhere, visited), server(answer(302, Location=elsewhere)) as (url, _):
        with pytest.raises(Unsure):
            session(url, auth=("u", SECRET)).call("POST", "/t")
        assert visited == []


def test_no_cookie_is_kept():
    with server(answer(200, Set_Cookie="JSESSIONID=1; Path=/")) as (url, seen):
        desk = session(url)
        desk.call("GET", "/t")
        desk.call("GET", "/t")

    assert b"cookie:" not in seen[1].lower()
    assert not desk.cookies


def test_the_environment_brings_no_proxy(monkeypatch):
    with server(answer(500)) as (proxy, proxied), server(answer(200)) as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        session(url).call("GET", "/t")

    assert (len(seen), len(proxied)) == (1, 0)


def test_a_wanted_proxy_is_used():
    with server(answer(200)) as (proxy, proxied):
        desk = session("http://desk.example")
        desk.proxies = {"http": proxy}
        desk.call("GET", "/t")

    assert proxied[0].startswith(b"GET http://desk.example/t HTTP/1.1")


def test_a_library_on_top_stays_at_the_base_address():
    with server(answer(200, b'{"a": 1}')) as (url, seen):
        desk = session(url, auth=("u", "p"))
        response = desk.get("https://evil.example/api/v2/tickets.json?page%5Bsize%5D=1", timeout=60)

    assert response.json() == {"a": 1}
    assert seen[0].startswith(b"GET /api/v2/tickets.json?page%5Bsize%5D=1 HTTP/1.1")


def test_a_library_on_top_gets_our_errors():
    with server(answer(429, b"slow down", Retry_After="7")) as (url, seen), pytest.raises(Throttled) as caught:
        session(url).post("https://any.example/t", json={})

    assert caught.value.retry_after == 7
    assert len(seen) == 1


class Tokens:
    """A renewable auth that counts."""

    def __init__(self):
        self.number = 1

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer t{self.number}"
        return request

    def renew(self, request):
        self.number += 1


def test_a_token_that_ran_out_is_renewed_once():
    with server(answer(401), answer(201)) as (url, seen):
        session(url, auth=Tokens()).call("POST", "/t", json={"a": 1})

    assert [b"Bearer t1" in seen[0], b"Bearer t2" in seen[1]] == [True, True]
    assert seen[1].endswith(b'{"a": 1}')


def test_a_token_that_is_refused_twice_is_unauthorized():
    with server(answer(401)) as (url, seen), pytest.raises(Unauthorized):
        session(url, auth=Tokens()).call("POST", "/t", json={})

    assert len(seen) == 2


class Dialect(HardenedSession):
    """Where a 403 is a data error, as in ServiceNow."""

    def judge(self, answer, *, safe):
        if answer.status != 403:
            return None
        return Refused(self.system, "data rule", field_errors=self.field_errors(answer))

    def field_errors(self, answer):
        return tuple(answer.json["fields"])


def test_a_helpdesk_may_say_what_a_status_means_to_it():
    with server(answer(403, b'{"fields": ["cf_topic: required"]}')) as (url, _), pytest.raises(Refused) as caught:
        Dialect("Desk", url).call("POST", "/t")

    assert not isinstance(caught.value, Unauthorized)
    assert caught.value.field_errors == ("cf_topic: required",)


def test_text_is_fine_where_json_is_not_expected():
    with server(answer(200, b"ok")) as (url, _):
        got = session(url, json_answers=False).call("POST", "/hook", json={})

    assert (got.body, got.json) == (b"ok", None)


@pytest.mark.parametrize("reply", [nothing, half, hang, answer(500, WORDS.encode()), answer(422, WORDS.encode())])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_neither_secret_nor_words_reach_errors_or_logs(reply, method, caplog):
    caplog.set_level(logging.DEBUG)
    with server(reply) as (url, _), pytest.raises(ConnectorError) as caught:
        session(url, deadline=0.5, auth=("u", SECRET)).call(
            method, "/t", params={"email": WORDS}, json={"note": WORDS}, headers={"X-Api": SECRET}
        )

    told = repr(caught.value) + str(caught.value) + caplog.text
    assert SECRET not in told
    assert WORDS not in told
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7), ("0", 0), ("1.5", 1.5), ("999999", 3600), ("soon", 60), ("-5", 60), ("", 60), ("nan", 60), ("٣", 60)],
)
def test_retry_after_in_seconds(told, seconds):
    assert retry_after({"retry-after": told}) == seconds


def test_retry_after_as_a_date():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    assert 80 < retry_after({"Retry-After": then}) <= 90
    assert retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_a_deeply_nested_answer_is_no_json():
    with server(answer(200, b"[" * 200_000)) as (url, _), pytest.raises(Unsure):
        session(url).call("POST", "/t")


def test_a_body_that_is_a_file_is_sent_whole_again(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"transcript")
    with server(answer(401), answer(200)) as (url, seen), open(tmp_path / "t.txt", "rb") as file:
        session(url, auth=Tokens()).post(url + "/uploads", data=file)

    assert [request.endswith(b"\r\n\r\ntranscript") for request in seen] == [True, True]
