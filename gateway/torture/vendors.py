"""
Vendors under load: conversations begin at a steady rate whatever becomes of the earlier ones, every call is sent again
until it is answered 2xx, and now and then one is sent twice at the same moment.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from gateway.torture.bench import signed

THREADS = 48
SENT_TWICE = 0.05
ASKS = ("I want a human now, please", "give me a human", "a human please")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One handoff that was answered 2xx. handoff_id None: it was not promised, which is as bad as lost."""

    kind: str
    conversation: str
    handoff_id: str | None
    said: tuple[str, ...]


@dataclass
class Vendors:
    """
    gateways: addresses, tried in turn. crowded: asked before each new conversation; while it says True none begins.
    """

    gateways: tuple[str, ...]
    kinds: tuple[str, ...]
    chance: random.Random
    crowded: Callable[[], bool] = lambda: False
    accepted: list[Accepted] = field(default_factory=list)
    begun: int = 0
    held_back: int = 0
    never_answered: int = 0
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def one_for_each(self) -> None:
        """One conversation for each helpdesk, answered when this returns."""
        for kind in range(len(self.kinds)):
            self._converse(kind, self.chance.getrandbits(48))

    def run(self, rate: float, seconds: float) -> float:
        """
        Begin `rate` conversations a second for so long, wait for all answers. Returns the rate reached: what had to be
        held back, because the installation was crowded or all our threads wait for it, is not made up for.
        """
        began, due = time.monotonic(), 0
        with ThreadPoolExecutor(THREADS) as pool:
            while (passed := time.monotonic() - began) < seconds:
                if due >= passed * rate:
                    time.sleep(min(0.02, 1 / rate))
                    continue
                due += 1
                if self._under_way >= THREADS or self.crowded():
                    self.held_back += 1
                    continue
                with self._lock:
                    self._under_way += 1
                    self.begun += 1
                pool.submit(self._whole, self.begun, self.chance.getrandbits(48))
        return self.begun / seconds

    def _whole(self, number: int, lot: int) -> None:
        try:
            self._converse(number, lot)
        finally:
            with self._lock:
                self._under_way -= 1

    def _converse(self, number: int, lot: int) -> None:
        chance = random.Random(lot)  # noqa: S311
        kind, conversation = self.kinds[number % len(self.kinds)], f"c-{number}-{lot:012x}"
        said = (f"hello, this is conversation {number} about parcel {lot % 9973}", chance.choice(ASKS))
        answer: dict[str, Any] = {}
        for turn, text in enumerate(said, start=1):
            found = self._insist(kind, conversation, turn, text, chance)
            if found is None:
                with self._lock:
                    self.never_answered += 1
                return
            answer = found
        with self._lock:
            self.accepted.append(Accepted(kind, conversation, answer["decision"].get("handoff_id"), said))

    def _insist(
        self, kind: str, conversation: str, turn: int, text: str, chance: random.Random
    ) -> dict[str, Any] | None:
        body, webhook_id = _envelope(conversation, turn, text), f"msg_{conversation}_{turn}"
        if chance.random() < SENT_TWICE:
            threading.Thread(target=self._send, args=(kind, webhook_id, body, 0), daemon=True).start()
        deadline = time.monotonic() + 120
        for attempt in range(1000):
            answer = self._send(kind, webhook_id, body, attempt)
            if answer is not None:
                return answer
            if time.monotonic() > deadline:
                return None
            time.sleep(min(2.0, 0.1 * 2 ** min(attempt, 5)) * (0.5 + chance.random()))
        return None

    def _send(self, kind: str, webhook_id: str, body: bytes, attempt: int) -> dict[str, Any] | None:
        """The decoded 2xx, or None: not answered, to be sent again."""
        url = f"{self.gateways[attempt % len(self.gateways)]}/v1/in/{kind}-bot"
        try:
            answer = requests.post(url, data=body, headers=signed(webhook_id, datetime.now(UTC), body), timeout=20)
            found: dict[str, Any] | None = answer.json() if answer.ok else None
        except (requests.RequestException, ValueError):
            return None
        return found


def _envelope(conversation: str, turn: int, text: str) -> bytes:
    return json.dumps(
        {
            "type": "message.created",
            "timestamp": datetime.now(UTC).isoformat(),
            "data": {
                "conversation": {"id": conversation, "channel": "web_chat", "language": "en"},
                "customer": {"vendor_user_id": "u-1", "name": "Ana Ruiz", "email": "ana@example.com"},
                "message": {"id": f"{conversation}-{turn}", "role": "customer", "text": text},
            },
        }
    ).encode()
