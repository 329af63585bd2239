"""
The keys Microsoft signs its calls with: fetched from where its OpenID document says, kept for a day, and looked for
again when a call names a key we do not know, at most once an hour. While they cannot be fetched the old ones count.

source: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication,
microsoft/botbuilder-python@e07ec54e botframework/connector/auth, read 2026-11-21.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt

from connectors.errors import ConnectorError, Unavailable
from connectors.http import HardenedSession
from connectors.reading import key, mapping, rows, text, texts

FRESH_FOR = timedelta(days=1).total_seconds()
LOOK_AGAIN_AFTER = timedelta(hours=1).total_seconds()
RETRY_AFTER = 60.0  # seconds between tries while they cannot be fetched and the old ones count
FIRST_RETRY_AFTER = 5.0  # and while there are no old ones: callers must not queue up for one time-out after the other
DEADLINE = timedelta(seconds=4)  # a bot waits for our answer meanwhile


@dataclass(frozen=True, slots=True)
class Signer:
    """One public key. endorsements: the channels it may speak for."""

    key: Any = field(repr=False)
    endorsements: frozenset[str] = frozenset()


@dataclass
class _Kept:
    signers: Mapping[str, Signer] = field(default_factory=dict)
    fetched_at: float | None = None
    tried_at: float | None = None


def fetch_signers(metadata_url: str) -> Mapping[str, Signer]:
    """
    The keys of one OpenID document, by key id. They must stand at the same host as the document.
    Raises ConnectorError.
    """
    parts = urlsplit(metadata_url)
    session = HardenedSession("Microsoft's keys", f"{parts.scheme}://{parts.netloc}", deadline=DEADLINE)
    named = text(mapping(session.call("GET", parts.path).json).get("jwks_uri")) or ""
    where = urlsplit(named)
    if (where.scheme, where.netloc) != (parts.scheme, parts.netloc):
        raise Unavailable("Microsoft's keys", f"{parts.netloc} names no keys at its own host")
    path = where.path + (f"?{where.query}" if where.query else "")
    return signers_of(mapping(session.call("GET", path).json))


def signers_of(key_set: Mapping[str, Any]) -> Mapping[str, Signer]:
    """The RSA keys of a JWK set; what is no such key is left out."""
    found = {}
    for row in rows(key_set.get("keys")):
        kid = key(row.get("kid"))
        if kid is None or row.get("kty") != "RSA":
            continue
        try:
            found[kid] = Signer(jwt.PyJWK(dict(row), algorithm="RS256").key, frozenset(texts(row.get("endorsements"))))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # one unreadable key must not shut out the others
    return found


class KeySets:
    """
    Keys by their OpenID document. fetch: raises ConnectorError. Threads may share it; one fetches, the others wait.
    """

    def __init__(
        self,
        fetch: Callable[[str], Mapping[str, Signer]] = fetch_signers,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def signer(self, metadata_url: str, kid: str) -> Signer | None:
        """None: they have no such key. Raises ConnectorError if nothing is known and nothing can be fetched."""
        with self._lock:
            kept = self._kept.setdefault(metadata_url, _Kept())
            if self._is_due(kept, kid):
                self._refresh(kept, metadata_url)
            if kept.fetched_at is None:
                raise Unavailable("Microsoft's keys", "could not be fetched a moment ago")
            return kept.signers.get(kid)

    def _is_due(self, kept: _Kept, kid: str) -> bool:
        now = self._clock()
        pause = FIRST_RETRY_AFTER if kept.fetched_at is None else RETRY_AFTER
        if kept.tried_at is not None and now - kept.tried_at < pause:
            return False
        if kept.fetched_at is None:
            return True
        age = now - kept.fetched_at
        return age >= FRESH_FOR or (kid not in kept.signers and age >= LOOK_AGAIN_AFTER)

    def _refresh(self, kept: _Kept, metadata_url: str) -> None:
        kept.tried_at = self._clock()
        try:
            kept.signers = self._fetch(metadata_url)
        except ConnectorError:
            if kept.fetched_at is None:
                raise
        else:
            kept.fetched_at = kept.tried_at
