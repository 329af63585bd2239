"""
Telling a canonical vendor what became of its conversation: the same Standard Webhooks, in the other direction.

Posted to the source's `base_url`, signed with its first secret; `webhook-id` is the notice's key, so that whoever gets
it twice can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from connectors.errors import Refused
from connectors.http import HardenedSession
from connectors.ports import Notice, VendorAccount
from connectors.signing import sign_standard_webhook
from connectors.vendors.told import told_body
from packets.event import Turn


class CanonicalClient:
    """One canonical source with a `base_url` that takes webhooks."""

    name = "canonical"

    def __init__(self, account: VendorAccount) -> None:
        if not account.base_url:
            raise ValueError("needs base_url: where its webhooks are taken")
        self._secret = account.secrets[0]
        self._session = HardenedSession(account.name, account.base_url, deadline=account.timeout, json_answers=False)

    def tell(self, notice: Notice) -> None:
        """Any 2xx is taken. Raises as VendorClient says."""
        now = datetime.now(UTC)
        body = told_body(notice, now)
        stamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notice.key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign_standard_webhook(self._secret, notice.key, stamp, body),
        }
        self._session.call("POST", "", data=body, headers=headers, expect=range(200, 300), safe=True)

    def turns(self, vendor_conversation_id: str, refs: Mapping[str, str]) -> tuple[Turn, ...]:
        raise Refused(self.name, "a canonical vendor sends its transcript itself; there is nothing to fetch")
