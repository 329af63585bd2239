"""
Appending to the tracker of a Rasa conversation from outside: `pause` silences the bot, `resume` gives it back.

source: https://rasa.com/docs/reference/api/pro/http-api/tracker/append-events-to-a-tracker/, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, NoticeKind, VendorAccount
from packets.event import Turn

EVENTS = {NoticeKind.HANDED_OFF: "pause", NoticeKind.CONTROL_RETURNED: "resume"}


class _Session(HardenedSession):
    """The path holds the sender id, which on some channels is a phone number: errors do not show it."""

    def _called(self, request: requests.PreparedRequest) -> str:
        return f"{request.method} /conversations/…/tracker/events"


class RasaClient:
    """
    base_url: Rasa's own server, e.g. https://rasa.example:5005. credentials: `token` (its --auth-token) or `jwt`, a
    token with the role admin.
    """

    name = "rasa"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: the address of the Rasa server")
        self._token = account.credentials.get("token")
        jwt = account.credentials.get("jwt")
        headers = {"Authorization": f"Bearer {jwt}"} if jwt else {}
        self._session = _Session(account.name, account.base_url, deadline=account.timeout, headers=headers)

    def tell(self, notice: Notice) -> None:
        """
        The customer's message is not said again here: the answer to the action has said it. Pausing or resuming twice
        changes nothing. For a callback the bot goes on.
        """
        if not notice.connects and notice.kind is NoticeKind.HANDED_OFF:
            return
        path = f"/conversations/{quote(notice.vendor_conversation_id, safe='')}/tracker/events"
        params: dict[str, Any] = {"include_events": "NONE"}
        if self._token:
            params["token"] = self._token
        self._session.call("POST", path, json=[{"event": EVENTS[notice.kind]}], params=params, safe=True)

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "every call of the action server brings the whole conversation; nothing to fetch")
