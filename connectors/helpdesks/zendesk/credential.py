"""What a Zendesk account is called with: OAuth first, e-mail and API token for as long as Zendesk takes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.helpdesks.zendesk import wire
from connectors.helpdesks.zendesk.session import ZendeskSession
from connectors.oauth import TOKEN_DEADLINE, ClientCredentials, Token, fetch_token, token_name
from connectors.ports import HelpdeskAccount

SCOPES = "read write"
TOKEN_LIFE = timedelta(hours=2)
REFRESH_LIFE = timedelta(days=30)


def credential(account: HelpdeskAccount) -> tuple[str, str] | ClientCredentials:
    """
    OAuth client credentials first. E-mail and API token still work, until Zendesk ends them on 30 April 2027 (OAuth
    migration, developer.zendesk.com, read 2026-11-21).
    """
    given = account.credentials
    if given.get("client_id") and given.get("client_secret"):
        deadline = min(account.timeout, TOKEN_DEADLINE)
        asking = ZendeskSession(wire.SYSTEM, account.base_url, deadline=deadline)
        client = {"client_id": given["client_id"], "client_secret": given["client_secret"]}
        return ClientCredentials(
            lambda: _token(asking, {"grant_type": "client_credentials", **client, "scope": SCOPES}),
            refresh=lambda old: _token(asking, {"grant_type": "refresh_token", **client, "refresh_token": old}),
            store=account.tokens,
            name=token_name(account),
        )
    if given.get("email") and given.get("api_token"):
        return f"{given['email']}/token", given["api_token"]
    raise ValueError(
        f"helpdesk {account.name!r}: Zendesk needs `oauth: {{client_id, client_secret}}`, or `email` and `api_token`"
    )


def _token(session: ZendeskSession, grant: dict[str, Any]) -> Token:
    """
    source: "Grant-type tokens", developer.zendesk.com/api-reference/ticketing/oauth, read 2026-11-21. Whether client
    credentials get a refresh token is not documented; if they do, it is used.
    """
    lives = {
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
    }
    return fetch_token(session, "/oauth/tokens", json={**grant, **lives})
