"""
Signatures of webhooks, over the raw bytes and in constant time. Every failure is SignatureRejected and says no more.

source: Standard Webhooks specification (standard-webhooks/standard-webhooks, spec/standard-webhooks.md),
read 2026-11-21. The published Python library raises four kinds of errors on malformed input, so we verify ourselves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.errors import SignatureRejected

TOLERANCE = timedelta(seconds=300)  # both ways, as the reference libraries
_PREFIX = "whsec_"
_NO_KEY = "a Standard Webhooks secret is base64, usually with the prefix whsec_"


def standard_webhooks_key(secret: str) -> bytes:
    """The HMAC key of a secret, with or without `whsec_`. Raises ValueError if it is not base64, or holds nothing."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(_NO_KEY) from error
    if not key:  # anybody could sign with that
        raise ValueError(_NO_KEY)
    return key


def sign_standard_webhook(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header for one call."""
    message = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(standard_webhooks_key(secret), message, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify_standard_webhook(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> tuple[str, int]:
    """
    Check a Standard Webhooks call (`webhook-*` or `svix-*` headers, lower case).

    returns: the webhook id, and which secret matched (from 0). All secrets are computed whichever matches.
    raises:  SignatureRejected.
    """
    webhook_id = _header(headers, "id")
    timestamp = _header(headers, "timestamp")
    offered = [s.removeprefix("v1,") for s in _header(headers, "signature").split(" ") if s.startswith("v1,")]
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureRejected
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise SignatureRejected
    matched = -1
    for number, secret in enumerate(secrets):
        expected = sign_standard_webhook(secret, webhook_id, int(timestamp), body).removeprefix("v1,").encode()
        for signature in offered:
            if hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass")) and matched < 0:
                matched = number
    if matched < 0:
        raise SignatureRejected
    return webhook_id, matched


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(f"webhook-{name}") or headers.get(f"svix-{name}")
    if not value or len(value) > 4096:
        raise SignatureRejected
    return value


def matching_signature(offered: Iterable[str], secrets: Sequence[str], expected: Callable[[str], str]) -> int:
    """
    Which secret (from 0) signed: `expected(secret)` is what each would have written. Every one is computed and
    compared, whichever matches, so the time taken tells nothing. An empty secret matches nothing.
    Raises SignatureRejected.
    """
    signatures = [text.encode("utf-8", "surrogatepass") for text in offered]
    matched = -1
    for place, secret in enumerate(secrets):
        wanted = expected(secret).encode()
        for signature in signatures:
            if hmac.compare_digest(wanted, signature) and secret and matched < 0:
                matched = place
    if matched < 0:
        raise SignatureRejected
    return matched


def hmac_hex(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), message, algorithm).hexdigest()


def hmac_base64(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hmac.new(secret.encode(), message, algorithm).digest()).decode()


def fresh(timestamp: str, now: datetime, *, milliseconds: bool = False, tolerance: timedelta = TOLERANCE) -> None:
    """A signed Unix time, plain digits, at most `tolerance` from now either way. Raises SignatureRejected."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise SignatureRejected
    seconds = int(timestamp) / 1000 if milliseconds else float(timestamp)
    if abs(now.timestamp() - seconds) > tolerance.total_seconds():
        raise SignatureRejected
