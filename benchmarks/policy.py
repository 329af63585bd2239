"""
How long the policy takes per customer turn: the text stage, and the whole decision with and without its reasons.

    python -m benchmarks.policy

Absolute numbers belong to the machine; compare the ratios within one run. Every text is another one, so that nothing is
quick only because it was seen before.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from packets.conversation import Conversation, fold
from packets.event import ConversationInfo, Event, EventKind, Role, Turn
from policies.decide import decide
from policies.detect import detect
from policies.detect.normalise import normalise
from policies.load import load_policy

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ROUNDS = 200
LANGUAGE = "en"
TEXTS = [
    "where is my order {n}",
    "hi, parcel {n} says delivered but it is not here",
    "can you move my delivery to thursday the {n}th",
    "I already did all of this {n} times, it is getting ridiculous",
    "great, no need for an agent then, thanks, {n}",
    "I'd rather explain {n} to one of your team, can you put me through?",
    "then my solicitor will explain section {n} of the Consumer Rights Act to you",
    "that wasn't me, I've never bought anything for {n}",
    "yes obviously, but the amber one blinks {n} times when the other is green",
    "what is your refund policy for order {n}?",
]
ORDINARY = [TEXTS[i] for i in (0, 1, 2, 4, 8, 9)]  # on which no rule fires: nearly all turns there are
LONG = "I was told by the shop that payment {n} which I did not recognise would come back, and nobody called me. " * 30


def said(text: str) -> Conversation:
    event = Event(
        "e", EventKind.MESSAGE_CREATED, "shop", ConversationInfo("c", language=LANGUAGE), NOW, NOW,
        turns=(Turn(Role.CUSTOMER, text),),
    )  # fmt: skip
    return fold(Conversation("shop", "c", language=LANGUAGE), event)


def numbered(texts: Iterable[str], start: int) -> list[str]:
    return [text.format(n=start + i) for i in range(ROUNDS) for text in texts]


def timed(work: Callable[..., object], inputs: Iterable[object]) -> list[float]:
    """Microseconds of each."""
    times = []
    for one in inputs:
        began = time.perf_counter()
        work(one)
        times.append((time.perf_counter() - began) * 1e6)
    return times


def main() -> None:
    policy = load_policy(ROOT / "policies" / "starter")
    packs = policy.packs
    spelling = packs[LANGUAGE].spelling
    mixed = [said(text) for text in numbered(TEXTS, 400_000)]
    ordinary, again = ([said(text) for text in numbered(ORDINARY, at)] for at in (500_000, 600_000))
    stages = {
        "normalise": timed(lambda t: normalise(t, spelling), numbered(TEXTS, 100_000)),
        "text stage": timed(lambda t: detect(t, LANGUAGE, packs), numbered(TEXTS, 200_000)),
        "text stage, 2,000 characters": timed(
            lambda t: detect(t, LANGUAGE, packs), [t[:2_000] for t in numbered([LONG], 300_000)]
        ),
        "decision, all texts": timed(lambda c: decide(c, policy, now=NOW, brief=True), mixed),
        "decision, nothing fires": timed(lambda c: decide(c, policy, now=NOW, brief=True), ordinary),
        "the same, every rule traced": timed(lambda c: decide(c, policy, now=NOW), again),
    }
    whole = statistics.median(stages["decision, nothing fires"])
    print(
        f"{len(policy.rules)} rules, {sum(len(p.phrases) for p in packs.values())} phrases, {len(TEXTS)} kinds of text"
    )
    print(f"{'':<30}{'median':>10}{'p99':>10}{'worst':>10}   of an ordinary decision")
    for name, times in stages.items():
        middle, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"{name:<30}{middle:>7.1f} µs{p99:>7.1f} µs{max(times):>7.0f} µs{middle / whole:>10.2f}")


if __name__ == "__main__":
    main()
