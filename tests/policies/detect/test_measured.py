"""
Precision and recall of the shipped packs on labelled public data that is not part of this repository, all labels.

Runs where the data lie beside the checkout (or where BATON_DETECTION_DATA says); run with -s to see the figures.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.detection import IMMEDIATE, LABELS, MOST_IMMEDIATE, lines
from policies.detect import detect

BESIDE = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "detection"
DATA = Path(os.environ.get("BATON_DETECTION_DATA", BESIDE))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="labelled data are not here")

# label → least recall, least precision, most false alarms per 1,000 routine turns. Anger and distress leave out
# GoEmotions: Reddit, not service.
FLOORS = {
    "explicit_request": (0.98, 0.96, 0.3),
    "no_ai_contact": (0.95, 0.85, 0.25),
    "anger": (0.6, 0.8, 0.5),
    "distress": (0.8, 0.9, 0.5),
    "legal": (0.93, 0.95, 0.3),
    "fraud": (0.89, 0.97, 1.0),
    "safety": (0.85, 0.85, 0.5),
    "bereavement": (0.85, 0.93, 0.3),
    "emergency": (0.95, 0.9, 0.25),
    "refund_dispute": (0.9, 0.96, 1.0),
    "account_pii": (0.93, 0.93, 1.0),
    "repeat_contact": (0.8, 0.65, 0.5),
}


@pytest.fixture(scope="module")
def measured(starter):
    counts = Counter()
    for line in lines(DATA):
        if line.source == "goemotions":
            continue
        said = {e["label"] for e in detect(line.text, line.language, starter.packs)["evidence"]}
        counts["routine"] += line.routine
        counts["immediate"] += line.routine and bool(said & IMMEDIATE - line.may - line.must)
        for label in line.scored:
            if label in line.must:
                counts[label, "hit" if label in said else "missed"] += 1
            elif label in said and label not in line.may:
                counts[label, "false"] += 1
                counts[label, "alarm"] += line.routine
    return counts


def test_every_label_has_its_floor():
    assert FLOORS.keys() == set(LABELS)


@pytest.mark.parametrize("label", FLOORS)
def test_a_label_is_heard_and_seldom_misheard(measured, label):
    hit, missed, false = (measured[label, kind] for kind in ("hit", "missed", "false"))
    recall, precision = hit / (hit + missed), hit / (hit + false)
    alarms = 1_000 * measured[label, "alarm"] / measured["routine"]
    print(f"\n{label}: recall {recall:.3f} ({hit}/{hit + missed}), precision {precision:.3f}, {alarms:.2f} per 1,000")

    least_recall, least_precision, most_alarms = FLOORS[label]

    assert recall >= least_recall
    assert precision >= least_precision
    assert alarms <= most_alarms


def test_few_routine_turns_escalate_at_once(measured):
    assert 1_000 * measured["immediate"] / measured["routine"] <= MOST_IMMEDIATE / 2
