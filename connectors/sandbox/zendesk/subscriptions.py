"""
Zendesk's own webhook API: a gateway may create its webhook and read the signing secret instead of an operator doing so.
A webhook is subscribed to events or called by triggers, never both, and cannot be switched.
source: recorded answers of 2023 (shapes), "Webhooks API", read 2026-11-21. Refusals' wordings are unverified.
"""

from __future__ import annotations

import base64
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, empty_answer, json_answer
from connectors.sandbox.target import BadTarget, Target, check_target
from connectors.sandbox.zendesk import finding, refusals
from connectors.sandbox.zendesk.refusals import Refusal

JSON = "application/json"  # this API answers without a charset (recorded)
BY_TRIGGER = "conditional_ticket_events"
CHANGEABLE = ("name", "description", "status", "subscriptions", "endpoint", "http_method", "request_format")
INVOCATIONS_KEPT = 200


class Subscriptions:
    """The webhooks of one account. The event-subscribed one made last is where the sandbox sends events."""

    def __init__(self) -> None:
        self._webhooks: dict[str, dict[str, Any]] = {}
        self._secrets: dict[str, str] = {}
        self._invocations: dict[str, deque[dict[str, Any]]] = {}
        self._new_target: Target | None = None

    def create(self, wanted: Mapping[str, Any], user_id: int, now: datetime) -> Response:
        """201; the secret is read with a second call."""
        webhook_id = "01SANDBOX" + secrets.token_hex(9)[:17].upper()
        shape = {
            "id": webhook_id,
            "name": wanted.get("name", ""),
            "description": wanted.get("description", ""),
            "status": wanted.get("status", "active"),
            "subscriptions": _checked_subscriptions(wanted.get("subscriptions") or []),
            "created_at": now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
            "created_by": str(user_id),
            "endpoint": _checked_endpoint(wanted.get("endpoint", "")),
            "http_method": wanted.get("http_method", "POST"),
            "request_format": wanted.get("request_format", "json"),
        }
        self._webhooks[webhook_id] = shape
        self._invocations[webhook_id] = deque(maxlen=INVOCATIONS_KEPT)
        self.renew_secret(webhook_id)
        return json_answer({"webhook": shape}, 201, content_type=JSON)

    def listed(self) -> Response:
        """All of them, on one page."""
        meta = {"has_more": False, "after_cursor": None, "before_cursor": None}
        return json_answer({"webhooks": list(self._webhooks.values()), "meta": meta}, content_type=JSON)

    def show(self, webhook_id: str) -> Response:
        """One of them."""
        return json_answer({"webhook": self._known(webhook_id)}, content_type=JSON)

    def change(self, webhook_id: str, wanted: Mapping[str, Any]) -> Response:
        """204. The kind of subscription stays what it was."""
        webhook = self._known(webhook_id)
        changes = {key: wanted[key] for key in CHANGEABLE if key in wanted}
        if "endpoint" in changes:
            _checked_endpoint(changes["endpoint"])
        if "subscriptions" in changes:
            was_by_trigger = BY_TRIGGER in webhook["subscriptions"]
            if (BY_TRIGGER in _checked_subscriptions(changes["subscriptions"])) != was_by_trigger:
                raise refusals.invalid_field("subscriptions", "Subscriptions: the kind cannot be changed")
        webhook.update(changes)
        self._point(webhook_id)
        return empty_answer(204)

    def secret(self, webhook_id: str) -> Response:
        """The secret in force."""
        self._known(webhook_id)
        body = {"signing_secret": {"secret": self._secrets[webhook_id], "algorithm": "SHA256"}}
        return json_answer(body, content_type=JSON)

    def renew_secret(self, webhook_id: str) -> None:
        """Make a new secret, and point the sandbox there with it."""
        self._known(webhook_id)
        self._secrets[webhook_id] = base64.b64encode(secrets.token_bytes(32)).decode()
        self._point(webhook_id)

    def delete(self, webhook_id: str) -> Response:
        """204. What is under way is still sent, nothing new is."""
        if BY_TRIGGER not in self._known(webhook_id)["subscriptions"]:
            self._new_target = Target(self._webhooks[webhook_id]["endpoint"], "", only=frozenset())
        del self._webhooks[webhook_id], self._secrets[webhook_id], self._invocations[webhook_id]
        return empty_answer(204)

    def invocations(self, webhook_id: str, request: Request) -> Response:
        """What became of the deliveries, newest first."""
        self._known(webhook_id)
        page = finding.page_of(list(self._invocations[webhook_id]), request)
        meta = page.rest.get("meta", {"has_more": False, "after_cursor": None})
        links = {"next": page.rest.get("links", {}).get("next")}
        return json_answer({"meta": meta, "links": links, "invocations": page.rows}, content_type=JSON)

    def _known(self, webhook_id: str) -> dict[str, Any]:
        if webhook_id not in self._webhooks:
            raise Refusal(refusals.not_found())
        return self._webhooks[webhook_id]

    # Where the sandbox sends

    def _point(self, webhook_id: str) -> None:
        webhook = self._webhooks[webhook_id]
        if BY_TRIGGER not in webhook["subscriptions"]:
            self._new_target = self._target(webhook_id, frozenset(webhook["subscriptions"]) or None)

    def _target(self, webhook_id: str, only: frozenset[str] | None) -> Target:
        webhook = self._webhooks[webhook_id]
        wanted = only if webhook["status"] == "active" else frozenset()
        return Target(webhook["endpoint"], self._secrets[webhook_id], only=wanted)

    def take_new_target(self) -> Target | None:
        """Where to send events from now on, if that changed."""
        target, self._new_target = self._new_target, None
        return target

    def trigger_target(self, webhook_id: str) -> Target | None:
        """Where a trigger that names this webhook sends; None: it cannot be called by triggers."""
        webhook = self._webhooks.get(webhook_id)
        return self._target(webhook_id, None) if webhook and BY_TRIGGER in webhook["subscriptions"] else None

    def of_events(self) -> str | None:
        """The webhook that events go to."""
        subscribed = [i for i, webhook in self._webhooks.items() if BY_TRIGGER not in webhook["subscriptions"]]
        return subscribed[-1] if subscribed else None

    def recorder(self, webhook_id: str, invocation: str, now: Callable[[], datetime]) -> Callable[[int | None], None]:
        """Takes down what one attempt came to: `terminated` after an answer, as recorded; without one no status."""

        def record(status: int | None) -> None:
            kept = self._invocations.get(webhook_id)
            if kept is None:
                return
            shape: dict[str, Any] = {"id": invocation}
            shape |= {"status_code": status} if status is not None else {}
            shape |= {"status": "terminated", "latest_completed_at": now().strftime("%Y-%m-%dT%H:%M:%SZ")}
            kept.appendleft(shape)

        return record


def _checked_endpoint(endpoint: object) -> str:
    try:
        check_target(str(endpoint))
    except BadTarget as error:  # the real one takes any https address; a sandbox must not
        raise refusals.invalid_field("endpoint", f"Endpoint: {error}") from error
    return str(endpoint)


def _checked_subscriptions(subscriptions: object) -> list[str]:
    if not isinstance(subscriptions, list) or not all(isinstance(one, str) for one in subscriptions):
        raise refusals.invalid_field("subscriptions", "Subscriptions: is invalid")
    if BY_TRIGGER in subscriptions and len(subscriptions) > 1:
        raise refusals.invalid_field("subscriptions", "Subscriptions: events and triggers cannot be combined")
    return subscriptions
