"""
Whether a small n-gram model would hear what the phrases miss: the experiment behind docs/decisions/0018.

    python -m benchmarks.second_opinion [--data ../shared/data/detection]

For each label and source, hashed word 1-3 grams are learnt (logistic regression, pure Python) from all other sources
and tried on this one, only where the phrases are silent: how many misses it would mend, how many false alarms it adds.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from pathlib import Path
from zlib import crc32

from benchmarks.detection import ROOT, Line, heard, lines
from policies.detect.normalise import BREAKS, normalise
from policies.detect.pack import Pack
from policies.load import load_policy

BUCKETS = 1 << 16
EPOCHS = 4
THRESHOLDS = (0.5, 0.7, 0.9)
FEWEST = 5  # positives of a source, or nothing is said about it
TRIED = ("explicit_request", "legal", "fraud", "safety", "bereavement", "refund_dispute", "account_pii")


@dataclass(frozen=True, slots=True)
class Example:
    line: Line
    grams: tuple[int, ...]
    said: frozenset[str]


@dataclass(frozen=True, slots=True)
class Model:
    weights: Mapping[int, float]
    bias: float

    def score(self, grams: Sequence[int]) -> float:
        total = self.bias + sum(self.weights.get(gram, 0.0) for gram in grams) / sqrt(max(1, len(grams)))
        return 1 / (1 + exp(-max(-30.0, min(30.0, total))))


def grams_of(text: str, pack: Pack) -> tuple[int, ...]:
    words = ["0" if w.isdigit() else w for w in normalise(text, pack.spelling).text.split() if w not in BREAKS]
    found = {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}
    return tuple(sorted({crc32(gram.encode()) % BUCKETS for gram in found}))


def learn(examples: Sequence[Example], label: str) -> Model:
    known = [e for e in examples if label in e.line.scored and not (label in e.line.may and label not in e.line.must)]
    positives = sum(label in e.line.must for e in known)
    weight = min(10.0, max(1.0, (len(known) - positives) / max(1, positives) / 8))
    weights: dict[int, float] = {}
    bias = -3.0
    dice = random.Random(1)
    for epoch in range(EPOCHS):
        dice.shuffle(known)
        for example in known:
            is_one = label in example.line.must
            wrong = (Model(weights, bias).score(example.grams) - is_one) * 0.3 * (weight if is_one else 1) / (1 + epoch)
            bias -= wrong / 10
            for gram in example.grams:
                weights[gram] = weights.get(gram, 0.0) - wrong / sqrt(len(example.grams))
    return Model(weights, bias)


def report(examples: Sequence[Example]) -> None:
    for label in TRIED:
        for source in sorted({e.line.source for e in examples if label in e.line.must}):
            here = [e for e in examples if e.line.source == source and label in e.line.scored]
            if sum(label in e.line.must for e in here) < FEWEST:
                continue
            model = learn([e for e in examples if e.line.source != source], label)
            silent = [e for e in here if label not in e.said]
            missed = [model.score(e.grams) for e in silent if label in e.line.must]
            quiet = [model.score(e.grams) for e in silent if label not in e.line.must | e.line.may]
            of = sum(label in e.line.must for e in here)
            gains = [f"from {t:g}: {_from(t, missed)} mended, {_from(t, quiet)} false" for t in THRESHOLDS]
            print(f"{label:<18}{source:<12}{len(missed):>4} missed of {of:<5}{', '.join(gains)}", flush=True)


def _from(threshold: float, scores: Sequence[float]) -> int:
    return sum(score >= threshold for score in scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "detection")
    asked = parser.parse_args()
    if not any(asked.data.glob("dev_*.jsonl")):
        print(f"skipped: no labelled data at {asked.data}; name their folder with --data")
        return
    packs = load_policy(ROOT / "policies" / "starter").packs
    english = [line for line in lines(asked.data) if line.language in (None, "en")]
    report([Example(line, grams_of(line.text, packs["en"]), heard(line, packs)) for line in english])


if __name__ == "__main__":
    main()
