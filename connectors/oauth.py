"""
OAuth's client-credentials grant as an `auth` of the Session: a token is fetched when the first call needs one, kept in
memory until shortly before it expires, and renewed once if the system refuses it earlier. How a system is asked for a
token is its own folder's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.errors import ConnectorError, Refused, Unauthorized
from connectors.http import HardenedSession

EARLY = 60.0  # seconds before its end at which a token counts as used up
LIFETIME_UNKNOWN = 1800.0


@dataclass(frozen=True, slots=True)
class Token:
    """One access token and how many seconds it lives from now."""

    value: str = field(repr=False)
    lives: float = LIFETIME_UNKNOWN


class ClientCredentials:
    """
    fetch: asks the system for a token; raises our errors. It must not go through a session that has this very auth.
    Several threads may share it; only one fetches at a time.
    """

    def __init__(self, fetch: Callable[[], Token], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._value: str | None = None
        self._ends = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._current()}"
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Forget the token `request` was refused with; another thread's newer one stays."""
        with self._lock:
            if request.headers.get("Authorization") == f"Bearer {self._value}":
                self._value = None

    def _current(self) -> str:
        with self._lock:
            if self._value is None or self._clock() >= self._ends:
                token = self._fetch()
                self._value = token.value
                self._ends = self._clock() + max(token.lives - EARLY, token.lives / 2)
            return self._value


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
        if isinstance(value, str) and value.isascii() and value.isprintable() and value:
            return Token(value, float(lives) if isinstance(lives, int | float) and lives > 0 else LIFETIME_UNKNOWN)
        refused = session.unclear("POST", f"POST {path} answered {answer.status} without an access token", safe=True)
    raise refused
