"""
Replaying recorded conversations: turns per second and per second of CPU, on one process and on all, and the memory.

    python -m benchmarks.replay                          # 2,000 conversations of 10 turns, every text different
    python -m benchmarks.replay --conversations 100000
    python -m benchmarks.replay --corpus calls.jsonl

The synthetic corpus is written to a temporary file and read as any other. Absolute numbers belong to the machine.
Memory is the peak of the reading process at a tenth of the corpus and at its end: it must not grow with the corpus.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from benchmarks.turns import TALK
from policies.cores import cores, judged
from policies.corpus import Line, lines
from policies.load import load_policy
from policies.measure import Tally
from policies.model import PolicySet

ROOT = Path(__file__).resolve().parent.parent


def synthetic(file: Path, conversations: int) -> None:
    """Ordinary conversations of a web shop, ten turns each; one in fifty ends with a wish for a person."""
    with file.open("w", encoding="utf-8") as out:
        for number in range(conversations):
            turns = [turn for place in range(len(TALK)) for turn in _exchange(number, place)]
            wants = number % 50 == 0
            if wants:
                turns[-2]["text"] = f"I have asked about {number} before, can you put me through to a person?"
            window = [len(turns) - 2] * 2 if wants else None
            gold = {
                "should_transfer": wants,
                "trigger": "explicit_request" if wants else None,
                "transfer_window": window,
            }
            out.write(json.dumps({"id": f"c-{number}", "lang": "en", "gold": gold, "turns": turns}) + "\n")


def _exchange(number: int, place: int) -> Iterator[dict[str, object]]:
    said, intent, answered = TALK[number % len(TALK)]  # one matter a conversation
    order, at = 100_000 + number * len(TALK) + place, 60 * place
    yield {"role": "customer", "t": at, "text": said.format(n=order), "intent": intent, "confidence": 0.91}
    yield {"role": "bot", "t": at + 3, "text": answered.format(n=order)}


def peak_mib() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 2**10)


def cpu_seconds() -> float:
    """Of this process and of those it has waited for: what the work takes, however busy the machine is."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def measure(corpora: list[Path], policy: PolicySet, jobs: int, total: int) -> None:
    tally, early = Tally(policy), 0.0
    entries: Iterator[Line] = chain.from_iterable(map(lines, corpora))
    began, cpu = time.perf_counter(), cpu_seconds()
    for number, (_, (verdict,)) in enumerate(judged(entries, (policy,), jobs=jobs), start=1):
        tally.add(verdict)
        if number == max(1, total // 10):
            early = peak_mib()
    took, worked = time.perf_counter() - began, cpu_seconds() - cpu
    print(
        f"{jobs:>5}{tally.conversations:>15,}{tally.turns:>12,}{took:>10.1f}{tally.turns / took:>10,.0f}"
        f"{tally.turns / worked:>15,.0f}{early:>14.1f}{peak_mib():>12.1f}{tally.escalated:>11,}"
    )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--conversations", type=int, default=2_000)
    ask.add_argument("--corpus", type=Path, nargs="+", help="replay these files instead")
    ask.add_argument("--policy", type=Path, default=ROOT / "policies" / "starter")
    ask.add_argument("--jobs", type=int, nargs="+", default=list(dict.fromkeys((1, cores()))))
    told = ask.parse_args()
    policy = load_policy(told.policy)
    with tempfile.TemporaryDirectory() as folder:
        corpora = told.corpus or [Path(folder) / "synthetic.jsonl"]
        if not told.corpus:
            synthetic(corpora[0], told.conversations)
        total = sum(1 for corpus in corpora for _ in lines(corpus))
        print(f"{len(policy.rules)} rules, policy {policy.revision}, {cores()} cores")
        print(
            f"{'jobs':>5}{'conversations':>15}{'turns':>12}{'seconds':>10}{'turns/s':>10}{'per CPU second':>15}"
            f"{'MiB at 10%':>14}{'MiB at end':>12}{'escalated':>11}"
        )
        for jobs in told.jobs:
            measure(corpora, policy, jobs, total)


if __name__ == "__main__":
    main()
