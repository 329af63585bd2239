"""
Secrets: keys known by their prefix, private keys, what stands after "password:", and long tokens that look random.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from packets.redact.found import Found

# Prefixes the issuers publish for secret scanners. source: docs.github.com "About secret scanning" patterns,
# docs.stripe.com/keys, api.slack.com/authentication/token-types, read 2026-11-21.
_PREFIXED = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,} | glpat-[\w-]{16,} | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{16,}
    | xox[abeoprs]-[A-Za-z0-9-]{8,} | xapp-[A-Za-z0-9-]{8,}
    | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,} | whsec_[A-Za-z0-9+/=]{16,} | sk-[\w-]{20,}
    | (?:AKIA|ASIA)[0-9A-Z]{16} | AIza[\w-]{35} | SG\.[\w-]{16,64}\.[\w-]{16,}
    | (?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?
    )""",
    re.VERBOSE | re.ASCII,
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL
)
_BEARER = re.compile(r"(?i:\bbearer\s{1,4})([A-Za-z0-9._~+/=-]{16,})")
_IN_ADDRESS = re.compile(r"://[^\s/:@]{1,64}:([^\s/@]{1,128})@")

_NAMES = (
    r"password|passwort|passphrase|passwd|pwd|passcode|kennwort|contraseña|contrasena|mot\s{1,3}de\s{1,3}passe|senha|"
    r"client[ _-]?secret|secret[ _-]?(?:access[ _-]?)?key|secret(?=\s{0,3}[:=])|api[ _-]?key|"
    r"(?:access|auth)[ _-]?token"
)
_QUOTED = r"\"[^\"\n]{1,128}\"|'[^'\n]{1,128}'|“[^”\n]{1,128}”|„[^“”\n]{1,128}[“”]|«[^»\n]{1,128}»"
_WHOSE = r"(?:\s(?:for|to|für|zu|de|para|pour)(?:\s\w{1,20}){1,3}?)?"  # "password for my account is"
_LINK = r":|=|->|=>|(?i:is|ist|lautet|es|est)\b\s{0,2}:?"
_NAMED = re.compile(
    rf"(?i:(?<![^\W_])(?:{_NAMES}){_WHOSE})[\"']?\s{{0,3}}(?P<link>{_LINK})\s{{0,3}}(?P<value>{_QUOTED}|\S+)"
)
# India calls its six-digit postal code a PIN code; a card's PIN code has four.
_PIN = r"pin(?:\s(?:number|nummer)|\scode(?=\D{1,12}\d{4}(?!\d)))?"
_ONCE = r"otp|tan|(?:security|verification|one[ -]time|sicherheits|bestätigungs)[ -]?code|cvv2?|cvc2?"
_CODE = re.compile(
    rf"(?i:(?<!\w)(?:{_PIN}|{_ONCE})[\s:=]{{0,3}}(?:is|ist|lautet|es|est|was)?)[\s:=]{{0,3}}(\d{{3,8}})(?!\d|[-/.]\d)"
)
# "My password is not working" holds no password. After : or = anything does.
_ENGLISH = """
a an the my your our not no never wrong incorrect invalid expired expiring outdated too being been rejected required
needed missing blocked locked lost forgotten weak strong same correct right fine ok okay still always asked case
sensitive unknown reset changed stolen compromised
"""
_GERMAN = "falsch nicht abgelaufen ungültig gesperrt weg richtig vergessen kein zu das mein immer noch"
_SPANISH = "incorrecta incorrecto inválida caducada la una no mi errónea bloqueada"
_FRENCH = "incorrect incorrecte invalide expiré pas le mon faux oublié bloqué"
_NO_VALUES = frozenset(f"{_ENGLISH} {_GERMAN} {_SPANISH} {_FRENCH}".split())
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{24,}(?![A-Za-z0-9_-])")
_LEAST_ENTROPY = 3.7  # bits a character; English words joined by dashes have about 3.5
_LEAST_SWITCHES = 0.45  # share of neighbours of another class (a-z, A-Z, 0-9); random base 62 has about 0.6
_LOOKED_AT = 512  # characters of a token that decide


def find_secrets(text: str) -> Iterator[Found]:
    for pattern in (_PRIVATE_KEY, _PREFIXED):
        for match in pattern.finditer(text):
            yield _found(*match.span())
    for pattern in (_BEARER, _IN_ADDRESS, _CODE):
        for match in pattern.finditer(text):
            yield _found(*match.span(1))
    for match in _NAMED.finditer(text):
        start, end = _value(match)
        if start < end:
            yield _found(start, end)
    for match in _TOKEN.finditer(text):
        if looks_random(match[0][:_LOOKED_AT]):
            yield _found(*match.span())


def looks_random(token: str) -> bool:
    """Whether a token is more likely generated than made of words and numbers."""
    classes = [_class(sign) for sign in token]
    if not {"a", "A", "1"} <= set(classes):
        return False
    switches = sum(one != other and "-" not in (one, other) for one, other in pairwise(classes))
    if switches < _LEAST_SWITCHES * (len(token) - 1):
        return False
    shares = [count / len(token) for count in Counter(token).values()]
    return -sum(share * math.log2(share) for share in shares) >= _LEAST_ENTROPY


def _value(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret itself stands: without closing punctuation; empty if the sentence only speaks about it."""
    start, end = match.span("value")
    value = match["value"]
    if value[0] in "\"'“„«" and len(value) > 2 and value[-1] in "\"'”“»":
        return start, end
    bare = value.rstrip(".,;:)]}>\"'")  # ! and ? are more often part of it
    spoken_of = match["link"].strip() not in (":", "=", "->", "=>") and bare.lower() in _NO_VALUES
    # Punctuation may belong to it; where nothing else is left, it all does.
    return (start, start) if spoken_of else (start, start + len(bare) if bare else end)


def _class(sign: str) -> str:
    if sign.isdigit():
        return "1"
    return "A" if sign.isupper() else "a" if sign.islower() else "-"


def _found(start: int, end: int) -> Found:
    return Found("secret", start, end, "[secret removed]")
