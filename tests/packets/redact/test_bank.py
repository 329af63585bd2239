from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban

from packets.redact import STANDARD, redact_text
from packets.redact.bank import LENGTHS, find_ibans

# source: SWIFT IBAN Registry examples, read 2026-11-21.
EXAMPLES = [
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "ES9121000418450200051332",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "CH9300762011623852957",
    "MT84MALT011000012345MTLCAST001S",
]


def grouped(number, gap=" "):
    return gap.join(number[i : i + 4] for i in range(0, len(number), 4))


@pytest.mark.parametrize("number", EXAMPLES)
@pytest.mark.parametrize("write", [str, str.lower, grouped, lambda n: grouped(n, "-"), lambda n: grouped(n, ". ")])
def test_an_iban_is_found_however_it_is_written(number, write):
    redacted = redact_text(f"Please refund to {write(number)}, thanks", STANDARD)

    assert redacted.text == f"Please refund to [IBAN ••••{number[-4:]}], thanks"
    assert redacted.counts == {"iban": 1}


@pytest.mark.parametrize(
    "text",
    [
        "DE88370400440532013000",  # wrong check digits
        "order DE12345678",
        "is 22 and my order is in Iceland",
        "flight FR14 on 2026-03-06",
    ],
)
def test_what_is_no_iban_stays(text):
    assert redact_text(text, STANDARD).text == text


def test_our_lengths_are_the_registrys():
    known = {}
    for one, two in product("ABCDEFGHIJKLMNOPQRSTUVWXYZ", repeat=2):
        parts = iban._ibandb.info(f"{one}{two}00")[0][1]
        if "bban" in parts:
            sizes = [int(size) for size in "".join(c if c.isdigit() else " " for c in parts["bban"]).split()]
            known[one + two] = 4 + sum(sizes)

    assert known == LENGTHS


@given(st.sampled_from(EXAMPLES), st.data())
def test_no_valid_iban_survives_whatever_separates_its_signs(number, data):
    gap = st.text(st.sampled_from(" -–._/,:|•\u00a0\u200b\n"), max_size=4)
    written = "".join(sign + data.draw(gap) for sign in number[:-1]) + number[-1]
    around = st.text(st.characters(codec="utf-8", exclude_categories=["Nd"]), max_size=10)

    redacted = redact_text(data.draw(around) + written + data.draw(around), STANDARD)

    assert redacted.counts.get("iban") == 1
    assert not list(find_ibans(redacted.text))


@pytest.mark.parametrize("number", ["123-45-6789", "123 45 6789", "123.45.6789", "899–99–9999"])
def test_a_social_security_number_is_taken_out(number):
    redacted = redact_text(f"my number: {number}.", STANDARD)

    assert redacted.text == "my number: [social security number removed]."


@pytest.mark.parametrize(
    "number", ["000-45-6789", "666-45-6789", "900-45-6789", "123-00-6789", "123-45-0000", "123-456-789", "1123-45-6789"]
)
def test_numbers_never_issued_stay(number):
    assert redact_text(f"reference {number}", STANDARD).text == f"reference {number}"


def test_nine_digits_in_one_piece_are_one_only_where_the_words_say_so():
    assert redact_text("my SSN is 123456789", STANDARD).text == "my SSN is [social security number removed]"
    assert redact_text("order 123456789", STANDARD).text == "order 123456789"
