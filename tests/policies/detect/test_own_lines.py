"""
How well the starter's phrases carry over to words they were not written for: our own lines, of which half was never
looked at while phrases were mended (fixtures/SOURCE.md). Run with -s to see the figures.
"""

import zlib
from collections import Counter
from pathlib import Path

import pytest

from policies.detect import detect

FIXTURES = Path(__file__).parent / "fixtures"
LANGUAGES = sorted(path.stem.removeprefix("own_") for path in FIXTURES.glob("own_*.tsv"))
REQUESTS_AND_SENSITIVE = {"explicit_request", "legal", "fraud", "safety", "bereavement", "emergency"}

# Of the untouched half, label → least recall; a label of few lines has a low floor.
LEAST_RECALL = {
    "explicit_request": 0.84, "no_ai_contact": 0.9, "anger": 0.8, "distress": 0.9, "legal": 0.93, "fraud": 0.93,
    "safety": 0.9, "bereavement": 0.9, "emergency": 0.95, "refund_dispute": 0.85, "account_pii": 0.9,
    "repeat_contact": 0.9,
}  # fmt: skip


def lines(name):
    for line in (FIXTURES / f"{name}.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            labels, text = line.split("\t")
            marks = set(labels.split()) - {"-"}
            yield text, {m for m in marks if m[0] != "?"}, {m[1:] for m in marks if m[0] == "?"}


def untouched(text):
    return zlib.crc32(text.encode()) % 2 == 1


@pytest.fixture(scope="module")
def heard(starter):
    """Each line with what must and may be heard in it, and what is."""
    return [
        (language, text, must, may, {e["label"] for e in detect(text, None, starter.packs)["evidence"]})
        for language in LANGUAGES
        for text, must, may in lines(f"own_{language}")
    ]


def test_the_lines_cover_six_languages_and_every_label():
    labels = {label for language in LANGUAGES for _, must, _ in lines(f"own_{language}") for label in must}

    assert LANGUAGES == ["de", "en", "es", "fr", "it", "pt"]
    assert labels == set(LEAST_RECALL)


@pytest.mark.parametrize("label", LEAST_RECALL)
def test_a_label_is_heard_in_lines_nobody_looked_at(heard, label):
    of = [label in said for _, text, must, _, said in heard if label in must and untouched(text)]
    recall = sum(of) / len(of)
    print(f"\n{label}: {sum(of)} of {len(of)} lines nobody looked at")

    assert recall >= LEAST_RECALL[label]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_understood_in_lines_nobody_looked_at(heard, language):
    of = [must <= said for lang, text, must, _, said in heard if lang == language and must and untouched(text)]
    recall = sum(of) / len(of)
    print(f"\n{language}: {sum(of)} of {len(of)} lines nobody looked at")

    assert recall >= 0.9


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lines_that_were_looked_at_stay_right(heard, language):
    looked_at = [row for row in heard if row[0] == language and not untouched(row[1])]
    of = [must <= said <= must | may for _, _, must, may, said in looked_at]

    assert sum(of) / len(of) >= 0.97


def test_what_was_once_missed_stays_heard_and_its_near_misses_quiet(starter):
    right = []
    for text, must, _ in lines("looked_at"):
        said = {e["label"] for e in detect(text, None, starter.packs)["evidence"]}
        right.append(must <= said if must else not said & REQUESTS_AND_SENSITIVE)

    assert sum(right) / len(right) >= 0.96


def test_hardly_anything_grave_is_heard_where_it_is_not_said(heard):
    false = Counter()
    for _, _, must, may, said in heard:
        false.update((said - must - may) & REQUESTS_AND_SENSITIVE)
    print(f"\nheard where not said, of {len(heard)} lines: {dict(false)}")

    assert false.total() / len(heard) <= 0.008
    assert false["explicit_request"] == 0
