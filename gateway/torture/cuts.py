"""
`baton torture cuts`: every connection of one handoff's way goes through a proxy of ours, and each is cut after n bytes.

A first run without a cut tells how much passes over which connection. Then each interesting n (nothing; the first
byte; the end of the headers; amid the body; all but the last byte), in each direction, is a run of its own.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url
from werkzeug.serving import WSGIRequestHandler, make_server

from connectors.sandbox.server import running_sandbox
from gateway.app import create_app
from gateway.settings import STARTER_POLICY
from gateway.supervise.processes import DidNotStart
from gateway.supervise.redis_server import redis_command, socket_path
from gateway.torture.bench import Bench, Clock, NeverSettled, bench_settings
from gateway.torture.effects import Effects
from gateway.torture.proxy import Cut, Direction, Flow, Proxy, Traffic, proxy
from gateway.torture.tally import Tally
from gateway.torture.whole import Verdict
from gateway.wiring import Env
from policies.load import load_policy

VENDOR, HELPDESK, STATUS, REDIS, DATABASE = (
    "vendor → gateway", "worker → helpdesk", "helpdesk → gateway", "gateway → redis", "gateway → database"
)  # fmt: skip
HTTP_HOPS = (VENDOR, HELPDESK, STATUS)


class _Quiet(WSGIRequestHandler):
    def log(self, _type: str, _message: str, *_args: Any) -> None:
        """Nothing: connections are cut on purpose here."""


@dataclass
class WiredBench(Bench):
    """A bench whose every hop is a real connection through a proxy: HTTP, Redis, and the database if it has one."""

    hops: dict[str, Proxy] = field(default_factory=dict)
    redis: str = ""  # socket of the real one

    def _process(self) -> Env:
        settings = bench_settings(self.kind, self._through_proxy(), f"http://127.0.0.1:{self.hops[HELPDESK].port}")
        return Env(
            settings, redis_url=f"redis://127.0.0.1:{self.hops[REDIS].port}", clock=self.clock, policy=self.policy
        )

    def _through_proxy(self) -> str:
        if DATABASE not in self.hops:
            return self.database
        url = make_url(self.database).set(host="127.0.0.1", port=self.hops[DATABASE].port)
        return url.set(query={"sslmode": "disable"}).render_as_string(hide_password=False)

    def begin(self, hop: str | None = None, cut: Cut | None = None) -> None:
        """A fresh run in which this hop will be cut."""
        Redis(unix_socket_path=self.redis).flushall()
        self.fresh(Effects())
        for name, one in self.hops.items():
            one.begin(cut if name == hop else None)

    def _answered(self, path: str, body: bytes, headers: Any) -> Any:
        hop = self.hops[STATUS if path.startswith("/v1/status") else VENDOR]
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    f"http://127.0.0.1:{hop.port}{path}",
                    data=body,
                    headers={**headers, "Connection": "close"},
                    timeout=20,
                )
            return answer.json() if answer.ok else None
        except (requests.RequestException, ValueError):
            return None

    def app(self, environ: Any, start_response: Any) -> Any:
        """The gateway's web application of whichever process lives now."""
        return create_app(self.env)(environ, start_response)


@contextmanager
def wired_bench(kind: str, database: str, empty_database: Callable[[], None], folder: Path) -> Iterator[WiredBench]:
    """Raises DidNotStart, FileNotFoundError (no redis-server)."""
    clock = Clock()
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(kind, now=clock))
        redis = stack.enter_context(_redis(folder))
        made = WiredBench(kind, database, sandbox, clock, load_policy(STARTER_POLICY), empty_database, redis=redis)
        gateway = stack.enter_context(_served(made))
        targets: dict[str, tuple[str, int] | str] = {
            VENDOR: ("127.0.0.1", gateway),
            HELPDESK: ("127.0.0.1", urlsplit(sandbox.url).port or 0),
            STATUS: ("127.0.0.1", gateway),
            REDIS: redis,
        }
        if database.startswith("postgresql"):
            targets[DATABASE] = postgres_target(database)
        made.hops = {name: stack.enter_context(proxy(target)) for name, target in targets.items()}
        stack.callback(made.close)
        yield made


def postgres_target(database: str) -> tuple[str, int] | str:
    """Where a PostgreSQL address leads: host and port, or the socket in the folder it names."""
    url = make_url(database)
    folder = url.query.get("host")
    port = url.port or 5432
    return f"{folder}/.s.PGSQL.{port}" if isinstance(folder, str) and folder.startswith("/") else (url.host or "", port)


@contextmanager
def _served(bench: WiredBench) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, bench.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield int(server.port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """A private redis-server; its socket."""
    socket = str(socket_path(folder))
    server = subprocess.Popen(redis_command(folder), stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        _wait_for_redis(socket)
        yield socket
    finally:
        server.terminate()
        server.wait()


def _wait_for_redis(socket: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            Redis(unix_socket_path=socket).ping()
            return
        except (RedisError, OSError) as error:
            if time.monotonic() > deadline:
                raise DidNotStart("redis-server was not ready within 10 s") from error
            time.sleep(0.02)


# Where to cut


def interesting(flow: Flow, *, is_http: bool) -> list[int]:
    """Byte counts after which one direction of a connection is worth cutting; each leaves at least one byte unsent."""
    if is_http:
        headers = flow.head.find(b"\r\n\r\n") + 4
        wanted = (
            {0, 1, headers, (headers + flow.total) // 2, flow.total - 1} if headers >= 4 else {0, 1, flow.total - 1}
        )
    else:  # after each message, one byte into the next, and amid it
        messages = zip([0, *flow.ends], flow.ends, strict=False)
        wanted = {n for start, end in messages for n in (start, start + 1, (start + end) // 2)}
    return sorted(n for n in wanted if 0 <= n < flow.total)


def all_cuts(hop: str, traffic: Sequence[Traffic]) -> list[tuple[str, Cut]]:
    return [
        (hop, Cut(number, direction, after))
        for number, one in enumerate(traffic, start=1)
        for direction in Direction
        for after in interesting(one.of(direction), is_http=hop in HTTP_HOPS)
    ]


def torture_cuts(
    bench: WiredBench,
    tally: Tally,
    name: str,
    *,
    chance: random.Random,
    most: int | None = None,
    told: Callable[[str], None] = lambda line: None,
) -> None:
    """Run them all into `tally`. most: so many for each hop, drawn by lot."""
    cuts = _measured(bench)
    chosen = [one for found in cuts.values() for one in _drawn(found, most, chance)]
    unreached = 0
    for hop, cut in chosen:
        verdict = _run(bench, hop, cut)
        unreached += not bench.hops[hop].was_cut
        tally.cases += 1
        tally.accepted += bench.handoff_id is not None
        tally.attempts += bench.attempts()
        tally.take(f"{name}, {hop}, {cut}", verdict)
        if verdict:
            told(f"{name}, {hop}, {cut}: {verdict}")
    places = ", ".join(f"{hop} {min(len(found), most or len(found))} of {len(found)}" for hop, found in cuts.items())
    tally.notes[name] = f"{places}; {unreached} runs ended before their cut"


def _measured(bench: WiredBench) -> dict[str, list[tuple[str, Cut]]]:
    """What passes over each hop when nothing is cut. Raises NeverSettled if even then no whole ticket comes of it."""
    bench.begin()
    bench.play()
    if verdict := bench.verdict():
        raise NeverSettled(f"without any cut: {verdict}")
    return {hop: all_cuts(hop, one.traffic) for hop, one in bench.hops.items()}


def _drawn(found: list[tuple[str, Cut]], most: int | None, chance: random.Random) -> list[tuple[str, Cut]]:
    return found if most is None or most >= len(found) else chance.sample(found, most)


def _run(bench: WiredBench, hop: str, cut: Cut) -> Verdict:
    bench.begin(hop, cut)
    try:
        bench.play()
        return bench.verdict()
    except NeverSettled as error:
        return Verdict(lost=(str(error),))
