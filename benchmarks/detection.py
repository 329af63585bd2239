"""
How well the starter's phrase packs hear the twelve labels, on labelled data that are not part of this repository.

    python -m benchmarks.detection [--data ../shared/data/detection] [--misses 5] [--policy policies/starter]

Reads every dev_*.jsonl (text, label, allow, scored, group, source, lang?) and hard_cases_dev.jsonl (expect, allow,
phenomenon). Prints, per label and source, precision and recall with its 95% Wilson interval and false alarms per 1,000
routine turns; then the share of routine turns with any immediate trigger, every kind of miss, the cost of a text, and
what the worst text costs.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import string
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from policies.detect import detect  # noqa: E402
from policies.detect.pack import Pack  # noqa: E402
from policies.detect.scan import kept  # noqa: E402
from policies.load import load_policy  # noqa: E402

LABELS = (
    "explicit_request", "no_ai_contact", "anger", "distress", "legal", "fraud", "safety", "bereavement", "emergency",
    "refund_dispute", "account_pii", "repeat_contact",
)  # fmt: skip
# Those whose rule escalates on the first turn that has them.
IMMEDIATE = frozenset({"explicit_request", "no_ai_contact", "legal", "fraud", "safety", "bereavement", "emergency"})
TARGETS = {
    "explicit_request": "recall 0.98, precision 0.99, 0.5 false alarms per 1,000",
    "legal": "recall 0.92, precision 0.93, 0.3 per 1,000",
    "fraud": "recall 0.93 on complaints, 0.85 on bank intents, 2 per 1,000",
    "safety": "recall 0.85, 0.7 per 1,000",
    "bereavement": "recall 0.95, precision 0.93, 0.3 per 1,000",
    "emergency": "0.25 per 1,000",
    "no_ai_contact": "0.25 per 1,000",
    "anger": "recall 0.75, precision 0.90 on service messages",
    "refund_dispute": "recall 0.90",
    "account_pii": "recall 0.85",
}
MOST_IMMEDIATE = 4.0  # per 1,000 routine turns
MOST_HOSTILE = 20.0  # milliseconds for any text


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled text. must: labels that have to be heard; may: those that count neither way."""

    text: str
    language: str | None
    source: str
    kind: str  # for the list of misses: the source's own intent, or the phenomenon
    must: frozenset[str]
    may: frozenset[str]
    scored: frozenset[str]
    routine: bool

    @staticmethod
    def read(row: Mapping[str, Any], file: str) -> Line:
        if "expect" in row:
            must, may, kind = frozenset(row["expect"]), frozenset(row["allow"]), row["phenomenon"]
            return Line(row["text"], row.get("lang"), "hard cases", kind, must, may, frozenset(LABELS), False)
        scored = frozenset(LABELS if row["scored"] == "*" else row["scored"].split("|"))
        must, may = frozenset(row["label"].split("|")) - {""}, frozenset(row["allow"].split("|"))
        source = file.removeprefix("dev_").removesuffix(".jsonl")
        kind = row.get("intent") or source
        return Line(row["text"], row.get("lang"), source, kind, must, may, scored, row["group"] == "ordinary")


@dataclass(slots=True)
class Count:
    hit: int = 0
    missed: int = 0
    false: int = 0
    alarms: int = 0  # false ones on routine turns


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95% interval of a share."""
    if not of:
        return 0.0, 1.0
    p, n = hits / of, of
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def lines(data: Path) -> Iterator[Line]:
    for path in sorted([*data.glob("dev_*.jsonl"), *data.glob("hard_cases_dev.jsonl")]):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Line.read(json.loads(line), path.name)


def heard(line: Line, packs: Mapping[str, Pack]) -> frozenset[str]:
    return frozenset(e["label"] for e in detect(line.text, line.language, packs)["evidence"])


def report(data: Path, packs: Mapping[str, Pack], examples: int) -> None:
    counts: dict[tuple[str, str], Count] = defaultdict(Count)
    routine: Counter[str] = Counter()
    misses: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    immediate = 0
    hard: Counter[str] = Counter()
    texts: list[str] = []
    for line in lines(data):
        said = heard(line, packs)
        texts.append(line.text)
        wrong = {label for label in said if label in line.scored and label not in line.must | line.may}
        lacking = line.must & line.scored - said
        if line.source == "hard cases":
            hard["all"] += 1
            hard["right"] += not wrong and not lacking
            hard["missing"] += bool(lacking)
            hard["extra"] += bool(wrong)
        for where in ("all", line.source):
            routine[where] += line.routine
            for label in line.must & line.scored:
                counts[label, where].hit += label in said
                counts[label, where].missed += label not in said
            for label in wrong:
                counts[label, where].false += 1
                counts[label, where].alarms += line.routine
        immediate += line.routine and bool(said & IMMEDIATE - line.may - line.must)
        for label in lacking:
            misses["missed", label, line.kind].append(line.text)
        for label in wrong:
            misses["false", label, line.kind].append(line.text)
    _print_labels(counts, routine)
    print(f"\nany immediate trigger: {1000 * immediate / max(1, routine['all']):.2f} per 1,000 routine turns", end="")
    print(f" (aim: {MOST_IMMEDIATE:g} at most)")
    if hard["all"]:
        share = {k: f"{hard[k] / hard['all']:.0%}" for k in ("right", "missing", "extra")}
        print(f"hard cases: {share['right']} entirely right, {share['missing']} miss a label,", end="")
        print(f" {share['extra']} have one too many (aim: 70%, 22%, 8%)")
    _print_misses(misses, examples)
    _print_speed(texts, packs)


def _print_labels(counts: Mapping[tuple[str, str], Count], routine: Mapping[str, int]) -> None:
    for label in LABELS:
        print(f"\n{label:<18}aim: {TARGETS.get(label, 'none set')}")
        sources = sorted(source for name, source in counts if name == label)
        for source in sources:
            c = counts[label, source]
            must, said = c.hit + c.missed, c.hit + c.false
            low, high = wilson(c.hit, must)
            recall = f"recall {c.hit / must:.3f} [{low:.3f}, {high:.3f}] of {must}" if must else "nothing to hear"
            precision = f"precision {c.hit / said:.3f}" if said else "never heard"
            alarms = f"{1000 * c.alarms / routine[source]:.2f} per 1,000" if routine[source] else "no routine turns"
            print(f"  {source:<14}{recall:<38}{precision:<18}{alarms}")


def _print_misses(misses: Mapping[tuple[str, str, str], list[str]], examples: int) -> None:
    print("\nmisses by kind")
    for (how, label, kind), texts in sorted(misses.items(), key=lambda item: (item[0][1], item[0][0], -len(item[1]))):
        print(f"  {how:<7}{label:<18}{len(texts):>5}  {kind}")
        for text in texts[:examples]:
            print(f"          {text[:160]}")


def took(text: str, packs: Mapping[str, Pack]) -> float:
    """Microseconds of this thread for a text never seen before: a busy machine counts as little as it can."""
    for pack in packs.values():
        pack.spelling.forget()
    kept.cache_clear()
    began = time.thread_time()
    detect(text, None, packs)
    return (time.thread_time() - began) * 1e6


def _print_speed(texts: list[str], packs: Mapping[str, Pack]) -> None:
    kept.cache_clear()
    times = []
    for text in dict.fromkeys(texts):  # one after the other, as a worker meets them: words are known, texts are not
        began = time.thread_time()
        detect(text, None, packs)
        times.append((time.thread_time() - began) * 1e6)
    times.sort()
    print(f"\ntext stage: median {statistics.median(times):.0f} µs, p99 {times[int(len(times) * 0.99)]:.0f} µs", end="")
    long = max(texts, key=len, default="")
    long = (long * (2_000 // max(1, len(long)) + 1))[:2_000]
    print(f", 2,000 characters {took(long, packs) / 1e3:.2f} ms (aim: 60 µs, 400 µs, 3 ms)")
    worst, name = max((took(text, packs) / 1e3, name) for name, text in hostile(packs))
    print(f"worst hostile text: {worst:.1f} ms, {name} (aim: under {MOST_HOSTILE:g} ms)")


def hostile(packs: Mapping[str, Pack]) -> Iterator[tuple[str, str]]:
    """Name and text: what costs most, of texts made to cost much. Nothing of them is in memory yet."""
    dice = random.Random(1)
    sought = {code: sorted({w for p in pack.phrases for need in p.needs for w in need}) for code, pack in packs.items()}
    common = " ".join(word for pack in packs.values() for word in sorted(pack.function_words))
    for code, words in sought.items():
        for draw in range(5):
            yield f"all words sought in {code}, {draw}", " ".join(dice.sample(words, min(len(words), 400)))
    everything = sorted({word for words in sought.values() for word in words})
    for draw in range(5):
        yield f"words sought in any language, {draw}", common + " ".join(dice.sample(everything, 400))
    for length in (4, 6, 9, 10, 12, 16, 38):
        noise = ("".join(dice.choices(string.ascii_lowercase, k=length)) for _ in range(600))
        yield f"unknown words of {length} letters", " the ".join(noise)
    for piece in ("l'", "n't'", "not an agent ", "payment i did not ", "h u m a n ", "\ufdfa", "字", "a.b. "):
        yield f"{piece!r} over and over", piece * (20_000 // len(piece))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "detection")
    parser.add_argument("--policy", type=Path, default=ROOT / "policies" / "starter")
    parser.add_argument("--misses", type=int, default=3, help="texts shown of each kind of miss; 1000 shows all")
    asked = parser.parse_args()
    if not any(asked.data.glob("dev_*.jsonl")):
        print(f"skipped: no labelled data at {asked.data}; name their folder with --data")
        return
    report(asked.data, load_policy(asked.policy).packs, asked.misses)


if __name__ == "__main__":
    main()
