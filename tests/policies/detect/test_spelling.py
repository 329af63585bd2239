import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.detect.spelling import Spelling, distance

SPELLING = Spelling(
    words={"speek": "speak"},
    triggers=["human", "agent", "someone", "representative"],
    known=["humane", "gent", "agents", "need"],
    glue=["i", "to", "talk", "with", "want", "speak", "a"],
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("humman", "human"),
        ("huamn", "human"),
        ("hman", "human"),
        ("hunan", "human"),
        ("humaaaan", "human"),
        ("neeeed", "need"),
        ("agnet", "agent"),
        ("reprasentitive", "representative"),
        ("speek", "speak"),
        ("iwanttotalktosomeone", "i want to talk to someone"),
        ("speakwith", "speak with"),
    ],
)
def test_a_misspelt_trigger_word_is_mended(written, meant):
    assert " ".join(SPELLING(written)) == meant


@pytest.mark.parametrize(
    "word", ["human", "humane", "gent", "agents", "man", "huge", "urgent", "4gent", "order", "représentant", "x" * 100]
)
def test_other_words_are_left_alone(word):
    assert SPELLING(word) == (word,)


def test_a_word_equally_near_to_two_triggers_is_left_alone():
    assert Spelling(triggers=["stolen", "stoled"])("stolex") == ("stolex",)


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [("agent", "agent", 0), ("agnet", "agent", 1), ("agen", "agent", 1), ("aegnt", "agent", 1), ("", "ab", 2)],
)
def test_a_swap_of_neighbours_is_one_edit(a, b, edits):
    assert distance(a, b) == edits


@given(st.sampled_from(["human", "agent", "someone"]), st.data())
def test_any_single_typo_is_mended_or_is_another_known_word(word, data):
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    typo = data.draw(st.sampled_from([
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    ]))  # fmt: skip

    assert SPELLING(typo) in [(word,), (typo,)]
    assert SPELLING(typo) == (word,) or typo in ("humane", "gent", "agents")
