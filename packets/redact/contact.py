"""E-mail addresses and phone numbers: kept or taken out, as the profile says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phonenumbers import PhoneNumberMatcher

from packets.redact.found import Found

# Every repetition is bounded: a text of nothing but dots and letters is still read in one go.
_EMAIL = re.compile(r"[\w.%+'-]{1,64}@(?:[\w-]{1,63}\.){1,8}\w{2,24}")
# A number called by one of these is not a phone, however many digits it has.
_OTHER_NUMBER = re.compile(
    r"(?:#|(?<!\w)(?:order|invoice|ticket|booking|reservation|reference|ref|tracking|parcel|case|account|customer|"
    r"bestellung|bestellnummer|rechnung|kundennummer|pedido|factura|commande|facture)"
    r"(?:\s*(?:number|no|nr|id|n°|nummer|número))?\.?)[\s:#=]{0,3}(?:is\s)?$",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")


def find_emails(text: str) -> Iterator[Found]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        yield Found("email", *match.span(), "[e-mail removed]")


def find_phones(text: str, region: str | None) -> Iterator[Found]:
    """region: the country whose national numbers are recognised; None = only numbers written with +."""
    if not _DIGIT.search(text):
        return
    for match in PhoneNumberMatcher(text, region):
        if not _OTHER_NUMBER.search(text[max(0, match.start - 40) : match.start]):
            yield Found("phone", match.start, match.end, "[phone removed]")
