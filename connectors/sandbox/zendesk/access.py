"""
Who a call to Zendesk is made as: an OAuth access token, or an agent's e-mail with an API token.
source: Zendesk API, "Security and authentication" and "Grant type tokens", read 2026-11-21.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response

from connectors.sandbox.accounts import CREDENTIALS
from connectors.sandbox.answers import Request, json_answer
from connectors.sandbox.desk import Setup
from connectors.sandbox.zendesk.account import Account


class Access:
    """The access tokens of one account."""

    def __init__(self, setup: Setup, account: Account) -> None:
        self._setup = setup
        self._account = account
        self._tokens: dict[str, datetime] = {}  # token → when it expires

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

    def _is_valid(self, token: str) -> bool:
        expires = self._tokens.get(token)
        return token == CREDENTIALS.bearer or (expires is not None and self._setup.clock.now() < expires)

    def grant(self, request: Request) -> Response:
        """POST /oauth/tokens. Client credentials only: what a confidential client such as a gateway uses."""
        sent = _sent(request)
        if (sent.get("client_id"), sent.get("client_secret")) != (CREDENTIALS.client_id, CREDENTIALS.client_secret):
            description = "Client authentication failed due to unknown client, or no client authentication included"
            return json_answer({"error": "invalid_client", "error_description": description}, 401)
        if sent.get("grant_type") != "client_credentials":
            description = "The authorization grant type is not supported by the sandbox"
            return json_answer({"error": "unsupported_grant_type", "error_description": description}, 400)
        wanted = sent.get("expires_in")
        lifetime = wanted if isinstance(wanted, int) else int(self._setup.settings.token_lifetime_seconds)
        token = secrets.token_hex(32)
        self._tokens[token] = self._setup.clock.now() + timedelta(seconds=lifetime)
        scope = sent.get("scope") or "read write"
        return json_answer({"access_token": token, "token_type": "bearer", "scope": scope, "expires_in": lifetime})


def _sent(request: Request) -> Mapping[str, Any]:
    try:
        body = request.json_body()
    except ValueError:
        return request.form.to_dict()
    return body if isinstance(body, dict) else {}
