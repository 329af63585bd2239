"""
What reading a vendor's call costs: the largest recorded call of each vendor, and a long one made of its turns.

    PYTHONPATH=. python -m benchmarks.vendors

CPU time of `parse` and `answer` in this process, for the long one with folding and judging by the starter policy;
nothing is stored. Promised: a conversation of 500 turns, as a Vapi report or a Rasa tracker, under 50 ms.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from connectors.errors import MalformedWebhook, UnsupportedEvent
from connectors.ports import VendorAccount, Webhook
from connectors.recorded import read_recorded
from connectors.registry import VENDORS, vendor
from gateway.settings import STARTER_POLICY
from packets.conversation import Conversation, fold
from packets.event import Event
from policies.decide import decide
from policies.detect.scan import kept
from policies.load import load_policy
from policies.model import PolicySet

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "connectors" / "vendors"
NOTHING = {"event_id": "e", "conversation_id": "c", "duplicate": False, "decision": {"action": "continue", "rules": []}}
TURNS = 500
MOST_MS = 50.0
ROUNDS = 30
# Where the long conversation of a vendor stands in its body; its turns are repeated there until there are TURNS.
LONG = {"vapi": ("message", "artifact", "messages"), "rasa": ("tracker", "events")}

Call = tuple[VendorAccount, Webhook]


def main() -> int:
    """0: within what is promised."""
    print(f"{'vendor':<16}{'bytes':>9}{'turns':>7}{'ms of CPU':>11}")
    slow = 0
    for name in sorted(VENDORS):
        calls = list(recorded(name))
        if not calls:
            print(f"{name:<16} nothing recorded")
            continue
        _show(name, max(calls, key=lambda call: len(call[1].body)))
        long = next((made for call in calls if (made := lengthened(name, call))), None)
        if long is not None:
            slow += _show(f"{name}, long", long, load_policy(STARTER_POLICY)) > MOST_MS
    return 1 if slow else 0


def recorded(name: str) -> Iterator[Call]:
    """Every recorded call of a vendor, with the account it was made for."""
    for path in sorted((FIXTURES / name / "fixtures").glob("*.http")):
        raw = path.read_bytes()
        told = re.match(rb"# options: (\{.*\})", raw)
        account = VendorAccount("bench", name, ("secret",), json.loads(told[1]) if told else {})
        for call in read_recorded(raw):
            yield account, call.webhook(datetime.now(UTC), "http://localhost")


def lengthened(name: str, call: Call) -> Call | None:
    """The call with TURNS entries where its conversation stands; None: it has no such place."""
    account, webhook = call
    try:
        body = json.loads(webhook.body)
        entries = body
        for key in LONG[name]:
            entries = entries[key]
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(entries, list) or not entries:
        return None
    entries[:] = [_numbered(entries[n % len(entries)], n) for n in range(TURNS)]
    raw = json.dumps(body).encode()
    return account, Webhook(webhook.headers, raw, webhook.received_at, webhook.url)


def _numbered(entry: Any, number: int) -> Any:
    """A copy that is a turn of its own: its words and its time differ."""
    if not isinstance(entry, dict):
        return entry
    copy = dict(entry)
    for key, value in entry.items():
        if key in ("message", "text", "content") and isinstance(value, str):
            copy[key] = f"{value} ({number})"
        if key in ("time", "timestamp", "secondsFromStart") and isinstance(value, int | float):
            copy[key] = value + number
    return copy


def _show(title: str, call: Call, policy: PolicySet | None = None) -> float:
    account, webhook = call
    turns, cost = measured(account, webhook, policy)
    print(f"{title:<16}{len(webhook.body):>9}{turns:>7}{cost:>11.2f}")
    return cost


def measured(account: VendorAccount, webhook: Webhook, policy: PolicySet | None) -> tuple[int, float]:
    """(turns in its events, ms of CPU to read, answer and, with a policy, judge it; the median of some rounds)."""
    adapter = vendor(account.vendor)
    turns = 0

    def once() -> None:
        nonlocal turns
        try:
            events = adapter.parse(webhook, account)
            turns = sum(len(event.turns) for event in events)
            if policy is not None:
                _judge(events, policy)
        except (MalformedWebhook, UnsupportedEvent):
            turns = 0
        adapter.answer(webhook, account, NOTHING)

    cost = median(_timed(once, ROUNDS)) * 1000
    return turns, cost


def _judge(events: Sequence[Event], policy: PolicySet) -> None:
    state = Conversation("bench", "c")
    kept.cache_clear()  # as if nobody had said any of it before
    for event in events:
        state = fold(state, event)
        decide(state, policy, now=event.received_at, brief=True)


def _timed(do: Callable[[], None], rounds: int) -> Sequence[float]:
    spent = []
    for _ in range(rounds):
        began = process_time()
        do()
        spent.append(process_time() - began)
    return spent


if __name__ == "__main__":
    sys.exit(main())
