"""The key that comes with every call of a vendor that signs nothing."""

from datetime import UTC, datetime

import pytest

from connectors.errors import SignatureRejected
from connectors.ports import VendorAccount, Webhook
from connectors.standing_key import check_standing_key, key_number, with_standing_key

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
OLD, NEW = "baton:pass-ö 1", "baton:pass-2"
FORMS = [{}, {"header": "X-Shop-Key"}, {"auth": "bearer"}, {"auth": "basic"}, {"auth": "query"}]


def an_account(options, *secrets):
    return VendorAccount("shop", "rasa", secrets or (NEW, OLD), options)


def a_call(url="https://baton.example/v1/in/shop", **headers):
    return Webhook(headers, b"{}", NOW, url)


@pytest.mark.parametrize("options", FORMS)
def test_either_key_is_taken_during_a_rotation_and_it_is_known_which(options):
    by_old = with_standing_key(a_call(), an_account(options, OLD))
    by_new = with_standing_key(a_call(), an_account(options, NEW))

    assert [key_number(call, an_account(options)) for call in (by_new, by_old)] == [0, 1]


@pytest.mark.parametrize("options", FORMS)
def test_no_key_or_another_one_is_rejected(options):
    other = with_standing_key(a_call(), an_account(options, "baton:other"))

    for call in (a_call(), other):
        with pytest.raises(SignatureRejected):
            key_number(call, an_account(options))


def test_a_key_in_another_place_than_agreed_is_rejected():
    call = with_standing_key(a_call(), an_account({"auth": "query"}))

    with pytest.raises(SignatureRejected):
        key_number(call, an_account({"auth": "bearer"}))


@pytest.mark.parametrize("told", ["", "Basic", "Basic !!", "basic \udcff", "Bearer " + NEW, "Basic " + "A" * 9000])
def test_a_malformed_basic_header_is_rejected_and_raises_nothing_else(told):
    with pytest.raises(SignatureRejected):
        key_number(a_call(authorization=told), an_account({"auth": "basic"}))


def test_the_name_of_a_scheme_is_read_without_case():
    assert key_number(a_call(authorization="bearer " + NEW), an_account({"auth": "bearer"})) == 0


def test_a_broken_query_is_rejected():
    with pytest.raises(SignatureRejected):
        key_number(a_call("https://baton.example/v1/in/shop?token=%ff&&=;"), an_account({"auth": "query"}))


@pytest.mark.parametrize(
    ("options", "secrets", "said"),
    [
        ({"auth": "digest"}, ("s",), "option auth"),
        ({"auth": "basic"}, ("no-colon",), "user:password"),
        ({"header": "X Shop\n"}, ("s",), "option header"),
        ({"header": ""}, ("s",), "option header"),
    ],
)
def test_what_cannot_work_is_found_at_the_start_and_no_secret_is_quoted(options, secrets, said):
    with pytest.raises(ValueError, match=said) as failed:
        check_standing_key(VendorAccount("shop", "rasa", secrets, options))

    assert "no-colon" not in str(failed.value)
