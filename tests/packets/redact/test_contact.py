import pytest

from packets.redact import STANDARD, STRICT, Profile, redact_text

GERMAN = Profile("strict-de", email=False, phone=False, region="DE")


def test_the_standard_profile_keeps_e_mail_and_phone():
    text = "write to ana@example.com or call +49 30 901820"

    assert redact_text(text, STANDARD).text == text


def test_the_strict_profile_takes_both_out():
    redacted = redact_text("write to ana.lopez+x@mail.example.com or call +49 30 901820", STRICT)

    assert redacted.text == "write to [e-mail removed] or call [phone removed]"
    assert redacted.counts == {"email": 1, "phone": 1}


def test_a_national_number_is_known_where_the_region_is_known():
    assert redact_text("ruf 030 901820 an", STRICT).text == "ruf 030 901820 an"
    assert redact_text("ruf 030 901820 an", GERMAN).text == "ruf [phone removed] an"


@pytest.mark.parametrize("text", ["order 99812", "order number 030 901820", "#0301234567", "Rechnung 030901820"])
def test_an_order_number_is_no_phone(text):
    assert redact_text(text, GERMAN).text == text


@pytest.mark.parametrize("text", ["a@b", "@home", "see you @ 5", "user@localhost"])
def test_not_everything_with_an_at_is_an_address(text):
    assert redact_text(text, STRICT).text == text
