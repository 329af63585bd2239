"""
No text, however hostile, costs more than a fixed amount of work: counted, not timed (benchmarks/detection.py times it).
"""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.detect import spelling
from policies.detect.language import read_with
from policies.detect.normalise import HEAD, MOST_DEAR, TAIL, normalise
from policies.detect.scan import MOST_WORK, WINDOW, Effort, search
from policies.detect.spelling import Spelling

# What the last try may add when all but nothing is left: one look through the text, and its guards.
LAST_TRY = 2 * (HEAD + TAIL) + 20 * WINDOW
PIECES = [
    "l'", "a's ", "n't'", "not an agent ", "payment i did not ", "want want want ", "someone else used my ", "talk to ",
    "h u m a n ", "speak to the ", "quiero hablar con ", "!? ", "’", "é", "字", "a.b.c. ", "don't won't ", "👩‍👩‍👧‍👦",
]  # fmt: skip


def effort(pack, text):
    spent = Effort()
    search(pack, normalise(text, pack.spelling), effort=spent)
    return spent.spent


def words_of(pack):
    return sorted(word for phrase in pack.phrases for need in phrase.needs for word in need)


@pytest.mark.parametrize("piece", PIECES)
def test_a_repetition_costs_no_more_when_it_is_longer(starter, piece):
    short, long = piece * (10_000 // len(piece)), piece * (100_000 // len(piece))

    for pack in starter.packs.values():
        assert effort(pack, long) <= effort(pack, short) + LAST_TRY


def test_a_text_made_of_every_word_we_look_for_is_given_up_in_time(starter):
    words = words_of(starter.packs["en"])
    random.Random(7).shuffle(words)

    spent = effort(starter.packs["en"], " ".join(dict.fromkeys(words)))

    assert MOST_WORK / 4 < spent <= MOST_WORK + LAST_TRY


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_mixture_of_the_words_we_look_for_costs_more_than_the_most(starter, data):
    pack = data.draw(st.sampled_from(list(starter.packs.values())))
    words = data.draw(st.lists(st.sampled_from(words_of(pack)), max_size=400))

    assert effort(pack, " ".join(words)) <= MOST_WORK + LAST_TRY


def test_an_ordinary_long_complaint_is_looked_through_to_its_end(starter):
    told = "I was told by the shop that the payment I did not recognise would come back, and nobody called me. " * 20

    spent = effort(starter.packs["en"], told + " Now let me talk to a human.")

    assert spent < MOST_WORK / 2


def test_a_request_among_all_the_words_we_look_for_is_still_heard(starter):
    words = " ".join(dict.fromkeys(words_of(starter.packs["en"])))[:1_900]

    found = search(starter.packs["en"], normalise(f"{words}. let me talk to a human.", starter.packs["en"].spelling))

    assert "explicit_request" in {f.label for f in found if f.guard is None}


def test_only_so_many_long_unknown_words_are_mended(monkeypatch):
    tried = []
    shortened = spelling._shortened
    rare = Spelling(triggers=["representative"])
    monkeypatch.setattr(spelling, "_shortened", lambda word, errors: tried.append(word) or shortened(word, errors))
    letters = random.Random(3)
    words = ["".join(letters.choices(string.ascii_lowercase, k=12)) for _ in range(150)]

    normalise(" ".join(words), rare)

    assert len(tried) == MOST_DEAR


def test_one_character_that_stands_for_many_does_not_make_a_text_long(starter):
    ligature = "\ufdfa"  # decomposes into eighteen letters

    normal = normalise(ligature * 2_500, starter.packs["en"].spelling)

    assert len(normal.text) < 2_500


def test_a_long_text_in_many_languages_is_read_in_two(starter):
    text = " ".join(word for pack in starter.packs.values() for word in sorted(pack.function_words))

    assert len(text) > 1_000
    assert len(read_with(text, None, starter.packs).packs) == 2
