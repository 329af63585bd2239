"""
A TCP proxy that cuts: it passes bytes both ways, remembers how much went over each connection, and resets the n-th
connection after so many bytes in one direction.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

PIECE = 64 * 1024
HEAD_KEPT = 8 * 1024


class Direction(StrEnum):
    ASKING = "asking"  # from whoever connected
    ANSWERING = "answering"


@dataclass(frozen=True, slots=True)
class Cut:
    """Reset connection number `connection` (counted from 1) once `after` bytes have passed in this direction."""

    connection: int
    direction: Direction
    after: int

    def __str__(self) -> str:
        return f"connection {self.connection} cut after {self.after} bytes {self.direction.value}"


@dataclass(slots=True)
class Flow:
    """One direction of one connection. ends: the running total after each piece. head: its first bytes."""

    ends: list[int] = field(default_factory=list)
    head: bytes = b""

    @property
    def total(self) -> int:
        return self.ends[-1] if self.ends else 0


@dataclass(slots=True)
class Traffic:
    """One connection."""

    asking: Flow = field(default_factory=Flow)
    answering: Flow = field(default_factory=Flow)

    def of(self, direction: Direction) -> Flow:
        return self.asking if direction is Direction.ASKING else self.answering


class Proxy:
    """One hop. target: (host, port), or the path of a unix socket."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self.begin()
        threading.Thread(target=self._accept, name="torture-proxy", daemon=True).start()

    def begin(self, cut: Cut | None = None) -> None:
        """Count connections anew; those still open from before are reset."""
        with self._lock:
            before, self._open = self._open, set()
            self.traffic: list[Traffic] = []
            self._cut, self.was_cut = cut, False
        for one in before:
            _reset(one)

    def close(self) -> None:
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.begin()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = self._connect()
            except OSError:
                _reset(near)
                continue
            with self._lock:
                traffic = Traffic()
                self.traffic.append(traffic)
                self._open |= {near, far}
                cut = self._cut if self._cut and self._cut.connection == len(self.traffic) else None
            for one, other, direction in ((near, far, Direction.ASKING), (far, near, Direction.ANSWERING)):
                limit = cut.after if cut and cut.direction is direction else None
                threading.Thread(
                    target=self._pass, args=(one, other, traffic.of(direction), limit), daemon=True
                ).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._target, str):
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            return far
        return socket.create_connection(self._target, timeout=5)

    def _pass(self, source: socket.socket, sink: socket.socket, flow: Flow, limit: int | None) -> None:
        with suppress(OSError):
            source.settimeout(None)
            while piece := source.recv(PIECE):
                if limit is not None and flow.total + len(piece) > limit:
                    sink.sendall(piece[: limit - flow.total])
                    self.was_cut = True
                    break
                flow.ends.append(flow.total + len(piece))
                flow.head += piece[: HEAD_KEPT - len(flow.head)]
                sink.sendall(piece)
            else:
                sink.shutdown(socket.SHUT_WR)  # one side has said all; the other may still be answering
                return
        _reset(source)
        _reset(sink)


def _reset(one: socket.socket) -> None:
    """Close with RST, as a process that was killed or a firewall that forgot does."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
    one.close()


@contextmanager
def proxy(target: tuple[str, int] | str) -> Iterator[Proxy]:
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
