import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.detect.normalise import HEAD, TAIL, normalise
from policies.detect.spelling import Spelling

SPELLING = Spelling(
    words={"can't": "can not", "gimme": "give me", "u": "you"},
    endings={"n't": "not", "'d": "would", "'s": ""},
    triggers=["human", "agent"],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'd like a HUMAN.", " i would like a human . "),
        ("I’d like a human", " i would like a human "),
        ("can't you", " can not you "),
        ("don't", " do not "),
        ("Gimme!", " give me ! "),
        ("mother's", " mother "),
        ("señor, ¿qué?", " senor , . que ? "),
        ("15 U.S.C. 1681", " 15 usc 1681 "),
        ("line one\nline two", " line one . line two "),
        ("put-me/through", " put me through "),
        ("hu\u200bman", " human "),
        ("ｈｕｍａｎ", " human "),
        ("h u m a n now", " human now "),
        ("s 5 d 6 h 8", " s 5 d 6 h 8 "),
        ("😀", "  "),
        ("", "  "),
    ],
)
def test_text_is_brought_into_one_shape(text, expected):
    assert normalise(text, SPELLING).text == expected


@pytest.mark.parametrize(
    ("text", "word", "original"),
    [
        ("Give me an AGENT!", "agent", "AGENT"),
        ("gimme a humman", "human", "humman"),
        ("gimme a humman", "give", "gimme"),
        ("İstanbul: h u m a n", "human", "h u m a n"),
        ("straße, Hu\u200bman.", "human", "Hu\u200bman"),
    ],
)
def test_a_word_is_found_again_in_the_customers_own_text(text, word, original):
    normal = normalise(text, SPELLING)
    start = normal.text.index(f" {word} ") + 1

    found = normal.original(start, start + len(word))

    assert text[slice(*found)] == original


def test_of_a_very_long_text_beginning_and_end_are_read():
    text = "start " + "x " * 5_000 + "finish"

    normal = normalise(text, SPELLING)

    assert {"start", "finish"} <= normal.words
    assert len(normal.text) <= HEAD + TAIL + 10
    at = normal.text.index("finish")
    assert text[slice(*normal.original(at, at + 6))] == "finish"


@given(st.text(max_size=80))
def test_every_word_stands_where_it_says_whatever_the_text(text):
    normal = normalise(text, SPELLING)

    assert len(normal.spans) == len(normal.text.split())
    assert all(0 <= start < end <= len(text) for start, end in normal.spans)
    assert [start for start, _ in normal.spans] == sorted(start for start, _ in normal.spans)
