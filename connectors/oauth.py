"""
OAuth tokens as an `auth` of the Session. A pair is fetched when the first call needs one, kept in a store that all
processes of the installation share, and renewed shortly before it expires or when the system refuses it earlier.

Renewing gives a new pair and deletes the old one (Zendesk, "Refresh tokens", support.zendesk.com 9182123625370, read
2026-11-21), so only the holder of the store's lease renews, and the new pair is stored before anybody uses it. How a
system is asked for a token is its own folder's.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeGuard

import requests

from connectors.errors import ConnectorError, Refused, Unauthorized, Unavailable
from connectors.http import HardenedSession
from connectors.ports import HelpdeskAccount, StoredToken, TokenStore

EARLY = 60.0  # seconds before its end at which a token counts as used up
LIFETIME_UNKNOWN = 1800.0
TOKEN_DEADLINE = timedelta(seconds=10)  # of one request for a token
LEASE = 25.0  # seconds one process may take to renew; more than the deadline of two requests
LOOK_AGAIN = 0.1
PATIENCE = 8.0  # seconds to wait for another process that renews


@dataclass(frozen=True, slots=True)
class Token:
    """What a system gave: an access token, how many seconds it lives from now, and what renews it, if anything."""

    value: str = field(repr=False)
    lives: float = LIFETIME_UNKNOWN
    refresh: str | None = field(default=None, repr=False)


class MemoryTokens:
    """A TokenStore for one process: tests, commands."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, StoredToken] = {}
        self._leases: dict[str, tuple[str, float]] = {}

    def load(self, name: str) -> StoredToken | None:
        with self._lock:
            return self._tokens.get(name)

    def lease(self, name: str, seconds: float) -> str | None:
        with self._lock:
            if name in self._leases and self._clock() < self._leases[name][1]:
                return None
            mine = uuid.uuid4().hex
            self._leases[name] = (mine, self._clock() + seconds)
            return mine

    def save(self, name: str, token: StoredToken, lease: str) -> bool:
        with self._lock:
            if self._leases.get(name, ("", 0))[0] != lease:
                return False
            self._tokens[name] = token
            del self._leases[name]
            return True

    def give_back(self, name: str, lease: str) -> None:
        with self._lock:
            if self._leases.get(name, ("", 0))[0] == lease:
                del self._leases[name]


class ClientCredentials:
    """
    fetch: asks the system for a new pair with the client's own credentials; refresh: with a refresh token. Both raise
    our errors, and must not go through a session that has this very auth. store: None = in memory, for this one alone.
    Several threads may share one; several processes share the store.
    """

    def __init__(
        self,
        fetch: Callable[[], Token],
        clock: Callable[[], float] = time.time,
        *,
        refresh: Callable[[str], Token] | None = None,
        store: TokenStore | None = None,
        name: str = "",
    ) -> None:
        self._fetch = fetch
        self._refresh = refresh
        self._clock = clock
        self._store = store or MemoryTokens()
        self._name = name
        self._lock = threading.Lock()
        self._held: StoredToken | None = None
        self._refused: str | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._current()}"
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Forget the token `request` was refused with; another thread's or another process's newer one stays."""
        with self._lock:
            if self._held and request.headers.get("Authorization") == f"Bearer {self._held.access}":
                self._refused, self._held = self._held.access, None

    def _current(self) -> str:
        with self._lock:
            if self._held is None or not self._is_good(self._held):
                self._held = self._renewed()
            return self._held.access

    def _is_good(self, token: StoredToken | None) -> bool:
        return token is not None and token.access != self._refused and self._clock() < token.ends_at

    def _renewed(self) -> StoredToken:
        """The stored pair if it is good, else a new one, fetched by one process while the others wait for it."""
        given_up = time.monotonic() + PATIENCE
        while True:
            stored = self._store.load(self._name)
            if stored is not None and self._is_good(stored):
                return stored
            lease = self._store.lease(self._name, LEASE)
            if lease is not None:
                break
            if time.monotonic() >= given_up:
                raise Unavailable("OAuth", "another process is fetching an access token and has not stored it yet")
            time.sleep(LOOK_AGAIN)
        try:
            stored = self._store.load(self._name)  # whoever had the lease before may just have stored one
            if stored is not None and self._is_good(stored):
                return stored
            return self._stored(self._asked(stored), lease)
        finally:
            self._store.give_back(self._name, lease)

    def _asked(self, stored: StoredToken | None) -> Token:
        if stored is None or stored.refresh is None or self._refresh is None:
            return self._fetch()
        try:
            return self._refresh(stored.refresh)
        except Unauthorized:  # spent, by a renewal whose answer was lost, or expired: begin anew
            return self._fetch()

    def _stored(self, token: Token, lease: str) -> StoredToken:
        """Stored first, used afterwards: a pair that only this process knew would be lost with it."""
        kept = StoredToken(token.value, self._clock() + max(token.lives - EARLY, token.lives / 2), token.refresh)
        if not self._store.save(self._name, kept, lease):
            raise Unavailable("OAuth", "fetching an access token took longer than the lease; somebody else fetches one")
        return kept


def token_name(account: HelpdeskAccount) -> str:
    """What an account's pair is kept under: another address or another client has another pair."""
    parts = "\n".join((account.kind, account.base_url, account.credentials.get("client_id", "")))
    return f"{account.name[:60]}:{hashlib.sha256(parts.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def fetch_token(session: HardenedSession, path: str, *, json: Any = None, data: dict[str, str] | None = None) -> Token:
    """
    Ask for a token once. Refusals are Unauthorized, whatever their status: the account's configuration is wrong.
    Asking again is harmless, so an unknown outcome is Unavailable.
    """
    try:
        answer = session.call("POST", path, json=json, data=data, safe=True)
    except Refused as error:
        refused: ConnectorError = Unauthorized(
            session.system, f"no access token; check the OAuth client ({error.detail})"
        )
    else:
        told = answer.json if isinstance(answer.json, dict) else {}
        value, lives = told.get("access_token"), told.get("expires_in")
        if _is_token(value):
            seconds = float(lives) if isinstance(lives, int | float) and lives > 0 else LIFETIME_UNKNOWN
            refresh = told.get("refresh_token")
            return Token(value, seconds, refresh if _is_token(refresh) else None)
        refused = session.unclear("POST", f"POST {path} answered {answer.status} without an access token", safe=True)
    raise refused


def _is_token(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value)
