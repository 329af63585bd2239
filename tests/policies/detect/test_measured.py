"""
Precision and recall of the shipped English pack on labelled public data that is not part of this repository.

Runs where the data lie beside the checkout; run with -s to see the figures.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from policies.detect.scan import scan

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "detection"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="labelled data are not here")

# label → least recall and precision on the development data, most false alarms per 1,000 routine turns.
FLOORS = {
    "explicit_request": (0.99, 0.95, 0.3),
    "legal": (0.93, 0.95, 0.3),
    "fraud": (0.85, 0.97, 1.0),
    "safety": (0.85, 0.85, 0.5),
}


def lines():
    for path in sorted(DATA.glob("dev_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row.get("lang", "en") == "en":
                yield row


@pytest.fixture(scope="module")
def measured(starter):
    counts, routine = Counter(), 0
    for row in lines():
        heard = {found.label for found in scan(starter.packs["en"], row["text"]) if found.guard is None}
        must, may = set(row["label"].split("|")), set(row["allow"].split("|"))
        routine += row["group"] == "ordinary"
        for label in FLOORS:
            if row["scored"] != "*" and label not in row["scored"].split("|"):
                continue
            if label in must:
                counts[label, "hit" if label in heard else "missed"] += 1
            elif label in heard and label not in may:
                counts[label, "false"] += 1
                counts[label, "alarm"] += row["group"] == "ordinary"
    return counts, routine


@pytest.mark.parametrize("label", FLOORS)
def test_a_label_is_heard_and_seldom_misheard(measured, label):
    counts, routine = measured
    hit, missed, false = (counts[label, kind] for kind in ("hit", "missed", "false"))
    recall, precision = hit / (hit + missed), hit / (hit + false)
    alarms = 1_000 * counts[label, "alarm"] / routine
    print(f"\n{label}: recall {recall:.3f} ({hit}/{hit + missed}), precision {precision:.3f}, {alarms:.2f} per 1,000")

    least_recall, least_precision, most_alarms = FLOORS[label]

    assert recall >= least_recall
    assert precision >= least_precision
    assert alarms <= most_alarms
