"""
How many durable turns a second the gateway takes, against a handler that only checks the signature; and whether a turn
grows dearer with the length of its conversation.

    python -m benchmarks.intake [--seconds 3] [--rounds 5]

Absolute numbers belong to the machine; compare the ratios within one run. Exit 1: an answer was not 200, or an answered
turn was not in the database.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from benchmarks.installation import (
    DATABASES,
    answers,
    database,
    processes,
    serve,
    settings_of,
    start,
    workspace,
    write_config,
)
from benchmarks.load import Clients, Order, Result, WrongAnswer
from benchmarks.turns import SOURCE, signed_headers, turn
from connectors.ports import Webhook
from gateway.db.engine import Database
from gateway.db.tables import events
from gateway.intake.receive import receive
from gateway.supervise.up import free_port
from gateway.wiring import Env

AIM_RATIO = 0.4
AIM_GROWTH = 1.2
NO_REDIS = "unix:///nonexistent/redis.sock"  # ordinary turns ring no bell


@dataclass(slots=True)
class Target:
    """One server under load, and what its rounds gave."""

    name: str
    port: int
    answer_holds: bytes
    url: str | None = None
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def take_in(self, results: list[Result]) -> None:
        self.rates.append(sum(len(r.answered) for r in results) / max(r.took for r in results))
        self.latencies += [latency for r in results for latency in r.latencies]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of each server, interleaved (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=2, help="client processes (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=16, help="of all clients together (default: %(default)s)")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one; may be repeated")
    chosen = parser.parse_args()
    kinds = chosen.database or DATABASES
    try:
        with workspace() as folder, ExitStack() as stack:
            urls = {kind: stack.enter_context(database(kind, _sub(folder, kind))) for kind in kinds}
            _throughput(folder, urls, chosen)
            _growth(folder, urls)
    except WrongAnswer as error:
        print(f"The benchmark means nothing: {error}", file=sys.stderr)
        return 1
    return 0


def _sub(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _throughput(folder: Path, urls: dict[str, str], chosen: argparse.Namespace) -> None:
    clients = Clients(chosen.clients)
    with processes() as supervisor:
        port = free_port("127.0.0.1")
        ready = partial(answers, f"http://127.0.0.1:{port}/")
        start(supervisor, "bare", ["benchmarks.bare", str(port)], folder, {}, ready)
        targets = [Target("bare handler", port, b'"ok"')]
        for kind, url in urls.items():
            config = write_config(folder / kind, url)
            targets.append(Target(kind, serve(supervisor, f"gateway-{kind}", config), b'"action":"continue"', url))
        for target in targets:  # a first, unmeasured round: imports, connections, caches
            _round(clients, target, "warm", 0.5, chosen)
        busy: list[float] = []
        for number in range(chosen.rounds):
            for target in targets:
                results = _round(clients, target, f"r{number}", chosen.seconds, chosen)
                target.take_in(results)
                busy.append(sum(r.cpu for r in results) / max(r.took for r in results))
    clients.close()
    _report(targets, statistics.median(busy), chosen)


def _round(clients: Clients, target: Target, label: str, seconds: float, chosen: argparse.Namespace) -> list[Result]:
    """Load one server, then look whether everything it answered is there."""
    each = chosen.connections // chosen.clients
    orders = [Order(target.port, f"{label}-{n}", each, seconds, target.answer_holds) for n in range(chosen.clients)]
    results = clients.run(orders)
    if target.url is not None:
        answered = {webhook_id for result in results for webhook_id in result.answered}
        missing = answered - _stored(target.url, f"{label}-")
        if missing:
            raise WrongAnswer(f"{len(missing)} answered turns are not in the database ({target.name})")
    return results


def _stored(url: str, beginning: str) -> set[str]:
    store = Database(url)
    try:
        with store.reading() as connection:
            statement = select(events.c.event_id).where(events.c.event_id.startswith(beginning))
            return set(connection.execute(statement).scalars())
    finally:
        store.close()


def _report(targets: list[Target], busy: float, chosen: argparse.Namespace) -> None:
    bare = targets[0]
    print(
        f"Turns a second, medians of {chosen.rounds} rounds of {chosen.seconds:g} s; {chosen.connections} connections"
    )
    print(f"{'':14}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}   (lowest … highest)")
    for target in targets:
        ordered = sorted(target.latencies)
        p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
        line = f"{target.name:14}{statistics.median(target.rates):12.0f}{p50:9.1f}{p99:9.1f}"
        if target is not bare:
            ratios = [ours / theirs for ours, theirs in zip(target.rates, bare.rates, strict=True)]
            ratio = statistics.median(ratios)
            line += f"{ratio:8.2f}   ({min(ratios):.2f} … {max(ratios):.2f})  {_met(ratio >= AIM_RATIO)} {AIM_RATIO}"
        print(line)
    print(f"The load generator kept {busy:.0%} of one core busy.\n")


def _met(met: bool) -> str:
    return "aim met:" if met else "AIM MISSED:"


# The cost of a turn late in a long conversation, in this process and without HTTP. The short conversations' turns and
# the long one's are taken alternately, so that whatever else the machine does falls on both alike.
_LONG, _SAMPLES, _AROUND = 3, 300, 6


def _growth(folder: Path, urls: dict[str, str]) -> None:
    print(f"Cost of a turn inside the gateway, medians of {_SAMPLES} turns each")
    print(f"{'':14}{'turn 10 ms':>12}{'turn 1000 ms':>14}{'growth':>8}")
    for kind, url in urls.items():
        env = Env(settings_of(write_config(folder / kind, url)), redis_url=NO_REDIS)
        try:
            early, late = _early_and_late(env)
        finally:
            env.close()
        growth = late / early
        print(
            f"{kind:14}{early * 1e3:12.2f}{late * 1e3:14.2f}{growth:8.2f}   {_met(growth <= AIM_GROWTH)} {AIM_GROWTH}"
        )


def _early_and_late(env: Env) -> tuple[float, float]:
    """Seconds of turn 10 and of turn 1000, medians over turns just before and after those."""
    late_turns = [_turns_of(env, f"long-{n}") for n in range(_LONG)]
    for timings in late_turns:
        for _ in range(1000 - _SAMPLES // _LONG // 2):
            next(timings)
    early: list[float] = []
    late: list[float] = []
    for number in range(_SAMPLES):
        if number % _AROUND == 0:
            short = _turns_of(env, f"short-{number}")
            for _ in range(10 - _AROUND // 2):
                next(short)
        early.append(next(short))
        late.append(next(late_turns[number % _LONG]))
    return statistics.median(early), statistics.median(late)


def _turns_of(env: Env, conversation: str) -> Iterator[float]:
    """Sends the next turn of a conversation each time; yields the seconds it took."""
    source = env.settings.sources[SOURCE]
    place = 0
    while True:
        body = turn(conversation, place)
        webhook = Webhook(signed_headers(f"{conversation}-{place}", body), body, datetime.now(UTC))
        began = time.perf_counter()
        answer = receive(env, source, webhook)
        took = time.perf_counter() - began
        if answer.body["decision"]["action"] != "continue":
            raise WrongAnswer(f"turn {place} of {conversation} was answered {answer.body['decision']['action']}")
        place += 1
        yield took


if __name__ == "__main__":
    raise SystemExit(main())
