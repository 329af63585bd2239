"""Which packs read a text, and when none does."""

import re

import pytest

from policies.detect.language import read_with
from policies.detect.pack import Pack
from policies.detect.spelling import Spelling


def a_pack(language, words):
    return Pack(language, (), {}, Spelling(), re.compile("x"), function_words=frozenset(words.split()))


ENGLISH, GERMAN = a_pack("en", "the is a it not"), a_pack("de", "der ist ein es nicht")
BOTH = {"en": ENGLISH, "de": GERMAN}


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("the parcel is not here", None, (ENGLISH,)),
        ("das Paket ist nicht da", None, (GERMAN,)),
        ("is das ein brand new the Modell", None, (ENGLISH,)),
        ("das Paket ist nicht da", "en-GB", (ENGLISH, GERMAN)),
        ("Agent!", None, (ENGLISH, GERMAN)),
        ("Agent!", "de", (ENGLISH, GERMAN)),
        ("", None, ()),
    ],
)
def test_a_pack_is_asked_when_the_text_may_be_in_its_language(text, language, expected):
    reading = read_with(text, language, BOTH)

    assert (reading.packs, reading.unscanned) == (expected, False)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("カードが盗まれました", None),
        ("Мне нужен человек", "ru"),
        ("أريد التحدث مع شخص", None),
        ("ik wil graag met een medewerker praten", None),
        ("jag vill prata med en människa", "sv-SE"),
        ("Nie chcę rozmawiać z botem, proszę o konsultanta", None),
        ("Ngomong sing jelas dhewe waelah karo uwong temenan kanggo masalah iki", None),
        ("dobrý večer", "sk"),
    ],
)
def test_a_text_nobody_here_reads_is_said_to_be_unscanned(starter, text, language):
    assert read_with(text, language, starter.packs).unscanned


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order 99812", None),
        ("AGENT AGENT", None),
        ("order 5512", "en-US"),
        ("12345", "ja"),
        ("naïve café owner here, is the invoice in my name?", None),
        ("👍👍", None),
    ],
)
def test_a_text_with_nothing_unread_is_not(starter, text, language):
    assert not read_with(text, language, starter.packs).unscanned
