"""
By what a customer is recognised again: hashes of the identifiers a vendor tells, so that no table of ours lists them.

An e-mail address or a number that a vendor says nobody has checked (`authenticated: false`) recognises nobody: anybody
can type it. The vendor's own user id holds within its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from packets.event import Customer

# What bots send for somebody they do not know; as an identifier it would make one customer of all of them.
_NOBODY = frozenset(
    (
        "anonymous",
        "anon",
        "guest",
        "unknown",
        "none",
        "null",
        "undefined",
        "n/a",
        "visitor",
        "user",
        "default",
        "0",
        "-",
    )
)
_PHONE = re.compile(r"(?:\+|00)(\d{7,15})")


def keys_of(customer: Customer, source: str) -> tuple[str, ...]:
    """The hashes of all identifiers that are known, sorted. Empty: nobody knows who this is."""
    return tuple(sorted(_digest(*told) for told in _identifiers(customer, source)))


def conversation_key(source: str, vendor_conversation_id: str) -> str:
    """For what somebody asks for whom nothing else is known: it holds for the same conversation."""
    return _digest("conversation", source, vendor_conversation_id)


def keys_like(identifier: str) -> tuple[str, ...]:
    """
    Every key this may be: an e-mail address, a phone number, the owner's own customer id, or `<source>:<user id>`. For
    a person who looks a customer up.
    """
    source, colon, user_id = identifier.partition(":")
    customer = Customer(user_id if colon else None, identifier, email=identifier, phone=identifier)
    return keys_of(customer, source)


def _identifiers(customer: Customer, source: str) -> Iterator[tuple[str, ...]]:
    if _is_somebody(customer.vendor_user_id):
        yield "vendor_user_id", source, str(customer.vendor_user_id).strip()
    if customer.authenticated is False:
        return
    if _is_somebody(customer.external_id):
        yield "external_id", str(customer.external_id).strip()
    if customer.email and "@" in customer.email:
        yield "email", customer.email.strip().casefold()
    if customer.phone and (found := _PHONE.fullmatch(re.sub(r"[\s().\-/]", "", customer.phone))):
        yield "phone", found[1]


def _is_somebody(told: str | None) -> bool:
    return told is not None and told.strip().casefold() not in _NOBODY and bool(told.strip())


@lru_cache(maxsize=4096)
def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
