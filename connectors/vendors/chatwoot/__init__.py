"""Chatwoot: agent bots and account webhooks, both directions."""

from connectors.ports import VendorAccount, VendorClient
from connectors.vendors.chatwoot.inbound import Chatwoot

ADAPTER = Chatwoot()


def make(account: VendorAccount) -> VendorClient:
    """Who calls this account back. Raises ValueError if its configuration cannot work."""
    from connectors.vendors.chatwoot.client import ChatwootClient

    return ChatwootClient(account)
