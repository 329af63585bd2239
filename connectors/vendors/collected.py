"""The customer, from what a bot collected: vendors without a notion of one keep them in slots or parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.reading import key, mapping, text
from packets.event import Customer

# What bots call it, most telling name first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "customer_email", "email_address", "e-mail"),
    "phone": ("phone", "customer_phone", "phone_number", "phone-number"),
    "name": ("name", "customer_name", "full_name"),
}


def collected_customer(
    values: Any, *, user_id: str | None = None, phone: str | None = None, locale: str | None = None
) -> Customer | None:
    """None: nobody is known. Nothing of it is verified: the customer said it, or the bot guessed it."""
    found = {
        what: next((told for name in names if (told := text(mapping(values).get(name), 320))), None)
        for what, names in NAMES.items()
    }
    email = found["email"] if found["email"] and "@" in found["email"] else None
    customer = Customer(
        vendor_user_id=user_id, name=found["name"], email=email, phone=phone or key(found["phone"]), locale=locale
    )
    return customer if customer != Customer() else None
