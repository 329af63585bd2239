"""
Telling the server that runs Fin's channel what became of a conversation. Fin itself has no call for it: it falls silent
when `/fin/reply` is no longer called, and speaks again after `/fin/start`. Both are that server's to do.

source: intercom/Intercom-OpenAPI@88896257 descriptions/2.16/api.intercom.io.yaml (/fin/start, /fin/reply), read
2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, VendorAccount
from connectors.signing import hmac_hex
from connectors.vendors.fin.inbound import HEADER
from connectors.vendors.told import told_body
from packets.event import Turn


class FinClient:
    """base_url: an address of your server. Signed as Fin signs, so that one check does for both."""

    name = "fin"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: an address of the server that runs Fin's channel")
        self._secret = account.secrets[0]
        self._session = HardenedSession(account.name, account.base_url, deadline=account.timeout, json_answers=False)

    def tell(self, notice: Notice) -> None:
        """Any 2xx is taken. `webhook-id` is the notice's key: the same when it is told again."""
        body = told_body(notice, datetime.now(UTC))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notice.key,
            HEADER: "sha256=" + hmac_hex(self._secret, body),
        }
        self._session.call("POST", "", data=body, headers=headers, expect=range(200, 300), safe=True)

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "the Fin Agent API keeps no transcript; the server that runs the channel has it")
