"""
Who may call a ServiceNow instance: Basic, or an OAuth access token.
source: ServiceNow documentation, "OAuth 2.0 with inbound REST" (Apache-2.0), read 2026-11-21.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from werkzeug.wrappers import Response

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.answers import Request, json_answer
from connectors.sandbox.desk import Setup

ACCESS_SECONDS: Final = 1799
GRANTS: Final = ("password", "refresh_token", "client_credentials")


class Access:
    """The tokens of one instance. Every call is made as the one service user."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._tokens: dict[str, datetime] = {}  # access token → when it expires
        self._refresh_tokens: set[str] = set()

    def allows(self, request: Request) -> bool:
        """Whether the call carries a good credential."""
        authorization = request.authorization
        if authorization is None:
            return False
        if authorization.type == "bearer":
            token = authorization.token or ""
            expires = self._tokens.get(token)
            return token == CREDENTIALS.bearer or (expires is not None and self._setup.clock.now() < expires)
        given = (authorization.username, authorization.password)
        return authorization.type == "basic" and given == (CREDENTIALS.user, CREDENTIALS.password)

    def grant(self, request: Request) -> Response:
        """POST /oauth_token.do, form-encoded. In its errors `error` is a string (shape unverified)."""
        form = request.form
        grant = form.get("grant_type")
        if (form.get("client_id"), form.get("client_secret")) != (CREDENTIALS.client_id, CREDENTIALS.client_secret):
            return _error("invalid_client", "access_denied")
        if grant not in GRANTS:
            return _error("unsupported_grant_type", "The grant type is not supported")
        login = (form.get("username"), form.get("password"))
        if grant == "password" and login != (CREDENTIALS.user, CREDENTIALS.password):
            return _error("server_error", "access_denied")
        if grant == "refresh_token" and form.get("refresh_token") not in self._refresh_tokens:
            return _error("server_error", "access_denied")
        return self._new_pair()

    def _new_pair(self) -> Response:
        access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        lifetime = int(min(self._setup.settings.token_lifetime_seconds, ACCESS_SECONDS))
        self._tokens[access] = self._setup.clock.now() + timedelta(seconds=lifetime)
        self._refresh_tokens.add(refresh)
        body = {"scope": "useraccount", "token_type": "Bearer", "expires_in": lifetime}
        body |= {"refresh_token": refresh, "access_token": access}
        return json_answer(body, content_type="application/json")


def _error(error: str, description: str) -> Response:
    return json_answer({"error": error, "error_description": description}, 401, content_type="application/json")
