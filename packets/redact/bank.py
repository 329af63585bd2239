"""
Bank and identity numbers: IBANs (mod 97 and the country's own structure, however written) and US social security
numbers (never issued ranges left out, so that an order number is not taken for one).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from stdnum import iban

from packets.redact.found import WIDEST_GAP, Found

# Two letters and two digits with anything short between them; overlapping, so looked at from every place.
_IBAN_START = re.compile(r"(?=[^\W\d_][\W_]{0,4}[^\W\d_][\W_]{0,4}\d[\W_]{0,4}\d)")
# How long each country's IBAN is, so that every place in a text costs one check. A test compares this with stdnum's
# own table. source: SWIFT IBAN Registry, release 101, as in python-stdnum 2.2 (iban.dat), read 2026-11-21.
_LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24
FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32
LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24
RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
LENGTHS = {word[:2]: int(word[2:]) for word in _LENGTHS.split()}

_SSN = re.compile(
    r"(?<!\d)(?<!\d[-–. ])(?!000|666|9)(\d{3})([-–. ])(?!00)\d{2}\2(?!0000)\d{4}(?![-–.]?\d)",
    re.ASCII,
)
# In one piece it looks like any number: only where the words before it say so.
_NAMED_SSN = re.compile(
    r"(?i:\b(?:ssn|social\s+security(?:\s+(?:number|no\.?|#))?))[^\w\n]{0,4}(?i:(?:is|was|number)?)[^\w\n]{0,4}"
    r"((?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4})(?!\d)",
    re.ASCII,
)


def find_ibans(text: str) -> Iterator[Found]:
    past = 0
    for match in _IBAN_START.finditer(text):
        start = match.start()
        end_of = _iban_at(text, start) if start >= past else None
        if end_of:
            past, number = end_of
            yield Found("iban", start, past, f"[IBAN ••••{number[-4:]}]")


def find_ssns(text: str) -> Iterator[Found]:
    for match in _SSN.finditer(text):
        yield Found("ssn", *match.span(), "[social security number removed]")
    for match in _NAMED_SSN.finditer(text):
        yield Found("ssn", *match.span(1), "[social security number removed]")


def _iban_at(text: str, start: int) -> tuple[int, str] | None:
    """The end and the compact form of the IBAN that begins here."""
    length = LENGTHS.get(_collect(text, start, 2)[0])
    if length is None:
        return None
    number, end = _collect(text, start, length)
    # The cheap sum first: the structure check costs fifty times as much.
    if len(number) == length and _sums_to_one(number) and iban.is_valid(number, check_country=False):
        return end, number
    return None


def _collect(text: str, start: int, most: int) -> tuple[str, int]:
    """Up to `most` letters and digits from `start` as plain capitals, and the place after the last of them."""
    signs = ""
    end, gap = start, 0
    for place in range(start, min(len(text), start + most * (WIDEST_GAP + 1))):
        sign = text[place] if text[place].isascii() else unicodedata.normalize("NFKC", text[place])
        if not sign.isalnum():
            gap += 1
            if gap > WIDEST_GAP:
                break
            continue
        if len(sign) != 1 or not sign.isascii():
            break
        signs, end, gap = signs + sign.upper(), place + 1, 0
        if len(signs) == most:
            break
    return signs, end


def _sums_to_one(number: str) -> bool:
    if not number[2:4].isdigit():
        return False
    return int("".join(str(int(sign, 36)) for sign in number[4:] + number[:4])) % 97 == 1
