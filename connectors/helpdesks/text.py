"""
What every helpdesk's `wire.py` asks of words it did not write, beyond making them harmless (packets.render.sanitise).
"""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/?_{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with a visible mark where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def email_address(text: str | None) -> str | None:
    """
    The address in lower case, or None if it is not plainly one. Strict on purpose: a helpdesk refuses the whole ticket
    for a broken address, and `^` and `=` mean something in ServiceNow's queries.
    """
    email = (text or "").strip().lower()
    return email if len(email) <= 254 and _EMAIL.fullmatch(email) else None
