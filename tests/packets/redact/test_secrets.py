import random
import string

import pytest

from packets.redact import STANDARD, redact_text

# Shaped like the real ones, and valid nowhere. Put together here so that no scanner takes this file for a leak.
PREFIXED = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11AABBCC0" + "x9Y8" * 6,
    "xoxb-" + "123456789012-abcdefABCDEF",
    "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "glpat-" + "abcDEF123456ghiJKL78",
]


@pytest.mark.parametrize("secret", PREFIXED, ids=lambda s: s[:6])
def test_keys_known_by_their_prefix_are_taken_out_whole(secret):
    redacted = redact_text(f"it says {secret} here", STANDARD)

    assert redacted.text == "it says [secret removed] here"
    assert redacted.counts == {"secret": 1}


def test_a_private_key_goes_from_begin_to_end():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"

    assert redact_text(f"key:\n{key}\nthanks", STANDARD).text == "key:\n[secret removed]\nthanks"


def test_a_private_key_without_its_end_goes_to_the_end_of_the_text():
    assert redact_text("-----BEGIN PRIVATE KEY-----\nMIIEow", STANDARD).text == "[secret removed]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Password: Hunter2!", "Password: [secret removed]"),
        ("my password is hunter2, please help", "my password is [secret removed], please help"),
        ("my password is sunshine", "my password is [secret removed]"),
        ("pwd=abc123", "pwd=[secret removed]"),
        ("password for my account is Bluebird9", "password for my account is [secret removed]"),
        ('the password is "correct horse battery"', "the password is [secret removed]"),
        ("mein Passwort lautet Sommer2024.", "mein Passwort lautet [secret removed]."),
        ("mi contraseña es Gato99", "mi contraseña es [secret removed]"),
        ("mon mot de passe est Soleil1", "mon mot de passe est [secret removed]"),
        ("153531981 and my PIN is 7402.", "153531981 and my PIN is [secret removed]."),
        ("CVV 123", "CVV [secret removed]"),
        ("the verification code is 482913", "the verification code is [secret removed]"),
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer [secret removed]"),
        ("https://ana:s3cret@shop.example/", "https://ana:[secret removed]@shop.example/"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [secret removed]"),
    ],
)
def test_what_follows_the_word_password_is_taken_out(text, expected):
    assert redact_text(text, STANDARD).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "my password is not working",
        "the password is wrong",
        "mein Passwort ist falsch",
        "I want to reset my password",
        "PIN code 560001",
        "I pinned 3000 photos",
        "the secret is patience",
        "Invoice-2024-Final-Version-For-Ana-Lopez",
        "order 550e8400-e29b-41d4-a716-446655440000",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "https://shop.example/orders/A-1001/tracking",
    ],
)
def test_speaking_about_passwords_and_ordinary_long_words_stays(text):
    assert redact_text(text, STANDARD).text == text


def test_random_tokens_are_taken_out_and_words_are_not():
    rng = random.Random(7)
    tokens = ["".join(rng.choices(string.ascii_letters + string.digits, k=32)) for _ in range(200)]
    names = [
        "-".join(rng.choices(["Invoice", "Order", "Refund", "Berlin", "March", "2024", "Final"], k=5))
        for _ in range(200)
    ]

    caught = [token for token in tokens if redact_text(token, STANDARD).counts]
    mistaken = [name for name in names if redact_text(name, STANDARD).counts]

    assert len(caught) >= 190
    assert mistaken == []
