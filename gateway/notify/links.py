"""
Links on cards of chats that sign nothing: each names one card and one thing to say, is signed with a secret of ours and
runs out. Opening one changes nothing (chats look at links by themselves): the page it shows has a button that posts.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from connectors.errors import SignatureRejected
from connectors.ports import Press

LIVES = timedelta(hours=48)


def make_token(secret: str, card_id: str, press: Press, made_at: datetime) -> str:
    """[A-Za-z0-9._-], fit for a path."""
    told = f"{card_id}.{press.value}.{int((made_at + LIVES).timestamp())}"
    return f"{told}.{_signature(secret, told)}"


def read_token(secret: str, token: str, now: datetime) -> tuple[str, Press]:
    """The card and what is said of it. Raises SignatureRejected: not ours, changed, or run out."""
    told, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), _signature(secret, told).encode()):
        raise SignatureRejected
    try:
        card_id, press, ends = told.split(".")
        runs_out = datetime.fromtimestamp(int(ends), UTC)
        found = Press(press)
    except (ValueError, OverflowError, binascii.Error):
        raise SignatureRejected from None
    if now > runs_out:
        raise SignatureRejected
    return card_id, found


def _signature(secret: str, told: str) -> str:
    digest = hmac.new(secret.encode(), b"baton-link:" + told.encode("utf-8", "surrogatepass"), sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
