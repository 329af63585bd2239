"""One call in, as it came, and what its signature proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    One call in, exactly as it came. Header names are lower case; `body` is the raw bytes.

    url: the address as the caller wrote it, query included; some vendors sign it.
    """

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """
    dedupe_key: the same for every re-delivery of this call, different for every other call of the source.
    key_number: which of the configured secrets matched, counted from 0 (for "is the old one still used?").
    """

    dedupe_key: str
    key_number: int = 0
