"""
How long the policy takes per customer turn: the text stage and the whole decision, as medians.

    python benchmarks/policy.py

Absolute numbers belong to the machine; compare the ratios within one run.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from packets.conversation import Conversation, fold  # noqa: E402
from packets.event import ConversationInfo, Event, EventKind, Role, Turn  # noqa: E402
from policies.casebook import run_casebook  # noqa: E402
from policies.decide import decide  # noqa: E402
from policies.detect.normalise import normalise  # noqa: E402
from policies.detect.scan import scan  # noqa: E402

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ROUNDS = 200
TEXTS = [
    "where is my order 99812",
    "hi, my parcel says delivered but it is not here",
    "can you move my delivery to thursday",
    "I already did all of this twice, it is getting ridiculous",
    "great, no need for an agent then, thanks",
    "I'd rather explain this to one of your team, can you put me through?",
    "then my solicitor will explain the Consumer Rights Act to you",
    "that wasn't me, I've never bought anything there",
    "yes obviously, but the amber one blinks when the other is green",
    "what is your refund policy?",
]
LONG = ("I was told by the shop that the payment I did not recognise would come back, and nobody called me. " * 30)[
    :2_000
]


def said(text: str) -> Conversation:
    event = Event(
        "e", EventKind.MESSAGE_CREATED, "shop", ConversationInfo("c"), NOW, NOW, turns=(Turn(Role.CUSTOMER, text),)
    )
    return fold(Conversation("shop", "c"), event)


def median(work: Callable[[], object]) -> float:
    """Microseconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def main() -> None:
    policy = run_casebook(ROOT / "policies" / "starter").policy
    pack = policy.packs["en"]
    conversations = [said(text) for text in TEXTS]

    def cold(conversation: Conversation) -> object:
        scan.cache_clear()  # as for a text never seen before
        return decide(conversation, policy, now=NOW)

    stages = {
        "normalise": [median(lambda t=t: normalise(t, pack.spelling)) for t in TEXTS],
        "text stage": [median(lambda t=t: scan.__wrapped__(pack, t)) for t in TEXTS],
        "decision": [median(lambda c=c: cold(c)) for c in conversations],
        "decision, text known": [median(lambda c=c: decide(c, policy, now=NOW)) for c in conversations],
        "text of 2,000 characters": [median(lambda: scan.__wrapped__(pack, LONG))],
    }
    whole = statistics.median(stages["decision"])
    print(f"{len(policy.rules)} rules, {len(pack.phrases)} phrases, {len(TEXTS)} texts")
    for name, times in stages.items():
        middle = statistics.median(times)
        print(f"{name:<26}{middle:>9.1f} µs median{max(times):>9.1f} µs worst text{middle / whole:>8.2f} of a decision")


if __name__ == "__main__":
    main()
