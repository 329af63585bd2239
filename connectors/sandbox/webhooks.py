"""
Sends a helpdesk's webhooks to the one configured target, from a thread of its own, and remembers every attempt.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.sandbox.clock import SandboxClock
from connectors.sandbox.desk import Desk, WebhookCall
from connectors.sandbox.target import TIMEOUT_SECONDS, Target, check_target


@dataclass(slots=True)
class Delivery:
    """One webhook on its way. attempts: when, and the status or the failure."""

    number: int
    call: WebhookCall
    target: Target
    state: str = "waiting"  # held, waiting, delivered, given_up
    attempts: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """How GET /_sandbox/webhook/deliveries shows it."""
        return {
            "id": self.number,
            "event": self.call.event,
            "ticket_id": self.call.ticket_id,
            "url": self.target.url,
            "state": self.state,
            "headers": dict(self.call.headers),
            "body": self.call.body.decode(),
            "attempts": list(self.attempts),
        }


class Webhooks:
    """The deliveries of one sandbox. `close` stops the thread; what is still waiting then is not sent."""

    def __init__(self, desk: Callable[[], Desk], clock: SandboxClock) -> None:
        self._desk = desk
        self._clock = clock
        self._changed = threading.Condition()
        self._target: Target | None = None
        self._deliveries: list[Delivery] = []
        self._due: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def point_to(self, target: Target | None) -> None:
        """From now on send there; None = nowhere."""
        if target is not None:
            check_target(target.url)
        with self._changed:
            self._target = target

    def send(self, calls: Sequence[WebhookCall]) -> None:
        """Queue what happened; without a target it is not even remembered."""
        with self._changed:
            if self._closed:
                return
            for call in calls:
                target = call.target or self._target
                if target is None or (target.only is not None and call.event not in target.only):
                    continue
                for _ in range(target.repeat):
                    self._queue(call, target)
            self._start()
            self._changed.notify_all()

    def _queue(self, call: WebhookCall, target: Target) -> None:
        delivery = Delivery(len(self._deliveries) + 1, call, target, "held" if target.hold else "waiting")
        self._deliveries.append(delivery)
        if not target.hold:
            heapq.heappush(self._due, (time.monotonic(), next(self._order), delivery))

    def release(self, numbers: Sequence[int] | None = None) -> int:
        """Send held deliveries, in the order of `numbers` (None = as they came). Returns how many."""
        with self._changed:
            held = {d.number: d for d in self._deliveries if d.state == "held"}
            chosen = [held[number] for number in (numbers if numbers is not None else sorted(held)) if number in held]
            for delivery in chosen:
                delivery.state = "waiting"
                heapq.heappush(self._due, (time.monotonic(), next(self._order), delivery))
            self._start()
            self._changed.notify_all()
        return len(chosen)

    def redeliver(self, number: int) -> bool:
        """Send one again, whatever became of it: the repetition every receiver must bear."""
        with self._changed:
            delivery = next((d for d in self._deliveries if d.number == number), None)
            if delivery is None:
                return False
            delivery.state = "waiting"
            heapq.heappush(self._due, (time.monotonic(), next(self._order), delivery))
            self._start()
            self._changed.notify_all()
        return True

    def as_json(self) -> list[dict[str, Any]]:
        """Every delivery so far, oldest first."""
        with self._changed:
            return [delivery.as_json() for delivery in self._deliveries]

    def clear(self) -> None:
        """Forget all deliveries and the target."""
        with self._changed:
            self._target = None
            self._deliveries.clear()
            self._due.clear()

    def close(self) -> None:
        """Stop the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=TIMEOUT_SECONDS)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # no proxy, no netrc
            while (delivery := self._next()) is not None:
                self._attempt(session, delivery)

    def _next(self) -> Delivery | None:
        """Waits for the next delivery that is due; None = closed."""
        with self._changed:
            while not self._closed:
                if not self._due:
                    self._changed.wait()
                    continue
                wait = self._due[0][0] - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _attempt(self, session: requests.Session, delivery: Delivery) -> None:
        call, target = delivery.call, delivery.target
        headers = {**call.headers, **self._desk().attempt_headers(call, target.secret)}
        record: dict[str, Any] = {"at": self._clock.now().isoformat(), "status": None, "failure": None}
        status, retry_after = None, None
        try:
            answer = session.post(
                target.url, data=call.body, headers=headers, timeout=target.timeout, allow_redirects=False
            )
            status = record["status"] = answer.status_code
            told = answer.headers.get("Retry-After", "")
            retry_after = float(told) if told.isdigit() else None
        except requests.RequestException as error:
            record["failure"] = type(error).__name__
        if call.outcome is not None:
            call.outcome(status)
        with self._changed:
            delivery.attempts.append(record)
            self._settle(delivery, status, retry_after)

    def _settle(self, delivery: Delivery, status: int | None, retry_after: float | None) -> None:
        if status is not None and 200 <= status < 300:
            delivery.state = "delivered"
            return
        seconds = self._desk().retry_in(len(delivery.attempts), status, retry_after)
        if seconds is None:
            delivery.state = "given_up"
            return
        due = time.monotonic() + seconds * delivery.target.scale
        heapq.heappush(self._due, (due, next(self._order), delivery))
