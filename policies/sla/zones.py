"""The time zone a customer is known to live in, from the attributes a vendor tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

ZONE_ATTRIBUTES = ("time_zone", "timezone")  # of the customer, the first that names a zone


def zone_of_customer(attributes: Mapping[str, Any]) -> str | None:
    """The first of them that names a zone."""
    return next((name for key in ZONE_ATTRIBUTES if (name := iana(attributes.get(key))) is not None), None)


def iana(told: object) -> str | None:
    """An IANA name (Europe/Berlin). An offset, an abbreviation or anything else is no zone: its clocks never change."""
    # Areas and UTC. What has no slash (EST, Japan, GMT0) is kept in the table for old programs only.
    if not isinstance(told, str) or ("/" not in told and told != "UTC"):
        return None
    try:
        return ZoneInfo(told).key
    except (LookupError, ValueError, OSError):  # unknown, no file name at all, a folder of the table
        return None
