"""
Zendesk's own webhook API: a gateway may create its webhook and read the signing secret instead of an operator doing so.
source: recorded answers of 2023 (shape), "Webhooks API", read 2026-11-21.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Response

from connectors.sandbox.answers import empty_answer, json_answer
from connectors.sandbox.target import BadTarget, Target, check_target
from connectors.sandbox.zendesk import refusals
from connectors.sandbox.zendesk.refusals import Refusal


class Subscriptions:
    """The webhooks of one account. The one made last is where the sandbox sends."""

    def __init__(self) -> None:
        self._webhooks: dict[str, dict[str, Any]] = {}
        self._secrets: dict[str, str] = {}
        self._new_target: Target | None = None

    def create(self, wanted: Mapping[str, Any], user_id: int, now: datetime) -> Response:
        """201; the secret is read with a second call."""
        endpoint = str(wanted.get("endpoint", ""))
        try:
            check_target(endpoint)
        except BadTarget as error:  # the real one takes any https address; a sandbox must not
            raise refusals.invalid_field("endpoint", f"Endpoint: {error}") from error
        webhook_id = "01SANDBOX" + secrets.token_hex(9)[:17].upper()
        shape = {
            "id": webhook_id,
            "name": wanted.get("name", ""),
            "description": wanted.get("description", ""),
            "status": wanted.get("status", "active"),
            "subscriptions": wanted.get("subscriptions") or [],
            "created_at": now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
            "created_by": str(user_id),
            "endpoint": endpoint,
            "http_method": wanted.get("http_method", "POST"),
            "request_format": wanted.get("request_format", "json"),
        }
        self._webhooks[webhook_id] = shape
        self.renew_secret(webhook_id)
        return json_answer({"webhook": shape}, 201, content_type="application/json")

    def listed(self) -> Response:
        """All of them, on one page."""
        meta = {"has_more": False, "after_cursor": None, "before_cursor": None}
        return json_answer({"webhooks": list(self._webhooks.values()), "meta": meta}, content_type="application/json")

    def secret(self, webhook_id: str) -> Response:
        """The secret in force."""
        self._known(webhook_id)
        body = {"signing_secret": {"secret": self._secrets[webhook_id], "algorithm": "SHA256"}}
        return json_answer(body, content_type="application/json")

    def renew_secret(self, webhook_id: str) -> None:
        """Make a new secret, and point the sandbox there with it."""
        webhook = self._known(webhook_id)
        self._secrets[webhook_id] = base64.b64encode(secrets.token_bytes(32)).decode()
        only = frozenset(webhook["subscriptions"]) or None
        self._new_target = Target(webhook["endpoint"], self._secrets[webhook_id], only=only)

    def delete(self, webhook_id: str) -> Response:
        """204. What is under way is still sent, nothing new is."""
        self._new_target = Target(self._known(webhook_id)["endpoint"], "", only=frozenset())
        del self._webhooks[webhook_id], self._secrets[webhook_id]
        return empty_answer(204)

    def _known(self, webhook_id: str) -> dict[str, Any]:
        if webhook_id not in self._webhooks:
            raise Refusal(refusals.not_found())
        return self._webhooks[webhook_id]

    def take_new_target(self) -> Target | None:
        """Where to send from now on, if that changed."""
        target, self._new_target = self._new_target, None
        return target
