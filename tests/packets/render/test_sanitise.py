import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packets.render.sanitise import cut_in_note, harmless, one_line, shortened


@pytest.mark.parametrize(
    "text", ["{{ticket.id}}", "{{{x}}}", "{% assign x = 1 %}", "{{\x00ticket.id}}", "{\x00{ticket.id}}"]
)
def test_placeholders_are_broken(text):
    clean = harmless(text)

    assert not re.search(r"\{\{|\{%|\}\}|%\}", clean)
    assert re.sub("\u200b", "", clean) == text.replace("\x00", "")


@pytest.mark.parametrize(
    ("text", "clean"),
    [("[code]<b>x</b>[/code]", "[ code ]<b>x</b>[ /code ]"), ("[CODE]", "[ CODE ]"), ("[co\x00de]", "[ code ]")],
)
def test_code_tags_of_servicenow_are_broken(text, clean):
    assert harmless(text) == clean


def test_bidi_overrides_controls_and_half_characters_are_gone():
    text = "a\u202eb\u2066c\x00d\x1b[31me\ud800f\u2069"

    assert harmless(text) == "abcd[31me\ufffdf"


def test_lines_and_tabs_stay_and_all_line_ends_are_one():
    assert harmless("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd\te"


def test_letters_are_composed():
    assert harmless("e\u0301") == "é"


def test_right_to_left_text_and_emoji_stay():
    text = "שלום 👩‍👧 مرحبا"

    assert harmless(text) == text


def test_a_field_is_one_line():
    assert one_line(" a\n b\t\u2028c ") == "a b c"


def test_shortening_is_visible_between_words_and_never_within_a_number():
    assert shortened("hello world", 11) == "hello world"
    assert shortened("hello wonderful world", 12) == "hello…"
    assert shortened("pay with 4242 4242 4242 4242 now", 24) == "pay with…"
    assert cut_in_note("word " * 100, 80).endswith("[cut here; whole in the attachment]")


@given(
    st.text(st.characters(codec=None), max_size=60) | st.text(st.sampled_from("{}%[]code/\x00\u200b\n("), max_size=40)
)
def test_done_twice_changes_nothing_and_nothing_dangerous_is_left(text):
    clean = harmless(text)

    assert harmless(clean) == clean
    assert not re.search(r"\{\{|\{%|\}\}|%\}|\[/?code\]", clean, re.IGNORECASE)
    assert not re.search("[\x00\ud800-\udfff\u202a-\u202e\u2066-\u2069]", clean)
    assert unicodedata.is_normalized("NFC", clean)


@given(st.text(max_size=60), st.integers(1, 30))
def test_a_shortened_text_keeps_its_limit(text, limit):
    assert len(shortened(text, limit)) <= limit
