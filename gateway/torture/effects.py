"""
Everything one process does to the world beside it, one effect after the other: commits, calls to a helpdesk, bells,
answers. Each effect is counted and named as it happens; one of them can be made to end badly.

Nothing in the gateway knows of this: its database, its bell and the transport under its HTTP sessions are watched from
outside, in this process only.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from connectors import http
from gateway.db.engine import Database
from gateway.jobs.bell import Bell, bell_redis

T = TypeVar("T")


class Killed(BaseException):
    """The process died here. No `except Exception` of ours or of a library may get to see it, as none would."""


class Way(StrEnum):
    """How an effect ends badly."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    FAILED = "not done, and an error"
    LOST = "done, and an error"
    LATE = "an error, and done a minute later"
    KILLED_LATE = "killed, and done a minute later"


class Kind(StrEnum):
    COMMIT = "commit"
    READ = "GET"
    WRITE = "write"
    BELL = "bell"
    ANSWER = "answer"


WAYS = {
    Kind.COMMIT: (Way.KILLED_BEFORE, Way.KILLED_AFTER, Way.FAILED, Way.LOST),
    Kind.READ: (Way.KILLED_BEFORE, Way.KILLED_AFTER, Way.FAILED, Way.LOST),
    Kind.WRITE: (Way.KILLED_BEFORE, Way.KILLED_AFTER, Way.FAILED, Way.LOST, Way.LATE, Way.KILLED_LATE),
    Kind.BELL: (Way.KILLED_BEFORE, Way.KILLED_AFTER, Way.FAILED),
    Kind.ANSWER: (Way.KILLED_BEFORE,),
}


@dataclass(frozen=True, slots=True)
class Effect:
    number: int  # counted from 1 over the whole run
    stage: str  # intake, deliver, assign_sla, status …
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.number:02} {self.stage}: {self.name}"


@dataclass(slots=True)
class Effects:
    """One run's effects, in order. aim: {number of an effect: how it ends}."""

    aim: dict[int, Way] = field(default_factory=dict)
    stage: str = ""
    seen: list[Effect] = field(default_factory=list)
    hit: list[tuple[Effect, Way]] = field(default_factory=list)

    def aimed(self) -> Way | None:
        """What is aimed at the next effect, whatever it may be."""
        return self.aim.get(len(self.seen) + 1)

    def meet(self, kind: Kind, name: str) -> Way | None:
        """Count one effect that is about to happen. Returns how it is to end badly, if it is aimed at."""
        way = self.aimed()
        effect = Effect(len(self.seen) + 1, self.stage, kind, name)
        self.seen.append(effect)
        if way is None or way not in WAYS[kind]:
            return None
        self.hit.append((effect, way))
        return way

    def through(self, kind: Kind, name: str, do: Callable[[], T], fail: Callable[[], T]) -> T:
        """Do one effect, or what was aimed at it. fail: what the process sees of an error; raises or returns."""
        way = self.meet(kind, name)
        if way is Way.KILLED_BEFORE:
            raise Killed(name)
        if way is Way.FAILED:
            return fail()
        done = do()
        if way is Way.KILLED_AFTER:
            raise Killed(name)
        return fail() if way is Way.LOST else done


class WatchedDatabase(Database):
    """The database of one process, its commits counted as effects, named by the tables they write."""

    def __init__(self, url: str, effects: Effects) -> None:
        super().__init__(url)
        self._effects = effects
        self._written: set[str] = set()
        event.listen(self.engine, "before_cursor_execute", self._note)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with super().begin() as connection:
            self._written.clear()
            yield connection
            name = "commit " + ("+".join(sorted(self._written)) or "nothing")
            way = self._effects.meet(Kind.COMMIT, name)
            if way is Way.KILLED_BEFORE:
                raise Killed(name)
            if way is Way.FAILED:
                raise _connection_lost()
        if way is Way.KILLED_AFTER:
            raise Killed(name)
        if way is Way.LOST:
            raise _connection_lost()

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if found := re.match(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", statement):
            self._written.add(found[1])


def _connection_lost() -> OperationalError:
    return OperationalError("COMMIT", {}, ConnectionError("the connection was lost (torture)"))


class WatchedBell(Bell):
    """A bell nobody hears, counted as an effect. Whoever tortures does all due work by itself."""

    def __init__(self, effects: Effects) -> None:
        super().__init__(bell_redis("redis://127.0.0.1:1"))  # never connected
        self._effects = effects

    def try_ring(self, work_id: str, kind: str, fence: int = 0) -> bool:
        return self._effects.through(Kind.BELL, f"bell {kind}", lambda: True, lambda: False)


@contextmanager
def watched_calls(effects: Callable[[], Effects], late: Callable[[requests.PreparedRequest], None]) -> Iterator[None]:
    """
    While this is open, every call that leaves through a HardenedSession in this thread is an effect.

    late: takes a request that the helpdesk is to carry out later, although its caller was told of an error.
    """
    thread, transport = threading.get_ident(), http._OneCall
    send = transport.send

    def watched(self: Any, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        def really() -> requests.Response:
            return send(self, request, *args, **kwargs)

        def lost() -> requests.Response:
            raise requests.ConnectionError("the connection was lost (torture)")

        if threading.get_ident() != thread:
            return really()
        kind = Kind.READ if request.method in http.SAFE_METHODS else Kind.WRITE
        now = effects()
        if kind is Kind.WRITE and now.aimed() in (Way.LATE, Way.KILLED_LATE):
            late(request.copy())
            if now.meet(kind, _named(request)) is Way.KILLED_LATE:
                raise Killed(_named(request))
            self._wire.sent = True
            return lost()
        return now.through(kind, _named(request), really, lost)

    transport.send = watched  # type: ignore[method-assign]
    try:
        yield
    finally:
        transport.send = send  # type: ignore[method-assign]


def _named(request: requests.PreparedRequest) -> str:
    """Method and path, with the ids of this one run left out."""
    path = urlsplit(request.url or "").path
    return f"{request.method} " + re.sub(r"/(?:[0-9a-f]{32}|\d+)(?=[/.]|$)", "/…", path)
