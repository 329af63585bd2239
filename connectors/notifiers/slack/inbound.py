"""
What Slack tells when somebody presses a button: verified over the raw bytes, then read. Pure.

source: Slack developer documentation, "Verifying requests from Slack" (v0, HMAC-SHA256 over `v0:timestamp:body`, five
minutes) and "block_actions payload" (a form with one field, `payload`), read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from connectors.errors import MalformedWebhook, SignatureRejected
from connectors.notifiers.slack.wire import ACTION
from connectors.ports import Press, Pressed, Webhook
from connectors.signing import fresh, hmac_hex, matching_signature

# What Slack calls it → what we call it. The button "Open" is a link: told of, and nothing needed from it.
PRESSES = {ACTION + press.value: press for press in Press}
NAME_LIMIT = 80


class SlackInbound:
    def verify(self, webhook: Webhook, secrets: Sequence[str]) -> None:
        timestamp = webhook.headers.get("x-slack-request-timestamp", "")
        signature = webhook.headers.get("x-slack-signature", "")
        fresh(timestamp, webhook.received_at)
        signed = b":".join((b"v0", timestamp.encode(), webhook.body))
        if not secrets or len(signature) > 200:
            raise SignatureRejected
        matching_signature([signature], secrets, lambda secret: "v0=" + hmac_hex(secret, signed))

    def parse(self, webhook: Webhook) -> Pressed | None:
        payload = _payload(webhook.body)
        if payload.get("type") != "block_actions":
            return None
        actions, user = payload.get("actions"), payload.get("user")
        if not isinstance(actions, list) or not isinstance(user, dict):
            raise MalformedWebhook("block_actions without actions or user")
        for action in actions:
            press = PRESSES.get(str(action.get("action_id"))) if isinstance(action, dict) else None
            if press is not None:
                return Pressed(press, _text(action, "value"), _text(user, "id"), _name(user), _reply_to(payload))
        return None


def _payload(body: bytes) -> dict[str, Any]:
    try:
        form = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=20)
        payload = json.loads(form["payload"][0])
    except (ValueError, KeyError, RecursionError):
        raise MalformedWebhook("not a form with a JSON payload") from None
    if not isinstance(payload, dict):
        raise MalformedWebhook("payload is no object")
    return payload


def _text(holder: dict[str, Any], name: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= 100:
        raise MalformedWebhook(f"an action without {name}")
    return found


def _name(user: dict[str, Any]) -> str:
    for key in ("username", "name", "id"):
        found = user.get(key)
        if isinstance(found, str) and found.strip():
            return found.strip()[:NAME_LIMIT]
    raise MalformedWebhook("a user without id")


def _reply_to(payload: dict[str, Any]) -> str | None:
    found = payload.get("response_url")
    return found if isinstance(found, str) and len(found) <= 500 else None
