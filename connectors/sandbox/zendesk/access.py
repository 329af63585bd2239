"""
Who a call to Zendesk is made as: an OAuth access token, or an agent's e-mail with an API token.

A grant gives a pair; using its refresh token gives a new pair and ends the old one, so two that refresh at once lock
each other out. Whether client credentials get a refresh token is not documented: here they do, as the stricter case.
source: Zendesk API, "Security and authentication", "Grant type tokens", "OAuth refresh tokens", read 2026-11-21.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.answers import Request, json_answer
from connectors.sandbox.desk import Setup
from connectors.sandbox.zendesk import refusals, shapes
from connectors.sandbox.zendesk.account import Account, Writer

REFRESH_LIFE = timedelta(days=30)
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Pair:
    """One access token and the refresh token that came with it."""

    token_id: int
    refresh: str
    scope: str
    created_at: datetime
    ends_at: datetime
    refresh_ends_at: datetime


class Access:
    """The access tokens of one account."""

    def __init__(self, setup: Setup, account: Account) -> None:
        self._setup = setup
        self._account = account
        self._pairs: dict[str, Pair] = {}  # by access token

    def user_id(self, request: Request) -> int | None:
        """Whose call this is; None = nobody's. An API token may act as any agent: the e-mail decides."""
        authorization = request.authorization
        if authorization is None:
            return None
        if authorization.type == "bearer":
            return self._account.service_user_id if self._is_valid(authorization.token or "") else None
        name = authorization.username or ""
        if authorization.type != "basic" or authorization.password != CREDENTIALS.api_token:
            return None
        user = self._account.user_by_email(name.removesuffix("/token")) if name.endswith("/token") else None
        return int(user["id"]) if user and user["role"] != "end-user" else None

    def may(self, request: Request) -> bool:
        """Whether the token's scope reaches to this method. Scopes of single resources are left out."""
        pair = self._pair(request)
        return pair is None or ("read" if request.method in READING else "write") in pair.scope.split()

    def _is_valid(self, token: str) -> bool:
        pair = self._pairs.get(token)
        return token == CREDENTIALS.bearer or (pair is not None and self._setup.clock.now() < pair.ends_at)

    def _pair(self, request: Request) -> Pair | None:
        authorization = request.authorization
        is_bearer = authorization is not None and authorization.type == "bearer"
        return self._pairs.get(authorization.token or "") if authorization and is_bearer else None

    def grant(self, request: Request) -> Response:
        """POST /oauth/tokens: client credentials, or a refresh token. What a confidential client uses."""
        sent = _sent(request)
        if (sent.get("client_id"), sent.get("client_secret")) != (CREDENTIALS.client_id, CREDENTIALS.client_secret):
            description = "Client authentication failed due to unknown client, or no client authentication included"
            return json_answer({"error": "invalid_client", "error_description": description}, 401)
        if sent.get("grant_type") == "client_credentials":
            return self._new_pair(sent, str(sent.get("scope") or "read write"))
        if sent.get("grant_type") == "refresh_token":
            return self._refreshed(sent)
        description = "The authorization grant type is not supported by the sandbox"
        return json_answer({"error": "unsupported_grant_type", "error_description": description}, 400)

    def _refreshed(self, sent: Mapping[str, Any]) -> Response:
        """The old pair is deleted, access token too."""
        now = self._setup.clock.now()
        old = next((t for t, pair in self._pairs.items() if pair.refresh == sent.get("refresh_token")), None)
        if old is None or now >= self._pairs[old].refresh_ends_at:
            description = "The provided refresh token is invalid, expired, or was issued to another client"
            return json_answer({"error": "invalid_grant", "error_description": description}, 400)
        return self._new_pair(sent, self._pairs.pop(old).scope)

    def _new_pair(self, sent: Mapping[str, Any], scope: str) -> Response:
        now = self._setup.clock.now()
        lifetime = _seconds(sent.get("expires_in"), self._setup.settings.token_lifetime_seconds)
        refresh_life = _seconds(sent.get("refresh_token_expires_in"), REFRESH_LIFE.total_seconds())
        token, refresh = secrets.token_hex(32), secrets.token_hex(32)
        ends, refresh_ends = now + timedelta(seconds=lifetime), now + timedelta(seconds=refresh_life)
        self._pairs[token] = Pair(self._account.next_id(), refresh, scope, now, ends, refresh_ends)
        told = {"access_token": token, "refresh_token": refresh, "token_type": "bearer", "scope": scope}
        return json_answer({**told, "expires_in": lifetime, "refresh_token_expires_in": refresh_life})

    def show_current(self, request: Request, by: Writer) -> Response:
        """GET /api/v2/oauth/tokens/current: of the token itself only its beginning (OpenAPI, OauthTokenObject)."""
        pair = self._pair(request)
        if pair is None:
            return refusals.not_found()
        token = (request.authorization.token or "")[:10] if request.authorization else ""
        shape = {
            "url": f"{by.base}/api/v2/oauth/tokens/{pair.token_id}.json",
            "id": pair.token_id,
            "user_id": by.user_id,
            "client_id": 41,
            "token": token,
            "refresh_token": pair.refresh[:10],
            "created_at": shapes.stamp(pair.created_at),
            "expires_at": shapes.stamp(pair.ends_at),
            "used_at": shapes.stamp(self._setup.clock.now()),
            "scopes": pair.scope.split(),
        }
        return json_answer({"token": shape})


def _seconds(wanted: object, otherwise: float) -> int:
    return wanted if isinstance(wanted, int) and not isinstance(wanted, bool) else int(otherwise)


def _sent(request: Request) -> Mapping[str, Any]:
    try:
        body = request.json_body()
    except ValueError:
        return request.form.to_dict()
    return body if isinstance(body, dict) else {}
