"""All packs of the starter together, as `baton policy detect` runs them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect import detect


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("explicit_request", "Quiero hablar con una persona, por favor."),
        ("explicit_request", "Je souhaite parler à un conseiller."),
        ("explicit_request", "Verbinden Sie mich bitte mit einem Mitarbeiter."),
        ("bereavement", "mio marito è deceduto la settimana scorsa"),
        ("emergency", "há um vazamento de gás"),
        ("repeat_contact", "I have called twice and nobody helped"),
    ],
)
def test_a_label_is_heard_in_the_customers_own_words(starter, label, text):
    found = [e for e in detect(text, None, starter.packs)["evidence"] if e["label"] == label]

    assert found
    assert found[0]["text"] == text[slice(*found[0]["span"])]


@pytest.mark.parametrize("text", ["Ist das ein brand new Modell?", "brand new shoes", "the brand is hot"])
def test_a_german_word_is_not_heard_in_english(starter, text):
    assert detect(text, None, starter.packs)["evidence"] == []


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_no_text_upsets_the_packs_together(starter, text):
    for found in detect(text, None, starter.packs)["evidence"]:
        start, end = found["span"]
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize("piece", ["l'", "a's", "n't'", "not an agent ", "quiero hablar con ", "é", "字"])
def test_a_hostile_text_costs_no_more_when_it_is_longer(starter, piece):
    text = piece * (50_000 // len(piece))
    began = time.perf_counter()

    detect(text, None, starter.packs)

    assert time.perf_counter() - began < 1.0
