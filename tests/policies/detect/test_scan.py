import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect.scan import LONGEST_KEPT, kept, scan

SENSITIVE = {"explicit_request", "no_ai_contact", "legal", "fraud", "safety", "bereavement", "emergency"}


@pytest.fixture(scope="session")
def said(starter):
    """The labels the shipped English pack hears in a text."""
    return lambda text: {found.label for found in scan(starter.packs["en"], text) if found.guard is None}


@pytest.mark.parametrize(
    "text",
    [
        "can you put me through?",
        "I'd rather explain this to one of your team",
        "just get me a humman plz",
        "AGENT AGENT AGENT",
        "no more bots, real person please",
        "let me talk to somebody who knows what they're doing",
        "could someone ring me back tomorrow morning",
        "why can't I talk to a human?",
        "you're not helping. transfer me",
        "I want to talk with representitive",
        "I don't understand, can I speak to someone?",
        "Would it be possible to talk to one of your colleagues?",
    ],
)
def test_a_wish_for_a_person_is_heard_however_it_is_put(said, text):
    assert "explicit_request" in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm a real estate agent looking for a phone plan",
        "the delivery person left it at the neighbour's",
        "don't transfer me please",
        "how do I become an agent",
        "I got a call from your agent yesterday",
        "can you contact the courier",
        "price per person",
        "I don't need to speak to anyone",
        "No, I don't think I need an agent, thanks.",
        "the customer service was great",
    ],
)
def test_words_about_people_are_not_always_a_wish_for_one(said, text):
    assert "explicit_request" not in said(text)


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("legal", "I'll be speaking to my lawyer"),
        ("legal", "this violates GDPR"),
        ("legal", "see you in small claims court"),
        ("fraud", "I never authorised this payment"),
        ("fraud", "someone is using my account"),
        ("fraud", "who ordered this? it wasn't me"),
        ("safety", "I burned my hand on your kettle"),
        ("safety", "the brakes on the bike failed and I crashed"),
        ("safety", "found glass in my food"),
    ],
)
def test_sensitive_matters_are_heard(said, label, text):
    assert label in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "is the tennis court open",
        "please update my legal name",
        "my brother in law ordered it",
        "I was charged twice",
        "my transaction is still pending",
        "the game keeps crashing",
        "I burned through my data",
        "shock absorbers for my car",
    ],
)
def test_words_that_only_sound_sensitive_are_let_pass(said, text):
    assert not said(text) & SENSITIVE


def test_a_later_request_is_heard_after_one_that_was_denied(said):
    assert "explicit_request" in said("I don't want an agent. Actually, give me an agent.")


def test_the_span_is_in_the_customers_own_text(starter):
    text = "Hallo… I'd like — please! — to speek  to a HUMMAN, ok?"

    found = next(f for f in scan(starter.packs["en"], text) if f.guard is None)

    assert text[found.start : found.end].endswith("HUMMAN")


def test_words_at_the_end_of_a_very_long_text_are_heard(said):
    assert "explicit_request" in said("blah " * 5_000 + ". let me talk to a human")


def test_a_letter_is_read_and_not_kept_in_memory(starter):
    before = kept.cache_info().currsize

    found = scan(starter.packs["en"], "Hello. " * LONGEST_KEPT + "I want to speak to a human")

    assert [f.label for f in found] == ["explicit_request"]
    assert kept.cache_info().currsize == before


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_no_text_upsets_the_scan(starter, text):
    for found in scan(starter.packs["en"], text):
        assert 0 <= found.start < found.end <= len(text)
