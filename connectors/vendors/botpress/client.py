"""
Telling a Botpress HITL integration, at its own webhook address, which events to emit: `hitlAssigned`, `hitlStopped`,
and messages for the customer. What the integration does with them stands in the README.

source: botpress/botpress@4f4a05a0 integrations/webhook/src/index.ts (`x-bp-secret`) and
interfaces/hitl/interface.definition.ts (the events' payloads), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from packets.event import Turn


class _Session(HardenedSession):
    """The path is a capability: whoever knows it reaches the integration. Errors do not show it."""

    def _called(self, request: requests.PreparedRequest) -> str:
        return f"{request.method} to the integration's webhook"


class BotpressClient:
    """base_url: https://webhook.botpress.cloud/<id of the integration>. credentials: `secret`, its x-bp-secret."""

    name = "botpress"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: the webhook address of the HITL integration")
        if not account.credentials.get("secret"):
            raise ValueError("needs credentials: {secret}: what the integration compares x-bp-secret with")
        headers = {"x-bp-secret": account.credentials["secret"]}
        self._session = _Session(
            account.name, account.base_url, deadline=account.timeout, headers=headers, json_answers=False
        )

    def tell(self, notice: Notice) -> None:
        """The customer's message; who has taken it; that people are done. The key says whether it came before."""
        order = _order(notice)
        if order is None:
            return  # handed off without words: the bot has stopped by itself when it called startHitl
        # The message must not be said twice; the two events may come twice.
        repeatable = notice.kind in (NoticeKind.HUMAN_JOINED, NoticeKind.CONTROL_RETURNED)
        self._session.call("POST", "", json=order, expect=range(200, 300), safe=repeatable)

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "startHitl brings the whole history; there is nothing to fetch")


def _order(notice: Notice) -> dict[str, Any] | None:
    told: dict[str, Any] = {"key": notice.key, "conversationId": notice.vendor_conversation_id}
    match notice.kind:
        case NoticeKind.WAITING | NoticeKind.HANDED_OFF:
            said = {"type": "text", "payload": {"text": notice.text}}
            return {"type": "message", **told, "message": said} if notice.text else None
        case NoticeKind.HUMAN_JOINED:
            agent = {"agent": {"name": notice.agent}} if notice.agent else {}
            return {"type": "hitlAssigned", **told, **agent}
        case NoticeKind.CONTROL_RETURNED:
            done = {"summary": notice.text} if notice.text else {}  # for the bot, not for the customer
            return {"type": "hitlStopped", **told, **done}
