"""
The load: a few processes, each with some keep-alive connections, each connection sending its next prepared call as soon
as the last one was answered. Raw sockets, so that the generator costs a small part of what any server here costs.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.turns import TURNS_EACH, http_request, turn

_FASTEST = 600  # calls a second, at most, that are prepared for one connection


@dataclass(frozen=True, slots=True)
class Order:
    """One round for one client process."""

    port: int
    label: str  # begins every webhook id of the round
    connections: int
    seconds: float
    answer_holds: bytes


@dataclass(slots=True)
class Result:
    """latencies: seconds, one an answered call. answered: their webhook ids. failed: what else came back."""

    took: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class WrongAnswer(Exception):
    """A call was not answered as every call here must be."""


@dataclass(slots=True)
class _Lane:
    """One connection and the calls it still has to make."""

    socket: socket.socket
    calls: Iterator[tuple[str, bytes]]
    webhook_id: str = ""
    sent_at: float = 0.0
    received: bytes = b""

    def send_next(self) -> bool:
        call = next(self.calls, None)
        if call is None:
            return False
        self.webhook_id, self.received = call[0], b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(call[1])
        return True

    def answer(self) -> bytes | None:
        """The whole answer, once it is there."""
        more = self.socket.recv(65_536)
        if not more:
            raise WrongAnswer("the server closed the connection")
        self.received += more
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank:
            return None
        length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        return self.received if len(body) >= int(length) else None


class Clients:
    """Client processes that stay for all rounds."""

    def __init__(self, processes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._ends: list[Connection[Any, Any]] = []
        self._processes = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(theirs,), daemon=True)
            process.start()
            self._ends.append(ours)
            self._processes.append(process)

    def run(self, orders: Sequence[Order]) -> list[Result]:
        """One round: all prepare, then all start together. Raises WrongAnswer."""
        for end, order in zip(self._ends, orders, strict=True):
            end.send(order)
        for end in self._ends:
            end.recv()  # prepared
        for end in self._ends:
            end.send("go")
        results: list[Result] = [end.recv() for end in self._ends]
        failed = [text for result in results for text in result.failed]
        if failed:
            raise WrongAnswer(f"{len(failed)} calls failed, the first with: {failed[0]}")
        return results

    def close(self) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.join(5)


def _client(end: Connection[Any, Any]) -> None:
    try:
        while True:
            order: Order = end.recv()
            lanes = [_lane(order, number) for number in range(order.connections)]
            end.send("ready")
            end.recv()
            end.send(_drive(lanes, order))
    except EOFError:
        return


def _lane(order: Order, number: int) -> _Lane:
    calls = []
    for place in range(int(order.seconds * _FASTEST) + 1):
        conversation = f"{order.label}-{number}-{place // TURNS_EACH}"
        webhook_id = f"{conversation}-{place}"
        calls.append((webhook_id, http_request(webhook_id, turn(conversation, place % TURNS_EACH))))
    connection = socket.create_connection(("127.0.0.1", order.port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Lane(connection, iter(calls))


def _drive(lanes: Sequence[_Lane], order: Order) -> Result:
    result = Result()
    ready = selectors.DefaultSelector()
    began, cpu = time.perf_counter(), time.process_time()
    for lane in lanes:
        ready.register(lane.socket, selectors.EVENT_READ, lane)
        lane.send_next()
    busy = len(lanes)
    while busy:
        for key, _ in ready.select(30):
            lane = key.data
            answer = lane.answer()
            if answer is None:
                continue
            now = time.perf_counter()
            if answer.startswith(b"HTTP/1.1 200 ") and order.answer_holds in answer:
                result.answered.append(lane.webhook_id)
                result.latencies.append(now - lane.sent_at)
            else:
                result.failed.append(answer.decode(errors="replace")[:500])
            if now - began > order.seconds or not lane.send_next():
                busy -= 1
    result.took, result.cpu = time.perf_counter() - began, time.process_time() - cpu
    for lane in lanes:
        lane.socket.close()
    return result
