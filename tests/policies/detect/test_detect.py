"""All packs of the starter together, as `baton policy detect` runs them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect import detect
from policies.detect.language import read_with


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


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("hey, quiero un agente please, my english is bad", {"en", "es"}),
        ("hallo, ich brauche hilfe, can I talk to a human please", {"de", "en"}),
        ("bonjour, je voudrais un conseiller", {"fr"}),
    ],
)
def test_a_text_in_two_languages_is_read_in_both(starter, text, languages):
    found = detect(text, None, starter.packs)["evidence"]

    assert "explicit_request" in {e["label"] for e in found}
    assert {pack.language for pack in read_with(text, None, starter.packs).packs} == languages
