"""
What every helpdesk's `wire.py` does to words it did not write: everything from a transcript is hostile text.
"""

from __future__ import annotations

import re
import unicodedata

# Control characters and surrogates break JSON consumers; bidi overrides make an agent read another text than was sent.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/?_{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")


def clean(text: str) -> str:
    """Text without the characters nobody should have to read; line ends are \\n."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", text))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a visible mark where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def email_address(text: str | None) -> str | None:
    """
    The address in lower case, or None if it is not plainly one. Strict on purpose: a helpdesk refuses the whole ticket
    for a broken address, and `^` and `=` mean something in ServiceNow's queries.
    """
    email = (text or "").strip().lower()
    return email if len(email) <= 254 and _EMAIL.fullmatch(email) else None
