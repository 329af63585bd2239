import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from packets.redact import STANDARD, redact_text
from packets.redact.cards import find_cards, is_card

# The card schemes' own test numbers. source: stripe.com/docs/testing and developer.paypal.com, read 2026-11-21.
TEST_CARDS = [
    "4242424242424242",
    "4012888888881881",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "30569309025904",
    "38520000023237",
    "3530111333300000",
    "6200000000000005",
    "6304000000000000",
]


@pytest.mark.parametrize("number", TEST_CARDS)
def test_test_cards_of_every_scheme_are_found(number):
    redacted = redact_text(f"I paid with {number} yesterday", STANDARD)

    assert redacted.text == f"I paid with [card ••••{number[-4:]}] yesterday"
    assert redacted.counts == {"card": 1}


@pytest.mark.parametrize(
    "written",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "4242 - 4242 - 4242 - 4242",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "4242\u00a04242\u20094242\u200b4242",
        "4242\n4242\n4242\n4242",
        "4242_4242_4242_4242",
        "4242–4242–4242–4242",
        "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢",
        "４２４２４２４２４２４２４２４２",
    ],
)
def test_a_card_is_found_however_it_is_written(written):
    assert redact_text(f"card: {written}.", STANDARD).text == "card: [card ••••4242]."


@pytest.mark.parametrize(
    "text",
    [
        "order 99812",
        "order 4242424242424241",  # fails the Luhn check
        "tracking 9400111899223100001",  # no issuer begins with 94
        "123456789012345678901234567890",  # longer than any card
        "424242424242424242424242424242424242",  # in one piece and too long
        "4242 is my house, 4242424 my customer number",
        "on 2026-03-06 15:50:00 I paid 120.50",
        "+49 30 901820 and +34 612 345 678",
    ],
)
def test_other_numbers_stay(text):
    assert redact_text(text, STANDARD).text == text


def test_a_luhn_valid_order_number_is_taken_for_the_card_it_could_be():
    assert redact_text("order 4012888888881881", STANDARD).text == "order [card ••••1881]"


def test_a_date_behind_the_card_stays():
    assert redact_text("4242 4242 4242 4242 12/27", STANDARD).text == "[card ••••4242] 12/27"


def test_two_cards_are_two():
    redacted = redact_text("4242424242424242 or 5555 5555 5555 4444?", STANDARD)

    assert redacted.text == "[card ••••4242] or [card ••••4444]?"
    assert redacted.counts == {"card": 2}


gap = st.text(st.sampled_from(" -–—._/,:;|*#•()[]\u00a0\u2009\u200b\t\n'\"+=~"), max_size=4)
around = st.text(st.characters(codec="utf-8", exclude_categories=["Nd"]), max_size=12)


@st.composite
def cards(draw):
    prefix = draw(st.sampled_from(["4", "51", "55", "2221", "2720", "34", "37", "36", "6011", "62", "3528", "5018"]))
    length = {"34": 15, "37": 15, "36": 14}.get(prefix, 16)
    body = prefix + draw(st.text("0123456789", min_size=length - 1 - len(prefix), max_size=length - 1 - len(prefix)))
    return body + luhn.calc_check_digit(body)


@st.composite
def written_cards(draw):
    number = draw(cards())
    return "".join(digit + draw(gap) for digit in number[:-1]) + number[-1]


@given(around, written_cards(), around)
def test_no_valid_card_survives_whatever_separates_its_digits(before, card, after):
    redacted = redact_text(before + card + after, STANDARD)

    digits = "".join(sign for sign in redacted.text if sign.isdecimal())
    assert redacted.counts["card"] >= 1
    assert len(digits) <= 4
    assert not list(find_cards(redacted.text))


@given(st.text(st.sampled_from("0123456789 -4[]•card"), max_size=80))
def test_redacting_twice_changes_nothing(text):
    once = redact_text(text, STANDARD).text

    assert redact_text(once, STANDARD).text == once


@given(st.text("0123456789", min_size=10, max_size=22))
def test_a_number_in_one_piece_is_a_card_only_as_a_whole(number):
    found = list(find_cards(number))

    assert bool(found) == is_card(number)
    assert not found or luhn.is_valid(number)


def work(text):
    """How many lines of our code one redaction runs: the same on every machine, busy or not."""
    import sys

    lines = Counter()

    def trace(frame, event, _):
        if event == "line":
            lines["run"] += 1
        return trace

    sys.settrace(trace)
    try:
        redact_text(text, STANDARD)
    finally:
        sys.settrace(None)
    return lines["run"]


@pytest.mark.parametrize(
    "piece",
    [
        "4 ",
        "4242424242424242 ",
        "4242 4242 4242 4242 ",
        "1-",
        "4" * 16,
        "DE89 3704 ",
        "D-E-8-9-",
        "aB1",
        "password: x ",
    ],
)
def test_twice_the_text_is_at_most_about_twice_the_work(piece):
    text = piece * (4_000 // len(piece))

    assert work(text * 2) <= 2.3 * work(text)


def test_the_result_is_plain_data():
    assert json.dumps(redact_text("4242424242424242", STANDARD).counts) == '{"card": 1}'
